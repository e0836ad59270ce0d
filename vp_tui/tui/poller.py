"""Thread that polls the store and posts one immutable view whenever something changed.

`PRAGMA data_version` costs 0.1 ms, so it is read four times a second; rows are read only when it changed, when another
run was selected, or, while a run is active, every two seconds: a killed run commits nothing more, and only a new check
of its process turns it into `interrupted` on the screen.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from vp_tui.core.errors import DamagedRowError, RunNotFoundError, Unavailable, VpTuiError
from vp_tui.core.events import GpuSample
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.messages import Pinned, StoreRead, StoreTrouble, StoreView

if TYPE_CHECKING:
    from vp_tui.core.store.baselines import Baseline
    from vp_tui.core.store.reader import Reader


POLL_S = 0.25
PACE_S = 0.5
"""Between two views while a run streams: nobody reads faster, and each view costs bytes over SSH."""
REREAD_S = 2.0
RETRY_S = 1.0
MOST = 2_000
"""Samples of one kind: a chart has at most a few hundred columns, and a run may last a day."""


class Poller:
    """Follow the store until cancelled or closed; all but `follow` may be called from any thread.

    `clock` and `rest` (seconds to wait for the next poll) are those of a test.
    """

    def __init__(
        self,
        *,
        open_reader: "Callable[[], Reader]",
        read_gpu: Callable[[], GpuSample | Unavailable],
        run_id: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        self._open_reader = open_reader
        self._read_gpu = read_gpu
        self._wanted = run_id
        self._clock = clock
        self._rest = rest or self._wait
        self._wake = threading.Event()
        self._last: StoreView | None = None
        self._gpu_due = 0.0
        self._damaged: str | None = None
        """Why the chosen run cannot be shown."""
        self._is_closed = False

    def choose(self, run_id: int) -> None:
        self._wanted = run_id
        self._wake.set()

    def wake(self) -> None:
        self._wake.set()

    def close(self) -> None:
        """End the thread now: the app waits for it."""
        self._is_closed = True
        self._wake.set()

    def follow(self, post: Callable[[Message], object], is_cancelled: Callable[[], bool]) -> None:
        """Run the thread: an error of the store or of a run in it is posted, and reading is retried."""

        def is_over() -> bool:
            return self._is_closed or is_cancelled()

        while not is_over():
            try:
                with self._open_reader() as reader:
                    self._last = None
                    self._watch(reader, post, is_over)
            except VpTuiError as error:
                post(StoreTrouble(str(error)))
                self._rest(RETRY_S)

    def _watch(
        self,
        reader: "Reader",
        post: Callable[[Message], object],
        is_over: Callable[[], bool],
    ) -> None:
        seen: tuple[int, int | None] | None = None
        read_at = 0.0
        while not is_over():
            # the version is read before the rows: a commit in between is seen by the next turn
            state = (reader.data_version(), self._wanted)
            view = self._last
            if view is None or state != seen or self._is_stale(view, read_at):
                view = self._read(reader)
                seen, read_at = state, self._clock()
            elif view.idle_gpu is not None:
                view = replace(view, idle_gpu=self._read_idle_gpu(view.snapshot))
            if view != self._last:
                self._last = view
                post(StoreRead(view))
                if self._damaged is not None:
                    post(StoreTrouble(self._damaged))
                self._rest(PACE_S)
            else:
                self._rest(POLL_S)

    def _is_stale(self, view: StoreView, read_at: float) -> bool:
        return self._clock() - read_at >= REREAD_S and any(run.is_active for run in view.runs)

    def _read(self, reader: "Reader") -> StoreView:
        runs = reader.runs()
        snapshot = self._read_snapshot(reader, runs)
        baselines = pinned(reader, runs)
        view = StoreView(runs=runs, snapshot=snapshot, idle_gpu=self._read_idle_gpu(snapshot), baselines=baselines)
        fitting = view.baseline_of(snapshot.run) if snapshot is not None else None
        return replace(view, baseline=self._read_baseline(reader, fitting)) if fitting is not None else view

    def _read_baseline(self, reader: "Reader", fitting: Pinned) -> RunSnapshot | None:
        """Return the baseline's newest run, read once: a finished run does not change. None: deleted, or damaged."""
        before = self._last.baseline if self._last else None
        if before is not None and before.run == fitting.run:
            return before
        try:
            return reader.snapshot(fitting.run.id, most=MOST)
        except (RunNotFoundError, DamagedRowError):
            return None

    def _read_snapshot(self, reader: "Reader", runs: tuple[RunRow, ...]) -> RunSnapshot | None:
        previous = self._last.snapshot if self._last else None
        shown = previous.run.id if previous else None
        run_id = self._wanted if self._wanted is not None else _most_interesting(runs, shown)
        if run_id is None:
            return None
        since = previous if previous is not None and previous.run.id == run_id else None
        self._damaged = None
        try:
            return reader.snapshot(run_id, since=since, most=MOST)
        except DamagedRowError as error:
            # the history and all other runs can be shown
            self._damaged = str(error)
            return None
        except RunNotFoundError:
            # deleted by another process between two reads
            if self._wanted is None:
                return None
            self._wanted = None
            return self._read_snapshot(reader, runs)

    def _read_idle_gpu(self, snapshot: RunSnapshot | None) -> GpuSample | Unavailable | None:
        if snapshot is not None and snapshot.run.is_active:
            return None
        if self._last is not None and self._last.idle_gpu is not None and self._clock() < self._gpu_due:
            return self._last.idle_gpu
        self._gpu_due = self._clock() + REREAD_S
        return self._read_gpu()

    def _wait(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()


def _most_interesting(runs: tuple[RunRow, ...], shown: int | None) -> int | None:
    """Return the newest active run, else the one on the screen, which has just ended, else the newest."""
    active = next((run.id for run in runs if run.is_active), None)
    if active is not None or not runs:
        return active
    return shown if any(run.id == shown for run in runs) else runs[0].id


def pinned(reader: "Reader", runs: tuple[RunRow, ...]) -> tuple[Pinned, ...]:
    """Return those whose runs still exist, newest first; `runs` are rows that have been read already."""
    found: dict[tuple[str, tuple[int, ...]], dict[str, Baseline]] = {}
    for one in reader.baselines(active=True):
        if one.run_ids:
            found.setdefault((one.name, one.run_ids), {})[one.key_kind] = one
    every = (_pinned(reader, runs, kinds) for kinds in found.values())
    return tuple(one for one in every if one is not None)


def _pinned(reader: "Reader", runs: tuple[RunRow, ...], kinds: "dict[str, Baseline]") -> Pinned | None:
    one = next(iter(kinds.values()))
    newest = one.run_ids[-1]
    row = next((run for run in runs if run.id == newest), None)
    if row is None:
        try:
            row = reader.run(newest)
        except RunNotFoundError:
            # deleted by another process after the baselines were read
            return None
    keys = {kind: baseline.key for kind, baseline in kinds.items()}
    return Pinned(
        name=one.name,
        reason=one.reason,
        accuracy_key=keys.get("accuracy"),
        perf_key=keys.get("perf"),
        run_ids=one.run_ids,
        run=row,
    )
