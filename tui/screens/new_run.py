"""Modal form for a new run, generated from RunConfig; checks while one types, starts in a thread."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Switch

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import VpTuiError
from vp_tui.tui import format as fmt
from vp_tui.tui.fields import Checked, FormField, check, form_fields, initial_values
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, styled
from vp_tui.tui.messages import StartEnded
from vp_tui.tui.panels.panel import Panel

HINT = "tab next field, enter start, esc back"


class FieldRow(Vertical):
    """Title and widget on one line; the message of a wrong value under it."""

    def __init__(self, item: FormField, value: Any) -> None:
        super().__init__(classes="field")
        self.item = item
        self._value = item.default if value is None else value
        self._message = Panel(classes="message")

    def compose(self) -> ComposeResult:
        """The widget that suits the kind of field."""
        with Horizontal():
            yield Label(f"{self.item.title}{' *' if self.item.is_required else ''}", markup=False)
            yield self._editor()
            if self.item.kind == "switch":
                yield Label("", id=f"{self.item.name}-word")
        yield self._message

    def _editor(self) -> Widget:
        item = self.item
        if item.kind == "switch":
            return Switch(value=bool(self._value), id=item.name, animate=False)
        if item.kind == "choice":
            options = [(choice, choice) for choice in item.choices]
            return Select(options, value=str(self._value), allow_blank=False, compact=True, id=item.name)
        return Input(value=str(self._value or ""), compact=True, id=item.name, select_on_focus=False)

    def show_word(self, *, is_on: bool) -> None:
        """A switch says in a word what its colour shows."""
        self.query_one(f"#{self.item.name}-word", Label).update("on" if is_on else "off")

    def show_message(self, text: str | None) -> None:
        """The message, or nothing."""
        self.set_class(text is not None, "-wrong")
        self._message.show(line(("! ", "fail"), fmt.safe(text or "")))


class NewRunScreen(ModalScreen[int]):
    """Dismissed with the id of the run that was started, or None."""

    BINDINGS = bindings("new run")

    def __init__(self, start: Callable[[RunConfig], int], config: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._start = start
        self._values: dict[str, Any] = initial_values(config or {})
        self._rows = {item.name: FieldRow(item, self._values.get(item.name)) for item in form_fields()}
        self._touched: set[str] = set(self._values)
        self._checked = Checked()
        self._is_starting = False

    def compose(self) -> ComposeResult:
        """Fields, one line of help for the field in hand, buttons."""
        with Vertical(classes="dialog form"):
            yield Label("New run", classes="heading")
            with VerticalScroll(can_focus=False):
                yield from self._rows.values()
            yield Panel(id="hint")
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="success", disabled=True, compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        """The values the form starts with are checked like typed ones."""
        for row in self._rows.values():
            if row.item.kind == "switch":
                row.show_word(is_on=bool(self._values.get(row.item.name, row.item.default)))
            if row.item.name not in self._values:
                self._values[row.item.name] = row.item.default or ("" if row.item.kind == "text" else False)
        self._recheck()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Checked with every letter."""
        self._take(event.input.id, event.value)

    def on_select_changed(self, event: Select.Changed) -> None:
        """A choice is always one of the allowed."""
        self._take(event.select.id, event.value)

    def on_switch_changed(self, event: Switch.Changed) -> None:
        """On or off."""
        self._rows[str(event.switch.id)].show_word(is_on=event.value)
        self._take(event.switch.id, event.value)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the field in hand."""
        row = self._rows.get(event.widget.id or "")
        self._hint(styled(row.item.description if row else HINT, "dim"))

    def on_input_submitted(self) -> None:
        """Enter in a field starts, when all is well."""
        self._begin()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start or back."""
        if event.button.id == "start":
            self._begin()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Close; a run that is being started is still followed by the app through the store."""
        self.dismiss(None)

    def _take(self, name: str | None, value: Any) -> None:
        # Textual also reports the values it was built with; only a change is the reader's doing
        if name is None or self._values.get(name) == value:
            return
        self._values[name] = value
        self._touched.add(name)
        self._recheck()

    def _recheck(self) -> None:
        self._checked = check(self._values)
        for name, row in self._rows.items():
            row.show_message(self._checked.errors.get(name) if name in self._touched else None)
        overall = self._checked.errors.get("")
        if overall:
            self._hint(line(("! ", "fail"), overall))
        self.query_one("#start", Button).disabled = self._checked.config is None or self._is_starting

    def _hint(self, content: Content) -> None:
        self.query_one("#hint", Panel).show(content)

    def _begin(self) -> None:
        config = self._checked.config
        if config is None or self._is_starting:
            self._touched = set(self._rows)
            self._recheck()
            return
        self._is_starting = True
        self.query_one("#start", Button).disabled = True
        self._hint(styled("starting ..", "dim"))
        self.run_worker(partial(self._start_in_thread, config), thread=True, group="start")

    def _start_in_thread(self, config: RunConfig) -> None:
        try:
            self.post_message(StartEnded(self._start(config), None))
        except VpTuiError as error:
            self.post_message(StartEnded(None, str(error)))

    def on_start_ended(self, message: StartEnded) -> None:
        """Close with the id, or stay and say why not."""
        message.stop()
        self._is_starting = False
        if message.run_id is not None:
            self.dismiss(message.run_id)
            return
        self._hint(line(("! ", "fail"), fmt.safe(message.error or "")))
        self.query_one("#start", Button).disabled = False
