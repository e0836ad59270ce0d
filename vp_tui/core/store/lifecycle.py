"""Creation of runs, claims by their workers, and detection of interrupted runs."""

import contextlib
import os
import sqlite3
import uuid as uuids
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, RunNotFoundError, StoreBusyError, StoreError
from vp_tui.core.events import now_us
from vp_tui.core.store import batch_job, kept_events, tables
from vp_tui.core.store.endings import LOCK_NAME, Ending, ending_of
from vp_tui.core.store.engine import BUSY_TIMEOUT_MS, reader_engine, require_current_schema, store_errors, writer_engine
from vp_tui.core.store.event_rows import write
from vp_tui.core.store.home import Home, make_private
from vp_tui.core.store.liveness import Worker, boot_id, hold, this_host, this_worker
from vp_tui.core.store.rows import as_json
from vp_tui.core.store.snapshot import ACTIVE
from vp_tui.core.store.transitions import move

_GLANCE_MS = 500
"""How long a command that wants to read waits for another writer before it leaves dead runs to the next one."""
LOST_US = 120_000_000
"""A run writes a heartbeat each second; after so long without one the user may declare it gone."""
WORKER_PATIENCE_MS = 600_000
"""How long a starting worker waits for another writer, such as a VACUUM of a large store."""


def writing(
    home: Home, doing: str, *, patience_ms: int = BUSY_TIMEOUT_MS
) -> contextlib.AbstractContextManager[Connection]:
    """Return one write transaction on a store with the current schema; it waits `patience_ms` for other writers.

    Raises:
        StoreError: on entry or inside; `doing` says what failed.
    """
    return _transaction(home, writer_engine(home.database, patience_ms=patience_ms), doing)


def reading(home: Home, doing: str) -> contextlib.AbstractContextManager[Connection]:
    """Return one read transaction as `writing`; it takes no lock and never waits for a writer."""
    return _transaction(home, reader_engine(home.database), doing)


@contextlib.contextmanager
def _transaction(home: Home, engine: Engine, doing: str) -> Iterator[Connection]:
    try:
        with store_errors(home.database, doing), engine.connect() as connection, connection.begin():
            require_current_schema(connection, home.database)
            yield connection
    finally:
        engine.dispose()


def create_run(home: Home, config: RunConfig, *, group_id: int | None = None, repeat_idx: int | None = None) -> int:
    """Insert a queued run, create its folder, return its id; `group_id` and `repeat_idx` add it to a group."""
    uuid = uuids.uuid4().hex
    folder = home.run_folder(uuid)
    try:
        with writing(home, "add a run to") as connection:
            run_id = _insert_run(connection, uuid, config, group_id, repeat_idx)
            try:
                make_private(folder)
                batch_job.keep(folder)
            except OSError as error:
                raise StoreError(f"cannot create {folder}: {error.strerror}") from error
    except StoreError:
        # a full disk may show only when the transaction ends
        with contextlib.suppress(OSError):
            (folder / batch_job.NAME).unlink(missing_ok=True)
            folder.rmdir()
        raise
    return run_id


def _insert_run(
    connection: Connection, uuid: str, config: RunConfig, group_id: int | None, repeat_idx: int | None
) -> int:
    statement = insert(tables.run).values(
        uuid=uuid,
        group_id=group_id,
        repeat_idx=repeat_idx,
        name=config.name,
        status="queued",
        model=config.model,
        input=config.input,
        precision=config.candidate_plan.name,
        precision_reason=config.precision_reason,
        reference=config.reference,
        config_json=as_json(config.model_dump(mode="json")),
        host=this_host(),
        boot_id=boot_id(),
        created_at_us=now_us(),
    )
    run_id = connection.execute(statement).inserted_primary_key
    assert run_id is not None
    tags = [{"run_id": run_id[0], "key": key, "value": value} for key, value in config.tags.items()]
    if tags:
        connection.execute(insert(tables.run_tag), tags)
    return int(run_id[0])


def run_config(home: Home, run_id: int) -> tuple[str, RunConfig]:
    """Return uuid and configuration of a run.

    Raises:
        RunNotFoundError: no such run.
    """
    with reading(home, "read a run of") as connection:
        row = connection.execute(
            select(tables.run.c.uuid, tables.run.c.config_json).where(tables.run.c.id == run_id)
        ).one_or_none()
    if row is None:
        raise RunNotFoundError(f"no run {run_id} in {home.database}; `vp-tui runs` lists them")
    return row.uuid, RunConfig.model_validate_json(row.config_json)


def register_worker(home: Home, run_id: int, worker: Worker) -> None:
    """Record the worker process of a run before it registers itself."""
    with writing(home, "register a worker in", patience_ms=WORKER_PATIENCE_MS) as connection:
        _set_worker(connection, run_id, worker)


def worker_of(pid: int, ticks: int) -> Worker:
    return Worker(this_host(), boot_id(), pid, ticks)


def registered_worker(home: Home, run_id: int) -> Worker | None:
    """Return the worker process of a run, or None if none is registered."""
    run = tables.run
    with reading(home, "read a run of") as connection:
        row = connection.execute(
            select(run.c.host, run.c.boot_id, run.c.worker_pid, run.c.worker_start_ticks).where(run.c.id == run_id)
        ).one_or_none()
    if row is None or row.worker_pid is None:
        return None
    return Worker(row.host, row.boot_id, row.worker_pid, row.worker_start_ticks)


