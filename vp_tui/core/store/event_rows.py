"""Conversion of events to rows: one implementation of `write` per event type, in the caller's transaction."""

from functools import singledispatch
from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.dialects.sqlite import insert as upsert

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
from vp_tui.core.store.facts import link
from vp_tui.core.store.finish import write_metrics
from vp_tui.core.store.rows import as_json, as_row, from_json
from vp_tui.core.store.transitions import move


def _set(connection: Connection, run_id: int, **values: Any) -> None:
    connection.execute(update(tables.run).where(tables.run.c.id == run_id).values(**values))


@singledispatch
def write(event: Event, connection: Connection, run_id: int) -> None:
    """Write one event as rows."""
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
