"""Backups, health checks and disk space of the store; copies use SQLite's backup API, as a file copy misses the log.

Backups are named runs.db.bak-<revision>-<UTC time>, next to the store; the newest three are kept.
"""

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vp_tui.core.errors import StoreError
from vp_tui.core.files import replacing
from vp_tui.core.store.engine import read_only_uri, store_errors
from vp_tui.core.store.home import Home
from vp_tui.core.store.tables import APPLICATION_ID

KEPT = 3
ROOM = 2
"""Space an upgrade needs, as a multiple of the store's size: the backup and the rebuilt tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Results of `vp-tui db check`."""

    application_id: int
    revision: str | None
    quick_check: str
    """`ok`, or the first problem."""
    integrity_check: str
    broken_references: int
    """Rows that refer to a missing row."""
    bytes: int
    """Size of store and log."""
    sqlite: str

    @property
    def is_sound(self) -> bool:
        is_ours = self.application_id == APPLICATION_ID and self.revision is not None
        return is_ours and self.quick_check == self.integrity_check == "ok" and self.broken_references == 0


def backup(home: Home, revision: str | None, *, keep: int = KEPT) -> Path:
    """Copy the store next to itself, check the copy, keep the newest `keep` backups; return the copy's path.

    Old backups are removed first, so that repeated attempts cannot fill the disk.

    Raises:
        StoreError: no space, or the copy failed its check (it is then removed).
    """
    prune_backups(home, keep)
    source = home.database
    require_room(home)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = source.with_name(f"{source.name}.bak-{revision or 'none'}-{stamp}")
    with store_errors(source, "back up"), replacing(target) as temporary:
        copy(source, temporary)
        found = _asked(temporary, "PRAGMA quick_check(1)")
        if found != "ok":
            raise StoreError(
                f"the backup of {source} failed its check ({' '.join(found.split())}); the store is unchanged"
            )
    prune_backups(home, keep)
    return target


def copy(source: Path, target: Path) -> None:
    """Copy a database that may be in use, including its log."""
    reading = sqlite3.connect(read_only_uri(source), uri=True)
    writing = sqlite3.connect(target)
    try:
        reading.backup(writing)
        # The copy of a WAL database is in WAL mode too; this mode leaves a single file.
        writing.execute("PRAGMA journal_mode=DELETE")
    finally:
        writing.close()
        reading.close()


def backups(home: Home) -> tuple[Path, ...]:
    """Return the backups of the store, oldest first."""
    found = home.root.glob(f"{home.database.name}.bak-*")
    return tuple(sorted(found, key=lambda path: path.name.rpartition("-")[2]))


def is_intact(path: Path) -> bool:
    """Return True for a store that passes SQLite's quick check."""
    try:
        is_ours = _asked(path, "PRAGMA application_id") == str(APPLICATION_ID)
        return is_ours and _asked(path, "PRAGMA quick_check(1)") == "ok"
    except sqlite3.DatabaseError:
        return False


def prune_backups(home: Home, keep: int = KEPT) -> tuple[Path, ...]:
    """Remove all but the newest `keep` backups; return the removed ones."""
    old = backups(home)[: -keep or None]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def require_room(home: Home) -> None:
    """Raise if an upgrade could fill the disk.

    Raises:
        StoreError: with the space needed and the space available.
    """
    needed, free = ROOM * size(home.database), shutil.disk_usage(home.root).free
    if free < needed:
        raise StoreError(
            f"{home.database} needs {needed // 2**20} MiB of free space for its backup and upgrade; available: "
            f"{free // 2**20} MiB; free space or move VP_TUI_HOME; the store is unchanged"
        )


def size(database: Path) -> int:
    log = Path(f"{database}-wal")
    return database.stat().st_size + (log.stat().st_size if log.exists() else 0)


def check(home: Home) -> Health:
    """Run every check of SQLite on the whole file: slow for a large store.

    Raises:
        StoreError: the file is missing or unreadable.
    """
    path = home.database
    if not path.exists():
        raise StoreError(f"no store at {path}; `vp-tui db upgrade` creates it")
    with store_errors(path, "check"):
        has_revision = _asked(path, "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'")
        return Health(
            application_id=int(_asked(path, "PRAGMA application_id")),
            revision=_asked(path, "SELECT version_num FROM alembic_version") if has_revision != "0" else None,
            quick_check=_asked(path, "PRAGMA quick_check(1)"),
            integrity_check=_asked(path, "PRAGMA integrity_check(1)"),
            broken_references=int(_asked(path, "SELECT count(*) FROM pragma_foreign_key_check")),
            bytes=size(path),
            sqlite=sqlite3.sqlite_version,
        )


def _asked(path: Path, question: str) -> str:
    connection = sqlite3.connect(read_only_uri(path), uri=True)
    try:
        row = connection.execute(question).fetchone()
    finally:
        connection.close()
    return str(row[0]) if row else ""


def compact(home: Home) -> int:
    """Release the space of deleted rows (VACUUM); return the bytes gained.

    Raises:
        StoreError: no space, or another process writes.
    """
    require_room(home)
    before = size(home.database)
    with store_errors(home.database, "compact"):
        connection = sqlite3.connect(home.database, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout=30000")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    return before - size(home.database)
