"""Accuracy of paired sequences: sequences that cross the cosine limit, and growth of the error.

Inputs are deterministic, so one run per side is enough: pairing removes the spread between sequences.
"""

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy
from vp_tui.core.regression.shape import shape_notes
from vp_tui.core.regression.statistics import (
    OneSided,
    holm_both,
    mcnemar,
    median_interval,
    rate_bound,
    sign_test,
    within,
)
from vp_tui.core.regression.verdicts import Item, Outcome, Part, worst


def judge_accuracy(accuracy: PairedAccuracy, rule: Rule) -> Part:
    """Return IDENTICAL if every cosine is present and equal, else McNemar over all and error inflation per stratum.

    The outcome of the part is its worst item; `accuracy` has at least one pair.
    """
    if _identical(accuracy):
        item = _identical_item(accuracy, "all")
        return Part(outcome="IDENTICAL", sentence=f"accuracy is identical: {item.reason}", items=(item,))
    items = (_passing(accuracy, rule), *_inflations(accuracy, rule))
    outcome = worst(item.outcome for item in items)
    decisive = max((item for item in items if item.outcome == outcome), key=lambda item: abs(item.change or 0.0))
    opening = {
        "REGRESSED": "accuracy regressed",
        "INCONCLUSIVE": "accuracy is inconclusive",
        "IMPROVED": "accuracy improved",
        "EQUIVALENT": "accuracy is equivalent",
    }[outcome]
    notes = tuple(shape_notes(accuracy, rule))
    return Part(outcome=outcome, sentence=f"{opening}: {decisive.reason}", items=items, notes=notes)


def _identical(accuracy: PairedAccuracy) -> bool:
    """Return True if all cosines are equal; non-finite outputs are never identical."""
    finite = not (accuracy.baseline_nonfinite_S.any() or accuracy.candidate_nonfinite_S.any())
    return finite and bool(np.array_equal(accuracy.baseline_cosine_S, accuracy.candidate_cosine_S))


def _identical_item(accuracy: PairedAccuracy, scope: str) -> Item:
    error = float(np.median(1.0 - accuracy.baseline_cosine_S))
    return Item(
        name="cosine_error",
        scope=scope,
        base=error,
        cand=error,
        n_base=len(accuracy),
        n_cand=len(accuracy),
        change=0.0,
        outcome="IDENTICAL",
        reason=f"{scope}: {len(accuracy)} cosines are bit-identical",
    )


def _passing(accuracy: PairedAccuracy, rule: Rule) -> Item:
    """Exact McNemar test over the sequences that cross the cosine limit."""
    base_S = (accuracy.baseline_cosine_S > rule.cosine_limit) & ~accuracy.baseline_nonfinite_S
    cand_S = (accuracy.candidate_cosine_S > rule.cosine_limit) & ~accuracy.candidate_nonfinite_S
    lost, won, n = int((base_S & ~cand_S).sum()), int((~base_S & cand_S).sum()), len(accuracy)
    p = mcnemar(lost, won)
    p_directed = p.greater if lost >= won else p.less
    outcome: Outcome = "INCONCLUSIVE"
    if lost == won == 0:
        outcome = "EQUIVALENT"
        bound, sure = fmt.percent(rate_bound(0, n, rule.bound_alpha)), fmt.percent(1 - rule.bound_alpha)
        reason = f"0 of {n} sequences cross cosine {rule.cosine_limit} ({sure} upper bound on the rate: {bound})"
    else:
        reason = f"{lost} of {n} sequences now fail, {won} now pass (exact McNemar, p {fmt.p_value(p_directed)})"
    if p.greater <= rule.alpha:
        outcome = "REGRESSED"
    elif p.less <= rule.alpha:
        outcome = "IMPROVED"
    return Item(
        name="cosine_passing",
        scope="all",
        base=float(base_S.sum()),
        cand=float(cand_S.sum()),
        n_base=n,
        n_cand=n,
        change=(won - lost) / n,
        p=p_directed,
        p_raw=p_directed,
        outcome=outcome,
        reason=reason,
    )


