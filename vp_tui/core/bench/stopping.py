"""Early stop: the first signal ends the bench after the current step and keeps the results."""

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_S: Final = 1.0
"""A second signal within this time is ignored: `timeout` sends its own twice."""


Handler = Callable[[int, FrameType | None], object]


def take_over(handler: Handler) -> dict[signal.Signals, Any]:
    """Install `handler` for SIGINT, SIGTERM and SIGHUP unless ignored (nohup); return the previous handlers."""
    taken = [name for name in _SIGNALS if signal.getsignal(name) is not signal.SIG_IGN]
    return {name: signal.signal(name, handler) for name in taken}


def give_back(before: dict[signal.Signals, Any]) -> None:
    """Restore the previous handlers and empty `before`."""
    while before:
        signal.signal(*before.popitem())


class Stopping:
    """Stop request by signal; use as a context manager in the main thread.

    A second signal has its previous effect. An ignored signal (nohup) stays ignored.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self.by: str | None = None
        """Name of the signal, or None."""
        self._by_s = 0.0
        self._log = log
        self._before: dict[signal.Signals, Any] = {}

    def is_asked(self) -> bool:
        return self.by is not None

    def __enter__(self) -> "Stopping":
        self._before = take_over(self._take)
        return self

    def __exit__(self, *_: object) -> None:
        give_back(self._before)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.by is None:
            self.by, self._by_s = signal.Signals(number).name, time.monotonic()
            self._log(f"{self.by}: stopping after this step; repeat to stop at once")
        elif time.monotonic() - self._by_s > AGAIN_S:
            give_back(self._before)
            signal.raise_signal(number)
