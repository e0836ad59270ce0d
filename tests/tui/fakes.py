"""A store and a launcher made of plain values, for the screen's tests."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vp_tui.core.config import PrecisionPlan, RunConfig
from vp_tui.core.errors import (
    InputError,
    ResourceError,
    RunNotFoundError,
    StoreError,
    Unavailable,
    UsageError,
    VpTuiError,
)
from vp_tui.core.events import GpuSample, SequenceResult
from vp_tui.core.runs.estimate.figures import Estimate
from vp_tui.core.runs.search.launch import SearchState
from vp_tui.core.store.baselines import Baseline
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.store.transitions import StatusChange
from vp_tui.tui.backend import Holdings
from vp_tui.tui.fields import Remembered
from vp_tui.tui.log_file import LogTail, read_tail
from vp_tui.tui.panels.chart_views import FEW, Compared

NOT_SEARCHED = SearchState(is_running=False, question=None, trials=(), result=None, last_line="")
NO_GPU = Unavailable("no NVIDIA driver on this machine")


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

    def snapshot(self, run_id: int, *, since: RunSnapshot | None = None, most: int | None = None) -> RunSnapshot:
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

    def __init__(self, store: FakeStore, *, refuse: str | None = None, gpu: GpuSample | Unavailable = NO_GPU) -> None:
        self.store = store
        self.started: list[RunConfig] = []
        self.stopped: list[int] = []
        self.refuse = refuse
        self.gpu = gpu
        self.changes: tuple[StatusChange, ...] = ()
        self.reader_threads: set[str] = set()
        self.results: dict[int, tuple[SequenceResult, ...]] = {}
        """By run: its compared sequences, worst first."""
        self.residues: dict[str, str] | str = {}
        """By id: the letters of the input file; a text is the words of an error."""
        self.calls: list[tuple[Any, ...]] = []
        """What was written, in order: the method's name and its arguments."""
        self.answers: dict[str, tuple[RunRow, ...] | str] = {}
        """By query: the runs that match, or the words of a UsageError."""
        self.last_values = Remembered()
        self.estimated: list[RunConfig] = []
        self.estimates: Callable[[RunConfig], Estimate] | str = "no estimate in this test"
        self.searched: SearchState | str = NOT_SEARCHED
        """Of every run; a text is the words of a StoreError."""
        self.demos: Callable[[], Mapping[str, tuple[Path, Path]]] | str = "no demo in this test"

    @contextmanager
    def open_reader(self) -> Iterator[FakeStore]:
        self.reader_threads.add(threading.current_thread().name)
        yield self.store

    def read_gpu(self) -> GpuSample | Unavailable:
        return self.gpu

    def start(self, config: RunConfig) -> int:
        if self.refuse:
            raise VpTuiError(self.refuse)
        self.started.append(config)
        return 43

    def judge(self, reference: str, candidate: str, fasta: str) -> int:
        self._write("judge", reference, candidate, fasta)
        return 43

    def stop(self, run_id: int) -> None:
        if self.refuse:
            raise VpTuiError(self.refuse)
        self.stopped.append(run_id)

    def config_of(self, run_id: int) -> Mapping[str, Any]:
        return self.store.snapshot(run_id).config

    def remembered(self) -> Remembered:
        return self.last_values

    def plans(self) -> dict[str, PrecisionPlan]:
        return {}

    def remember(self, values: Mapping[str, Any]) -> None:
        self._write("remember", dict(values))

    def estimate(self, config: RunConfig) -> Estimate:
        self.estimated.append(config)
        if isinstance(self.estimates, str):
            raise InputError(self.estimates)
        return self.estimates(config)

    def demo_files(self) -> Mapping[str, tuple[Path, Path]]:
        if isinstance(self.demos, str):
            raise ResourceError(self.demos)
        return self.demos()

    def search_state(self, folder: str) -> SearchState:
        if isinstance(self.searched, str):
            raise StoreError(self.searched)
        return self.searched

    def start_search(self, run_id: int, folder: str, **asked: Any) -> None:
        self._write("start_search", run_id, asked)

    def accept_plan(self, run_id: int, plan: PrecisionPlan) -> int:
        self._write("accept_plan", run_id, plan)
        return 43

    def log_tail(self, folder: str, known: LogTail | None) -> LogTail:
        return read_tail(Path(folder), known)

    def timeline(self, run_id: int) -> tuple[StatusChange, ...]:
        return self.changes

    def history(self, query: str) -> tuple[RunRow, ...]:
        self.calls.append(("history", query))
        answer = self.answers.get(query, ())
        if isinstance(answer, str):
            raise UsageError(answer)
        return answer

    def snapshots(self, run_ids: Sequence[int]) -> tuple[RunSnapshot, ...]:
        return tuple(self.store.snapshot(run_id) for run_id in run_ids)

    def worst(self, run_id: int, limit: int) -> tuple[SequenceResult, ...]:
        self.calls.append(("worst", run_id, limit))
        if self.refuse:
            raise VpTuiError(self.refuse)
        return self.results.get(run_id, ())[:limit]

    def compared(self, run_id: int) -> Compared:
        self.calls.append(("compared", run_id))
        if self.refuse:
            raise VpTuiError(self.refuse)
        results = self.results.get(run_id, ())
        cosines: dict[str, tuple[float | None, ...]] = {}
        for result in results:
            cosines[result.stratum] = (*cosines.get(result.stratum, ()), result.cosine)
        return Compared(cosines, results if len(results) <= FEW else ())

    def sequence(self, run_id: int, sequence_id: str) -> SequenceResult | None:
        return next((one for one in self.results.get(run_id, ()) if one.sequence_id == sequence_id), None)

    def letters(self, path: str, sequence_id: str) -> str | None:
        self.calls.append(("letters", path, sequence_id))
        if isinstance(self.residues, str):
            raise InputError(self.residues)
        return self.residues.get(sequence_id)

    def annotate(self, run_id: int, tags: Mapping[str, str], note: str | None) -> None:
        self._write("annotate", run_id, dict(tags), note)

    def holdings(self, run_id: int) -> Holdings:
        return Holdings(sequences=30, files=2, bytes=2048)

    def delete(self, run_id: int) -> None:
        self._write("delete", run_id)

    def pin(self, run_id: int, *, name: str, reason: str) -> tuple[int, ...]:
        self._write("pin", run_id, name, reason)
        return (run_id,)

    def unpin(self, name: str, *, reason: str) -> None:
        self._write("unpin", name, reason)

    def write_runs(self, run_ids: Sequence[int], format: str, path: Path) -> None:
        self._write("write_runs", tuple(run_ids), format, path)

    def compare(self, base: str, candidate: str) -> Any:
        """There are no rows to compare here: always an error."""
        raise VpTuiError(self.refuse or f"no run {base}")

    def _write(self, *call: Any) -> None:
        if self.refuse:
            raise VpTuiError(self.refuse)
        self.calls.append(call)
