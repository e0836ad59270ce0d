"""Runs come to be, are claimed by their worker, and are declared interrupted when the worker is gone."""

import contextlib
import os
import uuid as uuids
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import RunNotFoundError, StoreError
from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.engine import require_current_schema, store_errors, writer_engine
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


@contextlib.contextmanager
def writing(home: Home, doing: str) -> Iterator[Connection]:
    """One transaction on a store with the current schema.

    Raises:
        StoreError: with what was being done.
    """
    engine = writer_engine(home.database)
    try:
        with store_errors(home.database, doing), engine.connect() as connection, connection.begin():
            require_current_schema(connection, home.database)
            yield connection
    finally:
        engine.dispose()


def create_run(home: Home, config: RunConfig, *, group_id: int | None = None, repeat_idx: int | None = None) -> int:
    """Insert a queued run with its folder and return its id; `group_id` and `repeat_idx` make it one of its repeats."""
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
        precision=config.precision,
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
    """The uuid and the configuration of a run.

    Raises:
        RunNotFoundError: no such run.
    """
    with writing(home, "read a run of") as connection:
        row = connection.execute(
            select(tables.run.c.uuid, tables.run.c.config_json).where(tables.run.c.id == run_id)
        ).one_or_none()
    if row is None:
        raise RunNotFoundError(f"no run {run_id} in {home.database}; `vp-tui runs` lists them")
    return row.uuid, RunConfig.model_validate_json(row.config_json)


def register_worker(home: Home, run_id: int, worker: Worker) -> None:
    """Write down which process works on the run, before it has said so itself."""
    with writing(home, "register a worker in") as connection:
        _set_worker(connection, run_id, worker)


def worker_of(pid: int, ticks: int) -> Worker:
    """A process of this machine and this boot."""
    return Worker(this_host(), boot_id(), pid, ticks)


def registered_worker(home: Home, run_id: int) -> Worker | None:
    """The process that works on the run, None when none has been registered."""
    run = tables.run
    with writing(home, "read a run of") as connection:
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
    """Called by the worker: hold the run's lock and register; returns the lock's descriptor.

    Raises:
        StoreError: the run is not queued any more.
    """
    # Asked before the lock too: the worker of a run that is going holds it until the end.
    with writing(home, "claim a run of") as connection:
        _require_queued(connection, run_id)
    descriptor = hold(home.run_folder(uuid) / LOCK_NAME)
    assert descriptor is not None
    try:
        with writing(home, "claim a run of") as connection:
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
    """queued -> starting, on `device`."""
    with writing(home, "start a run of") as connection:
        move(connection, run_id, "starting", allowed=("queued",), actor="run", reason=None, device=device)


def abandoned(row: Mapping[str, Any] | RowMapping, home: Home) -> str | None:
    """Why an active run is dead, or None while there is no proof.

    A run of another machine is never declared dead from here: its lock may be invisible.
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
        return "the machine was restarted while the run was going"
    return f"the worker (pid {row['worker_pid']}) is gone without a last word; see run.log in the run's folder"


def reconcile(home: Home) -> int:
    """Declare every dead run interrupted; returns how many. What they wrote is kept."""
    run = tables.run
    with writing(home, "check the runs of") as connection:
        rows = connection.execute(select(run).where(run.c.status.in_(ACTIVE))).mappings().all()
        reasons = {row["id"]: abandoned(row, home) for row in rows}
        return sum(
            move(
                connection,
                run_id,
                "interrupted",
                allowed=tuple(ACTIVE),
                actor="reader",
                reason=reason,
                exit_code=7,
            )
            for run_id, reason in reasons.items()
            if reason is not None
        )


def lock_path(home: Home, device: str) -> Path:
    """The lock file whose holder may use `device`: cpu, or a GPU's UUID."""
    return home.locks / f"{device.replace('/', '_')}.lock"
