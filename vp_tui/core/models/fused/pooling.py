"""Mean embeddings and counts of non-finite values in one pass over the token outputs, in Triton.

One program handles some dimensions of one sequence and loops over its tokens, 32 at a time; sums are FP32, in an order
that depends on the sequence's length only. The plain version reads the outputs seven times (engine/encode.py).

Shape suffixes: N tokens of the pack, S sequences, D width, C blocks of dimensions.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_ROWS = 32
_COLUMNS = 128


@triton.jit
def _pool_kernel(
    hidden, starts, means, nans, bads, width, front, back,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, COUNTS: tl.constexpr,
):  # fmt: skip
    sequence, block = tl.program_id(0), tl.program_id(1)
    start = tl.load(starts + sequence).to(tl.int64)
    length = (tl.load(starts + sequence + 1) - start).to(tl.int32)
    column = block * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((COLUMNS,), tl.float32)
    nan, bad = tl.zeros((COLUMNS,), tl.int32), tl.zeros((COLUMNS,), tl.int32)
    for first in range(0, length, ROWS):
        row = first + tl.arange(0, ROWS)
        inside = (row < length)[:, None] & (column < width)[None, :]
        value = tl.load(hidden + (start + row)[:, None] * width + column[None, :], mask=inside, other=0.0)
        wide = value.to(tl.float32)
        if COUNTS:
            nan += tl.sum((wide != wide).to(tl.int32), 0)  # noqa: PLR0124  (only NaN is not itself)
            # comparisons with NaN are false, so NaN counts too
            bad += tl.sum((~(tl.abs(wide) < float("inf"))).to(tl.int32), 0)
        pooled = (row >= front) & (row < length - back)
        total += tl.sum(tl.where(pooled[:, None], wide, 0.0), 0)
    num_pooled = (length - front - back).to(tl.float32)
    tl.store(means + sequence * width + column, total / num_pooled, mask=column < width)
    at = sequence * tl.num_programs(1) + block
    tl.store(nans + at, tl.sum(nan, 0))
    tl.store(bads + at, tl.sum(bad, 0))


def pool(
    hidden_ND: Tensor, cu_seqlens: Tensor, margins: tuple[int, int], counts: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return means [S, D] (FP32), and numbers of NaN and of non-finite values [S] (int64) of each sequence.

    `margins` are the numbers of tokens at both ends of a sequence that the mean excludes; the counts include them, and
    are zeros without `counts`.
    """
    num_sequences, width = len(cu_seqlens) - 1, hidden_ND.shape[1]
    blocks = triton.cdiv(width, _COLUMNS)
    means_SD = hidden_ND.new_empty(num_sequences, width, dtype=torch.float32)
    nans_SC, bads_SC = (cu_seqlens.new_empty(num_sequences, blocks) for _ in range(2))
    kernel: Any = _pool_kernel
    kernel[num_sequences, blocks](
        hidden_ND.contiguous(),
        cu_seqlens,
        means_SD,
        nans_SC,
        bads_SC,
        width,
        *margins,
        ROWS=_ROWS,
        COLUMNS=_COLUMNS,
        COUNTS=counts,
        num_warps=4,
    )
    return means_SD, nans_SC.sum(dim=1), bads_SC.sum(dim=1)
