"""Ends what is left of a run's Ray when the run has ended, however it ended; removes Ray's folder.

    python -P -m vp_tui.core.workers.fleet.reaper FOLDER

Started by the run with a pipe as its input, which the system closes with the run's process, even after kill -9. Ray's
own processes notice late or never: its agents outlive the raylet by a minute.
"""

import contextlib
import os
import shutil
import sys
import time
from typing import Final

import psutil

MARK: Final = "VP_TUI_RAY_FOLDER"
"""Environment variable of all processes of one Ray: its folder."""
PATIENCE_SECONDS: Final = 3.0
"""For processes that were asked to end."""


def marked(folder: str) -> list[psutil.Process]:
    """Return the processes of this user that carry the mark, without this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == folder:
                found.append(process)
    return found


def end(folder: str) -> None:
    """End the processes of the Ray in `folder`, and remove it."""
    for process in marked(folder):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up and marked(folder):
        time.sleep(0.1)
    for process in marked(folder):
        with contextlib.suppress(psutil.Error):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
