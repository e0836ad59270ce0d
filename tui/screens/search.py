"""Screen 4: the search for the operations that must stay in FP32."""

from textual.content import Content
from textual.widget import Widget

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.board import Board

EMPTY = "No search yet"


class SearchScreen(Board):
    """Not built yet."""

    BINDINGS = bindings("search")

    def body(self) -> list[Widget]:
        """Words for now."""
        return [Panel(id="empty")]

    def show(self, view: StoreView) -> None:
        """Words for now."""
        self.add_class("-empty")
        self.query_one("#empty", Panel).show(Content(EMPTY))

    def chosen(self, view: StoreView) -> RunRow | None:
        """The run on the Live screen."""
        return view.snapshot.run if view.snapshot else None
