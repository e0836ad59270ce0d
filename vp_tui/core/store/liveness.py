"""Liveness of worker processes, from facts rather than timeouts.

A worker is identified by boot id, pid and process start ticks, which neither a reused pid nor a reboot can reproduce.
It also holds a POSIX lock on a file in its run folder, which is visible from another container (lockf, not flock: a
forked child that outlives a killed worker keeps an flock, but not a lockf). psutil is not used: its start times derive
from the wall clock, so that a clock adjustment would make a live worker look dead.
"""

import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vp_tui.core.errors import StoreError

_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_FLOCK: Final = "hhqqi4x"
"""struct flock of Linux on a 64-bit machine: type, whence, start, length, pid."""

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

    Raises:
        StoreError: the file belongs to another user, or its file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # 0o666: in a folder of a group its umask decides whether the others can take the lock too
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _trouble(path, error) from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX if blocking else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise _trouble(path, error) from error
    return descriptor


def is_held(path: Path) -> bool:
    """Return True if another process holds the lock; needs no permission to write.

    Raises:
        StoreError: the file system has no locks.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        # of another user, who runs it: nothing here proves it dead
        return True
    except OSError as error:
        raise _trouble(path, error) from error
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except OSError as error:
        raise _trouble(path, error) from error
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)


def _trouble(path: Path, error: OSError) -> StoreError:
    if error.errno in _NO_LOCKS:
        return StoreError(
            f"the file system of {path.parent} has no file locks ({error.strerror}), as some network file systems; "
            "set VP_TUI_HOME to a folder on a local disk"
        )
    owner = f"; it belongs to {_owner(path)}" if isinstance(error, PermissionError) and path.exists() else ""
    return StoreError(f"cannot lock {path}: {error.strerror}{owner}; set VP_TUI_HOME to a folder of your own")


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"
