"""What production should do now: the reduced precision, or FP32 with the reason, from the last run that looked.

The newest completed run of this checkpoint, in this precision against FP32, on this machine and these versions
decides: a similarity at or below the limit, or NaN or Inf, is the rollback; a warning is allowed and told. No such run,
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
class Validation:
    """A completed run that can decide."""

    run: RunRow
    facts: Facts
    """What its performance key is made of, the facts of its accuracy key among them."""
    cosine_limit: float
    """What it was judged by: --thresholds may have moved it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What production should do, and why."""

    requested: Precision
    precision: Precision
    """`requested`, or fp32."""
    reason: str
    """One sentence."""
    run: RunRow | None = None
    """The run that decided, or that would have, had nothing changed."""
    differing: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Fact -> (at the run, now), where machine or versions have changed."""

    @property
    def is_allowed(self) -> bool:
        """Whether production may run in what was asked for."""
        return self.precision == self.requested

    @property
    def shell(self) -> str:
        """The line for `eval` in a shell."""
        return shell_line(disable=not self.is_allowed)

    def document(self) -> dict[str, Any]:
        """The policy in JSON types."""
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
    """The one line that sets the rollback switch."""
    return f"export {DISABLE_VARIABLE}={int(disable)}"


def switched_off(requested: Precision, environment: Mapping[str, str]) -> Policy | None:
    """FP32 because the environment says so; None where it does not."""
    choice = choose_precision(requested, environment)
    if choice.reason is None:
        return None
    return Policy(requested=requested, precision=choice.precision, reason=choice.reason)


def decide(requested: Precision, model: str, validations: Iterable[Validation], now: Facts) -> Policy:
    """The policy from the runs of this checkpoint, newest first, and the facts of this machine (environment.facts)."""
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
    """There is a run, but machine or versions were others."""
    reason = f"{_named(run)} validated it in another environment: {_told(differing)}; validate again"
    return Policy(requested=requested, precision="fp32", reason=reason, run=run, differing=differing)


def _by_verdict(requested: Precision, one: Validation) -> Policy:
    """The run was made here and with these versions: its verdict is the policy."""
    is_good = one.run.verdict in {"PASS", "WARN"}
    limit = "" if one.cosine_limit == COSINE_LIMIT else f" (judged by a cosine limit of {one.cosine_limit})"
    reason = f"{_named(one.run)} ended with {one.run.verdict}{limit}: {one.run.sentence}"
    return Policy(requested=requested, precision=requested if is_good else "fp32", reason=reason, run=one.run)


def _named(run: RunRow) -> str:
    return f"run #{run.id} ({run.uuid[:8]})"


def _changed(then: Facts, environment: Facts) -> dict[str, tuple[Any, Any]]:
    """Fact of machine or versions -> (at the run, now) where they differ."""
    now = {
        **environment_facts(environment),
        "compute_capability": environment.get("compute_capability"),
        "metrics_version": METRICS_VERSION,
    }
    return differences({name: then.get(name) for name in now}, now)


def _told(differing: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} was {_word(then)} and is {_word(now)}" for name, (then, now) in differing.items())


def _word(value: Any) -> str:
    return "unknown" if value is None else str(value)


def validations(
    reader: Reader, requested: Precision, source: ModelSource, weights_sha256: str | None
) -> Iterator[Validation]:
    """The completed runs of a checkpoint in `requested` against FP32, newest first.

    A checkpoint on this machine is known by its weights, one of the hub by its name (and revision, where one was
    given). Runs with a planted fault say nothing about it and are left out, as are those that are not whole.
    """
    for run in reader.history(f"status:completed precision:{requested} reference:fp32"):
        _, facts = reader.key_facts(run.id)
        if run.done < run.total or not _is_checkpoint(run, facts, source, weights_sha256):
            continue
        snapshot = reader.snapshot(run.id)
        revision = str(snapshot.model.get("revision") or "")
        if snapshot.config.get("fault") is None and _is_revision(run, revision, source):
            yield Validation(run=run, facts=facts, cosine_limit=snapshot.limits.fail(M1))


def _is_checkpoint(run: RunRow, facts: Facts, source: ModelSource, weights_sha256: str | None) -> bool:
    if weights_sha256 is not None:
        return facts.get("weights_sha256") == weights_sha256
    asked = _source(run.model)
    return asked is not None and asked.hub_id == source.hub_id


def _is_revision(run: RunRow, used: str, source: ModelSource) -> bool:
    """Whether a run of the hub used the revision that is asked for: the same word, or the commit it begins with."""
    if source.revision is None:
        return True
    asked = _source(run.model)
    return used.startswith(source.revision) or (asked is not None and asked.revision == source.revision)


def _source(model: str) -> ModelSource | None:
    """Where a run's checkpoint came from; None for a path that is not there any more."""
    try:
        return resolve(model)
    except ModelError:
        return None
