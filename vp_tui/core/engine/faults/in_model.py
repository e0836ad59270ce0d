"""Faults that lie in the model: each function changes one loaded model in place, and no other one.

Shape suffixes: P positions, N tokens of the pack, F feed-forward width, k half of a head's width.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vp_tui.core.config import plain_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.models.kernels.base import DeviceLayout
from vp_tui.core.models.ops import Ops, Rotary
from vp_tui.core.models.precision import storage_dtype, stored_as


def without_scale(model: Any) -> None:
    """Leave the 0.88 of token dropout out of an ESM-2."""
    model.spec = replace(model.spec, token_dropout=False)


class _TanhGelu(Ops):
    """The plain ops, with GELU's tanh formula."""

    def gelu(self, states_NF: Tensor) -> Tensor:
        """As in Ops, and off by up to 4e-4."""
        return nn.functional.gelu(states_NF, approximate="tanh")


def with_tanh_gelu(model: Any) -> None:
    """Give the blocks of an ESM-2 or a DNABERT-S the tanh formula of GELU instead of the exact erf."""
    for block in model.layers:
        # on the block itself: no other model's functions change, and whoever runs single blocks meets it too
        block.ops = _TanhGelu()


def with_recomputed_inv_freq(model: Any) -> None:
    """Give an ESM-2 the formula 10000^(-i/k) in FP32 for its rotary frequencies instead of the checkpoint's own.

    Raises UsageError when the checkpoint's are the same.
    """
    former_k = model.inv_freq
    steps_k = torch.arange(former_k.numel(), dtype=former_k.dtype, device=former_k.device) / former_k.numel()
    recomputed_k = 10_000.0**-steps_k
    if torch.equal(former_k, recomputed_k):
        raise UsageError("cannot inject the fault recomputed-inv-freq: the checkpoint's frequencies are not rounded")
    model.inv_freq = recomputed_k


class _HalfRotary(Rotary):
    """The table as model.half() leaves it: angles, cos and sin in FP16."""

    def __init__(self, max_len: int, positions_N: Tensor, inv_freq_k: Tensor) -> None:
        super().__init__(max_len, positions_N, inv_freq_k.to(storage_dtype("fp16")))


def with_half_angles(model: Any) -> None:
    """Build the rotary table of an ESM-2 in FP16, as fair-esm does after model.half()."""

    def enter_block(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        layout = next(value for value in inputs if isinstance(value, DeviceLayout))
        half = _HalfRotary(layout.max_len, layout.positions_N, model.inv_freq)
        return tuple(half if isinstance(value, Rotary) else value for value in inputs)

    for block in model.layers:
        block.register_forward_pre_hook(enter_block)


def with_bf16_block(model: Any) -> None:
    """Round what the middle block of an ESM-2 or a DNABERT-S gives to BF16."""

    bf16 = plain_plan("bf16")

    def leave_block(_: nn.Module, __: object, output: Tensor) -> Tensor:
        return stored_as(output, bf16)

    model.layers[len(model.layers) // 2].register_forward_hook(leave_block)


LEAK = 0.1
"""Share of a first token that comes from the sequence before it."""


def with_packing_leak(model: Any) -> None:
    """Let the first token of every sequence of a pack read the last letter of the one before, in the first block."""

    def leave_block(_: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        layout = next(value for value in inputs if isinstance(value, DeviceLayout))
        first_S = layout.cu_seqlens[1:-1].long()
        leaky_ND = output.clone()
        leaky_ND[first_S] = torch.lerp(output[first_S], output[first_S - 2], LEAK)
        return leaky_ND

    model.layers[0].register_forward_hook(leave_block)
