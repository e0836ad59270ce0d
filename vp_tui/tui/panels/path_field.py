"""A text field with a list of choices under it: arrow down goes into the list, enter or tab takes one.

The field keeps the focus; the list lies over what is below it and is never in the way of typing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from vp_tui.core import text as fmt
from vp_tui.tui.completion import Choice, common_start, folder_of, in_folder, merged, named
from vp_tui.tui.fields import FILE_FIELD
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line
from vp_tui.tui.patience import patiently

KEYS = "down chooses, enter takes, tab completes"


class ChoiceList(OptionList, can_focus=False):
    """The choices as far as they are shown; closed while there are none."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self.choices: tuple[Choice, ...] = ()
        self.border_subtitle = KEYS

    @property
    def is_open(self) -> bool:
        """Whether it lies over the form."""
        return bool(self.choices)

    @property
    def chosen(self) -> Choice | None:
        """The choice under the cursor."""
        return None if self.highlighted is None or not self.choices else self.choices[self.highlighted]

    def show(self, choices: tuple[Choice, ...], width: int) -> None:
        """Offer these, none of them chosen yet, in lines of `width` columns; close where there are none."""
        self.set_class(bool(choices), "-open")
        if choices == self.choices:
            return
        self.choices = choices
        self.set_options([Option(_line(choice, width)) for choice in choices])
        self.highlighted = None

    def move(self, step: int) -> None:
        """Down from above the first; up from the first leaves the list."""
        last = len(self.choices) - 1
        place = (-1 if self.highlighted is None else self.highlighted) + step
        self.highlighted = None if place < 0 else min(place, last)


def _line(choice: Choice, width: int) -> Content:
    """Of a long path the end says more than the beginning; a hint is cut where there is no room."""
    value = fmt.safe(choice.value)
    shown = value if len(value) <= width else ".." + value[2 - width :]
    return line(shown, (f"  {choice.hint}" if choice.hint else "", "dim"))


class PathInput(Input):
    """The field; `known` are choices besides those that its folder offers."""

    BINDINGS = bindings("path field")

    @dataclass
    class Taken(Message):
        """A choice became the value."""

        choice: Choice

    def __init__(self, value: str, field: str, known: Sequence[Choice], choices: ChoiceList) -> None:
        super().__init__(value=value, compact=True, name=field, id=f"field-{field}", select_on_focus=False)
        self._field = field
        self._known = known
        self._choices = choices
        self._filled: str | None = value

    def fill(self, value: str) -> None:
        """Put a value there that the reader did not type: nothing is offered for it."""
        self._filled = value
        self.value = value
        self.cursor_position = len(value)
        self.close()

    def close(self) -> None:
        """Take the list away."""
        self._choices.show((), 0)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what suits the letters so far."""
        if event.value != self._filled and self.has_focus:
            self._offer(self._known_like(event.value))
        self._filled = None

    def on_focus(self) -> None:
        """An empty field says at once what may stand in it."""
        # the first field gets the focus before it has a size
        self.call_after_refresh(self._offer_if_empty)

    def _offer_if_empty(self) -> None:
        if not self.value and self.has_focus:
            self._offer(self._known_like(""))

    def on_blur(self) -> None:
        """The list belongs to the field in hand."""
        self.close()

    def take(self, choice: Choice) -> None:
        """Make it the value; of a folder go on with what lies in it."""
        self.fill(choice.value)
        if choice.goes_on:
            self._offer(self._known_like(choice.value))
        else:
            self.post_message(self.Taken(choice))

    def action_next_choice(self, step: int) -> None:
        """Into the list and through it; a closed list opens with all that is known."""
        if self._choices.is_open:
            self._choices.move(step)
        elif step > 0:
            self._offer(merged(self._known_like(self.value), self._known))
        else:
            raise SkipAction

    async def action_take(self) -> None:
        """The choice under the cursor; without one the form is meant."""
        chosen = self._choices.chosen
        if chosen is not None:
            self.take(chosen)
            return
        self.close()
        await self.action_submit()

    def action_complete(self) -> None:
        """As far as the choices agree, as a shell does; where that is no step further, on to the next field."""
        chosen, choices = self._choices.chosen, self._choices.choices
        longer = common_start(self.value, choices)
        whole = next((choice for choice in choices if choice.value == longer != self.value), None)
        if chosen is not None or whole is not None:
            self.take(chosen or whole)  # type: ignore[arg-type]
        elif longer != self.value:
            self.fill(longer)
            self._offer(self._known_like(longer))
        else:
            raise SkipAction

    def action_close_list(self) -> None:
        """The list first; the form when there is none."""
        if not self._choices.is_open:
            raise SkipAction
        self.close()

    def _known_like(self, text: str) -> tuple[Choice, ...]:
        return named(text, self._known)

    def _offer(self, known: tuple[Choice, ...]) -> None:
        """What is known at once, and with it what the folder has when that is read."""
        text = self.value
        self._show(text, known, ())
        # an empty model field is not asking for what happens to lie in the current folder
        if text or self._field == FILE_FIELD:
            look = partial(patiently, folder_of(text), partial(in_folder, text, self._field))
            run_job(self, "folder", look, partial(self._show, text, known))

    def _show(self, text: str, known: tuple[Choice, ...], found: tuple[Choice, ...]) -> None:
        if self.value != text or not self.has_focus:
            return
        choices = merged(known, found)
        is_typed = len(choices) == 1 and choices[0].value == text
        self._choices.show(() if is_typed else choices, self.size.width - 4)


class PathField(Vertical):
    """The field and its list."""

    def __init__(self, value: str, field: str, known: Sequence[Choice]) -> None:
        super().__init__(classes="path")
        self._choices = ChoiceList()
        self.input = PathInput(value, field, known, self._choices)

    def compose(self) -> ComposeResult:
        """The list lies over the form, so it takes no room."""
        yield self.input
        yield self._choices

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click."""
        event.stop()
        self.input.take(self._choices.choices[event.option_index])
