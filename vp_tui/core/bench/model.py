"""One model on one device: ceilings, the contest of engines and precisions, overheads, waterfall, goals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from vp_tui.core.bench.ceilings import Ceilings, ceilings_of
from vp_tui.core.bench.conditions import Watch
from vp_tui.core.bench.contest import Contestant, Pace, Tell, contest, release, warm_up
from vp_tui.core.bench.entrants import Absent, Entrant, loaded, ours, rivals, runnable
from vp_tui.core.bench.goals import Goal, goals
from vp_tui.core.bench.mixes import Drawer
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.overhead import Overhead, live_measures, telemetry
from vp_tui.core.bench.results import Ratio, Result, Workload, ratios_of, result_of
from vp_tui.core.bench.stages import Ground
from vp_tui.core.bench.waterfall import Step, waterfall
from vp_tui.core.bench.ways import Models, Weights
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine import environment, flops, memory
from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.tokens import TokenSet

BLOCK_S: Final = 0.25
"""A block takes at least this long on a GPU."""

_SPARE: Final = 1.2
"""A block gets this many times the tokens: calibration is short, and slower than what comes later."""
_FILL: Final = 0.97
"""Of a pack, so that the last one is not a small rest."""
_CPU_TOKENS: Final = 4_096
_LEAD_TOKENS: Final = 4_096
"""To settle with: whole blocks of FP32 would take ten times as long as those of FP16."""
_PROBE: Final = Pace(settle_s=0.0, warm_up_s=5.0, window=3)
_FASTEST_LAST: Final = ("fp32", "tf32", "bf16", "fp16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything about one model."""

    weights: Weights
    tokens: TokenSet
    budget: int
    budget_reason: str
    flops: float | None
    """Of one block."""
    ceilings: tuple[Ceilings, ...]
    results: tuple[Result, ...]
    absent: tuple[Absent, ...]
    ratios: tuple[Ratio, ...]
    overheads: tuple[Overhead, ...]
    steps: tuple[Step, ...]
    """Of the waterfall; none where it was not asked for."""
    goals: tuple[Goal, ...]
    notes: tuple[str, ...]


