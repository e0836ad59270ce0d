"""Report of one run, as `vp-tui show` prints it."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.text import report


class MeasuresScreen(ModalScreen[None]):
    """Text with its own scrolling; esc, q or m closes it."""

    BINDINGS = bindings("measures")

    def __init__(self, snapshot: RunSnapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog report"):
            yield Static(Content(report(self._snapshot)), id="report")
        yield KeyBar()
