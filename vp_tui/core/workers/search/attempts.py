"""Trials of a search: sets of kept units turned into plans, encoded, judged and written down.

Shape suffixes: Q sequences of a set.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.formats import LINEARS, has_small_operands
from vp_tui.core.inputs import units
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.runs.search import records
from vp_tui.core.runs.search.algorithm import Stage
from vp_tui.core.runs.search.records import Choice, Question, Trial
from vp_tui.core.workers.search.data import SearchData, badness
from vp_tui.core.workers.search.models import Models
from vp_tui.core.workers.search.trial import (
    Outcome,
    ResumedEncoder,
    Streams,
    encode,
    first_changed,
    gates_of,
    judged,
    keeping,
    with_margin,
)
from vp_tui.core.workers.validate.arms import EncoderFactory

_TIMED: Final = {"cpu": 8, "cuda": 128}
"""Sequences that are timed."""
_ROUNDS: Final = 3
"""The fastest counts; the first also warms up."""
LOOKED_AT: Final = 12
"""Sequences that are looked into: half of them the worst of the run."""


@dataclass(slots=True)
class Attempts:
    """What a search needs to try a set of units."""

    data: SearchData
    device: torch.device
    question: Question
    models: Models
    encoders: EncoderFactory
    report: Callable[[Trial], None]
    """Gets every trial when it has ended."""
    old: dict[tuple[str, ...], Trial] = field(default_factory=dict)
    """Trials of an interrupted search, by kept units."""
    ended: dict[tuple[str, ...], Trial] = field(default_factory=dict)
    """Every trial of this search, by kept units."""
    streams: Streams = field(init=False)

    def __post_init__(self) -> None:
        self.streams = self._no_streams()

    @property
    def units(self) -> tuple[str, ...]:
        """Return the units of the model."""
        return units.units_of(self.data.spec)

    @property
    def domain(self) -> tuple[str, ...]:
        """Return the units that may be kept or not."""
        settled = {*self.question.pinned, *self.question.forbidden}
        return tuple(unit for unit in self._in_base if unit not in settled)

    @property
    def _in_base(self) -> tuple[str, ...]:
        """Return the units that can have the base format: all, or the linear layers."""
        is_small = has_small_operands(self.question.base)
        return tuple(unit for unit in self.units if not is_small or units.operation_of(unit) in LINEARS)

    def chosen(self, kept: Iterable[str]) -> tuple[str, ...]:
        """Return these units and the pinned ones, in the order of execution."""
        wanted = {*kept, *self.question.pinned}
        return tuple(unit for unit in self.units if unit in wanted)

    def plan(self, kept: Iterable[str], name: str = "trial") -> PrecisionPlan:
        """Return the plan that keeps these units and the pinned ones.

        Where only linear layers can have the base format, the plan's own base is that of kept units.
        """
        base, keep, chosen = self.question.base, self.question.keep, self.chosen(kept)
        if has_small_operands(base):
            others = [unit for unit in self._in_base if unit not in chosen]
            return PrecisionPlan(name=name, precision=keep, kept=dict.fromkeys(others, base))
        return PrecisionPlan(name=name, precision=base, kept=dict.fromkeys(chosen, keep))

    def attempt(self, kept: frozenset[str], stage: Stage) -> bool:
        """Encode the search set with `kept` units kept, write the trial down, and return whether it passed."""
        told = tuple(unit for unit in self.domain if unit in kept)
        trial = self.old.get(told)
        # the base trial is run again: it leaves the streams
        if trial is not None and stage != "base":
            trial = trial.model_copy(update={"is_replayed": True})
        else:
            started = time.monotonic()
            outcome = self._encoded(told, stage)
            trial = _trial(stage, told, outcome, time.monotonic() - started)
            records.append(self.data.folder, trial)
        self.ended[told] = trial
        self.report(trial)
        return trial.passed

    def _encoded(self, kept: Sequence[str], stage: Stage) -> Outcome:
        plan = self.plan(kept)
        encoder, rows_Q = self.encoder(plan), self.data.search_Q
        # an injected fault may lie before the first kept unit, or in the way a pack is encoded
        if self.data.config.fault is not None:
            encoded = encode(encoder, self.data, rows_Q)
        elif stage == "base":
            self.streams = self._no_streams()
            with keeping(encoder, self.streams):
                encoded = encode(encoder, self.data, rows_Q)
        else:
            first = self.streams.before(first_changed(self.chosen(kept), self.data.spec.num_layers))
            resumed = ResumedEncoder(encoder.loaded, plan, self.device, self.streams, first) if first else encoder
            encoded = encode(resumed, self.data, rows_Q)
        limits = with_margin(self.data.config.thresholds)
        return judged(encoded, encoder, self.data, rows_Q, self.looked_at, limits)

    def _no_streams(self) -> Streams:
        tokens = int(self.data.prepared.tokens.lengths_S[self.data.search_Q].sum())
        item_bytes = storage_dtype(self.question.base).itemsize
        return Streams.fitting(self.data.spec.num_layers, tokens, self.data.spec.hidden, item_bytes)

    def encoder(self, plan: PrecisionPlan) -> Encoder:
        """Return an encoder of the whole model in `plan`, with the fault of the run if it had one."""
        return self.encoders.make("candidate", self.models.make(plan), plan, self.device)

    def exact_encoder(self) -> Encoder:
        """Return an encoder in FP32 without a fault."""
        fp32 = plain_plan("fp32")
        return Encoder(self.models.make(fp32), fp32, self.device)

    @property
    def looked_at(self) -> np.ndarray:
        """Return the rows that are looked into."""
        return self.data.looked_at(LOOKED_AT)

    def on_unseen(self, plan: PrecisionPlan) -> Outcome:
        """Return how the unseen sequences come off by the run's own limits."""
        encoder, unseen_Q = self.encoder(plan), self.data.unseen_Q
        encoded, limits = encode(encoder, self.data, unseen_Q), self.data.config.thresholds
        return judged(encoded, encoder, self.data, unseen_Q, unseen_Q[:LOOKED_AT], limits)

    def enlarge(self, outcome: Outcome) -> int:
        """Let a quarter of the unseen sequences, the worst, join the search set; return how many they are."""
        unseen_Q = self.data.unseen_Q
        worst_Q = unseen_Q[np.argsort(-badness(outcome.cosine_Q), kind="stable")][: len(unseen_Q) // 4]
        self.data = replace(
            self.data,
            search_Q=np.union1d(self.data.search_Q, worst_Q),
            unseen_Q=np.setdiff1d(unseen_Q, worst_Q),
        )
        self.streams = self._no_streams()
        self.old.clear()
        self.ended.clear()
        return len(worst_Q)

    def ms_per_thousand(self, encoder: Encoder) -> float:
        """Return milliseconds per 1,000 tokens: the fastest of some encodings of the same sequences."""
        rows_Q = self.data.search_Q[: _TIMED[self.device.type]]
        tokens = float(self.data.prepared.tokens.lengths_S[rows_Q].sum())
        return 1e6 * min(encode(encoder, self.data, rows_Q).seconds for _ in range(_ROUNDS)) / tokens

    def choice(self, name: str, kept: Iterable[str]) -> Choice | None:
        """Return a row of the list to choose from; None for a set that was not tried on this search set."""
        chosen = frozenset(kept)
        trial = self.ended.get(tuple(unit for unit in self.domain if unit in chosen))
        if trial is None:
            return None
        plan = self.plan(chosen)
        encoder = self.encoder(plan)
        return Choice(
            name=name,
            kept=len(self.chosen(chosen)),
            passed=trial.passed,
            cosine_min=trial.cosine_min,
            tokens_per_s=1e6 / self.ms_per_thousand(encoder),
            weight_bytes=encoder.loaded.parameter_bytes,
        )


def _trial(stage: Stage, kept: tuple[str, ...], outcome: Outcome, seconds: float) -> Trial:
    return Trial(
        stage=stage,
        kept=kept,
        passed=outcome.passed,
        nonfinite=outcome.nonfinite,
        cosine_min=outcome.cosine_min,
        failing=gates_of(outcome.failing),
        seconds=seconds,
    )
