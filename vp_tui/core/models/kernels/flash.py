"""flash-attn's varlen kernel: packed 16-bit attention on CUDA with ALiBi; used if it can be imported.

Its slopes are FP32, and it divides them by the scale, so that the bias applies after scaling.

Shape suffixes: N tokens of the pack, H heads, K head size.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from vp_tui.core.errors import Unavailable
from vp_tui.core.models.kernels.base import (
    Attention,
    AttentionCall,
    flash_refusals,
    joined,
    require_16_bit,
    require_fp32_slopes,
)
from vp_tui.core.models.precision import is_16_bit


@lru_cache(maxsize=1)
def _flash_attn_varlen_func() -> Callable[..., Any] | Unavailable:
    """Return flash-attn's function, or the error of importing it.

    A build for another torch raises ImportError (undefined symbol), a missing CUDA library ImportError or OSError.
    """
    try:
        from flash_attn import flash_attn_interface
    except (ImportError, OSError) as error:
        return Unavailable(f"flash-attn cannot be imported ({type(error).__name__}: {str(error).splitlines()[0]})")
    registered = getattr(flash_attn_interface, "_flash_attn_varlen_forward", None)
    # a CustomOpDef of torch.library: its first call imports torch._dynamo, 3 to 7 s in every process
    plain = getattr(registered, "_init_fn", None)
    public: Callable[..., Any] = flash_attn_interface.flash_attn_varlen_func
    return public if plain is None else inference_only(plain)


def inference_only(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with the arguments of flash_attn_varlen_func that are used here, from its inner `forward`.

    It skips autograd and torch's registration of operators, which inference has no use for.
    """

    def attend(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        cu_seqlens_q: Tensor,
        cu_seqlens_k: Tensor,
        max_seqlen_q: int,
        max_seqlen_k: int,
        softmax_scale: float,
        alibi_slopes: Tensor | None,
    ) -> Any:
        mixed_NHK, *_ = forward(
            q,
            k,
            v,
            cu_seqlens_q,
            cu_seqlens_k,
            max_seqlen_q,
            max_seqlen_k,
            dropout_p=0.0,
            softmax_scale=softmax_scale,
            causal=False,
            alibi_slopes=alibi_slopes,
        )
        return mixed_NHK

    return attend


class FlashAttention:
    """flash_attn_varlen_func over the pack."""

    name = "flash"

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @staticmethod
    def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> str | None:
        del alibi
        refusals = flash_refusals(dtype, device, head_dim)
        if is_16_bit(dtype) and isinstance(function := _flash_attn_varlen_func(), Unavailable):
            refusals.append(function.reason)
        return joined(refusals)

    @staticmethod
    def make(dtype: torch.dtype, device: torch.device) -> Attention:
        del device
        function = _flash_attn_varlen_func()
        assert not isinstance(function, Unavailable), function.reason
        assert is_16_bit(dtype), f"flash got {dtype}"
        return FlashAttention(function)

    def __call__(self, call: AttentionCall) -> Tensor:
        require_16_bit(self.name, call)
        require_fp32_slopes(call)
        mixed_NHK: Tensor = self._function(
            call.q_NHK,
            call.k_NHK,
            call.v_NHK,
            cu_seqlens_q=call.layout.cu_seqlens,
            cu_seqlens_k=call.layout.cu_seqlens,
            max_seqlen_q=call.layout.max_len,
            max_seqlen_k=call.layout.max_len,
            softmax_scale=call.scale,
            alibi_slopes=call.alibi_slopes_H,
        )
        return mixed_NHK
