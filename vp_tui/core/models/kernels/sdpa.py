"""torch's scaled_dot_product_attention: every format; in padded groups on CUDA, in groups of equal length on a CPU.

FP32 on CUDA uses the math backend only and is named sdpa-math: FP32 in the memory-efficient kernel is three TF32
matmuls (3xTF32), near FP32 but not IEEE. The price is memory: scores are materialized, up to SCORE_BYTES per call
(groups are split accordingly) and about three times that at the peak. Attention is under 7 % of the arithmetic at
protein lengths, so little speed is lost.

Shape suffixes: B sequences of a group, T padded length, N tokens of the pack, n tokens of a group,
H heads, K head size.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vp_tui.core.models.kernels.base import Attention, AttentionCall, DeviceGroup
from vp_tui.core.models.precision import at_least_fp32, back_to, is_16_bit

SCORE_BYTES: Final = 256 * 2**20
"""Scores (or biases) per call, unless one sequence needs more: 40 heads of 1,024 tokens take 160 MiB."""


@dataclass(frozen=True, slots=True)
class SdpaAttention:
    """SDPA inside padded groups."""

    math_only: bool = False
    """Use the math backend only, whose matmuls are IEEE FP32 if precision.matmul_mode is set so."""
    pads: bool = True
    """Padded groups; False: groups of equal length, without gather and mask, but more calls."""

    @property
    def name(self) -> str:
        """sdpa-math if only the math backend is used."""
        return "sdpa-math" if self.math_only else "sdpa"

    @staticmethod
    def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> str | None:
        """Return None: it supports every format, device, bias and head size."""
        del dtype, device, alibi, head_dim
        return None

    @staticmethod
    def make(dtype: torch.dtype, device: torch.device) -> Attention:
        """Return sdpa without padding on a CPU, where calls are cheap; sdpa-math for FP32 and FP64 on CUDA."""
        on_cuda = device.type == "cuda"
        return SdpaAttention(math_only=on_cuda and not is_16_bit(dtype), pads=on_cuda)

    def __call__(self, call: AttentionCall) -> Tensor:
        q_NHK = call.q_NHK
        assert self.math_only or not q_NHK.is_cuda or is_16_bit(q_NHK.dtype), "FP32 on CUDA is sdpa-math"
        groups = call.layout.groups if self.pads else call.layout.runs
        with self._backends(q_NHK):
            parts = [self._attend(call, group) for group in groups]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _backends(self, q_NHK: Tensor) -> AbstractContextManager[None]:
        if self.math_only:
            return sdpa_kernel([SDPBackend.MATH])
        if q_NHK.is_cuda:
            # not cuDNN, which plans for every shape, and padded groups have many shapes
            return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])
        return nullcontext()

    def _attend(self, call: AttentionCall, group: DeviceGroup) -> Tensor:
        bias_1HTT = None if call.alibi_slopes_H is None else _alibi(group, call.alibi_slopes_H, call.q_NHK)
        rows = self._rows(group, call.q_NHK, has_bias=bias_1HTT is not None)
        parts = []
        for first in range(0, len(group.gather_BT), rows):
            q_BHTK, k_BHTK, v_BHTK = (
                _rectangle(states_NHK, group, first, rows) for states_NHK in (call.q_NHK, call.k_NHK, call.v_NHK)
            )
            keep_B11T = None if group.mask_B11T is None else group.mask_B11T[first : first + rows]
            out_BHTK = nn.functional.scaled_dot_product_attention(
                q_BHTK, k_BHTK, v_BHTK, attn_mask=_mask(keep_B11T, bias_1HTT), scale=call.scale
            )
            parts.append(out_BHTK.transpose(1, 2).flatten(0, 1))
        mixed = parts[0] if len(parts) == 1 else torch.cat(parts)
        return mixed if group.mask_B11T is None else mixed[group.take_n]

    def _rows(self, group: DeviceGroup, q_NHK: Tensor, *, has_bias: bool) -> int:
        """Return the sequences of `group` per call that keep materialized tensors below SCORE_BYTES."""
        sequences, width = group.gather_BT.shape
        if not self.math_only and not (has_bias and group.mask_B11T is not None):
            return sequences
        return max(1, SCORE_BYTES // (q_NHK.shape[1] * width * width * q_NHK.dtype.itemsize))


def _rectangle(states_NHK: Tensor, group: DeviceGroup, first: int, rows: int) -> Tensor:
    chunk_BT = group.gather_BT[first : first + rows]
    if group.mask_B11T is not None:
        return states_NHK[chunk_BT].transpose(1, 2)
    sequences, width = chunk_BT.shape
    start = group.start + first * width
    whole_nHK = states_NHK[start : start + sequences * width]
    return whole_nHK.view(sequences, width, *whole_nHK.shape[1:]).transpose(1, 2)


def _alibi(group: DeviceGroup, alibi_slopes_H: Tensor, q_NHK: Tensor) -> Tensor:
    """Return -slope |i - j| of a group; a sequence starts in column 0, so the column is the position in it."""
    column_T = torch.arange(group.gather_BT.shape[1], device=alibi_slopes_H.device)
    distance_TT = (column_T[:, None] - column_T).abs()
    # SDPA needs a bias in q's format: computed in FP32 and rounded once (above -16 the error is at most 0.004 in FP16,
    # 0.031 in BF16)
    bias_HTT = at_least_fp32(alibi_slopes_H)[:, None, None] * -distance_TT
    return back_to(bias_HTT[None], q_NHK)


def _mask(keep_B11T: Tensor | None, bias_1HTT: Tensor | None) -> Tensor | None:
    """Return SDPA's attn_mask: -inf on padded keys, the bias, both, or None."""
    if bias_1HTT is None or keep_B11T is None:
        return keep_B11T if bias_1HTT is None else bias_1HTT
    return bias_1HTT.masked_fill(~keep_B11T, -torch.inf)
