"""The one precision door: every lowering of a number format in vp-tui happens in this module.

Formats are set by casting parameters, never by autocast, so what ran is what the plan says.
Rotary tables stay FP32: in half precision the angle error grows to 0.25 rad at 1,024 tokens.
The products' format (IEEE FP32 or TF32) is a global switch of torch; it is set through the
`fp32_precision` interface of torch 2.9 and later (mixing it with allow_tf32 raises there),
read back, and restored.
"""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor

from vp_tui.core.config import PlanPrecision, PrecisionPlan
from vp_tui.core.errors import ResourceError, UsageError
from vp_tui.core.formats import FP8_CAPABILITY, is_emulated

TF32_OVERRIDE: Final = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"
_OVERRIDES: Final = (
    TF32_OVERRIDE, "NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULAT", "CUBLAS_FP32_EMULATED", "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
)  # fmt: skip
"""Beginnings of the variables by which torch, cuBLAS and oneDNN compute FP32 products in another format."""

_STORAGE: Final[Mapping[PlanPrecision, torch.dtype]] = MappingProxyType(
    {
        "fp64": torch.float64, "fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16,
        "fp16": torch.float16, "fp8": torch.float16, "fp16-acc16": torch.float16,
    }
)  # fmt: skip
_SHORT_SUMS: Final = "allow_fp16_accumulation"
_OPERAND_BITS: Final[Mapping[PlanPrecision, int]] = MappingProxyType(
    {"fp8": 4, "emulated-fp8": 4, "emulated-fp8-e5m2": 3, "emulated-int8": 5, "emulated-nf4": 2}
)
"""Binary digits of an operand: with one scale per row or block, int8 and nf4 err like a number of 5 and 2."""

EXACT: Final = PrecisionPlan(name="fp64", precision="fp64")
"""The oracle's plan."""

_TF32_DROPPED_BITS: Final = 13
"""FP32 has 23 bits of mantissa, TF32 10."""


def formats_of(plan: PrecisionPlan) -> frozenset[PlanPrecision]:
    """Return the formats of all units of a plan."""
    return frozenset((plan.precision, *plan.kept.values()))


def storage_dtype(precision: PlanPrecision) -> torch.dtype:
    """Format that parameters and the residual stream are stored in; tf32 stores FP32.

    For linear layers with small operands, what they take and give: FP16 around fp8, FP32 around an emulated format.
    """
    return torch.float32 if is_emulated(precision) else _STORAGE[precision]


def is_16_bit(dtype: torch.dtype) -> bool:
    return dtype in {torch.float16, torch.bfloat16}


def cast(tensor: Tensor, plan: PrecisionPlan) -> Tensor:
    """`tensor` in the plan's storage format (rounded to nearest; the same object when it already is)."""
    return tensor.to(storage_dtype(plan.precision))


def in_format(tensor: Tensor, own: PlanPrecision) -> Tensor:
    """`tensor` in the storage format of a unit of a plan; the same object when it already is."""
    return tensor.to(storage_dtype(own))


def at_least_fp32(tensor: Tensor) -> Tensor:
    """`tensor` in FP32, or as it is in FP64: for a step that half precision would spoil."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def table(tensor: Tensor, plan: PrecisionPlan) -> Tensor:
    """A buffer (rotary inv_freq, ALiBi slopes) in FP32 whatever the plan is; FP64 takes those very values."""
    single = tensor.float()
    return cast(single, plan) if plan.precision == "fp64" else single


def back_to(computed: Tensor, stream: Tensor) -> Tensor:
    """`computed` (FP32) rounded once to the format of `stream`, after a step that has to run in FP32."""
    return computed.to(stream.dtype)


def fp16_loss(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Largest |w - half(w)| of the values that FP16 can hold, and how many it cannot (too large, or not finite).

    Both are scalars on the device of `weight`, so that nobody waits for each tensor of a checkpoint.
    """
    error = (weight - round_to_fp16(weight)).abs()
    held = torch.isfinite(error)
    largest = error.where(held, 0).max().double() if error.numel() else torch.zeros((), dtype=torch.float64)
    return largest, (~held).sum()


