"""`/`, n and N in a list or a text that covers the screen: as in less, from the current line on and around the end."""

from collections.abc import Sequence
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, Label

from vp_tui.tui.marks import styled
from vp_tui.tui.panels.entry import Entry
from vp_tui.tui.panels.panel import Panel


class FindLine(Horizontal):
    """The line above the key bar: what is looked for, and which match is shown."""

    def compose(self) -> ComposeResult:
        yield Label("/")
        yield Entry(id="find-text")
        yield Panel(id="find-count")


class Finding(Screen[Any]):
    """A screen with a FindLine; `texts` are its lines, `show_match` goes to one of them."""

    _at = -1

    def texts(self) -> Sequence[str]:
        """Return the lines that are searched."""
        raise NotImplementedError

    def show_match(self, row: int) -> None:
        """Show the line."""
        raise NotImplementedError

    @property
    def list(self) -> Widget:
        """Return what has the focus while nothing is typed."""
        raise NotImplementedError

    def action_find(self) -> None:
        self.query_one(FindLine).add_class("-on")
        self.query_one("#find-text", Entry).focus()
        self.refresh_bindings()

    def action_next_match(self, step: int) -> None:
        """Go to the next match, or with -1 to the previous one; without a text ask for one."""
        needle = self.query_one("#find-text", Entry).value.lower()
        if not needle:
            self.action_find()
            return
        found = [row for row, text in enumerate(self.texts()) if needle in text.lower()]
        if found:
            after = [row for row in found if (row > self._at if step > 0 else row < self._at)]
            self._at = (after or found)[0 if step > 0 else -1]
            self.show_match(self._at)
        place = f"{found.index(self._at) + 1} of {len(found)}" if found else "not found"
        self.query_one("#find-count", Panel).show(styled(f" {place}  n next, N previous, esc ends", "dim"))

    @property
    def is_finding(self) -> bool:
        return self.query_one(FindLine).has_class("-on")

    def end_search(self) -> None:
        self.query_one(FindLine).remove_class("-on")
        self.query_one("#find-text", Entry).value = ""
        self.list.focus()
        self.refresh_bindings()

    @on(Input.Submitted, "#find-text")
    def _find(self, event: Input.Submitted) -> None:
        event.stop()
        self.list.focus()
        self.refresh_bindings()
        if event.value.strip():
            self._at = -1
            self.action_next_match(1)
        else:
            self.end_search()


class FindingScreen(Finding, ModalScreen[Any]):
    """A modal that is searched; esc ends the search, then closes."""

    def action_back(self) -> None:
        if self.is_finding:
            self.end_search()
        else:
            self.dismiss(None)
