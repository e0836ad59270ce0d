"""Connections to the store: a writing and a read-only engine.

Reasons for the settings, measured: a deferred BEGIN that reads and then writes fails at once with
SQLITE_BUSY_SNAPSHOT, while BEGIN IMMEDIATE waits; a reader in a long transaction grows the WAL without limit.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from vp_tui.core.errors import StoreBusyError, StoreError
from vp_tui.core.store.tables import APPLICATION_ID, REVISION

OLDEST_SQLITE: Final = (3, 37)
"""STRICT tables came with it; RHEL 9 and Debian 11 have 3.34."""
BUSY_TIMEOUT_MS = 5_000
WRITER_PRAGMAS = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)
_FORMAT_BYTE: Final = 18
"""Of the file's header: 2 where the store has a write-ahead log."""
READER_PRAGMAS = (f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}", "PRAGMA query_only=ON")


def writer_engine(
    path: Path, *, pragmas: tuple[str, ...] = WRITER_PRAGMAS, patience_ms: int = BUSY_TIMEOUT_MS
) -> Engine:
    """Return an engine whose transactions begin with BEGIN IMMEDIATE; a missing file is created."""
    pragmas = (*pragmas, f"PRAGMA busy_timeout={patience_ms}")
    engine = create_engine(
        "sqlite://", creator=lambda: _connect(str(path), uri=False, pragmas=pragmas), poolclass=NullPool
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def reader_engine(path: Path) -> Engine:
    """Return a read-only engine; the file must exist.

    It has one connection. For a user who cannot write the store it has one per transaction, as each looks anew how the
    file can be read (read_only_uri).
    """
    require_sqlite()
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(read_only_uri(path), uri=True, pragmas=READER_PRAGMAS),
        poolclass=StaticPool if can_write(path) else NullPool,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def require_sqlite() -> None:
    """Raise if the SQLite of this Python is too old for the store.

    Raises:
        StoreError: with the version and the remedy.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} of this Python is too old, {needed} is needed; a Python installed by uv "
            "or conda brings a newer one"
        )


def can_write(path: Path) -> bool:
    """Return True if this user can write the store and make files beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def read_only_uri(path: Path) -> str:
    """Return the address under which SQLite opens a store for reading.

    Reading a write-ahead log makes an index file. That of a user who cannot write the store would lock its owner out,
    or cannot be made at all; without a log nobody writes, and none is needed.

    Raises:
        StoreError: only the owner can open the store, as a process that wrote it was killed.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    if can_write(path) or not _has_log_format(path):
        return address
    log, index = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
    if not log.exists() or not (index.exists() or log.stat().st_size):
        return f"{address}&immutable=1"
    if not index.exists():
        raise StoreError(
            f"{path} was not closed by the process that wrote it, and you cannot write it; it can be read once its "
            "owner has used vp-tui again"
        )
    return address


def _has_log_format(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(_FORMAT_BYTE + 1)[_FORMAT_BYTE:] == b"\2"
    except OSError:
        return False


def _connect(target: str, *, uri: bool, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    # isolation_level None: the "begin" hook opens transactions, not sqlite3.
    connection = sqlite3.connect(target, uri=uri, isolation_level=None, check_same_thread=False)
    for pragma in pragmas:
        connection.execute(pragma)
    return connection


def file_at(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def store_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn database errors into a StoreError; `doing` names the operation."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause: Any = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        what = f"cannot {doing} {path}"
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise StoreBusyError(
                    f"{what}: another process is writing to it and has not finished (an unsaved edit in a database "
                    "browser, a stopped process?); try again when it has, or end it"
                ) from error
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN if not can_write(path):
                raise StoreError(
                    f"{what}: no permission to write it or its folder; you can read it (`vp-tui runs`), or set "
                    "VP_TUI_HOME to a folder of your own"
                ) from error
            case sqlite3.SQLITE_FULL:
                raise StoreError(f"{what}: the disk or your quota is full; free space there and try again") from error
        raise StoreError(f"{what}: {cause}; see `vp-tui db path`, and `vp-tui doctor` for its health") from error


def not_ours(path: Path, application_id: Any) -> StoreError:
    """Return the error for a file that another program wrote."""
    return StoreError(
        f"{path} is not a vp-tui store (application_id {application_id}); move it away or set VP_TUI_HOME"
    )


def require_current_schema(connection: Connection, path: Path) -> None:
    """Refuse a file that is not a vp-tui store, or one with another schema revision; the file is unchanged.

    Raises:
        StoreError: with the next step.
    """
    found = connection.exec_driver_sql("PRAGMA application_id").scalar()
    if found != APPLICATION_ID:
        raise not_ours(path, found)
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if revision != REVISION:
        raise StoreError(
            f"{path} has schema {revision!r}, this version of vp-tui needs {REVISION!r}; run `vp-tui db upgrade`, or "
            "install the vp-tui version that wrote it"
        )
