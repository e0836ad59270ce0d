"""Summaries of one number per sequence: lowest, mean, percentile, counts; NaN (no number) is left out."""

import numpy as np
from scipy.special import betaincinv

CONFIDENCE = 0.95
"""Confidence of `failure_bound`."""


def lowest(values_S: np.ndarray) -> float | None:
    """Return the smallest number, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.min()) if there.size else None


def highest(values_S: np.ndarray) -> float | None:
    """Return the largest number, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.max()) if there.size else None


def mean(values_S: np.ndarray) -> float | None:
    """Return the mean, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.mean()) if there.size else None


def percentile(values_S: np.ndarray, percent: float) -> float | None:
    """Return the percentile (linear interpolation), or None."""
    there = values_S[~np.isnan(values_S)]
    return float(np.percentile(there, percent)) if there.size else None


def farthest_from_one(values_S: np.ndarray) -> float | None:
    """Return the ratio with the largest |log ratio|, or None.

    A ratio of 0 (a zero vector) is farther than any other, and a negative one (opposite direction) farther still.
    """
    found = index_farthest_from_one(values_S)
    return None if found is None else float(values_S[found])


def index_lowest(values_S: np.ndarray) -> int | None:
    """Return the index of the smallest number, the first of equals, or None."""
    there = np.flatnonzero(~np.isnan(values_S))
    return int(there[values_S[there].argmin()]) if there.size else None


def index_farthest_from_one(values_S: np.ndarray) -> int | None:
    """Return the index of `farthest_from_one`, or None."""
    there = np.flatnonzero(~np.isnan(values_S))
    if not there.size:
        return None
    ratios = values_S[there]
    if ratios.min() <= 0:
        return int(there[ratios.argmin()])
    return int(there[np.abs(np.log(ratios)).argmax()])


def count_at_or_below(cosine_S: np.ndarray, limit: float) -> int:
    """Return the number of sequences at or below the cosine limit, or without a cosine."""
    return int((~(cosine_S > limit)).sum())


def failure_bound(num_failed: int, num: int, confidence: float = CONFIDENCE) -> float | None:
    """Return the upper bound (one-sided, 95 %) of the failure rate of the population, when k of n failed.

    Clopper & Pearson 1934, exact: the 0.95 quantile of Beta(k + 1, n - k); 1 - 0.05^(1/n) when none failed, about 3/n.
    None for no sequences.
    """
    if num == 0:
        return None
    if num_failed == num:
        return 1.0
    return float(betaincinv(num_failed + 1, num - num_failed, confidence))
