"""Start a search in the background, and what is known of it: for the dashboard. No torch."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vp_tui.core.errors import RunFailedError
from vp_tui.core.runs.search import records
from vp_tui.core.runs.search.records import DEFAULT_BUDGET, Question, SearchResult, Trial
from vp_tui.core.runs.worker import worker_command
from vp_tui.core.store.home import HOME_VARIABLE, Home
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
    """Of search.log; empty without one."""


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


def start(home: Home, folder: Path, arguments: Sequence[str]) -> None:
    """Start the worker in its own session; it goes on when the dashboard is closed.

    Raises RunFailedError: the process cannot be started.
    """
    command = worker_command("search", *arguments)
    environment = {**os.environ, HOME_VARIABLE: str(home.root), "PYTHONUNBUFFERED": "1"}
    try:
        with (folder / records.LOG).open("wb") as log:
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
            )
    except OSError as error:
        raise RunFailedError(f"cannot start {command}: {error}") from error


def state_of(folder: Path) -> SearchState:
    """Return what is known of the search in a run's folder.

    Raises StoreError: files that no version of vp-tui wrote.
    """
    question, trials = records.read_trials(folder)
    log = folder / records.LOG
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return SearchState(
        is_running=is_held(folder / records.LOCK),
        question=question,
        trials=trials,
        result=records.read_result(folder),
        last_line=lines[-1] if lines else "",
    )
