"""Modal: the evidence of one unit of the precision map."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import lines
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel


class UnitScreen(ModalScreen[None]):
    """Text with its own scrolling."""

    BINDINGS = bindings("unit")

    def __init__(self, rows: Sequence[Content]) -> None:
        super().__init__()
        self._rows = list(rows)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog detail"):
            yield Panel(id="evidence")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#evidence", Panel).show(lines(self._rows))
