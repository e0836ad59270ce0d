"""Bench of one model on one device: peak rates, then all cases interleaved."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from vp_tui.core.bench import ceilings, mixes
from vp_tui.core.bench.cases import Absent, Case, loaded, own_cases, peer_cases, runnable, with_base
from vp_tui.core.bench.ceilings import FP8, Ceilings, Rate, ceilings_of
from vp_tui.core.bench.conditions import GpuMonitor
from vp_tui.core.bench.implementations import Models, Weights, weights_of
from vp_tui.core.bench.interleaved import Log, Protocol, WorkItem, measure_interleaved, protocol_for, release, warm_up
from vp_tui.core.bench.mixes import MIXES, Drawer
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.results import Ratio, Result, Workload, ratios_of, result_of
from vp_tui.core.bench.stopping import Stopping
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine import environment, footprint, memory
from vp_tui.core.errors import ResourceError, UsageError
from vp_tui.core.formats import FP8_CAPABILITY
from vp_tui.core.inputs.spec import HfSpec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models.precision import multiplies_fp8

BLOCK_S: Final = 0.25
"""Minimum duration of a block on a GPU."""

_SPARE: Final = 1.2
"""Factor on the tokens of a block: calibration is short, hence slower than the measurement."""
_FILL: Final = 0.97
"""Filled share of a packed batch, so that the last batch is not a small rest."""
_CPU_TOKENS: Final = 4_096
_LEAD_TOKENS: Final = 4_096
"""Tokens for settling: a whole block takes ten times as long in FP32 as in FP16."""
_PROBE: Final = Protocol(settle_s=0.0, warm_up_s=5.0, window=3)
_FASTEST_LAST: Final = ("fp32", "tf32", "bf16", "fp16", "fp16-acc16", "fp8-ffn", "fp8")
_NO_FP8: Final = f"not on this device: FP8 needs compute capability {'.'.join(map(str, FP8_CAPABILITY))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResult:
    weights: Weights
    tokens: TokenSet
    budget: int
    budget_reason: str
    flops: float | None
    """FLOPs of one block."""
    ceilings: tuple[Ceilings, ...]
    results: tuple[Result, ...]
    absent: tuple[Absent, ...]
    ratios: tuple[Ratio, ...]
    notes: tuple[str, ...]


class ModelBench:
    """A model under measurement; its weights are freed with this object."""

    def __init__(
        self, weights: Weights, draw: Drawer, options: Options, device: torch.device, protocol: Protocol, log: Log
    ) -> None:
        self.weights = weights
        self.draw = draw
        self.options = options
        self.device = device
        self.protocol = protocol
        self.models = Models(weights, device)
        self._log: Log = lambda text: log(f"{weights.name}: {text}")

    def measure(self) -> ModelResult:
        """Measure all parts in order until a stop is requested; later parts are empty.

        Raises ResourceError when the model runs in no precision.
        """
        plans, refused = self._plans()
        # after loading: weights take most of the memory
        budget, budget_reason = self._budget(plans)
        limits = tuple(self._ceilings(plan, budget) for plan in self.protocol.until_stopped(self._rated(plans)))
        cases = own_cases(self.models, plans, budget)
        fastest = plans[-1]
        tokens = self._sized(cases[-1], budget)
        others, not_there = self._peer_cases(plans, tokens)
        results, ratios, notes = self._measure([*cases, *others], tokens, limits)
        notes = (*self.models.get(fastest).notes, *notes)
        release()
        return ModelResult(
            weights=self.weights,
            tokens=tokens,
            budget=budget,
            budget_reason=budget_reason,
            flops=footprint.total_flops(self.weights.spec, tokens.lengths_S),
            ceilings=limits,
            results=results,
            absent=(*refused, *not_there),
            ratios=ratios,
            notes=notes,
        )

    def _plans(self) -> tuple[list[PrecisionPlan], list[Absent]]:
        """Load the models of the plans that run here, fastest last; return the others with reasons."""
        plans, refused = runnable(self.options.precisions, self.device)
        self._log("loading")
        in_order = sorted(with_base(plans), key=lambda plan: _FASTEST_LAST.index(plan.name))
        fitting, missing = loaded(self.models, in_order)
        if not fitting:
            why = "; ".join(one.reason for one in (*refused, *missing))
            raise ResourceError(f"{self.weights.name} runs in no precision on {self.device}: {why}")
        return fitting, [*refused, *missing]

    def _rated(self, plans: Sequence[PrecisionPlan]) -> list[PrecisionPlan]:
        """Return the plans whose peak rates are measured: `plans`, and with FP16 among them those of FP8 too."""
        is_asked = any(plan.precision == "fp16" for plan in plans) and not isinstance(self.weights.spec, HfSpec)
        return [*plans, *(plan for plan in FP8 if is_asked and plan not in plans)]

    def _budget(self, plans: Sequence[PrecisionPlan]) -> tuple[int, str]:
        if self.options.token_budget is not None:
            return self.options.token_budget, f"{self.options.token_budget} tokens (--token-budget)"
        longest = int(self.draw(_CPU_TOKENS).lengths_S.max())
        free = memory.free_memory(self.device)
        return memory.auto_token_budget(self.weights.spec, plans, self.device, free, longest)

    def _ceilings(self, plan: PrecisionPlan, budget: int) -> Ceilings:
        if plan in FP8 and not multiplies_fp8(self.device):
            return Ceilings(precision=plan.name, reason=_NO_FP8)
        self._log(f"peak rates in {plan.name}")
        rows = min(budget, self.options.tokens or budget)
        found = ceilings_of(self.weights.spec, plan, self.device, rows, self.draw(rows).lengths_S)
        release()
        return found

    def _sized(self, fastest: Case, budget: int) -> TokenSet:
        """Draw sequences that take the fastest own case BLOCK_S: whole packed batches on a GPU, few tokens on a CPU."""
        if self.options.tokens is not None or self.device.type == "cpu" or self.protocol.should_stop():
            return self.draw(self.options.tokens or _CPU_TOKENS)
        self._log(f"calibrating the block size with {fastest.name}")
        probe = self.draw(budget)
        seconds = min(warm_up(fastest.implementation(probe), _PROBE).seconds)
        packs = math.ceil(_SPARE * BLOCK_S / seconds)
        return self.draw(int(_FILL * budget * packs))

    def _peer_cases(self, plans: Sequence[PrecisionPlan], tokens: TokenSet) -> tuple[list[Case], list[Absent]]:
        found: list[Case] = []
        absent: list[Absent] = []
        # peers have no built-in plans
        for plan in (one for one in plans if self.options.peers and one.is_plain):
            self._log(f"peers in {plan.name}")
            cases, missing = peer_cases(self.models, plan, tokens, self.protocol, self._log)
            found += cases
            absent += missing
        return found, absent

    def _measure(
        self, cases: Sequence[Case], tokens: TokenSet, limits: Sequence[Ceilings]
    ) -> tuple[tuple[Result, ...], tuple[Ratio, ...], tuple[str, ...]]:
        total = int(tokens.lengths_S.sum())
        self._log(f"interleaved cases: {len(cases)}, {total} tokens each")
        few = self.draw(_LEAD_TOKENS)
        items = [
            WorkItem(name=one.name, work=one.implementation(tokens), lead=one.implementation(few)) for one in cases
        ]
        with GpuMonitor(self.device) as monitor:
            timings = measure_interleaved(items, self.protocol, self._log, monitor)
        workload = Workload(
            tokens=total,
            flops=footprint.total_flops(self.weights.spec, tokens.lengths_S),
            device_name=environment.device_name(self.device),
        )
        matmuls = {one.precision: one.matmuls for one in limits}
        results = [result_of(one, timings[one.name], workload, matmuls.get(one.precision)) for one in cases]
        notes = (*monitor.notes, *([monitor.reason] if monitor.reason else []))
        return tuple(results), tuple(ratios_of(cases, timings)), notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    options: Options
    protocol: Protocol
    environment: Mapping[str, Any]
    copying: Rate
    models: tuple[ModelResult, ...]
    stopped: str | None
    """Name of the signal that ended the session early, or None."""


def bench(options: Options, log: Log, stopping: Stopping) -> Bench:
    """Measure everything until `stopping`; `log` gets a line per step.

    Raises UsageError (also where the device has none of the precisions), ModelError, InputError before anything is
    measured, and ResourceError for a model that runs in no precision.
    """
    device, reason = environment.resolve_device(options.device)
    plans, refused = runnable(options.precisions, device)
    if not plans:
        raise UsageError("; ".join(f"--precision {one.precision}: {one.reason}" for one in refused))
    inputs = [_input(model, options) for model in options.models]
    log(f"copying on {environment.device_name(device)}")
    copying = ceilings.copying(device, ceilings.timing_of(device))
    protocol = protocol_for(device, stopping.is_asked)
    measured = tuple(
        ModelBench(weights, draw, options, device, protocol, log).measure()
        for weights, draw in protocol.until_stopped(inputs)
    )
    return Bench(
        options=options,
        protocol=protocol,
        environment=environment.facts(device, reason),
        copying=copying,
        models=measured,
        stopped=stopping.by,
    )


def _input(model: str, options: Options) -> tuple[Weights, Drawer]:
    weights = weights_of(model, is_random=options.random_weights)
    lengths_of = mixes.drawer if options.lengths in MIXES else mixes.from_file
    return weights, lengths_of(options.lengths, weights.spec, weights.folder)
