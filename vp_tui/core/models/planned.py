"""A model of which some units compute in a format of their own, as a precision plan says.

The forward stays the model's: linear layers cast what enters them, and the ops of each block are wrapped. A unit casts
at its entry and gives its result in its own format, so what it computed reaches the next unit unrounded; that one casts
at its own entry. Where all formats of a fused op are the same it stays fused.

Shape suffixes: N tokens of the pack, D width, F feed-forward width, H heads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vp_tui.core.config import AttentionName, PlanPrecision, PrecisionPlan
from vp_tui.core.formats import is_emulated
from vp_tui.core.inputs import units
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models.attention import choose_for
from vp_tui.core.models.kernels.base import Attention, DeviceLayout
from vp_tui.core.models.ops import Norm, Ops, Rotary, why_not_fused
from vp_tui.core.models.precision import in_format, products_of, short_sums, storage_dtype
from vp_tui.core.models.small_linear import RowRounding, use_emulated, use_fp8


@dataclass(frozen=True, slots=True)
class _Formats:
    """The formats of one block's operations; `plan` gives those of any unit."""

    plan: PrecisionPlan
    block: str
    """layers.3"""
    kernels: Mapping[PlanPrecision, Attention]
    """Attention kernel of each format that is not the base's."""

    def of(self, operation: str) -> PlanPrecision:
        return self.plan.of(f"{self.block}.{operation}")


class PlannedOps(Ops):
    """The ops of one block, each cast at its entry to its unit's format; `inner` computes them."""

    def __init__(self, inner: Ops, formats: _Formats) -> None:
        self.inner = inner
        self.name = inner.name
        self._formats = formats

    def attending(self, kernel: str, head_dim: int) -> str:
        return self.inner.attending(kernel, head_dim)

    def add(self, hidden_ND: Tensor, delta_ND: Tensor) -> Tensor:
        own = self._formats.of("residual")
        return self.inner.add(in_format(hidden_ND, own), in_format(delta_ND, own))

    def gelu(self, states_NF: Tensor) -> Tensor:
        return self.inner.gelu(in_format(states_NF, self._formats.of("gelu")))

    def gated(self, both_N2F: Tensor) -> Tensor:
        return self.inner.gated(in_format(both_N2F, self._formats.of("gelu")))

    def mix(
        self,
        qkv_ND3: Tensor,
        num_heads: int,
        attention: Attention,
        layout: DeviceLayout,
        *,
        rotary: Rotary | None = None,
        slopes_H: Tensor | None = None,
    ) -> Tensor:
        own = self._formats.of("attention")
        kernel = self._formats.kernels.get(own, attention)
        with products_of(own):
            return self.inner.mix(in_format(qkv_ND3, own), num_heads, kernel, layout, rotary=rotary, slopes_H=slopes_H)


class PlannedNormOps(Ops):
    """The ops of one norm, which may add a residual first."""

    def __init__(self, inner: Ops, own: PlanPrecision, stream: PlanPrecision) -> None:
        """`own` is the format of the norm, `stream` that of the residual sum before it that continues the stream."""
        self.inner = inner
        self.name = inner.name
        self._own, self._stream = own, stream

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        delta_ND = None if delta_ND is None else in_format(delta_ND, self._own)
        return self.inner.norm(in_format(hidden_ND, self._own), norm, delta_ND)

    def add_norm(self, hidden_ND: Tensor, delta_ND: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        hidden_ND, delta_ND = in_format(hidden_ND, self._stream), in_format(delta_ND, self._stream)
        if self._own == self._stream:
            return self.inner.add_norm(hidden_ND, delta_ND, norm)
        summed_ND = self.inner.add(hidden_ND, delta_ND)
        return self.norm(summed_ND, norm), summed_ND


def use_plan(model: nn.Module, spec: ModelSpec, plan: PrecisionPlan, device: torch.device) -> None:
    """Make a native model, whose parameters have their units' formats, compute as `plan` says, in place.

    Its linear layers must have their class by now (linear.use_linear).

    Raises UsageError: a unit that the model does not have.
    """
    units.require(plan.kept, spec, plan.name)
    if plan.is_plain:
        return
    own_formats = {plan.of(unit) for unit in units.units_of(spec)} - {plan.precision}
    kernels = {own: _kernel(spec, PrecisionPlan(name=own, precision=own), device) for own in own_formats}
    rounding = _Fp8.of(plan, spec)
    holders: dict[str, Any] = dict(model.named_modules())
    for index in range(spec.num_layers):
        block = f"{units.BLOCKS}.{index}"
        inner = rounding.ops_before(holders[block].ops, f"{block}.gelu")
        holders[block].ops = PlannedOps(inner, _Formats(plan, block, kernels))
    for name, module in holders.items():
        unit = units.unit_of(name, spec.kind)
        if isinstance(module, Norm):
            stream = plan.of(f"{name.rpartition('.')[0]}.residual")
            module.ops = PlannedNormOps(rounding.ops_before(module.ops, unit), plan.of(unit), stream)
        elif isinstance(module, nn.Linear):
            _plan_linear(module, plan.of(unit), plan.precision, name, device)


@dataclass(frozen=True, slots=True)
class _Fp8:
    """Which ops give only what a linear layer in FP8 takes."""

    plan: PrecisionPlan
    followers: Mapping[str, str]
    """Unit of an op -> the linear layer that takes its result."""

    @classmethod
    def of(cls, plan: PrecisionPlan, spec: ModelSpec) -> "_Fp8":
        return cls(plan, units.linear_after(spec))

    def ops_before(self, ops: Ops, unit: str) -> Ops:
        """Return ops that also round what `unit` gives, where that unit is FP16, FP8 follows and `ops` are fused."""
        follower = self.followers.get(unit)
        is_fitting = follower is not None and self.plan.of(follower) == "fp8" and self.plan.of(unit) == "fp16"
        if not is_fitting or ops.name == Ops.name:
            return ops
        # imported here because CPU builds of torch have no Triton
        from vp_tui.core.models.fused.ops import PARTS, Fused, FusedBeforeFp8

        return FusedBeforeFp8() if isinstance(ops, Fused) and ops.parts == PARTS else ops


def _kernel(spec: ModelSpec, plain: PrecisionPlan, device: torch.device) -> Attention:
    """Return auto's kernel: a requested one is for the base format."""
    requested: AttentionName = "auto"
    return choose_for(spec, plain, device, requested).kernel


def _rows_of(device: torch.device) -> RowRounding:
    if why_not_fused(storage_dtype("fp8"), device) is not None:
        return RowRounding()
    # imported here because CPU builds of torch have no Triton
    from vp_tui.core.models.fused.eight_bits import FusedRounding

    return FusedRounding()


def _plan_linear(linear: nn.Linear, own: PlanPrecision, base: PlanPrecision, name: str, device: torch.device) -> None:
    """Cast what enters a linear layer; a look inside the model, whose hooks come later, sees it cast."""
    if own == "fp8":
        # casts what enters itself: that may be in FP8 already
        use_fp8(linear, _rows_of(device), name)
        return
    if is_emulated(own):
        use_emulated(linear, own)

    def enter(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (in_format(inputs[0], own), *inputs[1:])

    linear.register_forward_pre_hook(enter)
    is_short = own == "fp16-acc16"
    if is_short or ("tf32" in {own, base} and own != base):
        forward = linear.forward

        def switched(input: Tensor) -> Tensor:
            with short_sums() if is_short else products_of(own):
                return forward(input)

        linear.forward = switched  # type: ignore[method-assign]
