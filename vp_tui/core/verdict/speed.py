"""Speed verdict (P1) of two runs, from ratios and utilization; it never changes the accuracy verdict."""

from vp_tui.core import text as fmt
from vp_tui.core.events import Speedup, SpeedVerdict
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.thresholds import Thresholds


def judge_speed(
    *,
    rate_ratio: float | None,
    end_to_end: float | None,
    interval: tuple[float, float] | None,
    utilization: float | None,
    limits: Thresholds,
    not_judged: str | None,
) -> Speedup:
    """Return PASS when both ratios and the utilization reach their goals, else MISS, or NOT JUDGED with the reason.

    `utilization` is the mean in percent while encoding, None where the GPU does not report it.
    """
    if not_judged is None and (rate_ratio is None or end_to_end is None):
        not_judged = "(no timed block outside the warm-up)"
    ratios = f"{fmt.ratio(rate_ratio)} in tokens/s, {fmt.ratio(end_to_end)} end to end"
    missed = [] if not_judged else _missed(rate_ratio, end_to_end, utilization, limits)
    if not_judged:
        verdict: SpeedVerdict = "NOT JUDGED"
        reason = f"speed: not judged {not_judged}"
    elif missed:
        verdict, reason = "MISS", f"speed: {ratios}; {', '.join(missed)}"
    else:
        verdict, reason = "PASS", f"speed: {ratios}"
    return Speedup(tokens_per_s=rate_ratio, end_to_end=end_to_end, ci95=interval, verdict=verdict, reason=reason)


def _missed(
    rate_ratio: float | None, end_to_end: float | None, utilization: float | None, limits: Thresholds
) -> list[str]:
    missed = []
    for value, name in ((rate_ratio, "in tokens/s"), (end_to_end, "end to end")):
        if value is not None and value < limits.fail(P1):
            missed.append(f"below the goal of {fmt.limit(limits.fail(P1))}x {name}")
    if utilization is not None and utilization < limits.fail(P1_GPU):
        goal = fmt.limit(limits.fail(P1_GPU))
        missed.append(f"GPU utilization {fmt.percent(utilization, of=100)}, below the goal of {goal}%")
    return missed
