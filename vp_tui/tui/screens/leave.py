"""Leaving the dashboard and stopping a run: both ask first; stopping runs in a thread."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label

from vp_tui.core import text as fmt
from vp_tui.core.errors import ExitCode
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.header import run_names

Answer = Literal["leave", "stop", "start", "stay"]
MOST = 5
"""Active runs listed by name; a queue may be long."""


class QuestionScreen(ModalScreen[Answer]):
    """A sentence and its answers as buttons; each answer has a key too."""

    BINDINGS = bindings("question")

    def __init__(self, text: str, answers: dict[Answer, str]) -> None:
        super().__init__()
        self._text = text
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._text, markup=False)
            with Horizontal(classes="buttons"):
                for answer, words in self._answers.items():
                    yield Button(words, id=answer, compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_choose(str(event.button.id))

    def action_choose(self, answer: str) -> None:
        """Dismiss with the answer; ignore one that is not offered."""
        for offered in self._answers:
            if offered == answer:
                self.dismiss(offered)


def start_question(seconds: float) -> QuestionScreen:
    """Return the question before a run that is estimated to take long."""
    text = f"This run is estimated to take {fmt.duration(seconds)} of encoding.\nStart it?"
    return QuestionScreen(text, {"start": "y  start it", "stay": "esc  back to the form"})


def leave_question(active: tuple[RunRow, ...], run: RunRow) -> QuestionScreen:
    """Return the question of q while a run is active; `run` is the one that `stop` stops."""
    if len(active) == 1:
        return QuestionScreen(
            f"Run #{run.id} {run_names(run)} is {run.status}.\n"
            "It runs in its own process and continues without this dashboard.",
            {"leave": "l  leave it running", "stop": "s  stop it", "stay": "esc  stay"},
        )
    named = "\n".join(f"  #{one.id} {run_names(one)}: {one.status}" for one in active[:MOST])
    more = f"\n  and {len(active) - MOST} more" if len(active) > MOST else ""
    return QuestionScreen(
        f"{len(active)} runs are active:\n{named}{more}\nThey continue without this dashboard.",
        {"leave": "l  leave all running", "stop": f"s  stop only #{run.id}", "stay": "esc  stay"},
    )


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
        self._app.push_screen(leave_question(active, run), partial(self._answer, run, True))

    def stop(self, run: RunRow | None) -> None:
        if run is None or not run.is_active:
            self._app.notify("no active run is selected", severity="warning")
            return
        text = f"Stop run #{run.id} {run_names(run)}?\nResults so far stay in the history; there will be no verdict."
        question = QuestionScreen(text, {"stay": "esc  keep it running", "stop": "s  stop it"})
        self._app.push_screen(question, partial(self._answer, run, False))

    def _answer(self, run: RunRow, is_leaving: bool, answer: Answer | None) -> None:
        if answer == "leave":
            self._app.exit(ExitCode.GOOD)
        elif answer == "stop":
            self._is_leaving = self._is_leaving or is_leaving
            self._app.notify(f"Stopping #{run.id} {run_names(run)} ...", markup=False)
            stop, done = partial(self._backend.stop, run.id), partial(self._stopped, run.id)
            run_job(self._app, f"stop {run.id}", stop, done, partial(self._not_stopped, run.id))

    def _stopped(self, run_id: int, _: None) -> None:
        if self._is_leaving:
            self._app.exit(ExitCode.GOOD)
            return
        self._app.notify(f"#{run_id} stopped")
        self._tell()

    def _not_stopped(self, run_id: int, words: str) -> None:
        self._is_leaving = False
        self._app.notify(words, title=f"#{run_id} was not stopped", severity="error", markup=False)
