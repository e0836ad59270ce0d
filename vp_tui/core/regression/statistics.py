"""Tests and intervals of the rule; scipy where it has the test.

Swapping baseline and candidate mirrors every result to the last bit: a verdict at a limit must not depend on which
run was named first.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

TIE = 1e-12
"""Sums of relabelled runs this close (relative) are the same sum in another order of addition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSided:
    """p-values of both one-sided tests: `greater` is small when the candidate is higher than the baseline."""

    greater: float
    less: float


def seed_of(uuids: Iterable[str]) -> int:
    """Return the SHA-256 of the sorted run ids: the same runs draw the same numbers on every machine."""
    return int.from_bytes(hashlib.sha256("\n".join(sorted(uuids)).encode()).digest(), "big")


def mcnemar(worse: int, better: int) -> OneSided:
    """Exact McNemar test: P[Bin(worse + better, 1/2) >= worse], and in the other direction.

    `worse` counts pairs that passed and now fail, `better` those that failed and now pass (5 : 0 gives 0.031).
    """
    n = worse + better
    if n == 0:
        return OneSided(greater=1.0, less=1.0)
    return OneSided(
        greater=float(stats.binomtest(worse, n, 0.5, alternative="greater").pvalue),
        less=float(stats.binomtest(better, n, 0.5, alternative="greater").pvalue),
    )


def sign_test(differences_S: np.ndarray) -> OneSided:
    """Exact sign test of differences [S] around 0; zeros are excluded."""
    return mcnemar(int((differences_S > 0).sum()), int((differences_S < 0).sum()))


def median_interval(values_S: np.ndarray, alpha: float) -> tuple[float, float] | None:
    """Return a distribution-free interval of confidence 1 - alpha for the median (Conover 1999, 3.2).

    None if the full range does not reach the confidence (4 values at 90 %).
    """
    n = len(values_S)
    # the k-th smallest value lies above the median with P[Bin(n, 1/2) < k], below alpha / 2 for this k
    k = int(stats.binom.ppf(alpha / 2, n, 0.5)) if n else 0
    if k == 0:
        return None
    parted_S = np.partition(values_S, (k - 1, n - k))
    return float(parted_S[k - 1]), float(parted_S[n - k])


def rate_bound(failures: int, n: int, alpha: float) -> float:
    """Return the exact upper bound of a rate (Clopper-Pearson); 1 - alpha^(1/n) without failures."""
    # the quantile of the beta distribution: binomtest(...).proportion_ci finds the same root in 80 steps
    return float(stats.beta.isf(alpha, failures + 1, n - failures)) if failures < n else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): reject where the adjusted p is at most the family's level."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def holm_both(p_values: Sequence[OneSided]) -> list[OneSided]:
    """Holm's adjustment of one-sided tests, each direction a family of its own."""
    greater, less = holm([p.greater for p in p_values]), holm([p.less for p in p_values])
    return [OneSided(greater=up, less=down) for up, down in zip(greater, less, strict=True)]


def permutation(base_R: np.ndarray, cand_R: np.ndarray, *, seed: int, exact_up_to: int, draws: int) -> OneSided:
    """One-sided permutation tests of the difference of means of two groups.

    Every relabelling is counted up to `exact_up_to` values per group (5 v 5: p >= 1/252); above it `draws` seeded ones,
    with (k + 1) / (draws + 1).
    """
    first_R, second_R = sorted((np.sort(base_R), np.sort(cand_R)), key=lambda values_R: (len(values_R), *values_R))
    pool_R = np.sort(np.concatenate([first_R, second_R]))
    centre, scale = pool_R.mean(), float(np.abs(pool_R).sum()) or 1.0
    pool_R, observed = pool_R - centre, float((first_R - centre).sum())
    if max(len(base_R), len(cand_R)) <= exact_up_to:
        above, below = _exact_counts(pool_R, len(first_R), observed, TIE * scale)
        total = math.comb(len(pool_R), len(first_R))
    else:
        sums_P = pool_R[_subsets(seed, len(pool_R), len(first_R), draws)].sum(axis=1)
        above = 1 + int((sums_P >= observed - TIE * scale).sum())
        below = 1 + int((sums_P <= observed + TIE * scale).sum())
        total = draws + 1
    # `first` is the group that sorts first; the candidate is high when the baseline is low
    if np.array_equal(first_R, np.sort(cand_R)):
        return OneSided(greater=above / total, less=below / total)
    return OneSided(greater=below / total, less=above / total)


