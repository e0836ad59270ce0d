"""A damaged store makes room for its newest sound backup; it is moved aside whole, never changed."""

from datetime import UTC, datetime
from pathlib import Path

from vp_tui.core.errors import StoreError, UsageError
from vp_tui.core.files import replacing
from vp_tui.core.store import backup
from vp_tui.core.store.endings import LOCK_NAME
from vp_tui.core.store.engine import store_errors
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import is_held


def newest_sound(home: Home) -> Path:
    """Return the newest backup that can take the place of the store, which is not sound.

    Raises:
        UsageError: the store is intact, or a run is going on.
        StoreError: there is no sound backup.
    """
    if _is_sound(home):
        raise UsageError(f"{home.database} is intact: there is nothing to restore")
    if any(is_held(folder / LOCK_NAME) for folder in home.runs.glob("*")):
        raise UsageError("a run is going on and writes to the store: wait for its end, or end its process")
    for path in reversed(backup.backups(home)):
        if backup.is_intact(path):
            return path
    raise StoreError(f"there is no intact backup next to {home.database}; nothing was changed")


def _is_sound(home: Home) -> bool:
    if not home.database.exists() or home.database.stat().st_size == 0:
        # SQLite would remove the log beside an empty file
        return False
    try:
        return backup.check(home).is_sound
    except StoreError:
        return False


def restore(home: Home, copy: Path) -> Path | None:
    """Move the store aside with its log, and put a copy of the backup in its place.

    Return the new name of the damaged store; None if there was none.

    Raises:
        StoreError: it cannot be moved, or the backup cannot be copied.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    database = home.database
    aside = database.with_name(f"{database.name}.corrupt.{stamp}")
    existed = database.exists()
    try:
        # the log first: it must never lie beside another store
        for ending in ("-wal", "-shm", ""):
            part = database.with_name(f"{database.name}{ending}")
            if part.exists():
                part.rename(aside.with_name(f"{aside.name}{ending}"))
    except OSError as error:
        raise StoreError(f"cannot move {database} aside: {error.strerror}") from error
    with store_errors(database, "restore"), replacing(database) as temporary:
        backup.copy(copy, temporary)
    return aside if existed else None
