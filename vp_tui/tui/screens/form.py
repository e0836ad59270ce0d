"""Base of the small forms that write to the store: facts, fields, a message, buttons."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, styled
from vp_tui.tui.messages import Changed, dashboard
from vp_tui.tui.panels.entry import Entry
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.panels.panel import Panel

HINT = "enter next field, ^s confirm, esc back"


class FormScreen(ModalScreen[bool]):
    """Dismissed with True once the store was changed; checked with every keystroke."""

    BINDINGS = bindings("form")
    verb: ClassVar[str] = "Save"
    """Label of the button that confirms."""
    busy: ClassVar[str] = "writing ..."
    """Shown while the job runs."""

    def __init__(self) -> None:
        super().__init__()
        self._is_touched = False
        self._is_busy = False

    @property
    def backend(self) -> Backend:
        return dashboard(self).backend

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form"):
            yield Label(self.title_words(), classes="heading", markup=False)
            yield Panel(id="form-facts")
            with Vertical(classes="field"):
                for name, title, value in self.fields():
                    with Horizontal():
                        yield Label(title, markup=False)
                        yield Entry(value, id=name)
            yield Panel(id="hint")
            with Horizontal(classes="buttons"):
                yield Button(self.verb, id="do", variant="success", compact=True)
                yield from self.more_buttons()
                yield Button("Back", id="back", compact=True)

    def title_words(self) -> str:
        """Return the heading."""
        raise NotImplementedError

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """Return id, title and value of each field."""
        raise NotImplementedError

    def facts(self) -> Content:
        """Return the text above the fields."""
        raise NotImplementedError

    def problem(self) -> str | None:
        """Return why the form cannot be confirmed, or None."""
        raise NotImplementedError

    def begin(self) -> None:
        """Start the job, through `work`."""
        raise NotImplementedError

    def more_buttons(self) -> tuple[Button, ...]:
        """Return the buttons between the first and the last."""
        return ()

    def value(self, name: str) -> str:
        """Return the value of a field, stripped."""
        return self.query_one(f"#{name}", Input).value.strip()

    def on_mount(self) -> None:
        self.recheck()

    def on_input_changed(self, event: Input.Changed) -> None:
        starting = {name: value for name, _, value in self.fields()}
        if starting.get(str(event.input.id)) != event.value:
            self._is_touched = True
        self.recheck()

    def recheck(self) -> None:
        self.query_one("#form-facts", Panel).show(self.facts())
        self._check_buttons()
        problem = self.problem()
        if problem is None:
            self._hint(styled(HINT, "dim"))
        elif self._is_touched:
            self._hint(line(("! ", "fail"), fmt.safe(problem)))
        else:
            self._hint(styled(fmt.safe(problem), "dim"))

    def _check_buttons(self) -> None:
        for button in self.query(Button):
            button.disabled = button.id != "back" and (self._is_busy or self.problem() is not None)

    def _hint(self, content: Content) -> None:
        self.query_one("#hint", Panel).show(content)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field, after the last one to the button that confirms."""
        names = [name for name, _, _ in self.fields()]
        after = names[names.index(str(event.input.id)) + 1 :]
        self._is_touched = True
        self.recheck()
        button = self.query_one("#do", Button)
        if after:
            self.query_one(f"#{after[0]}", Input).focus()
        elif not button.disabled:
            button.focus()

    def action_confirm(self) -> None:
        self._is_touched = True
        if self._is_busy:
            return
        if self.problem() is None:
            self.begin()
        else:
            self.recheck()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "back":
            self.action_cancel()
        elif event.button.id == "do":
            self.begin()

    def action_cancel(self) -> None:
        """Close; a write in progress continues."""
        self.dismiss(False)

    def work(self, job: Callable[[], Any], words: Callable[[Any], str]) -> None:
        """Run `job` in a thread; `words` turns its result into a notification."""
        self._is_busy = True
        self._check_buttons()
        self._hint(styled(self.busy, "dim"))
        # a job of the app: its result is reported even after the form is closed
        run_job(self.app, "write", job, lambda result: self._done(words(result)), self._failed)

    def _done(self, words: str) -> None:
        self.app.notify(fmt.safe(words), markup=False)
        self.app.post_message(Changed())
        if self.is_current:
            self.dismiss(True)

    def _failed(self, words: str) -> None:
        self._is_busy = False
        if not self.is_current:
            self.app.notify(fmt.safe(words), severity="error", markup=False)
            return
        self._check_buttons()
        self._hint(line(("! ", "fail"), fmt.safe(words)))


class RunFormScreen(FormScreen):
    """A form about one run."""

    heading: ClassVar[str]
    """With {} for the run."""

    def __init__(self, run: RunRow) -> None:
        super().__init__()
        self.run = run

    def title_words(self) -> str:
        return self.heading.format(f"#{self.run.id} {run_names(self.run)}")
