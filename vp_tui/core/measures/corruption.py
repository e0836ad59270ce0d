"""C1: negative controls, five corruptions of embeddings that at least one gate must detect; float32 [S, D] in and out.

Each is deterministic, and returns None where it is impossible (fewer than two rows) or would change nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from vp_tui.core.measures.statistics import reference_statistics, sums

Corruption = Callable[[np.ndarray], np.ndarray | None]
"""x_SD -> y_SD."""

LOST_SCALE = 0.88
"""The factor of ESM-2's token dropout, which a port once omitted."""
NOISE = 0.1
"""Size of the noise relative to the norm of the sequence: ten times the error of sound FP16 in the worst of 10,000, and
less than M1 detects (0.14)."""
_SEED = 20_200_101


def permuted_pairs(x_SD: np.ndarray) -> np.ndarray | None:
    """Shift all rows by one: no sequence keeps its embedding."""
    return _if_changed(x_SD, np.roll(x_SD, 1, axis=0))


def lost_scale(x_SD: np.ndarray) -> np.ndarray | None:
    """Return 0.88 x: directions are kept."""
    return _if_changed(x_SD, LOST_SCALE * x_SD.astype(np.float64))


def half_signal(x_SD: np.ndarray) -> np.ndarray | None:
    """Return mu + (x - mu) / 2, with mu the mean of the finite rows."""
    mean_D = reference_statistics(x_SD).mean_D
    return _if_changed(x_SD, mean_D + (x_SD - mean_D) / 2)


def top_dimension_only(x_SD: np.ndarray) -> np.ndarray | None:
    """Keep only the dimension that contributes most to the mean cosine between sequences."""
    y_SD = np.zeros_like(x_SD)
    if len(x_SD) > 1:
        top = int(sums(x_SD).between.share_D.argmax())
        y_SD[:, top] = x_SD[:, top]
    return _if_changed(x_SD, y_SD)


def one_noisy_sequence(x_SD: np.ndarray) -> np.ndarray | None:
    """Add noise of 10 % of its norm to the middle row of those with a norm, in a random direction."""
    norm_S = np.linalg.norm(x_SD.astype(np.float64), axis=1)
    there = np.flatnonzero(np.isfinite(norm_S) & (norm_S > 0))
    if not there.size:
        return None
    row = there[there.size // 2]
    noise_D = np.random.default_rng(_SEED).normal(size=x_SD.shape[1])
    y_SD = x_SD.copy()
    y_SD[row] += NOISE * norm_S[row] / np.linalg.norm(noise_D) * noise_D
    return _if_changed(x_SD, y_SD)


def _if_changed(x_SD: np.ndarray, y_SD: np.ndarray) -> np.ndarray | None:
    y_SD = y_SD.astype(np.float32)
    return None if len(x_SD) < 2 or np.array_equal(x_SD, y_SD, equal_nan=True) else y_SD


CONTROLS: Final[Mapping[str, tuple[Corruption, str]]] = MappingProxyType(
    {
        "permuted-pairs": (permuted_pairs, "Every sequence has the embedding of another one."),
        "lost-scale": (lost_scale, "All values are 12 % too small; directions are unchanged."),
        "half-signal": (
            half_signal,
            "Half of the difference between sequences is lost; their common part is unchanged.",
        ),
        "top-dimension-only": (
            top_dimension_only,
            "Only the dimension that dominates the similarity of all sequences is left; all others are zero.",
        ),
        "one-noisy-sequence": (one_noisy_sequence, "One sequence has 10 % noise; all others are unchanged."),
    }
)
"""Name -> corruption, and its meaning in one sentence."""
