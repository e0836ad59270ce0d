"""S1: agreement of nearest neighbours (ten, and one) in the standardized space of M3."""

import hashlib
from dataclasses import dataclass

import numpy as np

from vp_tui.core.measures.arrays import BY_NUMPY, Array, Arrays
from vp_tui.core.measures.selection import chunks, evenly
from vp_tui.core.measures.statistics import ReferenceStatistics

NEIGHBOURS = 10
MIN_ROWS = 12
"""With eleven rows the ten neighbours of each are all the others."""
MAX_QUERIES = 2048
MAX_GALLERY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourMeasures:
    """Mean share of the ten neighbours that stay, and share of nearest ones that stay; None below 12 distinct rows."""

    overlap: float | None
    nearest: float | None
    num_queries: int
    num_gallery: int
    num_duplicates: int


def neighbour_measures(
    x_SD: Array,
    y_SD: Array,
    statistics: ReferenceStatistics,
    hash_S: np.ndarray | None = None,
    *,
    y_statistics: ReferenceStatistics | None = None,
    rows_S: np.ndarray | None = None,
    max_queries: int = MAX_QUERIES,
    arrays: Arrays = BY_NUMPY,
) -> NeighbourMeasures:
    """Compare the Euclidean neighbours within each of two finite sets, query by query.

    y of another model, which may be of another width, is standardized by `y_statistics`, its own.

    The sets are the rows `rows_S`, all by default, and `hash_S` (int64) is the content of each of those. Equal ones
    (without a hash: equal reference rows) are kept once, the first of them, since the order among equals is chance. At
    most 10,000 evenly spread rows are the gallery, `max_queries` of those the queries. FP64 throughout; of equally
    distant neighbours the one with the lower index is nearer.
    """
    rows_S = np.arange(len(x_SD)) if rows_S is None else rows_S
    distinct = first_of_each(content_hash(x_SD[rows_S]) if hash_S is None else hash_S)
    num_duplicates = len(rows_S) - len(distinct)
    gallery = rows_S[distinct[evenly(len(distinct), MAX_GALLERY)]]
    of_y = y_statistics or statistics
    if len(gallery) < MIN_ROWS or not statistics.spread or not of_y.spread:
        return NeighbourMeasures(
            overlap=None, nearest=None, num_queries=0, num_gallery=len(gallery), num_duplicates=num_duplicates
        )
    queries = evenly(len(gallery), max_queries)
    x_near_QN, x_first_Q = _neighbours(arrays.standardized(x_SD, gallery, statistics), queries, arrays)
    y_near_QN, y_first_Q = _neighbours(arrays.standardized(y_SD, gallery, of_y), queries, arrays)
    kept = np.count_nonzero(x_near_QN[:, :, None] == y_near_QN[:, None, :])
    return NeighbourMeasures(
        overlap=float(kept / (NEIGHBOURS * len(queries))),
        nearest=float((x_first_Q == y_first_Q).mean()),
        num_queries=len(queries),
        num_gallery=len(gallery),
        num_duplicates=num_duplicates,
    )


def first_of_each(keys_S: np.ndarray) -> np.ndarray:
    """Return the index of the first row of each content, rising."""
    return np.sort(np.unique(keys_S, return_index=True)[1])


def content_hash(x_SD: np.ndarray, rows_S: np.ndarray | None = None) -> np.ndarray:
    """Return a hash of every row, or of the rows `rows_S`, int64 [S]: equal for equal numbers.

    64 bits of BLAKE2b; -0.0 counts as 0.0. Rows are read one by one, so x_SD may be a memory-mapped file.
    """
    rows = range(len(x_SD)) if rows_S is None else rows_S
    digests = [hashlib.blake2b(x_SD[row] + np.float32(0.0), digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(digests), dtype=np.int64)


def _neighbours(z_GD: Array, queries: np.ndarray, arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Places of the ten neighbours of every query [Q, 10], and of the nearest [Q].

    Neighbours of q are those with the smallest |g|^2 / 2 - <q, g>, which is half the squared distance less a constant.
    """
    half_square_G = 0.5 * arrays.squares(z_GD)

    def look(part: slice) -> tuple[np.ndarray, np.ndarray]:
        query_C = arrays.array(queries[part])
        far_CG = arrays.products(-z_GD[query_C], z_GD)
        far_CG += half_square_G
        far_CG[arrays.array(np.arange(len(far_CG))), query_C] = np.inf
        return arrays.smallest(far_CG, NEIGHBOURS)

    found = arrays.each(look, chunks(len(queries), arrays.rows_at_once))
    return np.concatenate([near_CN for near_CN, _ in found]), np.concatenate([first_C for _, first_C in found])
