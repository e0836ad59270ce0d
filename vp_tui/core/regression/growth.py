"""Growth of the error between paired sequences: 1 - cosine, relative L2, and the length of the embeddings.

Each measure is judged over all sequences and per stratum, by the median of the paired differences; p-values are
adjusted by Holm over the scopes of a measure, each direction a family of its own.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy
from vp_tui.core.regression.statistics import OneSided, holm_both, median_interval, sign_test, within
from vp_tui.core.regression.verdicts import Item, Outcome

ALL = "all"
SMALLEST = 1e-30
"""In place of a length ratio of 0, which has no logarithm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of every sequence, taken from both sides."""

    name: str
    title: str
    of: Callable[[PairedAccuracy], tuple[np.ndarray, np.ndarray]]
    """Pairs -> the numbers of baseline and candidate [S]."""
    logarithm: Callable[[np.ndarray, Rule], np.ndarray]
    is_error: bool
    """True: more is worse. False: farther from 1, either way, is worse."""

    def distance(self, rule: Rule) -> float:
        """Return the limit on the scale of the logarithm."""
        if not self.is_error:
            return math.log1p(rule.scale_change)
        return math.log(rule.inflation) * (1.0 if self.name == "cosine_error" else 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The item of one measure in one scope."""

    item: Item
    is_small: bool
    """The median of the change lies within the limit."""
    is_tiny: bool
    """Too few sequences for any interval."""


def _cosine_error(pairs: PairedAccuracy) -> tuple[np.ndarray, np.ndarray]:
    return 1.0 - pairs.baseline_cosine_S, 1.0 - pairs.candidate_cosine_S


