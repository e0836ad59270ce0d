"""Speed of two arms from paired blocks: block seconds in, ratios and a confidence interval out.

The two arms encode the same blocks in ABBA order, so slow drifts (clocks, temperature, other load)
fall on both; the interval resamples blocks, not packs, because packs of one block share their moment.
"""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2_000
MIN_BLOCKS = 5
"""Fewer paired blocks give no interval: a bootstrap of four values has 35 distinct outcomes."""


def tokens_per_s(tokens: int, seconds: float) -> float | None:
    """Rate, or None before anything was timed."""
    return tokens / seconds if tokens > 0 and seconds > 0 else None


def ratio(candidate: float | None, reference: float | None) -> float | None:
    """candidate / reference, or None when either is missing or zero."""
    return candidate / reference if candidate and reference else None


def ratio_interval(reference_s: Sequence[float], candidate_s: Sequence[float]) -> tuple[float, float] | None:
    """95 % percentile bootstrap of sum(reference) / sum(candidate) over paired block seconds.

    The generator is seeded with a constant: the same blocks give the same interval.
    """
    reference_B, candidate_B = np.asarray(reference_s, np.float64), np.asarray(candidate_s, np.float64)
    if len(reference_B) < MIN_BLOCKS or len(reference_B) != len(candidate_B):
        return None
    generator = np.random.Generator(np.random.PCG64(0))
    picks_RB = generator.integers(0, len(reference_B), (RESAMPLES, len(reference_B)))
    ratios_R = reference_B[picks_RB].sum(axis=1) / candidate_B[picks_RB].sum(axis=1)
    low, high = np.quantile(ratios_R, [0.025, 0.975])
    return float(low), float(high)
