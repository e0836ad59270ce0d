"""Choice of an arm's ops and its reason: fused ops on CUDA, plain ones elsewhere."""

import importlib.util
from dataclasses import dataclass

import torch

from vp_tui.core.config import AttentionName
from vp_tui.core.models.kernels.base import in_words, too_old
from vp_tui.core.models.ops import PLAIN, Ops

CAPABILITY = (8, 0)
"""Triton's matmuls need Ampere or newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenOps:
    """Ops and the reason for them."""

    ops: Ops
    reason: str


def why_not(dtype: torch.dtype, device: torch.device) -> str | None:
    """Return the reason why fused ops cannot be used, None if they can."""
    if dtype == torch.float64:
        return f"they compute in FP32, and {in_words(dtype)} needs more"
    problem = too_old(device, CAPABILITY)
    if problem is None and importlib.util.find_spec("triton") is None:
        return "Triton is not installed (it comes with torch for CUDA)"
    return problem


def choose_ops(dtype: torch.dtype, device: torch.device, attention: AttentionName) -> ChosenOps:
    """Return the ops for a residual stream of `dtype`; a requested attention kernel computes all attention."""
    problem = why_not(dtype, device)
    if problem is not None:
        return ChosenOps(ops=PLAIN, reason=f"plain ops, not fused: {problem}")
    # imported here because CPU builds of torch have no Triton
    from vp_tui.core.models.fused.ops import PARTS, Fused

    if attention == "auto":
        return ChosenOps(ops=Fused(), reason="fused ops")
    return ChosenOps(ops=Fused(PARTS - {"short"}), reason=f"fused ops, all attention by {attention}")
