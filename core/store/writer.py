"""One writer thread per run: events in through a bounded queue, rows out in short transactions.

SQL stays out of the timed loop; a killed run loses at most what was queued in the last quarter second.
"""

import queue
import sqlite3
import threading
import time
from functools import singledispatch
from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from vp_tui.core.errors import StoreError
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
from vp_tui.core.store.engine import store_errors, writer_engine
from vp_tui.core.store.home import Home
from vp_tui.core.store.rows import as_json, as_row
from vp_tui.core.store.transitions import move

BATCH_SECONDS = 0.25
BATCH_EVENTS = 500
HEARTBEAT_SECONDS = 1.0
QUEUE_EVENTS = 10_000
PATIENCE_SECONDS = 60.0
"""How long a locked store is retried before the run gives up; the queue holds the events meanwhile."""


class RunWriter:
    """Writes the events of one run; use as a context manager, leaving it writes everything queued."""

    def __init__(self, home: Home, run_id: int) -> None:
        self._home, self._run_id = home, run_id
        self._queue: queue.Queue[Event | None] = queue.Queue(QUEUE_EVENTS)
        self._trouble: StoreError | None = None
        self._thread = threading.Thread(target=self._work, name=f"store-writer-{run_id}", daemon=True)

    def __enter__(self) -> "RunWriter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, event: Event) -> None:
        """Queue an event.

        Raises:
            StoreError: the writer has given up (disk full, store gone).
        """
        while True:
            if self._trouble is not None:
                raise self._trouble
            try:
                return self._queue.put(event, timeout=1.0)
            except queue.Full:
                continue

    def close(self) -> None:
        """Write what is queued and end the thread.

        Raises:
            StoreError: something could not be written.
        """
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=1.0)
                break
            except queue.Full:
                continue
        self._thread.join()
        if self._trouble is not None:
            raise self._trouble

    def _work(self) -> None:
        engine = writer_engine(self._home.database)
        last = False
        # Until the end is reached: whatever else ends this thread must not look like success to put and close.
        trouble: StoreError | None = StoreError("the thread that writes run rows broke; run.log says how")
        try:
            while not last:
                batch, last = self._next_batch()
                with store_errors(self._home.database, "write run rows to"):
                    self._write(engine.connect, batch)
            trouble = None
        except StoreError as error:
            trouble = error
        finally:
            self._trouble = trouble
            engine.dispose()

    def _next_batch(self) -> tuple[list[Event], bool]:
        """The events of the next quarter second; with an empty one only the heartbeat is written."""
        batch: list[Event] = []
        deadline = time.monotonic() + (BATCH_SECONDS if not self._queue.empty() else HEARTBEAT_SECONDS)
        while len(batch) < BATCH_EVENTS:
            try:
                event = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return batch, False
            if event is None:
                return batch, True
            if not batch:
                deadline = min(deadline, time.monotonic() + BATCH_SECONDS)
            batch.append(event)
        return batch, False

    def _write(self, connect: Any, batch: list[Event]) -> None:
        """One transaction, retried while another process holds the store."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with connect() as connection, connection.begin():
                    for event in batch:
                        write(event, connection, self._run_id)
                    _set(connection, self._run_id, heartbeat_at_us=now_us())
                return
            except SQLAlchemyError as error:
                if not _is_busy(error) or time.monotonic() > give_up:
                    raise


def _is_busy(error: SQLAlchemyError) -> bool:
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }


def _set(connection: Connection, run_id: int, **values: Any) -> None:
    connection.execute(update(tables.run).where(tables.run.c.id == run_id).values(**values))


@singledispatch
def write(event: Event, connection: Connection, run_id: int) -> None:
    """Write one event as rows; one implementation per event type."""
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


@write.register
def _(event: BlockEncoded, connection: Connection, run_id: int) -> None:
    connection.execute(insert(tables.block_sample), [{"run_id": run_id, **as_row(event)}])


@write.register
def _(event: BlockCompared, connection: Connection, run_id: int) -> None:
    similarity = {name: value for name, value in as_row(event).items() if name not in {"results", "strata"}}
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
    _set(
        connection,
        run_id,
        verdict=event.verdict,
        sentence=event.sentence,
        speed_verdict=event.speedup.verdict,
        speedup=event.speedup.tokens_per_s,
        end_to_end_speedup=event.speedup.end_to_end,
        findings_json=as_json([as_row(finding) for finding in event.findings]),
        arms_json=as_json({arm: as_row(summary) for arm, summary in event.arms.items()}),
        speedup_json=as_json(as_row(event.speedup)),
        measures_json=as_json(event.measures),
        eta_s=None,
        phase="done",
    )
    reason = event.sentence
    move(
        connection,
        run_id,
        "completed",
        allowed=("running",),
        actor="run",
        reason=reason,
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
        error_type=event.error_type,
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
