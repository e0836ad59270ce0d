"""Connections to the store: a writing and a read-only engine.

Reasons for the settings, measured: a deferred BEGIN that reads and then writes fails at once with
SQLITE_BUSY_SNAPSHOT, while BEGIN IMMEDIATE waits; a reader in a long transaction grows the WAL without limit.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from vp_tui.core.errors import StoreError
from vp_tui.core.store.tables import APPLICATION_ID, REVISION

BUSY_TIMEOUT_MS = 5_000
WRITER_PRAGMAS = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)
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
    """Return an engine on one read-only connection; the file must exist."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    engine = create_engine(
        "sqlite://", creator=lambda: _connect(uri, uri=True, pragmas=READER_PRAGMAS), poolclass=StaticPool
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


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
        raise StoreError(
            f"cannot {doing} {path}: {cause}; see `vp-tui db path`, and `vp-tui doctor` for its health"
        ) from error


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
