"""Which units the evidence of a search points to, before any trial. No torch."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from vp_tui.core.runs.search.records import UnitEvidence

OUTLIER: Final = 8.0
"""Units whose rounding costs this many times the median are suspicious together, and tried together first."""


def is_beyond(one: UnitEvidence) -> bool:
    """Return True for a unit that takes or gives a value beyond the range of the base format."""
    return one.rounding is None


def certain(evidence: Iterable[UnitEvidence]) -> frozenset[str]:
    """Return the units that take or give a value beyond the range of the base format."""
    return frozenset(one.unit for one in evidence if is_beyond(one))


def outliers(evidence: Sequence[UnitEvidence]) -> frozenset[str]:
    """Return the units whose rounding is far worse than that of the median one; in ranked evidence they come first."""
    costs = {one.unit: math.inf if one.rounding is None else one.rounding for one in evidence}
    usual = median(costs.values()) if costs else 0.0
    return frozenset(unit for unit, cost in costs.items() if cost > OUTLIER * usual)
