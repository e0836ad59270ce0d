"""What workers tell the app: frozen records, each in a message of its own.

A Textual message keeps routing state and cannot be frozen itself, so the facts it carries are.
A gauge (StoreRead, StoreTrouble) may be replaced in the queue by a newer one; an answer never.
"""

from dataclasses import dataclass

from textual.message import Message

from vp_tui.core.events import GpuSample
from vp_tui.core.store.snapshot import RunRow, RunSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """All a screen may show, read at one moment."""

    runs: tuple[RunRow, ...] = ()
    snapshot: RunSnapshot | None = None
    """The run on the Live screen; None when there is no run."""
    idle_gpu: GpuSample | str | None = None
    """A reading outside of any run, or why there is none; None while the run's own samples are shown."""


class StoreRead(Message):
    """The store was read and something is new."""

    def __init__(self, view: StoreView) -> None:
        super().__init__()
        self.view = view

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StoreRead)


class StoreTrouble(Message):
    """The store cannot be read at the moment; the poller keeps trying."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StoreTrouble)


class BoardShown(Message):
    """A screen came to the front, or changed size, and wants to be filled."""


class OpenRun(Message):
    """The reader chose a run for the Live screen."""

    def __init__(self, run_id: int) -> None:
        super().__init__()
        self.run_id = run_id


class StopEnded(Message):
    """Stopping a run came to an end; `error` says why it did not work."""

    def __init__(self, run_id: int, error: str | None) -> None:
        super().__init__()
        self.run_id = run_id
        self.error = error


class StartEnded(Message):
    """Starting a run came to an end: its id, or why there is none."""

    def __init__(self, run_id: int | None, error: str | None) -> None:
        super().__init__()
        self.run_id = run_id
        self.error = error
