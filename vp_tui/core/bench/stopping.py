"""Stopping early: the first signal ends the bench after the step in hand, and what was measured before stands."""

import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_S: Final = 1.0
"""A signal within this many seconds is the first one still: `timeout` sends its own twice."""


Handler = Callable[[int, FrameType | None], object]


def take_over(handler: Handler) -> dict[signal.Signals, Any]:
    """Give the signals that ask for an end to `handler`, but for ignored ones (nohup); returns what they did before."""
    taken = [name for name in _SIGNALS if signal.getsignal(name) is not signal.SIG_IGN]
    return {name: signal.signal(name, handler) for name in taken}


def give_back(before: dict[signal.Signals, Any]) -> None:
    """Let the signals do again what they did before; nothing is left in `before`."""
    while before:
        signal.signal(*before.popitem())


class Stopping:
    """Whether somebody has asked to stop; use as a context manager in the main thread.

    A second signal does what it did before all this. A signal that is ignored (nohup) stays so.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.by: str | None = None
        """The signal that asked; None: nobody has."""
        self._by_s = 0.0
        self._tell = tell
        self._before: dict[signal.Signals, Any] = {}

    def is_asked(self) -> bool:
        """Whether to go no further."""
        return self.by is not None

    def __enter__(self) -> "Stopping":
        self._before = take_over(self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_back(self._before)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.by is None:
            self.by, self._by_s = signal.Signals(number).name, time.monotonic()
            self._tell(f"{self.by}: stopping after this step; once more stops at once")
        elif time.monotonic() - self._by_s > AGAIN_S:
            give_back(self._before)
            signal.raise_signal(number)
