"""S2: similarity of whole sets: CKA, debiased CKA, rank correlation of all distances; and the energy distance.

All use standardized features (as M3) of evenly spread rows, in FP64.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from vp_tui.core.measures.arrays import BY_NUMPY, Array, Arrays
from vp_tui.core.measures.selection import chunks, evenly
from vp_tui.core.measures.statistics import ReferenceStatistics

MAX_ROWS = 2048
MIN_ROWS = 4
"""The debiased estimate divides by n - 3."""
_DUST = 1e-12
"""Rounding of U-centring relative to the Gram matrix; smaller results count as 0."""
_EQUAL = 1e-14
"""Rounding of a Gram matrix relative to squared norms; rows whose squared distance is smaller count as equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureMeasures:
    """Similarities, 1 for equal sets, and the energy distance, 0 for equal sets; None below four rows or no spread."""

    cka: float | None = None
    cka_debiased: float | None = None
    rdm_spearman: float | None = None
    energy_distance: float | None = None


def structure_measures(
    x_SD: Array,
    y_SD: Array,
    statistics: ReferenceStatistics,
    *,
    y_statistics: ReferenceStatistics | None = None,
    rows_S: np.ndarray | None = None,
    max_rows: int = MAX_ROWS,
    arrays: Arrays = BY_NUMPY,
) -> StructureMeasures:
    """Compare the structure within two finite sets, the rows `rows_S` (all by default).

    y of another model, which may be of another width, is standardized by `y_statistics`, its own; then there is no
    energy distance. At most `max_rows` rows for CKA, half of it for distances, an eighth for the energy distance.

    Linear CKA (Kornblith et al. 2019, eq. 3-4): cosine between the centred Gram matrices K and L of both sets.
    Debiased (Nguyen et al. 2021, eq. 3, with the unbiased HSIC of Song et al. 2012): cosine between their U-centred
    off-diagonal parts (Szekely & Rizzo 2014), which a width larger than the number of rows does not drive to 1.
    RDM: Spearman correlation of all pairwise Euclidean distances (Kriegeskorte et al. 2008).
    """
    rows_S = np.arange(len(x_SD)) if rows_S is None else rows_S
    rows = rows_S[evenly(len(rows_S), max_rows)]
    of_y = y_statistics or statistics
    if len(rows) < MIN_ROWS or not statistics.spread or not of_y.spread:
        return StructureMeasures()
    x_SD, y_SD = arrays.standardized(x_SD, rows, statistics), arrays.standardized(y_SD, rows, of_y)
    few = evenly(len(rows), max_rows // 2)
    fewer = arrays.array(few[evenly(len(few), max_rows // 8)])
    energy_EDs = _from_one_centre(x_SD, y_SD, fewer) if y_statistics is None else []
    x, y = arrays.each(partial(_within, few=arrays.array(few), arrays=arrays), (x_SD, y_SD))
    if not x.gram_SS.any():
        return StructureMeasures()
    pairs = (x.gram_SS, y.gram_SS), (x.off_diagonal_SS, y.off_diagonal_SS), (x.ranks_P, y.ranks_P)
    cka, cka_debiased, rdm_spearman = arrays.each(lambda pair: _alignment(*pair, arrays=arrays), pairs)
    return StructureMeasures(
        cka=cka,
        cka_debiased=cka_debiased,
        rdm_spearman=rdm_spearman,
        energy_distance=_energy_distance(*energy_EDs, arrays=arrays) if energy_EDs else None,
    )


def _from_one_centre(x_SD: Array, y_SD: Array, few: Array) -> list[Array]:
    """Some rows of both sets less the centre of x, before each set is centred in place."""
    x_centre_D = _centre(x_SD)
    return [z_SD[few] - x_centre_D for z_SD in (x_SD, y_SD)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Within:
    """Structure of one set: Gram matrix, U-centred off-diagonal part of it, and ranks of all distances."""

    gram_SS: Array
    off_diagonal_SS: Array
    ranks_P: Array


def _within(z_SD: Array, *, few: Array, arrays: Arrays) -> _Within:
    """Structure of the standardized rows z_SD, which are centred in place; distances of the rows `few` are ranked."""
    z_SD -= _centre(z_SD)
    gram_SS = arrays.products(z_SD, z_SD)
    ranks_P = _ranks(_distances_within(gram_SS[few[:, None], few[None, :]]), arrays)
    return _Within(gram_SS=gram_SS, off_diagonal_SS=_u_centred(gram_SS, arrays), ranks_P=ranks_P)


def _centre(z_SD: Array) -> Array:
    """Mean row [D]; exactly the row when all are equal."""
    gap_D = sum((z_SD[part] - z_SD[0]).sum(axis=0) for part in chunks(len(z_SD)))
    return z_SD[0] + gap_D / len(z_SD)


def _alignment(a: Array, b: Array, *, arrays: Arrays) -> float | None:
    """Cosine between two arrays, from the difference of the normalized ones: exactly 1 for equal arrays.

    None when the first is all zero, 0 when only the second is.
    """
    a_most, b_most = _most(a), _most(b)
    if a_most == 0 or b_most == 0:
        return None if a_most == 0 else 0.0
    a, b = a / a_most, b / b_most  # squares of far-off numbers would overflow
    a /= math.sqrt(arrays.inner(a, a))
    b /= math.sqrt(arrays.inner(b, b))
    a -= b
    return max(-1.0, 1.0 - 0.5 * arrays.inner(a, a))


def _most(a: Array) -> float:
    """Largest magnitude."""
    return float(max(a.max(), -a.min()))


def _u_centred(gram_SS: Array, arrays: Arrays) -> Array:
    """U-centred off-diagonal part of a matrix; the inner product of two is n (n - 3) times the unbiased HSIC."""
    num = len(gram_SS)
    diagonal = arrays.array(np.arange(num))
    u_SS = 1.0 * gram_SS
    u_SS[diagonal, diagonal] = 0.0
    size = _most(u_SS)
    sum_S = u_SS.sum(axis=1) / (num - 2)
    u_SS -= sum_S[:, None]
    u_SS -= sum_S - sum_S.sum() / (num - 1)
    u_SS[diagonal, diagonal] = 0.0
    return 0.0 * u_SS if _most(u_SS) <= _DUST * size else u_SS


def _distances_within(gram_FF: Array) -> Array:
    """Euclidean distances [F, F] between the rows of a set, from its Gram matrix."""
    square_F = gram_FF.diagonal()
    return _distances(gram_FF, square_F, square_F)


def _distances(gram_FF: Array, x_square_F: Array, y_square_F: Array) -> Array:
    sum_FF = x_square_F[:, None] + y_square_F
    square_FF = sum_FF - 2 * gram_FF
    # the root of rounding is far larger than rounding, and differs by processor
    square_FF[square_FF < _EQUAL * sum_FF] = 0.0
    return square_FF**0.5


def _ranks(far_FF: Array, arrays: Arrays) -> Array:
    """Centred ranks of the distances of all pairs, equal ones sharing their mean rank.

    Ranked in FP32 (8 million distances per octave): smaller differences are rounding of the Gram matrix.
    """
    first_P, second_P = map(arrays.array, np.triu_indices(len(far_FF), k=1))
    far_P = far_FF[first_P, second_P]
    most = float(far_P.max())
    place_P, counts = arrays.places(far_P / (most if most > 0 else 1.0))
    middle = counts.cumsum(axis=0) - (counts - 1) / 2
    return middle[place_P] - (len(far_P) + 1) / 2


def _energy_distance(x_ED: Array, y_ED: Array, *, arrays: Arrays) -> float:
    """2 E|X-Y| - E|X-X'| - E|Y-Y'| as a share of 2 E|X-Y|: 0 for equal sets, 1 for two far points.

    Szekely & Rizzo 2013, coefficient of inhomogeneity. Pairs are not independent: this is an effect size, not a test.
    """
    if bool((x_ED == y_ED).all()):
        return 0.0
    x_gram_EE, y_gram_EE = arrays.products(x_ED, x_ED), arrays.products(y_ED, y_ED)
    across_EE = _distances(arrays.products(x_ED, y_ED), x_gram_EE.diagonal(), y_gram_EE.diagonal())
    diagonal = arrays.array(np.arange(len(x_ED)))
    across_EE[diagonal, diagonal] = arrays.squares(y_ED - x_ED) ** 0.5  # partners are too close for a difference
    within = float(_distances_within(x_gram_EE).mean() + _distances_within(y_gram_EE).mean())
    across = 2 * float(across_EE.mean())
    return max(0.0, 1.0 - within / across) if across > 0 else 0.0
