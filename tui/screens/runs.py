"""Screen 2: the history of all runs."""

from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.runs_table import RunsTable, detail
from vp_tui.tui.screens.board import Board, empty_words


class RunsScreen(Board):
    """The table of runs, and what is to say about the marked one."""

    BINDINGS = bindings("runs")
    AUTO_FOCUS = "#runs"

    def body(self) -> list[Widget]:
        """The table takes the room, the detail three lines."""
        return [Panel(id="empty"), RunsTable(id="runs"), Panel(id="detail")]

    def show(self, view: StoreView) -> None:
        """Fill the table; with no run, words."""
        self.set_class(not view.runs, "-empty")
        self.query_one("#empty", Panel).show(empty_words(view))
        self.query_one(RunsTable).show(view.runs, self.size.width)
        self._show_detail()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        event.stop()
        self._show_detail()

    def _show_detail(self) -> None:
        marked = self.query_one(RunsTable).marked
        self.query_one("#detail", Panel).show(detail(marked) if marked else Content(""))

    def chosen(self, view: StoreView) -> RunRow | None:
        """The marked run."""
        return self.query_one(RunsTable).marked
