"""Form in which the columns of the history are chosen; kept for the session."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label, OptionList
from textual.widgets.option_list import Option

from vp_tui.tui.keymap import bindings
from vp_tui.tui.panels.runs_columns import COLUMNS, NAME

FREE = tuple(column.title for column in COLUMNS if column.title not in {"id", NAME})
"""Columns that can be left out."""


class ColumnList(OptionList):
    """One line per column, with a mark that needs no colour."""

    BINDINGS = bindings("columns")

    def __init__(self, marked: Sequence[str]) -> None:
        self._marked = set(marked)
        super().__init__(*map(self._option, FREE), markup=False, compact=True)

    @property
    def marked(self) -> tuple[str, ...]:
        return tuple(title for title in FREE if title in self._marked)

    def _option(self, title: str) -> Option:
        return Option(f"[{'x' if title in self._marked else ' '}] {title}", id=title)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        title = FREE[event.option_index]
        self._marked ^= {title}
        self.replace_option_prompt(title, str(self._option(title).prompt))


class ColumnsScreen(ModalScreen[tuple[str, ...]]):
    """Dismissed with the chosen titles; empty: as many as fit. None: no change."""

    BINDINGS = bindings("form")

    def __init__(self, chosen: Sequence[str], shown: Sequence[str]) -> None:
        """`chosen` are the titles chosen before; without any those `shown` are marked."""
        super().__init__()
        self._marked = tuple(chosen or shown)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form"):
            yield Label("Columns of the history: space marks, ^s shows those that are marked", classes="heading")
            yield ColumnList(self._marked)
            with Horizontal(classes="buttons"):
                yield Button("Show", id="do", variant="success", compact=True)
                yield Button("Those that fit", id="reset", compact=True)
                yield Button("Back", id="back", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "do":
                self.action_confirm()
            case "reset":
                self.dismiss(())
            case _:
                self.action_cancel()

    def action_confirm(self) -> None:
        self.dismiss(self.query_one(ColumnList).marked)

    def action_cancel(self) -> None:
        self.dismiss(None)
