"""How an active run ended whose process left no last word: proof of its death, and the reason for the reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import RowMapping

from vp_tui.core.errors import ExitCode
from vp_tui.core.events import now_us
from vp_tui.core.store.batch_job import was_requeued
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import NEVER_STARTED_US, Worker, boot_id, is_held, is_running, this_host
from vp_tui.core.store.snapshot import ACTIVE, Status

LOCK_NAME: Final = "lock"
LOG_NAME: Final = "run.log"
_STOP_NAME: Final = "stop"
STOPPED: Final = "stopped on request"
_TAIL: Final = 8_192
"""Bytes at the end of a log in which the last error is looked for."""


@dataclass(frozen=True, slots=True)
class Ending:
    status: Status
    reason: str
    exit_code: ExitCode


def ask_to_stop(folder: Path) -> None:
    """Leave the mark by which a stopped run is told from one that a signal from elsewhere ended.

    Raises:
        OSError: the folder cannot be written.
    """
    (folder / _STOP_NAME).touch()


def was_asked(folder: Path) -> bool:
    return (folder / _STOP_NAME).exists()


def ended(folder: Path, otherwise: str) -> Ending:
    """Return the ending of a run that was stopped by its user, or else for the reason `otherwise`."""
    if was_asked(folder):
        return Ending("cancelled", STOPPED, ExitCode.INTERRUPTED)
    return Ending("interrupted", otherwise, ExitCode.RUN_FAILED)


def ending_of(row: Mapping[str, Any] | RowMapping, home: Home) -> Ending | None:
    """Return how an active run ended, None without proof that it did.

    A run of another machine is not declared dead: its lock may be invisible here. Containers of one machine share its
    boot id, and the lock is seen in all of them; a process is not. A run of an earlier start of this process's SLURM
    job is over wherever it was.
    """
    is_here = row["host"] == this_host()
    same_boot = row["boot_id"] == boot_id()
    folder = home.run_folder(row["uuid"])
    if row["status"] not in ACTIVE:
        return None
    job = None if same_boot else was_requeued(folder)
    if not (is_here or same_boot or job) or is_held(folder / LOCK_NAME):
        return None
    if job is not None:
        return ended(folder, f"SLURM requeued its job {job.job}, which had run on {row['host']}")
    reason = _cause(row, folder, is_here=is_here, same_boot=same_boot)
    return None if reason is None else ended(folder, reason)


def _cause(row: Mapping[str, Any] | RowMapping, folder: Path, *, is_here: bool, same_boot: bool) -> str | None:
    """Return why a run that holds no lock is over; None if it may be starting or is seen alive."""
    pid, is_new = row["worker_pid"], now_us() - row["created_at_us"] <= NEVER_STARTED_US
    if pid is None:
        return None if is_new else "no worker ever started"
    if is_running(Worker(row["host"], row["boot_id"], pid, row["worker_start_ticks"])):
        return None
    if not is_here and row["status"] == "queued" and is_new:
        # of another container: it takes its lock when it has started
        return None
    if not same_boot:
        return "the machine was restarted during the run"
    return f"worker process {pid} exited unexpectedly{last_error(folder / LOG_NAME) or '; see run.log'}"


def last_error(log: Path) -> str | None:
    """Return the last error line of a log, to be appended to a sentence; None without one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        for sign in (" ERROR ", "error: ", "Fatal Python error: "):
            before, found, text = line.partition(sign)
            if found and (sign == " ERROR " or not before):
                return f": {text.strip()}"
    return None
