"""Peak rates of this device: matmuls at the model's shapes, attention at the mix's lengths, memory copies.

Inputs are random normal numbers: zeros make matmuls up to 15 % faster because they draw less power. A rate is measured
twice: as a burst on a cool device, and sustained after a second of the same work, because a GPU at its power cap
lowers its clocks (770 and 636 TFLOP/s on one H200).

Products in FP8 (E4M3) have two rates: with the GPU's fast accumulation, as in every run, and with exact
accumulation.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.bench.interleaved import failure_text
from vp_tui.core.config import PrecisionPlan, built_in_plan, plain_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.spec import DnabertSSpec, HfSpec, ModelSpec
from vp_tui.core.inputs.units import BLOCKS
from vp_tui.core.models import precision
from vp_tui.core.models.attention import choose_for
from vp_tui.core.models.dnabert_s import alibi_slopes
from vp_tui.core.models.kernels.base import AttentionCall, to_device
from vp_tui.core.models.linear import choose_linear
from vp_tui.core.models.operands import rows_in_fp8
from vp_tui.core.models.small_linear import RowRounding, use_fp8

_SEED: Final = 11
_EXACT_FP8: Final = built_in_plan("fp8").model_copy(update={"name": "fp8-exact"})
FP8: Final = (built_in_plan("fp8"), _EXACT_FP8)
"""The plan of a run, and the same products with exact accumulation, which no run has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Durations of a rate measurement, in seconds."""

    idle: float
    """Pause before a burst, so that the device is cool."""
    burst: float
    settle: float
    """Untimed work before the sustained samples."""
    sample: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Work per second, in the caller's unit."""

    sustained: float
    burst: float
    samples: tuple[float, ...]
    """The samples whose median is `sustained`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matmuls:
    """TFLOP/s of the model's linear layers."""

    chain: Rate
    """All matmuls of a layer in order, so weighted by their FLOPs."""
    shapes: dict[str, float]
    """Each matmul alone, sustained."""
    rows: int
    """Tokens per matmul."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """Peak rates in one precision."""

    precision: str
    matmuls: Matmuls | None = None
    attention_kernel: str | None = None
    attention: Rate | None = None
    reason: str | None = None
    """Reason for a missing rate."""


def timing_of(device: torch.device) -> Timing:
    """Return the durations for a device: seconds on a GPU, milliseconds on a CPU."""
    if device.type == "cuda":
        return Timing(idle=1.0, burst=0.05, settle=0.7, sample=0.15, samples=5)
    return Timing(idle=0.0, burst=0.0, settle=0.0, sample=0.02, samples=3)


def linear_shapes(spec: ModelSpec) -> dict[str, tuple[int, int, bool]]:
    """Return name -> (inputs, outputs, has bias) of the matmuls in one layer."""
    width, ffn = spec.hidden, spec.ffn
    shared = {"qkv": (width, 3 * width, True), "out": (width, width, True)}
    if isinstance(spec, DnabertSSpec):
        return shared | {"gated": (width, 2 * ffn, False), "wo": (ffn, width, True)}
    return shared | {"fc1": (width, ffn, True), "fc2": (ffn, width, True)}


def ceilings_of(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, rows: int, lengths_S: NDArray[np.int64]
) -> Ceilings:
    """Measure matmuls with `rows` tokens and attention over sequences of `lengths_S` tokens, in one precision."""
    timing = timing_of(device)
    if isinstance(spec, HfSpec):
        return Ceilings(precision=plan.name, reason="the layer shapes of a transformers model are unknown")
    try:
        found = matmuls(spec, plan, device, rows, timing)
        kernel, rate = attention(spec, plan, device, lengths_S, timing)
    except (RuntimeError, UsageError) as error:
        # no memory, a layer that FP8 cannot multiply, or a product that this GPU's library does not have
        return Ceilings(precision=plan.name, reason=failure_text(error))
    return Ceilings(precision=plan.name, matmuls=found, attention_kernel=kernel, attention=rate)


def matmuls(spec: ModelSpec, plan: PrecisionPlan, device: torch.device, rows: int, timing: Timing) -> Matmuls:
    """Measure the layer's matmuls with `rows` tokens, as the engine multiplies them; in FP8 without the rounding.

    Raises torch.OutOfMemoryError when they do not fit.
    """
    if plan.is_plain and choose_linear(plan, device).way == "fp32-products":
        # what the engine multiplies on a CPU without 16-bit products: it had up to three times the ceiling
        plan = plain_plan("fp32")
    generator = torch.Generator(device=device).manual_seed(_SEED)
    fast_sums = plan != _EXACT_FP8
    steps = {
        name: _product(sizes, rows, plan.at(f"{BLOCKS}.0.{name}"), device, generator, fast_sums=fast_sums)
        for name, sizes in linear_shapes(spec).items()
    }
    flops = {name: 2.0 * rows * inner * outer for name, (inner, outer, _) in linear_shapes(spec).items()}

    def chain() -> None:
        for step in steps.values():
            step()

    with torch.inference_mode(), precision.matmul_mode(plan):
        chain()
        whole = _rate(chain, sum(flops.values()), device, timing)
        # the chain has settled the device: a short settling is enough
        moment = replace(timing, settle=timing.sample)
        alone = {name: _sustained(step, flops[name], device, moment)[0] for name, step in steps.items()}
    return Matmuls(chain=whole, shapes=alone, rows=rows)


def attention(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, lengths_S: NDArray[np.int64], timing: Timing
) -> tuple[str, Rate]:
    """Return the kernel a run would choose and its TFLOP/s (4 * width * sum of length^2) on one packed batch."""
    kernel = choose_for(spec, plan, device, "auto").kernel
    layout = to_device(packing.layout(-np.sort(-lengths_S)), device)
    generator = torch.Generator(device=device).manual_seed(_SEED)
    shape = (int(lengths_S.sum()), spec.num_heads, spec.head_dim)
    q_NHK, k_NHK, v_NHK = (_normal(shape, plan, device, generator) for _ in range(3))
    slopes_H = alibi_slopes(spec.num_heads).to(device) if isinstance(spec, DnabertSSpec) else None
    flops = 4.0 * spec.hidden * float((lengths_S**2).sum())
    call = AttentionCall(
        q_NHK=q_NHK, k_NHK=k_NHK, v_NHK=v_NHK, layout=layout, scale=spec.head_dim**-0.5, alibi_slopes_H=slopes_H
    )
    with torch.inference_mode(), precision.matmul_mode(plan):
        rate = _rate(lambda: kernel(call), flops, device, timing)
    return kernel.name, rate


def copying(device: torch.device, timing: Timing) -> Rate:
    """Return the GB/s of a copy on the device, counting bytes read and bytes written."""
    count = 1 << 28 if device.type == "cuda" else 1 << 22
    source = torch.randn(count, device=device, generator=torch.Generator(device=device).manual_seed(_SEED))
    target = torch.empty_like(source)
    return _rate(lambda: target.copy_(source), 2.0 * source.nbytes, device, timing, scale=1e9)


def _product(
    sizes: tuple[int, int, bool],
    rows: int,
    plan: PrecisionPlan,
    device: torch.device,
    generator: torch.Generator,
    *,
    fast_sums: bool,
) -> Callable[[], Tensor]:
    """Return the step that multiplies; `fast_sums` is for FP8."""
    inner, outer, has_bias = sizes
    inputs_ND = _normal((rows, inner), plan, device, generator)
    weight = _normal((outer, inner), plan, device, generator)
    bias = _normal((outer,), plan, device, generator) if has_bias else None
    if plan.precision == "fp8":
        layer = nn.Linear(inner, outer, bias=has_bias, device="meta")
        layer.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}), assign=True)
        use_fp8(layer, RowRounding(), "a layer", fast_sums=fast_sums)
        # the product alone: fused ops round what enters
        rows_NK = rows_in_fp8(inputs_ND)
        return lambda: layer(rows_NK)
    if plan.precision == "fp16-acc16":

        def summed_short() -> Tensor:
            with precision.short_sums():
                return nn.functional.linear(inputs_ND, weight, bias)

        return summed_short
    return lambda: nn.functional.linear(inputs_ND, weight, bias)


def _normal(shape: tuple[int, ...], plan: PrecisionPlan, device: torch.device, generator: torch.Generator) -> Tensor:
    return precision.cast(torch.randn(shape, device=device, generator=generator), plan)


def _rate(step: Callable[[], object], amount: float, device: torch.device, timing: Timing, scale: float = 1e12) -> Rate:
    """Return the rate in units of `scale` per second; one call of `step` is `amount`."""
    each_s = _timed(step, 1, device)
    time.sleep(timing.idle)
    burst = amount / _timed(step, _calls(timing.burst, each_s), device)
    sustained, samples = _sustained(step, amount, device, timing, scale)
    return Rate(sustained=sustained, burst=burst / scale, samples=samples)


def _sustained(
    step: Callable[[], object], amount: float, device: torch.device, timing: Timing, scale: float = 1e12
) -> tuple[float, tuple[float, ...]]:
    each_s = _timed(step, 2, device)
    each_s = _timed(step, _calls(timing.settle, each_s), device)
    calls = _calls(timing.sample, each_s)
    samples = tuple(amount / _timed(step, calls, device) / scale for _ in range(timing.samples))
    return float(np.median(samples)), samples


def _calls(seconds: float, each_s: float) -> int:
    return max(1, math.ceil(seconds / each_s))


def _timed(step: Callable[[], object], calls: int, device: torch.device) -> float:
    """Return the mean seconds per call, synchronizing only at the end."""
    started = time.perf_counter()
    for _ in range(calls):
        step()
    _wait(device)
    return (time.perf_counter() - started) / calls


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
