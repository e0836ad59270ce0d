"""Screen 3: a run compared with another run or a baseline."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.messages import Changed, StoreView, dashboard
from vp_tui.tui.panels.comparison_charts import DistributionChart, SpeedChart
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.rows import Rows
from vp_tui.tui.screens.export import ExportScreen
from vp_tui.tui.screens.finding import Finding, FindLine
from vp_tui.tui.screens.main_screen import MainScreen

if TYPE_CHECKING:
    from vp_tui.core.report.comparison import ComparisonReport

HOW = (
    "No comparison yet.",
    "",
    "On screen 2, select two runs with space and press c:",
    "the older one is run A, the other run B.",
    "Without a selection, c compares the run with its baseline;",
    "b sets a run as a baseline.",
)
NEXT = "Press 2 and select two completed runs (space selects, c compares), or a run and its baseline."
VIEWS = ("differences", "distribution", "pairs", "unlike")
"""Views in the order of v; ids of the widgets that get the focus."""
BOTH = (120, 40)
"""Columns and lines from which table and charts are shown together."""
ALL = (180, 44)
"""Columns and lines from which all views are shown."""
ROOM = {"-low": (1, 1), "-middle": (3, 2), "-roomy": (8, 3)}
"""Lines for the differing facts, and for each of the two verdicts."""


class CompareScreen(Finding, MainScreen):
    """The last comparison, or how to make one."""

    BINDINGS = bindings("compare")
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._words: Content | None = None
        self._report: ComparisonReport | None = None
        self._candidate: RunRow | None = None
        self._place = 0
        self._only_worse = False

    def body(self) -> list[Widget]:
        charts = DistributionChart(id="distribution", topic="histogram"), SpeedChart(id="speeds", topic="throughput")
        notes = VerticalScroll(Panel(id="notes-text"), id="notes")
        # not when the screen is mounted: SIGTERM may come before its widgets are
        notes.border_title = "notes"
        views = (
            Rows(id="differences"),
            Horizontal(*charts, id="overlay"),
            Rows(id="pairs"),
            Vertical(Rows(id="unlike"), notes, id="causes"),
        )
        head = (Panel(id="empty"), Panel(id="apart"), Panel(id="compared"))
        return [*head, Container(*views, id="views"), Panel(id="reason"), FindLine()]

    def on_mount(self) -> None:
        self.add_class("-empty", "-view-0")

    # -- comparing

    def compare(self, base: str, candidate: str) -> None:
        """Compare `candidate` with `base` in a thread, each the id of a run or `baseline:NAME`."""
        sides = f"{_name(candidate)} with {_name(base)}"
        self._report, self._words = None, styled(f"comparing {sides} ..", "info")
        self._show_words()
        run_job(self, "compare", partial(self._compared, base, candidate), self._show, partial(self._failed, sides))

    def _compared(self, base: str, candidate: str) -> "tuple[ComparisonReport, RunRow]":
        report = self.backend.compare(base, candidate)
        with self.backend.open_reader() as reader:
            return report, reader.run(report.cand_ids[0])

    def _show(self, found: "tuple[ComparisonReport, RunRow]") -> None:
        self._report, self._candidate = found
        self._words = None
        self.remove_class("-empty")
        self.refresh_bindings()
        self._fill()
        self._show_view()
        self.post_message(Changed())

    def _failed(self, sides: str, words: str) -> None:
        failure = line(("! ", "fail"), (f"cannot compare {sides}", "fail"))
        self._words = lines([failure, Content(fmt.safe(words)), Content(""), styled(NEXT, "dim")])
        self._show_words()

    def _show_words(self) -> None:
        if self._words is not None:
            self.add_class("-empty")
            self.query_one("#empty", Panel).show(self._words)

    # -- showing

    def show(self, view: StoreView) -> None:
        """Do nothing once there is a comparison: it does not change with the store."""
        if self._report is None and self._words is None:
            how = lines([Content(text) for text in HOW])
            self.query_one("#empty", Panel).show(how if view.runs else self.empty_words(view))

    def on_resize(self) -> None:
        self.set_class(self.size.width >= BOTH[0] and self.size.height >= BOTH[1], "-both")
        self.set_class(self.size.width >= ALL[0] and self.size.height >= ALL[1], "-all")
        if self._report is not None:
            self._show_head(self._report)
            self._explain()

    def _fill(self) -> None:
        """Fill every view, shown or not: each draws itself once it has a size."""
        report = self._report
        if report is None:
            return
        from vp_tui.tui.panels import comparison

        grids = (
            comparison.differences(report, only_worse=self._only_worse),
            None,
            comparison.worst(report),
            comparison.unlike(report),
        )
        for place, grid in enumerate(grids):
            if grid is not None:
                title = f"{place + 1}/{len(VIEWS)} {grid.title}"
                self.query_one(f"#{VIEWS[place]}", Rows).fill(replace(grid, title=title))
        notes = [Content(f"- {note}") for note in comparison.notes(report)]
        self.query_one("#notes-text", Panel).show(lines(notes))
        distribution, speeds = self.query_one(DistributionChart), self.query_one(SpeedChart)
        limit = fmt.limit(report.limits["cosine"])
        distribution.border_title = (
            f"2/{len(VIEWS)} similarity (log scale); line: limit {limit}, values to its right fail"
        )
        speeds.border_title = "tokens/s over time (s)"
        distribution.show(report)
        speeds.show(report)
        self._show_head(report)

    def _show_head(self, report: "ComparisonReport") -> None:
        from vp_tui.tui.panels import comparison

        width = max(20, self.size.width - 2)
        facts, told = next((room for name, room in ROOM.items() if self.has_class(name)), ROOM["-middle"])
        barred = comparison.banner(report, width, facts)
        panel = self.query_one("#apart", Panel)
        panel.set_class(barred is not None, "-on")
        panel.show(barred or Content(""))
        self.query_one("#compared", Panel).show(comparison.compared(report, width, told))

    def _show_view(self) -> None:
        for place in range(len(VIEWS)):
            self.set_class(place == self._place, f"-view-{place}")
        self.query_one(f"#{VIEWS[self._place]}").focus()
        self._explain()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id in VIEWS and self.has_class("-all"):
            self._place = VIEWS.index(event.widget.id)
        self._explain()

    def on_rows_explained(self) -> None:
        self._explain()

    def _explain(self) -> None:
        """Show details of the row under the cursor, as far as they fit."""
        panel = self.query_one("#reason", Panel)
        table = self.query_one(f"#{VIEWS[self._place]}")
        words = table.detail if isinstance(table, Rows) else ""
        width, height = max(20, self.size.width - 2), max(1, panel.size.height)
        told = fmt.wrap(words, width)
        if len(told) > height:
            told = [*told[: height - 1], fmt.clip(" ".join(told[height - 1 :]), width)]
        panel.show(lines([Content(text) for text in told]))

    def chosen(self, view: StoreView) -> RunRow | None:
        """Return the first candidate run, else the run on the Live screen."""
        mine = self._candidate
        if self._report is None or mine is None:
            return super().chosen(view)
        return next((run for run in view.runs if run.id == mine.id), mine)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False without a comparison, also while it is made; the matches are those of a search."""
        if action == "next_match":
            return self.is_mounted and self.is_finding
        if action == "back":
            return (self.is_mounted and self.is_finding) or dashboard(self).can_go_back
        return self._report is not None or action not in {"next_view", "only_worse", "swap", "export", "find"}

    @property
    def list(self) -> Widget:
        return self.query_one(f"#{VIEWS[self._place]}")

    def texts(self) -> Sequence[str]:
        return self.list.texts() if isinstance(self.list, Rows) else ()

    def show_match(self, row: int) -> None:
        if isinstance(self.list, Rows):
            self.list.move_cursor(row=row)

    async def action_back(self) -> None:
        if self.is_finding:
            self.end_search()
        else:
            await self.app.run_action("app.back")

    def action_next_view(self) -> None:
        self._place = (self._place + 1) % len(VIEWS)
        self._show_view()

    def action_only_worse(self) -> None:
        self._only_worse = not self._only_worse
        self._place = 0
        self._fill()
        self._show_view()

    def action_swap(self) -> None:
        if self._report is not None:
            self.compare(str(self._report.cand_ids[0]), str(self._report.base_ids[0]))

    def action_export(self) -> None:
        report = self._report
        if report is None:
            return
        base, cand = report.base_ids[0], report.cand_ids[0]

        def write(format: str, path: Path) -> None:
            self.backend.write_comparison(report, format, path)

        what = f"the comparison of #{cand} with #{base}"
        self.app.push_screen(ExportScreen(what, write, f"comparison-{cand}-with-{base}"))


def _name(side: str) -> str:
    """Return a side as the user knows it: #41, or baseline 'main'."""
    head, colon, name = side.partition(":")
    return f"{head} '{fmt.clip(fmt.safe(name), 30)}'" if colon else f"#{fmt.clip(fmt.safe(side), 30)}"