def round_to_fp16(weight: Tensor) -> Tensor:
    """`weight` with every value rounded to FP16, in its own format: how published ESM-2 weights are."""
    return weight.half().to(weight.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a number format can hold."""

    largest: float
    """Largest finite number."""
    smallest_normal: float
    """Smallest positive number with all its digits."""
    smallest: float
    """Smallest positive number at all; half of it and less rounds to 0."""


def range_of(plan: PrecisionPlan) -> Range:
    numbers = torch.finfo(storage_dtype(plan.precision))
    return Range(
        largest=numbers.max, smallest_normal=numbers.smallest_normal, smallest=numbers.smallest_normal * numbers.eps
    )


def stored_as(tensor: Tensor, plan: PrecisionPlan) -> Tensor:
    """`tensor` rounded once to the storage format of `plan`, in its own format."""
    return back_to(cast(tensor, plan), tensor)


def round_to_tf32(tensor: Tensor) -> Tensor:
    """An FP32 tensor rounded to TF32 (to nearest, ties to even), in FP32; what is not finite stays."""
    bits = tensor.view(torch.int32)
    half = (1 << _TF32_DROPPED_BITS - 1) - 1 + (bits >> _TF32_DROPPED_BITS & 1)
    rounded = (bits + half & -(1 << _TF32_DROPPED_BITS)).view(torch.float32)
    return rounded.where(torch.isfinite(tensor), tensor)


def significant_bits(plan: PrecisionPlan) -> int:
    """Binary digits of a number in the plan's products: 24 for FP32, 11 for FP16 and TF32, 8 for BF16, 4 for FP8.

    The fewest of all units count, as their errors are the largest.
    """
    return min(map(_significant_bits, formats_of(plan)))


def _significant_bits(own: PlanPrecision) -> int:
    if own in _OPERAND_BITS:
        return _OPERAND_BITS[own]
    return 11 if own == "tf32" else 1 - int(math.log2(torch.finfo(storage_dtype(own)).eps))


def check(plan: PrecisionPlan, device: torch.device, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a plan that `device` cannot run as it says.

    Raises UsageError for tf32 on a CPU, for bf16 on a GPU without it, for fp8 where the device does not multiply it,
    and for a plan of FP32 or TF32 products when a variable of _OVERRIDES is set (it overrides what a program asks for).
    """
    _refuse_override(plan, environment)
    formats = formats_of(plan)
    if "fp8" in formats:
        _require_fp8(plan, device)
    if "fp16-acc16" in formats:
        _require_short_sums(plan, device)
    if "tf32" in formats and device.type != "cuda":
        raise UsageError(f"precision tf32 needs a CUDA device, this run is on {device}; use fp32, bf16 or fp16")
    if "bf16" in formats and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        name = torch.cuda.get_device_name(device)
        raise UsageError(f"precision bf16 is not supported by {name}; use fp16 or fp32")


def multiplies_fp8(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= FP8_CAPABILITY


def _require_fp8(plan: PrecisionPlan, device: torch.device) -> None:
    if multiplies_fp8(device):
        return
    found = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    needed = ".".join(map(str, FP8_CAPABILITY))
    raise UsageError(
        f"precision {plan.name} needs a GPU that multiplies FP8 (Ada, Hopper or newer, compute capability {needed}), "
        f"but the device is {found}; `vp-tui run --emulate fp8` shows its accuracy (not its speed) anywhere"
    )


def _require_short_sums(plan: PrecisionPlan, device: torch.device) -> None:
    if device.type != "cuda":
        raise UsageError(f"precision {plan.name} needs a CUDA device, this run is on {device}; use fp16")
    if not hasattr(torch.backends.cuda.matmul, _SHORT_SUMS):
        raise UsageError(f"torch {torch.__version__} has no FP16 accumulation (2.7 has); use fp16 or another torch")


@contextmanager
def short_sums() -> Iterator[None]:
    """Within it, cuBLAS may sum FP16 products in FP16; the former switch comes back on the way out."""
    switch = torch.backends.cuda.matmul
    former = getattr(switch, _SHORT_SUMS)
    setattr(switch, _SHORT_SUMS, True)
    try:
        yield
    finally:
        setattr(switch, _SHORT_SUMS, former)


def _refuse_override(plan: PrecisionPlan, environment: Mapping[str, str]) -> None:
    if all(is_16_bit(storage_dtype(one)) for one in formats_of(plan)):
        return
    found = next((name for name in sorted(environment) if name.startswith(_OVERRIDES)), None)
    if found is not None:
        raise UsageError(
            f"{found}={environment[found]} is set and would replace the matmuls of {plan.name}; "
            "unset it, and use --reference tf32 for a TF32 reference"
        )


def _switches() -> tuple[tuple[str, Any, str, str], ...]:
    """Name in the run record, holder, attribute, and the value for everything but tf32."""
    backends = torch.backends
    return (
        ("cuda_matmul", backends.cuda.matmul, "fp32_precision", "ieee"),
        ("cudnn_conv", backends.cudnn.conv, "fp32_precision", "ieee"),  # type: ignore[attr-defined]
        ("cudnn_rnn", backends.cudnn.rnn, "fp32_precision", "ieee"),
        ("cpu_matmul", backends.mkldnn.matmul, "fp32_precision", "ieee"),  # type: ignore[attr-defined]
    )


_REDUCED: Final = (
    ("fp16_reduced_precision_reduction", "allow_fp16_reduced_precision_reduction"),
    ("bf16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction"),
)
_TF32_SWITCHES: Final = frozenset({"cuda_matmul", "cudnn_conv", "cudnn_rnn"})


def flags() -> dict[str, str | bool]:
    """The global switches as they stand now, for the run record."""
    now: dict[str, str | bool] = {name: str(getattr(holder, key)) for name, holder, key, _ in _switches()}
    now.update({name: bool(getattr(torch.backends.cuda.matmul, key)) for name, key in _REDUCED})
    return now


@contextmanager
def matmul_mode(plan: PrecisionPlan) -> Iterator[None]:
    """Within it, products run as `plan` says: TF32 for tf32, else IEEE FP32; 16-bit sums are kept in FP32.

    Raises UsageError as `check` for a variable that overrides them, ResourceError when torch does not keep a switch.
    The former values come back on the way out.
    """
    _refuse_override(plan, os.environ)
    former = flags()
    wanted: dict[str, str | bool] = {
        name: "tf32" if plan.precision == "tf32" and name in _TF32_SWITCHES else ieee
        for name, _, _, ieee in _switches()
    }
    wanted |= {name: False for name, _ in _REDUCED}
    try:
        _set(wanted)
        _require(wanted)
        yield
    finally:
        _set(former)


@contextmanager
def products_of(own: PlanPrecision) -> Iterator[None]:
    """Within it, FP32 products run as the format of one unit says, in a model whose base format may be another.

    Does nothing on the way where the switch is right already; matmul_mode has checked that torch keeps it.
    """
    switch = torch.backends.cuda.matmul
    former, wanted = switch.fp32_precision, "tf32" if own == "tf32" else "ieee"
    if former == wanted:
        yield
        return
    switch.fp32_precision = wanted
    try:
        yield
    finally:
        switch.fp32_precision = former


def _set(values: Mapping[str, str | bool]) -> None:
    for name, holder, key, _ in _switches():
        setattr(holder, key, values[name])
    for name, key in _REDUCED:
        setattr(torch.backends.cuda.matmul, key, values[name])


def _require(wanted: Mapping[str, str | bool]) -> None:
    got = flags()
    wrong = [f"{name} is {got[name]!r}, not {value!r}" for name, value in wanted.items() if got[name] != value]
    if wrong:
        raise ResourceError(
            f"torch {torch.__version__} did not keep its precision switches ({'; '.join(wrong)}); "
            "numbers would not mean what they say, so nothing was run"
        )
