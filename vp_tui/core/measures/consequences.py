"""S7 to S10: what the error of a candidate changes for whoever uses the embeddings.

All four compare sequences in the standardized space of M3, after removal of duplicates. Nothing here asks how large the
error is, only whether it is large enough to be taken for the difference between two sequences:

    S7  identity            y_i lies far nearer to another sequence's x_j than to its own x_i: less than half as far
    S8  gap                 |y_i - x_i| over the distance from x_i to the nearest other sequence
    S9  lost neighbours     the nearest neighbour in y lies more than 2 % farther than the nearest one in x
    S10 far flips           of 500 random linear probes, the labels that flip although they were not near the threshold

The distance to the nearest other sequence shrinks with every sequence that is added, so S8 and S9 look for it among
a fixed number of sequences, GALLERY; then neither changes with the size of the sample.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vp_tui.core.measures import summary
from vp_tui.core.measures.arrays import BY_NUMPY, Array, Arrays
from vp_tui.core.measures.selection import chunks, evenly
from vp_tui.core.measures.statistics import ReferenceStatistics

GALLERY = 512
"""Sequences among which S8 and S9 look for neighbours."""
QUERIES = 2048
"""Sequences that S8, S9 and S10 are computed for."""
SUSPECTS = 512
"""S7 checks the sequences with the largest errors: only an error of two thirds of the distance to another sequence can
make y_i lie twice as near to that one, so a small error never does."""
MAX_GALLERY = 10_000
"""S7 compares each suspect with as many sequences."""
NEARER = 0.5
"""S7: y_i belongs to another sequence that lies at less than half the distance of its own reference. Noise that mixes
up near duplicates leaves both at nearly one distance (one of 10,000 in BF16: 0.85), and is what S8 measures; an
exchanged pair is at 0.02 to 0.3."""
LOST = 0.02
"""S9: a new nearest neighbour at most 2 % farther is a near tie, and no loss."""
PROBES = 500
FAR = 0.05
"""S10: distance from the threshold, in standard deviations of the probe; nearer ones flip in repeats of FP32 too."""
MIN_ROWS = 12
_PROBE_SEED = 5
_GALLERY_CHUNK = 1024
"""Rows of S7's gallery in memory at a time: 21 MB of ESM-2 3B."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """None where there are fewer than 12 distinct rows, or where the reference has no spread."""

    identity_misses: int | None = None
    """Sequences whose candidate embedding is that of another sequence (at most 512 are counted)."""
    first_miss: int | None = None
    """Row of the first of them."""
    gap_p50: float | None = None
    gap_p99: float | None = None
    lost: int | None = None
    lost_share: float | None = None
    far_flip_share: float | None = None
    """Share of all labels, 500 probes of every row."""


