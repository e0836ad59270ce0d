"""Speed of two runs from paired blocks: block seconds in, ratios and a confidence interval out.

Both runs encode the same blocks in ABBA order, so slow drifts (clocks, temperature, other load) affect both. The
interval resamples blocks, not packed batches, because the batches of a block were encoded at the same time.
"""

from collections.abc import Sequence

import numpy as np

from vp_tui.core.measures import bootstrap


def tokens_per_s(tokens: int, seconds: float) -> float | None:
    """Return tokens / seconds, or None before anything was timed."""
    return tokens / seconds if tokens > 0 and seconds > 0 else None


def ratio(candidate: float | None, reference: float | None) -> float | None:
    """Return candidate / reference, or None when either is missing or zero."""
    return candidate / reference if candidate and reference else None


def ratio_interval(reference_s: Sequence[float], candidate_s: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % bootstrap interval of sum(reference) / sum(candidate) over paired block seconds.

    None for unpaired blocks, or for fewer than bootstrap.MIN_VALUES.
    """
    reference_B, candidate_B = np.asarray(reference_s, np.float64), np.asarray(candidate_s, np.float64)
    if len(reference_B) != len(candidate_B):
        return None
    return bootstrap.interval(
        len(reference_B), lambda picks_RB: reference_B[picks_RB].sum(axis=1) / candidate_B[picks_RB].sum(axis=1)
    )
