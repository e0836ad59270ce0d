"""The line over the history where a query is written, and what says which one is in force."""

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

KEYS = "enter applies, right completes, esc leaves"


class FilterBar(Vertical):
    """Shut while there is neither a query to write nor one in force."""

    @dataclass
    class Asked(Message):
        """Apply this query, which may be empty."""

        query: str

    def compose(self) -> ComposeResult:
        """The line to write in, words about it, and the line that stays."""
        with Horizontal(id="filter-line"):
            yield Label("/")
            yield Input(compact=True, id="filter", suggester=QuerySuggester(), select_on_focus=False)
        yield Panel(id="filter-words")
        yield Panel(id="in-force")

    @property
    def is_open(self) -> bool:
        """True while a query is being written."""
        return self.has_class("-open")

    def open(self, query: str) -> None:
        """Write on from the query in force."""
        field = self.query_one("#filter", Input)
        field.value = query
        field.cursor_position = len(query)
        self.add_class("-open")
        self._explain(query)
        field.focus()

    def shut(self) -> None:
        """No query is being written any more."""
        self.remove_class("-open")

    def show_in_force(self, query: str, matches: int, total: int) -> None:
        """The query and its count in one line; an empty query takes the line away."""
        self.set_class(bool(query), "-on")
        counts = f"  {fmt.exact(matches)} of {fmt.exact(total)}"
        self.query_one("#in-force", Panel).show(
            line(("/ ", "info"), fmt.safe(query), (counts, "info"), ("  esc shows all", "dim"))
            if query
            else Content("")
        )

    def refuse(self, words: str) -> None:
        """Say what is wrong with the query."""
        self.query_one("#filter-words", Panel).show(line(("! ", "fail"), fmt.safe(words)))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Explain the field that is being written."""
        event.stop()
        self._explain(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask; the line stays open until the answer is there."""
        event.stop()
        self.post_message(self.Asked(event.value.strip()))

    def _explain(self, text: str) -> None:
        self.query_one("#filter-words", Panel).show(lines([Content(fmt.safe(explained(text))), styled(KEYS, "dim")]))
