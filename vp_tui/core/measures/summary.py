"""Many numbers to one: lowest, mean, percentile, counts; NaN marks a sequence that has none and never counts."""

import numpy as np
from scipy.special import betaincinv

CONFIDENCE = 0.95
"""Of the bound on the share that fails."""


def lowest(values_S: np.ndarray) -> float | None:
    """The smallest number there is, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.min()) if there.size else None


def highest(values_S: np.ndarray) -> float | None:
    """The largest number there is, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.max()) if there.size else None


def mean(values_S: np.ndarray) -> float | None:
    """The mean of the numbers there are, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.mean()) if there.size else None


def percentile(values_S: np.ndarray, percent: float) -> float | None:
    """The percentile (linear interpolation) of the numbers there are, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(np.percentile(there, percent)) if there.size else None


def farthest_from_one(values_S: np.ndarray) -> float | None:
    """The ratio with the largest |log ratio| among the numbers there are, or None.

    A ratio of 0 (a vector that vanished) is the farthest of all, and one below 0 (turned round) farther still.
    """
    found = index_farthest_from_one(values_S)
    return None if found is None else float(values_S[found])


def index_lowest(values_S: np.ndarray) -> int | None:
    """Where the smallest number there is is, the first of equals, or None."""
    there = np.flatnonzero(~np.isnan(values_S))
    return int(there[values_S[there].argmin()]) if there.size else None


def index_farthest_from_one(values_S: np.ndarray) -> int | None:
    """Where `farthest_from_one` is, or None."""
    there = np.flatnonzero(~np.isnan(values_S))
    if not there.size:
        return None
    ratios = values_S[there]
    if ratios.min() <= 0:
        return int(there[ratios.argmin()])
    return int(there[np.abs(np.log(ratios)).argmax()])


def count_at_or_below(cosine_S: np.ndarray, limit: float) -> int:
    """Sequences that do not pass the cosine limit: at or below it, or without a cosine."""
    return int((~(cosine_S > limit)).sum())


def failure_bound(num_failed: int, num: int) -> float | None:
    """The share of failing sequences in the whole population, at most (one-sided 95 %), when k of n failed.

    Clopper & Pearson 1934, exact: the 0.95 quantile of Beta(k + 1, n - k); 1 - 0.05^(1/n) when none failed, about 3/n.
    None for no sequences.
    """
    if num == 0:
        return None
    if num_failed == num:
        return 1.0
    return float(betaincinv(num_failed + 1, num - num_failed, CONFIDENCE))
