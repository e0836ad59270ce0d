"""Seeded percentile bootstrap: the same values and seed give the same interval on every machine."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

RESAMPLES: Final = 2_000
MIN_VALUES: Final = 5
"""Fewer values give no interval: a bootstrap of four values has 35 distinct outcomes."""


def picks(n: int, *, seed: int | Sequence[int] = 0, resamples: int = RESAMPLES) -> np.ndarray:
    """Return the indices of `resamples` resamples of n values, int64 [R, n]."""
    return np.random.default_rng(seed).integers(0, n, (resamples, n))


def interval(n: int, statistic: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float] | None:
    """Return the 95 % interval of a statistic of n values; None with fewer than MIN_VALUES.

    `statistic` maps indices of resamples [R, n] to its value in each of them [R].
    """
    if n < MIN_VALUES:
        return None
    low, high = np.quantile(statistic(picks(n)), [0.025, 0.975])
    return float(low), float(high)


def bootstrap_medians(base_R: np.ndarray, cand_R: np.ndarray, *, seed: int, resamples: int) -> np.ndarray:
    """Return median(candidate) - median(baseline) of `resamples` resamples, ascending [resamples].

    Exchanging the two groups gives the mirror image, to the last bit.
    """
    base_R, cand_R = np.sort(base_R), np.sort(cand_R)
    swap = (len(cand_R), *cand_R) < (len(base_R), *base_R)
    base_B = _resampled_median(base_R, seed, int(swap), resamples)
    cand_B = _resampled_median(cand_R, seed, int(not swap), resamples)
    return np.sort(cand_B - base_B)


def _resampled_median(sorted_R: np.ndarray, seed: int, stream: int, resamples: int) -> np.ndarray:
    low_B, high_B = middle_ranks(seed, len(sorted_R), stream, resamples)
    medians_B: np.ndarray = 0.5 * (sorted_R[low_B] + sorted_R[high_B])
    return medians_B


@lru_cache(maxsize=16)
def middle_ranks(seed: int, n: int, stream: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of the two middle values of each resample (equal for odd n), the same for all metrics."""
    ranks_BR = picks(n, seed=(seed, stream), resamples=resamples)
    ranks_BR.sort(axis=1)
    return ranks_BR[:, (n - 1) // 2].copy(), ranks_BR[:, n // 2].copy()


def percentile_interval(sorted_B: np.ndarray, alpha: float) -> tuple[float, float]:
    """Return the middle 1 - alpha of ascending resamples; the same count is cut from both ends."""
    cut = round(len(sorted_B) * alpha / 2)
    return float(sorted_B[cut]), float(sorted_B[len(sorted_B) - 1 - cut])
