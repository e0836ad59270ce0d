"""Faults that lie around the model: an Encoder with one of its steps done wrong.

Shape suffixes: N tokens of the pack, S sequences, D width.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.encode import Encoder, Placed, Running
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision
from vp_tui.core.models.loading import LoadedModel
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.thresholds import Thresholds


class EosInMean(Encoder):
    """EOS counts as a residue."""

    @property
    def margins(self) -> tuple[int, int]:
        """As in Encoder, with each sequence's last token."""
        return 1, 0


class Fp16Pooling(Encoder):
    """Sums of the means are rounded to FP16 after every token."""

    pools_in_one_pass = False

    def mean(self, hidden_ND: Tensor, pack: Placed) -> Tensor:
        assert pack.pooled_R is not None, "a mean of tokens needs their list"
        half_ND, pooled = hidden_ND.to(storage_dtype("fp16")), len(pack.pooled_R)
        starts_S = self.pooled_starts(pack.layout)
        counts_S = torch.diff(torch.cat([starts_S, starts_S.new_full((1,), pooled)]))
        total_SD = half_ND.new_zeros(len(starts_S), half_ND.shape[1])
        for step in range(pack.layout.max_len):
            there_SD = half_ND[pack.pooled_R[(starts_S + step).clamp(max=pooled - 1)]]
            total_SD = torch.where((step < counts_S)[:, None], total_SD + there_SD, total_SD)
        return (total_SD / counts_S[:, None].to(half_ND.dtype)).float()


class Noisy(Encoder):
    """Every value of an embedding is wrong by up to half a percent, differently each time."""

    pools_in_one_pass = False
    SIZE = 5e-3

    def __init__(self, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> None:
        super().__init__(loaded, plan, device)
        self._generator = torch.Generator(device).manual_seed(0)

    def mean(self, hidden_ND: Tensor, pack: Placed) -> Tensor:
        exact_SD = super().mean(hidden_ND, pack)
        noise_SD = torch.rand(exact_SD.shape, generator=self._generator, device=exact_SD.device) * 2 - 1
        return exact_SD * (1 + self.SIZE * noise_SD)


class PermutedPair(Encoder):
    """In every block the two sequences that are most alike give each other's embedding, for good.

    Alike is raw cosine, and above the mission's limit, so that cosine cannot tell; a block without such a pair is
    left as it is. Who was swapped is known by its tokens: in another pack or sample it is still the other one's turn.
    """

    def __init__(self, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> None:
        super().__init__(loaded, plan, device)
        self._met: set[bytes] = set()
        self._mate: dict[bytes, NDArray[np.int32]] = {}

    def start(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> Running:
        """As in Encoder; a block that is new is encoded twice, and only the second time is in its clocks."""
        ids = {int(index): _ids(tokens, int(index)) for index in np.concatenate(packs)}
        if any(row_N.tobytes() not in self._met for row_N in ids.values()):
            block = super().start(tokens, packs).finish()
            self._meet(block.embeddings_SD, [ids[int(index)] for index in block.seq_indices_S])
        return super().start(self._swapped(tokens, ids), packs)

    def _meet(self, embeddings_SD: NDArray[np.float32], ids_S: list[NDArray[np.int32]]) -> None:
        new = [row for row, ids in enumerate(ids_S) if ids.tobytes() not in self._met]
        self._met.update(ids.tobytes() for ids in ids_S)
        pair = _most_alike(embeddings_SD[new].astype(np.float64), [ids_S[row].tobytes() for row in new])
        if pair is not None:
            first, second = (ids_S[new[row]] for row in pair)
            self._mate[first.tobytes()], self._mate[second.tobytes()] = second, first

    def _swapped(self, tokens: TokenSet, ids: Mapping[int, NDArray[np.int32]]) -> TokenSet:
        """`tokens` where every sequence of a pair has the tokens of the other one."""
        mates = {index: self._mate[row_N.tobytes()] for index, row_N in ids.items() if row_N.tobytes() in self._mate}
        ends = np.cumsum([tokens.ids_N.size, *(len(mate_N) for mate_N in mates.values())])
        starts_S, lengths_S = tokens.starts_S.copy(), tokens.lengths_S.copy()
        starts_S[list(mates)], lengths_S[list(mates)] = ends[:-1], np.diff(ends)
        return replace(
            tokens, ids_N=np.concatenate([tokens.ids_N, *mates.values()]), starts_S=starts_S, lengths_S=lengths_S
        )


def _ids(tokens: TokenSet, index: int) -> NDArray[np.int32]:
    start = int(tokens.starts_S[index])
    return tokens.ids_N[start : start + int(tokens.lengths_S[index])]


def _most_alike(vectors_SD: NDArray[np.float64], contents: list[bytes]) -> tuple[int, int] | None:
    """The two different sequences with the largest raw cosine, if it is above the mission's limit."""
    norms_S = np.linalg.norm(vectors_SD, axis=1, keepdims=True)
    units_SD = np.nan_to_num(vectors_SD / np.where(norms_S > 0, norms_S, 1), posinf=0, neginf=0)
    alike_SS = np.triu(units_SD @ units_SD.T, 1)
    _, kind_S = np.unique(np.array(contents, dtype=object), return_inverse=True)
    alike_SS[kind_S[:, None] == kind_S] = 0
    if alike_SS.max(initial=0) <= Thresholds().fail(M1):
        return None
    first, second = np.unravel_index(int(alike_SS.argmax()), alike_SS.shape)
    return int(first), int(second)


class Tf32Products(Encoder):
    """Products in TF32, whatever the plan says: what a run with the wrong switch has for a reference."""

    def products(self) -> AbstractContextManager[None]:
        return precision.matmul_mode(plain_plan("tf32"))


class Tf32StandIn(Encoder):
    """TF32 where the device has none: inputs and weights of linear layers rounded to 10 mantissa bits."""

    def __init__(self, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> None:
        super().__init__(loaded, plan, device)
        for module in loaded.model.modules():
            if isinstance(module, nn.Linear):
                module.weight.data = precision.round_to_tf32(module.weight.data)
                module.register_forward_pre_hook(_round_inputs)


def _round_inputs(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (precision.round_to_tf32(inputs[0]), *inputs[1:])
