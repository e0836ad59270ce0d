"""One field of a form: title and widget on one line, the error message below."""

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Switch

from vp_tui.core import text as fmt
from vp_tui.tui.completion import PathChoice
from vp_tui.tui.fields import PATH_FIELDS, FormField
from vp_tui.tui.marks import line
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.path_field import PathField


class FieldRow(Vertical):
    """A field with its initial value; a path field offers `known` in addition to files and folders."""

    def __init__(self, item: FormField, value: Any, *, known: Sequence[PathChoice] = ()) -> None:
        super().__init__(classes="field")
        self.item = item
        self._message = Panel(classes="message")
        self._editor = _editor(item, value, known)
        self._word = Label(_word(value), classes="word") if item.kind == "switch" else None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(f"{self.item.title}{' *' if self.item.is_required else ''}", markup=False)
            yield self._editor
            if self._word is not None:
                yield self._word
        yield self._message

    def show_word(self, *, is_on: bool) -> None:
        """Show the state of a switch as a word, too."""
        if self._word is not None:
            self._word.update(_word(is_on))

    def show_message(self, text: str | None) -> None:
        """Show the message, or none."""
        self.set_class(text is not None, "-wrong")
        self._message.show(line(("! ", "fail"), fmt.safe(text or "")))


def _word(value: Any) -> str:
    return "on" if value else "off"


def _editor(item: FormField, value: Any, known: Sequence[PathChoice]) -> Widget:
    """Return the widget, named like the field; the id has a prefix, because panels use the same names."""
    name, unique = item.name, f"field-{item.name}"
    if name in PATH_FIELDS:
        return PathField(str(value), name, known)
    if item.kind == "switch":
        return Switch(value=bool(value), name=name, id=unique, animate=False)
    if item.kind == "choice":
        options = [(choice, choice) for choice in item.choices]
        return Select(options, value=str(value), allow_blank=False, compact=True, name=name, id=unique)
    return Input(value=str(value), compact=True, name=name, id=unique, select_on_focus=False)
