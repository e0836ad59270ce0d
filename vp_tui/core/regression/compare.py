"""Regression rule: two sides and their paired sequences in, one Comparison with two verdicts out.

Hard gates (candidate alone) belong to accuracy. Accuracy and performance are each judged only if their key is equal on
both sides, and neither speaks for the other. Accuracy needs one run per side, as sequences are paired; performance
takes the noise of single runs from a calibration, or assumes it, below five fresh runs per side.
"""

from collections.abc import Mapping
from typing import Any

from vp_tui.core import fingerprint
from vp_tui.core import text as fmt
from vp_tui.core.fingerprint import differences
from vp_tui.core.regression.accuracy import judge_accuracy
from vp_tui.core.regression.calibration import NO_NOISE, Noise
from vp_tui.core.regression.gates import hard_gates
from vp_tui.core.regression.performance import judge_performance
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy, Side
from vp_tui.core.regression.verdicts import Comparison, Part

DEFAULT_RULE = Rule()


def compare(
    base: Side,
    cand: Side,
    accuracy: PairedAccuracy | None,
    *,
    rule: Rule = DEFAULT_RULE,
    calibration: Mapping[str, Noise] | None = None,
) -> Comparison:
    """Compare `cand` with `base`; bad numbers are results and never raise.

    `accuracy` pairs one run of each side (None: no sequences are stored); `calibration` is `noise_floor` of A/A runs.
    """
    gates, bounds = hard_gates(cand, accuracy, rule)
    accuracy_part = _accuracy(base, cand, accuracy, rule)
    performance_part = _performance(base, cand, rule, calibration or NO_NOISE)
    return Comparison(
        gates=gates,
        accuracy=accuracy_part,
        performance=performance_part,
        notes=(*bounds, *_baseline_notes(base), *accuracy_part.notes, *performance_part.notes),
        rule=rule,
    )


def _accuracy(base: Side, cand: Side, accuracy: PairedAccuracy | None, rule: Rule) -> Part:
    keys = (base.accuracy_key, cand.accuracy_key)
    apart = _apart("accuracy", keys, differences(base.accuracy_facts, cand.accuracy_facts))
    if apart is not None:
        return apart
    if accuracy is None or not len(accuracy):
        reason = "no sequences are stored" if accuracy is None else "no sequence is on both sides"
        return Part(outcome="NOT_COMPARABLE", sentence=f"accuracy is not comparable: {reason}")
    return judge_accuracy(accuracy, rule)


def _performance(base: Side, cand: Side, rule: Rule, calibration: Mapping[str, Noise]) -> Part:
    keys = (base.perf_key, cand.perf_key)
    apart = _apart("performance", keys, differences(base.perf_facts, cand.perf_facts))
    return apart or judge_performance(base, cand, rule=rule, calibration=calibration)


def _apart(what: str, keys: tuple[str | None, str | None], found: Mapping[str, tuple[Any, Any]]) -> Part | None:
    """Return NOT_COMPARABLE with the differences, or None if both keys are known and equal."""
    if None not in keys and keys[0] == keys[1]:
        return None
    unknown = "weights or data of one side are unknown" if None in keys else "the keys differ"
    sentence = f"{what} is not comparable: {fingerprint.in_words(found) or unknown}"
    return Part(outcome="NOT_COMPARABLE", sentence=sentence, differing=found)


def _baseline_notes(base: Side) -> tuple[str, ...]:
    """Return problems of the baseline itself, which no gate covers."""
    bad = [run for run in base.runs if run.nan or run.inf]
    short = [run for run in base.runs if not run.complete]
    return (
        *(f"A, {run.label}, has {fmt.plural(run.nan, 'sequence')} with NaN and {run.inf} with Inf" for run in bad),
        *(f"A, {run.label}, has only {run.done} of {run.total} sequences" for run in short),
    )
