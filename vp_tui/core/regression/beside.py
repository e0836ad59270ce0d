"""Numbers of two sides where no verdict is possible: each side by itself, side by side."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.regression.calibration import usable
from vp_tui.core.regression.metrics import METRICS, name_and_scope
from vp_tui.core.regression.samples import Side
from vp_tui.core.regression.verdicts import Comparison, Item

Numbers = Mapping[str, np.ndarray]
"""stratum_S, cosine_S, relative_l2_S, norm_ratio_S of every sequence of a run; NaN for a missing number."""
_OF: Final[Mapping[str, Callable[[Numbers], np.ndarray]]] = {
    "cosine_min": lambda numbers: numbers["cosine_S"],
    "cosine_error": lambda numbers: np.maximum(1.0 - numbers["cosine_S"], 0.0),
    "relative_l2": lambda numbers: numbers["relative_l2_S"],
    "scale": lambda numbers: numbers["norm_ratio_S"],
}
_REASON: Final = "not judged: {}"


def beside(judged: Comparison, sides: tuple[Side, Side], numbers: tuple[Numbers, Numbers]) -> Iterable[Item]:
    """Yield the numbers of each part that is not comparable; their outcome is NOT_COMPARABLE.

    Sequences are those of the first run of each side, paired or not; speeds are medians of the runs of a side.
    """
    if not judged.accuracy.comparable:
        reason = _REASON.format(judged.accuracy.sentence)
        yield from (item for name in _OF for item in _accuracy(name, numbers, reason))
    if not judged.performance.comparable:
        yield from _performance(sides, _REASON.format(judged.performance.sentence))


def _accuracy(name: str, numbers: tuple[Numbers, Numbers], reason: str) -> Iterable[Item]:
    for scope in ("all", *STRATA):
        base_S, cand_S = (_within(one, _OF[name](one), scope) for one in numbers)
        if len(base_S) or len(cand_S):
            base, cand = (_summary(name, values_S) for values_S in (base_S, cand_S))
            yield _item(name, scope, (base, cand), (len(base_S), len(cand_S)), reason)


def _within(numbers: Numbers, values_S: np.ndarray, scope: str) -> np.ndarray:
    """Return the values of one stratum, those that are missing included."""
    return values_S if scope == "all" else values_S[numbers["stratum_S"] == scope]


def _summary(name: str, values_S: np.ndarray) -> float | None:
    """Return the median, of cosine_min the lowest; None with nothing, and where a missing number would decide."""
    known_S = values_S[np.isfinite(values_S)]
    if not len(known_S) or (name == "cosine_min" and len(known_S) < len(values_S)):
        return None
    return float(known_S.min() if name == "cosine_min" else np.median(known_S))


def _performance(sides: tuple[Side, Side], reason: str) -> Iterable[Item]:
    runs = [usable(side.runs)[0] for side in sides]
    for name, metric in METRICS.items():
        values = [[value for run in of if metric.has(value := run.performance.get(name))] for of in runs]
        if any(values):
            base, cand = (float(np.median(found)) if found else None for found in values)  # type: ignore[arg-type]
            bare, scope = name_and_scope(name)
            yield _item(bare, scope, (base, cand), (len(values[0]), len(values[1])), reason)


def _item(
    name: str, scope: str, values: tuple[float | None, float | None], counts: tuple[int, int], reason: str
) -> Item:
    return Item(
        name=name,
        scope=scope,
        base=values[0],
        cand=values[1],
        n_base=counts[0],
        n_cand=counts[1],
        outcome="NOT_COMPARABLE",
        reason=reason,
    )
