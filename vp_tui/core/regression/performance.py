"""Verdict on performance, per metric and in total."""

from collections.abc import Mapping, Sequence

from vp_tui.core import text as fmt
from vp_tui.core.regression.calibration import Noise, usable
from vp_tui.core.regression.contrasts import Contrast, adjusted, contrasts
from vp_tui.core.regression.control import decided, too_noisy
from vp_tui.core.regression.metrics import PRIMARY, name_and_scope
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import RunSample, Side
from vp_tui.core.regression.statistics import OneSided
from vp_tui.core.regression.verdicts import Item, Outcome, Part, worst

_OPENINGS: dict[Outcome, str] = {
    "NOT_COMPARABLE": "performance is not comparable",
    "REGRESSED": "performance regressed",
    "SUSPECT": "performance is suspect",
    "INCONCLUSIVE": "performance is inconclusive",
    "IMPROVED": "performance improved",
    "EQUIVALENT": "performance is equivalent",
}


def judge_performance(base: Side, cand: Side, *, rule: Rule, calibration: Mapping[str, Noise]) -> Part:
    """Compare all metrics of either side; the keys are known to be equal.

    The primary metric decides at rule.alpha. A secondary one, under Holm, can make the part REGRESSED or SUSPECT, or,
    if the primary is decided, IMPROVED. A secondary one that is INCONCLUSIVE from noise becomes a note; one with a
    value on one side only leaves the part INCONCLUSIVE: a missing number never passes.
    """
    base_runs, base_notes = usable(base.runs)
    cand_runs, cand_notes = usable(cand.runs)
    notes = (*base_notes, *cand_notes, *_shared(base_runs, cand_runs))
    found = contrasts(base_runs, cand_runs, rule=rule, calibration=calibration)
    if not found:
        rates = [run.performance.get(name) for run in (*base.runs, *cand.runs) for name in PRIMARY]
        return _unmeasured(base_runs, cand_runs, notes) if any(rates) else _without_times()
    same_session = _share_a_session(base_runs, cand_runs)
    items = tuple(
        _item(contrast, p, rule, same_session=same_session) for contrast, p in zip(found, adjusted(found), strict=True)
    )
    outcome = _outcome(found, items)
    decisive = next(item for item in items if item.outcome == outcome)
    others = sum(item.outcome == outcome for item in items) - 1
    more = f" (and {others} more of {len(items)} metrics)" if others and outcome in {"REGRESSED", "SUSPECT"} else ""
    return Part(
        outcome=outcome,
        sentence=f"{_OPENINGS[outcome]}: {decisive.reason}{more}",
        items=items,
        notes=(*notes, *_days(found, same_session=same_session), *_open(items, outcome)),
    )


def _unmeasured(base: Sequence[RunSample], cand: Sequence[RunSample], notes: tuple[str, ...]) -> Part:
    """Return the part when no run has a value or valid times."""
    outcome: Outcome = "NOT_COMPARABLE" if base and cand else "INCONCLUSIVE"
    reason = (
        "no run has a value"
        if base and cand
        else f"{len(base)} against {fmt.plural(len(cand), 'run')} with valid times; one per side is needed"
    )
    return Part(outcome=outcome, sentence=f"{_OPENINGS[outcome]}: {reason}", notes=notes)


def _without_times() -> Part:
    """Return the part when no run was timed at all, as those of judged embeddings: no repeat would decide it."""
    outcome: Outcome = "NOT_COMPARABLE"
    return Part(outcome=outcome, sentence=f"{_OPENINGS[outcome]}: no run has times", notes=())


def _shared(base: Sequence[RunSample], cand: Sequence[RunSample]) -> tuple[str, ...]:
    both = {run.uuid for run in base} & {run.uuid for run in cand}
    return (f"{fmt.plural(len(both), 'run')} on both sides: the two samples are not independent",) if both else ()


def _share_a_session(base: Sequence[RunSample], cand: Sequence[RunSample]) -> bool:
    """Return True if all runs are of one known session."""
    sessions = {run.session for run in (*base, *cand)}
    return len(sessions) == 1 and "" not in sessions


def _days(found: Sequence[Contrast], *, same_session: bool) -> tuple[str, ...]:
    """Return a note on sides of different sessions whose difference nothing controls."""
    if same_session or any(contrast.control is not None for contrast in found):
        return ()
    return (
        "the sides are not of one session, and days of one machine differ by about 4%: no reference run of their own "
        "controls it (--fp32-compare measures one)",
    )


