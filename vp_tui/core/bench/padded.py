"""Padded batches, as peers use them: one forward per batch, then the mean over residues.

Batches are built once, in pinned memory on CUDA, and not timed, which favours peers: only upload, forward, pooling and
download count.

Shape suffixes: B sequences of a batch, T padded length, S sequences, D width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vp_tui.core.bench.implementations import Implementation, Work
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.tokens import PAD, TokenSet
from vp_tui.core.models import precision

Forward = Callable[[Tensor, Tensor | None], Tensor]
"""Maps ids [B, T] and a mask (1: token; None: no padding) to token outputs [B, T, D]."""

Batcher = Callable[[NDArray[np.int64]], list[NDArray[np.int64]]]
"""Maps sequence lengths to the indices of each batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One padded batch on the host."""

    ids_BT: Tensor
    mask_BT: Tensor | None
    pooled_BT: Tensor
    """Weight of each token in the mean (residues only), FP32."""


def by_budget(budget: int) -> Batcher:
    """Return a batcher: descending length, at most `budget` padded tokens, at least one row."""

    def batches(lengths_S: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        order_S = np.argsort(-lengths_S, kind="stable")
        found, start = [], 0
        while start < len(order_S):
            rows = max(1, budget // int(lengths_S[order_S[start]]))
            found.append(order_S[start : start + rows])
            start += rows
        return found

    return batches


def padded(forward: Forward, plan: PrecisionPlan, device: torch.device, batcher: Batcher) -> Implementation:
    """Return a peer's implementation with these batches, under the same matmul settings as ours."""

    def prepare(tokens: TokenSet) -> Work:
        members = batcher(tokens.lengths_S)
        batches = [_batch(tokens, rows_B, device) for rows_B in members]
        place_S = np.argsort(np.concatenate(members))

        def work() -> NDArray[np.float32]:
            with torch.inference_mode(), precision.matmul_mode(plan):
                pooled = torch.cat([_pooled(forward, batch, device) for batch in batches]).cpu().numpy()
            embeddings_SD: NDArray[np.float32] = pooled[place_S]
            return embeddings_SD

        return work

    return prepare


def _batch(tokens: TokenSet, rows_B: NDArray[np.int64], device: torch.device) -> Batch:
    lengths_B = tokens.lengths_S[rows_B]
    columns_T = np.arange(int(lengths_B.max()))
    valid_BT = columns_T < lengths_B[:, None]
    cells_BT = np.where(valid_BT, tokens.starts_S[rows_B][:, None] + columns_T, 0)
    ids_BT = np.where(valid_BT, tokens.ids_N[cells_BT], PAD).astype(np.int64)
    # without BOS and EOS
    residues_BT = (columns_T > 0) & (columns_T < lengths_B[:, None] - 1)
    pooled_BT = (residues_BT / residues_BT.sum(axis=1, keepdims=True)).astype(np.float32)
    return Batch(
        ids_BT=_staged(ids_BT, device),
        mask_BT=None if valid_BT.all() else _staged(valid_BT.astype(np.int64), device),
        pooled_BT=_staged(pooled_BT, device),
    )


def _staged(array: NDArray[Any], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor.pin_memory() if device.type == "cuda" else tensor


def _pooled(forward: Forward, batch: Batch, device: torch.device) -> Tensor:
    mask_BT = None if batch.mask_BT is None else batch.mask_BT.to(device, non_blocking=True)
    hidden_BTD = forward(batch.ids_BT.to(device, non_blocking=True), mask_BT)
    return torch.bmm(batch.pooled_BT.to(device, non_blocking=True)[:, None], hidden_BTD.float()).squeeze(1)
