"""Screen 1: one run while it is running: header, strata, charts, speed, GPU, alerts."""

import time
from collections.abc import Sequence
from functools import partial

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import OpenComparison, OpenRun, StoreView, dashboard
from vp_tui.tui.panels.alerts import AlertList
from vp_tui.tui.panels.chart import ChartRow
from vp_tui.tui.panels.devices import DevicePanel
from vp_tui.tui.panels.gpu import gpu
from vp_tui.tui.panels.header import Silence, active_runs, header, runs_strip
from vp_tui.tui.panels.panel import Panel, Readable
from vp_tui.tui.panels.strata import embeddings, strata
from vp_tui.tui.panels.throughput import facts, throughput
from vp_tui.tui.screens.alert import AlertScreen
from vp_tui.tui.screens.export import ExportScreen
from vp_tui.tui.screens.finding import Finding, FindLine
from vp_tui.tui.screens.main_screen import NO_RUN, MainScreen
from vp_tui.tui.screens.modules import ModulesScreen
from vp_tui.tui.screens.run_forms import PinScreen, why_not_pinned
from vp_tui.tui.screens.worst import WorstScreen

READING = "Reading the store ..."
LARGE = (160, 45)
"""Columns and lines from which all charts are shown at once."""
TALL = 40
"""Lines from which all facts of the run are shown."""
LOOK_S = 1.0
BACK = " (a: back to charts)"
_OF_A_RUN = frozenset({"find", "cycle_chart", "worst", "toggle_alerts", "compare", "pin", "export", "modules"})