def _exact_counts(pool_R: np.ndarray, size: int, observed: float, tie: float) -> tuple[int, int]:
    """Return the numbers of subsets of `size` with a sum >= `observed` and <= `observed`, without enumeration.

    The pool is split in two; subset sums of the halves are few (2^12), and pairs of them are counted by bisection.
    """
    half = len(pool_R) // 2
    left, right = _sums_by_size(pool_R[:half]), _sums_by_size(pool_R[half:])
    above = below = 0
    for taken in range(max(0, size - len(right) + 1), min(size, half) + 1):
        left_L, right_Q = left[taken], right[size - taken]
        above += int((len(right_Q) - np.searchsorted(right_Q, observed - tie - left_L, "left")).sum())
        below += int(np.searchsorted(right_Q, observed + tie - left_L, "right").sum())
    return above, below


def _sums_by_size(values_M: np.ndarray) -> list[np.ndarray]:
    """Return the ascending subset sums of M values, by subset size (0 .. M)."""
    bits_PM, sizes_P = _bits(len(values_M))
    sums_P = bits_PM @ values_M
    return [np.sort(sums_P[sizes_P == size]) for size in range(len(values_M) + 1)]


@lru_cache(maxsize=16)
def _bits(width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all subsets of `width` items as 0/1 rows [2^width, width], and their sizes."""
    bits_PM = ((np.arange(2**width)[:, None] >> np.arange(width)) & 1).astype(np.float64)
    return bits_PM, bits_PM.sum(axis=1).astype(np.int64)


@lru_cache(maxsize=4)
def _subsets(seed: int, n: int, size: int, draws: int) -> np.ndarray:
    """Return `draws` random subsets of `size` out of n, as indices [draws, size]."""
    order_PN = np.random.default_rng([seed, 2]).random((draws, n))
    return np.argpartition(order_PN, size - 1, axis=1)[:, :size]


def within(interval: tuple[float, float], distance: float) -> bool:
    """Two one-sided tests (Schuirmann 1987): the interval lies strictly inside +- distance."""
    return -distance < interval[0] and interval[1] < distance


_MEDIAN_VARIANCES = (1.0, 0.5, 0.4487, 0.2982, 0.2868)
"""Variance of the median of 1 to 5 standard normal numbers."""


def median_error(noise: float, n: int) -> float:
    """Return the standard error of the median of n runs with this standard deviation."""
    variance = _MEDIAN_VARIANCES[n - 1] if n <= len(_MEDIAN_VARIANCES) else math.pi / (2 * n)
    return noise * math.sqrt(variance)


def t_test(theta: float, error: float, freedom: float) -> OneSided:
    """One-sided tests of a difference with a known standard error, whose noise has `freedom` degrees of freedom."""
    score = theta / error
    return OneSided(greater=float(stats.t.sf(score, freedom)), less=float(stats.t.sf(-score, freedom)))


def t_interval(theta: float, error: float, freedom: float, alpha: float) -> tuple[float, float]:
    """Return the interval of confidence 1 - alpha of a difference with a known standard error."""
    half = float(stats.t.isf(alpha / 2, freedom)) * error
    return theta - half, theta + half


def pooled_sd(base_R: np.ndarray, cand_R: np.ndarray) -> float | None:
    """Return the pooled standard deviation; None without a degree of freedom."""
    freedom = len(base_R) + len(cand_R) - 2
    if freedom < 1 or not len(base_R) or not len(cand_R):
        return None
    squares = np.square(base_R - base_R.mean()).sum() + np.square(cand_R - cand_R.mean()).sum()
    return math.sqrt(float(squares) / freedom)


def repeats_needed(noise: float, tau: float, *, factor: float, at_least: int) -> int:
    """Return fresh runs per side: max(at_least, factor noise^2 / tau^2), rounded up."""
    return max(at_least, math.ceil(factor * noise**2 / tau**2))
