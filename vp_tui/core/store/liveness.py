"""Liveness of worker processes, from facts rather than timeouts.

A worker is identified by boot id, pid and process start ticks, which neither a reused pid nor a reboot can reproduce.
It also holds a POSIX lock on a file in its run folder, which is visible from another container (lockf, not flock: a
forked child that outlives a killed worker keeps an flock, but not a lockf). psutil is not used: its start times derive
from the wall clock, so that a clock adjustment would make a live worker look dead.
"""

import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path

NEVER_STARTED_US = 60_000_000
"""Time after which a queued, unclaimed run counts as never started."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Unique identity of a process."""

    host: str
    boot_id: str
    pid: int
    start_ticks: int


def this_host() -> str:
    return socket.gethostname()


def boot_id() -> str:
    """Return the kernel's random id of this boot; empty if unavailable."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """Return the start time in clock ticks since boot; None for a missing process or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command, in parentheses, may contain spaces and parentheses; the state follows it.
    rest = stat.rpartition(")")[2].split()
    return None if rest[0] == "Z" else int(rest[19])


def this_worker() -> Worker:
    pid = os.getpid()
    return Worker(host=this_host(), boot_id=boot_id(), pid=pid, start_ticks=start_ticks(pid) or 0)


def is_running(worker: Worker) -> bool:
    """Return True if exactly this process is alive on this machine."""
    return worker.boot_id == boot_id() and start_ticks(worker.pid) == worker.start_ticks


def hold(path: Path, *, blocking: bool = True) -> int | None:
    """Take the lock and return its file descriptor; None if it is held and `blocking` is false.

    Open a lock file once per process: closing any descriptor of it drops the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX if blocking else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Return True if another process holds the lock."""
    if not path.exists():
        return False
    descriptor = hold(path, blocking=False)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
