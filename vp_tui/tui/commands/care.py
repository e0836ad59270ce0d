"""Commands for the store: backup, check, restore, prune."""

import re

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.report.page import aligned
from vp_tui.core.store import backup, restore, upkeep
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.tables import APPLICATION_ID, REVISION
from vp_tui.core.text import plural, size
from vp_tui.tui.commands import output

_FOREIGN = "not a vp-tui store: another program wrote it, or it is empty"
_DAMAGED = "CORRUPT: `vp-tui db restore` moves it aside and restores the newest intact backup"


def back_up(home: Home, keep: int) -> None:
    """Copy the store and print the path of the copy; only the newest `keep` copies are kept.

    Raises:
        StoreError: disk full, or the copy is damaged.
    """
    copied = backup.backup(home, REVISION, keep=keep)
    left = len(backup.backups(home))
    output.result(str(copied))
    output.say(f"checked; backups kept: {left}")


def check_store(home: Home) -> int:
    """Print the result of the checks; return STORE_UNAVAILABLE for a damaged store."""
    health = backup.check(home)
    output.result(
        "\n".join(
            aligned(
                [
                    ("store", f"{home.database}, {size(health.bytes)}, schema {health.revision}"),
                    ("SQLite", health.sqlite),
                    ("quick check", health.quick_check),
                    ("integrity check", health.integrity_check),
                    ("broken references", str(health.broken_references)),
                    *(("backup", str(path)) for path in backup.backups(home)),
                    ("result", _result(health)),
                ]
            )
        )
    )
    return ExitCode.GOOD if health.is_sound else ExitCode.STORE_UNAVAILABLE


def _result(health: backup.Health) -> str:
    if health.is_sound:
        return "intact"
    return _DAMAGED if health.application_id == APPLICATION_ID else _FOREIGN


def restore_store(home: Home, *, yes: bool) -> None:
    """Replace a damaged store by its newest sound backup after confirmation; the damaged files are kept.

    Raises:
        UsageError: no terminal to confirm, the store is intact, or a run is going on.
        StoreError: no sound backup, or a file cannot be moved.
    """
    copy = restore.newest_sound(home)
    if not yes and not output.confirmed(f"move {home.database} aside and restore {copy.name}? [y/N] ", "restore"):
        output.say("nothing was changed")
        return
    aside = restore.restore(home, copy)
    output.result(f"restored from {copy}" + (f"; the corrupt store is {aside}" if aside is not None else ""))


def _bytes(text: str) -> int:
    """Return the bytes of a size such as 500MB, 10GiB or 0."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?) ?([kmgt]?)(i?)b?", text.strip().lower())
    if found is None:
        raise UsageError(f"--cache {text!r}: write a size such as 500MB or 10GB")
    number, letter, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(letter or " "))


def _in_words(dropped: upkeep.Pruned) -> str:
    runs = ", ".join(f"#{run_id}" for run_id in dropped.run_ids)
    rows = ", ".join(f"{name} {number}" for name, number in dropped.rows.items())
    details = [f"details of {plural(len(dropped.run_ids), 'run')} ({runs}): rows of {rows}"] if dropped.run_ids else []
    number = len(dropped.files) + len(dropped.unfinished) + len(dropped.cached)
    files = f"{plural(number, 'file')} of {size(dropped.bytes)}"
    if dropped.cached:
        files += f", {len(dropped.cached)} of them cached results that can be made again"
    left = f", {len(dropped.unfinished)} of them incomplete files of killed processes" if dropped.unfinished else ""
    return "; ".join([*details, files + left])


def prune_store(home: Home, keep: int | None, *, cache: str = "", apply: bool) -> None:
    """Print what would be deleted, or delete it and compact the store.

    Raises:
        UsageError: neither `keep` nor `cache`, or a `cache` that is no size.
    """
    if keep is None and not cache:
        raise UsageError("give --keep N, --cache SIZE or both; nothing was deleted")
    dropped = upkeep.prune(home, keep, cache=_bytes(cache) if cache else None, apply=apply)
    if not dropped.run_ids and not dropped.unfinished and not dropped.cached:
        of_runs = "" if keep is None else f"no finished run beyond the newest {keep} has details"
        of_cache = f"the caches take less than {cache}" if cache else ""
        output.result(f"nothing to delete: {'; '.join(filter(None, (of_runs, of_cache)))}")
        return
    output.result(f"{'deleted' if apply else 'would delete'} {_in_words(dropped)}")
    if not apply:
        output.result("dry run, nothing was changed; add --apply to delete")
        return
    with Reader(home) as reader:
        is_busy = any(run.is_active for run in reader.runs())
    if is_busy:
        output.say("a run is in progress: the store was not compacted, later rows reuse the space")
        return
    output.say(f"{size(backup.compact(home))} of disk space freed")
