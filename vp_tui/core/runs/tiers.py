"""The number formats of a device as tiers: one ordinary run per format, and what their results are side by side.

A run of the same settings, files, machine and versions that is in the store already is not repeated: its tag `tiers`
has the hash of all that. No torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from vp_tui.core.config import Precision, PrecisionPlan, RunConfig, built_in_plan, emulated_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.files import user_path
from vp_tui.core.fingerprint import environment_facts, hash_of
from vp_tui.core.formats import BUILT_IN, EMULATED, runs_fp8, shown_name
from vp_tui.core.measurements import from_document
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

TAG: Final = "tiers"
PASSED: Final = frozenset({"PASS", "WARN"})
_FP16_FIRST: Final[tuple[str, ...]] = ("fp16", "bf16")
_WEIGHTS: Final = ("config.json", "*.safetensors", "*.bin", "*.pt")

NAMES: Final = (*(name for name in get_args(Precision) if name != "fp32"), *BUILT_IN, *map(shown_name, EMULATED))
"""What --format takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The result of one format; a number that was not measured is None."""

    name: str
    """As the run shows it."""
    role: Literal["reference", "real", "emulated"]
    run_id: int
    run_uuid: str
    verdict: str | None
    """None for the reference, and for a run that ended without one."""
    reason: str | None
    """Why there is no verdict."""
    cosine_min: float | None
    """M1 of the worst sequence; None with NaN or Inf too."""
    centred_min: float | None
    """M2 of the worst sequence."""
    neighbours_kept: float | None
    """S1: mean share of the 10 nearest neighbours that stay."""
    label_flips: float | None
    """S10: share of labels of random linear classifiers that flip although they were clear."""
    classifier_flips: int | None = None
    """Labels of the given classifier that flip, of `classified`; None without one."""
    classified: int | None = None
    tokens_per_s: float | None
    """None for an emulated format: its speed says nothing."""
    speedup: float | None
    interval: tuple[float, float] | None
    """95 % of `speedup`, where both arms took turns; a stored reference did not."""
    tokens_per_joule: float | None
    """Of the GPU while this arm encoded."""
    peak_memory_mib: float | None
    """Of the run while it encoded."""
    memory_has_reference: bool
    """The run encoded its reference too, so its peak is that of both arms."""

    @property
    def passes(self) -> bool:
        """True for a real format that passed, and for the reference."""
        return self.role == "reference" or (self.role == "real" and self.verdict in PASSED)


def names_for(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the formats to try on a device; emulated ones where it does not have them."""
    if not str(environment.get("device")).startswith("cuda"):
        return (*_FP16_FIRST, *(shown_name(name) for name in ("fp8-ffn", "fp8", "int8")))
    if runs_fp8(environment):
        return (*_FP16_FIRST, "tf32", "fp8-ffn", "fp8", shown_name("int8"))
    return (*_FP16_FIRST, "tf32", *(shown_name(name) for name in ("fp8-ffn", "fp8", "int8")))


def plan_of(name: str) -> tuple[Precision, PrecisionPlan | None]:
    """Return precision and plan of a RunConfig. Raises UsageError for an unknown format."""
    plain: Precision | None = next((one for one in get_args(Precision) if one == name and one != "fp32"), None)
    if plain is not None:
        return plain, None
    by_name = {shown_name(one): one for one in EMULATED}
    if name not in BUILT_IN and name not in by_name:
        raise UsageError(f"--format {name!r}: use one of {', '.join(NAMES)}")
    plan = built_in_plan(name) if name in BUILT_IN else emulated_plan(by_name[name])
    return ("fp16" if name in BUILT_IN else "fp32"), plan


