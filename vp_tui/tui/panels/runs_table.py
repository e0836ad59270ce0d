"""The history as a table: one line per run, as many columns as fit."""

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from textual.content import Content
from textual.message import Message

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import same, styled
from vp_tui.tui.messages import OpenRun
from vp_tui.tui.panels.line_list import LineList
from vp_tui.tui.panels.runs_columns import COLUMNS, GAP, Order, RunColumn, RunLine, fitting, ordered, title_of
from vp_tui.tui.panels.runs_tree import Group, Path, path_of, tree


class RunsTable(LineList):
    """The cursor stays on its run when rows change; only changed rows are painted."""

    BINDINGS = bindings("runs table")
    topic: ClassVar[str] = "runs"

    @dataclass
    class SelectionToggled(Message):
        """Select a run, or deselect it."""

        run_id: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._given: tuple[RunLine, ...] = ()
        self._rows: tuple[RunLine | Group, ...] = ()
        self.is_tree = False
        self._folded: frozenset[Path] = frozenset()
        self.chosen_titles: tuple[str, ...] = ()
        """Columns chosen by the user; empty: those that fit."""
        self._columns: list[RunColumn] = []
        self._titles: list[str] = []
        self._width = 0
        self.order = Order()

    @property
    def current(self) -> RunLine | None:
        row = self._row
        return row if isinstance(row, RunLine) else None

    @property
    def _row(self) -> RunLine | Group | None:
        return self._rows[self.cursor_row] if self.cursor_row < len(self._rows) else None

    @property
    def chosen(self) -> RunRow | None:
        return self.current.run if self.current is not None else None

    @property
    def shown_titles(self) -> tuple[str, ...]:
        return tuple(column.title for column in self._columns)

    @property
    def runs(self) -> tuple[RunRow, ...]:
        """Return the runs of the table, without those in closed groups."""
        return tuple(one.run for one in self._rows if isinstance(one, RunLine))

    def show(self, given: tuple[RunLine, ...], width: int) -> None:
        """Fill the table with the columns that fit into `width`."""
        before, columns = self._rows, self._columns
        chosen = self._row
        self._given, self._width = given, width
        in_order = ordered(given, self.order)
        self._rows = tree(in_order, self._folded) if self.is_tree else in_order
        self._columns = fitting(width, self.order, self.chosen_titles)
        titles = [title_of(column, self.order) for column in self._columns]
        is_same = titles == self._titles and len(columns) == len(self._columns)
        if is_same and list(map(_key, before)) == list(map(_key, self._rows)):
            for row, (old, one) in enumerate(zip(before, self._rows, strict=True)):
                if old != one and not same(self._line(old), self._line(one)):
                    self.refresh_row(row)
            return
        self._titles = titles
        self.resize_to(len(self._rows))
        self._follow(chosen)

    def _follow(self, chosen: RunLine | Group | None) -> None:
        """Keep cursor and scroll position at the run or group; if it is gone, at the same row."""
        rows = (row for row, one in enumerate(self._rows) if chosen is not None and _key(one) == _key(chosen))
        row = next(rows, self.cursor_row)
        if self.scroll_offset.y:
            self.scroll_to(y=self.scroll_offset.y + row - self.cursor_row, animate=False, immediate=True)
        self.move_cursor(row)

    # -- lines

    def title_line(self) -> Content:
        return Content("").join(
            _cell(Content(title), column) for title, column in zip(self._titles, self._columns, strict=True)
        )

    def row_line(self, row: int) -> Content:
        return self._line(self._rows[row])

    def _line(self, one: RunLine | Group) -> Content:
        if isinstance(one, Group):
            return styled(f" {one.text}", "title")
        return Content("").join(_cell(column.cell(one), column) for column in self._columns)

    # -- keys and mouse

    def action_open(self) -> None:
        """Show the run; of a group open or close it."""
        if isinstance(self._row, Group):
            self._turn(self._row.path, is_open=not self._row.is_open)
        elif self.chosen is not None:
            self.post_message(OpenRun(self.chosen.id))

    def action_select(self) -> None:
        if self.chosen is not None:
            self.post_message(self.SelectionToggled(self.chosen.id))
        elif self._row is not None:
            self.action_open()

    def action_tree(self) -> None:
        """Show the tree instead of the list, and back."""
        self.is_tree = not self.is_tree
        self._again()

    def action_fold(self, is_open: bool) -> None:
        """Open the group under the cursor, or close it, or the one that contains the run."""
        row = self._row
        if self.is_tree and row is not None:
            self._turn(row.path if isinstance(row, Group) else path_of(row.run), is_open=is_open)

    def _turn(self, path: Path, *, is_open: bool) -> None:
        self._folded = self._folded - {path} if is_open else self._folded | {path}
        self._again()
        row = next((row for row, one in enumerate(self._rows) if isinstance(one, Group) and one.path == path), None)
        if row is not None:
            self.move_cursor(row)

    def choose_columns(self, titles: tuple[str, ...]) -> None:
        """Show these columns; without any those that fit."""
        self.chosen_titles = titles
        self._again()

    def _again(self) -> None:
        self.show(self._given, self._width)
        self.post_message(self.Moved())

    def title_clicked(self, column: int) -> None:
        """Sort by the clicked title; reverse by a second click."""
        ends = accumulate(one.width + GAP for one in self._columns)
        hit = next((one for one, end in zip(self._columns, ends, strict=True) if column < end), None)
        if hit is None:
            return
        if hit.title == self.order.title:
            self.action_sort_reverse()
        else:
            self._sort_by(hit.title)

    def action_sort_next(self) -> None:
        titles = [column.title for column in self._columns] or [self.order.title]
        place = titles.index(self.order.title) if self.order.title in titles else -1
        self._sort_by(titles[(place + 1) % len(titles)])

    def action_sort_reverse(self) -> None:
        self._sort(Order(title=self.order.title, descending=not self.order.descending))

    def _sort_by(self, title: str) -> None:
        column = next(column for column in COLUMNS if column.title == title)
        self._sort(Order(title=title, descending=column.descending))

    def _sort(self, order: Order) -> None:
        self.order = order
        self.show(self._given, self._width)
        # show the first ones of the new order
        self.move_cursor(0)


def _key(row: RunLine | Group) -> int | Path:
    return row.run.id if isinstance(row, RunLine) else row.path


def _cell(content: Content, column: RunColumn) -> Content:
    """Return the cell, cut or padded to its column, with a space on either side."""
    return Content(" ").join([Content(""), content.truncate(column.width, pad=True), Content("")])
