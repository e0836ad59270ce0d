"""Creation of runs, claims by their workers, and detection of interrupted runs."""

import contextlib
import os
import uuid as uuids
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, RunNotFoundError, StoreError
from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.engine import BUSY_TIMEOUT_MS, reader_engine, require_current_schema, store_errors, writer_engine
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import (
    NEVER_STARTED_US,
    Worker,
    boot_id,
    hold,
    is_held,
    is_running,
    this_host,
    this_worker,
)
from vp_tui.core.store.rows import as_json
from vp_tui.core.store.snapshot import ACTIVE
from vp_tui.core.store.transitions import move

LOCK_NAME = "lock"
WORKER_PATIENCE_MS = 60_000
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
    with writing(home, "add a run to") as connection:
        run_id = _insert_run(connection, uuid, config, group_id, repeat_idx)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise StoreError(f"cannot create {folder}: {error.strerror}") from error
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


def abandoned(row: Mapping[str, Any] | RowMapping, home: Home) -> str | None:
    """Return the reason why an active run is dead, or None without proof.

    Runs of another machine are never declared dead: their lock may be invisible here.
    """
    if row["status"] not in ACTIVE or row["host"] != this_host():
        return None
    if is_held(home.run_folder(row["uuid"]) / LOCK_NAME):
        return None
    if row["worker_pid"] is None:
        waited_us = now_us() - row["created_at_us"]
        return "no worker ever started" if waited_us > NEVER_STARTED_US else None
    worker = Worker(row["host"], row["boot_id"], row["worker_pid"], row["worker_start_ticks"])
    if is_running(worker):
        return None
    if row["boot_id"] != boot_id():
        return "the machine was restarted during the run"
    return f"worker process {row['worker_pid']} exited unexpectedly; see run.log"


def reconcile(home: Home) -> int:
    """Mark every dead run as interrupted and return their number; rows it wrote are kept.

    The write lock is taken only when there is a dead run.
    """
    with reading(home, "check the runs of") as connection:
        if not _dead(connection, home):
            return 0
    with writing(home, "check the runs of") as connection:
        return sum(
            move(
                connection,
                run_id,
                "interrupted",
                allowed=tuple(ACTIVE),
                actor="reader",
                reason=reason,
                exit_code=ExitCode.RUN_FAILED,
            )
            for run_id, reason in _dead(connection, home).items()
        )


def _dead(connection: Connection, home: Home) -> dict[int, str]:
    rows = connection.execute(select(tables.run).where(tables.run.c.status.in_(ACTIVE))).mappings().all()
    reasons = {row["id"]: abandoned(row, home) for row in rows}
    return {run_id: reason for run_id, reason in reasons.items() if reason is not None}


def lock_path(home: Home, device: str) -> Path:
    """Return the lock file whose holder may use `device`: cpu, or a GPU's UUID."""
    return home.locks / f"{device.replace('/', '_')}.lock"