def _inflations(accuracy: PairedAccuracy, rule: Rule) -> list[Item]:
    """Return one item per non-empty stratum; Holm over them, each direction a family of its own."""
    strata = [(stratum, accuracy.of(stratum)) for stratum in STRATA]
    strata = [(stratum, pairs) for stratum, pairs in strata if len(pairs)]
    ratios = [_log_ratios(pairs, rule) for _, pairs in strata]
    raw = [sign_test(log_ratio_S) for log_ratio_S in ratios]
    adjusted = holm_both(raw)
    return [
        _inflation(stratum, pairs, log_ratio_S, p_raw, p_adj, rule)
        for (stratum, pairs), log_ratio_S, p_raw, p_adj in zip(strata, ratios, raw, adjusted, strict=True)
    ]


def _log_ratios(pairs: PairedAccuracy, rule: Rule) -> np.ndarray:
    """Return ln of (1 - cos_candidate + eps) / (1 - cos_baseline + eps) for pairs with both cosines.

    As a difference of logarithms only its sign changes when the sides are swapped.
    """
    base_S, cand_S = pairs.baseline_cosine_S, pairs.candidate_cosine_S
    both_S = np.isfinite(base_S) & np.isfinite(cand_S)
    # a cosine may exceed 1 by rounding; its error is 0, not negative
    base_E = np.maximum(1.0 - base_S[both_S], 0.0) + rule.epsilon
    cand_E = np.maximum(1.0 - cand_S[both_S], 0.0) + rule.epsilon
    difference: np.ndarray = np.log(cand_E) - np.log(base_E)
    return difference


def _inflation(
    stratum: str, pairs: PairedAccuracy, log_ratio_S: np.ndarray, p_raw: OneSided, p_adj: OneSided, rule: Rule
) -> Item:
    if _identical(pairs):
        return _identical_item(pairs, stratum)
    if not len(log_ratio_S):
        return Item(
            name="cosine_error",
            scope=stratum,
            base=None,
            cand=None,
            n_base=0,
            n_cand=0,
            limit=rule.inflation - 1,
            outcome="INCONCLUSIVE",
            reason=f"{stratum}: none of {len(pairs)} sequences has a cosine on both sides",
        )
    middle = float(np.median(log_ratio_S))
    interval = median_interval(log_ratio_S, 2 * rule.equivalence_alpha)
    shown = median_interval(log_ratio_S, rule.interval_alpha)
    outcome = _inflation_outcome(middle, interval, p_adj, rule)
    p_directed = p_adj.greater if middle >= 0 else p_adj.less
    both_S = np.isfinite(pairs.baseline_cosine_S) & np.isfinite(pairs.candidate_cosine_S)
    return Item(
        name="cosine_error",
        scope=stratum,
        base=float(np.median(1.0 - pairs.baseline_cosine_S[both_S])),
        cand=float(np.median(1.0 - pairs.candidate_cosine_S[both_S])),
        n_base=len(log_ratio_S),
        n_cand=len(log_ratio_S),
        change=float(np.expm1(middle)),
        low=None if shown is None else float(np.expm1(shown[0])),
        high=None if shown is None else float(np.expm1(shown[1])),
        p_raw=p_raw.greater if middle >= 0 else p_raw.less,
        p=p_directed,
        limit=rule.inflation - 1,
        outcome=outcome,
        reason=_inflation_reason(stratum, middle, len(log_ratio_S), p_directed, rule),
    )


def _inflation_outcome(middle: float, interval: tuple[float, float] | None, p_adj: OneSided, rule: Rule) -> Outcome:
    distance = float(np.log(rule.inflation))
    if middle >= distance and p_adj.greater <= rule.sign_alpha:
        return "REGRESSED"
    if middle <= -distance and p_adj.less <= rule.sign_alpha:
        return "IMPROVED"
    if interval is not None and within(interval, distance):
        return "EQUIVALENT"
    return "INCONCLUSIVE"


def _inflation_reason(stratum: str, middle: float, n: int, p: float, rule: Rule) -> str:
    return (
        f"{stratum}: 1 - cosine is {fmt.ratio(float(np.exp(middle)))} the baseline's "
        f"(median of {n} sequences, p {fmt.p_value(p)}, limit {fmt.ratio(rule.inflation)})"
    )
