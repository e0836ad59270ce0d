"""S2: is the set as a whole the same? CKA, debiased CKA, rank correlation of all distances; and the energy distance.

All on standardized features (M3's) of evenly spread rows, in FP64.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from vp_tui.core.compare.choice import evenly
from vp_tui.core.compare.statistics import ReferenceStatistics

MAX_ROWS = 2048
MIN_ROWS = 4
"""The debiased estimate divides by n - 3."""
_DUST = 1e-12
"""Of the Gram matrix: what U-centring leaves below this is rounding, and counts as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureMeasures:
    """Similarities, 1 for equal sets, and the energy distance, 0 for equal sets; None below four rows or no spread."""

    cka: float | None = None
    cka_debiased: float | None = None
    rdm_spearman: float | None = None
    energy_distance: float | None = None


def structure_measures(
    x_SD: np.ndarray, y_SD: np.ndarray, statistics: ReferenceStatistics, *, max_rows: int = MAX_ROWS
) -> StructureMeasures:
    """Compare two finite sets by what holds within each: at most `max_rows` rows for CKA, half of it for distances,
    an eighth for the energy distance.

    Linear CKA (Kornblith et al. 2019, eq. 3-4): cosine between the centred Gram matrices K and L of both sets.
    Debiased (Nguyen et al. 2021, eq. 3, with the unbiased HSIC of Song et al. 2012): cosine between their U-centred
    off-diagonal parts (Szekely & Rizzo 2014), which a width larger than the number of rows does not drive to 1.
    RDM: Spearman correlation of all pairwise Euclidean distances (Kriegeskorte et al. 2008).
    """
    rows = evenly(len(x_SD), max_rows)
    if len(rows) < MIN_ROWS or not statistics.spread:
        return StructureMeasures()
    few = evenly(len(rows), max_rows // 2)
    x_SD, y_SD = statistics.standardized(x_SD[rows]), statistics.standardized(y_SD[rows])
    x_centre_D, y_centre_D = _centre(x_SD), _centre(y_SD)
    x_SD -= x_centre_D
    x_gram_SS = x_SD @ x_SD.T
    if not x_gram_SS.any():
        return StructureMeasures()
    fewer = few[evenly(len(few), max_rows // 8)]
    y_energy_ED = y_SD[fewer] - x_centre_D
    y_SD -= y_centre_D
    y_gram_SS = y_SD @ y_SD.T
    x_far_FF, y_far_FF = (_distances_within(gram_SS[np.ix_(few, few)]) for gram_SS in (x_gram_SS, y_gram_SS))
    return StructureMeasures(
        cka=_alignment(x_gram_SS, y_gram_SS),
        cka_debiased=_alignment(_u_centred(x_gram_SS), _u_centred(y_gram_SS)),
        rdm_spearman=_alignment(_ranks(x_far_FF), _ranks(y_far_FF)),
        energy_distance=_energy_distance(x_SD[fewer], y_energy_ED),
    )


def _centre(z_SD: np.ndarray) -> np.ndarray:
    """The mean row [D]; exactly the row when all are equal."""
    centre_D: np.ndarray = z_SD[0] + (z_SD - z_SD[0]).mean(axis=0)
    return centre_D


def _alignment(a: np.ndarray, b: np.ndarray) -> float | None:
    """Cosine between two arrays of numbers, from the difference of the normalized ones: exactly 1 for equal arrays.

    None when the first is all zero, 0 when only the second is.
    """
    a_most, b_most = np.abs(a).max(), np.abs(b).max()
    if a_most == 0 or b_most == 0:
        return None if a_most == 0 else 0.0
    a, b = a / a_most, b / b_most  # squares of far-off numbers would overflow
    a /= np.linalg.norm(a)
    b /= np.linalg.norm(b)
    a -= b
    return float(max(-1.0, 1.0 - 0.5 * np.vdot(a, a)))


def _u_centred(gram_SS: np.ndarray) -> np.ndarray:
    """U-centring of a matrix without its diagonal; the inner product of two is n (n - 3) times the unbiased HSIC."""
    num = len(gram_SS)
    u_SS = gram_SS.copy()
    np.fill_diagonal(u_SS, 0.0)
    size = np.abs(u_SS).max()
    sum_S = u_SS.sum(axis=1) / (num - 2)
    u_SS -= sum_S[:, None] + (sum_S - sum_S.sum() / (num - 1))
    np.fill_diagonal(u_SS, 0.0)
    return np.zeros_like(u_SS) if np.abs(u_SS).max() <= _DUST * size else u_SS


def _distances_within(gram_FF: np.ndarray) -> np.ndarray:
    """Euclidean distances [F, F] between the rows of a set, from its Gram matrix."""
    square_F = np.diagonal(gram_FF)
    return _distances(gram_FF, square_F, square_F)


def _distances(gram_FF: np.ndarray, x_square_F: np.ndarray, y_square_F: np.ndarray) -> np.ndarray:
    square_FF = x_square_F[:, None] + y_square_F - 2 * gram_FF
    distances_FF: np.ndarray = np.sqrt(np.maximum(square_FF, 0.0))  # rounding can fall below 0
    return distances_FF


def _ranks(far_FF: np.ndarray) -> np.ndarray:
    """Centred ranks of the distances of all pairs, equal ones sharing their mean rank.

    They are ranked in FP32, which knows 8 million distances per octave: what differs less is rounding of the Gram.
    """
    far_P = far_FF[np.triu_indices(len(far_FF), k=1)]
    most = far_P.max()
    ranks_P: np.ndarray = rankdata((far_P / (most if most > 0 else 1.0)).astype(np.float32))
    return ranks_P - (len(far_P) + 1) / 2


def _energy_distance(x_ED: np.ndarray, y_ED: np.ndarray) -> float:
    """2 E|X-Y| - E|X-X'| - E|Y-Y'| as a share of 2 E|X-Y|: 0 for equal sets, 1 for two far points.

    Szekely & Rizzo 2013, coefficient of inhomogeneity. Pairs are not independent, so this is a size and no test.
    """
    if np.array_equal(x_ED, y_ED):
        return 0.0
    x_gram_EE, y_gram_EE = x_ED @ x_ED.T, y_ED @ y_ED.T
    across_EE = _distances(x_ED @ y_ED.T, np.diagonal(x_gram_EE), np.diagonal(y_gram_EE))
    np.fill_diagonal(across_EE, np.linalg.norm(y_ED - x_ED, axis=1))  # partners are too close for a difference
    within = _distances_within(x_gram_EE).mean() + _distances_within(y_gram_EE).mean()
    across = 2 * across_EE.mean()
    return float(max(0.0, 1.0 - within / across)) if across > 0 else 0.0
