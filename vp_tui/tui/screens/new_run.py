"""Modal form for a new run, generated from RunConfig: checks and estimates while one types, starts in a thread."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Collapsible, Input, Label, Select, Switch

from vp_tui.core import text as fmt
from vp_tui.core.config import RunConfig
from vp_tui.core.errors import StoreError
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.completion import DEMOS, folder_of, known_inputs, known_models
from vp_tui.tui.fields import (
    FILE_FIELD,
    MODEL_FIELD,
    PATH_FIELDS,
    Checked,
    begin_values,
    changed_titles,
    check,
    file_error,
    form_fields,
)
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, styled
from vp_tui.tui.panels.estimate import EstimateLines
from vp_tui.tui.panels.field_row import FieldRow
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.path_field import PathInput
from vp_tui.tui.patience import patiently

HINT = "tab next field, enter start, esc back"
START_HINT = "Enter starts the run; it is a process of its own and goes on without this screen."
MORE_HINT = "The other settings; enter opens and closes them."


class NewRunScreen(ModalScreen[int]):
    """Dismissed with the id of the run that was started, or None.

    `values` are those of the form's fields (fields.initial_values, remembered.read) that it begins with; `runs` are
    the store's runs at any moment, newest first; `trouble` is said at the top.
    """

    BINDINGS = bindings("new run")

    def __init__(
        self,
        backend: Backend,
        values: Mapping[str, Any],
        *,
        runs: Callable[[], Sequence[RunRow]],
        trouble: str | None = None,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._runs = runs
        self._trouble = trouble
        self._values = begin_values(values)
        known = {MODEL_FIELD: known_models(runs()), FILE_FIELD: known_inputs(runs())}
        self._rows = {
            item.name: FieldRow(item, self._values[item.name], known=known.get(item.name, ())) for item in form_fields()
        }
        self._touched = set(values)
        self._checked = Checked()
        self._file_errors: dict[str, str] = {}
        self._busy: str | None = None
        """What the reader waits for; nothing can be started meanwhile."""

    def compose(self) -> ComposeResult:
        """Fields, what the run would take, one line of help for the field in hand, buttons."""
        rows = self._rows.values()
        with Vertical(classes="dialog form"):
            yield Label("New run", classes="heading")
            yield Panel(id="trouble")
            with VerticalScroll(can_focus=False):
                yield from (row for row in rows if not row.item.is_more)
                with Collapsible(title="More", collapsed_symbol=">", expanded_symbol="v", id="more"):
                    yield from (row for row in rows if row.item.is_more)
            yield EstimateLines(self._backend.estimate, self._runs, id="estimate")
            yield Panel(id="hint")
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="success", disabled=True, compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        """The values the form starts with are checked like typed ones."""
        trouble = self.query_one("#trouble", Panel)
        trouble.display = self._trouble is not None
        trouble.show(line(("~ ", "warn"), fmt.safe(self._trouble or "")))
        for name in PATH_FIELDS:
            self._look_at(name)
        self._recheck()

    # -- what the reader does

    def on_input_changed(self, event: Input.Changed) -> None:
        """Checked with every letter."""
        self._take(event.input.name, event.value)

    def on_select_changed(self, event: Select.Changed) -> None:
        """A choice is always one of the allowed."""
        self._take(event.select.name, event.value)

    def on_switch_changed(self, event: Switch.Changed) -> None:
        """On or off."""
        self._rows[str(event.switch.name)].show_word(is_on=event.value)
        self._take(event.switch.name, event.value)

    def on_path_input_taken(self, event: PathInput.Taken) -> None:
        """A choice of a list; the demo is more than a path."""
        if event.choice.value in DEMOS:
            self._fill_in_demo(event.choice.value)

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """The name of a demo was typed."""
        if event.input.name == MODEL_FIELD and event.value in DEMOS:
            self._fill_in_demo(event.value)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the field in hand."""
        if self._busy is None:
            self._hint(styled(self._words_for(event.widget), "dim"))

    @on(Collapsible.Toggled)
    def _make_room(self, event: Collapsible.Toggled) -> None:
        """Open, the form is as tall as the screen, and the fields scroll."""
        self.query_one(".form").set_class(not event.collapsible.collapsed, "-more")

    def _words_for(self, widget: Widget) -> str:
        if widget.name in self._rows:
            return self._rows[widget.name].item.description
        if isinstance(widget.parent, Collapsible):
            return MORE_HINT
        return START_HINT if widget.id == "start" else HINT

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

    # -- checks

    def _take(self, name: str | None, value: Any) -> None:
        # Textual also reports the values it was built with; only a change is the reader's doing
        if name is None or self._values.get(name) == value:
            return
        self._values[name] = value
        self._touched.add(name)
        if name in PATH_FIELDS:
            self._file_errors.pop(name, None)
            self._look_at(name)
        self._recheck()

    def _look_at(self, name: str) -> None:
        """Whether there is such a file; the look may take long, so its answer comes when it comes."""
        typed = str(self._values[name])
        look = partial(patiently, folder_of(typed), partial(file_error, name, typed))
        run_job(self, f"look at {name}", look, partial(self._looked_at, name))

    def _looked_at(self, name: str, error: str | None) -> None:
        if error is not None:
            self._file_errors[name] = error
            self._recheck()

    def _recheck(self) -> None:
        self._checked = check(self._values)
        errors = {**self._checked.errors, **self._file_errors}
        shown = {name: words for name, words in errors.items() if name in self._touched}
        for name, row in self._rows.items():
            row.show_message(shown.get(name))
        if "" in errors:
            self._hint(line(("! ", "fail"), errors[""]))
        self._show_more(is_wrong=any(name in shown for name, row in self._rows.items() if row.item.is_more))
        self.query_one("#start", Button).disabled = bool(errors) or self._busy is not None
        self.query_one(EstimateLines).plan(None if errors else self._checked.config)

    def _show_more(self, *, is_wrong: bool) -> None:
        """What is set in the group is said while it is closed, and it opens by itself for what is wrong."""
        more = self.query_one("#more", Collapsible)
        changed = changed_titles(self._values)
        title = f"More settings (changed: {', '.join(changed)})" if changed else "More settings"
        if more.title != title:
            more.title = title
        if is_wrong:
            more.collapsed = False

    def _hint(self, content: Content) -> None:
        self.query_one("#hint", Panel).show(content)

    # -- the demo

    def _fill_in_demo(self, name: str) -> None:
        """Its checkpoint and its sequences, which are made where they are missing."""
        if self._busy is not None:
            return
        self._wait_for("making a tiny checkpoint and its sequences, some seconds the first time ..")
        work = partial(patiently, "demo", self._backend.demo_files)
        run_job(self, "demo", work, partial(self._filled_in, name), self._failed)

    def _filled_in(self, name: str, places: Mapping[str, tuple[Path, Path]]) -> None:
        for field, path in zip(PATH_FIELDS, places[name], strict=True):
            self.query_one(f"#field-{field}", PathInput).fill(str(path))
            self._take(field, str(path))
        if not self._values["name"]:
            self.query_one("#field-name", Input).value = name
        self._wait_for(None)
        self.query_one("#start", Button).focus()

    # -- the start

    def _begin(self) -> None:
        config = self._checked.config
        if self._values[MODEL_FIELD] in DEMOS:
            self._fill_in_demo(self._values[MODEL_FIELD])
        elif config is None or self._file_errors or self._busy is not None:
            self._touched = set(self._rows)
            self._recheck()
        else:
            self._wait_for("starting ..")
            start = partial(_start, self._backend, config, dict(self._values))
            # a job of the app: closing the form does not take the answer away
            run_job(self.app, "start", start, self._started, self._failed)

    def _started(self, answer: tuple[int, str | None]) -> None:
        run_id, trouble = answer
        if trouble is not None:
            self.app.notify(fmt.safe(trouble), severity="warning", markup=False)
        if self.is_current:
            self.dismiss(run_id)

    def _failed(self, words: str) -> None:
        if not self.is_current:
            self.app.notify(fmt.safe(words), severity="error", markup=False)
            return
        self._wait_for(None)
        self._hint(line(("! ", "fail"), fmt.safe(words)))

    def _wait_for(self, what: str | None) -> None:
        """Say what the reader waits for, and start nothing meanwhile; None: it is over."""
        self._busy = what
        self._hint(styled(what or HINT, "dim"))
        self._recheck()


def _start(backend: Backend, config: RunConfig, values: Mapping[str, Any]) -> tuple[int, str | None]:
    """The id of the new run, and why the values are not kept for next time, if they are not."""
    run_id = backend.start(config)
    try:
        backend.remember(values)
    except StoreError as error:
        return run_id, str(error)
    return run_id, None
