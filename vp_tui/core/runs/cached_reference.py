"""The rules by which a run takes over the reference of an earlier one; a run and its estimate share them."""

from collections.abc import Mapping
from typing import Any, Final

from vp_tui.core.config import Precision, RunConfig

DECIDING: Final = ("input", "sample", "seed", "strata", "reference", "token_budget", "attention", "fault")
"""Settings that must be equal: what `content` is made of, as far as it is known before a run."""


def why_recomputed(precision: Precision, config: RunConfig) -> str | None:
    """Return why the reference is encoded although one may be cached, for a candidate in `precision`; None if not."""
    if config.fp32_compare:
        return "Recomputing the FP32 reference (--fp32-compare)."
    is_plain = config.plan is None or config.plan.is_plain
    if precision == config.reference and is_plain:
        return (
            f"Reference and candidate run in {config.reference}: recomputing the reference together with the candidate."
        )
    return None


def content(
    config: RunConfig, dataset: Mapping[str, Any], environment: Mapping[str, Any], *, engine: int, weights_sha256: str
) -> dict[str, Any]:
    """Return what the embeddings of a reference depend on; `dataset` and `environment` as in the run document."""
    return {
        "engine": engine,
        "weights": weights_sha256,
        "dataset": dataset["sha256"],
        "tokenizer": dataset["tokenizer"],
        "cuts": dataset["cuts"],
        "precision": config.reference,
        "fault": config.fault,
        "token_budget": config.token_budget,
        "attention": environment["attention"]["reference"],
        "flags": environment["flags"]["reference"],
        **{name: environment[name] for name in ("device_name", "torch", "cuda", "threads")},
    }
