"""Run document: one run as JSON, the contract of `run --json` and `show --json` (docs/run-document.md).

It holds every number of the screens. NaN never appears: a missing number is null.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from vp_tui.core.events import ARMS, BlockEncoded, GpuSample, StratumStats
from vp_tui.core.store.encoding_time import while_encoding
from vp_tui.core.store.rows import as_row
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

SCHEMA_VERSION = 2
_GPU = ("utilization", "memory_used_mib", "power_w", "sm_clock_mhz", "temperature_c")
_AT_WORK = ("utilization", "sm_active", "tensor_active", "dram_active", "other_processes")


def run_document(snapshot: RunSnapshot) -> dict[str, Any]:
    """Return the document of a run of any status."""
    return {
        **short_document(snapshot.run),
        "sentence": snapshot.run.sentence,
        "findings": [as_row(finding) for finding in snapshot.findings],
        "model": dict(snapshot.model),
        "dataset": dict(snapshot.dataset),
        "config": dict(snapshot.config),
        "environment": dict(snapshot.environment),
        "arms": {arm: dict(snapshot.arms[arm]) for arm in ARMS if arm in snapshot.arms},
        "speedup": dict(snapshot.speedup),
        "perf_valid": snapshot.run.perf_valid,
        "perf_invalid_reason": snapshot.run.perf_invalid_reason,
        "strata": {stats.scope: _stratum(stats) for stats in snapshot.strata},
        "measures": dict(snapshot.measures),
        "gpu": _gpu(snapshot),
        "step_seconds": dict(snapshot.step_seconds),
        "alerts": [as_row(alert) for alert in snapshot.alerts],
        "folder": snapshot.folder,
    }


def short_document(run: RunRow) -> dict[str, Any]:
    """Return the short form: one line of the history."""
    return {
        "schema_version": SCHEMA_VERSION,
        "id": run.id,
        "uuid": run.uuid,
        "name": run.name,
        "status": run.status,
        "status_reason": run.status_reason,
        "verdict": run.verdict,
        "model_given": run.model,
        "input": run.input,
        "precision": run.precision,
        "precision_reason": run.precision_reason,
        "reference": run.reference,
        "device": run.device,
        "done": run.done,
        "total": run.total,
        "cosine_min": run.cosine_min,
        "num_bad": run.num_bad,
        "num_nonfinite": run.num_nonfinite,
        "tokens_per_s_speedup": run.speedup,
        "end_to_end_speedup": run.end_to_end_speedup,
        "exit_code": run.exit_code,
        "num_alerts": run.num_alerts,
        "tags": dict(run.tags),
        "created_at": _iso(run.created_at_us),
        "started_at": _iso(run.started_at_us),
        "ended_at": _iso(run.ended_at_us),
    }


def _stratum(stats: StratumStats) -> dict[str, Any]:
    row = as_row(stats)
    del row["scope"]
    if stats.nan + stats.inf:
        # the finite ones alone would look good
        row["cosine_min"] = None
    return row


def _gpu(snapshot: RunSnapshot) -> dict[str, Any]:
    reasons = 0
    for sample in snapshot.gpu:
        reasons |= sample.throttle_reasons
    encoding = gpu_while_encoding(snapshot.gpu, snapshot.blocks)
    return _summary(snapshot.gpu, _GPU) | {"throttle_reasons": reasons, "encoding": encoding}


def gpu_while_encoding(samples: Sequence[GpuSample], blocks: Sequence[BlockEncoded]) -> dict[str, Any]:
    """Return GPU activity while a timed block of either arm was encoded."""
    return _summary(while_encoding(samples, (block for block in blocks if not block.is_warmup)), _AT_WORK)


def _summary(samples: Sequence[GpuSample], names: Sequence[str]) -> dict[str, Any]:
    summary: dict[str, Any] = {"samples": len(samples)}
    for name in names:
        values = [value for sample in samples if (value := getattr(sample, name)) is not None]
        summary[name] = {"mean": sum(values) / len(values), "max": max(values)} if values else None
    return summary


def _iso(at_us: int | None) -> str | None:
    return None if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")


def flattened(found: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield names and values; nested names have dots."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
