"""One plan: the search set encoded, compared with the reference and judged by the gates that can fail a run.

Blocks before the first one with a kept unit compute what they compute in the base plan, so their last residual stream
is kept from the base trial, and every later trial begins there.

Shape suffixes: Q sequences of a set, N tokens of a pack, D width.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.clock import Clock
from vp_tui.core.engine.device_arrays import measure_on
from vp_tui.core.engine.encode import Encoder, Placed, Pooled, within_memory
from vp_tui.core.events import Finding, StratumStats
from vp_tui.core.gates.consequences import S8
from vp_tui.core.gates.embeddings import M1, M1_P01, M2, M2_P01, M3, M3_P01
from vp_tui.core.gates.model import V1, V2
from vp_tui.core.gates.table import EMBEDDING_GATES
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.units import BLOCKS, block_of
from vp_tui.core.measurements import Measured, merged
from vp_tui.core.measures import summary
from vp_tui.core.measures.pairs import PairMeasures, pair_measures
from vp_tui.core.models.loading import LoadedModel
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.workers.search.data import SearchData
from vp_tui.core.workers.search.evidence import unsafe
from vp_tui.core.workers.validate.tally import scopes_of, stats_of

MEASURED: Final = frozenset({V1.id, V2.id, *(gate.id for gate in EMBEDDING_GATES)})
"""Gates that a trial is judged by."""
STREAM_BYTES: Final = 4 << 30
"""Residual streams that are kept at most; with more, only every second, third ... block can be resumed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a set of sequences came off."""

    passed: bool
    nonfinite: int
    cosine_min: float | None
    """None where a row is not finite."""
    failing: tuple[Finding, ...]
    cosine_Q: np.ndarray
    """NaN where a row is not finite."""


@dataclass(slots=True)
class Streams:
    """The residual stream of every pack before some blocks, in the base plan."""

    stride: int
    kept: dict[int, list[Tensor]] = field(default_factory=dict)
    """Block -> the streams of all packs, in their order."""

    @classmethod
    def fitting(cls, blocks: int, tokens: int, width: int, item_bytes: int) -> "Streams":
        """Return the densest that stays below STREAM_BYTES."""
        one = tokens * width * item_bytes
        return cls(stride=max(1, -(-blocks * one // STREAM_BYTES)))

    def before(self, block: int) -> int:
        """Return the last block up to `block` that can be resumed from."""
        return max((kept for kept in self.kept if kept <= block), default=0)


class ResumedEncoder(Encoder):
    """Begins each pack with the stream before block `first`; packs must be those that the streams were kept of."""

    def __init__(
        self, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device, streams: Streams, first: int
    ) -> None:
        super().__init__(loaded, plan, device)
        self._streams, self._first = streams.kept[first], first

    def run(self, placed: Iterable[Placed], clock: Clock) -> list[Pooled]:
        steps = zip(placed, self._streams, strict=True)
        return [
            within_memory(partial(self._resume, pack, stream_ND, clock), pack.tokens, self.device)
            for pack, stream_ND in steps
        ]

    def _resume(self, pack: Placed, stream_ND: Tensor, clock: Clock) -> Pooled:
        model: Any = self.loaded.model
        clock.start()
        # an op may overwrite what it is given
        hidden_ND = model.resume(stream_ND.clone(), pack.layout, self._first)
        clock.stop()
        return self.pool(hidden_ND, pack)


@contextmanager
def keeping(encoder: Encoder, streams: Streams) -> Iterator[None]:
    """Within it `encoder`, whose model is in the base plan, keeps the streams of every pack that it encodes."""

    def keep(block: int, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        streams.kept.setdefault(block, []).append(inputs[0].clone())

    layers = getattr(encoder.loaded.model, BLOCKS)
    blocks = range(streams.stride, len(layers), streams.stride)
    handles = [layers[block].register_forward_pre_hook(partial(keep, block)) for block in blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def first_changed(kept: Iterable[str], num_layers: int) -> int:
    """Return the first block with a kept unit: 0 where one stands before the blocks, `num_layers` where all follow."""
    after = {"final_norm": num_layers}
    places = (after.get(unit, 0) if (block := block_of(unit)) is None else block for unit in kept)
    return min(places, default=num_layers)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A set of sequences, in the order of its rows."""

    embeddings_QD: np.ndarray
    nan_Q: np.ndarray
    """NaN among the token outputs of each."""
    inf_Q: np.ndarray
    seconds: float
    """Of encoding."""


