"""Conversion of events to rows: one implementation of `write` per event type, in the caller's transaction.

A planned run is linked to the rows of its dataset, model and environment, and gets its two comparability keys.
"""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from vp_tui.core import fingerprint
from vp_tui.core.events import (
    AlertRaised,
    BlockCompared,
    BlockEncoded,
    Event,
    GpuSample,
    PhaseChanged,
    Progress,
    RunFinished,
    RunPlanned,
    RunStopped,
    StratumStats,
    now_us,
)
from vp_tui.core.store import tables
from vp_tui.core.store.metric_rows import write_metrics
from vp_tui.core.store.rows import as_json, as_row, from_json
from vp_tui.core.store.transitions import move

Facts = Mapping[str, Any]


def link(connection: Connection, run_id: int, *, dataset: Facts, model: Facts, environment: Facts) -> None:
    """Find or add the rows a run refers to and set both keys; unknown facts stay NULL.

    The three mappings are those of the run record, as JSON types (no NaN).
    """
    config = from_json(
        connection.execute(select(tables.run.c.config_json).where(tables.run.c.id == run_id)).scalar_one()
    )
    facts = {"config": config, "dataset": dataset, "model": model, "environment": environment}
    accuracy, perf = fingerprint.accuracy_facts(**facts), fingerprint.perf_facts(**facts)
    values = {
        "dataset_id": _dataset(connection, dataset),
        "model_id": _model(connection, model, dataset.get("tokenizer")),
        "environment_id": _environment(connection, environment),
        "accuracy_key": fingerprint.key_of(accuracy),
        "perf_key": fingerprint.key_of(perf),
        "accuracy_facts_json": as_json(accuracy),
        "perf_facts_json": as_json(perf),
    }
    connection.execute(update(tables.run).where(tables.run.c.id == run_id).values(**values))


def _dataset(connection: Connection, facts: Facts) -> int | None:
    strata, n = facts.get("strata"), facts.get("n")
    if not (facts.get("sha256") and facts.get("cuts") and strata and n == sum(strata.values())):
        return None
    row = {
        "sha256": facts["sha256"],
        "cuts_json": as_json(facts["cuts"]),
        "name": facts.get("name", ""),
        "n_total": n,
        **{f"n_{name}": strata.get(name, 0) for name in ("short", "medium", "long")},
        "sampler_seed": facts.get("seed"),
        "source_uri": facts.get("path"),
        "manifest_json": as_json(facts),
    }
    return _found_or_added(connection, tables.dataset, row, ("sha256", "cuts_json"))


def _model(connection: Connection, facts: Facts, tokenizer: str | None) -> int | None:
    if not facts.get("weights_sha256"):
        return None
    row = {
        "repo_id": facts.get("given") or facts.get("name") or "",
        "revision": facts.get("revision") or "",
        "weights_sha256": facts["weights_sha256"],
        "tokenizer": tokenizer,
        "arch": facts.get("kind") or "",
        "n_params": facts.get("parameters"),
    }
    return _found_or_added(connection, tables.model_artifact, row, ("repo_id", "revision", "weights_sha256"))


def _environment(connection: Connection, facts: Facts) -> int | None:
    if not facts.get("torch"):
        return None
    deciding = fingerprint.environment_facts(facts)
    on_gpu = deciding["device_type"] == "cuda"
    same_name = ("compute_capability", "power_limit_w", "driver", "cuda", "cudnn", "torch")
    also = ("transformers", "flash_attn", "python", "sqlite", "cores", "os")
    row = {
        "perf_fingerprint": fingerprint.hash_of(deciding),
        **{name: facts.get(name) for name in (*same_name, *also)},
        "gpu_name": facts.get("device_name") if on_gpu else None,
        "cpu_model": facts.get("cpu_model") or (None if on_gpu else facts.get("device_name")),
        "facts_json": as_json(deciding),
        "created_at_us": now_us(),
    }
    return _found_or_added(connection, tables.environment, row, ("perf_fingerprint",))


def _found_or_added(connection: Connection, table: Table, row: Facts, unique: tuple[str, ...]) -> int:
    """Return the id of the row with these unique columns; an existing row is not changed."""
    connection.execute(upsert(table).values(**row).on_conflict_do_nothing(index_elements=unique))
    same = [table.c[name] == row[name] for name in unique]
    return int(connection.execute(select(table.c.id).where(*same)).scalar_one())


def _set(connection: Connection, run_id: int, **values: Any) -> None:
    connection.execute(update(tables.run).where(tables.run.c.id == run_id).values(**values))


