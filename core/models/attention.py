"""Attention over a pack: one interface, so that faster kernels can come without touching the models.

Today's kernel is torch's scaled_dot_product_attention inside padded groups: exact in every format, on
CPU and CUDA. Attention is under 7 % of the arithmetic at protein lengths, so little is lost.

Shape suffixes: B sequences of a group, T padded length, N tokens of the pack, n tokens of a group,
S sequences, H heads, K head size.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from vp_tui.core.packing import PackLayout, PaddedGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGroup:
    """One padded group on the device; fields as in packing.PaddedGroup."""

    start: int
    stop: int
    gather_BT: Tensor
    take_n: Tensor
    mask_B11T: Tensor | None
    """Keys that are real tokens; None when the group has no padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLayout:
    """A PackLayout on the device."""

    lengths_S: Tensor
    cu_seqlens: Tensor
    """[S + 1] int32."""
    positions_N: Tensor
    sequence_N: Tensor
    """Sequence of the pack each token belongs to."""
    max_len: int
    groups: tuple[DeviceGroup, ...]


def to_device(pack: PackLayout, device: torch.device) -> DeviceLayout:
    """`pack` as tensors on `device`."""
    return DeviceLayout(
        lengths_S=torch.from_numpy(pack.lengths_S).to(device),
        cu_seqlens=torch.from_numpy(pack.cu_seqlens).to(device),
        positions_N=torch.from_numpy(pack.positions_N).to(device),
        sequence_N=torch.from_numpy(pack.sequence_N).to(device),
        max_len=pack.max_len,
        groups=tuple(_group_to_device(group, device) for group in pack.groups),
    )


def _group_to_device(group: PaddedGroup, device: torch.device) -> DeviceGroup:
    mask_BT = torch.from_numpy(group.valid_BT).to(device) if group.padded else None
    return DeviceGroup(
        start=group.start,
        stop=group.stop,
        gather_BT=torch.from_numpy(group.gather_BT).to(device),
        take_n=torch.from_numpy(group.take_n).to(device),
        mask_B11T=None if mask_BT is None else mask_BT[:, None, None, :],
    )


class Attention(Protocol):
    """An exact attention kernel over packed sequences."""

    @property
    def name(self) -> str:
        """Name in the run record."""
        ...

    def __call__(self, q_NHK: Tensor, k_NHK: Tensor, v_NHK: Tensor, layout: DeviceLayout, scale: float) -> Tensor:
        """softmax(scale * q k^T) v within each sequence of the pack; the result is [N, H, K]."""
        ...


@dataclass(frozen=True, slots=True)
class SdpaAttention:
    """torch's scaled_dot_product_attention inside padded groups."""

    name: str = "sdpa"

    def __call__(self, q_NHK: Tensor, k_NHK: Tensor, v_NHK: Tensor, layout: DeviceLayout, scale: float) -> Tensor:
        """softmax(scale * q k^T) v within each sequence of the pack; the result is [N, H, K]."""
        parts = [_attend(q_NHK, k_NHK, v_NHK, group, scale) for group in layout.groups]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _attend(q_NHK: Tensor, k_NHK: Tensor, v_NHK: Tensor, group: DeviceGroup, scale: float) -> Tensor:
    q_BHTK, k_BHTK, v_BHTK = (states_NHK[group.gather_BT].transpose(1, 2) for states_NHK in (q_NHK, k_NHK, v_NHK))
    out_BHTK = nn.functional.scaled_dot_product_attention(
        q_BHTK, k_BHTK, v_BHTK, attn_mask=group.mask_B11T, scale=scale
    )
    out_BTHK = out_BHTK.transpose(1, 2)
    return out_BTHK.flatten(0, 1)[group.take_n]


def choose(dtype: torch.dtype, device: torch.device) -> tuple[Attention, str]:
    """Kernel for `dtype` on `device`, and why this one."""
    if device.type == "cpu":
        return SdpaAttention(), "sdpa in padded groups: the variable-length kernels need a CUDA device"
    if dtype == torch.float32:
        return SdpaAttention(), "sdpa in padded groups: the variable-length kernels refuse FP32"
    return SdpaAttention(), "sdpa in padded groups: variable-length kernels are not in this version yet"
