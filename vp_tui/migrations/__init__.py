"""The schema's history; `upgrade` brings a store to the newest revision, or says why it cannot.

Before a store with rows is touched it is copied (core.store.backup). Then all revisions, today's facts about old rows
and the check of every reference are one transaction: an upgrade that fails or is killed has changed nothing.

Alembic costs a third of a second to import, so the common case (already newest) does without it.
"""

import os
import sqlite3
from pathlib import Path

from vp_tui.core.errors import StoreError
from vp_tui.core.store.backfill import fill
from vp_tui.core.store.backup import backup
from vp_tui.core.store.engine import WRITER_PRAGMAS, store_errors, writer_engine
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import hold
from vp_tui.core.store.tables import APPLICATION_ID, REVISION

if __name__ != "vp_tui.migrations":
    raise ImportError("this folder is the package vp_tui.migrations; import it by that name")

# Off while a migration runs: rebuilding a table would otherwise cascade into its children.
_MIGRATION_PRAGMAS = (*WRITER_PRAGMAS, "PRAGMA foreign_keys=OFF", "PRAGMA busy_timeout=30000")


def current_revision(path: Path) -> str | None:
    """The revision of a store, None for a file that is missing, empty, or ours and not filled yet.

    Raises:
        StoreError: the file is no SQLite file, or not ours.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    with store_errors(path, "open"):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = connection.execute("PRAGMA application_id").fetchone()[0]
            if found != APPLICATION_ID:
                raise StoreError(f"{path} is no vp-tui store (application_id {found}); move it away or set VP_TUI_HOME")
            # Without it the first upgrade was killed after _prepare and before its one transaction ended.
            filled = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if filled else None
        finally:
            connection.close()
    return str(row[0]) if row else None


def known_revisions() -> frozenset[str]:
    """Every revision this version can read or upgrade from."""
    return frozenset(path.name[:4] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))


def upgrade(home: Home) -> str | None:
    """Create the store or bring it to the newest revision; returns the revision it had.

    Raises:
        StoreError: no permission, no room, not our file, or written by a newer version; nothing was changed then.
    """
    home.create()
    before = current_revision(home.database)
    if before == REVISION:
        return before
    if before is not None and before not in known_revisions():
        raise StoreError(
            f"{home.database} has schema {before!r}, which a newer vp-tui wrote (this one knows up to {REVISION!r}); "
            "install that version, nothing was changed"
        )
    descriptor = hold(home.locks / "migration.lock")
    try:
        # Asked again: another process may have upgraded while this one waited for the lock.
        now = current_revision(home.database)
        if now != REVISION:
            _migrate_with_backup(home, now)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return before


def _migrate_with_backup(home: Home, revision: str | None) -> None:
    """Migrate; a store that has rows is copied first, and an error says where the copy is."""
    if revision is None:
        return _migrate(home.database)
    copied = backup(home, revision)
    try:
        return _migrate(home.database)
    except StoreError as error:
        raise StoreError(f"{error}; nothing was changed, and a backup of before is {copied}") from error


def _migrate(path: Path) -> None:
    """Run Alembic on one connection, all revisions or none."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "vp_tui:migrations")
    engine = writer_engine(path, pragmas=_MIGRATION_PRAGMAS)
    try:
        with store_errors(path, "upgrade"):
            _prepare(path)
            with engine.connect() as connection, connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                fill(connection)
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise StoreError(f"{path}: the upgrade would break {len(broken)} references")
    finally:
        engine.dispose()


def _prepare(path: Path) -> None:
    """Our application id on a new file, then WAL, which cannot be set inside a transaction.

    The id comes first: a process killed between the two leaves a file that the next upgrade knows as ours.
    """
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path} cannot use write-ahead logging (got {mode!r}); put VP_TUI_HOME on a local disk")
    finally:
        connection.close()
