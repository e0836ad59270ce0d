"""A field of the New-run form: title, widget and error message; a path field has a list of choices below it.

Arrow down enters the list, enter or tab takes a choice. The field keeps the focus; the list overlays the form and does
not interfere with typing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, OptionList, Select, Switch
from textual.widgets.option_list import Option

from vp_tui.core import text as fmt
from vp_tui.tui.completion import PathChoice, common_start, folder_of, in_folder, merged, named
from vp_tui.tui.fields import FILE_FIELD, PATH_FIELDS, FormField
from vp_tui.tui.jobs import patiently, run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line
from vp_tui.tui.panels.entry import Entry
from vp_tui.tui.panels.panel import Panel

KEYS = "down select, enter take, tab complete"


class ChoiceList(OptionList, can_focus=False):
    """The list; closed while there are no choices."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self.choices: tuple[PathChoice, ...] = ()
        self.border_subtitle = KEYS

    @property
    def is_open(self) -> bool:
        return bool(self.choices)

    @property
    def chosen(self) -> PathChoice | None:
        return None if self.highlighted is None or not self.choices else self.choices[self.highlighted]

    def show(self, choices: tuple[PathChoice, ...], width: int) -> None:
        """Show the choices, none selected, in `width` columns; close the list without any."""
        self.set_class(bool(choices), "-open")
        if choices == self.choices:
            return
        self.choices = choices
        self.set_options([Option(_line(choice, width)) for choice in choices])
        self.highlighted = None

    def move(self, step: int) -> None:
        """Move the cursor; up from the first choice leaves the list."""
        last = len(self.choices) - 1
        place = (-1 if self.highlighted is None else self.highlighted) + step
        self.highlighted = None if place < 0 else min(place, last)


def _line(choice: PathChoice, width: int) -> Content:
    """Return one line; a long path keeps its end, and the hint is cut if necessary."""
    value = fmt.safe(choice.value)
    shown = value if len(value) <= width else f"\u2026{value[1 - width :]}"
    return line(shown, (f"  {choice.hint}" if choice.hint else "", "dim"))


class PathInput(Entry):
    """The field; `known` are choices in addition to the entries of the folder."""

    BINDINGS = bindings("path field")

    @dataclass
    class Taken(Message):
        """A choice became the value."""

        choice: PathChoice

    def __init__(self, value: str, field: str, known: Sequence[PathChoice], choices: ChoiceList) -> None:
        super().__init__(value, name=field, id=f"field-{field}")
        self._field = field
        self._known = known
        self._choices = choices
        self._filled: str | None = value

    def fill(self, value: str) -> None:
        """Set a value that was not typed: no choices are offered for it."""
        self._filled = value
        self.value = value
        self.cursor_position = len(value)
        self.close()

    def close(self) -> None:
        self._choices.show((), 0)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.value != self._filled and self.has_focus:
            self._offer(named(event.value, self._known))
        self._filled = None

    def on_focus(self) -> None:
        # the first field gets the focus before it has a size
        self.call_after_refresh(self._offer_if_empty)

    def _offer_if_empty(self) -> None:
        if not self.value and self.has_focus:
            self._offer(named("", self._known))

    def on_blur(self) -> None:
        self.close()

    def take(self, choice: PathChoice) -> None:
        """Make the choice the value; offer the entries of a folder."""
        self.fill(choice.value)
        if choice.is_folder_to_open:
            self._offer(named(choice.value, self._known))
        else:
            self.post_message(self.Taken(choice))

    def action_next_choice(self, step: int) -> None:
        """Move in the list; open a closed list with all known choices."""
        if self._choices.is_open:
            self._choices.move(step)
        elif step > 0:
            self._offer(merged(named(self.value, self._known), self._known))
        else:
            raise SkipAction

    async def action_take(self) -> None:
        """Take the selected choice; without one go to the next field."""
        chosen = self._choices.chosen
        if chosen is not None:
            self.take(chosen)
            return
        self.close()
        await self.action_submit()

    def action_complete(self) -> None:
        """Complete the common prefix, as a shell does; without one go to the next field."""
        chosen, choices = self._choices.chosen, self._choices.choices
        longer = common_start(self.value, choices)
        whole = next((choice for choice in choices if choice.value == longer != self.value), None)
        if chosen is not None or whole is not None:
            self.take(chosen or whole)  # type: ignore[arg-type]
        elif longer != self.value:
            self.fill(longer)
            self._offer(named(longer, self._known))
        else:
            raise SkipAction

    def action_close_list(self) -> None:
        if not self._choices.is_open:
            raise SkipAction
        self.close()

    def _offer(self, known: tuple[PathChoice, ...]) -> None:
        """Show known choices now, and with the entries of the folder once it is read."""
        text = self.value
        self._show(text, known, ())
        # an empty model field offers no entries of the current folder
        if text or self._field == FILE_FIELD:
            look = partial(patiently, folder_of(text), partial(in_folder, text, self._field))
            run_job(self, "folder", look, partial(self._show, text, known))

    def _show(self, text: str, known: tuple[PathChoice, ...], found: tuple[PathChoice, ...]) -> None:
        if self.value != text or not self.has_focus:
            return
        choices = merged(known, found)
        is_typed = len(choices) == 1 and choices[0].value == text
        self._choices.show(() if is_typed else choices, self.size.width - 4)


class PathField(Vertical):
    """The field with its list."""

    def __init__(self, value: str, field: str, known: Sequence[PathChoice]) -> None:
        super().__init__(classes="path")
        self._choices = ChoiceList()
        self.input = PathInput(value, field, known, self._choices)

    def compose(self) -> ComposeResult:
        yield self.input
        yield self._choices

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.input.take(self._choices.choices[event.option_index])


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

    @property
    def entry(self) -> Widget:
        """Return what takes the focus."""
        return self._editor.input if isinstance(self._editor, PathField) else self._editor

    def show_word(self, *, is_on: bool) -> None:
        """Show the state of a switch as a word, too."""
        if self._word is not None:
            self._word.update(_word(is_on))

    def show_message(self, text: str | None) -> None:
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
    return Entry(str(value), name=name, id=unique)