class LiveScreen(Finding, MainScreen):
    """The selected run; live.tcss decides which panels fit."""

    BINDINGS = bindings("live")
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._view: StoreView | None = None
        self._silence = Silence()

    def body(self) -> list[Widget]:
        empty = Panel(id="empty")
        empty.show(Content(READING))
        rates = Vertical(Readable(id="speed", topic="speed"), Readable(id="gpu", topic="gpu"), id="rates")
        statistics = Readable(id="embeddings", title="embeddings", topic="embeddings")
        return [
            empty,
            Readable(id="header", topic="header"),
            Panel(id="strip"),
            Readable(id="strata", title="strata", topic="strata"),
            ChartRow(self.backend.compared, id="charts"),
            rates,
            DevicePanel(id="devices"),
            Horizontal(
                Readable(id="facts", title="this run", topic="header"),
                Vertical(statistics, AlertList(id="alerts"), id="side"),
                id="bottom",
            ),
            FindLine(),
        ]

    def on_mount(self) -> None:
        self.add_class("-empty")
        self.set_interval(LOOK_S, self._look_for_silence)

    def on_resize(self) -> None:
        self.set_class(self.size.height >= TALL, "-tall")
        self.set_class(self.size.width >= LARGE[0] and self.size.height >= LARGE[1], "-large")

    def show(self, view: StoreView) -> None:
        self._view = view
        self.set_class(view.snapshot is None, "-empty")
        is_without_gpu = not isinstance(view.idle_gpu, GpuSample) and not (view.snapshot and view.snapshot.gpu)
        self.set_class(view.snapshot is not None and view.snapshot.run.device == "cpu" and is_without_gpu, "-cpu")
        self.query_one("#gpu", Panel).show(gpu(view.snapshot, view.idle_gpu, self._room))
        rates = self.query_one("#rates")
        rates.border_title = "speed" if self.has_class("-cpu") else "speed and GPU"
        # the first screen says in its own words that there is no GPU
        rates.display = view.snapshot is not None or not isinstance(view.idle_gpu, Unavailable)
        if view.snapshot is None:
            self.query_one("#empty", Panel).show(self.empty_words(view))
            return
        self._show_run(view, view.snapshot)

    def _show_run(self, view: StoreView, snapshot: RunSnapshot) -> None:
        self.set_class(not snapshot.alerts and not snapshot.findings, "-calm")
        self._show_header(snapshot)
        self._show_strip(view.runs, snapshot.run.id)
        self.query_one("#strata", Panel).show(strata(snapshot, self._room, view.baseline))
        self.query_one("#speed", Panel).show(throughput(snapshot))
        self.query_one(DevicePanel).show_rows(snapshot.devices, is_over=not snapshot.run.is_active)
        self.query_one("#facts", Panel).show(facts(snapshot))
        self.query_one("#embeddings", Panel).show(embeddings(snapshot))
        self.query_one(AlertList).show(snapshot)
        self.query_one(ChartRow).show(snapshot)

    def _show_header(self, snapshot: RunSnapshot) -> None:
        newest = dashboard(self).view
        run = newest.snapshot.run if newest is not None and newest.snapshot is not None else snapshot.run
        # ask the newest view: while the display is paused the shown one only looks silent
        is_silent = self._silence.is_silent(run, time.monotonic()) and run.uuid == snapshot.run.uuid
        self.query_one("#header", Panel).show(header(snapshot, self.size.width - 2, is_silent=is_silent))

    def _show_strip(self, runs: Sequence[RunRow], shown: int) -> None:
        strip, words = self.query_one("#strip", Panel), runs_strip(runs, shown, self.size.width - 2)
        strip.set_class(words is not None, "-on")
        if words is not None:
            strip.show(words)

    @property
    def _room(self) -> int:
        """Columns inside a panel: without the margins, and without the frame where there is one."""
        return self.size.width - (4 if self.has_class("-roomy") else 2)

    @property
    def _snapshot(self) -> RunSnapshot | None:
        return self._view.snapshot if self._view is not None else None

    def _look_for_silence(self) -> None:
        """Check by a timer: a run that hangs writes nothing, so no new view is posted."""
        if self._snapshot is not None:
            self._show_header(self._snapshot)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for a key that does nothing now."""
        if action == "next_match":
            return self.is_mounted and self.is_finding
        if action == "back":
            is_mode = self.has_class("-alerts") or (self.is_mounted and self.is_finding)
            return is_mode or dashboard(self).can_go_back
        # the newest view: this screen may not have been filled yet
        view = dashboard(self).view
        snapshot = view.snapshot if view is not None else None
        if action == "other_run":
            shown = snapshot.run.id if snapshot is not None else None
            return view is not None and any(run.is_active and run.id != shown for run in view.runs)
        return snapshot is not None or action not in _OF_A_RUN

    async def action_back(self) -> None:
        if self.is_finding:
            self.end_search()
        elif self.has_class("-alerts"):
            self.action_toggle_alerts()
        else:
            await self.app.run_action("app.back")

    @property
    def list(self) -> AlertList:
        return self.query_one(AlertList)

    def texts(self) -> Sequence[str]:
        return self.list.texts()

    def show_match(self, row: int) -> None:
        self.list.highlighted = row

    def action_cycle_chart(self) -> None:
        self.query_one(ChartRow).next_view()

    def action_modules(self) -> None:
        if self._snapshot is not None:
            self.app.push_screen(ModulesScreen(self._snapshot))

    # -- alerts and sequences

    def action_toggle_alerts(self) -> None:
        self.toggle_class("-alerts")
        alerts = self.query_one(AlertList)
        alerts.mode = BACK if self.has_class("-alerts") else ""
        if self._snapshot is not None:
            alerts.show(self._snapshot)
        self.refresh_bindings()
        self.set_focus(alerts if self.has_class("-alerts") else None)

    def on_alert_list_opened(self, message: AlertList.Opened) -> None:
        if self._snapshot is not None:
            self.app.push_screen(AlertScreen(self.backend, self._snapshot, message.issue))

    def action_worst(self) -> None:
        if self._snapshot is not None:
            self.app.push_screen(WorstScreen(self.backend, self._snapshot))

    # -- runs

    def action_compare(self) -> None:
        run = self._snapshot.run if self._snapshot is not None else None
        if self._view is None or run is None:
            self.say(NO_RUN)
            return
        base = self._view.baseline_of(run)
        if base is not None:
            self.post_message(OpenComparison(base=f"baseline:{base.name}", candidate=str(run.id)))
        elif self._view.pinned(run):
            self.say(f"#{run.id} is a baseline itself; to compare two runs, press 2 and select them with space")
        else:
            self.say("No baseline has the same sequences, weights and machine: b sets one, 2 lists the runs")

    def action_pin(self) -> None:
        if self._view is None or self._snapshot is None:
            self.say(NO_RUN)
            return
        reason = why_not_pinned(self._snapshot.run)
        if reason is None:
            self.app.push_screen(PinScreen(self._snapshot.run, self._view.baselines))
        else:
            self.say(reason)

    def action_export(self) -> None:
        if self._snapshot is None:
            self.say(NO_RUN)
            return
        run = self._snapshot.run
        name = f"run-{run.id}-{run.name}" if run.name else f"run-{run.id}"
        self.app.push_screen(ExportScreen(f"run #{run.id}", partial(self.backend.write_runs, [run.id]), name))

    def action_other_run(self, step: int) -> None:
        shown = self._snapshot.run.id if self._snapshot is not None else 0
        ids = {run.id for run in active_runs(self._view.runs)} if self._view is not None else set()
        if not ids - {shown}:
            self.say("no other run is active; press 2 for all runs")
            return
        every = sorted(ids | {shown})
        self.post_message(OpenRun(every[(every.index(shown) + step) % len(every)]))
