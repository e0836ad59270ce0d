"""The end of the dashboard by a signal, also where its event loop is blocked.

Textual installs no handlers. On a closed terminal its writer thread ends at the next write, nobody empties the queue of
that thread, and the loop waits for room in it for ever, in a write or while it leaves: a handler of the loop would not
run, or leaving would not end.
"""

import os
import signal
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from types import FrameType
from typing import Final

from vp_tui.core.errors import ExitCode

SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM)
GRACE_S: Final = 5.0
"""To leave in; more than ten times what a busy machine takes."""


def on_signals(loop: AbstractEventLoop, leave: Callable[[], object]) -> None:
    """Call `leave` in the loop when a signal arrives, and end the process when that has not ended it in time."""
    read_fd, write_fd = os.pipe()

    def signalled(_number: int, _frame: FrameType | None) -> None:
        # nothing here takes a lock that the interrupted code may hold
        os.write(write_fd, b"!")
        loop.call_soon_threadsafe(leave)

    def end() -> None:
        os.read(read_fd, 1)
        time.sleep(GRACE_S)
        os._exit(ExitCode.INTERRUPTED)

    threading.Thread(target=end, daemon=True, name="ending").start()
    for number in SIGNALS:
        signal.signal(number, signalled)
