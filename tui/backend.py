"""All the dashboard asks of core, in one small class.

Imports are deferred to the call: SQLAlchemy takes longer to import than the first frame may take. Every call here
comes from a worker thread, may block, and raises VpTuiError with words for the reader.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vp_tui.core.config import RunConfig
from vp_tui.core.events import GpuSample, SequenceResult
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

if TYPE_CHECKING:
    from vp_tui.core.report.comparison import ComparisonReport
    from vp_tui.core.store.baselines import Baseline


class StoreReader(Protocol):
    """The part of core.store.reader.Reader the poller uses."""

    def data_version(self) -> int: ...
    def runs(self, limit: int = 500) -> tuple[RunRow, ...]: ...
    def run(self, run_id: int) -> RunRow: ...
    def latest_run_id(self) -> int | None: ...
    def snapshot(self, run_id: int, *, since: RunSnapshot | None = None) -> RunSnapshot: ...
    def baselines(self, *, active: bool = False) -> "tuple[Baseline, ...]": ...


OpenReader = Callable[[], AbstractContextManager[StoreReader]]


class Backend(Protocol):
    """What the app needs; tests hand in a fake."""

    def open_reader(self) -> AbstractContextManager[StoreReader]: ...
    def read_gpu(self) -> GpuSample | str: ...
    def start(self, config: RunConfig) -> int: ...
    def stop(self, run_id: int) -> None: ...
    def config_of(self, run_id: int) -> Mapping[str, Any]: ...
    def history(self, query: str) -> tuple[RunRow, ...]: ...
    def worst(self, run_id: int, limit: int) -> tuple[SequenceResult, ...]: ...
    def annotate(self, run_id: int, tags: Mapping[str, str], note: str | None) -> None: ...
    def delete(self, run_id: int) -> None: ...
    def pin(self, run_id: int, *, name: str, reason: str) -> tuple[int, ...]: ...
    def unpin(self, name: str, *, reason: str) -> None: ...
    def compare(self, base: str, candidate: str) -> "ComparisonReport": ...
    def write_comparison(self, report: "ComparisonReport", format: str, path: Path, *, everything: bool) -> None: ...
    def write_runs(self, run_ids: Sequence[int], format: str, path: Path) -> None: ...


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

    def config_of(self, run_id: int) -> Mapping[str, Any]:
        """A run's RunConfig as JSON types."""
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            return reader.snapshot(run_id).config

    def history(self, query: str) -> tuple[RunRow, ...]:
        """The runs that match, newest first; UsageError says where a query is wrong."""
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            return reader.history(query)

    def worst(self, run_id: int, limit: int) -> tuple[SequenceResult, ...]:
        """The sequences with the lowest cosine, those without one first."""
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            return reader.worst_sequences(run_id, limit)

    def annotate(self, run_id: int, tags: Mapping[str, str], note: str | None) -> None:
        """Make these the run's tags and its note; tags that are not among them go."""
        from vp_tui.core.store import upkeep
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            before = reader.run(run_id).tags
        for key in before.keys() - tags.keys():
            upkeep.untag(self._home, run_id, key)
        upkeep.tag(self._home, run_id, tags)
        upkeep.note(self._home, run_id, note)

    def delete(self, run_id: int) -> None:
        """The run with all its rows and files; UsageError for an active one and for a baseline."""
        from vp_tui.core.store.upkeep import delete_run

        delete_run(self._home, run_id)

    def pin(self, run_id: int, *, name: str, reason: str) -> tuple[int, ...]:
        """Pin the run, or all completed repeats of its group; returns what is pinned."""
        from vp_tui.core import repeats
        from vp_tui.core.store.baselines import set_baseline
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            run_ids = repeats.standing_for(reader, run_id)
        pinned = set_baseline(self._home, run_ids, name=name, reason=reason, by=os.environ.get("USER") or "user")
        return pinned[0].run_ids

    def unpin(self, name: str, *, reason: str) -> None:
        """Give up every active baseline of that name."""
        from vp_tui.core.store.baselines import unset_baseline

        unset_baseline(self._home, name, reason=reason)

    def compare(self, base: str, candidate: str) -> "ComparisonReport":
        """Hold `candidate` against `base` (a run's id or `baseline:NAME`), and keep the comparison in the store."""
        from vp_tui.core import repeats
        from vp_tui.core.report import comparison
        from vp_tui.core.store.comparisons import write_comparison
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            chosen = repeats.sides(reader, base, candidate)
            report = comparison.build(reader, chosen.base_ids, chosen.cand_ids)
            kept = repeats.record(reader, report.comparison, chosen)
        write_comparison(self._home, kept)
        return report

    def write_comparison(self, report: "ComparisonReport", format: str, path: Path, *, everything: bool) -> None:
        """The report as a file, whole or not at all."""
        from vp_tui.core.report import render

        render.write(path, render.rendered(report, format, everything=everything))

    def write_runs(self, run_ids: Sequence[int], format: str, path: Path) -> None:
        """Runs with all measures and their rows per sequence as a file."""
        from vp_tui.core.report import render, runs_export
        from vp_tui.core.store.reader import Reader

        with Reader(self._home) as reader:
            found = [(reader.snapshot(run_id), reader.results(run_id)) for run_id in run_ids]
        render.write(path, runs_export.exported(found, format))
