"""One writer thread per run: events in through a bounded queue, rows out in short transactions.

SQL stays out of the timed loop; a killed run loses at most the last quarter second of events. While another process
holds the store, or the disk is full, events wait in the queue; at the end of the run they are kept in its folder.
"""

import logging
import queue
import sqlite3
import threading
import time
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from vp_tui.core.errors import StoreError
from vp_tui.core.events import Event, now_us
from vp_tui.core.store import kept_events, tables
from vp_tui.core.store.engine import store_errors, writer_engine
from vp_tui.core.store.event_rows import write
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import run_config

BATCH_SECONDS = 0.25
BATCH_EVENTS = 500
HEARTBEAT_SECONDS = 1.0
QUEUE_EVENTS = 10_000
PATIENCE_SECONDS = 60.0
"""How long the end of a run waits for a store that cannot be written; before its end a run waits for ever."""
RETRY_SECONDS = 0.5
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""Errors that end when another process has finished or the disk has room again."""
log = logging.getLogger("vp_tui.store")


class RunWriter:
    """Writer of one run's events; use as a context manager, which writes everything queued on exit."""

    def __init__(self, home: Home, run_id: int) -> None:
        self._home, self._run_id = home, run_id
        self._queue: queue.Queue[Event | None] = queue.Queue(QUEUE_EVENTS)
        self._trouble: StoreError | None = None
        self._closed_at: float | None = None
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
            StoreError: an event could neither be written nor kept.
        """
        self._closed_at = self._closed_at or time.monotonic()
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
                try:
                    self._write(engine.connect, batch)
                except SQLAlchemyError as error:
                    if not _is_passing(error) or not self._keep(batch, is_last=last):
                        with store_errors(self._home.database, "write run rows to"):
                            raise
                    break
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
        """Write a batch in one transaction, retried while the store cannot be written."""
        is_told = False
        while True:
            try:
                with connect() as connection, connection.begin():
                    for event in batch:
                        write(event, connection, self._run_id)
                    alive = update(tables.run).where(tables.run.c.id == self._run_id)
                    connection.execute(alive.values(heartbeat_at_us=now_us()))
                return
            except SQLAlchemyError as error:
                if not _is_passing(error) or self._is_late():
                    raise
                if not is_told:
                    log.warning(
                        "the store cannot be written now (%s); the run continues and tries again", error.__cause__
                    )
                    is_told = True
            time.sleep(RETRY_SECONDS)

    def _is_late(self) -> bool:
        return self._closed_at is not None and time.monotonic() - self._closed_at > PATIENCE_SECONDS

    def _keep(self, batch: list[Event], *, is_last: bool) -> bool:
        """Keep the events that were not written in the run's folder; return False if that failed too."""
        rest = list(batch)
        while not is_last:
            event = self._queue.get()
            is_last = event is None
            if event is not None:
                rest.append(event)
        try:
            uuid, _ = run_config(self._home, self._run_id)
            path = kept_events.keep(self._home.run_folder(uuid), rest)
        except (OSError, StoreError) as error:
            log.error("events of the run are lost: %s", error)
            return False
        log.warning("%d events are kept in %s; the next command that writes the store imports them", len(rest), path)
        return True


def _is_passing(error: SQLAlchemyError) -> bool:
    """Return True if the store may be written later; extended codes (517, 261) hold the kind in the low byte."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xFF in _PASSING
