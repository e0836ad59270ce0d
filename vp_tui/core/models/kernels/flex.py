"""torch's FlexAttention: one compiled kernel with the sequences as a mask and ALiBi as a score modification.

Without flash-attn it is the 16-bit kernel with ALiBi in FP32. It must be compiled (uncompiled it materializes N x N
scores) for every shape, so packs are padded to a power of two; padding costs one block per 128 tokens. The block mask
is computed from cu_seqlens, once per pack, without N x N.

Shape suffixes: N tokens of the pack, T tokens with padding, Q blocks of T, H heads, K head size.
"""

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import torch
from torch import Tensor, nn

from vp_tui.core.models.kernels.base import Attention, AttentionCall, DeviceLayout, joined, require_fp32_slopes, too_old

BLOCK: Final = 128
SMALLEST: Final = 4096
"""Minimum padded length of a pack in tokens."""
SHAPES: Final = 64
"""Maximum number of shapes compiled in one process; flex raises for more."""

_TRITON_CAPABILITY: Final = (7, 0)
_SMALLEST_HEAD: Final = 16

# IEEE FP32 even if torch's TF32 switch is on (quoted twice: a Triton constant)
_IEEE: Final = {"FLOAT32_PRECISION": "'ieee'"}

Attend = Callable[..., Tensor]


def attend(
    q_1HTK: Tensor, k_1HTK: Tensor, v_1HTK: Tensor, block_mask: Any, scale: float, alibi_slopes_H: Tensor | None
) -> Tensor:
    """Return flex_attention with ALiBi; the function that torch.compile compiles."""
    from torch.nn.attention.flex_attention import flex_attention

    def with_alibi(score: Tensor, batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        del batch
        assert alibi_slopes_H is not None
        # indices in the pack: within a sequence their difference is that of the positions
        return score - alibi_slopes_H[head] * (i - j).abs()

    mixed_1HTK: Tensor = flex_attention(
        q_1HTK,
        k_1HTK,
        v_1HTK,
        score_mod=None if alibi_slopes_H is None else with_alibi,
        block_mask=block_mask,
        scale=scale,
        kernel_options=_IEEE if q_1HTK.dtype == torch.float32 else None,  # type: ignore[arg-type]
    )
    return mixed_1HTK


@lru_cache(maxsize=1)
def _compiled() -> Attend:
    """Return `attend` compiled per shape; with fullgraph it raises instead of running uncompiled."""
    from torch._dynamo import config

    compiled: Attend = torch.compile(attend, fullgraph=True, dynamic=False)

    def roomy(*arguments: Any) -> Tensor:
        # the default limit of 8 counts all formats, shapes and head sizes of a process
        with config.patch(recompile_limit=SHAPES):
            return compiled(*arguments)

    return roomy


class FlexAttention:
    """FlexAttention over the pack, padded to a power of two."""

    name = "flex"

    def __init__(self, attend: Attend, smallest: int = SMALLEST) -> None:
        """`smallest`, a power of two of at least BLOCK, is the minimum padded length in tokens."""
        self._attend = attend
        self._smallest = smallest
        self._last: tuple[DeviceLayout, int, Any] | None = None

    @staticmethod
    def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> str | None:
        del dtype, alibi
        device_text = too_old(device, _TRITON_CAPABILITY)
        refusals = [] if device_text is None else [device_text]
        if device.type != "cuda":
            refusals.append("on a CPU it compiles for half a minute and is not faster than sdpa")
        if head_dim < _SMALLEST_HEAD:
            refusals.append(f"it takes head sizes from {_SMALLEST_HEAD}, not {head_dim}")
        if importlib.util.find_spec("triton") is None:
            refusals.append("triton, which compiles it, is not installed")
        return joined(refusals)

    @staticmethod
    def make(dtype: torch.dtype, device: torch.device) -> Attention:
        del dtype, device
        return FlexAttention(_compiled())

    def __call__(self, call: AttentionCall) -> Tensor:
        require_fp32_slopes(call)
        tokens = len(call.q_NHK)
        padded, block_mask = self._plan(call.layout, tokens)
        # sequences share blocks with weight 0, and 0 * NaN is NaN: non-finite values must not reach other sequences
        bad_NHK = ~torch.isfinite(call.v_NHK)
        v_NHK = call.v_NHK.masked_fill(bad_NHK, 0.0)
        q_1HTK, k_1HTK, v_1HTK = (_padded(states_NHK, padded) for states_NHK in (call.q_NHK, call.k_NHK, v_NHK))
        mixed_1HTK = self._attend(q_1HTK, k_1HTK, v_1HTK, block_mask, call.scale, call.alibi_slopes_H)
        return mixed_1HTK[0].transpose(0, 1)[:tokens].masked_fill(_in_bad_sequence(bad_NHK, call.layout), torch.nan)

    def _plan(self, layout: DeviceLayout, tokens: int) -> tuple[int, Any]:
        """Return padded length and block mask of a pack, the same for all layers of a forward."""
        if self._last is None or self._last[0] is not layout:
            padded = max(self._smallest, 1 << (tokens - 1).bit_length())
            self._last = (layout, padded, make_block_mask(layout, padded))
        return self._last[1:]


def _in_bad_sequence(bad_NHK: Tensor, layout: DeviceLayout) -> Tensor:
    """Return a mask [N, 1, 1] of tokens whose sequence has a non-finite value, so that their output is NaN."""
    bad_S = layout.sums(bad_NHK.flatten(1).any(1)) > 0
    return bad_S[layout.sequence_N, None, None]


def _padded(states_NHK: Tensor, tokens: int) -> Tensor:
    filled_THK = nn.functional.pad(states_NHK, (0, 0, 0, 0, 0, tokens - len(states_NHK)))
    return filled_THK.transpose(0, 1)[None]


def make_block_mask(layout: DeviceLayout, padded: int) -> Any:
    """Return the BlockMask of a pack padded to `padded` tokens: a token attends to its own sequence.

    Sequences are contiguous, so the key blocks of a query block are too: from the start of its first token's sequence
    to the end of its last token's sequence. Padding attends to the padding of its own block, so that no row is empty.
    """
    from torch.nn.attention.flex_attention import BlockMask

    tokens = len(layout.sequence_N)
    tail = torch.arange(tokens, padded, device=layout.sequence_N.device)
    tail_block = tail // BLOCK
    cu_seqlens = layout.cu_seqlens.long()
    sequence_T = torch.cat([layout.sequence_N, len(layout.lengths_S) + tail_block]).int()
    begin_T = torch.cat([cu_seqlens[layout.sequence_N], (tail_block * BLOCK).clamp(min=tokens)])
    end_T = torch.cat([cu_seqlens[layout.sequence_N + 1] - 1, tail_block * BLOCK + BLOCK - 1])
    first_Q, last_Q = begin_T[::BLOCK] // BLOCK, end_T[BLOCK - 1 :: BLOCK] // BLOCK
    place_Q = torch.arange(padded // BLOCK, device=tail.device)

    def same_sequence(_batch: Tensor, _head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return sequence_T[i] == sequence_T[j]

    return BlockMask.from_kv_blocks(
        (last_Q - first_Q + 1).int()[None, None],
        (first_Q[:, None] + place_Q).clamp(max=len(place_Q) - 1).int()[None, None],
        BLOCK_SIZE=BLOCK,
        mask_mod=same_sequence,
    )
