"""A run's process that is started before the run exists: it imports torch while this process checks the request.

It waits for the run's id on its standard input. Without one, because the request was refused or this process was
killed, it ends and leaves nothing.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vp_tui.core.errors import RunFailedError
from vp_tui.core.files import part_of
from vp_tui.core.runs.worker import start_detached, worker_command
from vp_tui.core.store.home import Home


@dataclass(frozen=True, slots=True)
class EarlyWorker:
    """A process that waits for the id of its run."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def is_alive(self) -> bool:
        """Return False for a process that has ended, out of memory say."""
        return self.process.poll() is None

    def become(self, run_id: int, log: Path) -> subprocess.Popen[bytes]:
        """Give the process its run, and its output so far and from now on to `log`.

        Raises:
            RunFailedError: the log cannot be put there.
        """
        try:
            # it has the file open: what it writes follows the name
            self.log.replace(log)
        except OSError as error:
            raise RunFailedError(f"cannot write {log}: {error.strerror}") from error
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # it died just now: its run is found interrupted
            self.process.stdin.write(f"{run_id}\n".encode())
            self.process.stdin.close()
        return self.process


@contextlib.contextmanager
def begun(home: Home) -> Iterator[EarlyWorker | None]:
    """Start such a process; None where `home` has no folder yet. One that was given no run is gone afterwards."""
    if not (home.runs.is_dir() and os.access(home.runs, os.W_OK)):
        yield None
        return
    log = part_of(home.runs / "early.log")
    process = start_detached(home, worker_command("run"), log, "wb", stdin=subprocess.PIPE)
    try:
        yield EarlyWorker(process, log)
    finally:
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
            process.kill()
            process.wait()
            log.unlink(missing_ok=True)
