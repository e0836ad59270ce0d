"""How much each technique gains, one after the other, with its error beside it.

Stages run interleaved on the same sequences. The error is the median relative L2 distance of their embeddings from an
FP64 forward with the same weights and plain steps, on a few sequences.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.bench.conditions import Watch
from vp_tui.core.bench.contest import FAILURES, Contestant, Entry, Pace, Tell, contest, failure_text, release
from vp_tui.core.bench.mixes import Drawer, taken
from vp_tui.core.bench.stages import Ground, Stage, stages
from vp_tui.core.bench.statistics import Estimate, estimate, paired_ratio
from vp_tui.core.bench.ways import Models, Way, packed
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.precision import EXACT

_ORACLE_TOKENS: Final = 2_000
_ORACLE_SEQUENCES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a stage reached."""

    name: str
    tokens_per_s: Estimate | None
    gain: Estimate | None
    """Times as fast as the stage before; None for the first."""
    error: float | None
    """Median relative L2 distance from FP64."""
    failure: str | None


class _Runner:
    """A stage that is built when it first runs, so that a failure there is its own."""

    def __init__(self, stage: Stage, ground: Ground, tokens: TokenSet) -> None:
        self.way = cache(partial(stage.build, ground))
        self._work = cache(lambda: self.way()(tokens))

    def run(self) -> None:
        """The whole work once."""
        self._work()()


def waterfall(ground: Ground, tokens: TokenSet, draw: Drawer, pace: Pace, tell: Tell) -> list[Step]:
    """Every stage in order on `tokens`; the sequences of the error come from `draw`.

    A stage that cannot be built or run has its failure, and the next one is held against the one before it.
    """
    runners = {stage.name: _Runner(stage, ground, tokens) for stage in stages(ground)}
    contestants = [Contestant(name=name, work=runner.run) for name, runner in runners.items()]
    with Watch(ground.models.device) as watch:
        entries = contest(contestants, pace, tell, watch)
    ran = [name for name, entry in entries.items() if entry.error is None]
    try:
        errors = _errors(ground.models, {name: runners[name].way() for name in ran}, draw)
    except FAILURES as error:
        # FP64 takes four times the memory of FP16, or a stage fails on long sequences alone
        tell(f"no errors in the waterfall: {failure_text(error)}")
        errors = {}
    return steps(entries, int(tokens.lengths_S.sum()), errors)


def steps(entries: Mapping[str, Entry], num_tokens: int, errors: Mapping[str, float | None]) -> list[Step]:
    """What the entries (in order) reached; each gain is over the last stage that ran."""
    ran = [name for name, entry in entries.items() if entry.error is None]
    gains = {
        later: paired_ratio(entries[earlier].accepted, entries[later].accepted) for earlier, later in pairwise(ran)
    }
    return [
        Step(
            name=name,
            tokens_per_s=estimate([num_tokens / seconds for seconds in entry.accepted.values()]),
            gain=gains.get(name),
            error=errors.get(name),
            failure=entry.error,
        )
        for name, entry in entries.items()
    ]


def _errors(models: Models, ways: Mapping[str, Way], draw: Drawer) -> dict[str, float | None]:
    """Stage -> median relative L2 distance from FP64."""
    drawn = draw(_ORACLE_TOKENS)
    sample = taken(drawn, np.arange(min(_ORACLE_SEQUENCES, len(drawn.lengths_S))))
    exact_SD = _exact(models, sample)
    return {name: distance(exact_SD, way(sample)()) for name, way in ways.items()}


def distance(exact_SD: NDArray[np.float32], found_SD: NDArray[np.float32]) -> float | None:
    """Median over the sequences of |found - exact| / |exact|; None where an embedding is not finite."""
    median = float(np.median(pair_measures(exact_SD, found_SD).relative_l2_S))
    return median if math.isfinite(median) else None


def _exact(models: Models, sample: TokenSet) -> NDArray[np.float32]:
    """The embeddings in FP64, pooled to FP32; its weights are gone afterwards."""
    loaded = models.weights.load(EXACT, models.device)
    budget = int(sample.lengths_S.max())
    found_SD = packed(Encoder(loaded, EXACT, models.device), budget)(sample)()
    del loaded
    release()
    return found_SD
