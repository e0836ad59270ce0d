"""The judgements of a comparison as rows, metric by scope: every number a reader sees, in the metric's own direction.

The rule counts worse as positive; here a difference is that of the metric itself, so that fewer tokens/s is negative.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from vp_tui.core.regression.metrics import METRICS, Metric
from vp_tui.core.regression.verdicts import Comparison, Item, Outcome
from vp_tui.core.report.page import Tone

PartName = Literal["gates", "accuracy", "performance"]
ALIKE: Final[frozenset[Outcome]] = frozenset({"EQUIVALENT", "IDENTICAL"})
FAILED: Final[frozenset[Outcome]] = frozenset({"FAIL", "REGRESSED", "INCOMPLETE"})
OPEN: Final[frozenset[Outcome]] = frozenset({"SUSPECT", "INCONCLUSIVE", "NOT_COMPARABLE"})
_TITLES: Final = {
    "cosine_error": "1 - cosine, median",
    "cosine_passing": "sequences passing",
    "nonfinite": "not finite",
    "below_limit": "at or below limit",
    "complete": "sequences compared",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One metric of one scope; a number that does not exist is None."""

    part: PartName
    name: str
    title: str
    scope: str
    base: float | None
    cand: float | None
    n_base: int
    n_cand: int
    change: float | None
    """Difference of the metric itself, as a fraction (0.05 is 5 %) or in points / 100."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    unit: Literal["%", "pt"]
    """pt: percentage points."""
    p: float | None
    """Adjusted, one-sided."""
    p_raw: float | None
    limit: float | None
    """The difference from which on it counts, either way."""
    outcome: Outcome
    reason: str
    repeats: int | None

    @property
    def differs(self) -> bool:
        """False where the rule found both sides equal."""
        return self.outcome not in ALIKE


def judgements(comparison: Comparison) -> tuple[Judgement, ...]:
    """All rows: gates, accuracy, performance."""
    parts: tuple[tuple[PartName, Iterable[Item]], ...] = (
        ("gates", comparison.gates),
        ("accuracy", comparison.accuracy.items),
        ("performance", comparison.performance.items),
    )
    return tuple(_judgement(part, item) for part, items in parts for item in items)


def tone(outcome: Outcome) -> Tone:
    """bad, open or good."""
    if outcome in FAILED:
        return "bad"
    return "open" if outcome in OPEN else "good"


def _judgement(part: PartName, item: Item) -> Judgement:
    metric = METRICS.get(item.name) if part == "performance" else None
    in_points = item.name == "cosine_passing" or (metric is not None and metric.kind == "utilization")
    ends = sorted(
        end for end in (_change(item, metric, item.ci_lo), _change(item, metric, item.ci_hi)) if end is not None
    )
    low, high = ends if len(ends) == 2 else (None, None)
    return Judgement(
        part=part,
        name=item.name,
        title=metric.title if metric is not None else _TITLES.get(item.name, item.name),
        scope=item.scope,
        base=item.base,
        cand=item.cand,
        n_base=item.n_base,
        n_cand=item.n_cand,
        change=_change(item, metric, item.effect),
        low=low,
        high=high,
        unit="pt" if in_points else "%",
        p=item.p_adj,
        p_raw=item.p_raw,
        limit=item.min_effect,
        outcome=item.outcome,
        reason=item.reason,
        repeats=item.repeats,
    )


def _change(item: Item, metric: Metric | None, effect: float | None) -> float | None:
    """What an effect (worse is positive) means for the metric itself."""
    if effect is None:
        return None
    if metric is not None:
        # the rule made the effect from a difference of badness; metric.loss undone
        return metric.change(effect if metric.kind == "utilization" else float(np.log1p(effect)))
    return -effect if item.name == "cosine_passing" else effect
