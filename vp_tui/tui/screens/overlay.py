"""Several runs of the history in one chart."""

from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.backend import Backend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.overlay import by_stratum, drawn, legend, similarity_chart, speed_chart
from vp_tui.tui.panels.panel import Panel

VIEWS = 3
"""Similarity, speed, per stratum."""


class OverlayScreen(ModalScreen[None]):
    """v goes to the next view, esc closes."""

    BINDINGS = bindings("lines")

    def __init__(self, backend: Backend, run_ids: Sequence[int]) -> None:
        super().__init__()
        self._backend, self._ids = backend, tuple(run_ids)
        self._snapshots: tuple[RunSnapshot, ...] = ()
        self._place = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog overlay"):
            yield Panel(id="overlay-legend")
            yield Panel(id="overlay-chart")
        yield KeyBar()

    def on_mount(self) -> None:
        read = partial(self._backend.snapshots, self._ids)
        run_job(self, "overlay", read, self._take, self._fail)

    def _take(self, snapshots: tuple[RunSnapshot, ...]) -> None:
        self._snapshots = snapshots
        self._fill()

    def _fail(self, words: str) -> None:
        self.query_one("#overlay-legend", Panel).show(line(("! ", "fail"), fmt.safe(words)))

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if not self._snapshots:
            return
        self.query_one("#overlay-legend", Panel).show(legend(self._snapshots))
        panel = self.query_one("#overlay-chart", Panel)
        panel.show(self._content(*panel.content_size))

    def _content(self, width: int, height: int) -> Content:
        if self._place == VIEWS - 1:
            return by_stratum(self._snapshots)
        chart = similarity_chart if self._place == 0 else speed_chart
        return drawn(chart(self._snapshots), width, height)

    def action_next_view(self) -> None:
        self._place = (self._place + 1) % VIEWS
        self._fill()
