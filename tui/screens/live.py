"""Screen 1: one run as it goes; header, strata, charts, speed, GPU, alerts."""

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.alerts import AlertList
from vp_tui.tui.panels.chart import ChartPanel
from vp_tui.tui.panels.gpu import gpu
from vp_tui.tui.panels.header import header
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.strata import strata
from vp_tui.tui.panels.throughput import facts, throughput
from vp_tui.tui.screens.board import Board, empty_words

READING = "reading the store .."
CHARTS = ("similarity", "throughput")


class LiveScreen(Board):
    """The run on the screen, or words where there is none; app.tcss decides what fits."""

    BINDINGS = bindings("live")
    AUTO_FOCUS = ""

    def body(self) -> list[Widget]:
        """From the verdict down to the details."""
        return [
            Panel(id="empty"),
            Panel(id="header"),
            Panel(id="strata", title="strata"),
            Horizontal(
                ChartPanel("similarity", id="similarity"), ChartPanel("throughput", id="throughput"), id="charts"
            ),
            Vertical(Panel(id="speed"), Panel(id="gpu"), id="rates"),
            Horizontal(
                Panel(id="facts", title="this run"),
                AlertList(id="alerts"),
                id="bottom",
            ),
        ]

    def on_mount(self) -> None:
        """Words at once: the store is read in a thread."""
        self.add_class("-empty")
        self.query_one("#empty", Panel).show(Content(READING))
        self.query_one("#rates").border_title = "speed and GPU"

    def show(self, view: StoreView) -> None:
        """All panels from one snapshot."""
        self.set_class(view.snapshot is None, "-empty")
        self.query_one("#gpu", Panel).show(gpu(view.snapshot, view.idle_gpu))
        if view.snapshot is None:
            self.query_one("#empty", Panel).show(empty_words(view))
            return
        self._show_run(view.snapshot)

    def _show_run(self, snapshot: RunSnapshot) -> None:
        # the panels of a screen have a blank on either side, and a frame where there is room
        width = self.size.width - (4 if self.has_class("-roomy") else 2)
        self.query_one("#header", Panel).show(header(snapshot, self.size.width - 2))
        self.query_one("#strata", Panel).show(strata(snapshot, width))
        self.query_one("#speed", Panel).show(throughput(snapshot))
        self.query_one("#facts", Panel).show(facts(snapshot))
        self.query_one(AlertList).show(snapshot)
        for chart in self.query(ChartPanel):
            chart.show(snapshot)

    def chosen(self, view: StoreView) -> RunRow | None:
        """The run on the screen."""
        return view.snapshot.run if view.snapshot else None

    def action_cycle_chart(self) -> None:
        """The other chart, where only one fits."""
        self.toggle_class("-throughput")

    def action_toggle_alerts(self) -> None:
        """The charts make room for the list, and back."""
        self.toggle_class("-alerts")
