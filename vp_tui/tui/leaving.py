"""Leaving the dashboard and stopping a run: both ask first; stopping runs in a thread."""

from collections.abc import Callable
from functools import partial

from textual.app import App

from vp_tui.core.errors import ExitCode
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.screens.leave import Answer, leave_question, stop_question


class Leaving:
    """Ends the app or a run after confirmation; calls `stopped` once a run has ended."""

    def __init__(self, app: App[int], backend: Backend, stopped: Callable[[], object]) -> None:
        self._app = app
        self._backend = backend
        self._tell = stopped
        self._is_leaving = False

    def leave(self, view: StoreView | None) -> None:
        """Leave at once if no run is active or one is being stopped already; else ask."""
        runs = view.runs if view is not None else ()
        active = tuple(run for run in runs if run.is_active)
        if not active or self._is_leaving:
            self._app.exit(ExitCode.GOOD)
            return
        shown = view.snapshot.run.id if view is not None and view.snapshot else None
        run = next((run for run in active if run.id == shown), active[0])
        self._app.push_screen(leave_question(active, run), partial(self._answer_leave, run))

    def _answer_leave(self, run: RunRow, answer: Answer | None) -> None:
        if answer == "leave":
            self._app.exit(ExitCode.GOOD)
        elif answer == "stop":
            self._is_leaving = True
            self._stop(run)

    def stop(self, run: RunRow | None) -> None:
        """Ask, then stop this run."""
        if run is None or not run.is_active:
            self._app.notify("no active run is selected", severity="warning")
            return
        self._app.push_screen(stop_question(run), partial(self._answer_stop, run))

    def _answer_stop(self, run: RunRow, answer: Answer | None) -> None:
        if answer == "stop":
            self._stop(run)

    def _stop(self, run: RunRow) -> None:
        self._app.notify(f"Stopping #{run.id} {run_names(run)} ...", markup=False)
        stop = partial(self._backend.stop, run.id)
        run_job(self._app, f"stop {run.id}", stop, partial(self._stopped, run.id), partial(self._not_stopped, run.id))

    def _stopped(self, run_id: int, _: None) -> None:
        if self._is_leaving:
            self._app.exit(ExitCode.GOOD)
            return
        self._app.notify(f"#{run_id} stopped")
        self._tell()

    def _not_stopped(self, run_id: int, words: str) -> None:
        self._is_leaving = False
        self._app.notify(words, title=f"#{run_id} was not stopped", severity="error", markup=False)
