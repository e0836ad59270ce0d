"""One row rounded to FP8 inside a Triton kernel, and the room for such rows."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from vp_tui.core.models.operands import E4M3, LARGEST, SMALLEST_PEAK, Rows8

_LARGEST = tl.constexpr(LARGEST)
_SMALLEST_PEAK = tl.constexpr(SMALLEST_PEAK)


@triton.jit
def store_in_fp8(value, values, scales, row, place, inside):  # noqa: ANN201  (a kernel's part)
    """Round one row, FP32 numbers that FP16 can hold, as operands.rows_in_fp8 does, and store it with its scale."""
    peak = tl.maximum(tl.max(tl.where(inside, tl.abs(value), 0.0), 0), _SMALLEST_PEAK)
    # NaN needs no care: no comparison stands between it and its rounding, and FP8 has one
    scaled = value * tl.div_rn(tl.full((), _LARGEST, tl.float32), peak)
    tl.store(values + place, scaled.to(values.dtype.element_ty), mask=inside)
    tl.store(scales + row, tl.div_rn(peak, tl.full((), _LARGEST, tl.float32)))


def empty_rows(states: Tensor, width: int | None = None) -> Rows8:
    """Return room for the rows of `states` in FP8, or for as many of another width."""
    values_NK = states.new_empty(len(states), width or states.shape[1], dtype=E4M3)
    return Rows8(values_NK, states.new_empty(len(states), 1, dtype=torch.float32))
