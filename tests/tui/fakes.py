"""A store and a launcher made of plain values, for the screen's tests."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import RunNotFoundError, StoreError, VpTuiError
from vp_tui.core.events import GpuSample
from vp_tui.core.store.baselines import Baseline
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

NO_GPU = "no NVIDIA driver on this machine"


class FakeStore:
    """Holds what a test puts in; every change moves the version, as a commit would."""

    def __init__(self, *snapshots: RunSnapshot, rows: tuple[RunRow, ...] = ()) -> None:
        self._snapshots = {one.run.id: one for one in snapshots}
        self._rows = rows
        self._version = 1
        self.trouble: str | None = None
        self.pinned: tuple[Baseline, ...] = ()
        self.num_reads = 0

    def put(self, snapshot: RunSnapshot) -> None:
        self._snapshots[snapshot.run.id] = snapshot
        self._version += 1

    def put_silently(self, snapshot: RunSnapshot) -> None:
        """As when a process dies: the derived status changes, and nobody commits."""
        self._snapshots[snapshot.run.id] = snapshot

    def touch(self) -> None:
        self._version += 1

    def _check(self) -> None:
        if self.trouble:
            raise StoreError(self.trouble)

    def data_version(self) -> int:
        self._check()
        return self._version

    def runs(self, limit: int = 500) -> tuple[RunRow, ...]:
        self._check()
        self.num_reads += 1
        own = {one.run.id: one.run for one in self._snapshots.values()}
        every = {run.id: run for run in self._rows} | own
        return tuple(every[key] for key in sorted(every, reverse=True))[:limit]

    def latest_run_id(self) -> int | None:
        return max(self._snapshots, default=None)

    def snapshot(self, run_id: int, *, since: RunSnapshot | None = None) -> RunSnapshot:
        self._check()
        if run_id not in self._snapshots:
            raise RunNotFoundError(f"no run {run_id}")
        return self._snapshots[run_id]

    def run(self, run_id: int) -> RunRow:
        return next((run for run in self.runs() if run.id == run_id), None) or self.snapshot(run_id).run

    def baselines(self, *, active: bool = False) -> tuple[Baseline, ...]:
        self._check()
        return self.pinned


class FakeBackend:
    """The app's whole world."""

    def __init__(self, store: FakeStore, *, refuse: str | None = None, gpu: GpuSample | str = NO_GPU) -> None:
        self.store = store
        self.started: list[RunConfig] = []
        self.stopped: list[int] = []
        self.refuse = refuse
        self.gpu = gpu
        self.reader_threads: set[str] = set()

    @contextmanager
    def open_reader(self) -> Iterator[FakeStore]:
        self.reader_threads.add(threading.current_thread().name)
        yield self.store

    def read_gpu(self) -> GpuSample | str:
        return self.gpu

    def start(self, config: RunConfig) -> int:
        if self.refuse:
            raise VpTuiError(self.refuse)
        self.started.append(config)
        return 43

    def stop(self, run_id: int) -> None:
        if self.refuse:
            raise VpTuiError(self.refuse)
        self.stopped.append(run_id)

    def config_of(self, run_id: int) -> Mapping[str, Any]:
        return self.store.snapshot(run_id).config
