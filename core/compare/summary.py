"""Many numbers to one: lowest, mean, percentile, counts; NaN marks a sequence that has none and never counts."""

import numpy as np


def lowest(values_S: np.ndarray) -> float | None:
    """The smallest number there is, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.min()) if there.size else None


def mean(values_S: np.ndarray) -> float | None:
    """The mean of the numbers there are, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(there.mean()) if there.size else None


def percentile(values_S: np.ndarray, percent: int) -> float | None:
    """The percentile (linear interpolation) of the numbers there are, or None."""
    there = values_S[~np.isnan(values_S)]
    return float(np.percentile(there, percent)) if there.size else None


def farthest_from_one(values_S: np.ndarray) -> float | None:
    """The ratio with the largest |log ratio| among the numbers there are, or None.

    A ratio of 0 (a vector that vanished) is the farthest of all.
    """
    there = values_S[~np.isnan(values_S)]
    if not there.size:
        return None
    with np.errstate(divide="ignore"):
        return float(there[np.abs(np.log(there)).argmax()])


def count_at_or_below(cosine_S: np.ndarray, limit: float) -> int:
    """Sequences that do not pass the cosine limit: at or below it, or without a cosine."""
    return int((~(cosine_S > limit)).sum())