def _set_worker(connection: Connection, run_id: int, worker: Worker) -> None:
    connection.execute(
        update(tables.run)
        .where(tables.run.c.id == run_id)
        .values(
            host=worker.host,
            boot_id=worker.boot_id,
            worker_pid=worker.pid,
            worker_start_ticks=worker.start_ticks,
            heartbeat_at_us=now_us(),
        )
    )


def claim(home: Home, run_id: int, uuid: str) -> int:
    """Hold the run's lock and register the calling worker; return the lock's descriptor.

    Raises:
        StoreError: the run is no longer queued.
    """
    # Checked before the lock too: the worker of an active run holds it until the end.
    with reading(home, "claim a run of") as connection:
        _require_queued(connection, run_id)
    descriptor = hold(home.run_folder(uuid) / LOCK_NAME)
    assert descriptor is not None
    try:
        with writing(home, "claim a run of", patience_ms=WORKER_PATIENCE_MS) as connection:
            _require_queued(connection, run_id)
            _set_worker(connection, run_id, this_worker())
    except StoreError:
        os.close(descriptor)
        raise
    return descriptor


def _require_queued(connection: Connection, run_id: int) -> None:
    status = connection.execute(select(tables.run.c.status).where(tables.run.c.id == run_id)).scalar()
    if status != "queued":
        raise StoreError(f"run {run_id} is {status}, not queued; start a new run instead")


def start(home: Home, run_id: int, device: str) -> None:
    """Move the run from queued to starting, on `device`."""
    with writing(home, "start a run of", patience_ms=WORKER_PATIENCE_MS) as connection:
        move(connection, run_id, "starting", allowed=("queued",), actor="run", reason=None, device=device)


def reconcile(home: Home) -> int:
    """Mark every dead run as interrupted and return their number; rows it wrote are kept.

    The write lock is taken only when there is a dead run. Where it cannot be had the next command marks the run: who
    reads derives the status himself.
    """
    with reading(home, "check the runs of") as connection:
        if not _dead(connection, home) or not home.is_writable:
            return 0
    try:
        return _mark_dead(home)
    except StoreBusyError:
        return 0


def settle(home: Home) -> None:
    """Take the rows of the write-ahead log into the store itself, so that a copy of the file has them.

    The last connection that may write does so when it closes; the worker's was not the last beside a reader.
    """
    if not home.is_writable:
        return
    # outside of a transaction, unlike everything an engine does
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _mark_dead(home: Home) -> int:
    with writing(home, "check the runs of", patience_ms=_GLANCE_MS) as connection:
        dead = _dead(connection, home)
        for row, ending in dead:
            if not _import_kept(connection, row, home):
                _end(connection, row["id"], ending, actor="reader")
    for row, _ in dead:
        (home.run_folder(row["uuid"]) / kept_events.NAME).unlink(missing_ok=True)
    return len(dead)


def _end(connection: Connection, run_id: int, ending: Ending, *, actor: str) -> bool:
    return move(
        connection,
        run_id,
        ending.status,
        allowed=tuple(ACTIVE),
        actor=actor,
        reason=ending.reason,
        exit_code=ending.exit_code,
    )


def give_up(home: Home, run_id: int, error: StoreError) -> None:
    """Record that a run failed because the store could not take its events; it may by now, on its own connection.

    Raises:
        StoreError: it cannot.
    """
    with writing(home, "end a run of") as connection:
        _end(connection, run_id, Ending("failed", str(error), ExitCode.STORE_UNAVAILABLE), actor="run")


def end_lost(home: Home, run_id: int) -> None:
    """End a run of a machine or container that is gone.

    Raises:
        StoreError: it was heard of within LOST_US, so somebody works on it.
    """
    run = tables.run
    with writing(home, "end a run of") as connection:
        row = connection.execute(select(run).where(run.c.id == run_id)).mappings().one()
        silent_us = now_us() - (row["heartbeat_at_us"] or row["created_at_us"])
        if silent_us < LOST_US:
            raise StoreError(
                f"run {run_id} was heard of {silent_us // 1_000_000} s ago on {row['host']}: it is going on there; "
                "stop it from that machine or container"
            )
        reason = f"not heard of for {silent_us // 60_000_000} min on {row['host']}; ended by `vp-tui stop --force`"
        _end(connection, run_id, Ending("interrupted", reason, ExitCode.RUN_FAILED), actor="stop")


def _import_kept(connection: Connection, row: RowMapping, home: Home) -> bool:
    """Write the events that the run kept in its folder; return True if its end was among them.

    Only a run that is not over is asked, so that a file that could not be removed is imported once.
    """
    path = home.run_folder(row["uuid"]) / kept_events.NAME
    try:
        events = kept_events.read(path)
        with connection.begin_nested():
            for event in events:
                write(event, connection, row["id"])
    except (OSError, IntegrityError):
        return False
    status = connection.execute(select(tables.run.c.status).where(tables.run.c.id == row["id"])).scalar()
    return status in tables.TERMINAL


def _dead(connection: Connection, home: Home) -> list[tuple[RowMapping, Ending]]:
    rows = connection.execute(select(tables.run).where(tables.run.c.status.in_(ACTIVE))).mappings().all()
    endings = ((row, ending_of(row, home)) for row in rows)
    return [(row, ending) for row, ending in endings if ending is not None]


def lock_path(home: Home, device: str) -> Path:
    """Return the lock file whose holder may use `device`: cpu, or a GPU's UUID."""
    return home.locks / f"{device.replace('/', '_')}.lock"
