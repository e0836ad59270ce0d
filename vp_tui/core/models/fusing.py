"""Which steps an arm takes, and why: the fused ones on CUDA, the plain ones elsewhere."""

import importlib.util
from dataclasses import dataclass

import torch

from vp_tui.core.config import AttentionName
from vp_tui.core.models.kernels.base import in_words, too_old
from vp_tui.core.models.steps import PLAIN, Steps

CAPABILITY = (8, 0)
"""Triton's products want Ampere or newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSteps:
    """Steps, and why these."""

    steps: Steps
    reason: str


def why_not(dtype: torch.dtype, device: torch.device) -> str | None:
    """Why the fused steps cannot be taken, in words; None when they can."""
    if dtype == torch.float64:
        return f"they compute in FP32, and {in_words(dtype)} needs more"
    problem = too_old(device, CAPABILITY)
    if problem is None and importlib.util.find_spec("triton") is None:
        return "Triton is not installed (torch for CUDA brings it along)"
    return problem


def choose_steps(dtype: torch.dtype, device: torch.device, attention: AttentionName) -> ChosenSteps:
    """The steps for a stream of `dtype`; an attention kernel that was asked for does all attention itself."""
    problem = why_not(dtype, device)
    if problem is not None:
        return ChosenSteps(steps=PLAIN, reason=f"plain steps, not fused: {problem}")
    # late, because CPU builds of torch come without Triton
    from vp_tui.core.models.fused.steps import PARTS, Fused

    if attention == "auto":
        return ChosenSteps(steps=Fused(), reason="fused steps")
    return ChosenSteps(steps=Fused(PARTS - {"short"}), reason=f"fused steps, all attention by {attention}")