class OneModel:
    """A model while it is measured; its weights leave the device with this object."""

    def __init__(
        self, weights: Weights, draw: Drawer, options: Options, device: torch.device, pace: Pace, tell: Tell
    ) -> None:
        self.weights = weights
        self.draw = draw
        self.options = options
        self.device = device
        self.pace = pace
        self.models = Models(weights, device)
        self._tell = tell

    def measure(self) -> Measured:
        """All parts, in order, until the pace is over: what comes after that is empty.

        Raises ResourceError: it runs here in no precision.
        """
        plans, refused = self._plans()
        # once the weights are there: they take most of the memory
        budget, budget_reason = self._budget(plans)
        limits = tuple(self._ceilings(plan, budget) for plan in self.pace.until_over(plans))
        entrants = ours(self.models, plans, budget)
        fastest = plans[-1]
        tokens = self._sized(entrants[-1], budget)
        others, not_there = self._rivals(plans, tokens)
        results, ratios, notes = self._contest([*entrants, *others], tokens, limits)
        overheads = self._overheads(fastest, tokens, budget)
        steps = self._waterfall(fastest, tokens, budget)
        notes = (*self.models.get(fastest).notes, *notes)
        release()
        return Measured(
            weights=self.weights,
            tokens=tokens,
            budget=budget,
            budget_reason=budget_reason,
            flops=flops.total(self.weights.spec, tokens.lengths_S),
            ceilings=limits,
            results=results,
            absent=(*refused, *not_there),
            ratios=ratios,
            overheads=overheads,
            steps=steps,
            goals=self._goals(results, ratios, overheads),
            notes=notes,
        )

    def _say(self, text: str) -> None:
        self._tell(f"{self.weights.name}: {text}")

    def _plans(self) -> tuple[list[PrecisionPlan], list[Absent]]:
        """What runs here, the fastest last, its models loaded; and why not the others."""
        plans, refused = runnable(sorted(self.options.precisions, key=_FASTEST_LAST.index), self.device)
        self._say("loading")
        fitting, missing = loaded(self.models, plans)
        if not fitting:
            why = "; ".join(one.reason for one in (*refused, *missing))
            raise ResourceError(f"{self.weights.name} runs in no precision on {self.device}: {why}")
        return fitting, [*refused, *missing]

    def _budget(self, plans: Sequence[PrecisionPlan]) -> tuple[int, str]:
        """Tokens per pack, and why."""
        if self.options.token_budget is not None:
            return self.options.token_budget, f"{self.options.token_budget} tokens: asked for"
        longest = int(self.draw(_CPU_TOKENS).lengths_S.max())
        free = memory.free_memory(self.device)
        return memory.auto_token_budget(self.weights.spec, plans, self.device, free, longest)

    def _ceilings(self, plan: PrecisionPlan, budget: int) -> Ceilings:
        self._say(f"ceilings in {plan.name}")
        rows = min(budget, self.options.tokens or budget)
        found = ceilings_of(self.weights.spec, plan, self.device, rows, self.draw(rows).lengths_S)
        release()
        return found

    def _sized(self, fastest: Entrant, budget: int) -> TokenSet:
        """Sequences that take the fastest of ours BLOCK_S: whole packs on a GPU, few tokens on a CPU."""
        if self.options.tokens is not None or self.device.type == "cpu" or self.pace.is_over():
            return self.draw(self.options.tokens or _CPU_TOKENS)
        self._say(f"calibrating with {fastest.name}")
        probe = self.draw(budget)
        seconds = min(warm_up(fastest.way(probe), _PROBE).seconds)
        packs = math.ceil(_SPARE * BLOCK_S / seconds)
        return self.draw(int(_FILL * budget * packs))

    def _rivals(self, plans: Sequence[PrecisionPlan], tokens: TokenSet) -> tuple[list[Entrant], list[Absent]]:
        found: list[Entrant] = []
        absent: list[Absent] = []
        for plan in plans if self.options.peers else ():
            self._say(f"peers in {plan.name}")
            entrants, missing = rivals(self.models, plan, tokens, self.pace, self._say)
            found += entrants
            absent += missing
        return found, absent

    def _contest(
        self, entrants: Sequence[Entrant], tokens: TokenSet, limits: Sequence[Ceilings]
    ) -> tuple[tuple[Result, ...], tuple[Ratio, ...], tuple[str, ...]]:
        total = int(tokens.lengths_S.sum())
        self._say(f"{len(entrants)} ways in turns, {total} tokens each")
        few = self.draw(_LEAD_TOKENS)
        contestants = [Contestant(name=one.name, work=one.way(tokens), lead=one.way(few)) for one in entrants]
        with Watch(self.device) as watch:
            entries = contest(contestants, self.pace, self._say, watch)
        workload = Workload(
            tokens=total,
            flops=flops.total(self.weights.spec, tokens.lengths_S),
            device_name=environment.device_name(self.device),
        )
        products = {one.precision: one.products for one in limits}
        results = [result_of(one, entries[one.name], workload, products.get(one.precision)) for one in entrants]
        notes = (*watch.notes, *([watch.reason] if watch.reason else []))
        return tuple(results), tuple(ratios_of(entrants, entries)), notes

    def _overheads(self, plan: PrecisionPlan, tokens: TokenSet, budget: int) -> tuple[Overhead, ...]:
        if self.pace.is_over():
            return ()
        self._say("what measuring costs")
        measures = live_measures(self.models, plan, tokens, budget, self.pace, self._say)
        return measures, telemetry(self.models, plan, tokens, budget, self.pace, self._say)

    def _waterfall(self, plan: PrecisionPlan, tokens: TokenSet, budget: int) -> tuple[Step, ...]:
        if not self.options.waterfall or self.pace.is_over():
            return ()
        self._say(f"waterfall in {plan.name}")
        ground = Ground(models=self.models, plan=plan, budget=budget)
        return tuple(waterfall(ground, tokens, self.draw, self.pace, self._say))

    def _goals(
        self, results: Sequence[Result], ratios: Sequence[Ratio], overheads: Sequence[Overhead]
    ) -> tuple[Goal, ...]:
        name = environment.device_name(self.device)
        is_cuda = self.device.type == "cuda"
        return tuple(goals(self.weights.spec, name, results, ratios, overheads, is_cuda=is_cuda))
