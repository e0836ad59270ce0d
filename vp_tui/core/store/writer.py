"""One writer thread per run: events in through a bounded queue, rows out in short transactions.

SQL stays out of the timed loop; a killed run loses at most the last quarter second of events.
"""

import queue
import sqlite3
import threading
import time
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from vp_tui.core.errors import StoreError
from vp_tui.core.events import Event, now_us
from vp_tui.core.store import tables
from vp_tui.core.store.engine import store_errors, writer_engine
from vp_tui.core.store.event_rows import write
from vp_tui.core.store.home import Home

BATCH_SECONDS = 0.25
BATCH_EVENTS = 500
HEARTBEAT_SECONDS = 1.0
QUEUE_EVENTS = 10_000
PATIENCE_SECONDS = 60.0
"""Time for which a locked store is retried; the queue holds the events meanwhile."""


class RunWriter:
    """Writer of one run's events; use as a context manager, which writes everything queued on exit."""

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
            StoreError: the writer failed (disk full, store missing).
        """
        while True:
            if self._trouble is not None:
                raise self._trouble
            try:
                return self._queue.put(event, timeout=1.0)
            except queue.Full:
                continue

    def close(self) -> None:
        """Write queued events and end the thread.

        Raises:
            StoreError: an event could not be written.
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
        # Set until the end is reached: any other end of this thread must not look like success to put and close.
        trouble: StoreError | None = StoreError("the store writer thread crashed; see run.log")
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
        """Return the events of the next quarter second; an empty batch writes the heartbeat only."""
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
        """Write a batch in one transaction, retried while another process holds the store."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with connect() as connection, connection.begin():
                    for event in batch:
                        write(event, connection, self._run_id)
                    alive = update(tables.run).where(tables.run.c.id == self._run_id)
                    connection.execute(alive.values(heartbeat_at_us=now_us()))
                return
            except SQLAlchemyError as error:
                if not _is_busy(error) or time.monotonic() > give_up:
                    raise


def _is_busy(error: SQLAlchemyError) -> bool:
    """Return True if another connection holds the store; extended codes (517, 261) hold it in the low byte."""
    cause = getattr(error, "orig", None)
    busy = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xFF in busy
