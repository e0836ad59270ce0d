"""Charts of the Live screen: a row of slots side by side, each showing one view."""

import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, get_args

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from vp_tui.core import text as fmt
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.jobs import run_job
from vp_tui.tui.panels.gpu import gpu_history, span
from vp_tui.tui.panels.histogram import Cosines, histogram
from vp_tui.tui.panels.panel import show_title

View = Literal["similarity", "histogram", "throughput", "gpu"]
VIEWS: tuple[View, ...] = get_args(View)
TOPICS: dict[View, str] = {**dict(zip(VIEWS, VIEWS, strict=True)), "gpu": "gpu chart"}
NAMES = ("short", "medium", "long", "reference", "candidate", "limit")
SMALLEST = (12, 2)
"""Columns and rows below which no chart is drawn."""
PACE_S = 1.0
"""Between two drawings of an active run: one blocks the keys for some ms, and costs kilobytes over SSH."""


class ChartPanel(Static, can_focus=True):
    """One slot; drawn again only if its view, data or size changed."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{name}" for name in NAMES}

    def __init__(self, view: View, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.view: View = view
        self._drawn: tuple[object, ...] = ()
        self._drawn_at = 0.0
        self._text: Text | Content = Content("")
        self._shown: tuple[RunSnapshot, Cosines | None] | None = None

    @property
    def topic(self) -> str:
        return TOPICS[self.view]

    def show(self, view: View, snapshot: RunSnapshot, cosines: Cosines | None) -> None:
        """Draw the run if this view changed; `cosines` is None until they are read."""
        self.view = view
        self._shown = (snapshot, cosines)
        show_title(self, title(view, snapshot, cosines))
        width, height = self.content_size
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return
        frame = (view, snapshot.run.id, width, height, self.app.theme, cosines is None, snapshot.run.is_active)
        if frame == self._drawn[:-1] and snapshot.run.is_active and time.monotonic() - self._drawn_at < PACE_S:
            return
        state = (*frame, _data(view, snapshot, cosines))
        if state == self._drawn:
            return
        self._drawn, self._drawn_at = state, time.monotonic()
        self._text = self._draw(snapshot, cosines, width, height)
        self.update(self._text)

    def copy_text(self) -> str:
        return self._text.plain

    def on_resize(self) -> None:
        if self._shown is not None:
            self.show(self.view, *self._shown)

    def _draw(self, snapshot: RunSnapshot, cosines: Cosines | None, width: int, height: int) -> Text | Content:
        limit = snapshot.limits.fail(M1)
        if self.view == "gpu":
            no_gpm = snapshot.environment.get("gpm") or ""
            drawn = gpu_history(snapshot.gpu, width=width, height=height, no_gpm=no_gpm)
            return drawn if snapshot.gpu else Content(no_gpu(snapshot))
        if self.view == "histogram":
            if cosines is None:
                return Content("Counting ...")
            return histogram(cosines, cosine_limit=limit, width=width, height=height)
        if not _data(self.view, snapshot, cosines):
            return Content("no data yet: no block finished")
        # slow import, not needed for the first frame
        from vp_tui.tui import charts

        palette = {name: self.get_component_styles(f"chart--{name}").color.rgb for name in NAMES}
        if self.view == "similarity":
            return charts.similarity(
                snapshot.similarity, cosine_limit=limit, width=width, height=height, palette=palette
            )
        labels = {"reference": fmt.safe(snapshot.run.reference), "candidate": fmt.safe(snapshot.run.precision)}
        return charts.throughput(snapshot.blocks, labels=labels, width=width, height=height, palette=palette)


def _data(view: View, snapshot: RunSnapshot, cosines: Cosines | None) -> object:
    if view == "histogram":
        return cosines
    return {"similarity": snapshot.similarity, "throughput": snapshot.blocks, "gpu": snapshot.gpu}[view]


def no_gpu(snapshot: RunSnapshot) -> str:
    if snapshot.run.device == "cpu":
        return "GPU not used: this run is on the CPU"
    return "no GPU reading yet" if snapshot.run.is_active else "no GPU readings"


def title(view: View, snapshot: RunSnapshot, cosines: Cosines | None = None) -> str:
    """Return number and meaning of the view in one line."""
    return f"{VIEWS.index(view) + 1}/{len(VIEWS)} {_meaning(view, snapshot, cosines)}"


def _meaning(view: View, snapshot: RunSnapshot, cosines: Cosines | None) -> str:
    limit = fmt.limit(snapshot.limits.fail(M1))
    if view == "similarity":
        return f"1 - cosine, worst of each block; line: limit {limit}"
    if view == "histogram":
        counted = fmt.exact(sum(map(len, cosines.values()))) if cosines is not None else "all"
        return f"histogram: 1 - cosine, {counted} sequences, limit {limit}"
    if view == "throughput":
        return "tokens/s of each block, over sequences"
    return f"GPU, last {span(snapshot.gpu)}" if snapshot.gpu else "GPU over time"


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
