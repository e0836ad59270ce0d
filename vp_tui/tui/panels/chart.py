"""Charts of the Live screen: slots side by side, each showing one view; v enlarges one after the other."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.panels import chart_views
from vp_tui.tui.panels.chart_views import FEW, Compared, Shown, View, views_of
from vp_tui.tui.panels.gpu import gpu_history
from vp_tui.tui.panels.histogram import histogram
from vp_tui.tui.panels.panel import show_title

if TYPE_CHECKING:
    from vp_tui.tui.charts import Drawn

TOPICS: Mapping[View, str] = {
    "similarity": "similarity",
    "histogram": "histogram",
    "throughput": "throughput",
    "gpu": "gpu chart",
}
POINTED: Mapping[View, tuple[Callable[..., "Drawn"], Callable[..., Content]]] = {
    "similarity": (chart_views.similarity, chart_views.similarity_words),
    "throughput": (chart_views.throughput, chart_views.throughput_words),
}
"""Views with a cursor: how each is drawn, and what the cursor tells."""
SLOTS = 4
SMALLEST = (24, 3)
"""Columns and rows below which no chart is drawn."""
PACE_S = 1.0
"""Between two drawings of an active run: one blocks the keys for some ms, and costs kilobytes over SSH."""


class ChartPanel(Static, can_focus=True):
    """One slot; drawn again only if its view, data, cursor or size changed."""

    ALLOW_SELECT = False
    BINDINGS = bindings("chart")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.view: View = "similarity"
        self._place = ""
        self._shown: Shown | None = None
        self._drawn: tuple[object, ...] = ()
        self._drawn_at = 0.0
        self._text = Content("")
        self._columns: Mapping[int, tuple[int, ...]] = {}
        self._cursor: int | None = None

    @property
    def topic(self) -> str:
        return TOPICS[self.view]

    def show(self, view: View, place: str, shown: Shown) -> None:
        """Draw the run if this view changed; `place` stands before the title, as 1/4."""
        if view != self.view or self._shown is None or shown.snapshot.run.id != self._shown.snapshot.run.id:
            self._cursor = None
            self._columns = {}
        self.view, self._place, self._shown = view, place, shown
        self._draw(shown, is_urgent=False)
        self.refresh_bindings()

    def on_resize(self) -> None:
        # the cursor is a column of the old size
        self._cursor = None
        if self._shown is not None:
            self._draw(self._shown, is_urgent=True)

    def on_blur(self) -> None:
        if self._cursor is not None and self._shown is not None:
            self._cursor = None
            self._draw(self._shown, is_urgent=True)

    def copy_text(self) -> str:
        title = self.border_title
        return f"{Content.from_markup(title).plain if title else ''}\n{self._text.plain}"

    # -- drawing

    def _draw(self, shown: Shown, *, is_urgent: bool) -> None:
        width, height = self.content_size
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return
        run = shown.snapshot.run
        frame = (self.view, run.id, width, height, self.app.theme, shown.compared is None, run.is_active, self._cursor)
        is_early = run.is_active and time.monotonic() - self._drawn_at < PACE_S
        if frame == self._drawn[:-1] and is_early and not is_urgent:
            return
        state = (*frame, self._data(shown))
        if state != self._drawn:
            self._drawn, self._drawn_at = state, time.monotonic()
            self._text = self._content(shown, width, height)
            self.update(self._text)
        self._show_title(shown, width)

    def _show_title(self, shown: Shown, width: int) -> None:
        found = self._columns.get(self._cursor) if self._cursor is not None else None
        # corners and blanks of a frame take two columns more than its padding
        room = width - len(self._place) - 3
        words = POINTED[self.view][1](shown, found) if found else chart_views.title(self.view, shown, room)
        show_title(self, Content(f"{self._place} ") + words)

    def _data(self, shown: Shown) -> object:
        snapshot = shown.snapshot
        data = {"similarity": snapshot.similarity, "throughput": snapshot.blocks, "gpu": snapshot.gpu}
        return shown.compared if self.view == "histogram" else (data[self.view], shown.few, snapshot.run.total)

    def _content(self, shown: Shown, width: int, height: int) -> Content:
        snapshot = shown.snapshot
        if self.view == "gpu":
            no_gpm = snapshot.environment.get("gpm") or ""
            drawn = gpu_history(snapshot.gpu, width=width, height=height, no_gpm=no_gpm)
            return drawn if snapshot.gpu else Content("no GPU reading yet")
        if self.view == "histogram":
            if shown.compared is None:
                return Content("Counting ...")
            return histogram(shown.compared.cosines, cosine_limit=snapshot.limits.fail(M1), width=width, height=height)
        found = POINTED[self.view][0](shown, width, height, self._cursor)
        self._columns = found.columns
        return found.content if found.columns else Content("no data: no block finished")

    # -- the cursor

    def action_point(self, step: int) -> None:
        """Go to the next column that holds something, in the direction of `step`; from nowhere to an end."""
        columns, at = list(self._columns), self._cursor
        if self._shown is None or not columns:
            return
        ahead = [one for one in columns if at is None or (one - at) * step > 0]
        if ahead:
            self._cursor = ahead[0] if step > 0 else ahead[-1]
            self._draw(self._shown, is_urgent=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The cursor's keys work where there is something to point at."""
        return bool(self._columns) and self.view in POINTED if action == "point" else True


