"""Filter line above the history, and the line that shows the active filter."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label

from vp_tui.core import text as fmt
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.query_help import QuerySuggester, explained

KEYS = "enter apply, right arrow complete, esc cancel"


class FilterBar(Vertical):
    """Hidden without an open or active filter."""

    @dataclass
    class Asked(Message):
        """Apply this query, which may be empty."""

        query: str

    def compose(self) -> ComposeResult:
        with Horizontal(id="filter-line"):
            yield Label("/")
            yield Input(compact=True, id="filter", suggester=QuerySuggester(), select_on_focus=False)
        yield Panel(id="filter-words")
        yield Panel(id="in-force")

    @property
    def is_open(self) -> bool:
        """True while a filter is being edited."""
        return self.has_class("-open")

    def open(self, query: str) -> None:
        """Edit the active filter."""
        field = self.query_one("#filter", Input)
        field.value = query
        field.cursor_position = len(query)
        self.add_class("-open")
        self._explain(query)
        field.focus()

    def close_input(self) -> None:
        """Close the input."""
        self.remove_class("-open")

    def show_in_force(self, query: str, matches: int, total: int) -> None:
        """Show the filter and its count; hide the line for an empty filter."""
        self.set_class(bool(query), "-on")
        counts = f"  {fmt.exact(matches)} of {fmt.exact(total)}"
        self.query_one("#in-force", Panel).show(
            line(("/ ", "info"), fmt.safe(query), (counts, "info"), ("  esc clears", "dim")) if query else Content("")
        )

    def refuse(self, words: str) -> None:
        """Show what is wrong with the filter."""
        self.query_one("#filter-words", Panel).show(line(("! ", "fail"), fmt.safe(words)))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._explain(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Asked(event.value.strip()))

    def _explain(self, text: str) -> None:
        self.query_one("#filter-words", Panel).show(lines([Content(fmt.safe(explained(text))), styled(KEYS, "dim")]))