def _outcome(found: Sequence[Contrast], items: Sequence[Item]) -> Outcome:
    """Return the worst outcome, ignoring inconclusive secondary metrics."""
    deciding = [
        item.outcome
        for contrast, item in zip(found, items, strict=True)
        if item.outcome != "INCONCLUSIVE"
        or contrast.is_primary
        or contrast.mode == "missing"
        or not found[0].is_primary
    ]
    return worst(deciding)


def _open(items: Sequence[Item], outcome: Outcome) -> tuple[str, ...]:
    """Return notes on inconclusive metrics of a part that is decided."""
    if outcome == "INCONCLUSIVE":
        return ()
    return tuple(f"inconclusive: {item.reason}" for item in items if item.outcome == "INCONCLUSIVE")


def _item(contrast: Contrast, p_adj: OneSided, rule: Rule, *, same_session: bool) -> Item:
    metric, tested = contrast.metric, contrast.mode != "missing"
    outcome, is_controlled = decided(contrast, p_adj, rule, same_session=same_session)
    p_directed = p_adj.greater if contrast.theta >= 0 else p_adj.less
    name, scope = name_and_scope(metric.name)
    low, high = (None, None) if contrast.shown is None else sorted(map(metric.change, contrast.shown))
    return Item(
        name=name,
        scope=scope,
        base=contrast.base,
        cand=contrast.cand,
        n_base=contrast.n_base,
        n_cand=contrast.n_cand,
        change=metric.change(contrast.theta) if tested else None,
        controlled=None if contrast.control is None else metric.change(contrast.control.theta),
        low=low,
        high=high,
        p=p_directed if tested else None,
        p_raw=(contrast.p.greater if contrast.theta >= 0 else contrast.p.less) if tested else None,
        limit=contrast.tolerance.tau,
        repeats=contrast.repeats if outcome in {"INCONCLUSIVE", "SUSPECT"} and not too_noisy(contrast, rule) else None,
        outcome=outcome,
        reason=_reason(contrast, outcome, p_directed, rule, is_controlled=is_controlled),
    )


def _reason(contrast: Contrast, outcome: Outcome, p: float, rule: Rule, *, is_controlled: bool) -> str:
    """Return the reason: tokens/s -6.1% [-7.4, -4.9], p 0.004, 5 against 5 runs, limit 5%."""
    metric, tolerance = contrast.metric, contrast.tolerance
    counts = f"{contrast.n_base} against {fmt.plural(contrast.n_cand, 'run')}"
    if contrast.mode == "missing":
        return f"{metric.title}: one side has no value ({counts})"
    span = "" if contrast.shown is None else f" {fmt.interval(*sorted(map(metric.change, contrast.shown)))}"
    holm = "" if contrast.is_primary else " adjusted"
    uncalibrated = "" if tolerance.calibrated else " without a calibration"
    return (
        f"{metric.title} {fmt.change(metric.change(contrast.theta), metric.unit)}{span}, p {fmt.p_value(p)}{holm}, "
        f"{counts}, limit {fmt.tolerance(tolerance.tau, metric.unit)}{uncalibrated}"
        f"{_controlled(contrast, is_controlled=is_controlled)}{_next_step(contrast, outcome, rule)}"
    )


def _controlled(contrast: Contrast, *, is_controlled: bool) -> str:
    """Return what the reference arm of the same runs says."""
    control, metric = contrast.control, contrast.metric
    if control is None:
        return ""
    own, other = metric.change(control.theta), metric.change(contrast.theta - control.theta)
    told = f"; relative to the reference run {fmt.change(own, metric.unit)}"
    if is_controlled:
        return told
    return f"{told}, which changed by {fmt.change(other, metric.unit)} itself: more than sessions differ, not a control"


def _next_step(contrast: Contrast, outcome: Outcome, rule: Rule) -> str:
    """Return what is needed for a verdict, if there is none."""
    if outcome == "INCONCLUSIVE" and too_noisy(contrast, rule):
        return "; too noisy: repeat `vp-tui calibrate` and both sides while nothing else runs, on more sequences"
    if outcome == "INCONCLUSIVE":
        return f"; {contrast.repeats} fresh runs per side are needed"
    if outcome == "REGRESSED" and not contrast.tolerance.calibrated:
        wide = fmt.tolerance(contrast.metric.loss(contrast.wide), contrast.metric.unit)
        noise = fmt.percent(contrast.metric.default_noise)
        return f"; also beyond {wide}, what an assumed noise of {noise} explains"
    if outcome != "SUSPECT":
        return ""
    if not contrast.tolerance.calibrated:
        return "; run `vp-tui calibrate` for a verdict"
    return "; the reference run disagrees: repeat both sides within one session"
