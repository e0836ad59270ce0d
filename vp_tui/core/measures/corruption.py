"""C1: five ways to damage embeddings that at least one gate must notice; float32 [S, D] in, the damaged set out.

Each is deterministic, and gives None where it is impossible (fewer than two rows) or would change nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from vp_tui.core.measures.statistics import reference_statistics, sums

Corruption = Callable[[np.ndarray], np.ndarray | None]
"""x_SD -> y_SD."""

LOST_SCALE = 0.88
"""What ESM-2 multiplies its embeddings with for token dropout, and what a port once forgot."""
NOISE = 0.01
"""Of the norm of the one noisy sequence."""
_SEED = 20_200_101


def permuted_pairs(x_SD: np.ndarray) -> np.ndarray | None:
    """Every row takes the place of the next: no sequence keeps its embedding."""
    return _if_changed(x_SD, np.roll(x_SD, 1, axis=0))


def lost_scale(x_SD: np.ndarray) -> np.ndarray | None:
    """0.88 x: direction kept."""
    return _if_changed(x_SD, LOST_SCALE * x_SD.astype(np.float64))


def half_signal(x_SD: np.ndarray) -> np.ndarray | None:
    """mu + (x - mu) / 2, mu the mean of the finite rows."""
    mean_D = reference_statistics(x_SD).mean_D
    return _if_changed(x_SD, mean_D + (x_SD - mean_D) / 2)


def top_dimension_only(x_SD: np.ndarray) -> np.ndarray | None:
    """Zero but for the dimension that gives most to the mean cosine between sequences."""
    y_SD = np.zeros_like(x_SD)
    if len(x_SD) > 1:
        top = int(sums(x_SD).between.share_D.argmax())
        y_SD[:, top] = x_SD[:, top]
    return _if_changed(x_SD, y_SD)


def one_noisy_sequence(x_SD: np.ndarray) -> np.ndarray | None:
    """The middle one of the rows with a norm gets noise of 1 % of its norm in a random direction."""
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
        "lost-scale": (lost_scale, "All numbers are 12 % too small; directions are unharmed."),
        "half-signal": (half_signal, "Half of what tells sequences apart is gone; their common part is unharmed."),
        "top-dimension-only": (
            top_dimension_only,
            "Only the one dimension that makes all sequences look alike is left; all others are zero.",
        ),
        "one-noisy-sequence": (one_noisy_sequence, "One sequence has 1 % noise; all others are unharmed."),
    }
)
"""Name -> what damages, and what that means in one sentence."""
