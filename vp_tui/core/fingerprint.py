"""Comparability keys of runs: SHA-256 of the facts that determine numbers or timing, as canonical JSON.

The accuracy key covers facts that determine numbers, the performance key also those that determine timing. Excluded is
what varies between runs of one configuration: temperatures, free memory, host, paths, names, git commit, version of
vp-tui, token budget, times. Runs with equal keys differ only in what is being compared.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from vp_tui.core import text
from vp_tui.core.config import PrecisionPlan

METRICS_VERSION: Final = 1
"""Increment whenever the meaning of a stored number changes; older runs are then no longer comparable.

Not incremented for M6's percentiles and S5's distances, which are estimated from a sample of many sequences
(`measures.details.sampled`): their meaning is unchanged, and no comparison of runs reads them."""

Facts = Mapping[str, Any]
ARMS: Final = ("reference", "candidate")
_GPU_FACTS: Final = ("power_limit_w", "driver", "cuda", "cudnn")
_NEEDED: Final = ("weights_sha256", "dataset_sha256")


def accuracy_facts(*, config: Facts, dataset: Facts, model: Facts, environment: Facts) -> dict[str, Any]:
    """Return the facts that determine the numbers of a run; an unknown fact is None."""
    return {
        "weights_sha256": model.get("weights_sha256"),
        "pooling": model.get("pooling"),
        "max_residues": model.get("max_residues"),
        "dataset_sha256": dataset.get("sha256"),
        "tokenizer": dataset.get("tokenizer"),
        "cuts": dataset.get("cuts"),
        "reference_precision": config.get("reference"),
        "candidate_precision": candidate_precision(config),
        **{f"{arm}_flags": (environment.get("flags") or {}).get(arm) for arm in ARMS},
        **{f"{arm}_attention": (environment.get("attention") or {}).get(arm) for arm in ARMS},
        "torch": _minor(environment.get("torch")),
        "device_type": _device_type(environment),
        "compute_capability": environment.get("compute_capability"),
        "metrics_version": METRICS_VERSION,
    }


def candidate_precision(config: Facts) -> str | None:
    """Return the candidate's format; of a precision plan its base and content, whatever its name."""
    base: str | None = config.get("precision")
    if not config.get("plan") or config.get("precision_reason"):
        return base
    return format_of(PrecisionPlan.model_validate(config["plan"]))


def plan_hash(plan: PrecisionPlan) -> str:
    """Return the hash of base format and kept units: equal for plans that compute the same, whatever their names."""
    kept = {unit: own for unit, own in plan.kept.items() if own != plan.precision}
    return hash_of({"precision": plan.precision, "kept": kept})


def format_of(plan: PrecisionPlan) -> str:
    """Return the fact that stands for a plan: its format, and for a mixed one a hash of what it keeps."""
    return plan.precision if plan.is_plain else f"{plan.precision}+{plan_hash(plan)[:16]}"


def environment_facts(environment: Facts) -> dict[str, Any]:
    """Return the facts of machine and software that determine timing."""
    device_type = _device_type(environment)
    facts = {
        "device_type": device_type,
        "device_name": environment.get("device_name"),
        "torch": environment.get("torch"),
        "transformers": environment.get("transformers"),
        "flash_attn": environment.get("flash_attn"),
    }
    if device_type == "cuda":
        return facts | {name: environment.get(name) for name in _GPU_FACTS}
    return facts | {"threads": environment.get("threads")}


def perf_facts(*, config: Facts, dataset: Facts, model: Facts, environment: Facts) -> dict[str, Any]:
    """Return the facts that determine the timing of a run: accuracy facts, machine, and schedule of the arms."""
    accuracy = accuracy_facts(config=config, dataset=dataset, model=model, environment=environment)
    return accuracy | environment_facts(environment) | {"schedule": environment.get("schedule")}


def key_of(facts: Facts) -> str | None:
    """Return the SHA-256 of the canonical JSON of `facts`; None while weights or data are unknown."""
    return hash_of(facts) if all(facts.get(name) for name in _NEEDED) else None


def hash_of(facts: Facts) -> str:
    """Return the SHA-256 of the canonical JSON of `facts` (sorted keys, no blanks).

    Raises:
        ValueError: a NaN or an infinity is among them.
    """
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(a: Facts, b: Facts) -> dict[str, tuple[Any, Any]]:
    """Return fact -> (value in a, value in b) of differing facts, sorted; a missing fact is None."""
    names = sorted({*a, *b})
    return {name: (a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)}


def in_words(differing: Mapping[str, tuple[Any, Any]]) -> str:
    """gpu_name A100 against H200, driver 550 against 560; of a hash the first characters."""
    short = (
        (name, *(told if len(told) <= 40 else f"{told[:12]}..." for told in map(text.fact, values)))
        for name, values in differing.items()
    )
    return ", ".join(f"{name} {base} against {cand}" for name, base, cand in short)


def sequence_hash(letters: bytes) -> int:
    """Return a signed 64-bit hash of a sequence's letters, independent of its id and position in the file."""
    return int.from_bytes(hashlib.blake2b(letters, digest_size=8).digest(), "little", signed=True)


def _minor(version: str | None) -> str | None:
    """Return 2.13 of 2.13.0+cpu: patches and builds do not change what a kernel computes."""
    return ".".join(version.partition("+")[0].split(".")[:2]) if version else None


def _device_type(environment: Facts) -> str | None:
    """Return cpu or cuda: cuda:0 and cuda:1 count as one machine."""
    device = environment.get("device")
    return str(device).partition(":")[0] if device else None
