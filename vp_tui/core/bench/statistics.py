"""Statistics of timed blocks: medians with 95 % intervals, ratios of paired rounds, end of warm-up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core.measures import bootstrap

WINDOW: Final = 10
"""Samples of one warm-up window."""
STEADY: Final = 0.02
"""Relative difference of the medians of two successive windows that ends the warm-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A median with its 95 % interval."""

    median: float
    low: float | None
    """None with fewer than bootstrap.MIN_VALUES values."""
    high: float | None
    n: int


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the median of `values` with its bootstrap interval; None without values."""
    if not values:
        return None
    values_B = np.asarray(values, np.float64)
    median = float(np.median(values_B))
    found = bootstrap.interval(len(values_B), lambda picks_RB: np.median(values_B[picks_RB], axis=1))
    low, high = found or (None, None)
    return Estimate(median=median, low=low, high=high, n=len(values_B))


def paired_ratio(slower_s: Mapping[int, float], faster_s: Mapping[int, float]) -> Estimate | None:
    """Return the speedup of `faster_s` over `slower_s` (round -> seconds of equal work) over their common rounds.

    Rounds alternate their order (ABBA), so a steady drift affects both sides equally.
    """
    shared = sorted(slower_s.keys() & faster_s.keys())
    return estimate([slower_s[number] / faster_s[number] for number in shared])


def is_steady(seconds: Sequence[float], window: int = WINDOW) -> bool:
    """Return True when the medians of the last two windows differ by less than STEADY."""
    if len(seconds) < 2 * window:
        return False
    earlier, later = np.median(seconds[-2 * window : -window]), np.median(seconds[-window:])
    return bool(abs(later - earlier) < STEADY * earlier)
