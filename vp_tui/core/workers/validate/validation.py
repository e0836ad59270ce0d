"""A validation run as a stream of events: read, load, encode both arms block by block, compare, judge.

Both arms are resident when memory allows and take turns in ABBA order, so that similarity streams from the
first block and the speed ratio is paired. Otherwise, or when the reference is already stored, one arm goes
after the other. Nothing here knows a store, a screen or a signal.
"""

import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vp_tui.core.config import PrecisionPlan, RunConfig, plain_plan
from vp_tui.core.engine import environment, faults, memory
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.events import ARMS, AlertRaised, Arm, Event, PhaseChanged, Progress, RunPlanned, now_us
from vp_tui.core.inputs.hub import fetch
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import precision
from vp_tui.core.models.linear import choose_linear
from vp_tui.core.models.loading import kernel_name, weights_sha256
from vp_tui.core.store.references import EmbeddingsFile
from vp_tui.core.workers.demo.data import ENGINE_FAULTS
from vp_tui.core.workers.validate.arms import ArmRunner, Budget, first_blocks, weight_notes
from vp_tui.core.workers.validate.inspection import Inspection
from vp_tui.core.workers.validate.outcome import Outcome
from vp_tui.core.workers.validate.prepare import Block, prepare
from vp_tui.core.workers.validate.progress import Pace
from vp_tui.core.workers.validate.schedule import Turn, take_turns
from vp_tui.core.workers.validate.stored_reference import StoredReference
from vp_tui.core.workers.validate.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run keeps its files."""

    run_uuid: str
    folder: Path
    cache: Path


class Validation:
    """One run; `events` does the work."""

    def __init__(self, config: RunConfig, place: Place, device: torch.device, why: str, sampler: Sampler) -> None:
        self._config, self._place, self._sampler = config, place, sampler
        self._device, self._why = device, why
        self._plans: dict[Arm, PrecisionPlan] = {
            "reference": plain_plan(config.reference),
            "candidate": plain_plan(config.precision),
        }
        self._interleaved = False
        """Both arms resident, taking turns."""
        self._files: dict[Arm, EmbeddingsFile] = {}
        """Of the arms that run."""
        self._pending: list[Event] = []
        self._began = time.time(), time.monotonic()

    def events(self) -> Generator[Event, None, None]:
        """Run to the end.

        Raises:
            InputError, ModelError, UsageError, ResourceError: as the modules say.
        """
        try:
            yield from self._plan()
            yield from self._load()
            yield from self._encode()
            yield from self._inspect()
            yield from self._finish()
        finally:
            for file in self._files.values():
                file.discard()

    def _plan(self) -> Iterator[Event]:
        """Read checkpoint and data, decide budget and residency, look for a stored reference."""
        for plan in self._plans.values():
            precision.check(plan, self._device)
        yield self._phase("reading", "checkpoint")
        self._source = fetch(resolve(self._config.model, trust_remote_code=self._config.trust_remote_code))
        path = self._source.path
        self._spec = read_spec(path, self._source.name)
        for arm in ARMS:
            faults.check(self._config.fault, arm, self._spec, self._plans[arm])
        kernels = {arm: self._kernel(arm) for arm in ARMS}
        yield self._phase("reading", "sequences")
        self._data = prepare(self._config, self._spec, path, cache=self._place.cache, budget_for=self._token_budget)
        self._budget = Budget(self._data.budget, int(self._data.tokens.lengths_S.max()), self._on_halved)
        yield from (self._note("input", note) for note in self._data.notes)
        if self._config.fault is not None:
            yield self._note("model", f"a fault is planted, {self._config.fault}: {ENGINE_FAULTS[self._config.fault]}")
        if self._config.precision_reason:
            yield self._note("precision", self._config.precision_reason)
        if self._sampler.reason and self._device.type == "cuda":
            yield self._note("gpu", f"no GPU telemetry: {self._sampler.reason}")
        yield self._phase("reading", "weights")
        flags = {arm: environment.flags_of(plan) for arm, plan in self._plans.items()}  # the switches, read back
        linear = {arm: choose_linear(plan, self._device).way for arm, plan in self._plans.items()}
        facts = environment.facts(self._device, self._why) | {"flags": flags, "attention": kernels, "linear": linear}
        self._stored = StoredReference(self._config, self._place.cache, self._data, weights_sha256(path), facts)
        yield from (self._note("reference", text) for text in self._stored.look_up())
        self._make_arms()
        self._inspection = self._looking()
        yield RunPlanned(
            total=len(self._data.sequences),
            planned=self._data.planned,
            dataset=self._data.facts,
            model=environment.model_facts(self._spec, self._source, self._config.model, weights_sha256(path)),
            environment={**facts, **self._data.budget_facts, "schedule": self._schedule},
        )

    def _token_budget(self, longest: int) -> tuple[int, str]:
        """The asked-for budget, or what fits beside the weights of both arms."""
        if self._config.token_budget != "auto":
            return self._config.token_budget, "asked for"
        free = memory.free_memory(self._device)
        return memory.budget_of_a_run(self._spec, [*self._plans.values()], self._device, free, longest)

    def _spares_fp32(self, arm: Arm) -> bool:
        """Whether a 16-bit kernel that was asked for leaves this arm to auto when it runs in FP32."""
        return arm == "reference" or self._config.precision_reason is not None

    def _kernel(self, arm: Arm) -> str:
        """The attention kernel `arm` will get; asked early, so that an impossible one ends the run at once."""
        spare_fp32 = self._spares_fp32(arm)
        return kernel_name(self._spec, self._plans[arm], self._device, self._config.attention, spare_fp32=spare_fp32)

    def _arm(self, arm: Arm, embeddings_SD: np.ndarray | None = None) -> ArmRunner:
        """An arm that fills its file, or one that does not run and has its embeddings."""
        if embeddings_SD is None:
            target = self._place.folder / f"{arm}.safetensors"
            self._files[arm] = EmbeddingsFile(target, len(self._data.sequences), self._spec.hidden)
            embeddings_SD = self._files[arm].embeddings_SD
        return ArmRunner(
            arm,
            self._plans[arm],
            source=self._source,
            device=self._device,
            data=self._data,
            embeddings_SD=embeddings_SD,
            attention=self._config.attention,
            spare_fp32=self._spares_fp32(arm),
            fault=self._config.fault,
        )

    def _make_arms(self) -> None:
        found = self._stored.found
        reference, candidate = (
            self._arm("reference", None if found is None else found.embeddings_SD),
            self._arm("candidate"),
        )
        self._reference, self._candidate = reference, candidate
        if found is not None:
            self._running, self._schedule = [candidate], "candidate only: the reference is stored"
            return
        self._running = [reference, candidate]
        free = memory.free_memory(self._device)
        self._interleaved = memory.are_resident(self._spec, [*self._plans.values()], self._budget.tokens, free)
        self._schedule = "both arms resident, ABBA" if self._interleaved else "reference first, then candidate"

    def _looking(self) -> Inspection:
        return Inspection(
            self._config,
            self._data,
            source=self._source,
            spec=self._spec,
            device=self._device,
            budget=self._budget,
            cache=self._place.cache,
            stored=self._stored,
        )

    def _load(self) -> Iterator[Event]:
        """Load and warm up what runs first."""
        self._tally = Tally(self._data, self._config.thresholds)
        self._pace = Pace(self._data, self._running, self._stored.rates)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        for arm in self._running if self._interleaved else self._running[:1]:
            yield from self._bring_up(arm)

    def _bring_up(self, arm: ArmRunner) -> Iterator[Event]:
        yield self._phase("loading", f"{self._spec.name} in {arm.plan.name}")
        loaded = arm.load()
        yield from (self._note("precision", text) for text in weight_notes(loaded, arm.plan))
        if arm is self._running[-1]:
            yield from (self._note("model", text) for text in loaded.notes)
        yield self._phase("warm-up", arm.plan.name)
        arm.compile_kernels()
        for block in first_blocks(self._data.blocks):
            for encoded in arm.warm_up(block, self._budget):
                yield from self._drain()
                yield encoded

    def _encode(self) -> Iterator[Event]:
        self._sampler.count()
        if self._interleaved:
            yield self._phase("encoding", self._schedule)
            blocks = self._data.blocks
            abba = ((arm, block) for block in blocks for arm in self._running[:: 1 if block.index % 2 == 0 else -1])
            yield from self._take_turns(abba)
        else:
            yield from self._one_after_the_other()

    def _one_after_the_other(self) -> Iterator[Event]:
        for arm in self._running:
            if not arm.is_loaded:
                yield from self._inspection.while_loaded(self._reference)
                self._reference.unload()
                yield from self._bring_up(arm)
            yield self._phase("encoding", f"{arm.arm} in {arm.plan.name}")
            yield from self._take_turns((arm, block) for block in self._data.blocks)

    def _take_turns(self, turns: Iterable[Turn]) -> Iterator[Event]:
        for block, encoded in take_turns(turns, self._budget, self._device):
            yield encoded
            if all(block.index in arm.encode_s for arm in self._running):
                self._compare(block)
            yield from self._drain()
            yield self._progress()

    def _progress(self) -> Progress:
        done, total = self._tally.done, len(self._data.sequences)
        return Progress(at_us=now_us(), done=done, total=total, eta_s=self._pace.eta_s())

    def _compare(self, block: Block) -> None:
        """Compare what both arms have encoded; its events wait for the next drain."""
        self._tally.compare(block, self._reference.embeddings_SD, self._candidate)
        strata = self._tally.strata(self._candidate, self._pace.rates())
        self._pending += [
            self._tally.compared(block, self._candidate, strata),
            *self._tally.alerts(block, self._candidate),
        ]

    def _inspect(self) -> Iterator[Event]:
        """Look into what is loaded, then measure without it; clocks and memory of the run are read before."""
        self._sampler.stop_counting()
        self._utilization = self._sampler.mean_utilization()
        self._peak_memory_mib = memory.peak_memory_mib(self._device)
        yield from self._tally.unnamed()
        self._inspection.begin(self._reference.embeddings_SD, self._candidate.embeddings_SD)
        for arm in self._running:
            if arm.is_loaded:
                yield from self._inspection.while_loaded(arm)
        yield from self._inspection.events(self._reference, self._candidate, weights_sha256(self._source.path))

    def _finish(self) -> Iterator[Event]:
        yield self._phase("storing", "embeddings")
        outcome = Outcome(
            config=self._config,
            data=self._data,
            reference=self._reference,
            candidate=self._candidate,
            files=self._files,
            tally=self._tally,
            pace=self._pace,
            stored=self._stored,
            on_cpu=self._device.type == "cpu",
            utilization=self._utilization,
            peak_memory_mib=self._peak_memory_mib,
            inspection=self._inspection,
            spec=self._spec,
            gpu_name=environment.device_name(self._device) if self._device.type == "cuda" else None,
            spoiled=self._sampler.spoiled(),
            clock_jump_s=abs((time.time() - self._began[0]) - (time.monotonic() - self._began[1])),
        )
        outcome.write_embeddings(self._place.folder, self._place.run_uuid)
        yield outcome.finished()

    def _phase(self, phase: str, detail: str) -> PhaseChanged:
        return PhaseChanged(at_us=now_us(), phase=phase, detail=detail)

    def _note(self, kind: str, text: str) -> AlertRaised:
        return AlertRaised(at_us=now_us(), kind=kind, severity="info", message=text)

    def _on_halved(self, text: str) -> None:
        self._pending.append(AlertRaised(at_us=now_us(), kind="memory", severity="warn", message=text))

    def _drain(self) -> Iterator[Event]:
        yield from self._pending
        self._pending.clear()
