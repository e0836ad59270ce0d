"""Token outputs of single sequences: as they should be, after every block, with pads, and read together with others.

Shape suffixes: L tokens of a sequence, P pads, D width.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from vp_tui.core.config import plain_plan
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision
from vp_tui.core.models.kernels.base import Attention, AttentionCall, to_device, upload
from vp_tui.core.models.loading import LoadedModel

FP32: Final = plain_plan("fp32")
PAD: Final = 1
"""<pad> of ESM-2."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """A checkpoint in FP32 whose token outputs are asked for, one sequence at a time."""

    loaded: LoadedModel
    device: torch.device

    @property
    def margins(self) -> tuple[int, int]:
        """Tokens at both ends that the mean leaves out."""
        return (0, 0) if self.loaded.spec.pooling == "all_tokens" else (1, 1)

    def of(self, ids_L: np.ndarray, positions_L: np.ndarray | None = None) -> np.ndarray:
        """Return the token outputs, float32 [L, D]; `positions_L` (default: from 0) are those of the rotary angles."""
        layout = packing.layout(np.array([len(ids_L)]))
        if positions_L is not None:
            layout = replace(layout, positions_N=positions_L.astype(np.int32))
        with torch.inference_mode(), precision.matmul_mode(FP32):
            found: Tensor = self.loaded.model(upload(ids_L, self.device).long(), to_device(layout, self.device))
        return found.float().cpu().numpy()

    def mean(self, hidden_LD: np.ndarray) -> np.ndarray:
        """Return the embedding of these token outputs."""
        front, back = self.margins
        return np.asarray(hidden_LD[front : len(hidden_LD) - back].mean(axis=0, dtype=np.float64))

    def of_every_block(self, ids_L: np.ndarray) -> list[np.ndarray]:
        """Return the token outputs after every block, before the last LayerNorm; nothing for transformers' models."""
        found: list[np.ndarray] = []

        def keep(_: nn.Module, __: Any, output: Tensor) -> None:
            # blocks may write into their input
            found.append(output.float().cpu().numpy().copy())

        layers = getattr(self.loaded.model, "layers", ())
        handles = [layer.register_forward_hook(keep) for layer in layers]
        try:
            self.of(ids_L)
        finally:
            for handle in handles:
                handle.remove()
        return found

    def with_pads(self, ids_L: np.ndarray, num_pads: int) -> np.ndarray:
        """Return the outputs of an ESM-2 for a padded row with a mask, [L + P, D]: pads read, and are not read."""
        padded = np.concatenate([ids_L, np.full(num_pads, PAD, ids_L.dtype)])
        with _masked(self.loaded.model, len(ids_L)):
            return self.of(padded)

    def together(self, rows: Sequence[np.ndarray], place: int, *, restart: bool) -> np.ndarray:
        """Return the outputs of row `place` when all rows are read as one sequence.

        `restart`: positions begin at 0 in every row, as they do in a packed batch.
        """
        starts = np.cumsum([0, *map(len, rows)])
        positions = np.concatenate([np.arange(len(row)) for row in rows]) if restart else None
        return self.of(np.concatenate(rows), positions)[starts[place] : starts[place + 1]]


@contextmanager
def _masked(model: Any, valid: int) -> Iterator[None]:
    """Let attention see the first `valid` tokens only, and pads enter as zeros, as transformers does."""
    attention: Attention = model.attention
    handle = model.embedding.register_forward_hook(partial(_zero_pads, valid))
    model.attention = _ValidOnly(valid)
    try:
        yield
    finally:
        model.attention = attention
        handle.remove()


def _zero_pads(valid: int, _: nn.Module, __: Any, output: Tensor) -> Tensor:
    zeroed = output.clone()
    zeroed[valid:] = 0
    return zeroed


@dataclass(frozen=True, slots=True)
class _ValidOnly:
    """Attention of one padded row."""

    valid: int
    name: str = "sdpa"

    def __call__(self, call: AttentionCall) -> Tensor:
        q_HNK = call.q_NHK.transpose(0, 1)
        k_HvK, v_HvK = (part[: self.valid].transpose(0, 1) for part in (call.k_NHK, call.v_NHK))
        weights_HNv = torch.softmax(q_HNK @ k_HvK.transpose(1, 2) * call.scale, dim=-1)
        return (weights_HNv @ v_HvK).transpose(0, 1).contiguous()


def ids_of(tokens: TokenSet, row: int) -> np.ndarray:
    """Return the token ids of a sequence."""
    start = int(tokens.starts_S[row])
    return tokens.ids_N[start : start + int(tokens.lengths_S[row])]
