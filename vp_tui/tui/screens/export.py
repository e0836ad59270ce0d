"""Modal form to write a file: format and path; written in a thread, completely or not at all."""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select

from vp_tui.core import text as fmt
from vp_tui.core.files import user_path
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import Level, line
from vp_tui.tui.panels.entry import Entry
from vp_tui.tui.panels.panel import Panel

FORMATS: Final = {
    "html": (".html", "page for a browser"),
    "md": (".md", "Markdown, for an issue or a wiki"),
    "csv": (".csv", "a row per sequence (or metric)"),
    "json": (".json", "everything, for programs"),
    "junit": (".xml", "test results, for a CI server"),
    "table": (".txt", "plain text, 100 columns wide"),
}
"""Formats of core.report.render, which is slow to import: format -> suffix, purpose."""
HINT: Final = "^s write, shift+tab format, esc back"
MAX_NAME: Final = 60
Message = tuple[Level, str]


class ExportScreen(ModalScreen[Path | None]):
    """Dismissed with the written file, or None."""

    BINDINGS = bindings("form")
    AUTO_FOCUS = "#path"

    def __init__(self, what: str, write: Callable[[str, Path], None], suggestion: str) -> None:
        """`write` takes format and path, blocks, raises VpTuiError; `suggestion` is a file name without suffix."""
        super().__init__()
        self._what = what
        self._write = write
        self._format = next(iter(FORMATS))
        self._name = file_name(suggestion)
        self._suggested = ""
        self._is_writing = False

    def compose(self) -> ComposeResult:
        self._suggested = self._suggestion()
        choices = [(name, name) for name in FORMATS]
        with Vertical(classes="dialog form"):
            yield Label(f"Export {fmt.safe(self._what)}", classes="heading", markup=False)
            with Vertical(classes="field"):
                with Horizontal():
                    yield Label("format")
                    yield Select(choices, value=self._format, allow_blank=False, compact=True, id="format")
                    yield Panel(id="format-words")
                with Horizontal():
                    yield Label("file")
                    yield Entry(self._suggested, id="path")
            yield Panel(id="path-words")
            with Horizontal(classes="buttons"):
                yield Button("Write", id="write", variant="success", compact=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        self._explain()

    @on(Select.Changed, "#format")
    def _take_format(self, event: Select.Changed) -> None:
        """Change the suffix of the path, unless the user has edited it."""
        self._format = str(event.value)
        field = self.query_one("#path", Input)
        if field.value == self._suggested:
            self._suggested = self._suggestion()
            field.value = self._suggested
            field.cursor_position = len(field.value)
        self._explain()

    @on(Input.Submitted, "#path")
    def _to_button(self) -> None:
        self.query_one("#write", Button).focus()

    @on(Button.Pressed, "#write")
    def action_confirm(self) -> None:
        """Write, unless the path is known to be invalid."""
        text = self.query_one("#path", Input).value
        level, words = checked(text)
        if level == "fail" or self._is_writing:
            self._say((level, words))
            return
        self._is_writing = True
        self._say(("dim", "writing ..."))
        path = target(text)
        # a job of the app: its result is reported even after the form is closed
        work = partial(self._write, self._format, path)
        run_job(self.app, "export", work, partial(self._written, path), self._failed)

    @on(Button.Pressed, "#back")
    def action_cancel(self) -> None:
        """Close; a write in progress continues."""
        self.dismiss(None)

    def _written(self, path: Path, _: None) -> None:
        self.app.notify(fmt.safe(path), title=f"{fmt.safe(self._what)} exported", markup=False)
        if self.is_current:
            self.dismiss(path)

    def _failed(self, words: str) -> None:
        self._is_writing = False
        if self.is_current:
            self._say(("fail", words))
        else:
            self.app.notify(fmt.safe(words), title="export failed", severity="error", markup=False)

    def _suggestion(self) -> str:
        try:
            folder = Path.cwd()
        except FileNotFoundError:
            # the folder the dashboard was started in was deleted
            folder = Path.home()
        return str(folder / f"{self._name}{FORMATS[self._format][0]}")

    @on(Input.Changed, "#path")
    def _explain(self) -> None:
        self.query_one("#format-words", Panel).show(line((FORMATS[self._format][1], "dim")))
        self._say(checked(self.query_one("#path", Input).value))

    def _say(self, message: Message) -> None:
        level, words = message
        mark = {"fail": "! ", "warn": "~ "}.get(level, "")
        self.query_one("#path-words", Panel).show(line((mark, level), (fmt.safe(words), level)))


def file_name(suggestion: str) -> str:
    """Return the suggestion as a name valid on every file system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", suggestion).strip("-.")[:MAX_NAME] or "export"


def target(text: str) -> Path:
    """Return the file of a typed path; RuntimeError for an unknown ~user."""
    return user_path(text.strip()).absolute()


def checked(text: str) -> Message:
    """Return a message about the path: fail if it cannot be written, warn if a file is overwritten."""
    if not text.strip():
        return "fail", "a file name is required"
    if not text.isprintable():
        return "fail", "the path has unprintable characters; type it again"
    try:
        return _looked_at(target(text))
    except RuntimeError as error:
        return "fail", f"{error}: {text.strip()}"
    except OSError as error:
        return "fail", f"{error.strerror}: {text.strip()}"


def _looked_at(path: Path) -> Message:
    folder = path.parent
    if path.is_dir():
        return "fail", f"is a folder; add a file name: {path}"
    if not folder.is_dir():
        return "fail", f"folder does not exist; create it or choose another: {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "fail", f"folder is not writable; choose another, such as ~: {folder}"
    if path.exists():
        return "warn", f"the file exists and will be overwritten; {HINT}"
    return "dim", HINT
