"""Start a search in the background, and what is known of it: for the dashboard. No torch."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vp_tui.core.runs.search import records
from vp_tui.core.runs.search.records import DEFAULT_BUDGET, Question, SearchResult, Trial
from vp_tui.core.runs.worker import start_detached, worker_command
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import is_held


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """The search of one run as it stands on the disk."""

    is_running: bool
    question: Question | None
    """None: never searched."""
    trials: tuple[Trial, ...]
    result: SearchResult | None
    last_line: str
    """Of search.log; empty when the newest search did not write one."""
    budget: int | None = None
    """Trials at most of the search that goes on; None: unknown, or none goes on."""


def arguments_of(
    run_id: int,
    *,
    budget: int = DEFAULT_BUDGET,
    faster: bool = False,
    pin: Sequence[str] = (),
    forbid: Sequence[str] = (),
) -> list[str]:
    """Return the arguments of the worker `search`."""
    flags = [f"--pin={unit}" for unit in pin] + [f"--forbid={unit}" for unit in forbid] + ["--faster"] * faster
    return ["--run", str(run_id), "--budget", str(budget), *flags]


def start(home: Home, folder: Path, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start the worker in its own session; it goes on when the dashboard is closed.

    It holds its lock some seconds later; until then only the returned process says that it runs.

    Raises RunFailedError: the process cannot be started.
    """
    return start_detached(home, worker_command("search", *arguments), folder / records.LOG, "wb")


def state_of(folder: Path) -> SearchState:
    """Return what is known of the search in a run's folder.

    Raises StoreError: files that no version of vp-tui wrote.
    """
    is_running = is_held(folder / records.LOCK)
    question, trials = records.read_trials(folder)
    return SearchState(
        is_running=is_running,
        question=question,
        trials=trials,
        result=records.read_result(folder),
        last_line=_last_line(folder),
        budget=records.read_budget(folder) if is_running else None,
    )


def _last_line(folder: Path) -> str:
    """Return the last line of search.log; empty when a search from a shell, which prints its lines, came after it."""
    log, lock = folder / records.LOG, folder / records.LOCK
    if not log.exists() or (lock.exists() and lock.stat().st_mtime_ns > log.stat().st_mtime_ns):
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else ""
