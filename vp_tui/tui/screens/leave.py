"""Modal questions: what to do with an active run when leaving, and whether to stop one."""

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
"""Active runs that are named; a queue may be long."""


class Question(ModalScreen[Answer]):
    """A sentence and its answers as buttons; each answer has its letter too."""

    BINDINGS = bindings("question")

    def __init__(self, text: str, answers: dict[Answer, str]) -> None:
        super().__init__()
        self._text = text
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The sentence above the buttons; the first answer has the focus."""
        with Vertical(classes="dialog"):
            yield Label(self._text, markup=False)
            with Horizontal(classes="buttons"):
                for answer, words in self._answers.items():
                    yield Button(words, id=answer, compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """By enter or by mouse."""
        self.action_choose(str(event.button.id))

    def action_choose(self, answer: str) -> None:
        """Letters of answers that are not offered do nothing."""
        for offered in self._answers:
            if offered == answer:
                self.dismiss(offered)


def leave_question(active: tuple[RunRow, ...], run: RunRow) -> Question:
    """Asked on q while a run is active; `run` is the one that stop would stop."""
    if len(active) == 1:
        return Question(
            f"Run #{run.id} {run_names(run)} is {run.status}.\n"
            "It is a process of its own and goes on without this screen.",
            {"leave": "l  leave it running", "stop": "s  stop it", "stay": "esc  stay"},
        )
    named = "\n".join(f"  #{one.id} {run_names(one)}: {one.status}" for one in active[:MOST])
    more = f"\n  and {len(active) - MOST} more" if len(active) > MOST else ""
    return Question(
        f"{len(active)} runs are active:\n{named}{more}\nEach is a process of its own and goes on without this screen.",
        {"leave": "l  leave all running", "stop": f"s  stop only #{run.id}", "stay": "esc  stay"},
    )


def stop_question(run: RunRow) -> Question:
    """Asked on x."""
    return Question(
        f"Stop run #{run.id} {run_names(run)}?\n"
        "What is compared so far stays in the history; there will be no verdict.",
        {"stay": "esc  keep it running", "stop": "s  stop it"},
    )
