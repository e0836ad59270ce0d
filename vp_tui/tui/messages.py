"""What workers tell the app: frozen records, each in a message of its own.

A Textual message keeps routing state and cannot be frozen itself, so the facts it carries are.
A gauge (StoreRead, StoreTrouble) may be replaced in the queue by a newer one; an answer never.
"""

from dataclasses import dataclass
from typing import Protocol

from textual.message import Message

from vp_tui.core.events import GpuSample
from vp_tui.core.store.snapshot import RunRow, RunSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """An active baseline as the screens use it."""

    name: str
    reason: str
    accuracy_key: str | None
    """Runs with this key have numbers to be held against it; None where it is pinned for its clocks alone."""
    perf_key: str | None
    """Runs with this key have clocks to be held against it."""
    run_ids: tuple[int, ...]
    """Oldest first; never empty."""
    run: RunRow
    """The newest of them."""

    def fits(self, run: RunRow) -> bool:
        """True where `run` can be held against it, in numbers or in clocks; a run is no baseline of itself."""
        numbers = self.accuracy_key is not None and self.accuracy_key == run.accuracy_key
        clocks = self.perf_key is not None and self.perf_key == run.perf_key
        return (numbers or clocks) and run.id not in self.run_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """All a screen may show, read at one moment."""

    runs: tuple[RunRow, ...] = ()
    snapshot: RunSnapshot | None = None
    """The run on the Live screen; None when there is no run."""
    idle_gpu: GpuSample | str | None = None
    """A reading outside of any run, or why there is none; None while the run's own samples are shown."""
    baselines: tuple[Pinned, ...] = ()
    """The active ones, newest first."""
    baseline: RunSnapshot | None = None
    """The newest run of the newest baseline that fits the run on the Live screen; None where none does."""

    def baseline_of(self, run: RunRow) -> Pinned | None:
        """The newest baseline that `run` can be held against."""
        return next((one for one in self.baselines if one.fits(run)), None)

    def pinned(self, run: RunRow) -> tuple[Pinned, ...]:
        """The baselines that `run` belongs to."""
        return tuple(one for one in self.baselines if run.id in one.run_ids)


class HasView(Protocol):
    """The app, for a screen that wants the newest picture and not the one it was handed."""

    view: StoreView | None


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


class OpenComparison(Message):
    """The reader wants `candidate` held against `base`: each the id of a run; a repeat stands for its group."""

    def __init__(self, base: str, candidate: str) -> None:
        super().__init__()
        self.base = base
        """A run's id, or `baseline:NAME`."""
        self.candidate = candidate


class Changed(Message):
    """Something was done to the store from a screen; the picture should be read anew at once."""
