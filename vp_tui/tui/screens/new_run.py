"""Modal form for a new run, generated from RunConfig: checked while typing, started in a thread."""

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
from vp_tui.tui.completion import DEMOS, PathChoice, folder_of
from vp_tui.tui.fields import (
    MODEL_FIELD,
    NO_PLANS,
    PATH_FIELDS,
    Checked,
    Plans,
    begin_values,
    changed_titles,
    check,
    file_error,
    form_fields,
)
from vp_tui.tui.jobs import patiently, run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, styled
from vp_tui.tui.panels.estimate import EstimateLines
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.path_field import FieldRow, PathInput
from vp_tui.tui.screens.judge import JudgeScreen
from vp_tui.tui.screens.leave import Answer, start_question

HINT = "enter next field, ^s start, esc back"
LONG_S = 600.0
"""Estimated seconds from which a start is confirmed."""
START_HINT = "Enter starts the run in its own process; it continues without this dashboard."
JUDGE_HINT = "Compare embeddings or predictions that another program wrote."
MORE_HINT = "Other settings; enter opens and closes them."


class NewRunScreen(ModalScreen[int]):
    """Dismissed with the id of the started run, or None.

    `values` are the initial values (fields.initial_values, remembered.read); `runs` returns the runs of the store,
    newest first; `known` are choices of path fields, `plans` of the precision; `trouble` is shown at the top.
    """

    BINDINGS = bindings("new run")

    def __init__(
        self,
        backend: Backend,
        values: Mapping[str, Any],
        *,
        runs: Callable[[], Sequence[RunRow]],
        known: Mapping[str, Sequence[PathChoice]],
        plans: Plans = NO_PLANS,
        trouble: str | None = None,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._runs = runs
        self._plans = plans
        self._trouble = trouble
        self._values = begin_values(values)
        self._rows = {
            item.name: FieldRow(item, self._values[item.name], known=known.get(item.name, ()))
            for item in form_fields(self._plans)
        }
        self._touched = set(values)
        self._checked = Checked()
        self._file_errors: dict[str, str] = {}
        self._busy: str | None = None
        """What the user is waiting for; nothing can be started meanwhile."""

    def compose(self) -> ComposeResult:
        """Yield the fields, the estimate, one line of help for the focused field, buttons."""
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
                yield Button("Judge files", id="judge", compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        trouble = self.query_one("#trouble", Panel)
        trouble.display = self._trouble is not None
        trouble.show(line(("~ ", "warn"), fmt.safe(self._trouble or "")))
        for name in PATH_FIELDS:
            self._look_at(name)
        self._recheck()

    # -- input

    def on_input_changed(self, event: Input.Changed) -> None:
        self._take(event.input.name, event.value)

    def on_select_changed(self, event: Select.Changed) -> None:
        self._take(event.select.name, event.value)

    def on_switch_changed(self, event: Switch.Changed) -> None:
        self._rows[str(event.switch.name)].show_word(is_on=event.value)
        self._take(event.switch.name, event.value)

    def on_path_input_taken(self, event: PathInput.Taken) -> None:
        if event.choice.value in DEMOS:
            self._fill_in_demo(event.choice.value)

    def on_input_blurred(self, event: Input.Blurred) -> None:
        if event.input.name == MODEL_FIELD and event.value in DEMOS:
            self._fill_in_demo(event.value)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if self._busy is None:
            self._hint(styled(self._words_for(event.widget), "dim"))

    @on(Collapsible.Toggled)
    def _make_room(self, event: Collapsible.Toggled) -> None:
        """Make the opened form as tall as the screen; the fields scroll."""
        self.query_one(".form").set_class(not event.collapsible.collapsed, "-more")

    def _words_for(self, widget: Widget) -> str:
        if widget.name in self._rows:
            return self._rows[widget.name].item.description
        if isinstance(widget.parent, Collapsible):
            return MORE_HINT
        return {"start": START_HINT, "judge": JUDGE_HINT}.get(str(widget.id), HINT)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field, after the last one to Start, or to the first wrong field."""
        self._take(event.input.name, event.value)
        is_all = not self.query_one("#more", Collapsible).collapsed
        shown = [row for row in self._rows.values() if is_all or not row.item.is_more]
        place = next((place for place, row in enumerate(shown) if row.item.name == event.input.name), len(shown))
        if place + 1 < len(shown):
            shown[place + 1].entry.focus()
        elif not (start := self.query_one("#start", Button)).disabled:
            start.focus()
        else:
            self._tell_wrong()

    def _tell_wrong(self) -> None:
        self._touched = set(self._rows)
        self._recheck()
        wrong = {**self._checked.errors, **self._file_errors}
        row = next((row for name, row in self._rows.items() if name in wrong), None)
        if row is not None:
            row.entry.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "start":
            self.action_start()
            return
        self.action_cancel()
        if event.button.id == "judge":
            self.app.push_screen(JudgeScreen())

    def action_cancel(self) -> None:
        """Close; a run that is starting appears through the store."""
        self.dismiss(None)

    # -- checks

    def _take(self, name: str | None, value: Any) -> None:
        # Textual also reports the initial values
        if name is None or self._values.get(name) == value:
            return
        self._values[name] = value
        self._touched.add(name)
        if name in PATH_FIELDS:
            self._file_errors.pop(name, None)
            self._look_at(name)
        self._recheck()

    def _look_at(self, name: str) -> None:
        """Check in a thread that the file exists: a network path may take long."""
        typed = str(self._values[name])
        look = partial(patiently, folder_of(typed), partial(file_error, name, typed))
        run_job(self, f"look at {name}", look, partial(self._looked_at, name, typed))

    def _looked_at(self, name: str, typed: str, error: str | None) -> None:
        if error is not None and typed == str(self._values[name]):  # else it was typed on meanwhile
            self._file_errors[name] = error
            self._recheck()

    def _recheck(self) -> None:
        self._checked = check(self._values, self._plans)
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
        """Name the changed settings in the title of the group, and open it for a wrong one."""
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
        """Fill in checkpoint and sequences of the demo; create them if missing."""
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

    def action_start(self) -> None:
        config = self._checked.config
        if self._values[MODEL_FIELD] in DEMOS:
            self._fill_in_demo(self._values[MODEL_FIELD])
        elif config is None or self._file_errors or self._busy is not None:
            self._tell_wrong()
        elif (seconds := self.query_one(EstimateLines).seconds) is not None and seconds > LONG_S:
            self.app.push_screen(start_question(seconds), partial(self._confirmed, config))
        else:
            self._start(config)

    def _confirmed(self, config: RunConfig, answer: Answer | None) -> None:
        if answer == "start":
            self._start(config)

    def _start(self, config: RunConfig) -> None:
        self._wait_for("Starting ...")
        start = partial(_start, self._backend, config, dict(self._values))
        # a job of the app: its result is reported even after the form is closed
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
        """Show what the user is waiting for and start nothing meanwhile; None: done."""
        self._busy = what
        self._hint(styled(what or HINT, "dim"))
        self._recheck()


def _start(backend: Backend, config: RunConfig, values: Mapping[str, Any]) -> tuple[int, str | None]:
    """Return the id of the new run, and why the values could not be remembered, if so."""
    run_id = backend.start(config)
    try:
        backend.remember(values)
    except StoreError as error:
        return run_id, str(error)
    return run_id, None
