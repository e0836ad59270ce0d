"""Interface of attention kernels: the pack on the device, the call, and the reasons why a kernel cannot be used.

Shape suffixes: B sequences of a group, T padded length, N tokens of the pack, n tokens of a group,
S sequences, H heads, K head size.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.inputs.packing import GROUP_FILL, NO_PADDING, PackLayout, PaddedGroup
from vp_tui.core.models.precision import is_16_bit

FLASH_CAPABILITY: Final = (8, 0)
"""Flash kernels need Ampere or newer."""

SHORT_LEN: Final = 192
"""Length of a pack's longest sequence up to which models/fused/short.py is the faster kernel."""

_FLASH_HEAD_DIM: Final = 256
_FLASH_HEAD_STEP: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGroup:
    """One padded group on the device; fields as in packing.PaddedGroup."""

    start: int
    stop: int
    gather_BT: Tensor
    take_n: Tensor
    mask_B11T: Tensor | None
    """True for keys that are not padding; None if the group has no padding."""


@dataclass(frozen=True, kw_only=True)
class DeviceLayout:
    """A PackLayout on the device."""

    pack: PackLayout
    lengths_S: Tensor
    cu_seqlens: Tensor
    """[S + 1] int32."""
    positions_N: Tensor
    sequence_N: Tensor
    """Sequence of the pack of each token."""
    max_len: int
    tiles_B3: Tensor | None
    """PackLayout.tiles_B3 of a pack of short sequences on CUDA, else None."""

    @cached_property
    def groups(self) -> tuple[DeviceGroup, ...]:
        """The padded groups, computed on first use: varlen kernels do not need them."""
        return self._grouped(GROUP_FILL)

    @cached_property
    def runs(self) -> tuple[DeviceGroup, ...]:
        """Groups of equal length, without padding."""
        return self._grouped(NO_PADDING)

    def sums(self, counts_N: Tensor) -> Tensor:
        """Return the sums of integers per token over each sequence, int64 [S]."""
        before_N = nn.functional.pad(counts_N.cumsum(0, dtype=torch.int64), (1, 0))
        return before_N[self.cu_seqlens[1:]] - before_N[self.cu_seqlens[:-1]]

    def _grouped(self, fill: float) -> tuple[DeviceGroup, ...]:
        return tuple(_group_to_device(group, self.cu_seqlens.device) for group in self.pack.groups(fill))


def to_device(pack: PackLayout, device: torch.device) -> DeviceLayout:
    is_short = device.type == "cuda" and pack.max_len <= SHORT_LEN
    return DeviceLayout(
        pack=pack,
        lengths_S=upload(pack.lengths_S, device),
        cu_seqlens=upload(pack.cu_seqlens, device),
        positions_N=upload(pack.positions_N, device),
        sequence_N=upload(pack.sequence_N, device),
        max_len=pack.max_len,
        tiles_B3=upload(pack.tiles_B3, device) if is_short else None,
    )


def upload(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return `array` on `device`; through pinned memory to CUDA, so that the host does not wait for running kernels."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _group_to_device(group: PaddedGroup, device: torch.device) -> DeviceGroup:
    mask_BT = upload(group.valid_BT, device) if group.padded else None
    return DeviceGroup(
        start=group.start,
        stop=group.stop,
        gather_BT=upload(group.gather_BT, device),
        take_n=upload(group.take_n, device),
        mask_B11T=None if mask_BT is None else mask_BT[:, None, None, :],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCall:
    """Arguments of one attention over a pack: softmax(scale * q k^T - slope |i - j|) v within each sequence."""

    q_NHK: Tensor
    k_NHK: Tensor
    v_NHK: Tensor
    """q, k and v have one format and device, and may be views of one fused linear's output."""
    layout: DeviceLayout
    """Layout of the N tokens."""
    scale: float
    """Factor of the scores; 1.0 if q is already scaled."""
    alibi_slopes_H: Tensor | None = None
    """FP32 slopes of the symmetric ALiBi bias, added after scaling; i and j are positions in the sequence."""


class Attention(Protocol):
    """An exact attention kernel over packed sequences."""

    @property
    def name(self) -> str: ...

    def __call__(self, call: AttentionCall) -> Tensor:
        """Return the attention output [N, H, K] in the format of q."""


class Kernel(Protocol):
    """A class of attention kernels."""

    @staticmethod
    def why_not(dtype: torch.dtype, device: torch.device, *, alibi: bool, head_dim: int) -> str | None:
        """Return the reason why it cannot be used, None if it can."""

    @staticmethod
    def make(dtype: torch.dtype, device: torch.device) -> Attention:
        """Return the kernel for inputs of `dtype` on `device`."""


def in_words(dtype: torch.dtype) -> str:
    """Return a name such as float16."""
    return str(dtype).removeprefix("torch.")


def capability(device: torch.device) -> tuple[int, int]:
    major, minor = torch.cuda.get_device_capability(device)
    return major, minor


def too_old(device: torch.device, needed: tuple[int, int]) -> str | None:
    """Return the reason why a kernel that needs CUDA and a compute capability cannot run on `device`."""
    if device.type != "cuda":
        return f"it needs a CUDA device, this is the {device.type}"
    found = capability(device)
    if found < needed:
        return f"it needs compute capability {needed[0]}.{needed[1]}, this GPU has {found[0]}.{found[1]}"
    return None


def flash_refusals(dtype: torch.dtype, device: torch.device, head_dim: int) -> list[str]:
    """Return the reasons why a flash kernel (flash-attn's or torch's own) cannot run, except a missing package."""
    found = [] if is_16_bit(dtype) else [f"it takes float16 and bfloat16 only, not {in_words(dtype)}"]
    device_text = too_old(device, FLASH_CAPABILITY)
    if device_text is not None:
        found.append(device_text)
    if head_dim > _FLASH_HEAD_DIM or head_dim % _FLASH_HEAD_STEP:
        found.append(f"it takes head sizes up to 256 in steps of 8, not {head_dim}")
    return found


def joined(refusals: list[str]) -> str | None:
    """Return the reasons as one text, None without any."""
    return "; ".join(refusals) or None


def require_16_bit(name: str, call: AttentionCall) -> None:
    """Assert that no FP32 tensor reaches a 16-bit kernel: the reference would silently be something else."""
    for state in (call.q_NHK, call.k_NHK, call.v_NHK):
        assert is_16_bit(state.dtype), f"{name} got {in_words(state.dtype)}: choose() must never let that happen"


def require_fp32_slopes(call: AttentionCall) -> None:
    assert call.alibi_slopes_H is None or call.alibi_slopes_H.dtype == torch.float32, "slopes are FP32"
