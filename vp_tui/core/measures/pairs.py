"""Measures of a pair of vectors: embeddings in, numbers out, accumulated in FP64.

x is the reference, y the candidate, both float32 [S, D]. Ids (M1 to M5) are those of docs/measures.md.
Bad numbers are results: a sequence whose embedding is not finite has no cosine, and is counted elsewhere.
"""

from dataclasses import dataclass

import numpy as np

from vp_tui.core.measures.selection import chunks, finite_rows
from vp_tui.core.measures.statistics import ReferenceStatistics

SQNR_CAP_DB = 300.0
"""An exact match has no noise; FP64 itself ends at 319 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMeasures:
    """Per-sequence measures, float64 [S]; NaN marks a pair that has none (never leaves this process)."""

    cosine_S: np.ndarray
    relative_l2_S: np.ndarray
    norm_ratio_S: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMeasures:
    """PairMeasures and those that need the statistics of the whole reference; float64 [S], NaN where there is none."""

    cosine_S: np.ndarray
    relative_l2_S: np.ndarray
    norm_ratio_S: np.ndarray
    scale_S: np.ndarray
    centred_cosine_S: np.ndarray
    standardized_cosine_S: np.ndarray
    centred_l2_S: np.ndarray


def pair_measures(x_SD: np.ndarray, y_SD: np.ndarray) -> PairMeasures:
    """Compare two sets of embeddings row by row.

    M1: cosine = 1 - |x/|x| - y/|y||^2 / 2, which does not cancel near 1 as the dot product does.
    M4: relative L2 = |y - x| / |x|. M5: norm ratio = |y| / |x|.
    Two zero vectors are equal (cosine 1, relative L2 0, ratio 1); one zero vector has no direction (cosine 0).
    A row with a non-finite value on either side has no measure.
    """
    finite_S = finite_rows(x_SD, y_SD)
    columns = {name: np.full(len(x_SD), np.nan) for name in PairMeasures.__dataclass_fields__}
    for part in chunks(len(x_SD)):
        keep_C = finite_S[part]
        found = _plain(x_SD[part][keep_C].astype(np.float64), y_SD[part][keep_C].astype(np.float64))
        for name, values_C in found.items():
            columns[name][part][keep_C] = values_C
    return PairMeasures(**columns)


def set_measures(x_CD: np.ndarray, y_CD: np.ndarray, statistics: ReferenceStatistics) -> SetMeasures:
    """Compare a few finite rows in float64, also relative to the statistics of the whole reference.

    mu and s are the mean and the scale of `statistics`.
    M2: cosine of x - mu and y - mu. M3: of (x - mu) / s and (y - mu) / s. M4c: |y - x| / |x - mu|.
    M5: least-squares scale <x, y> / <x, x>. Zero vectors, here also x = mu, are treated as in `pair_measures`:
    both zero are equal (scale 1), one zero has no direction (cosine and scale 0); the error of a zero is |y - x|.
    M2, M3 and M4c of a reference without spread do not exist.
    """
    found = _plain(x_CD, y_CD) | {"scale_S": _least_squares_scale(x_CD, y_CD)}
    names = ("centred_cosine_S", "centred_l2_S", "standardized_cosine_S")
    about = _centred(x_CD, y_CD, statistics) if statistics.spread else dict.fromkeys(names, np.full(len(x_CD), np.nan))
    return SetMeasures(**found, **about)


def sqnr_db(relative_l2_S: np.ndarray) -> np.ndarray:
    """Return the signal-to-quantization-noise ratio -20 log10(relative L2) in dB, at most SQNR_CAP_DB."""
    least = 10 ** (-SQNR_CAP_DB / 20)
    ratio_db_S: np.ndarray = np.minimum(-20 * np.log10(np.maximum(relative_l2_S, least)), SQNR_CAP_DB)
    return ratio_db_S


def row_cosine(x_SD: np.ndarray, y_SD: np.ndarray) -> np.ndarray:
    """Return the cosine of the rows of two finite float64 matrices, as M1."""
    return _cosine(x_SD, y_SD, _norm(x_SD), _norm(y_SD))


def _norm(x_SD: np.ndarray) -> np.ndarray:
    norm_S: np.ndarray = np.sqrt(np.einsum("sd,sd->s", x_SD, x_SD))
    return norm_S


def _cosine(x_SD: np.ndarray, y_SD: np.ndarray, x_norm_S: np.ndarray, y_norm_S: np.ndarray) -> np.ndarray:
    x_safe_S, y_safe_S = np.where(x_norm_S > 0, x_norm_S, 1.0), np.where(y_norm_S > 0, y_norm_S, 1.0)
    gap_SD = x_SD / x_safe_S[:, None]
    gap_SD -= y_SD / y_safe_S[:, None]
    cosine_S = 1.0 - 0.5 * np.einsum("sd,sd->s", gap_SD, gap_SD)
    return np.where((x_norm_S > 0) != (y_norm_S > 0), 0.0, np.clip(cosine_S, -1.0, 1.0))


def _plain(x_SD: np.ndarray, y_SD: np.ndarray) -> dict[str, np.ndarray]:
    """The fields of PairMeasures, of finite rows in float64."""
    x_norm_S, y_norm_S = _norm(x_SD), _norm(y_SD)
    x_safe_S = np.where(x_norm_S > 0, x_norm_S, 1.0)
    both_zero_S = (x_norm_S == 0) & (y_norm_S == 0)
    return {
        "cosine_S": _cosine(x_SD, y_SD, x_norm_S, y_norm_S),
        "relative_l2_S": _norm(y_SD - x_SD) / x_safe_S,
        "norm_ratio_S": np.where(both_zero_S, 1.0, y_norm_S / x_safe_S),
    }


def _centred(x_SD: np.ndarray, y_SD: np.ndarray, statistics: ReferenceStatistics) -> dict[str, np.ndarray]:
    error_norm_S = _norm(y_SD - x_SD)
    x_SD, y_SD = x_SD - statistics.mean_D, y_SD - statistics.mean_D
    x_norm_S = _norm(x_SD)
    scale_D = statistics.scale_D
    return {
        "centred_cosine_S": _cosine(x_SD, y_SD, x_norm_S, _norm(y_SD)),
        "centred_l2_S": error_norm_S / np.where(x_norm_S > 0, x_norm_S, 1.0),
        "standardized_cosine_S": row_cosine(x_SD / scale_D, y_SD / scale_D),
    }


def _least_squares_scale(x_SD: np.ndarray, y_SD: np.ndarray) -> np.ndarray:
    square_S = np.einsum("sd,sd->s", x_SD, x_SD)
    scale_S = np.einsum("sd,sd->s", x_SD, y_SD) / np.where(square_S > 0, square_S, 1.0)
    return np.where((square_S == 0) & ~y_SD.any(axis=1), 1.0, scale_S)
