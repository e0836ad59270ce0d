"""Regression rule: two sides and their paired sequences in, one Comparison out.

Hard gates first (candidate alone), then accuracy and performance, each only if its key is equal on both sides.
The outcome is the most severe comparable part, or NOT_COMPARABLE if there is none. Accuracy needs one run per side, as
sequences are paired; performance needs five fresh runs per side. One run against fewer than five is INCONCLUSIVE,
however large the difference, as the spread is unknown.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core import fingerprint
from vp_tui.core.fingerprint import differences
from vp_tui.core.regression.accuracy import judge_accuracy
from vp_tui.core.regression.gates import hard_gates
from vp_tui.core.regression.performance import judge_performance
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy, Side
from vp_tui.core.regression.verdicts import Comparison, Item, Outcome, Part, worst

DEFAULT_RULE = Rule()
_NO_NOISE: Mapping[str, float] = {}


def compare(
    base: Side,
    cand: Side,
    accuracy: PairedAccuracy | None,
    *,
    rule: Rule = DEFAULT_RULE,
    calibration: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare `cand` with `base`; bad numbers are results and never raise.

    `accuracy` pairs one run of each side (None: no sequences are stored); `calibration` is `noise_floor` of A/A runs.
    """
    gates, bounds = hard_gates(cand, accuracy, rule)
    accuracy_part = _accuracy(base, cand, accuracy, rule)
    performance_part = _performance(base, cand, rule, calibration or _NO_NOISE)
    outcome = _total(gates, (accuracy_part, performance_part))
    return Comparison(
        outcome=outcome,
        sentence=_sentence(outcome, gates, (accuracy_part, performance_part)),
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


def _performance(base: Side, cand: Side, rule: Rule, calibration: Mapping[str, float]) -> Part:
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


def _total(gates: Sequence[Item], parts: Sequence[Part]) -> Outcome:
    judged: list[Outcome] = [item.outcome for item in gates]
    judged += [part.outcome for part in parts if part.comparable]
    return worst(judged) if judged else "NOT_COMPARABLE"


def _sentence(outcome: Outcome, gates: Sequence[Item], parts: Sequence[Part]) -> str:
    said = [part.sentence for part in sorted(parts, key=lambda part: part.outcome != outcome)]
    if gates:
        opening = "the candidate fails its gates" if outcome == "FAIL" else "the candidate is incomplete"
        said.insert(0, f"{opening}: {', '.join(item.reason for item in gates if item.outcome == outcome)}")
    return "; ".join(said)


def _baseline_notes(base: Side) -> tuple[str, ...]:
    """Return problems of the baseline itself, which no gate covers."""
    bad = [run for run in base.runs if run.nan or run.inf]
    short = [run for run in base.runs if not run.complete]
    return (
        *(f"baseline {run.label} has {run.nan} sequences with NaN and {run.inf} with Inf" for run in bad),
        *(f"baseline {run.label} has only {run.done} of {run.total} sequences" for run in short),
    )
