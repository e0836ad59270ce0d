"""Charts of the Live screen side by side: the selected view first, then the following ones."""

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Container

from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.jobs import run_job
from vp_tui.tui.panels.chart import VIEWS, ChartPanel
from vp_tui.tui.panels.histogram import Cosines


class ChartRow(Container):
    """One slot per view; live.tcss shows those that fit.

    `read_cosines` reads the rows per sequence of a run: it blocks, and is called only while the histogram is shown.
    """

    def __init__(self, read_cosines: Callable[[int], Cosines], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._read_cosines = read_cosines
        self._first = 0
        self._snapshot: RunSnapshot | None = None
        self._cosines: tuple[str, Cosines] | None = None
        self._asked: tuple[str, int] | None = None
        self._is_reading = False

    def compose(self) -> ComposeResult:
        for slot, view in enumerate(VIEWS):
            yield ChartPanel(view, id=f"chart{slot}")

    def show(self, snapshot: RunSnapshot) -> None:
        """Draw what changed."""
        self._snapshot = snapshot
        cosines = self._cosines[1] if self._cosines is not None and self._cosines[0] == snapshot.run.uuid else None
        for slot, chart in enumerate(self.query(ChartPanel)):
            chart.show(VIEWS[(self._first + slot) % len(VIEWS)], snapshot, cosines)
        self._count(snapshot)

    def on_resize(self) -> None:
        if self._snapshot is not None:
            self.show(self._snapshot)

    def next_view(self) -> None:
        """Move every slot to the next view."""
        self._first = (self._first + 1) % len(VIEWS)
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _count(self, snapshot: RunSnapshot) -> None:
        """Read the rows again if there are new ones; one read at a time."""
        wanted = (snapshot.run.uuid, snapshot.run.done)
        is_shown = any(chart.view == "histogram" and chart.region.area for chart in self.query(ChartPanel))
        if not is_shown or self._is_reading or wanted == self._asked:
            return
        self._is_reading, self._asked = True, wanted
        done = partial(self._take, snapshot.run.uuid)
        run_job(self, "cosines", partial(self._read_cosines, snapshot.run.id), done, self._fail)

    def _take(self, uuid: str, cosines: Cosines) -> None:
        self._is_reading = False
        self._cosines = (uuid, cosines)
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _fail(self, words: str) -> None:
        """Report it; read again when there are new rows."""
        self._is_reading = False
        self.app.notify(words, title="no histogram", severity="warning", markup=False)
