"""Residual sum and LayerNorm, in-place rotary and gated GELU as Triton kernels; all arithmetic is FP32.

The rows of a program are contiguous in memory. Residual sums are rounded to the stream's format before the norm, as in
the plain ops. Kernels use no atomics and a fixed order, so equal input gives equal bits.

Shape suffixes: N tokens of the pack, D width, F feed-forward width.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from vp_tui.core.models.fused.rounding import in_fp8, scale_of
from vp_tui.core.models.operands import Rows8
from vp_tui.core.models.ops import Rotary

_GATED_BLOCK = 1024
_HEADS_BLOCK = 32
_ROOT_HALF = tl.constexpr(0.7071067811865476)


@triton.jit
def _norm_kernel(
    hidden, delta, summed, normed, values, scales, weight, bias, eps, width,
    BLOCK: tl.constexpr, ADDS: tl.constexpr, KEEPS: tl.constexpr, ROUNDS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * width
    column = tl.arange(0, BLOCK)
    inside = column < width
    value = tl.load(hidden + row + column, mask=inside, other=0.0).to(tl.float32)
    if ADDS:
        value += tl.load(delta + row + column, mask=inside, other=0.0).to(tl.float32)
        value = value.to(hidden.dtype.element_ty).to(tl.float32)
    if KEEPS:
        tl.store(summed + row + column, value.to(summed.dtype.element_ty), mask=inside)
    centred = tl.where(inside, value - tl.sum(value, 0) / width, 0.0)
    scaled = centred * tl.rsqrt(tl.sum(centred * centred, 0) / width + eps)
    scaled = scaled * tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    scaled += tl.load(bias + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(normed + row + column, scaled.to(normed.dtype.element_ty), mask=inside)
    if ROUNDS:
        stored = scaled.to(normed.dtype.element_ty).to(tl.float32)
        # outside the row it is 0 times weight plus bias, both read as 0
        scale, factor = scale_of(tl.max(tl.abs(stored), 0))
        tl.store(scales + tl.program_id(0), scale)
        tl.store(values + row + column, in_fp8(stored, factor, values), mask=inside)


@triton.jit
def _rotary_kernel(
    qkv, cos, sin, positions, stride, scale,
    HEADS: tl.constexpr, HALF: tl.constexpr, HALF_BLOCK: tl.constexpr, HEADS_BLOCK: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    # heads of q, then of k
    head = tl.program_id(1) * HEADS_BLOCK + tl.arange(0, HEADS_BLOCK)
    pair = tl.arange(0, HALF_BLOCK)
    angle = tl.load(positions + token) * HALF + pair
    cosine = tl.load(cos + angle, mask=pair < HALF, other=0.0).to(tl.float32)[None, :]
    sine = tl.load(sin + angle, mask=pair < HALF, other=0.0).to(tl.float32)[None, :]
    inside = (head[:, None] < 2 * HEADS) & (pair[None, :] < HALF)
    first_at = qkv + token * stride + head[:, None] * (2 * HALF) + pair[None, :]
    factor = tl.where(head < HEADS, scale, 1.0)[:, None]
    first = tl.load(first_at, mask=inside, other=0.0).to(tl.float32) * factor
    second = tl.load(first_at + HALF, mask=inside, other=0.0).to(tl.float32) * factor
    tl.store(first_at, (first * cosine - second * sine).to(qkv.dtype.element_ty), mask=inside)
    tl.store(first_at + HALF, (second * cosine + first * sine).to(qkv.dtype.element_ty), mask=inside)


@triton.jit
def _gated_kernel(both, grown, ffn, ROOT_HALF: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < ffn
    activated = tl.load(both + row * 2 * ffn + column, mask=inside, other=0.0).to(tl.float32)
    linear = tl.load(both + row * 2 * ffn + ffn + column, mask=inside, other=0.0).to(tl.float32)
    gelu = 0.5 * activated * (1.0 + tl.erf(activated * ROOT_HALF))
    # rounded before the multiplication, as in the plain ops
    gelu = gelu.to(both.dtype.element_ty).to(tl.float32)
    tl.store(grown + row * ffn + column, (gelu * linear).to(grown.dtype.element_ty), mask=inside)


def norm(hidden_ND: Tensor, layer: nn.LayerNorm, delta_ND: Tensor | None = None, rows: Rows8 | None = None) -> Tensor:
    """Return the LayerNorm of hidden (+ delta), [N, D]; `rows` are filled with the same in FP8."""
    normed_ND = torch.empty_like(hidden_ND)
    _norm(hidden_ND, delta_ND, None, normed_ND, layer, rows)
    return normed_ND


def add_norm(
    hidden_ND: Tensor, delta_ND: Tensor, layer: nn.LayerNorm, rows: Rows8 | None = None
) -> tuple[Tensor, Tensor]:
    """Return the LayerNorm of hidden + delta, and the sum, [N, D] each; `rows` as in `norm`."""
    normed_ND, summed_ND = torch.empty_like(hidden_ND), torch.empty_like(hidden_ND)
    _norm(hidden_ND, delta_ND, summed_ND, normed_ND, layer, rows)
    return normed_ND, summed_ND


def _norm(
    hidden_ND: Tensor,
    delta_ND: Tensor | None,
    summed_ND: Tensor | None,
    normed_ND: Tensor,
    layer: nn.LayerNorm,
    rows: Rows8 | None,
) -> None:
    num_rows, width = hidden_ND.shape
    block = triton.next_power_of_2(width)
    _launch(
        _norm_kernel,
        (num_rows,),
        hidden_ND.contiguous(),
        # a kernel needs a pointer even if it does not read it
        hidden_ND if delta_ND is None else delta_ND.contiguous(),
        normed_ND if summed_ND is None else summed_ND,
        normed_ND,
        normed_ND if rows is None else rows.values_NK,
        normed_ND if rows is None else rows.scale_N1,
        layer.weight,
        layer.bias,
        layer.eps,
        width,
        BLOCK=block,
        ADDS=delta_ND is not None,
        KEEPS=summed_ND is not None,
        ROUNDS=rows is not None,
        num_warps=4 if block > 1024 else 2,
    )


def rotate_(qkv_ND3: Tensor, num_heads: int, rotary: Rotary) -> None:
    """Scale q by K^-0.5 and rotate q and k, in place, rounded once."""
    half = qkv_ND3.shape[1] // (6 * num_heads)
    assert qkv_ND3.stride(1) == 1, "q, k and v of a token are contiguous"
    _launch(
        _rotary_kernel,
        (len(qkv_ND3), triton.cdiv(2 * num_heads, _HEADS_BLOCK)),
        qkv_ND3,
        rotary.cos_Pk,
        rotary.sin_Pk,
        rotary.positions_N,
        qkv_ND3.stride(0),
        (2 * half) ** -0.5,
        HEADS=num_heads,
        HALF=half,
        HALF_BLOCK=triton.next_power_of_2(half),
        HEADS_BLOCK=_HEADS_BLOCK,
        num_warps=2,
    )


def gated(both_N2F: Tensor) -> Tensor:
    """Return gelu(first half) * second half, [N, F]."""
    num_rows, width = both_N2F.shape
    grown_NF = both_N2F.new_empty(num_rows, width // 2)
    _launch(
        _gated_kernel,
        (num_rows, triton.cdiv(width // 2, _GATED_BLOCK)),
        both_N2F.contiguous(),
        grown_NF,
        width // 2,
        ROOT_HALF=_ROOT_HALF,
        BLOCK=_GATED_BLOCK,
        num_warps=4,
    )
    return grown_NF


def _launch(kernel: Any, grid: tuple[int, ...], *arguments: object, **constants: object) -> None:
    kernel[grid](*arguments, **constants)
