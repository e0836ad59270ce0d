"""Packs through a loaded model: pooled FP32 embeddings, non-finite counts and two clocks.

Both arms of a run use this code; only the plan differs. Pooling follows VirNucPro (ESM-2: mean over residues without
BOS and EOS; DNABERT-S: mean over all tokens with [CLS] and [SEP]; the spec says which), sums in FP32 and stays FP32:
a mean accumulated in half is wrong by 5.6 % at 1,022 residues, and would be counted as the model's error.
On CUDA a block is queued whole, its way back to the host included, and nothing waits for the device until it is
finished: another one can be queued before.

Shape suffixes: N tokens of the pack, R pooled tokens of the pack, S sequences, D width.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine import memory
from vp_tui.core.engine.clock import Clock
from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.packing import PackLayout
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import ops, precision
from vp_tui.core.models.kernels.base import DeviceLayout, to_device, upload
from vp_tui.core.models.loading import LoadedModel

_T = TypeVar("_T")

ENGINE_VERSION: Final = 1
"""Part of a stored reference's key: raised by every change that can move an embedding by more than rounding."""


class OutOfMemoryError(ResourceError):
    """The device has no room for a pack; a smaller token budget may fit."""

    def __init__(self, tokens: int, device: torch.device) -> None:
        self.tokens, self.device = tokens, device
        super().__init__(
            f"a packed batch of {tokens} tokens does not fit the memory of {device}; use a smaller --token-budget "
            "or free memory on the device"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tokens, self.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBlock:
    """The embeddings of some packs, in the order of the packs."""

    embeddings_SD: NDArray[np.float32]
    seq_indices_S: NDArray[np.int64]
    """Sequence of the token set behind each row."""
    pack_of_S: NDArray[np.int64]
    """Pack of the block (0, 1, ...) each row was in."""
    nan_count_S: NDArray[np.int64]
    """NaN among all token outputs of the sequence, BOS and EOS included, in the arm's own format."""
    inf_count_S: NDArray[np.int64]
    """Infinities among them."""
    encode_s: float
    """Seconds of device work in the forward."""
    wall_s: float
    """Seconds from the first layout to the last copy, pooling included; also those of a block queued before it."""
    tokens: int
    sequences: int


@dataclass(frozen=True, slots=True)
class Placed:
    """One pack on the device, with what pooling needs to know of it."""

    tokens: int
    ids_N: Tensor
    layout: DeviceLayout
    pooled_R: Tensor | None = None
    """Tokens of the pack that the means are over; None where pooling finds them itself."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """What one pack leaves on the device."""

    embeddings_SD: Tensor
    nan_S: Tensor
    """NaN among the outputs of each sequence, int64."""
    bad_S: Tensor
    """NaN and infinities among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A block whose work is queued; on CUDA it need not be done."""

    packs: Sequence[NDArray[np.int64]]
    tokens: int
    embeddings_SD: Tensor
    """On the host, as all three: filled when the clock says so."""
    nan_S: Tensor
    bad_S: Tensor
    clock: Clock
    began_s: float
    """perf_counter before the first layout."""

    def finish(self) -> EncodedBlock:
        """Wait for it."""
        encode_s = self.clock.seconds()
        wall_s = time.perf_counter() - self.began_s
        indices_S, nan_S = np.concatenate(self.packs), self.nan_S.numpy()
        return EncodedBlock(
            embeddings_SD=self.embeddings_SD.numpy(),
            seq_indices_S=indices_S,
            pack_of_S=np.repeat(np.arange(len(self.packs)), [len(pack) for pack in self.packs]),
            nan_count_S=nan_S,
            inf_count_S=self.bad_S.numpy() - nan_S,
            encode_s=encode_s,
            wall_s=wall_s,
            tokens=self.tokens,
            sequences=int(indices_S.size),
        )


class Encoder:
    """A loaded model that encodes packs in its plan's number format.

    `products`, `margins`, `mean` and what is counted are steps of their own, so that a subclass can change one of them
    (core.faults does).
    """

    counts = True
    """Whether NaN and infinities are counted."""
    pools_in_one_pass = True
    """Whether a device that can may take means and counts in one kernel; a subclass with a mean of its own may not."""

    def __init__(self, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> None:
        """Raises UsageError when `device` cannot run `plan` (precision.check)."""
        precision.check(plan, device)
        self.loaded = loaded
        self.plan = plan
        self.device = device
        self._fuses = (
            self.pools_in_one_pass and ops.why_not_fused(precision.storage_dtype(plan.precision), device) is None
        )

    @property
    def ahead(self) -> int:
        """Blocks to start before the first of them is waited for."""
        return 1 if self.device.type == "cuda" else 0

    def encode(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> EncodedBlock:
        """Embed the sequences of `packs` and wait for them; raises as `start`."""
        return self.start(tokens, packs).finish()

    def start(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> Running:
        """Queue the sequences of `packs` (arrays of indices into `tokens`); a CPU is done with them afterwards.

        Raises OutOfMemoryError when a pack does not fit; nothing of the block is kept then.
        """
        assert packs, "a block holds at least one packed batch"
        began_s = time.perf_counter()
        clock = Clock(self.device)
        with torch.inference_mode(), self.products():
            pooled = self.run(self.place(tokens, packs), clock)
            running = Running(
                packs=packs,
                tokens=_count(tokens, np.concatenate(packs)),
                embeddings_SD=_to_host([pack.embeddings_SD for pack in pooled]),
                nan_S=_to_host([pack.nan_S for pack in pooled]),
                bad_S=_to_host([pack.bad_S for pack in pooled]),
                clock=clock,
                began_s=began_s,
            )
        clock.close()
        return running

    def drain(self) -> None:
        """Wait until the device has nothing left to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def place(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> Iterator[Placed]:
        """The packs on the device, each when it is asked for: the host lays one out while the device has the former."""
        for pack in packs:
            yield within_memory(partial(self._place_pack, tokens, pack), _count(tokens, pack), self.device)

    def run(self, placed: Iterable[Placed], clock: Clock) -> list[Pooled]:
        """Every pack through model and pooling, in order; nothing in it waits for the device."""
        return [within_memory(partial(self._encode_pack, pack, clock), pack.tokens, self.device) for pack in placed]

    def products(self) -> AbstractContextManager[None]:
        """The matmul switches that the packs run under."""
        return precision.matmul_mode(self.plan)

    @property
    def margins(self) -> tuple[int, int]:
        """Tokens at the front and at the back of a sequence that its mean leaves out."""
        return (0, 0) if self.loaded.spec.pooling == "all_tokens" else (1, 1)

    def pool(self, hidden_ND: Tensor, pack: Placed) -> Pooled:
        """Means and counts of a pack's token outputs."""
        if self._fuses:
            # late, because CPU builds of torch come without Triton
            from vp_tui.core.models.fused.pooling import pool

            return Pooled(*pool(hidden_ND, pack.layout.cu_seqlens, self.margins, self.counts))
        nan_N, bad_N = self.count_non_finite(hidden_ND)
        return Pooled(
            embeddings_SD=self.mean(hidden_ND, pack), nan_S=pack.layout.sums(nan_N), bad_S=pack.layout.sums(bad_N)
        )

    def mean(self, hidden_ND: Tensor, pack: Placed) -> Tensor:
        """Mean over each sequence's pooled tokens, FP32 [S, D]; embedding_bag sums in a fixed order."""
        assert pack.pooled_R is not None, "a mean of tokens needs their list"
        # up-cast: a mean summed in half loses 5.6 % at 1,022 residues
        single_ND = hidden_ND.float()
        return nn.functional.embedding_bag(pack.pooled_R, single_ND, self.pooled_starts(pack.layout), mode="mean")

    def pooled_starts(self, layout: DeviceLayout) -> Tensor:
        """Where each sequence begins among the pooled tokens of its pack, int64 [S]."""
        starts_S = layout.cu_seqlens[:-1].long()
        return starts_S - sum(self.margins) * torch.arange(len(starts_S), device=starts_S.device)

    def count_non_finite(self, hidden_ND: Tensor) -> tuple[Tensor, Tensor]:
        """NaN among the outputs of each token, and NaN and infinities together, FP32 [N] each."""
        if not self.counts or (hidden_ND.device.type == "cpu" and _sum_is_finite(hidden_ND)):
            none_N = hidden_ND.new_zeros(len(hidden_ND), dtype=torch.float32)
            return none_N, none_N
        # a clamp leaves NaN alone, and NaN * 0 and Inf * 0 are NaN
        return _num_not_zero(hidden_ND.clamp(-1, 1).mul_(0)), _num_not_zero(hidden_ND * 0)

    def _place_pack(self, tokens: TokenSet, pack: NDArray[np.int64]) -> Placed:
        placed = place(tokens, pack, self.device)
        if self._fuses:
            return placed
        return replace(placed, pooled_R=upload(self._pooled_tokens(placed.layout.pack), self.device))

    def _pooled_tokens(self, layout: PackLayout) -> NDArray[np.int64]:
        front, back = self.margins
        stop_N = layout.lengths_S[layout.sequence_N] - back
        return np.flatnonzero((layout.positions_N >= front) & (layout.positions_N < stop_N))

    def _encode_pack(self, pack: Placed, clock: Clock) -> Pooled:
        clock.start()
        hidden_ND = self.loaded.model(pack.ids_N, pack.layout)
        clock.stop()
        return self.pool(hidden_ND, pack)


def place(tokens: TokenSet, pack_S: NDArray[np.int64], device: torch.device) -> Placed:
    """The sequences `pack_S` of `tokens` on `device`, in the order given."""
    layout = packing.layout(tokens.lengths_S[pack_S])
    ids_N = tokens.ids_N[tokens.starts_S[pack_S][layout.sequence_N] + layout.positions_N]
    return Placed(tokens=layout.tokens, ids_N=upload(ids_N, device).long(), layout=to_device(layout, device))


def _to_host(parts: Sequence[Tensor]) -> Tensor:
    """All rows on the host; from CUDA into pinned memory, where they are once the device has come so far."""
    return torch.cat(list(parts)).to("cpu", non_blocking=True)


def within_memory(step: Callable[[], _T], tokens: int, device: torch.device) -> _T:
    """What `step` returns; running out of memory in it becomes OutOfMemoryError for a packed batch of `tokens`."""
    try:
        return step()
    except RuntimeError as error:
        if not memory.is_out_of_memory(error):
            raise
    # outside the handler: within it the traceback would keep the pack's tensors alive
    if device.type == "cuda":
        torch.cuda.empty_cache()
    raise OutOfMemoryError(tokens, device)


def _count(tokens: TokenSet, indices_S: NDArray[np.int64]) -> int:
    return int(tokens.lengths_S[indices_S].sum())


def _sum_is_finite(hidden_ND: Tensor) -> bool:
    """Whether the sum of all values is finite; then each of them is, for NaN and infinities never leave a sum.

    Counting takes 16 times as long as adding on a CPU, where asking for the sum waits for nobody.
    """
    return bool(torch.isfinite(hidden_ND.sum(dtype=torch.float32)))


def _num_not_zero(values_ND: Tensor) -> Tensor:
    """Values of each token that are not 0, NaN among them, FP32 [N] (FP64 in FP64).

    The L0 norm reads once; a mask that is summed afterwards takes three times as long on a GPU.
    """
    wide = precision.at_least_fp32(values_ND[:0]).dtype
    counts_N: Tensor = torch.linalg.vector_norm(values_ND, ord=0, dim=1, dtype=wide)
    return counts_N
