"""The phases before a model is loaded: read checkpoint and data, create the arms. Each returns a frozen record."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vp_tui.core.config import PrecisionPlan, RunConfig, plain_plan
from vp_tui.core.engine import environment, footprint, memory
from vp_tui.core.engine.gpu import Sampler, read_once
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import ARMS, AlertRaised, Arm, Event, PhaseChanged, RunPlanned, now_us
from vp_tui.core.inputs import units
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.models import precision
from vp_tui.core.models.linear import choose_linear, settle_linear
from vp_tui.core.models.loading import kernel_name
from vp_tui.core.models.weight_hash import weights_sha256
from vp_tui.core.store import kept_blocks
from vp_tui.core.store.references import EmbeddingsFile
from vp_tui.core.workers.validate.arms import ArmRunner, EncoderFactory, PlainEncoders
from vp_tui.core.workers.validate.budget import Budget
from vp_tui.core.workers.validate.course import READING, Course
from vp_tui.core.workers.validate.prepare import Prepared, prepare
from vp_tui.core.workers.validate.stored_reference import StoredReference, look_up

if TYPE_CHECKING:
    # it imports Ray
    from vp_tui.core.workers.fleet.fleet import Fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Identity and folders of a run."""

    run_uuid: str
    folder: Path
    cache: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The inputs of a run."""

    config: RunConfig
    place: Place
    device: torch.device
    device_reason: str
    sampler: Sampler
    encoders: EncoderFactory = field(default_factory=PlainEncoders)
    course: Course = field(default_factory=Course)
    """Follows this one run."""
    several: "Fleet | None" = None
    """The devices that encode, where there are several; `device`, the first, does the rest."""

    @property
    def plans(self) -> dict[Arm, PrecisionPlan]:
        """The precision plan of each arm."""
        return {"reference": plain_plan(self.config.reference), "candidate": self.config.candidate_plan}

    def spares_fp32(self, arm: Arm) -> bool:
        """Return True when a requested 16-bit attention kernel does not bind this arm in FP32."""
        return arm == "reference" or self.config.precision_reason is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Checkpoint and data of a run, read and checked."""

    source: ModelSource
    spec: ModelSpec
    weights_sha256: str
    data: Prepared
    budget: Budget
    environment: Mapping[str, Any]
    """The run document's `environment`, without budget and schedule."""
    stored: StoredReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Both arms and the order in which they encode."""

    reference: ArmRunner
    candidate: ArmRunner
    files: Mapping[Arm, EmbeddingsFile]
    """Of the arms that run."""
    running: tuple[ArmRunner, ...]
    """Without a reference that is stored."""
    is_interleaved: bool
    """Both arms are resident and alternate in stretches of blocks."""
    schedule: str
    """The same for the reader."""


def phase(name: str, detail: str) -> PhaseChanged:
    """Return the event of a phase that begins."""
    return PhaseChanged(at_us=now_us(), phase=name, detail=detail)


def note(kind: str, text: str) -> AlertRaised:
    """Return an alert that is only information."""
    return AlertRaised(at_us=now_us(), kind=kind, severity="info", message=text)


def _unused_gpu(setting: Setting) -> str | None:
    """Return a warning if the run is on the CPU although the machine has a GPU and nobody asked for the CPU."""
    if setting.device.type != "cpu" or setting.config.device != "auto" or isinstance(read_once(), Unavailable):
        return None
    return (
        f"this machine has a GPU, but {setting.device_reason}: the run is on the CPU. Either torch was installed "
        "without CUDA or the driver is too old for it; `vp-tui doctor` shows both versions"
    )


def read(setting: Setting, on_halved: Callable[[str], None]) -> Generator[Event, None, Plan]:
    """Read checkpoint and data, decide the token budget (`on_halved` as in Budget), look for a stored reference."""
    config, plans = setting.config, setting.plans
    for plan in plans.values():
        precision.check(plan, setting.device)
    yield from setting.course.enter(READING, "reading the checkpoint")
    problem = _unused_gpu(setting)
    if problem is not None:
        yield replace(note("gpu", problem), severity="warn")
    source = fetch(resolve(config.model, trust_remote_code=config.trust_remote_code))
    spec = read_spec(source.path, source.name)
    for arm in ARMS:
        units.require(plans[arm].kept, spec, plans[arm].name)
        setting.encoders.check(arm, spec, plans[arm])
    # asked early, so that an impossible kernel ends the run at once
    kernels = {arm: _kernel(setting, spec, arm) for arm in ARMS}
    yield from setting.course.enter(READING, "reading the sequences")
    data = prepare(config, spec, source.path, cache=setting.place.cache, budget_for=partial(_budget, setting, spec))
    yield from (note(kind, text) for kind, text in _notes(setting, data))
    yield from (replace(note("input", text), severity="warn") for text in data.warnings)
    yield from setting.course.enter(READING, "reading the weights")
    facts = _facts(setting) | {
        # the switches, read back
        "flags": {arm: environment.flags_of(plan) for arm, plan in plans.items()},
        "attention": kernels,
        "linear": _linear_ways(setting),
    }
    weights = weights_sha256(source.path, setting.place.cache)
    stored = look_up(config, setting.place.cache, data, weights, facts)
    if stored.note is not None:
        yield note("reference", stored.note)
    return Plan(
        source=source,
        spec=spec,
        weights_sha256=weights,
        data=data,
        budget=Budget(data.budget, int(data.tokens.lengths_S.max()), on_halved),
        environment=facts,
        stored=stored,
    )


def _facts(setting: Setting) -> dict[str, Any]:
    found = environment.facts(setting.device, setting.device_reason)
    return found if setting.several is None else {**found, **setting.several.facts}


def _linear_ways(setting: Setting) -> dict[Arm, str]:
    """Return how each arm computes its linear layers: as in the run that is resumed, or the faster way."""
    kept = kept_blocks.first_facts(setting.place.folder)
    if kept is not None:
        for arm, plan in setting.plans.items():
            settle_linear(plan, kept["linear"][arm])
    return {arm: choose_linear(plan, setting.device).way for arm, plan in setting.plans.items()}


def _kernel(setting: Setting, spec: ModelSpec, arm: Arm) -> str:
    return kernel_name(
        spec, setting.plans[arm], setting.device, setting.config.attention, spare_fp32=setting.spares_fp32(arm)
    )


def _budget(setting: Setting, spec: ModelSpec, longest: int) -> tuple[int, str]:
    """Return the requested budget, that of a resumed run, or the one that fits next to the weights of both arms.

    The free memory may be another one than then, and other packs have other digits.
    """
    kept = kept_blocks.first_facts(setting.place.folder)
    if setting.config.token_budget != "auto":
        return setting.config.token_budget, "asked for"
    if kept is not None:
        return kept["budget"], kept["budget_reason"]
    free = memory.free_memory(setting.device)
    return memory.budget_of_a_run(spec, [*setting.plans.values()], setting.device, free, longest)


def _notes(setting: Setting, data: Prepared) -> list[tuple[str, str]]:
    """Return kind and text of what the reader should know before the run."""
    notes = [("input", text) for text in data.notes]
    if setting.encoders.note is not None:
        notes.append(("model", setting.encoders.note))
    if setting.config.precision_reason:
        notes.append(("precision", setting.config.precision_reason))
    if setting.several is not None and setting.several.unlike is not None:
        notes.append(("device", setting.several.unlike))
    if setting.sampler.reason and setting.device.type == "cuda":
        notes.append(("gpu", f"no GPU telemetry: {setting.sampler.reason}"))
    return notes


def create_arms(setting: Setting, plan: Plan, stack: ExitStack) -> Arms:
    """Create both arms and the files of those that run; leaving `stack` discards files that were not finished.

    Raises:
        ResourceError: no room on the disk for the embeddings.
    """
    found = plan.stored.found
    files: dict[Arm, EmbeddingsFile] = {}
    for arm in ARMS if found is None else ARMS[1:]:
        target = setting.place.folder / f"{arm}.safetensors"
        files[arm] = EmbeddingsFile(target, len(plan.data.sequences), plan.spec.hidden)
        stack.callback(files[arm].discard)
    reference, candidate = (
        ArmRunner(
            arm,
            setting.plans[arm],
            source=plan.source,
            device=setting.device,
            data=plan.data,
            embeddings_SD=files[arm].embeddings_SD if found is None or arm in files else found.embeddings_SD,
            attention=setting.config.attention,
            spare_fp32=setting.spares_fp32(arm),
            encoders=setting.encoders,
            several=setting.several,
        )
        for arm in ARMS
    )
    is_interleaved, schedule = _schedule(setting, plan)
    return Arms(
        reference=reference,
        candidate=candidate,
        files=files,
        running=(reference, candidate) if found is None else (candidate,),
        is_interleaved=is_interleaved,
        schedule=schedule,
    )


def _schedule(setting: Setting, plan: Plan) -> tuple[bool, str]:
    if plan.stored.found is not None:
        return False, "candidate only: the reference is stored"
    free = memory.free_memory(setting.device)
    precisions = [one.precision for one in setting.plans.values()]
    if footprint.are_resident(plan.spec, precisions, plan.budget.tokens, free):
        return True, "both arms resident, ABBA"
    return False, "reference first, then candidate"


def planned(setting: Setting, plan: Plan, arms: Arms) -> RunPlanned:
    """Return the event with data, model and environment of the run; its course is known from here on."""
    is_one_by_one = not arms.is_interleaved and len(arms.running) == len(ARMS)
    tokens = int(plan.data.tokens.lengths_S.sum())
    setting.course.plan(total=len(plan.data.sequences), tokens=tokens, is_interleaved=not is_one_by_one)
    return RunPlanned(
        total=len(plan.data.sequences),
        planned=plan.data.planned,
        dataset=plan.data.facts,
        model=environment.model_facts(plan.spec, plan.source, setting.config.model, plan.weights_sha256),
        environment={**plan.environment, **plan.data.budget_facts, "schedule": arms.schedule},
    )
