"""What the commands of the store do: back it up, check it, drop what old runs no longer need."""

from vp_tui.core.errors import ExitCode
from vp_tui.core.store import backup, upkeep
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.tables import REVISION
from vp_tui.core.text import size
from vp_tui.tui.commands import output


def back_up(home: Home, keep: int) -> None:
    """Copy the store and print where the copy is; older copies beyond the newest `keep` go.

    Raises:
        StoreError: no room, or the copy is not sound.
    """
    copied = backup.backup(home, REVISION, keep=keep)
    left = len(backup.backups(home))
    output.result(str(copied))
    output.say(f"checked; {left} {'backup is' if left == 1 else 'backups are'} kept")


def check_store(home: Home) -> int:
    """Print what the checks found; STORE_UNAVAILABLE when something is wrong."""
    health = backup.check(home)
    output.result(
        "\n".join(
            [
                f"store             {home.database}, {size(health.bytes)}, schema {health.revision}",
                f"SQLite            {health.sqlite}",
                f"quick check       {health.quick_check}",
                f"integrity check   {health.integrity_check}",
                f"broken references {health.broken_references}",
                "sound" if health.is_sound else "NOT SOUND: copy it away, then restore the newest sound backup",
                *(f"backup            {path}" for path in backup.backups(home)),
            ]
        )
    )
    return ExitCode.GOOD if health.is_sound else ExitCode.STORE_UNAVAILABLE


def _in_words(dropped: upkeep.Pruned) -> str:
    """What goes: details of runs, and what killed processes left."""
    runs = ", ".join(f"#{run_id}" for run_id in dropped.run_ids)
    rows = ", ".join(f"{name} {number}" for name, number in dropped.rows.items())
    details = [f"the details of {len(dropped.run_ids)} runs ({runs}): rows of {rows}"] if dropped.run_ids else []
    files = f"{len(dropped.files) + len(dropped.unfinished)} files of {size(dropped.bytes)}"
    left = f", {len(dropped.unfinished)} of them left half-written by killed processes" if dropped.unfinished else ""
    return "; ".join([*details, files + left])


def prune_store(home: Home, keep: int, *, apply: bool) -> None:
    """Say what would be dropped, or drop it and give the room back to the disk."""
    dropped = upkeep.prune(home, keep, apply=apply)
    if not dropped.run_ids and not dropped.unfinished:
        output.result(f"nothing to drop: no finished run beyond the newest {keep} still has its details")
        return
    output.result(f"{'dropped' if apply else 'would drop'} {_in_words(dropped)}")
    if not apply:
        output.result("a dry run: nothing was changed; --apply does it")
        return
    with Reader(home) as reader:
        is_busy = any(run.is_active for run in reader.runs())
    if is_busy:
        output.say("a run is going on: the room in the store is used by later rows, not given back to the disk")
        return
    output.say(f"{size(backup.compact(home))} of the store were given back to the disk")
