"""Screen 4: modules to keep in FP32 first; the automatic search is not implemented yet."""

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.fp32_hints import hints
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.main_screen import MainScreen, empty_words


class SearchBody(VerticalScroll, can_focus=True):
    """The text, with its own scrolling."""

    topic = "search"


class SearchScreen(MainScreen):
    """Modules of the run on the Live screen to keep in FP32 first."""

    BINDINGS = bindings("search")
    AUTO_FOCUS = "#search"

    def body(self) -> list[Widget]:
        """Return one text."""
        return [Panel(id="empty"), SearchBody(Panel(id="hints"), id="search")]

    def show(self, view: StoreView) -> None:
        """Show what the measures of the run point to."""
        self.set_class(not view.runs and view.snapshot is None, "-empty")
        self.query_one("#empty", Panel).show(empty_words(view))
        self.query_one("#hints", Panel).show(hints(view.snapshot) if view.snapshot else Content(""))

    def chosen(self, view: StoreView) -> RunRow | None:
        """Return the run on the Live screen."""
        return view.snapshot.run if view.snapshot else None
