"""Linear layers whose operands have 8 bits or less: in FP8 on a GPU, and emulated in FP32 anywhere.

An FP8 layer takes FP16, or rows that a fused op before it has rounded, and gives FP16: products are summed as the GPU's
fast accumulation does and rounded once, scales and bias included. A norm gives its FP16 output, which hooks and the
residual stream need, and may leave the rounded rows beside it (`leave`); GELU may give the rows alone.

Shape suffixes: N tokens of the pack, K inputs of the layer.
"""

from typing import Any, Final

import torch
from torch import Tensor, nn

from vp_tui.core.config import PlanPrecision
from vp_tui.core.errors import UsageError
from vp_tui.core.models.operands import ROUNDING, Rows8, rows_in_fp8
from vp_tui.core.models.precision import in_format, storage_dtype

_MULTIPLE: Final = 16
"""Inputs and outputs of an FP8 product are a multiple of it."""
_LEAST_ROWS: Final = 256
"""Fewer are filled up: cuBLAS has no product of 1 or 7 rows of 10,240 numbers, and two tiles cost no more than one."""
_LEFT: Final = "rows_in_fp8"
"""Attribute of an FP16 tensor with the same numbers in FP8."""


class RowRounding:
    """How the rows that enter an FP8 layer are rounded: in plain torch; fused/ has the same in Triton."""

    def rows(self, states_NK: Tensor) -> Rows8:
        """Return an FP16 tensor in FP8."""
        return rows_in_fp8(states_NK)


def leave(normed_NK: Tensor, rows: Rows8) -> Tensor:
    """Return `normed_NK`, which has `rows` beside it: its own numbers in FP8. Nothing may overwrite it afterwards."""
    setattr(normed_NK, _LEFT, rows)
    return normed_NK


class Fp8Linear(nn.Linear):
    """A linear layer with both operands in E4M3; made of an FP16 one by `use_fp8`."""

    weight_scale: Tensor
    """[1, outputs], FP32."""
    rounding: RowRounding
    fast_sums: bool

    def forward(self, input: Any) -> Tensor:
        """Return the product [N, outputs] in FP16 of a tensor [N, K] or of its rows in FP8."""
        rows = input if isinstance(input, Rows8) else getattr(input, _LEFT, None)
        if rows is None:
            rows = self.rounding.rows(in_format(input, "fp8").contiguous())
        count, rows = len(rows.values_NK), rows.at_least(_LEAST_ROWS)
        product_NK: Tensor = torch._scaled_mm(
            rows.values_NK,
            self.weight.t(),
            scale_a=rows.scale_N1,
            scale_b=self.weight_scale,
            bias=self.bias,
            out_dtype=storage_dtype("fp8"),
            # on Hopper sums have 14 bits and the error is 7e-4 to 2e-3 of the result; that of the operands is 3e-2
            use_fast_accum=self.fast_sums,
        )
        return product_NK[:count]


class EmulatedLinear(nn.Linear):
    """An FP32 linear layer whose operands are rounded as a format does; made by `use_emulated`."""

    own: PlanPrecision

    def forward(self, input: Tensor) -> Tensor:
        """Return the product [N, outputs] in FP32."""
        return nn.functional.linear(ROUNDING[self.own].entering(input), self.weight, self.bias)


def use_fp8(linear: nn.Linear, rounding: RowRounding, name: str, *, fast_sums: bool = True) -> None:
    """Round the weight of an FP16 layer to FP8 and let it multiply so, in place.

    Without `fast_sums` sums are exact, which is slower: only the bench measures that.

    Raises UsageError: a layer whose inputs or outputs are no multiple of 16.
    """
    if linear.in_features % _MULTIPLE or linear.out_features % _MULTIPLE:
        raise UsageError(
            f"{name} maps {linear.in_features} to {linear.out_features} features, and FP8 matmuls need multiples of "
            f"{_MULTIPLE}; use --precision fp16, or --emulate fp8 to see the accuracy"
        )
    weight = rows_in_fp8(linear.weight)
    linear.weight = nn.Parameter(weight.values_NK, requires_grad=False)
    if linear.bias is None:
        # some kernels of torch round to BF16 without a bias
        zeros = torch.zeros(linear.out_features, dtype=storage_dtype("fp8"), device=linear.weight.device)
        linear.bias = nn.Parameter(zeros, requires_grad=False)
    linear.register_buffer("weight_scale", weight.scale_N1.t().contiguous())
    linear.__class__ = Fp8Linear
    linear.rounding, linear.fast_sums = rounding, fast_sums  # type: ignore[assignment]


def use_emulated(linear: nn.Linear, own: PlanPrecision) -> None:
    """Round the weight of an FP32 layer as `own` does and let it round what enters, in place."""
    linear.weight = nn.Parameter(ROUNDING[own].weight(linear.weight), requires_grad=False)
    linear.__class__ = EmulatedLinear
    linear.own = own  # type: ignore[assignment]
