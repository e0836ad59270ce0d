"""All the dashboard asks of core, in one small class.

Imports are deferred to the call: SQLAlchemy takes longer to import than the first frame may take,
and every call here comes from a worker thread.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from vp_tui.core.config import RunConfig
from vp_tui.core.events import GpuSample
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow, RunSnapshot


class StoreReader(Protocol):
    """The part of core.store.reader.Reader the screen uses."""

    def data_version(self) -> int: ...
    def runs(self, limit: int = 500) -> tuple[RunRow, ...]: ...
    def latest_run_id(self) -> int | None: ...
    def snapshot(self, run_id: int, *, since: RunSnapshot | None = None) -> RunSnapshot: ...


OpenReader = Callable[[], AbstractContextManager[StoreReader]]


class Backend(Protocol):
    """What the app needs; tests hand in a fake."""

    def open_reader(self) -> AbstractContextManager[StoreReader]: ...
    def read_gpu(self) -> GpuSample | str: ...
    def start(self, config: RunConfig) -> int: ...
    def stop(self, run_id: int) -> None: ...


class CoreBackend:
    """The real one, over the store at `home`."""

    def __init__(self, home: Home, prepare: Callable[[], object] | None = None) -> None:
        self._home = home
        self._prepare = prepare

    def open_reader(self) -> AbstractContextManager[StoreReader]:
        """A reader for the calling thread; the first one after the store is brought up to date."""
        from vp_tui.core.store.reader import Reader

        if self._prepare is not None:
            self._prepare()
            self._prepare = None
        return Reader(self._home)

    def read_gpu(self) -> GpuSample | str:
        """One reading of the GPU, or the reason why there is none."""
        from vp_tui.core.gpu import read_once

        return read_once()

    def start(self, config: RunConfig) -> int:
        """Create the run and start its process; raises VpTuiError for bad input."""
        from vp_tui.core.launch import create_and_start

        return create_and_start(self._home, config)

    def stop(self, run_id: int) -> None:
        """Ask the run to stop and wait for it; blocks for seconds."""
        from vp_tui.core.launch import stop

        stop(self._home, run_id)
