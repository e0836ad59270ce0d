"""Linear layers of a 16-bit model on a CPU: FP32 accumulation and one rounding at the end, as cuBLAS computes them.

oneDNN's own 16-bit kernels do the same, but on a processor without 16-bit dot products (AVX512-FP16, AVX512-BF16, AMX)
they are about ten times slower than FP32. There the operands are widened, which is exact, and multiplied in FP32. The
faster way is chosen by a measurement, once per process and format.
Attention needs no such choice: torch's CPU kernel computes in FP32 inside and is as fast in 16 bits as in FP32.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import torch
from torch import Tensor, nn

from vp_tui.core import text as fmt
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.models.kernels.base import in_words
from vp_tui.core.models.precision import at_least_fp32, back_to, is_16_bit, storage_dtype

_SHAPE: Final = (256, 512, 512)
"""Rows, inputs and outputs of the measured layer: 1 ms in FP32 on one core, enough for a kernel to show its speed."""
_ROUNDS: Final = 5
"""The first makes the kernels."""
_CLEARLY: Final = 1.5
"""The native kernel stays unless it is slower by this factor: a busy machine must not decide between near equals."""

LinearWay = Literal["native", "fp32-products"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearChoice:
    way: LinearWay
    reason: str


class WideLinear(nn.Linear):
    """A 16-bit linear layer computed in FP32."""

    def forward(self, input: Tensor) -> Tensor:
        return wide_linear(input, self.weight, self.bias)


def wide_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """input weight^T + bias in FP32, rounded once to the format of `input`."""
    # up-cast: 16-bit operands are exact in FP32, and so are their products
    single = None if bias is None else at_least_fp32(bias)
    return back_to(nn.functional.linear(at_least_fp32(input), at_least_fp32(weight), single), input)


def choose_linear(plan: PrecisionPlan, device: torch.device) -> LinearChoice:
    dtype = storage_dtype(plan.precision)
    if device.type == "cpu" and is_16_bit(dtype):
        return _settled.get(dtype) or _faster(dtype)
    return LinearChoice(way="native", reason=f"native linear layers in {in_words(dtype)}")


_settled: dict[torch.dtype, LinearChoice] = {}


def settle_linear(plan: PrecisionPlan, way: LinearWay) -> None:
    """Let this process use `way`, as an interrupted run did: a measurement may end otherwise, and the digits differ."""
    _settled[storage_dtype(plan.precision)] = LinearChoice(way=way, reason="the way of the run that is resumed")


def use_linear(model: nn.Module, plan: PrecisionPlan, device: torch.device) -> LinearChoice:
    """Choose, and make the 16-bit linear layers of `model` compute so; subclasses of nn.Linear keep their forward."""
    choice = choose_linear(plan, device)
    for module in model.modules() if choice.way == "fp32-products" else ():
        if type(module) is nn.Linear and is_16_bit(module.weight.dtype):
            module.__class__ = WideLinear
    return choice


@cache
def _faster(dtype: torch.dtype) -> LinearChoice:
    native_ms, wide_ms = _measure(dtype)
    rows, inputs, outputs = _SHAPE
    native, wide = fmt.number(native_ms), fmt.number(wide_ms)
    times = f"{rows} rows of {inputs} -> {outputs} take {native} ms by oneDNN, {wide} ms as FP32 matmuls"
    if native_ms <= _CLEARLY * wide_ms:
        return LinearChoice(way="native", reason=f"native linear layers in {in_words(dtype)}: {times}")
    reason = f"linear layers as FP32 matmuls of {in_words(dtype)} operands, rounded once: {times}"
    return LinearChoice(way="fp32-products", reason=reason)


@torch.inference_mode()
def _measure(dtype: torch.dtype) -> tuple[float, float]:
    """Best milliseconds of a native and of a wide layer, taken in turn so that both meet the same load."""
    rows, inputs, outputs = _SHAPE
    operands = [torch.ones(shape, dtype=dtype) for shape in ((rows, inputs), (outputs, inputs), (outputs,))]
    ways = (nn.functional.linear, wide_linear)
    rounds = [[_milliseconds(way, operands) for way in ways] for _ in range(_ROUNDS)]
    native_ms, wide_ms = map(min, zip(*rounds, strict=True))
    return native_ms, wide_ms


def _milliseconds(way: Callable[..., Tensor], operands: list[Tensor]) -> float:
    began = time.perf_counter()
    way(*operands)
    return 1e3 * (time.perf_counter() - began)
