"""Rounding of rows to FP8 in Triton: alone, after GELU, and after GELU of one half times the other.

Scales and numbers equal those of operands.rows_in_fp8 on the FP16 output of the op before. One program has one row, in
two parts whose sizes are powers of two: 10,240 columns as 8,192 and 2,048, so that no lane is idle.

Shape suffixes: N tokens of the pack, K inputs of the layer.
"""

from typing import Any, Final

import triton
import triton.language as tl
from torch import Tensor

from vp_tui.core.models.fused.rounding import empty_rows, in_fp8, scale_of
from vp_tui.core.models.operands import Rows8
from vp_tui.core.models.small_linear import RowRounding

_COLUMNS_PER_WARP: Final = 1024
"""Of the larger part of a row."""
_MOST_WARPS: Final = 8


@triton.jit
def gelu(value):  # noqa: ANN201  (a kernel's part)
    """Return GELU as max(x, 0) - |x| erfc(|x| / sqrt 2) / 2, without the cancellation of 1 + erf for negative x.

    erfc is formula 7.1.26 of Abramowitz and Stegun, off by at most 1.5e-7. Over all FP16 numbers GELU is off by 3.3e-7
    at most; rounded to FP16, 0.06 % of normal numbers are another one than the exact GELU's, as with torch's kernel.
    """
    size = tl.abs(value)
    t = 1.0 / (1.0 + 0.23164189 * size)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    # 2^(-x^2 / 2 log2 e)
    return tl.maximum(value, 0.0) - 0.5 * size * tail * tl.exp2(-0.7213475204 * value * value)


@triton.jit
def _taken(states, column, inside, width, GROWS: tl.constexpr, GATES: tl.constexpr):
    """Return some columns of what enters the layer, in FP32, rounded where the plain ops round."""
    value = tl.load(states + column, mask=inside, other=0.0).to(tl.float32)
    if GROWS:
        value = gelu(value).to(states.dtype.element_ty).to(tl.float32)
    if GATES:
        value *= tl.load(states + width + column, mask=inside, other=0.0).to(tl.float32)
        value = value.to(states.dtype.element_ty).to(tl.float32)
    return value


@triton.jit
def _rows_kernel(
    states, values, scales, stride, width,
    GROWS: tl.constexpr, GATES: tl.constexpr, HEAD: tl.constexpr, TAIL: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    states += row * stride
    values += row * width
    column = tl.arange(0, HEAD)
    # HEAD is at most the width
    first = _taken(states, column, column < width, width, GROWS, GATES)
    peak = tl.max(tl.abs(first), 0)
    if TAIL > 0:
        rest = HEAD + tl.arange(0, TAIL)
        second = _taken(states, rest, rest < width, width, GROWS, GATES)
        peak = tl.maximum(peak, tl.max(tl.abs(second), 0))
    scale, inverse = scale_of(peak)
    tl.store(scales + row, scale)
    tl.store(values + column, in_fp8(first, inverse, values), mask=column < width)
    if TAIL > 0:
        tl.store(values + rest, in_fp8(second, inverse, values), mask=rest < width)


class FusedRounding(RowRounding):
    """The rounding of rows in Triton."""

    def rows(self, states_NK: Tensor) -> Rows8:
        return _rows(states_NK, states_NK.shape[1])

    def grown(self, states_NK: Tensor) -> Rows8:
        """Return GELU of `states_NK` in FP8."""
        return _rows(states_NK, states_NK.shape[1], grows=True)

    def gated(self, both_N2K: Tensor) -> Rows8:
        """Return gelu(first half) * second half in FP8."""
        return _rows(both_N2K, both_N2K.shape[1] // 2, grows=True, gates=True)


def _rows(states: Tensor, width: int, *, grows: bool = False, gates: bool = False) -> Rows8:
    states = states.contiguous()
    made = empty_rows(states, width)
    head = 1 << (width.bit_length() - 1)
    kernel: Any = _rows_kernel
    kernel[(len(states),)](
        states,
        made.values_NK,
        made.scale_N1,
        states.stride(0),
        width,
        GROWS=grows,
        GATES=gates,
        HEAD=head,
        TAIL=triton.next_power_of_2(width - head) if width > head else 0,
        num_warps=min(max(head // _COLUMNS_PER_WARP, 1), _MOST_WARPS),
    )
    return made
