"""All calls of the dashboard to core, in one class.

Imports are deferred to the call: SQLAlchemy takes longer to import than the first frame may take. Every method is
called from a worker thread, may block, and raises VpTuiError with a message for the user.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vp_tui.core.config import PrecisionPlan, RunConfig
from vp_tui.core.errors import StoreError, Unavailable
from vp_tui.core.events import GpuSample, SequenceResult
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.fields import Plans, Remembered, read_remembered, write_remembered
from vp_tui.tui.log_file import LogTail, read_tail

if TYPE_CHECKING:
    from vp_tui.core.report.comparison import ComparisonReport
    from vp_tui.core.runs.estimate.figures import Estimate, Estimator
    from vp_tui.core.runs.search.launch import SearchState
    from vp_tui.core.store.reader import Reader
    from vp_tui.core.store.transitions import StatusChange
    from vp_tui.tui.panels.chart_views import Compared


SNAPSHOT_POINTS = 2_000
"""Samples of one kind that a chart of several runs needs at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What is deleted with a run, in addition to its own row."""

    sequences: int
    """Rows, one per compared sequence."""
    files: int
    """Files in the folder of the run: log, embeddings."""
    bytes: int


class Backend:
    """The store at `home`, and the processes that run; tests pass a fake."""

    def __init__(self, home: Home, prepare: Callable[[], object] | None = None) -> None:
        self._home = home
        self._prepare = prepare
        self._estimator: Estimator | None = None
        self._searches: dict[str, subprocess.Popen[bytes]] = {}
        """Searches started here, by folder of the run: such a process holds its lock only after some seconds."""

    def open_reader(self) -> "Reader":
        """Return a reader for the calling thread; the first call upgrades the store."""
        if self._prepare is not None:
            self._prepare()
            self._prepare = None
        return self._reader()

    def _reader(self) -> "Reader":
        from vp_tui.core.store.reader import Reader

        return Reader(self._home)

    def read_gpu(self) -> GpuSample | Unavailable:
        from vp_tui.core.engine.gpu import read_once

        return read_once()

    def start(self, config: RunConfig) -> int:
        """Create the run and start its process; raise VpTuiError for invalid input."""
        from vp_tui.core.runs.launch import create_and_start

        return create_and_start(self._home, config)

    def judge(self, reference: str, candidate: str, fasta: str) -> int:
        """Read both sides, start a judged run and return its id; raise VpTuiError for invalid input."""
        from vp_tui.tui.commands.judged import checked

        return self.start(checked(self._home, {}, reference, candidate, fasta=fasta))

    def stop(self, run_id: int) -> None:
        """Stop the run and wait for it; blocks for seconds."""
        from vp_tui.core.runs.launch import stop

        stop(self._home, run_id)

    def search_state(self, folder: str) -> "SearchState":
        """Return what is known of the search of the run in `folder`."""
        from vp_tui.core.runs.search.launch import state_of

        process = self._searches.get(folder)
        is_alive = process is not None and process.poll() is None
        state = state_of(Path(folder))
        # what is there before the process holds its lock is of the search before
        return replace(state, is_running=True, trials=()) if is_alive and not state.is_running else state

    def start_search(
        self, run_id: int, folder: str, *, budget: int, faster: bool, pin: Sequence[str], forbid: Sequence[str]
    ) -> None:
        """Start a search in a process of its own."""
        from vp_tui.core.runs.search import launch

        arguments = launch.arguments_of(run_id, budget=budget, faster=faster, pin=pin, forbid=forbid)
        self._searches[folder] = launch.start(self._home, Path(folder), arguments)

    def accept_plan(self, run_id: int, plan: PrecisionPlan) -> int:
        """Start a run with the configuration of `run_id` and this plan; return its id."""
        from vp_tui.core.runs.launch import as_requested

        config = as_requested(RunConfig.model_validate(self.config_of(run_id)))
        return self.start(config.model_copy(update={"precision": plan.precision, "plan": plan}))

    def config_of(self, run_id: int) -> Mapping[str, Any]:
        """Return the RunConfig of a run as JSON types."""
        with self._reader() as reader:
            return reader.snapshot(run_id).config

    def remembered(self) -> Remembered:
        return read_remembered(self._home.root)

    def plans(self) -> Plans:
        """Return the stored precision plans by their names as precisions."""
        from vp_tui.core.config import PLAN_PREFIX
        from vp_tui.core.store.plans import listed

        return {f"{PLAN_PREFIX}{one.plan.name}": one.plan for one in listed(self._home)}

    def remember(self, values: Mapping[str, Any]) -> None:
        write_remembered(self._home.root, values)

    def estimate(self, config: RunConfig) -> "Estimate":
        """Return the estimate for `config`; reads the whole sequence file, unless it is known already."""
        from vp_tui.core.engine.gpu import num_visible
        from vp_tui.core.runs.estimate.figures import Estimator

        self._estimator = self._estimator or Estimator(self._home)
        return self._estimator.estimate(config, self.read_gpu(), num_visible())

    def demo_files(self) -> Mapping[str, tuple[Path, Path]]:
        """Return demo name -> checkpoint and sequences; creates missing files, which takes seconds."""
        from vp_tui.tui.commands.children import CHECKPOINT, SEQUENCES, make_demo_files

        places = make_demo_files(self._home)
        return {name: (place / CHECKPOINT, place / SEQUENCES) for name, place in places.items()}

    def history(self, query: str) -> tuple[RunRow, ...]:
        """Return the matching runs, newest first; raise UsageError for an invalid query."""
        with self._reader() as reader:
            return reader.history(query)

    def snapshots(self, run_ids: Sequence[int]) -> tuple[RunSnapshot, ...]:
        """Return the runs with their blocks, in this order."""
        with self._reader() as reader:
            return tuple(reader.snapshot(run_id, most=SNAPSHOT_POINTS) for run_id in run_ids)

    def worst(self, run_id: int, limit: int) -> tuple[SequenceResult, ...]:
        """Return the sequences with the lowest cosine, those with NaN or Inf first."""
        with self._reader() as reader:
            return reader.worst_sequences(run_id, limit)

    def compared(self, run_id: int) -> "Compared":
        """Return the compared sequences of a run: the cosine of every one by stratum, and each if they are few."""
        from vp_tui.tui.panels.chart_views import FEW, Compared

        with self._reader() as reader:
            results = reader.results(run_id)
        cosines: dict[str, list[float | None]] = {}
        for result in results:
            cosines.setdefault(result.stratum, []).append(result.cosine)
        return Compared({name: tuple(each) for name, each in cosines.items()}, results if len(results) <= FEW else ())

    def sequence(self, run_id: int, sequence_id: str) -> SequenceResult | None:
        """Return one compared sequence; None without a row."""
        with self._reader() as reader:
            return next((one for one in reader.results(run_id) if one.sequence_id == sequence_id), None)

    def letters(self, path: str, sequence_id: str) -> str | None:
        """Return the residues of a sequence as in the file; None for an unknown id.

        Reads the whole file, like the run did: ids are made unique by those before them.
        """
        from vp_tui.core.inputs import sequences

        found = sequences.read(path)
        places = {name: place for place, name in enumerate(found.ids)}
        return found.residues[places[sequence_id]].decode() if sequence_id in places else None

    def annotate(self, run_id: int, tags: Mapping[str, str], note: str | None) -> None:
        """Set the tags and the note of a run; other tags are removed."""
        from vp_tui.core.store import upkeep

        with self._reader() as reader:
            before = reader.run(run_id).tags
        for key in before.keys() - tags.keys():
            upkeep.untag(self._home, run_id, key)
        upkeep.tag(self._home, run_id, tags)
        upkeep.note(self._home, run_id, note)

    def holdings(self, run_id: int) -> Holdings:
        with self._reader() as reader:
            folder = self._home.run_folder(reader.run(run_id).uuid)
            sequences = reader.count_results(run_id)
        try:
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        except OSError as error:
            raise StoreError(f"cannot look into {folder}: {error.strerror}") from error
        return Holdings(sequences=sequences, files=len(sizes), bytes=sum(sizes))

    def delete(self, run_id: int) -> None:
        """Delete the run with its rows and files; raise UsageError for an active one or a baseline."""
        from vp_tui.core.store.upkeep import delete_run

        delete_run(self._home, run_id)

    def pin(self, run_id: int, *, name: str, reason: str) -> tuple[int, ...]:
        """Set the run, or all completed repeats of its group, as a baseline; return their ids."""
        from vp_tui.tui.commands.baselines import set_standing

        return set_standing(self._home, run_id, name=name, reason=reason).run_ids

    def unpin(self, name: str, *, reason: str) -> None:
        """Retire every active baseline of that name."""
        from vp_tui.core.store.baselines import unset_baseline

        unset_baseline(self._home, name, reason=reason)

    def compare(self, base: str, candidate: str) -> "ComparisonReport":
        """Compare `candidate` with `base` (a run's id or `baseline:NAME`)."""
        from vp_tui.core.runs import repeats
        from vp_tui.tui.commands.judging import comparison_of

        return comparison_of(self._home, lambda reader: repeats.sides(reader, base, candidate))

    def write_comparison(self, report: "ComparisonReport", format: str, path: Path) -> None:
        """Write the report to a file, completely or not at all."""
        from vp_tui.core.report import render

        render.write(path, render.rendered(report, format))

    def write_runs(self, run_ids: Sequence[int], format: str, path: Path) -> None:
        """Write runs with all measures and rows per sequence to a file."""
        from vp_tui.core.report import render, runs_export

        with self._reader() as reader:
            found = [(reader.snapshot(run_id), reader.results(run_id)) for run_id in run_ids]
        render.write(path, runs_export.exported(found, format))

    def log_tail(self, folder: str, known: LogTail | None) -> LogTail:
        """Return the end of run.log in a run's folder; `known` is the previous result."""
        return read_tail(Path(folder), known)

    def timeline(self, run_id: int) -> "tuple[StatusChange, ...]":
        """Return the status changes of a run, oldest first."""
        with self._reader() as reader:
            return reader.timeline(run_id)
