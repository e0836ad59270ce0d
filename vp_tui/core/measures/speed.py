"""Speed of two runs from paired stretches: seconds in, ratios and a confidence interval out.

Both runs encode the same stretches of blocks in ABBA order, so slow drifts (clocks, temperature, other load) affect
both. The interval takes stretches as the unit, because the packed batches of a stretch were encoded at the same time.
It holds within one run: what differs between processes and between days is not in it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import stdtrit

MIN_PAIRS: Final = 5
"""Fewer pairs give no interval: with four, half of them may share one disturbance."""


def tokens_per_s(tokens: int, seconds: float) -> float | None:
    """Return tokens / seconds, or None before anything was timed."""
    return tokens / seconds if tokens > 0 and seconds > 0 else None


def ratio(candidate: float | None, reference: float | None) -> float | None:
    """Return candidate / reference, or None when either is missing or zero."""
    return candidate / reference if candidate and reference else None


def ratio_interval(reference_s: Sequence[float], candidate_s: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of sum(reference) / sum(candidate) over paired seconds.

    It is a t interval of the logarithm of the ratio: the jackknife gives its error, and pairs of unequal length have
    the degrees of freedom of fewer equal ones. docs/performance.md has its coverage (tests/bench/interval_coverage.py).
    None for unpaired seconds, for fewer than MIN_PAIRS, or where one is not positive.
    """
    reference_B, candidate_B = np.asarray(reference_s, np.float64), np.asarray(candidate_s, np.float64)
    num_pairs = len(reference_B)
    if num_pairs != len(candidate_B) or num_pairs < MIN_PAIRS or min(reference_B.min(), candidate_B.min()) <= 0:
        return None
    reference, candidate = reference_B.sum(), candidate_B.sum()
    without_B = np.log((reference - reference_B) / (candidate - candidate_B))
    error = np.sqrt((num_pairs - 1) * without_B.var())
    shares_B = (reference_B / reference + candidate_B / candidate) / 2
    degrees = max(1.0, 1 / (shares_B**2).sum() - 1)
    center, half = np.log(reference / candidate), stdtrit(degrees, 0.975) * error
    return float(np.exp(center - half)), float(np.exp(center + half))
