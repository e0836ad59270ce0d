"""torch's varlen_attn: packed 16-bit attention on CUDA without flash-attn, but without ALiBi.

Its signature depends on the version: torch 2.10 has no `scale` (the kernel scales by 1 / sqrt(K)) and no `num_splits`.
`num_splits=1`, if available, makes a sequence's result bitwise independent of its pack.

Shape suffixes: N tokens of the pack, H heads, K head size.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from vp_tui.core.errors import Unavailable
from vp_tui.core.models.kernels.base import Attention, AttentionCall, flash_refusals, joined, require_16_bit
from vp_tui.core.models.precision import is_16_bit


@lru_cache(maxsize=1)
def _varlen_attn() -> Callable[..., Any] | Unavailable:
    """Return torch's function; imported late, because it imports torch's compiler."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError as error:
        return Unavailable(f"torch {torch.__version__} has none ({error})")
    return varlen_attn


class VarlenAttention:
    """varlen_attn over the pack."""

    name = "varlen"

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        known = inspect.signature(function).parameters
        self._takes_scale = "scale" in known
        self._fixed = {"num_splits": 1} if "num_splits" in known else {}

    @staticmethod
    def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> str | None:
        refusals = flash_refusals(dtype, device, head_dim)
        if alibi:
            refusals.append("it has no ALiBi")
        if not refusals:
            refusals = _refusals_of(_varlen_attn(), head_dim)
        return joined(refusals)

    @staticmethod
    def make(dtype: torch.dtype, device: torch.device) -> Attention:
        del device
        function = _varlen_attn()
        assert not isinstance(function, Unavailable), function.reason
        assert is_16_bit(dtype), f"varlen got {dtype}"
        return VarlenAttention(function)

    def __call__(self, call: AttentionCall) -> Tensor:
        assert call.alibi_slopes_H is None, "varlen has no ALiBi"
        require_16_bit(self.name, call)
        options: dict[str, Any] = dict(self._fixed)
        q_NHK, layout = call.q_NHK, call.layout
        if self._takes_scale:
            options["scale"] = call.scale
        else:
            # a power of two (why_not ensures it), so nothing is rounded
            q_NHK = q_NHK * (call.scale * q_NHK.shape[-1] ** 0.5)
        mixed_NHK: Tensor = self._function(
            q_NHK,
            call.k_NHK,
            call.v_NHK,
            layout.cu_seqlens,
            layout.cu_seqlens,
            layout.max_len,
            layout.max_len,
            **options,
        )
        return mixed_NHK


def _refusals_of(function: Callable[..., Any] | Unavailable, head_dim: int) -> list[str]:
    if isinstance(function, Unavailable):
        return [function.reason]
    has_scale = "scale" in inspect.signature(function).parameters
    if not has_scale and head_dim not in {16, 64, 256}:
        return [
            f"varlen_attn of torch {torch.__version__} takes no scale, and undoing its own would round q for head size "
            f"{head_dim}"
        ]
    return []
