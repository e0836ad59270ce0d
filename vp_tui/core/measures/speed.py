"""Speed of two arms from paired blocks: block seconds in, ratios and a confidence interval out.

The two arms encode the same blocks in ABBA order, so slow drifts (clocks, temperature, other load)
fall on both; the interval resamples blocks, not packs, because packs of one block share their moment.
"""

from collections.abc import Sequence

import numpy as np

from vp_tui.core.events import Speedup, SpeedVerdict
from vp_tui.core.thresholds import Thresholds

RESAMPLES = 2_000
MIN_BLOCKS = 5
"""Fewer paired blocks give no interval: a bootstrap of four values has 35 distinct outcomes."""


def tokens_per_s(tokens: int, seconds: float) -> float | None:
    """Rate, or None before anything was timed."""
    return tokens / seconds if tokens > 0 and seconds > 0 else None


def ratio(candidate: float | None, reference: float | None) -> float | None:
    """candidate / reference, or None when either is missing or zero."""
    return candidate / reference if candidate and reference else None


def ratio_interval(reference_s: Sequence[float], candidate_s: Sequence[float]) -> tuple[float, float] | None:
    """95 % percentile bootstrap of sum(reference) / sum(candidate) over paired block seconds.

    The generator is seeded with a constant: the same blocks give the same interval.
    """
    reference_B, candidate_B = np.asarray(reference_s, np.float64), np.asarray(candidate_s, np.float64)
    if len(reference_B) < MIN_BLOCKS or len(reference_B) != len(candidate_B):
        return None
    generator = np.random.Generator(np.random.PCG64(0))
    picks_RB = generator.integers(0, len(reference_B), (RESAMPLES, len(reference_B)))
    ratios_R = reference_B[picks_RB].sum(axis=1) / candidate_B[picks_RB].sum(axis=1)
    low, high = np.quantile(ratios_R, [0.025, 0.975])
    return float(low), float(high)


def judge(
    *,
    rate_ratio: float | None,
    end_to_end: float | None,
    interval: tuple[float, float] | None,
    utilization: float | None,
    limits: Thresholds,
    not_judged: str | None,
) -> Speedup:
    """P1: PASS when both ratios and the utilization reach their goals, else MISS, or NOT JUDGED with the reason.

    `utilization` is the mean in percent while encoding, None where the GPU does not report it.
    """
    if not_judged is None and (rate_ratio is None or end_to_end is None):
        not_judged = "(no timed block outside the warm-up)"
    missed = [] if not_judged else _missed(rate_ratio, end_to_end, utilization, limits)
    if not_judged:
        verdict: SpeedVerdict = "NOT JUDGED"
        reason = f"speed: not judged {not_judged}"
    elif missed:
        verdict, reason = "MISS", f"speed: {', '.join(missed)}"
    else:
        verdict, reason = "PASS", f"speed: {rate_ratio:.2f}x in tokens/s, {end_to_end:.2f}x end to end"
    return Speedup(tokens_per_s=rate_ratio, end_to_end=end_to_end, ci95=interval, verdict=verdict, reason=reason)


def _missed(
    rate_ratio: float | None, end_to_end: float | None, utilization: float | None, limits: Thresholds
) -> list[str]:
    """The goals that were missed, in words."""
    missed = []
    for value, name in ((rate_ratio, "in tokens/s"), (end_to_end, "end to end")):
        if value is not None and value < limits.speedup:
            missed.append(f"{value:.2f}x {name}, below the goal of {limits.speedup:g}x")
    if utilization is not None and utilization < limits.gpu_utilization:
        missed.append(f"GPU utilization {utilization:.0f} %, below the goal of {limits.gpu_utilization:g} %")
    return missed