def config_of(name: str, shared: RunConfig, environment: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of one tier's run, tagged with the hash of what decides its numbers."""
    precision, plan = plan_of(name)
    config = shared.model_copy(update={"precision": precision, "plan": plan})
    content = config.model_dump(mode="json", exclude={"name", "tags"})
    facts = {"config": content, "files": _files(config), "environment": environment_facts(environment)}
    return config.model_copy(update={"tags": {**config.tags, TAG: hash_of(facts)[:16]}})


def _files(config: RunConfig) -> list[tuple[str, int, int]]:
    """Return name, size and time of the sequences and of a local checkpoint's files."""
    model = user_path(config.model)
    paths = [user_path(config.input)]
    paths += [model] if model.is_file() else sorted(found for one in _WEIGHTS for found in model.glob(one))
    return [(path.name, stat.st_size, stat.st_mtime_ns) for path, stat in ((path, _stat(path)) for path in paths)]


def _stat(path: Path) -> Any:
    try:
        return path.stat()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def done_before(reader: Reader, config: RunConfig) -> RunRow | None:
    """Return the newest completed run of the same settings, files, machine and versions."""
    return next(iter(reader.history(f"status:completed tag.{TAG}:{config.tags[TAG]}")), None)


def tiers_of(snapshots: Sequence[RunSnapshot]) -> tuple[Tier, ...]:
    """Return the reference, of the run that encoded it if one did, and a tier per run in their order."""
    ended = [one for one in snapshots if one.arms]
    own = [one for one in ended if not one.arms["reference"]["cached"]]
    references = [_reference(one) for one in (own or ended)[:1]]
    return (*references, *map(_tier, snapshots))


def with_labels(tiers: Sequence[Tier], labels: Mapping[int, Mapping[str, Any]]) -> tuple[Tier, ...]:
    """Return the tiers with the labels of a classifier: by id of a run, what the worker run-labels answers."""
    return tuple(
        one if one.role == "reference" or one.run_id not in labels else _labelled(one, labels[one.run_id])
        for one in tiers
    )


def _labelled(one: Tier, found: Mapping[str, Any]) -> Tier:
    return replace(one, classifier_flips=found["flips"], classified=found["n"])


def fastest(tiers: Sequence[Tier]) -> Tier | None:
    """Return the tier with the most tokens/s of those that pass; emulated ones have no speed."""
    timed = [one for one in tiers if one.passes and one.tokens_per_s is not None]
    return max(timed, key=lambda one: one.tokens_per_s or 0.0, default=None)


def _reference(snapshot: RunSnapshot) -> Tier:
    arm = snapshot.arms["reference"]
    rate = arm["tokens_per_s"]
    return Tier(
        name=snapshot.run.reference,
        role="reference",
        run_id=snapshot.run.id,
        run_uuid=snapshot.run.uuid,
        verdict=None,
        reason=None,
        cosine_min=None,
        centred_min=None,
        neighbours_kept=None,
        label_flips=None,
        tokens_per_s=rate,
        speedup=None if rate is None else 1.0,
        interval=None,
        tokens_per_joule=_per_joule(snapshot, "reference", rate),
        peak_memory_mib=None,
        memory_has_reference=True,
    )


def _tier(snapshot: RunSnapshot) -> Tier:
    run = snapshot.run
    is_emulated = run.precision.startswith(shown_name(""))
    values = from_document(snapshot.measures).values
    arm, speedup = snapshot.arms.get("candidate", {}), snapshot.speedup
    rate = None if is_emulated else arm.get("tokens_per_s")
    ends = None if is_emulated else speedup.get("ci95")
    return Tier(
        name=run.precision,
        role="emulated" if is_emulated else "real",
        run_id=run.id,
        run_uuid=run.uuid,
        verdict=run.verdict,
        reason=None if run.verdict else run.status_reason or run.status,
        cosine_min=run.cosine_min,
        centred_min=values.get("M2", {}).get("all", {}).get("min"),
        neighbours_kept=values.get("S1", {}).get("all", {}).get("overlap"),
        label_flips=values.get("S10", {}).get("all", {}).get("far_flip_share"),
        tokens_per_s=rate,
        speedup=None if is_emulated else speedup.get("tokens_per_s"),
        interval=(ends[0], ends[1]) if ends else None,
        tokens_per_joule=_per_joule(snapshot, "candidate", rate),
        peak_memory_mib=arm.get("peak_memory_mib"),
        memory_has_reference=not snapshot.arms.get("reference", {}).get("cached", False),
    )


def _per_joule(snapshot: RunSnapshot, arm: str, rate: float | None) -> float | None:
    """Return tokens/s over the mean power of the GPU's readings while the arm encoded a timed block."""
    spans = [
        (block.at_us - 1e6 * block.encode_s, block.at_us)
        for block in snapshot.blocks
        if block.arm == arm and not block.is_warmup
    ]
    readings = [
        sample.power_w
        for sample in snapshot.gpu
        if sample.power_w is not None and any(start <= sample.at_us <= end for start, end in spans)
    ]
    return rate / float(np.mean(readings)) if rate and readings else None
