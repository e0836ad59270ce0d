"""The measures: embeddings in, plain numbers out, accumulated in FP64.

x is the reference, y the candidate, both float32 [S, D]. Ids (V1, M1, M4, M5) are those of docs/measures.md.
Bad numbers are results: a sequence whose embedding is not finite has no cosine, and is counted.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMeasures:
    """Per-sequence measures, float64 [S]; NaN marks a pair that has none (never leaves this process)."""

    cosine_S: np.ndarray
    relative_l2_S: np.ndarray
    norm_ratio_S: np.ndarray


def pair_measures(x_SD: np.ndarray, y_SD: np.ndarray) -> PairMeasures:
    """Compare two sets of embeddings row by row.

    M1: cosine = 1 - |x/|x| - y/|y||^2 / 2, which does not cancel near 1 as the dot product does.
    M4: relative L2 = |y - x| / |x|. M5: norm ratio = |y| / |x|.
    Two zero vectors are equal (cosine 1, relative L2 0, ratio 1); one zero vector has no direction (cosine 0).
    A row with a non-finite value on either side has no measure.
    """
    x_SD, y_SD = x_SD.astype(np.float64), y_SD.astype(np.float64)
    finite_S = np.isfinite(x_SD).all(axis=1) & np.isfinite(y_SD).all(axis=1)
    x_SD, y_SD = np.where(finite_S[:, None], x_SD, 0.0), np.where(finite_S[:, None], y_SD, 0.0)
    x_norm_S, y_norm_S = np.linalg.norm(x_SD, axis=1), np.linalg.norm(y_SD, axis=1)
    x_safe_S, y_safe_S = np.where(x_norm_S > 0, x_norm_S, 1.0), np.where(y_norm_S > 0, y_norm_S, 1.0)
    gap_SD = x_SD / x_safe_S[:, None] - y_SD / y_safe_S[:, None]
    cosine_S = 1.0 - 0.5 * np.einsum("sd,sd->s", gap_SD, gap_SD)
    one_zero_S = (x_norm_S > 0) != (y_norm_S > 0)
    both_zero_S = (x_norm_S == 0) & (y_norm_S == 0)
    return PairMeasures(
        cosine_S=_masked(np.where(one_zero_S, 0.0, np.clip(cosine_S, -1.0, 1.0)), finite_S),
        relative_l2_S=_masked(np.linalg.norm(y_SD - x_SD, axis=1) / x_safe_S, finite_S),
        norm_ratio_S=_masked(np.where(both_zero_S, 1.0, y_norm_S / x_safe_S), finite_S),
    )


def _masked(values_S: np.ndarray, keep_S: np.ndarray) -> np.ndarray:
    return np.where(keep_S, values_S, np.nan)
