"""Schema revisions; `upgrade` brings a store to the newest one or raises with the reason.

A store with rows is backed up first (core.store.backup). All revisions and the foreign key check run in one
transaction: an upgrade that fails or is killed changes nothing.

Alembic takes a third of a second to import, so a store that is already current is handled without it.
"""

import os
import sqlite3
from pathlib import Path

from vp_tui.core.errors import StoreError
from vp_tui.core.store.backup import backup, backups
from vp_tui.core.store.engine import (
    WRITER_PRAGMAS,
    not_ours,
    read_only_uri,
    require_sqlite,
    store_errors,
    writer_engine,
)
from vp_tui.core.store.file_system import is_network, kind_of
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import hold
from vp_tui.core.store.tables import APPLICATION_ID, REVISION

if __name__ != "vp_tui.migrations":
    raise ImportError("import this package as vp_tui.migrations")

VERSIONS = Path(__file__).parent / "versions"
"""Revision scripts; a script's file name begins with its revision."""
# Off during a migration: rebuilding a table would otherwise cascade into its children.
_MIGRATION_PRAGMAS = (*WRITER_PRAGMAS, "PRAGMA foreign_keys=OFF")
_PATIENCE_MS = 30_000


def current_revision(path: Path) -> str | None:
    """Return the revision of a store; None for a missing or empty file and for a store without tables.

    Raises:
        StoreError: not an SQLite file, or not a vp-tui store.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    with store_errors(path, "open"):
        connection = sqlite3.connect(read_only_uri(path), uri=True)
        try:
            found = connection.execute("PRAGMA application_id").fetchone()[0]
            if found != APPLICATION_ID:
                raise not_ours(path, found)
            # Missing when the first upgrade was killed between _prepare and the end of its transaction.
            filled = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if filled else None
        finally:
            connection.close()
    return str(row[0]) if row else None


def known_revisions() -> frozenset[str]:
    """Return every revision that this version can upgrade from."""
    return frozenset(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))


def about_to_begin(home: Home) -> tuple[str, ...]:
    """Return what the user should know before a store is created; empty where there is one."""
    if home.database.exists():
        return ()
    notes = []
    if is_network(home.root):
        notes.append(
            f"{home.root} is on a network file system ({kind_of(home.root)}): it is slower there, and two machines "
            "must not write at the same time; VP_TUI_HOME names a folder on a local disk instead"
        )
    if backups(home) or (home.runs.is_dir() and any(home.runs.iterdir())):
        notes.append(
            f"{home.database} is missing, but runs or backups are next to it: a new store was started; to restore the "
            "old one, copy the newest runs.db.bak-* to its place"
        )
    return tuple(notes)


def upgrade(home: Home) -> str | None:
    """Create the store or bring it to the newest revision; return the revision it had.

    Raises:
        StoreError: no permission, no space, not a vp-tui store, or a revision this version cannot upgrade; the store
            is unchanged.
    """
    require_sqlite()
    if not home.is_writable and current_revision(home.database) == REVISION:
        return REVISION
    _require_no_lost_store(home)
    home.create()
    before = current_revision(home.database)
    if before == REVISION:
        return before
    if before is not None and before not in known_revisions():
        raise _unknown_revision(home.database, before)
    descriptor = hold(home.locks / "migration.lock")
    try:
        # Another process may have upgraded the store while this one waited for the lock.
        now = current_revision(home.database)
        if now != REVISION:
            _migrate_with_backup(home, now)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return before


def _require_no_lost_store(home: Home) -> None:
    """Refuse to begin anew in an empty file that was a store: its runs and backups lie beside it."""
    if not home.database.exists() or home.database.stat().st_size:
        return
    copies = backups(home)
    if copies or (home.runs.is_dir() and any(home.runs.iterdir())):
        way = "`vp-tui db restore` puts the newest backup in its place" if copies else "there is no backup of it"
        raise StoreError(
            f"{home.database} is empty (0 bytes), but runs were made here: it has lost its content; {way}, or remove "
            "the empty file to begin a new store"
        )


def _unknown_revision(path: Path, found: str) -> StoreError:
    known = min(known_revisions())
    if found < known:
        return StoreError(
            f"{path} has schema {found!r} of an unreleased development version; the oldest schema that can be upgraded "
            f"is {known!r}; move the file away, or export its runs with the vp-tui version that wrote it; the store is "
            "unchanged"
        )
    return StoreError(
        f"{path} has schema {found!r} of a newer vp-tui; this version supports schemas up to {REVISION!r}; install the "
        "newer version; the store is unchanged"
    )


def _migrate_with_backup(home: Home, revision: str | None) -> None:
    """Back up a store that has rows, then migrate; an error names the backup."""
    if revision is None:
        return _migrate(home.database)
    copied = backup(home, revision)
    try:
        return _migrate(home.database)
    except StoreError as error:
        raise StoreError(f"{error}; the store is unchanged, its backup is {copied}") from error


def _migrate(path: Path) -> None:
    """Run all pending revisions in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "vp_tui:migrations")
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(VERSIONS).replace("%", "%%"))
    engine = writer_engine(path, pragmas=_MIGRATION_PRAGMAS, patience_ms=_PATIENCE_MS)
    try:
        with store_errors(path, "upgrade"):
            _prepare(path)
            with engine.connect() as connection, connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise StoreError(f"{path}: the upgrade would break {len(broken)} references")
    finally:
        engine.dispose()


def _prepare(path: Path) -> None:
    """Set the application id, then WAL mode, which cannot be set inside a transaction.

    The id comes first: a process killed between the two leaves a file that the next upgrade recognizes. A network file
    system gets no write-ahead log, which works on one machine only.
    """
    # SQLite would make the file 0644; its log takes the mode of the file, so that a group can write both
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        if is_network(path):
            connection.execute("PRAGMA journal_mode=DELETE")
            return
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path} cannot use write-ahead logging (got {mode!r}); put VP_TUI_HOME on a local disk")
    finally:
        connection.close()
