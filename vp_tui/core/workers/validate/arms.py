"""One arm of a run: a model in one precision, its clocks, and its token budget when memory runs out."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np
import torch

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.engine.encode import EncodedBlock, Encoder, OutOfMemoryError
from vp_tui.core.engine.probe.diagnose import Diagnosis, diagnose
from vp_tui.core.engine.queueing import PackEncoder, Started
from vp_tui.core.events import Arm, BlockEncoded, now_us
from vp_tui.core.inputs.sequences import stratum_name
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models.linear import choose_linear
from vp_tui.core.models.loading import LoadedModel, load
from vp_tui.core.models.weight_facts import WeightFacts
from vp_tui.core.workers.fleet.actor import Order
from vp_tui.core.workers.fleet.facts import Facts
from vp_tui.core.workers.validate.budget import Budget, packs_of, start_within
from vp_tui.core.workers.validate.prepare import Block, Prepared

if TYPE_CHECKING:
    # it imports Ray
    from vp_tui.core.workers.fleet.fleet import Fleet

_Answer = TypeVar("_Answer")


class EncoderFactory(Protocol):
    """Makes the encoder of each arm; a demo gives one that injects a fault (core.engine.faults)."""

    @property
    def note(self) -> str | None:
        """A sentence for the record of the run; None for the ordinary encoders."""

    def check(self, arm: Arm, spec: ModelSpec, plan: PrecisionPlan) -> None:
        """Raise UsageError when `arm` cannot have its encoder with this model or plan."""

    def make(self, arm: Arm, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> Encoder:
        """Return the encoder of `arm`; may change the model of `loaded`. Raises UsageError as Encoder and check."""


class PlainEncoders:
    """The ordinary encoder for both arms."""

    note: Final = None

    def check(self, arm: Arm, spec: ModelSpec, plan: PrecisionPlan) -> None:
        """Refuse nothing."""

    def make(self, arm: Arm, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> Encoder:
        """Return an Encoder."""
        del arm
        return Encoder(loaded, plan, device)


WARM_SHARE = 0.05
"""Two consecutive times that differ by less: the engine is warm."""
WARM_ROUNDS = 4
WARM_SECONDS = 1.0
"""For all strata of an arm: by then clocks and caches are warm, and every stratum has its one round in any case."""


def is_warm(encode_s: Sequence[float], spent_s: float = 0.0) -> bool:
    """Return True when a block that took these seconds, round by round, needs no further repeat.

    That is after two rounds of the same time, after four rounds, or when another one would end beyond 1 s, of which
    the strata before took `spent_s`.
    """
    if not encode_s:
        return False
    *before, last = encode_s
    if len(encode_s) >= WARM_ROUNDS or spent_s + sum(encode_s) + last > WARM_SECONDS:
        return True
    return bool(before) and abs(last - before[-1]) < WARM_SHARE * before[-1]


class ArmRunner:
    """Loads and encodes for one arm and keeps the results, in the order of the sampled sequences."""

    load_s = 0.0
    kernel = "not loaded"
    kernel_reason = ""
    weights: WeightFacts | None = None
    """Of the checkpoint; None until it is loaded."""

    def __init__(
        self,
        arm: Arm,
        plan: PrecisionPlan,
        *,
        source: ModelSource,
        device: torch.device,
        data: Prepared,
        embeddings_SD: np.ndarray,
        attention: AttentionName = "auto",
        spare_fp32: bool = False,
        encoders: EncoderFactory | None = None,
        several: "Fleet | None" = None,
    ) -> None:
        """`embeddings_SD` (float32, all sequences) is filled, or already complete for an arm that does not run.

        `several` devices encode in the place of `device`, if given.
        """
        self.arm, self.plan = arm, plan
        self._encoders = encoders or PlainEncoders()
        self._attention: AttentionName = attention
        self._spare_fp32 = spare_fp32
        self._source, self._device, self._data = source, device, data
        self._several = several
        self._encoder: PackEncoder | None = None
        self.embeddings_SD = embeddings_SD
        self.nan_S, self.inf_S, self.pack_S = (np.zeros(len(data.sequences), np.int64) for _ in range(3))
        self.encode_s: dict[int, float] = {}
        """Encode seconds per timed block."""
        self.wall_s: dict[int, float] = {}
        """Seconds per timed block, from packing to embeddings on the host; a stretch's sum is its whole time."""
        self.stretches: list[tuple[int, ...]] = []
        """Blocks that were encoded without a pause."""
        self.warm_s: dict[int, float] = {}
        """Encode seconds per token of each stratum, from the last round of the warm-up."""
        self._warming_s = 0.0
        """Encode seconds of the warm-up, all strata."""
        self._packs: list[np.ndarray] = []
        self._packs_of: dict[int, slice] = {}

    def load(self) -> LoadedModel | Facts:
        """Load the model; the seconds count as load time, not as encode time.

        Raises:
            UsageError: the requested attention kernel cannot be used in this arm, or as EncoderFactory.make.
        """
        started = time.perf_counter()
        loaded = self._load_here() if self._several is None else self._load_on(self._several)
        self.kernel, self.kernel_reason = loaded.attention_kernel, loaded.attention_reason
        self.weights = loaded.weights
        self.load_s = time.perf_counter() - started
        return loaded

    def _load_here(self) -> LoadedModel:
        loaded = load(self._source, self.plan, self._device, self._attention, spare_fp32=self._spare_fp32)
        self._encoder = self._encoders.make(self.arm, loaded, self.plan, self._device)
        return loaded

    def _load_on(self, several: "Fleet") -> Facts:
        order = Order(
            arm=self.arm,
            source=self._source,
            plan=self.plan,
            attention=self._attention,
            spare_fp32=self._spare_fp32,
            linear=choose_linear(self.plan, self._device).way,
            encoders=self._encoders,
        )
        facts, self._encoder = several.load(order)
        return facts

    def ask(self, function: Callable[..., _Answer], *arguments: Any) -> _Answer:
        """Return function(encoder, *arguments) with the Encoder; that of the first device where there are several."""
        if self._several is not None:
            found: _Answer = self._several.ask(self.arm, function, arguments)
            return found
        return function(self.encoder, *arguments)

    @property
    def encoder(self) -> PackEncoder:
        """The encoder; load() comes first."""
        assert self._encoder is not None, "load() comes first"
        return self._encoder

    @property
    def is_loaded(self) -> bool:
        """Return True when the model is in memory."""
        return self._encoder is not None

    def unload(self) -> None:
        """Free the memory of the model."""
        if self._several is not None and self.is_loaded:
            self._several.unload(self.arm)
        self._encoder = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def compile_kernels(self) -> None:
        """Encode the shortest and the longest sequence and discard them, so that no timed block compiles a kernel.

        Our kernels read lengths on the device; only the choice between those for short and for long packs depends on
        them. On a CPU there is nothing to compile.

        Raises:
            ResourceError: the longest sequence does not fit.
        """
        if self._device.type == "cpu":
            return
        lengths_S = self._data.tokens.lengths_S
        self.encoder.encode(self._data.tokens, [np.array([lengths_S.argmin()]), np.array([lengths_S.argmax()])])

    def warm_up(self, block: Block, budget: Budget) -> Iterator[BlockEncoded]:
        """Encode a block until the engine is_warm; the results are discarded."""
        encode_s: list[float] = []
        while not is_warm(encode_s, self._warming_s):
            encoded = self._warmed(block, budget)
            encode_s.append(encoded.encode_s)
            self.warm_s[block.stratum] = encoded.encode_s / encoded.tokens
            yield self._event(block, encoded, is_warmup=True)
        self._warming_s += sum(encode_s)

    def _warmed(self, block: Block, budget: Budget) -> EncodedBlock:
        if self._several is None:
            return self.start(block, budget).finish()
        tokens = self._data.tokens
        while True:
            try:
                return self.encoder.encode(tokens, packs_of(tokens, block.indices_S, budget))
            except OutOfMemoryError as error:
                budget.halve(error)

    def start(self, block: Block, budget: Budget) -> Started:
        """Queue a block, which `keep` waits for.

        Raises:
            ResourceError: the longest sequence does not fit.
        """
        return start_within(self.encoder, self._data.tokens, block.indices_S, budget)

    def keep(self, block: Block, running: Started, since_s: float | None = None) -> BlockEncoded:
        """Wait for a started block and keep its embeddings, counts and times.

        Its wall-clock seconds begin at `since_s` (perf_counter): when it was packed, or when this arm's block before it
        was kept; None: when its first layout was made.
        """
        encoded = running.finish()
        self._copy(block, encoded)
        wall_s = time.perf_counter() - (running.began_s if since_s is None else since_s)
        return self._timed(block, replace(encoded, wall_s=wall_s))

    def take_over(self, block: Block, encoded: EncodedBlock) -> BlockEncoded:
        """Keep a block that an interrupted run has encoded, with its times."""
        self._copy(block, encoded)
        return self._timed(block, encoded)

    def _copy(self, block: Block, encoded: EncodedBlock) -> None:
        rows_S = encoded.seq_indices_S
        self.embeddings_SD[rows_S] = encoded.embeddings_SD
        self.nan_S[rows_S], self.inf_S[rows_S] = encoded.nan_count_S, encoded.inf_count_S
        first = len(self._packs)
        self.pack_S[rows_S] = first + encoded.pack_of_S
        self._packs += np.split(rows_S, np.flatnonzero(np.diff(encoded.pack_of_S)) + 1)
        self._packs_of[block.index] = slice(first, len(self._packs))

    def _timed(self, block: Block, encoded: EncodedBlock) -> BlockEncoded:
        self.encode_s[block.index], self.wall_s[block.index] = encoded.encode_s, encoded.wall_s
        return self._event(block, encoded, is_warmup=False)

    def packs_of(self, block: int) -> list[np.ndarray]:
        """Return the sequences of each packed batch of a block that is kept."""
        return self._packs[self._packs_of[block]]

    def members_of_pack(self, pack: int) -> np.ndarray:
        """Return the sequences of a packed batch of this run (numbers as in `pack_S`), in their order in it."""
        return self._packs[pack]

    def diagnose(self, sequence: int) -> Diagnosis:
        """Rerun the packed batch of `sequence` and find where its values cease to be finite."""
        members_S = self.members_of_pack(int(self.pack_S[sequence]))
        return self.ask(diagnose, self._data.tokens, members_S, sequence)

    def _event(self, block: Block, encoded: EncodedBlock, *, is_warmup: bool) -> BlockEncoded:
        return BlockEncoded(
            at_us=now_us(),
            block=block.index,
            arm=self.arm,
            stratum=stratum_name(block.stratum),
            sequences=encoded.sequences,
            tokens=encoded.tokens,
            encode_s=encoded.encode_s,
            wall_s=encoded.wall_s,
            is_warmup=is_warmup,
        )


def first_blocks(blocks: Sequence[Block]) -> list[Block]:
    """Return the first block of each stratum."""
    return list({block.stratum: block for block in reversed(blocks)}.values())


def weight_notes(loaded: LoadedModel | Facts, plan: PrecisionPlan) -> Iterator[str]:
    """Yield what the weights themselves lose in this precision."""
    if plan.precision == "fp16" and not loaded.fp16_exact:
        yield ("Weights are not exactly representable in FP16; the candidate error includes weight rounding.")
