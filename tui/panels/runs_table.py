"""The history as a table: one row per run, the columns that fit, the rest in the line below it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from textual.content import Content
from textual.widgets import DataTable

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui import format as fmt
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import MARKS, level_of, line, lines, styled
from vp_tui.tui.messages import OpenRun
from vp_tui.tui.panels.header import elapsed_s, run_names


@dataclass(frozen=True, slots=True)
class RunColumn:
    """One column of the history: title, width, cell, what it sorts by, and the screen width it needs."""

    title: str
    width: int
    cell: Callable[[RunRow], Content]
    order: Callable[[RunRow], Any]
    room: int = 0


def _plain(text: str) -> Content:
    return Content(text)


def _right(text: str, width: int) -> Content:
    return Content(f"{text:>{width}}")


def _status(run: RunRow) -> Content:
    words = f"{run.status} {fmt.share(run.done, run.total)}" if run.status == "running" else run.status
    return styled(words, level_of(run.status))


def _verdict(run: RunRow) -> Content:
    return styled(fmt.safe(run.verdict or fmt.DASH), level_of(run.verdict))


def _speedup(run: RunRow) -> Content:
    level = level_of(run.speed_verdict)
    return styled(f"{MARKS.get(level, '') + fmt.ratio(run.speedup):>6}", level)


def _number(value: float | None) -> tuple[bool, float]:
    """Missing numbers come last, whichever the direction of interest."""
    return (value is None, value or 0.0)


NAME, NAME_WIDTH, NAME_MOST = "name (model)", 14, 40

COLUMNS: tuple[RunColumn, ...] = (
    RunColumn("  id", 4, lambda r: _right(str(r.id), 4), lambda r: -r.id),
    RunColumn(NAME, NAME_WIDTH, lambda r: _plain(run_names(r)), run_names),
    RunColumn("prec", 4, lambda r: _plain(fmt.safe(r.precision)), lambda r: r.precision),
    RunColumn("status", 11, _status, lambda r: r.status),
    RunColumn("verdict", 7, _verdict, lambda r: r.verdict or "~"),
    RunColumn("worst cos", 9, lambda r: _right(fmt.cosine(r.cosine_min), 9), lambda r: _number(r.cosine_min)),
    RunColumn(" speed", 6, _speedup, lambda r: _number(-r.speedup if r.speedup is not None else None)),
    RunColumn("   time", 7, lambda r: _right(fmt.duration(elapsed_s(r)), 7), lambda r: _number(elapsed_s(r))),
    RunColumn("started", 16, lambda r: _plain(fmt.date_time(r.started_at_us)), lambda r: -(r.started_at_us or 0), 100),
    RunColumn("alerts", 6, lambda r: _right(fmt.count(r.num_alerts), 6), lambda r: -r.num_alerts, 116),
    RunColumn("reference", 9, lambda r: _plain(fmt.safe(r.reference)), lambda r: r.reference, 126),
    RunColumn("device", 7, lambda r: _plain(fmt.safe(r.device or fmt.DASH)), lambda r: r.device or "~", 136),
    RunColumn("model", 40, lambda r: _plain(fmt.clip(fmt.safe(r.model), 40)), lambda r: r.model, 190),
)


def detail(run: RunRow) -> Content:
    """What the table has no room for, about the marked run."""
    words = run.sentence or run.status_reason or run.phase or ""
    return lines(
        [
            line(
                (f"#{run.id} ", "title"),
                f"{fmt.safe(run.model)}  {fmt.safe(run.precision)} vs {fmt.safe(run.reference)}",
                (f"  started {fmt.date_time(run.started_at_us)}", "dim"),
            ),
            line(
                (f"{fmt.safe(run.verdict or run.status)}  ", level_of(run.verdict or run.status)),
                fmt.safe(words),
            ),
            styled(fmt.safe(run.precision_reason or run.input), "dim"),
        ]
    )


def columns(width: int) -> list[RunColumn]:
    """The columns that fit; the name gets what is left over."""
    shown = [column for column in COLUMNS if column.room <= width]
    # a blank on both sides of each column, and the scroll bar
    left = width - 1 - sum(column.width + 2 for column in shown)
    room = min(NAME_MOST, NAME_WIDTH + max(0, left))
    return [replace(c, width=room, cell=partial(_name, room)) if c.title == NAME else c for c in shown]


def _name(width: int, run: RunRow) -> Content:
    return _plain(fmt.clip(run_names(run), width))


class RunsTable(DataTable[Content]):
    """Keeps the marked run marked when rows come and go; writes only cells that changed."""

    BINDINGS = bindings("runs table")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=True)
        self._rows: tuple[RunRow, ...] = ()
        self._columns_shown: tuple[str, ...] = ()
        self._sort = 0

    @property
    def marked(self) -> RunRow | None:
        """The run under the cursor."""
        return self._rows[self.cursor_row] if 0 <= self.cursor_row < len(self._rows) else None

    def show(self, runs: tuple[RunRow, ...], width: int) -> None:
        """Fill the table with what fits."""
        rows = tuple(sorted(runs, key=COLUMNS[self._sort].order))
        shown = columns(width)
        titles = tuple(f"{self._title(column)}{column.width}" for column in shown)
        if titles != self._columns_shown or [r.id for r in rows] != [r.id for r in self._rows]:
            self._rebuild(rows, shown)
            self._columns_shown = titles
        else:
            self._refresh_cells(rows, shown)
        self._rows = rows

    def _title(self, column: RunColumn) -> str:
        # one mark is enough: the direction is the one in which the interesting runs come first
        return f"{column.title}<" if column.title == COLUMNS[self._sort].title and self._sort else column.title

    def _rebuild(self, rows: tuple[RunRow, ...], shown: list[RunColumn]) -> None:
        marked = self.marked
        self.clear(columns=True)
        for column in shown:
            title = self._title(column)
            self.add_column(title, width=max(column.width, len(title)), key=column.title)
        for run in rows:
            self.add_row(*(column.cell(run) for column in shown), key=str(run.id))
        ids = [run.id for run in rows]
        if marked is not None and marked.id in ids:
            self.move_cursor(row=ids.index(marked.id))

    def _refresh_cells(self, rows: tuple[RunRow, ...], shown: list[RunColumn]) -> None:
        for before, run in zip(self._rows, rows, strict=True):
            if before == run:
                continue
            for column in shown:
                cell = column.cell(run)
                old = column.cell(before)
                if cell != old or cell.spans != old.spans:
                    self.update_cell(str(run.id), column.title, cell)

    def action_open(self) -> None:
        """Show the marked run on the Live screen."""
        if self.marked is not None:
            self.post_message(OpenRun(self.marked.id))

    def on_data_table_row_selected(self) -> None:
        """A click on the marked row opens it too."""
        self.action_open()

    def action_sort_next(self) -> None:
        """Order by the next column that is shown."""
        self._sort = (self._sort + 1) % max(1, len(self._columns_shown))
        self.show(self._rows, self.app.size.width)
