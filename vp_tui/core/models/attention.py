"""Attention over a pack: one AttentionCall, several exact kernels, and the choice between them.

A kernel is chosen once per arm, by format, device, ALiBi and installed packages. The choice, and the reason against
every other kernel, go into the run record. FP32 never goes through a 16-bit or TF32 kernel.

The way of a call: a block of esm2.py or dnabert_s.py -> Ops.mix (ops.py, fused/ops.py), which builds an AttentionCall
from q, k and v -> a kernel of kernels/.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.spec import DnabertSSpec, ModelSpec
from vp_tui.core.models.kernels.base import Attention, Kernel, in_words
from vp_tui.core.models.kernels.flash import FlashAttention
from vp_tui.core.models.kernels.flex import FlexAttention
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.kernels.varlen import VarlenAttention
from vp_tui.core.models.precision import is_16_bit, storage_dtype

KERNELS: Final[dict[str, type[Kernel]]] = {
    "flash": FlashAttention,
    "varlen": VarlenAttention,
    "flex": FlexAttention,
    "sdpa": SdpaAttention,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelChoice:
    kernel: Attention
    name: str
    """Name of the kernel, such as sdpa-math."""
    reason: str
    others: Mapping[str, str]
    """Reason against every other kernel."""

    @property
    def text(self) -> str:
        """All reasons in one line, for the run record."""
        return "; ".join([self.reason, *(f"not {name}: {why}" for name, why in self.others.items())])


def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> dict[str, str | None]:
    """Return the reason why each kernel cannot be used, None if it can."""
    return {name: kind.why_not(dtype, device, alibi=alibi, head_dim=head_dim) for name, kind in KERNELS.items()}


def choose(
    requested: AttentionName,
    dtype: torch.dtype,
    device: torch.device,
    *,
    alibi: bool,
    head_dim: int,
    spare_fp32: bool = False,
) -> KernelChoice:
    """Return the kernel for q, k and v of `dtype` on `device`; `requested` is the value of --attention.

    With `spare_fp32`, a requested 16-bit kernel does not apply to FP32: the FP32 reference run then uses auto's
    kernel, and the reason says so.

    Raises UsageError if the requested kernel cannot be used.
    """
    refusals = why_not(dtype, device, alibi=alibi, head_dim=head_dim)
    order = _order(dtype, alibi=alibi)
    automatic = next(name for name in order if refusals[name] is None)
    is_given = requested != "auto"
    name, reason = automatic, _auto_reason(order, dtype, device, alibi=alibi)
    if is_given and refusals[requested] is None:
        name, reason = requested, f"requested (--attention {requested})"
    elif is_given and spare_fp32 and dtype == torch.float32:
        reason = f"--attention {requested} applies to 16-bit precisions only ({refusals[requested]}); {reason}"
    elif is_given:
        raise UsageError(
            f"--attention {requested} cannot be used in {in_words(dtype)} on {device}: {refusals[requested]}; "
            f"use --attention auto (here {automatic})"
        )
    left = f"usable, but --attention {requested} was given" if is_given else f"usable, but auto prefers {name}"
    others = {other: refusals[other] or left for other in KERNELS if other != name}
    kernel = KERNELS[name].make(dtype, device)
    return KernelChoice(kernel=kernel, name=kernel.name, reason=reason, others=others)


def choose_for(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, requested: AttentionName, *, spare_fp32: bool = False
) -> KernelChoice:
    return choose(
        requested,
        storage_dtype(plan.precision),
        device,
        alibi=isinstance(spec, DnabertSSpec),
        head_dim=spec.head_dim,
        spare_fp32=spare_fp32,
    )


def _order(dtype: torch.dtype, *, alibi: bool) -> tuple[str, ...]:
    """Return the kernels that auto tries, by preference; sdpa can always be used."""
    if not is_16_bit(dtype):
        return ("sdpa",)
    # without ALiBi torch's varlen kernel is as fast as flash-attn, and flex must be compiled
    return ("flash", "flex", "sdpa") if alibi else ("flash", "varlen", "sdpa")


def _auto_reason(order: tuple[str, ...], dtype: torch.dtype, device: torch.device, *, alibi: bool) -> str:
    what = f"{in_words(dtype)}{' with ALiBi' if alibi else ''} on {device.type}"
    if len(order) == 1:
        return f"auto: {what} always uses {order[0]}, whose matmuls follow the FP32 or TF32 switch of this precision"
    return f"auto: the first usable of {', '.join(order)} for {what}"
