"""Operands of linear layers in 8 bits and less: scales and rounding, real (FP8) and emulated.

A format has one scale per row: per token for what enters a layer, per output channel for its weight. The largest
value of a row becomes the largest number of the format, so nothing overflows and nothing is clipped. NF4 has one
scale per block of 64 numbers of a weight; what enters stays as it is. Every other lowering is in precision.py.

Shape suffixes: N rows, K columns (inputs of the layer), B blocks, Q numbers of a block.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

from vp_tui.core.config import PlanPrecision
from vp_tui.core.models.precision import at_least_fp32, back_to, in_format

E4M3: Final = torch.float8_e4m3fn
_E5M2: Final = torch.float8_e5m2
LARGEST: Final = 448.0
"""Largest E4M3 number."""
SMALLEST_PEAK: Final = 1e-12
"""A row whose largest value is below, such as one of zeros, is scaled as if this were it."""
_INT8_LARGEST: Final = 127.0
NF4_BLOCK: Final = 64
_NF4: Final = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip
"""Quantiles of the normal distribution (Dettmers et al. 2023, QLoRA, appendix E)."""


@dataclass(frozen=True, slots=True)
class Rows8:
    """What enters an FP8 product: a number is `values_NK` times the scale of its row."""

    values_NK: Tensor
    """E4M3."""
    scale_N1: Tensor
    """FP32."""

    def at_least(self, count: int) -> "Rows8":
        """Return the rows followed by zeros, so that there are `count`; the same object when there are enough."""
        num_rows, width = self.values_NK.shape
        if num_rows >= count:
            return self
        # by their bits: torch does not copy into a part of an FP8 tensor everywhere
        bits_NK = torch.zeros(count, width, dtype=torch.uint8, device=self.values_NK.device)
        bits_NK[:num_rows] = self.values_NK.view(torch.uint8)
        scale_N1 = torch.ones(count, 1, dtype=torch.float32, device=bits_NK.device)
        scale_N1[:num_rows] = self.scale_N1
        return Rows8(bits_NK.view(E4M3), scale_N1)

    def widened(self) -> Tensor:
        """Return the numbers in FP16, [N, K]: for a look at them."""
        # up-cast: an E4M3 number times its scale
        return in_format(self.values_NK.float() * self.scale_N1, "fp16")


def rows_in_fp8(states_NK: Tensor) -> Rows8:
    """Round each row to E4M3 with a scale of its own; a row with NaN or Inf keeps at least one NaN."""
    return Rows8(*_by_rows(states_NK, LARGEST, lambda scaled_NK: scaled_NK.to(E4M3)))


def _by_rows(states_NK: Tensor, largest: float, rounded: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Return the rounded numbers of every row after scaling its largest to `largest`, and the scale [N, 1], FP32."""
    # up-cast: the scale is FP32, and one rounding is enough
    wide_NK = at_least_fp32(states_NK)
    peak_N1 = wide_NK.abs().amax(dim=-1, keepdim=True).clamp(min=SMALLEST_PEAK)
    # a tensor, because torch divides by a number, or a number by a tensor, with two roundings on a GPU
    largest_N1 = torch.full_like(peak_N1, largest)
    return rounded(wide_NK * (largest_N1 / peak_N1)), peak_N1 / largest_N1


def _emulated_rows(largest: float, rounded: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def emulate(states_NK: Tensor) -> Tensor:
        values_NK, scale_N1 = _by_rows(states_NK, largest, rounded)
        return back_to(values_NK.to(scale_N1.dtype) * scale_N1, states_NK)

    return emulate


def _nf4(weight_NK: Tensor) -> Tensor:
    """Return a weight with blocks of 64 numbers, counted along the rows, rounded to NF4."""
    numbers = weight_NK.new_tensor(_NF4)
    flat = weight_NK.flatten()
    blocks_BQ = torch.nn.functional.pad(flat, (0, -len(flat) % NF4_BLOCK)).view(-1, NF4_BLOCK)
    peak_B1 = blocks_BQ.abs().amax(dim=1, keepdim=True).clamp(min=SMALLEST_PEAK)
    nearest_BQ = torch.bucketize(blocks_BQ / peak_B1, (numbers[1:] + numbers[:-1]) / 2)
    rounded_BQ = (numbers[nearest_BQ] * peak_B1).where(torch.isfinite(blocks_BQ), blocks_BQ)
    return rounded_BQ.flatten()[: len(flat)].view_as(weight_NK)


def _unchanged(states_NK: Tensor) -> Tensor:
    return states_NK


@dataclass(frozen=True, slots=True)
class OperandRounding:
    """How both operands of a linear layer are rounded, in their own format (FP32 or FP64)."""

    entering: Callable[[Tensor], Tensor]
    """What enters, [N, K]."""
    weight: Callable[[Tensor], Tensor]
    """Weight, [outputs, K]."""


_FP8: Final = _emulated_rows(LARGEST, lambda scaled_NK: scaled_NK.to(E4M3))
_FP8_E5M2: Final = _emulated_rows(torch.finfo(_E5M2).max, lambda scaled_NK: scaled_NK.to(_E5M2))
_INT8: Final = _emulated_rows(_INT8_LARGEST, torch.round)
ROUNDING: Final[Mapping[PlanPrecision, OperandRounding]] = MappingProxyType(
    {
        "fp8": OperandRounding(_FP8, _FP8),
        "emulated-fp8": OperandRounding(_FP8, _FP8),
        "emulated-fp8-e5m2": OperandRounding(_FP8_E5M2, _FP8_E5M2),
        "emulated-int8": OperandRounding(_INT8, _INT8),
        "emulated-nf4": OperandRounding(_unchanged, _nf4),
    }
)
"""Of every format with small operands."""