MEASURES = (
    Measure(
        name="cosine_error",
        title="distance from similarity 1",
        of=_cosine_error,
        # a cosine may exceed 1 by rounding; its error is 0, not negative
        logarithm=lambda values_S, rule: np.log(np.maximum(values_S, 0.0) + rule.epsilon),
        is_error=True,
    ),
    Measure(
        name="relative_l2",
        title="relative difference",
        of=lambda pairs: (pairs.baseline_relative_l2_S, pairs.candidate_relative_l2_S),
        # 1 - cosine is half the square of relative L2
        logarithm=lambda values_S, rule: np.log(values_S + math.sqrt(2 * rule.epsilon)),
        is_error=True,
    ),
    Measure(
        name="scale",
        title="length",
        of=lambda pairs: (pairs.baseline_norm_ratio_S, pairs.candidate_norm_ratio_S),
        logarithm=lambda values_S, rule: np.log(np.maximum(values_S, SMALLEST)),
        is_error=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """One scope of a measure: numbers of the pairs that have one on both sides."""

    name: str
    pairs: PairedAccuracy
    base_S: np.ndarray
    cand_S: np.ndarray
    base_log: float
    """Median of the logarithms of the baseline."""
    cand_log: float
    difference_S: np.ndarray
    """Logarithm of candidate over baseline; only its sign changes when the sides are swapped."""


def judged(measure: Measure, within_scopes: Mapping[str, PairedAccuracy], rule: Rule) -> list[Growth]:
    """Return the measure in each scope."""
    scopes = [_scope(measure, name, pairs, rule) for name, pairs in within_scopes.items()]
    raw = [_evidence(measure, scope) for scope in scopes]
    return [
        _growth(measure, scope, p_raw, p_adjusted, rule)
        for scope, p_raw, p_adjusted in zip(scopes, raw, holm_both(raw), strict=True)
    ]


def scopes_of(accuracy: PairedAccuracy) -> dict[str, PairedAccuracy]:
    """Return all pairs, if they are of several strata, and those of each stratum that has some."""
    strata: dict[str, PairedAccuracy] = {stratum: pairs for stratum in STRATA if len(pairs := accuracy.of(stratum))}
    return {ALL: accuracy, **strata} if len(strata) > 1 else strata


def _scope(measure: Measure, name: str, pairs: PairedAccuracy, rule: Rule) -> _Scope:
    base_S, cand_S = measure.of(pairs)
    both_S = np.isfinite(base_S) & np.isfinite(cand_S)
    base_S, cand_S = base_S[both_S], cand_S[both_S]
    logs = measure.logarithm(base_S, rule), measure.logarithm(cand_S, rule)
    middles = [float(np.median(log_S)) if len(log_S) else 0.0 for log_S in logs]
    return _Scope(
        name=name, pairs=pairs, base_S=base_S, cand_S=cand_S, base_log=middles[0], cand_log=middles[1],
        difference_S=logs[1] - logs[0],
    )  # fmt: skip


def _evidence(measure: Measure, scope: _Scope) -> OneSided:
    """Return p of "worse" and "better" by the sign test."""
    p = sign_test(scope.difference_S)
    if measure.is_error:
        return p
    # a length regresses away from 1 on the candidate's side, and improves from A's side
    return OneSided(
        greater=p.greater if scope.cand_log >= 0 else p.less,
        less=p.less if scope.base_log >= 0 else p.greater,
    )


def _growth(measure: Measure, scope: _Scope, p_raw: OneSided, p: OneSided, rule: Rule) -> Growth:
    if is_identical(measure, scope.pairs):
        return Growth(item=identical_item(measure, scope.name, scope.pairs), is_small=True, is_tiny=False)
    if not len(scope.difference_S):
        return Growth(item=_missing(measure, scope, rule), is_small=False, is_tiny=False)
    middle = float(np.median(scope.difference_S))
    interval = median_interval(scope.difference_S, 2 * rule.equivalence_alpha)
    shown = median_interval(scope.difference_S, rule.interval_alpha)
    worse = middle if measure.is_error else abs(scope.cand_log) - abs(scope.base_log)
    p_directed = p.greater if worse >= 0 else p.less
    distance = measure.distance(rule)
    item = Item(
        name=measure.name,
        scope=scope.name,
        base=float(np.median(scope.base_S)),
        cand=float(np.median(scope.cand_S)),
        n_base=len(scope.difference_S),
        n_cand=len(scope.difference_S),
        change=math.expm1(middle),
        low=None if shown is None else math.expm1(shown[0]),
        high=None if shown is None else math.expm1(shown[1]),
        p_raw=p_raw.greater if worse >= 0 else p_raw.less,
        p=p_directed,
        limit=math.expm1(distance),
        outcome=_outcome(worse, interval, p, distance, rule),
        reason=_reason(measure, scope, middle, p_directed, distance),
    )
    return Growth(item=item, is_small=abs(middle) < distance, is_tiny=interval is None)


def _outcome(worse: float, interval: tuple[float, float] | None, p: OneSided, distance: float, rule: Rule) -> Outcome:
    if worse >= distance and p.greater <= rule.sign_alpha:
        return "REGRESSED"
    if worse <= -distance and p.less <= rule.sign_alpha:
        return "IMPROVED"
    if interval is not None and within(interval, distance):
        return "EQUIVALENT"
    return "INCONCLUSIVE"


def _reason(measure: Measure, scope: _Scope, middle: float, p: float, distance: float) -> str:
    n, factor, limit = len(scope.difference_S), fmt.ratio(math.exp(middle)), math.exp(distance)
    if measure.is_error:
        return (
            f"{scope.name}: {measure.title} is {factor} A's "
            f"(median of {n} sequences, p {fmt.p_value(p)}, limit {fmt.ratio(limit)})"
        )
    lengths = [fmt.number(math.exp(log)) for log in (scope.base_log, scope.cand_log)]
    return (
        f"{scope.name}: embeddings are {lengths[1]} times as long as the reference's, A's {lengths[0]} "
        f"times (median of {n} sequences, p {fmt.p_value(p)}, limit {fmt.tolerance(limit - 1)})"
    )


def _missing(measure: Measure, scope: _Scope, rule: Rule) -> Item:
    return Item(
        name=measure.name,
        scope=scope.name,
        base=None,
        cand=None,
        n_base=0,
        n_cand=0,
        limit=math.expm1(measure.distance(rule)),
        outcome="INCONCLUSIVE",
        reason=f"{scope.name}: none of {len(scope.pairs)} sequences has a {measure.title} on both sides",
    )


def is_identical(measure: Measure, pairs: PairedAccuracy) -> bool:
    """Return True if both sides have every number and all are equal."""
    finite = not (pairs.baseline_nonfinite_S.any() or pairs.candidate_nonfinite_S.any())
    return finite and bool(np.array_equal(*measure.of(pairs)))


def identical_item(measure: Measure, scope: str, pairs: PairedAccuracy) -> Item:
    """Return the item of a scope in which nothing changed."""
    middle = float(np.median(measure.of(pairs)[0]))
    return Item(
        name=measure.name,
        scope=scope,
        base=middle,
        cand=middle,
        n_base=len(pairs),
        n_cand=len(pairs),
        change=0.0,
        outcome="IDENTICAL",
        reason=f"{scope}: {len(pairs)} sequences are bit-identical in {measure.title}",
    )
