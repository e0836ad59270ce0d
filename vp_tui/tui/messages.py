"""Messages to the app, and the frozen records they carry.

A Textual message keeps routing state and cannot be frozen itself. A newer StoreRead or StoreTrouble may replace an
older one in the queue; no other message is ever replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from textual.dom import DOMNode
from textual.message import Message

from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.backend import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """An active baseline as the screens use it."""

    name: str
    reason: str
    accuracy_key: str | None
    """Runs with this key have comparable accuracy; None: it is a baseline for performance only."""
    perf_key: str | None
    """Runs with this key have comparable performance."""
    run_ids: tuple[int, ...]
    """Oldest first; never empty."""
    run: RunRow
    """The newest of them."""

    def fits(self, run: RunRow) -> bool:
        """Return True for a run that can be compared with it; a run is not a baseline of itself."""
        return self.shares_key(run) and run.id not in self.run_ids

    def shares_key(self, run: RunRow) -> bool:
        """Return True for a run of the same accuracy key or the same performance key."""
        accuracy = self.accuracy_key is not None and self.accuracy_key == run.accuracy_key
        return accuracy or (self.perf_key is not None and self.perf_key == run.perf_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """Everything the screens show, read at one moment."""

    runs: tuple[RunRow, ...] = ()
    snapshot: RunSnapshot | None = None
    """The run on the Live screen; None when there is no run."""
    idle_gpu: GpuSample | Unavailable | None = None
    """A reading while no run is active; None while the run's own samples are shown."""
    baselines: tuple[Pinned, ...] = ()
    """The active ones, newest first."""
    baseline: RunSnapshot | None = None
    """Newest run of the newest baseline that fits the run on the Live screen; None if none fits."""

    def baseline_of(self, run: RunRow) -> Pinned | None:
        """Return the newest baseline that `run` can be compared with."""
        return next((one for one in self.baselines if one.fits(run)), None)

    def pinned(self, run: RunRow) -> tuple[Pinned, ...]:
        """Return the baselines that `run` belongs to."""
        return tuple(one for one in self.baselines if run.id in one.run_ids)


class Dashboard(Protocol):
    """The app, as its screens use it."""

    backend: Backend
    """Its methods block, so call them through run_job."""
    home: Home
    view: StoreView | None
    can_go_back: bool
    """There is a screen that opened this one."""
    moved: Mapping[str, str]
    """The user's own keys, by id."""


def dashboard(node: DOMNode) -> Dashboard:
    """Return the app of a screen or widget."""
    return cast(Dashboard, node.app)


class _Replacing(Message):
    def can_replace(self, message: Message) -> bool:
        return isinstance(message, type(self))


@dataclass
class StoreRead(_Replacing):
    """The store was read and something is new."""

    view: StoreView


@dataclass
class StoreTrouble(_Replacing):
    """The store cannot be read at the moment; the poller retries."""

    text: str


class MainScreenShown(Message):
    """A main screen came to the front or was resized, and must be filled."""


@dataclass
class OpenRun(Message):
    """Show a run on the Live screen."""

    run_id: int


@dataclass
class OpenComparison(Message):
    """Compare `candidate` with `base`; a repeat stands for its group."""

    base: str
    """Id of a run, or `baseline:NAME`."""
    candidate: str


class Changed(Message):
    """A screen has written to the store: read it again now."""
