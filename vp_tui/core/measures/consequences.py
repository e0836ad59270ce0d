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

import numpy as np

from vp_tui.core.measures import summary
from vp_tui.core.measures.matmul import Matmul, by_numpy
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
_CHUNK = 256


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
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    statistics: ReferenceStatistics,
    *,
    rows_S: np.ndarray,
    matmul: Matmul = by_numpy,
) -> Consequences:
    """Return the consequences for the rows `rows_S` of two sets, finite and distinct; FP64 throughout."""
    if len(rows_S) < MIN_ROWS or not statistics.spread:
        return Consequences()
    error_S = _errors(x_SD, y_SD, statistics, rows_S)
    misses = _misses(x_SD, y_SD, statistics, rows_S, error_S, matmul)
    gap_Q, lost_Q = _neighbours(x_SD, y_SD, statistics, rows_S, error_S, matmul)
    return Consequences(
        identity_misses=len(misses),
        first_miss=int(misses[0]) if len(misses) else None,
        gap_p50=summary.percentile(gap_Q, 50),
        gap_p99=summary.percentile(gap_Q, 99),
        lost=int(lost_Q.sum()),
        lost_share=float(lost_Q.mean()),
        far_flip_share=_far_flips(x_SD, y_SD, statistics, rows_S[evenly(len(rows_S), QUERIES)], matmul),
    )


def _errors(x_SD: np.ndarray, y_SD: np.ndarray, statistics: ReferenceStatistics, rows_S: np.ndarray) -> np.ndarray:
    """|y - x| of every row in the standardized space [S]."""
    error_S = np.empty(len(rows_S))
    for part in chunks(len(rows_S), _CHUNK):
        z_CD = statistics.standardized(y_SD, rows_S[part]) - statistics.standardized(x_SD, rows_S[part])
        error_S[part] = np.sqrt(np.einsum("sd,sd->s", z_CD, z_CD))
    return error_S


def _misses(
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    statistics: ReferenceStatistics,
    rows_S: np.ndarray,
    error_S: np.ndarray,
    matmul: Matmul,
) -> np.ndarray:
    """Rows whose y lies at less than half the distance from another x."""
    suspects = np.sort(np.argsort(-error_S, kind="stable")[:SUSPECTS])
    gallery = evenly(len(rows_S), MAX_GALLERY)
    y_QD = statistics.standardized(y_SD, rows_S[suspects])
    far_QG = _half_square_distances(y_QD, statistics.standardized(x_SD, rows_S[gallery]), matmul)
    far_QG[suspects[:, None] == gallery[None, :]] = np.inf
    # exactly, for the one that seems nearest: far_QG is a difference of large numbers
    nearest_QD = statistics.standardized(x_SD, rows_S[gallery[far_QG.argmin(axis=1)]])
    missed_S: np.ndarray = rows_S[suspects[np.linalg.norm(y_QD - nearest_QD, axis=1) < NEARER * error_S[suspects]]]
    return missed_S


def _neighbours(
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    statistics: ReferenceStatistics,
    rows_S: np.ndarray,
    error_S: np.ndarray,
    matmul: Matmul,
) -> tuple[np.ndarray, np.ndarray]:
    """Error over the distance to the nearest other sequence, and whether the nearest one was lost, per query [Q]."""
    gallery, queries = evenly(len(rows_S), GALLERY), evenly(len(rows_S), QUERIES)
    itself_QG = queries[:, None] == gallery[None, :]
    squares = []
    for arm_SD in (x_SD, y_SD):
        far_QG = _half_square_distances(
            statistics.standardized(arm_SD, rows_S[queries]), statistics.standardized(arm_SD, rows_S[gallery]), matmul
        )
        far_QG[itself_QG] = np.inf
        squares.append(far_QG)
    x_far_QG, y_far_QG = squares
    every_Q = np.arange(len(queries))
    nearest_Q = np.sqrt(2 * x_far_QG.min(axis=1))
    found_Q = np.sqrt(2 * x_far_QG[every_Q, y_far_QG.argmin(axis=1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        # two sequences of one embedding: nothing can tell them apart, so nothing is lost between them
        gap_Q = np.where(nearest_Q > 0, error_S[queries] / nearest_Q, np.nan)
        lost_Q = np.where(nearest_Q > 0, found_Q > (1 + LOST) * nearest_Q, False)
    return gap_Q, lost_Q


def _half_square_distances(a_AD: np.ndarray, b_BD: np.ndarray, matmul: Matmul) -> np.ndarray:
    """|a - b|^2 / 2 of every pair [A, B], not below 0."""
    half_A, half_B = (0.5 * np.einsum("sd,sd->s", z_SD, z_SD) for z_SD in (a_AD, b_BD))
    far_AB = matmul(a_AD, b_BD)
    np.subtract(half_A[:, None] + half_B[None, :], far_AB, out=far_AB)
    return np.maximum(far_AB, 0.0, out=far_AB)


def _far_flips(
    x_SD: np.ndarray, y_SD: np.ndarray, statistics: ReferenceStatistics, rows_S: np.ndarray, matmul: Matmul
) -> float:
    """Share of labels that flip beyond FAR; a probe's label is the side of its median over the reference."""
    probes_PD = np.random.default_rng(_PROBE_SEED).normal(size=(PROBES, x_SD.shape[1]))
    x_SP, y_SP = np.empty((len(rows_S), PROBES)), np.empty((len(rows_S), PROBES))
    for part in chunks(len(rows_S), _CHUNK):
        x_SP[part] = matmul(statistics.standardized(x_SD, rows_S[part]), probes_PD)
        y_SP[part] = matmul(statistics.standardized(y_SD, rows_S[part]), probes_PD)
    threshold_P, sigma_P = np.median(x_SP, axis=0), x_SP.std(axis=0)
    flips_SP = (x_SP > threshold_P) != (y_SP > threshold_P)
    return float((flips_SP & (np.abs(x_SP - threshold_P) > FAR * sigma_P)).mean())
