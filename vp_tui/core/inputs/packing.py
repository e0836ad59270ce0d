"""Packed batches: the sequences that are encoded together, and the layout of their tokens.

A pack is a row of tokens without padding, so it need not be full, but its sequences should be of similar length. Only
attention without a variable-length kernel (FP32, CPU) needs rectangles: `PaddedGroup`, cut to have little padding.

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
"""A sequence shorter than this share of its group's longest one opens the next group; below it padding is cheaper than
another launch."""

NO_PADDING: Final = 1.0
"""Groups of equal length, for a CPU: no padding, no mask, no copies, and more calls, which are cheap there."""

TILE: Final = 64
"""Queries per program of the kernel for short sequences (models/fused/short.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedGroup:
    """Consecutive sequences of a pack as a rectangle, for attention kernels that need one."""

    start: int
    """First token of the group in the pack."""
    stop: int
    """One past its last token."""
    gather_BT: NDArray[np.int64]
    """Token of the pack for each cell. Padding repeats the sequence's own last token, because a NaN of another
    sequence would spread by 0 * NaN."""
    valid_BT: NDArray[np.bool_]
    """False on padding."""
    take_n: NDArray[np.int64]
    """Cell (row * T + column) of each real token, in pack order: maps the rectangle back to the pack."""

    @property
    def padded(self) -> bool:
        """True if any cell is padding."""
        return self.gather_BT.size > self.take_n.size


@dataclass(frozen=True, kw_only=True)
class PackLayout:
    """Layout of the tokens of a pack."""

    lengths_S: NDArray[np.int64]
    """Tokens per sequence."""
    cu_seqlens: NDArray[np.int32]
    """[S + 1] first token of each sequence, then the number of tokens (a term of varlen kernels)."""
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
        """Return the pack as rectangles; a sequence shorter than `fill` of its group's longest one opens the next."""
        starts_S = self.cu_seqlens[:-1].astype(np.int64)
        borders = [0, *_group_borders(self.lengths_S.tolist(), fill), self.lengths_S.size]
        return tuple(_group(starts_S[first:stop], self.lengths_S[first:stop]) for first, stop in pairwise(borders))

    @property
    def tiles_B3(self) -> NDArray[np.int32]:
        """[B, 3] sequence's first token, its length and the first query, for every TILE queries of a sequence."""
        per_sequence_S = -(-self.lengths_S // TILE)
        sequence_B = np.repeat(np.arange(self.lengths_S.size), per_sequence_S)
        first_S = np.cumsum(per_sequence_S) - per_sequence_S
        query_B = TILE * (np.arange(sequence_B.size) - first_S[sequence_B])
        columns = (self.cu_seqlens[:-1][sequence_B], self.lengths_S[sequence_B], query_B)
        return np.stack(columns, axis=1).astype(np.int32)


def by_length(lengths_S: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Return packs of sequence indices, each of at most `budget` tokens, by decreasing length.

    Memory therefore peaks at the start, and the sequences of a pack are of similar length: attention kernels size every
    sequence for the longest one of the pack, so a mixed pack takes twice as long there.

    Raises ResourceError if a sequence is longer than the budget.
    """
    if lengths_S.size == 0:
        return []
    longest = int(lengths_S.max())
    if longest > budget:
        raise ResourceError(
            f"a sequence of {longest} tokens exceeds the token budget of {budget}; "
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
"""Packs per block at most: bounds the input prepared ahead of the device and the output waiting to be read."""


def blocks_of(packs: Sequence[NDArray[np.int64]], count: int) -> list[NDArray[np.int64]]:
    """Return the sequence indices of every `count` packs in a row; by_length makes the same packs of a block again."""
    return [np.concatenate(packs[first : first + count]) for first in range(0, len(packs), count)]


def layout(lengths_S: NDArray[np.int64]) -> PackLayout:
    """Return the layout of a pack of sequences of `lengths_S` tokens, in this order (decreasing: little padding)."""
    lengths_S = np.asarray(lengths_S, dtype=np.int64)
    assert lengths_S.min(initial=0 if not lengths_S.size else 1) > 0, "a packed batch has sequences, none of them empty"
    cu_seqlens = np.concatenate([[0], np.cumsum(lengths_S)])
    starts_S = cu_seqlens[:-1]
    positions_N = np.arange(cu_seqlens[-1]) - np.repeat(starts_S, lengths_S)
    return PackLayout(
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