def encode(encoder: Encoder, data: SearchData, rows_Q: np.ndarray) -> Encoded:
    """Encode the rows."""
    tokens = data.prepared.tokens
    packs = [rows_Q[pack] for pack in packing.by_length(tokens.lengths_S[rows_Q], data.prepared.budget)]
    embeddings_QD = np.empty((len(rows_Q), data.spec.hidden), np.float32)
    nan_Q, inf_Q = np.zeros((2, len(rows_Q)), np.int64)
    block = encoder.encode(tokens, packs)
    places_Q = np.searchsorted(rows_Q, block.seq_indices_S)
    embeddings_QD[places_Q] = block.embeddings_SD
    nan_Q[places_Q], inf_Q[places_Q] = block.nan_count_S, block.inf_count_S
    return Encoded(embeddings_QD, nan_Q, inf_Q, block.encode_s)


def with_margin(limits: Thresholds) -> Thresholds:
    """Return limits that allow half the error in similarity and gap: a set that just passes on some fails on others.

    Counts and shares keep theirs: half of one is none.
    """
    closer = {f"{gate.id}.fail": 1 - (1 - limits.fail(gate)) / 2 for gate in (M1, M1_P01, M2, M2_P01, M3, M3_P01)}
    return Thresholds({**limits.root, **closer, f"{S8.id}.fail": limits.fail(S8) / 2})


def judged(
    encoded: Encoded,
    encoder: Encoder,
    data: SearchData,
    rows_Q: np.ndarray,
    looked_at: np.ndarray,
    limits: Thresholds,
) -> Outcome:
    """Judge rows that `encoder` has encoded.

    All measures of embeddings count, and of those inside the model V2, on the rows `looked_at`.
    """
    embeddings_QD, bad_Q = encoded.embeddings_QD, (encoded.nan_Q > 0) | (encoded.inf_Q > 0)
    reference_QD = np.asarray(data.reference_SD[rows_Q])
    stratum_Q = data.prepared.stratum_S[rows_Q]
    measures = pair_measures(reference_QD, embeddings_QD)
    cosine_Q = measures.cosine_S
    measured = measure_on(encoder.device)(
        reference_QD,
        embeddings_QD,
        stratum_Q,
        cosine_limit=limits.fail(M1),
        hash_S=data.prepared.hash_S[rows_Q],
    )
    if not bad_Q.any():
        inside = Measured(values={"V2": {"all": unsafe(encoder, data.prepared.tokens, looked_at)}})
        measured = merged([measured, inside])
    strata = tuple(_strata(stratum_Q, measures, encoded, limits.fail(M1)))
    found = judge.findings(strata, measured, limits=limits, gates=data.config.gates)
    failing = tuple(one for one in found if one.severity == "fail")
    return Outcome(
        passed=not failing,
        nonfinite=int(bad_Q.sum()),
        cosine_min=None if np.isnan(cosine_Q).any() else summary.lowest(cosine_Q),
        failing=failing,
        cosine_Q=cosine_Q,
    )


def _strata(
    stratum_Q: np.ndarray, measures: PairMeasures, encoded: Encoded, cosine_limit: float
) -> Iterator[StratumStats]:
    for scope, mask_Q in scopes_of(stratum_Q).items():
        mine = PairMeasures(
            cosine_S=measures.cosine_S[mask_Q],
            relative_l2_S=measures.relative_l2_S[mask_Q],
            norm_ratio_S=measures.norm_ratio_S[mask_Q],
        )
        yield stats_of(scope, mine, encoded.nan_Q[mask_Q], encoded.inf_Q[mask_Q], cosine_limit)


def gates_of(failing: Sequence[Finding]) -> str:
    """Return the ids of the gates that fail, with commas."""
    return ", ".join(dict.fromkeys(finding.gate for finding in failing))