def consequence_measures(
    x_SD: Array,
    y_SD: Array,
    statistics: ReferenceStatistics,
    *,
    rows_S: np.ndarray,
    arrays: Arrays = BY_NUMPY,
) -> Consequences:
    """Return the consequences for the rows `rows_S` of two sets, finite and distinct; FP64 throughout."""
    if len(rows_S) < MIN_ROWS or not statistics.spread:
        return Consequences()
    both = _Both(x_SD=x_SD, y_SD=y_SD, statistics=statistics, rows_S=rows_S, arrays=arrays)
    error_S = _errors(both)
    misses = _misses(both, error_S)
    gap_Q, lost_Q = _neighbours(both, error_S)
    return Consequences(
        identity_misses=len(misses),
        first_miss=int(misses[0]) if len(misses) else None,
        gap_p50=summary.percentile(gap_Q, 50),
        gap_p99=summary.percentile(gap_Q, 99),
        lost=int(lost_Q.sum()),
        lost_share=float(lost_Q.mean()),
        far_flip_share=_far_flips(both),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """Both arms; `x` and `y` standardize some of the rows `rows_S`."""

    x_SD: Array
    y_SD: Array
    statistics: ReferenceStatistics
    rows_S: np.ndarray
    arrays: Arrays

    def x(self, places: slice | np.ndarray) -> Array:
        return self.arrays.standardized(self.x_SD, self.rows_S[places], self.statistics)

    def y(self, places: slice | np.ndarray) -> Array:
        return self.arrays.standardized(self.y_SD, self.rows_S[places], self.statistics)


def _errors(both: _Both) -> np.ndarray:
    """|y - x| of every row in the standardized space [S]."""
    arrays = both.arrays

    def look(part: slice) -> np.ndarray:
        gap_CD = both.y(part)
        gap_CD -= both.x(part)
        return arrays.host(arrays.squares(gap_CD))

    square_S = np.concatenate(arrays.each(look, chunks(len(both.rows_S), arrays.rows_at_once)))
    error_S: np.ndarray = np.sqrt(square_S)
    return error_S


def _misses(both: _Both, error_S: np.ndarray) -> np.ndarray:
    """Rows whose y lies at less than half the distance from another x."""
    arrays, rows_S = both.arrays, both.rows_S
    suspects = np.sort(np.argsort(-error_S, kind="stable")[:SUSPECTS])
    gallery = evenly(len(rows_S), MAX_GALLERY)
    y_QD = both.y(suspects)
    half_Q = 0.5 * arrays.squares(y_QD)

    def look(part: slice) -> tuple[np.ndarray, np.ndarray]:
        far_QC = _half_square_distances(y_QD, half_Q, both.x(gallery[part]), arrays)
        far_QC[arrays.array(suspects[:, None] == gallery[None, part])] = np.inf
        nearest_Q = far_QC.argmin(axis=1)
        return arrays.host(nearest_Q) + part.start, arrays.host(_picked(far_QC, nearest_Q, arrays))

    found = arrays.each(look, chunks(len(gallery), _GALLERY_CHUNK))
    nearest_PQ, far_PQ = (np.stack(column) for column in zip(*found, strict=True))
    nearest_Q = nearest_PQ[far_PQ.argmin(axis=0), np.arange(len(suspects))]
    # exactly, for the one that seems nearest: a distance above is a difference of large numbers
    near_Q = np.sqrt(arrays.host(arrays.squares(y_QD - both.x(gallery[nearest_Q]))))
    missed_S: np.ndarray = rows_S[suspects[near_Q < NEARER * error_S[suspects]]]
    return missed_S


def _neighbours(both: _Both, error_S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Error over the distance to the nearest other sequence, and whether the nearest one was lost, per query [Q]."""
    arrays = both.arrays
    gallery, queries = evenly(len(both.rows_S), GALLERY), evenly(len(both.rows_S), QUERIES)
    galleries = both.x(gallery), both.y(gallery)

    def look(part: slice) -> tuple[np.ndarray, np.ndarray]:
        itself_CG = arrays.array(queries[part, None] == gallery[None, :])
        squares = []
        for z_CD, gallery_GD in zip((both.x(queries[part]), both.y(queries[part])), galleries, strict=True):
            far_CG = _half_square_distances(z_CD, 0.5 * arrays.squares(z_CD), gallery_GD, arrays)
            far_CG[itself_CG] = np.inf
            squares.append(far_CG)
        nearest_C, found_C = (_picked(squares[0], far_CG.argmin(axis=1), arrays) for far_CG in squares)
        return arrays.host(nearest_C), arrays.host(found_C)

    found = arrays.each(look, chunks(len(queries), arrays.rows_at_once))
    nearest_Q, found_Q = (np.sqrt(2 * np.concatenate(column)) for column in zip(*found, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        # two sequences of one embedding: nothing can tell them apart, so nothing is lost between them
        gap_Q = np.where(nearest_Q > 0, error_S[queries] / nearest_Q, np.nan)
        lost_Q = np.where(nearest_Q > 0, found_Q > (1 + LOST) * nearest_Q, False)
    return gap_Q, lost_Q


def _half_square_distances(a_AD: Array, half_A: Array, b_BD: Array, arrays: Arrays) -> Array:
    """|a - b|^2 / 2 of every pair [A, B], not below 0; half_A is |a|^2 / 2."""
    far_AB = half_A[:, None] + 0.5 * arrays.squares(b_BD)[None, :]
    far_AB -= arrays.products(a_AD, b_BD)
    return far_AB.clip(min=0.0)


def _picked(far_AB: Array, places_A: Array, arrays: Arrays) -> Array:
    """The element at this place of every row [A]."""
    return far_AB[arrays.array(np.arange(len(far_AB))), places_A]


def _far_flips(both: _Both) -> float:
    """Share of labels that flip beyond FAR; a probe's label is the side of its median over the reference."""
    arrays, queries = both.arrays, evenly(len(both.rows_S), QUERIES)
    probes_PD = arrays.array(_probes(both.x_SD.shape[1]))

    def look(part: slice) -> tuple[np.ndarray, np.ndarray]:
        x_CP, y_CP = (arrays.products(z_CD, probes_PD) for z_CD in (both.x(queries[part]), both.y(queries[part])))
        return arrays.host(x_CP), arrays.host(y_CP)

    found = arrays.each(look, chunks(len(queries), arrays.rows_at_once))
    x_SP, y_SP = (np.concatenate(column) for column in zip(*found, strict=True))
    threshold_P, sigma_P = np.median(x_SP, axis=0), x_SP.std(axis=0)
    flips_SP = (x_SP > threshold_P) != (y_SP > threshold_P)
    return float((flips_SP & (np.abs(x_SP - threshold_P) > FAR * sigma_P)).mean())


@lru_cache(maxsize=2)
def _probes(width: int) -> np.ndarray:
    return np.random.default_rng(_PROBE_SEED).normal(size=(PROBES, width))
