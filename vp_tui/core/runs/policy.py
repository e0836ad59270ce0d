"""The precision for production now: the requested one, or FP32 with the reason, decided by validations in the store.

Runs of this checkpoint, in this precision against FP32, on this machine and these versions can decide. Reduced
precision needs one that is evidence: PASS or WARN on at least 300 sequences of every stratum there is, on a GPU, faster
than FP32, by limits that are not looser than the defaults, against a reference that was computed in that run or is
intact. A FAIL or INVALID holds until a newer such run has at least as many sequences of every stratum. Everything else
means FP32, and so does the rollback switch in the environment.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import PLAN_PREFIX, STRATA, Precision, PrecisionPlan, choose_precision
from vp_tui.core.errors import ModelError
from vp_tui.core.fingerprint import METRICS_VERSION, differences, environment_facts, format_of
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.table import WITH_LIMITS
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.store import checksum
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

SCHEMA_VERSION: Final = 1
MIN_SEQUENCES: Final = 300
"""Per stratum: 0 failures of 300 bound the rate of failures by 1 % (95 %)."""
PASSED: Final = frozenset({"PASS", "WARN"})
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidingRun:
    """A completed run that can decide."""

    run: RunRow
    facts: Facts
    """The facts of its performance key, which include those of its accuracy key."""
    sequences: Mapping[str, int]
    """Stratum -> compared sequences; strata without any are left out."""
    objection: str | None
    """Why a PASS of this run is no evidence for production; None if it is."""

    @property
    def is_evidence(self) -> bool:
        return self.run.verdict in PASSED and self.objection is None

    def covers(self, other: "DecidingRun") -> bool:
        """Return True if the run has at least as many sequences of every stratum."""
        return all(self.sequences.get(stratum, 0) >= n for stratum, n in other.sequences.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The decision and its reason."""

    requested: str
    precision: str
    """`requested`, a precision plan based on it as plan:NAME, or fp32."""
    reason: str
    run: RunRow | None = None
    """The run that decided, or would have decided in an unchanged environment."""
    differing: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Fact -> (at the run, now), where machine or versions have changed."""
    plan: PrecisionPlan | None = None

    @property
    def is_allowed(self) -> bool:
        """Return True when production may use the requested precision for every operation."""
        return self.precision == self.requested

    def document(self) -> dict[str, Any]:
        """Return the policy in JSON types."""
        run = None if self.run is None else {"id": self.run.id, "uuid": self.run.uuid, "verdict": self.run.verdict}
        return {
            "schema_version": SCHEMA_VERSION,
            "precision": self.precision,
            "requested": self.requested,
            "disable": not self.is_allowed,
            "reason": self.reason,
            "plan": None if self.plan is None else self.plan.model_dump(mode="json"),
            "run": run,
            "differences": {name: list(values) for name, values in self.differing.items()},
        }


def switched_off(requested: str, base: Precision, environment: Mapping[str, str]) -> Policy | None:
    """Return FP32 when the environment demands it, else None; `base` is the precision outside a built-in plan."""
    choice = choose_precision(base, environment)
    if choice.reason is None:
        return None
    return Policy(requested=requested, precision=choice.precision, reason=choice.reason)


def decide(requested: str, model: str, validations: Iterable[DecidingRun], now: Facts) -> Policy:
    """Return the policy from the runs of this checkpoint, newest first, and the facts of this machine."""
    here: list[DecidingRun] = []
    elsewhere: Policy | None = None
    for one in validations:
        differing = _changed(one.facts, now)
        if not differing:
            here.append(one)
        elif elsewhere is None:
            elsewhere = _elsewhere(requested, one.run, differing)
    if here:
        return _by_evidence(requested, here)
    if elsewhere is not None:
        return elsewhere
    command = f"vp-tui run -m {model} -i FASTA --precision {requested}"
    reason = f"no completed run validates {requested} of {model} against fp32; start one with `{command}`"
    return Policy(requested=requested, precision="fp32", reason=reason)


def _elsewhere(requested: str, run: RunRow, differing: Mapping[str, tuple[Any, Any]]) -> Policy:
    """Return FP32: there is a run, but on another machine or with other versions."""
    reason = f"{_named(run)} validated it in another environment: {_described(differing)}; validate again"
    return Policy(requested=requested, precision="fp32", reason=reason, run=run, differing=differing)


def _by_evidence(requested: str, here: Sequence[DecidingRun]) -> Policy:
    """Return the policy of the runs on this machine with these versions, newest first."""
    evidence: list[DecidingRun] = []
    for one in here:
        if one.is_evidence:
            evidence.append(one)
        elif one.run.verdict not in PASSED and not any(newer.covers(one) for newer in evidence):
            return _rolled_back(requested, one)
    if evidence:
        run = evidence[0].run
        reason = f"{_named(run)} ended with {run.verdict}: {run.sentence}"
        return Policy(requested=requested, precision=requested, reason=reason, run=run)
    # without evidence every run here passed with an objection, or was rolled back above
    newest = here[0]
    reason = f"{_named(newest.run)} ended with {newest.run.verdict}, but {newest.objection}"
    return Policy(requested=requested, precision="fp32", reason=reason, run=newest.run)


def _rolled_back(requested: str, one: DecidingRun) -> Policy:
    counts = ", ".join(f"{n} {stratum}" for stratum, n in one.sequences.items()) or "no sequences"
    reason = (
        f"{_named(one.run)} ended with {one.run.verdict}: {one.run.sentence}; it holds until a newer run on as many "
        f"sequences ({counts}) passes"
    )
    return Policy(requested=requested, precision="fp32", reason=reason, run=one.run)


def _named(run: RunRow) -> str:
    return f"run #{run.id} ({run.uuid[:8]})"


def _changed(then: Facts, environment: Facts) -> dict[str, tuple[Any, Any]]:
    """Return fact of machine or versions -> (at the run, now) where they differ."""
    now = {
        **environment_facts(environment),
        "compute_capability": environment.get("compute_capability"),
        "metrics_version": METRICS_VERSION,
    }
    return differences({name: then.get(name) for name in now}, now)


def _described(differing: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} was {_word(then)} and is {_word(now)}" for name, (then, now) in differing.items())


def _word(value: Any) -> str:
    return "unknown" if value is None else str(value)


def with_plans(plain: Policy, plans: Iterable[PrecisionPlan], decided: Callable[[PrecisionPlan], Policy]) -> Policy:
    """Return `plain` if it allows the requested precision, else the first stored plan based on it that runs allow.

    `decided` gives the policy of one plan. A plan that is not allowed is named in the reason, with what is missing.
    """
    if plain.is_allowed:
        return plain
    reasons = [plain.reason]
    for plan in plans:
        if plan.precision == plain.requested and not plan.is_plain and not plan.is_emulated:
            name = f"{PLAN_PREFIX}{plan.name}"
            own = decided(plan)
            if own.is_allowed:
                reason = f"{own.reason}; {plain.requested} alone is not used: {plain.reason}"
                return replace(own, precision=name, reason=reason, plan=plan)
            if own.run is not None:
                reasons.append(f"{name} is not used either: {own.reason}")
    return replace(plain, reason="; ".join(reasons))


def validations(
    reader: Reader, plan: PrecisionPlan, source: ModelSource, weights_sha256: str | None
) -> Iterator[DecidingRun]:
    """Yield the completed runs of a checkpoint in `plan` against FP32, newest first.

    A local checkpoint is identified by its weights, one of the hub by its name (and revision, if given). Runs with an
    injected fault, runs that judge another program's embeddings, and incomplete runs are left out.
    """
    for run in reader.history("status:completed reference:fp32"):
        _, facts = reader.key_facts(run.id)
        if facts.get("candidate_precision") != format_of(plan):
            continue
        if run.done < run.total or not _is_checkpoint(run, facts, source, weights_sha256):
            continue
        snapshot = reader.snapshot(run.id)
        revision = str(snapshot.model.get("revision") or "")
        if not any(map(snapshot.config.get, ("fault", "judged"))) and _is_revision(run, revision, source):
            counts = _counts(snapshot)
            yield DecidingRun(run=run, facts=facts, sequences=counts, objection=_objection(snapshot, facts, counts))


def _counts(snapshot: RunSnapshot) -> dict[str, int]:
    return {stats.scope: stats.n for stats in snapshot.strata if stats.scope in STRATA and stats.planned}


def _objection(snapshot: RunSnapshot, facts: Facts, counts: Mapping[str, int]) -> str | None:
    """Return the first reason why a PASS of this run does not decide about production."""
    found = (
        _of_device(facts),
        _of_size(counts),
        _of_limits(snapshot),
        _of_speed(snapshot.run),
        _of_reference(snapshot) if snapshot.run.verdict in PASSED else None,
    )
    return next((one for one in found if one is not None), None)


def _of_device(facts: Facts) -> str | None:
    device = facts.get("device_type")
    return None if device == "cuda" else f"it ran on {device or 'an unknown device'}: validate on the GPU"


def _of_size(counts: Mapping[str, int]) -> str | None:
    few = {stratum: n for stratum, n in counts.items() if n < MIN_SEQUENCES}
    if counts and not few:
        return None
    told = ", ".join(f"{n} {stratum}" for stratum, n in few.items()) or "no"
    return f"on {told} sequences only: {MIN_SEQUENCES} of every stratum are needed"


def _of_limits(snapshot: RunSnapshot) -> str | None:
    limits = snapshot.limits
    loose = [
        f"{gate.id} {limits.fail(gate)} for {gate.fail.value}"
        for gate in WITH_LIMITS
        if gate.fail is not None and _is_looser(gate, limits.fail(gate), gate.fail.value)
    ]
    return f"it was judged by looser limits: {', '.join(loose)}" if loose else None


def _is_looser(gate: Gate, limit: float, default: float) -> bool:
    return limit < default if gate.sense in {"below", "at_or_below"} else limit > default


def _of_speed(run: RunRow) -> str | None:
    if run.perf_valid is False:
        return f"its times are not valid ({run.perf_invalid_reason or 'no reason given'}): run it again"
    for name, speedup in (("tokens/s", run.speedup), ("end to end", run.end_to_end_speedup)):
        if speedup is None:
            return f"its speed-up ({name}) is unknown"
        # not `<=`: no comparison with NaN is true
        if not speedup > 1:
            return f"it was not faster than fp32: {fmt.ratio(speedup)} ({name})"
    return None


def _of_reference(snapshot: RunSnapshot) -> str | None:
    """A reference of the run's own was computed in it; a cached one must still be what was stored."""
    cached = snapshot.arms.get("reference", {}).get("cached")
    if cached is False:
        return None
    if cached is None:
        return "nothing says where its reference came from"
    try:
        checksum.verify(Path(snapshot.folder) / "reference.safetensors")
    except ValueError as error:
        return f"its cached reference cannot be verified ({error}): run it again with --fp32-compare"
    return None


def _is_checkpoint(run: RunRow, facts: Facts, source: ModelSource, weights_sha256: str | None) -> bool:
    if weights_sha256 is not None:
        return facts.get("weights_sha256") == weights_sha256
    asked = _source(run.model)
    return asked is not None and asked.hub_id == source.hub_id


def _is_revision(run: RunRow, used: str, source: ModelSource) -> bool:
    """Return True when a run of the hub used the requested revision: the same name, or the commit it begins with."""
    if source.revision is None:
        return True
    asked = _source(run.model)
    return used.startswith(source.revision) or (asked is not None and asked.revision == source.revision)


def _source(model: str) -> ModelSource | None:
    """Return the source of a run's checkpoint; None for a path that no longer exists."""
    try:
        return resolve(model)
    except ModelError:
        return None
