"""Which sequences are encoded together, and where each of their tokens lies.

A pack is a row of real tokens without padding, so how full it is does not matter; that its sequences are of nearly
one length does. Only attention without a variable-length kernel (FP32, CPU) needs rectangles: `PaddedGroup`, cut so
that little is padding.

Shape suffixes: N tokens of the pack, S sequences, B sequences of a group, T padded length, n tokens of
a group, B tiles of queries in `tiles_B3`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.errors import ResourceError

GROUP_FILL: Final = 0.75
"""A sequence shorter than this part of its group's longest one opens the next group, where padding is cheaper than
another launch."""

NO_PADDING: Final = 1.0
"""Groups of equal length, for a CPU: no padding, no mask and no copies, and a call more costs it little."""

TILE: Final = 64
"""Queries that one program of the kernel for short sequences has (models/fused/short.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedGroup:
    """Consecutive sequences of a pack as one rectangle, for attention kernels that need one."""

    start: int
    """First token of the group in the pack."""
    stop: int
    """One past its last token."""
    gather_BT: NDArray[np.int64]
    """Token of the pack for each cell. Padding repeats the sequence's own last token: were it another
    sequence's, a NaN there would spread through 0 * NaN."""
    valid_BT: NDArray[np.bool_]
    """False on padding."""
    take_n: NDArray[np.int64]
    """Cell (row * T + column) of each real token, in pack order: the way back from the rectangle."""

    @property
    def padded(self) -> bool:
        """Whether any cell is padding."""
        return self.gather_BT.size > self.take_n.size


@dataclass(frozen=True, kw_only=True)
class PackLayout:
    """Where the tokens of one pack lie."""

    indices_S: NDArray[np.int64]
    """Sequence of the data set behind each sequence of the pack."""
    lengths_S: NDArray[np.int64]
    """Tokens per sequence."""
    cu_seqlens: NDArray[np.int32]
    """[S + 1] first token of each sequence, then the number of tokens (the varlen kernels' word)."""
    positions_N: NDArray[np.int32]
    """Position within its own sequence, from 0."""
    sequence_N: NDArray[np.int64]
    """Sequence of the pack (0..S-1) each token belongs to."""
    max_len: int
    """Tokens of the longest sequence."""

    @property
    def tokens(self) -> int:
        """Tokens of the pack."""
        return int(self.cu_seqlens[-1])

    def groups(self, fill: float = GROUP_FILL) -> tuple[PaddedGroup, ...]:
        """The pack as rectangles; a sequence shorter than `fill` of its group's longest one opens the next."""
        starts_S = self.cu_seqlens[:-1].astype(np.int64)
        borders = [0, *_group_borders(self.lengths_S.tolist(), fill), self.lengths_S.size]
        return tuple(_group(starts_S[first:stop], self.lengths_S[first:stop]) for first, stop in pairwise(borders))

    @property
    def tiles_B3(self) -> NDArray[np.int32]:
        """[B, 3] first token of the sequence, its length and the first query, for every TILE queries of a sequence."""
        per_sequence_S = -(-self.lengths_S // TILE)
        sequence_B = np.repeat(np.arange(self.lengths_S.size), per_sequence_S)
        first_S = np.cumsum(per_sequence_S) - per_sequence_S
        query_B = TILE * (np.arange(sequence_B.size) - first_S[sequence_B])
        columns = (self.cu_seqlens[:-1][sequence_B], self.lengths_S[sequence_B], query_B)
        return np.stack(columns, axis=1).astype(np.int32)


def by_length(lengths_S: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Packs of sequence indices, each of at most `budget` tokens: the sequences by falling length, cut in order.

    Packs come longest sequence first, so memory peaks at the start. Sequences of one pack are of nearly one length:
    attention kernels lay out every sequence for the longest one of the pack, so a mixed pack takes twice as long there.

    Raises ResourceError when one sequence is longer than the budget.
    """
    if lengths_S.size == 0:
        return []
    longest = int(lengths_S.max())
    if longest > budget:
        raise ResourceError(
            f"a sequence of {longest} tokens does not fit a token budget of {budget}; "
            f"raise --token-budget to at least {longest}"
        )
    order_S = np.argsort(-lengths_S, kind="stable")
    ends_S = np.cumsum(lengths_S[order_S])
    borders, start = [], 0
    while ends_S[-1] - start > budget:
        borders.append(int(np.searchsorted(ends_S, start + budget, side="right")))
        start = int(ends_S[borders[-1] - 1])
    return np.split(order_S, borders)


MAX_PACKS: Final = 16
"""Of a block, so that what the host lays out ahead of the device and what waits there to be read do not grow with the
number of sequences."""


def joined(packs: Sequence[NDArray[np.int64]], count: int) -> list[NDArray[np.int64]]:
    """The sequences of every `count` packs on end together; by_length makes the same packs of them again."""
    return [np.concatenate(packs[first : first + count]) for first in range(0, len(packs), count)]


def layout(lengths_S: NDArray[np.int64], indices_S: NDArray[np.int64] | None = None) -> PackLayout:
    """Layout of a pack whose sequences have `lengths_S` tokens, in this order (falling for little padding).

    `indices_S` names the sequences in the data set; 0..S-1 when left out.
    """
    lengths_S = np.asarray(lengths_S, dtype=np.int64)
    assert lengths_S.min(initial=0 if not lengths_S.size else 1) > 0, "a pack holds sequences, none empty"
    cu_seqlens = np.concatenate([[0], np.cumsum(lengths_S)])
    starts_S = cu_seqlens[:-1]
    positions_N = np.arange(cu_seqlens[-1]) - np.repeat(starts_S, lengths_S)
    return PackLayout(
        indices_S=np.arange(lengths_S.size) if indices_S is None else np.asarray(indices_S, dtype=np.int64),
        lengths_S=lengths_S,
        cu_seqlens=cu_seqlens.astype(np.int32),
        positions_N=positions_N.astype(np.int32),
        sequence_N=np.repeat(np.arange(lengths_S.size), lengths_S),
        max_len=int(lengths_S.max()),
    )


def _group_borders(lengths: list[int], fill: float) -> list[int]:
    borders = []
    widest = lengths[0]
    for place, length in enumerate(lengths):
        if length < fill * widest or length > widest:
            borders.append(place)
            widest = length
    return borders


def _group(starts_B: NDArray[np.int64], lengths_B: NDArray[np.int64]) -> PaddedGroup:
    columns_T = np.arange(lengths_B.max())
    valid_BT = columns_T < lengths_B[:, None]
    gather_BT = starts_B[:, None] + np.minimum(columns_T, lengths_B[:, None] - 1)
    return PaddedGroup(
        start=int(starts_B[0]),
        stop=int(starts_B[-1] + lengths_B[-1]),
        gather_BT=gather_BT,
        valid_BT=valid_BT,
        take_n=np.flatnonzero(valid_BT),
    )