@singledispatch
def write(event: Event, connection: Connection, run_id: int) -> None:
    raise TypeError(f"no rows for {type(event).__name__}")


@write.register
def _(event: PhaseChanged, connection: Connection, run_id: int) -> None:
    text = f"{event.phase}: {event.detail}" if event.detail else event.phase
    _set(connection, run_id, phase=text)


@write.register
def _(event: RunPlanned, connection: Connection, run_id: int) -> None:
    move(connection, run_id, "running", allowed=("starting",), actor="run", reason=None, started_at_us=now_us())
    _set(
        connection,
        run_id,
        total=event.total,
        dataset_json=as_json(event.dataset),
        model_json=as_json(event.model),
        environment_json=as_json(event.environment),
    )
    # Through JSON, so that a NaN among the facts becomes null.
    facts = {name: from_json(as_json(getattr(event, name))) for name in ("dataset", "model", "environment")}
    link(connection, run_id, **facts)


@write.register
def _(event: BlockEncoded, connection: Connection, run_id: int) -> None:
    connection.execute(insert(tables.block_sample), [{"run_id": run_id, **as_row(event)}])


@write.register
def _(event: BlockCompared, connection: Connection, run_id: int) -> None:
    similarity = as_row(event, without={"results", "strata"})
    connection.execute(insert(tables.similarity_sample), [{"run_id": run_id, **similarity}])
    if event.results:
        rows = [{"run_id": run_id, **as_row(result)} for result in event.results]
        connection.execute(insert(tables.sequence_result), rows)
    _write_strata(connection, run_id, event.strata)


@write.register
def _(event: Progress, connection: Connection, run_id: int) -> None:
    _set(connection, run_id, done=event.done, total=event.total, eta_s=event.eta_s)
    if event.fraction is not None:
        row = {
            "step": event.step,
            "steps": event.steps,
            "name": event.name,
            "done": event.part_done,
            "total": event.part_total,
            "fraction": event.fraction,
        }
        statement = upsert(tables.run_progress).values(run_id=run_id, **row)
        connection.execute(statement.on_conflict_do_update(index_elements=["run_id"], set_=row))


@write.register
def _(event: GpuSample, connection: Connection, run_id: int) -> None:
    connection.execute(insert(tables.gpu_sample), [{"run_id": run_id, **as_row(event)}])


@write.register
def _(event: AlertRaised, connection: Connection, run_id: int) -> None:
    connection.execute(insert(tables.alert), [{"run_id": run_id, **as_row(event)}])


@write.register
def _(event: RunFinished, connection: Connection, run_id: int) -> None:
    _write_strata(connection, run_id, event.strata)
    arms: dict[str, Any] = {arm: as_row(summary) for arm, summary in event.arms.items()}
    speedup = as_row(event.speedup)
    write_metrics(connection, run_id, strata=event.strata, arms=arms, speedup=speedup, measures=event.measures)
    _set(
        connection,
        run_id,
        verdict=event.verdict,
        sentence=event.sentence,
        speed_verdict=event.speedup.verdict,
        speedup=event.speedup.tokens_per_s,
        end_to_end_speedup=event.speedup.end_to_end,
        findings_json=as_json([as_row(finding) for finding in event.findings]),
        arms_json=as_json(arms),
        speedup_json=as_json(speedup),
        measures_json=as_json(event.measures),
        perf_valid=event.perf_valid,
        perf_invalid_reason=event.perf_invalid_reason,
        clock_suspect=event.clock_suspect,
        eta_s=None,
        phase="done",
    )
    if event.step_seconds:
        progress = tables.run_progress
        seconds = {"seconds_json": as_json(event.step_seconds)}
        connection.execute(update(progress).where(progress.c.run_id == run_id).values(**seconds))
    move(
        connection,
        run_id,
        "completed",
        allowed=("running",),
        actor="run",
        reason=event.sentence,
        exit_code=event.exit_code,
    )


@write.register
def _(event: RunStopped, connection: Connection, run_id: int) -> None:
    move(
        connection,
        run_id,
        event.status,
        allowed=("queued", "starting", "running"),
        actor="run",
        reason=event.reason,
        exit_code=event.exit_code,
        eta_s=None,
    )


def _write_strata(connection: Connection, run_id: int, strata: tuple[StratumStats, ...]) -> None:
    if not strata:
        return
    statement = upsert(tables.stratum)
    fresh = {name: statement.excluded[name] for name in StratumStats.__dataclass_fields__ if name != "scope"}
    statement = statement.on_conflict_do_update(index_elements=["run_id", "scope"], set_=fresh)
    connection.execute(statement, [{"run_id": run_id, **as_row(stats)} for stats in strata])
