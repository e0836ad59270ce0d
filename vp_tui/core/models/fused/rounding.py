"""Rounding of one row to FP8 inside Triton kernels, and the room for such rows."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vp_tui.core.models.operands import E4M3, LARGEST, SMALLEST_PEAK, Rows8

_LARGEST = tl.constexpr(LARGEST)
_SMALLEST_PEAK = tl.constexpr(SMALLEST_PEAK)


@triton.jit
def scale_of(peak):  # noqa: ANN201  (a kernel's part)
    """Return the scale of a row and the factor that its numbers are rounded after, divided as torch divides."""
    peak = tl.maximum(peak, _SMALLEST_PEAK)
    largest = tl.full((), _LARGEST, tl.float32)
    return tl.div_rn(peak, largest), tl.div_rn(largest, peak)


@triton.jit
def in_fp8(value, factor, values):  # noqa: ANN201  (a kernel's part)
    """Return FP32 numbers, which FP16 can hold, in the format of `values`, which point to E4M3."""
    # NaN needs no care: no comparison stands between it and its rounding, and FP8 has one
    return (value * factor).to(values.dtype.element_ty)


def empty_rows(states: Tensor, width: int | None = None) -> Rows8:
    """Return room for the rows of `states` in FP8, or for as many of another width."""
    values_NK = states.new_empty(len(states), width or states.shape[1], dtype=E4M3)
    return Rows8(values_NK, states.new_empty(len(states), 1, dtype=torch.float32))
