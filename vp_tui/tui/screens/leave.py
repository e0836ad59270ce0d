"""Modal questions: leave while a run is active, and stop a run."""

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.keymap import bindings
from vp_tui.tui.panels.header import run_names

Answer = Literal["leave", "stop", "stay"]
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


def stop_question(run: RunRow) -> QuestionScreen:
    """Return the question of x."""
    return QuestionScreen(
        f"Stop run #{run.id} {run_names(run)}?\nResults so far stay in the history; there will be no verdict.",
        {"stay": "esc  keep it running", "stop": "s  stop it"},
    )