class ChartRow(Container):
    """A slot per view; live.tcss shows those that fit, and the first alone while it is enlarged.

    `read` reads the compared sequences of a run: it blocks, and is called only while a chart needs them.
    """

    def __init__(self, read: Callable[[int], Compared], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._read = read
        self._enlarged: int | None = None
        """The view that has all the room, by its place."""
        self._snapshot: RunSnapshot | None = None
        self._compared: tuple[str, Compared] | None = None
        self._asked: tuple[str, int, bool] | None = None
        self._is_reading = False

    def compose(self) -> ComposeResult:
        for slot in range(SLOTS):
            yield ChartPanel(id=f"chart{slot}")

    def show(self, snapshot: RunSnapshot) -> None:
        """Draw what changed."""
        self._snapshot = snapshot
        compared = self._compared[1] if self._compared is not None and self._compared[0] == snapshot.run.uuid else None
        views, shown = views_of(snapshot), Shown(snapshot, compared)
        if self._enlarged is not None:
            self._enlarged = min(self._enlarged, len(views) - 1)
        first, is_one = self._enlarged or 0, self._enlarged is not None
        self.set_class(is_one, "-one")
        self.set_class(len(views) < SLOTS, "-three")
        for slot, chart in enumerate(self.query(ChartPanel)):
            place = (first + slot) % len(views)
            word = " enlarged," if is_one and self._has_others else ""
            chart.show(views[place], f"{place + 1}/{len(views)}{word}", shown)
        self._read_compared(snapshot)

    def on_resize(self) -> None:
        if self._snapshot is not None:
            self.show(self._snapshot)

    @property
    def _has_others(self) -> bool:
        """Return True where the screen has room for several charts beside each other."""
        return self.screen.has_class("-wide")

    def next_view(self) -> None:
        """Enlarge the chart in focus or the first, then one after the other, then show all; alone, show the next."""
        if self._snapshot is None:
            return
        charts, views = list(self.query(ChartPanel)), views_of(self._snapshot)
        focused = self.screen.focused
        if self._enlarged is not None:
            after = self._enlarged + 1
            self._enlarged = after if after < len(views) else None
        elif not self._has_others:
            self._enlarged = 1
        else:
            self._enlarged = charts.index(focused) if isinstance(focused, ChartPanel) and focused in charts else 0
        if self._enlarged is not None:
            # left and right point in it
            self.screen.set_focus(charts[0])
        self.show(self._snapshot)

    # -- the compared sequences

    def _read_compared(self, snapshot: RunSnapshot) -> None:
        """Read the rows again if there are new ones; one read at a time."""
        run = snapshot.run
        wanted = (run.uuid, run.done, run.is_active)
        shown = {chart.view for chart in self.query(ChartPanel) if chart.region.area}
        is_few = not run.is_active and run.done <= FEW and "similarity" in shown
        if self._is_reading or wanted == self._asked or not ("histogram" in shown or is_few):
            return
        self._is_reading, self._asked = True, wanted
        done = partial(self._take, run.uuid)
        run_job(self, "compared", partial(self._read, run.id), done, self._fail)

    def _take(self, uuid: str, compared: Compared) -> None:
        self._is_reading = False
        self._compared = (uuid, compared)
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _fail(self, words: str) -> None:
        """Report it; read again when there are new rows."""
        self._is_reading = False
        self.app.notify(words, title="the sequences cannot be read", severity="warning", markup=False)
