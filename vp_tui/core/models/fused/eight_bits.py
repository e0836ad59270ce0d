"""Rounding of rows to FP8 in Triton: alone, after GELU, and after GELU of one half times the other.

Scales and numbers equal those of operands.rows_in_fp8 on the FP16 output of the op before. One program has one row.

Shape suffixes: N tokens of the pack, K inputs of the layer.
"""

from typing import Any, Final

import triton
import triton.language as tl
from torch import Tensor

from vp_tui.core.models.fused.elementwise import ROOT_HALF
from vp_tui.core.models.fused.rounding import empty_rows, store_in_fp8
from vp_tui.core.models.operands import Rows8
from vp_tui.core.models.small_linear import RowRounding

_WIDE: Final = 8192
"""Columns from which on a row has 8 warps, so that its numbers stay in registers."""


@triton.jit
def _rows_kernel(
    states, values, scales, stride, width,
    GROWS: tl.constexpr, GATES: tl.constexpr, ROOT_HALF: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < width
    value = tl.load(states + row * stride + column, mask=inside, other=0.0).to(tl.float32)
    if GROWS:
        value = 0.5 * value * (1.0 + tl.erf(value * ROOT_HALF))
        # rounded where the plain ops round
        value = value.to(states.dtype.element_ty).to(tl.float32)
    if GATES:
        value *= tl.load(states + row * stride + width + column, mask=inside, other=0.0).to(tl.float32)
        value = value.to(states.dtype.element_ty).to(tl.float32)
    store_in_fp8(value, values, scales, row, row * width + column, inside)


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
    kernel: Any = _rows_kernel
    kernel[(len(states),)](
        states,
        made.values_NK,
        made.scale_N1,
        states.stride(0),
        width,
        GROWS=grows,
        GATES=gates,
        ROOT_HALF=ROOT_HALF,
        BLOCK=triton.next_power_of_2(width),
        num_warps=8 if width >= _WIDE else 4,
    )
    return made
