"""Attention for packs of short sequences: rotary, scores, softmax and weighted mean in one Triton kernel.

flash-attn works in tiles of 128 queries, mostly empty for a read of 50 residues, and needs a separate pass to rotate q
and k. On an H200 this kernel takes 0.40 of the time of both at 64 tokens, 0.72 at 168 and is slower from about 256 on
(2026-11-23, docs/performance.md), so longer packs use flash-attn.

One program handles 64 queries of one head of one sequence and loops over keys, 64 at a time, with the online softmax of
FlashAttention (Dao 2022, algorithm 1); sums are FP32; q, k and probabilities are rounded to the stream's format for the
matmuls, as in flash-attn.

Shape suffixes: B tiles of 64 queries, N tokens of the pack, H heads, D width.
"""

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from vp_tui.core.inputs.packing import TILE
from vp_tui.core.models.ops import Rotary

_LOG2_E = tl.constexpr(1.4426950408889634)


def takes(head_dim: int) -> bool:
    """Return whether a head of this size can be tiled: a power of two whose halves fill a matmul."""
    return head_dim in {32, 64, 128}


@triton.jit
def _half_states(start, cos, sin, position, pair, inside, scale, HALF: tl.constexpr, TURNS: tl.constexpr):
    """Return both halves of some rows, scaled and rotated in FP32, in the stream's format."""
    dtype: tl.constexpr = start.dtype.element_ty
    first = tl.load(start, mask=inside[:, None], other=0.0)
    second = tl.load(start + HALF, mask=inside[:, None], other=0.0)
    if TURNS:
        angle = position[:, None] * HALF + pair[None, :]
        cosine = tl.load(cos + angle, mask=inside[:, None], other=0.0).to(tl.float32)
        sine = tl.load(sin + angle, mask=inside[:, None], other=0.0).to(tl.float32)
        wide_first, wide_second = first.to(tl.float32) * scale, second.to(tl.float32) * scale
        first = (wide_first * cosine - wide_second * sine).to(dtype)
        second = (wide_second * cosine + wide_first * sine).to(dtype)
    return first, second


@triton.jit
def _attend_kernel(
    qkv, mixed, cos, sin, slopes, tiles, stride, q_scale, score_scale,
    HEADS: tl.constexpr, HALF: tl.constexpr, TILE: tl.constexpr,
    TURNS: tl.constexpr, BIASES: tl.constexpr, LOG2_E: tl.constexpr,
):  # fmt: skip
    # heads change fastest, so that concurrent programs read the same rows
    head, tile = tl.program_id(0), tl.program_id(1)
    start = tl.load(tiles + 3 * tile).to(tl.int64)
    length, first_query = tl.load(tiles + 3 * tile + 1), tl.load(tiles + 3 * tile + 2)
    SIZE: tl.constexpr = 2 * HALF
    pair, column = tl.arange(0, HALF), tl.arange(0, SIZE)
    query = first_query + tl.arange(0, TILE)
    rows = qkv + start * stride + head * SIZE
    q_first, q_second = _half_states(
        rows + query[:, None] * stride + pair[None, :], cos, sin, query, pair, query < length, q_scale, HALF, TURNS
    )
    highest = tl.full((TILE,), -float("inf"), tl.float32)
    total = tl.zeros((TILE,), tl.float32)
    mean = tl.zeros((TILE, SIZE), tl.float32)
    for first_key in range(0, length, TILE):
        key = first_key + tl.arange(0, TILE)
        keys = rows + HEADS * SIZE + key[:, None] * stride
        k_first, k_second = _half_states(keys + pair[None, :], cos, sin, key, pair, key < length, 1.0, HALF, TURNS)
        score = tl.dot(q_second, k_second.T, tl.dot(q_first, k_first.T)) * score_scale
        if BIASES:
            score -= tl.load(slopes + head) * tl.abs(query[:, None] - key[None, :]).to(tl.float32)
        score = tl.where(key[None, :] < length, score, -float("inf"))
        higher = tl.maximum(highest, tl.max(score, 1))
        share = tl.exp2((score - higher[:, None]) * LOG2_E)
        faded = tl.exp2((highest - higher) * LOG2_E)
        total = total * faded + tl.sum(share, 1)
        value = tl.load(keys + HEADS * SIZE + column[None, :], mask=(key < length)[:, None], other=0.0)
        mean = tl.dot(share.to(value.dtype), value, mean * faded[:, None])
        highest = higher
    out = mixed + (start + query[:, None]) * (HEADS * SIZE) + head * SIZE + column[None, :]
    tl.store(out, (mean / total[:, None]).to(mixed.dtype.element_ty), mask=(query < length)[:, None])


def attend(
    qkv_ND3: Tensor,
    num_heads: int,
    tiles_B3: Tensor,
    *,
    rotary: Rotary | None = None,
    slopes_H: Tensor | None = None,
) -> Tensor:
    """Return the attention output [N, D] within each sequence.

    `tiles_B3` (int32) has the sequence's first token, its length and the first query of each tile. With `rotary` q and
    k are rotated first; `slopes_H` (FP32) are ALiBi's. The kernel reads lengths on the device: it is compiled once.
    """
    width = qkv_ND3.shape[1] // 3
    size = width // num_heads
    mixed_ND = qkv_ND3.new_empty(len(qkv_ND3), width)
    # a kernel needs a pointer even if it does not read it
    tables = (tiles_B3, tiles_B3) if rotary is None else (rotary.cos_Pk, rotary.sin_Pk)
    scales = (1.0, size**-0.5) if rotary is None else (size**-0.5, 1.0)
    kernel: Any = _attend_kernel
    kernel[num_heads, len(tiles_B3)](
        qkv_ND3,
        mixed_ND,
        *tables,
        tiles_B3 if slopes_H is None else slopes_H,
        tiles_B3,
        qkv_ND3.stride(0),
        *scales,
        HEADS=num_heads,
        HALF=size // 2,
        TILE=TILE,
        TURNS=rotary is not None,
        BIASES=slopes_H is not None,
        LOG2_E=_LOG2_E,
        num_warps=2,
        num_stages=2,
    )
    return mixed_ND
