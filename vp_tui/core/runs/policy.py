"""The precision for production now: the reduced one, or FP32 with the reason, decided by the last validation.

The newest completed run of this checkpoint, in this precision against FP32, on this machine and these versions
decides: a similarity at or below the limit, NaN or Inf mean rollback; a warning is allowed and reported. No such run,
or one from before machine or versions changed, means FP32. The rollback switch in the environment always wins.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vp_tui.core.config import DISABLE_VARIABLE, Precision, choose_precision
from vp_tui.core.errors import ModelError
from vp_tui.core.fingerprint import METRICS_VERSION, differences, environment_facts
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow
from vp_tui.core.thresholds import Thresholds

SCHEMA_VERSION: Final = 1
COSINE_LIMIT: Final = Thresholds().fail(M1)
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidingRun:
    """A completed run that can decide."""

    run: RunRow
    facts: Facts
    """The facts of its performance key, which include those of its accuracy key."""
    cosine_limit: float
    """The limit of its verdict, which --thresholds may have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The decision and its reason."""

    requested: Precision
    precision: Precision
    """`requested`, or fp32."""
    reason: str
    """One sentence."""
    run: RunRow | None = None
    """The run that decided, or would have decided in an unchanged environment."""
    differing: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Fact -> (at the run, now), where machine or versions have changed."""

    @property
    def is_allowed(self) -> bool:
        """Return True when production may use the requested precision."""
        return self.precision == self.requested

    @property
    def shell(self) -> str:
        """Return the line for `eval` in a shell."""
        return shell_line(disable=not self.is_allowed)

    def document(self) -> dict[str, Any]:
        """Return the policy in JSON types."""
        return {
            "schema_version": SCHEMA_VERSION,
            "precision": self.precision,
            "requested": self.requested,
            "disable": not self.is_allowed,
            "reason": self.reason,
            "run": None
            if self.run is None
            else {"id": self.run.id, "uuid": self.run.uuid, "verdict": self.run.verdict},
            "differences": {name: list(values) for name, values in self.differing.items()},
        }


def shell_line(*, disable: bool) -> str:
    """Return the line that sets the rollback switch."""
    return f"export {DISABLE_VARIABLE}={int(disable)}"


def switched_off(requested: Precision, environment: Mapping[str, str]) -> Policy | None:
    """Return FP32 when the environment demands it, else None."""
    choice = choose_precision(requested, environment)
    if choice.reason is None:
        return None
    return Policy(requested=requested, precision=choice.precision, reason=choice.reason)


def decide(requested: Precision, model: str, validations: Iterable[DecidingRun], now: Facts) -> Policy:
    """Return the policy from the runs of this checkpoint, newest first, and the facts of this machine."""
    newest: Policy | None = None
    for one in validations:
        differing = _changed(one.facts, now)
        if not differing:
            return _by_verdict(requested, one)
        newest = newest or _elsewhere(requested, one.run, differing)
    if newest is not None:
        return newest
    reason = f"no completed run validates {requested} of {model} against fp32; start one with `vp-tui run -m {model}`"
    return Policy(requested=requested, precision="fp32", reason=reason)


def _elsewhere(requested: Precision, run: RunRow, differing: Mapping[str, tuple[Any, Any]]) -> Policy:
    """Return FP32: there is a run, but on another machine or with other versions."""
    reason = f"{_named(run)} validated it in another environment: {_described(differing)}; validate again"
    return Policy(requested=requested, precision="fp32", reason=reason, run=run, differing=differing)


def _by_verdict(requested: Precision, one: DecidingRun) -> Policy:
    """Return the policy of a run on this machine with these versions: its verdict."""
    is_good = one.run.verdict in {"PASS", "WARN"}
    limit = "" if one.cosine_limit == COSINE_LIMIT else f" (judged by a cosine limit of {one.cosine_limit})"
    reason = f"{_named(one.run)} ended with {one.run.verdict}{limit}: {one.run.sentence}"
    return Policy(requested=requested, precision=requested if is_good else "fp32", reason=reason, run=one.run)


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


def validations(
    reader: Reader, requested: Precision, source: ModelSource, weights_sha256: str | None
) -> Iterator[DecidingRun]:
    """Yield the completed runs of a checkpoint in `requested` against FP32, newest first.

    A local checkpoint is identified by its weights, one of the hub by its name (and revision, if given). Runs with an
    injected fault and incomplete runs are left out.
    """
    for run in reader.history(f"status:completed precision:{requested} reference:fp32"):
        _, facts = reader.key_facts(run.id)
        if run.done < run.total or not _is_checkpoint(run, facts, source, weights_sha256):
            continue
        snapshot = reader.snapshot(run.id)
        revision = str(snapshot.model.get("revision") or "")
        if snapshot.config.get("fault") is None and _is_revision(run, revision, source):
            yield DecidingRun(run=run, facts=facts, cosine_limit=snapshot.limits.fail(M1))


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
