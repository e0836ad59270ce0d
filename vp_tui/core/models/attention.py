"""Attention over a pack: one call, several exact kernels, and the choice between them.

A kernel is chosen once per arm, by format, device, ALiBi and what can be imported. What was chosen, and in words
why every other was not, goes into the run record. FP32 never goes through a 16-bit or TF32 kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.spec import DnabertSSpec, ModelSpec
from vp_tui.core.models.kernels.base import (
    Attention,
    AttentionCall,
    DeviceGroup,
    DeviceLayout,
    Kernel,
    in_words,
    to_device,
)
from vp_tui.core.models.kernels.flash import FlashAttention
from vp_tui.core.models.kernels.flex import FlexAttention
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.kernels.varlen import VarlenAttention
from vp_tui.core.models.precision import is_16_bit, storage_dtype

__all__ = [
    "Attention",
    "AttentionCall",
    "Choice",
    "DeviceGroup",
    "DeviceLayout",
    "SdpaAttention",
    "choose",
    "choose_for",
    "to_device",
    "why_not",
]

KERNELS: Final[dict[str, type[Kernel]]] = {
    "flash": FlashAttention,
    "varlen": VarlenAttention,
    "flex": FlexAttention,
    "sdpa": SdpaAttention,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A kernel, and why it is this one."""

    kernel: Attention
    name: str
    """The kernel's own name, as in sdpa-math."""
    reason: str
    others: Mapping[str, str]
    """Every kernel not taken -> why."""

    @property
    def text(self) -> str:
        """Reason and others in one line, for the run record."""
        return "; ".join([self.reason, *(f"not {name}: {why}" for name, why in self.others.items())])


def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> dict[str, str | None]:
    """Every kernel -> why it cannot be used there, None when it can."""
    return {name: kind.why_not(dtype, device, alibi=alibi, head_dim=head_dim) for name, kind in KERNELS.items()}


def choose(
    asked: AttentionName,
    dtype: torch.dtype,
    device: torch.device,
    *,
    alibi: bool,
    head_dim: int,
    spare_fp32: bool = False,
) -> Choice:
    """The kernel for q, k and v of `dtype` on `device`; `asked` is what --attention says.

    With `spare_fp32` a 16-bit kernel that was asked for does not bind an FP32 arm: a run's FP32 reference takes
    auto's kernel then, and the reason says so.

    Raises UsageError when the kernel asked for cannot be used.
    """
    refusals = why_not(dtype, device, alibi=alibi, head_dim=head_dim)
    order = _order(dtype, alibi=alibi)
    automatic = next(name for name in order if refusals[name] is None)
    given = asked != "auto"
    name, reason = automatic, _auto_reason(order, dtype, device, alibi=alibi)
    if given and refusals[asked] is None:
        name, reason = asked, f"asked for (--attention {asked})"
    elif given and spare_fp32 and dtype == torch.float32:
        reason = f"--attention {asked} holds for 16-bit arms only ({refusals[asked]}); {reason}"
    elif given:
        raise UsageError(
            f"--attention {asked} cannot be used in {in_words(dtype)} on {device}: {refusals[asked]}; "
            f"use --attention auto (it takes {automatic} here)"
        )
    left = f"usable, but --attention {asked} was given" if given else f"usable, but auto takes {name} first"
    others = {other: refusals[other] or left for other in KERNELS if other != name}
    kernel = KERNELS[name].make(dtype, device)
    return Choice(kernel=kernel, name=kernel.name, reason=reason, others=others)


def choose_for(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, asked: AttentionName, *, spare_fp32: bool = False
) -> Choice:
    """As `choose`, for a model in a plan."""
    return choose(
        asked,
        storage_dtype(plan.precision),
        device,
        alibi=isinstance(spec, DnabertSSpec),
        head_dim=spec.head_dim,
        spare_fp32=spare_fp32,
    )


def _order(dtype: torch.dtype, *, alibi: bool) -> tuple[str, ...]:
    """What auto tries, best first; sdpa can always be used."""
    if not is_16_bit(dtype):
        return ("sdpa",)
    # without ALiBi torch's varlen kernel is as fast as flash-attn, and flex has to be compiled first
    return ("flash", "flex", "sdpa") if alibi else ("flash", "varlen", "sdpa")


def _auto_reason(order: tuple[str, ...], dtype: torch.dtype, device: torch.device, *, alibi: bool) -> str:
    what = f"{in_words(dtype)}{' with ALiBi' if alibi else ''} on {device.type}"
    if len(order) == 1:
        return f"auto: {what} always takes {order[0]}, whose products follow the arm's own FP32 or TF32 switch"
    return f"auto: the first of {', '.join(order)} that can be used for {what}"
