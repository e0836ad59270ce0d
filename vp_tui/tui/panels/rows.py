"""Text table that fits its width: columns are dropped, then shrunk; each row has a detail line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable

from vp_tui.core import text as fmt
from vp_tui.tui.marks import MARKS, Level, styled

GAP = 1
LEAST = 10
"""Minimum width of a stretching column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridColumn:
    """One column; as wide as its widest cell."""

    title: str
    align: Literal["left", "right"] = "left"
    spare: int = 0
    """If space is short the largest value is dropped first; 0 always stays."""
    in_detail: bool = False
    """Shown in the detail line if the column is dropped."""
    stretches: bool = False
    """Its cells are cut if nothing else helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """Printable cells, and the detail line of the row."""

    cells: tuple[str, ...]
    detail: str
    level: Level = "plain"
    """Severity of the first cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table before it has a width."""

    title: str
    columns: tuple[GridColumn, ...]
    rows: tuple[GridRow, ...]
    without: str
    """Text shown without rows."""


def fitted(grid: Grid, width: int) -> dict[int, int]:
    """Return visible columns -> widths."""
    marked = [tuple(_marked(row)) for row in grid.rows]
    widths = {
        place: max(fmt.columns(column.title), *(fmt.columns(cells[place]) for cells in marked))
        for place, column in enumerate(grid.columns)
    }
    spare = sorted((place for place in widths if grid.columns[place].spare), key=lambda p: grid.columns[p].spare)

    def is_too_wide() -> bool:
        return sum(widths.values()) + GAP * len(widths) > width

    while is_too_wide() and spare:
        del widths[spare.pop()]
    stretching = [place for place in widths if grid.columns[place].stretches]
    while is_too_wide() and any(widths[place] > LEAST for place in stretching):
        widths[max(stretching, key=lambda place: widths[place])] -= 1
    return widths


def _marked(row: GridRow) -> Sequence[str]:
    first, *rest = row.cells
    mark = MARKS.get(row.level, "")
    return [f"{mark} {first}" if mark else first, *rest]


def cells(row: GridRow, grid: Grid, widths: dict[int, int]) -> list[Content]:
    texts = _marked(row)
    return [
        styled(_padded(texts[place], widths[place], grid.columns[place]), row.level if place == 0 else "plain")
        for place in widths
    ]


def head(grid: Grid, widths: dict[int, int]) -> list[str]:
    """Return the titles, aligned like their columns."""
    return [_padded(grid.columns[place].title, widths[place], grid.columns[place]) for place in widths]


def _padded(text: str, width: int, column: GridColumn) -> str:
    return fmt.pad(fmt.clip(text, width), width, right=column.align == "right") + " " * GAP


class Rows(DataTable[Content]):
    """Shows a Grid; the cursor moves by row and selects the detail line."""

    class Explained(Message):
        """The cursor or the table changed."""

    topic: ClassVar[str] = "comparison"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0)
        self._grid: Grid | None = None
        self._drawn: tuple[Grid, int] | None = None

    def fill(self, grid: Grid) -> None:
        """Show the table; the cursor stays if it is shown already."""
        self._grid = grid
        self._draw()

    def action_scroll_home(self) -> None:
        """Move to the first row; the columns do not scroll."""
        self.action_scroll_top()

    def action_scroll_end(self) -> None:
        self.action_scroll_bottom()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        # a space before the table and the scroll bar after it
        width = self.size.width - 2
        if self._grid is None or width < 1 or self._drawn == (self._grid, width):
            return
        is_same = self._drawn is not None and self._drawn[0] == self._grid
        place = self.cursor_row if is_same else 0
        self._drawn = (self._grid, width)
        self.border_title = self._grid.title
        self.clear(columns=True)
        self._add(self._grid, width)
        self.move_cursor(row=place)
        self.post_message(self.Explained())

    def _add(self, grid: Grid, width: int) -> None:
        self.show_header = self.show_cursor = bool(grid.rows)
        if not grid.rows:
            self.add_column("", width=width)
            self.add_row(styled(fmt.clip(grid.without, width), "dim"))
            return
        widths = fitted(grid, width)
        for place, title in zip(widths, head(grid, widths), strict=True):
            self.add_column(title, width=widths[place] + GAP)
        for row in grid.rows:
            self.add_row(*cells(row, grid, widths))

    def on_data_table_row_highlighted(self) -> None:
        self.post_message(self.Explained())

    @property
    def detail(self) -> str:
        """Details of the row under the cursor, including dropped columns; empty without a row."""
        if self._drawn is None or not 0 <= self.cursor_row < len(self._drawn[0].rows):
            return ""
        grid, width = self._drawn
        row, shown = grid.rows[self.cursor_row], fitted(grid, width)
        hidden = [
            f"{column.title} {row.cells[place]}"
            for place, column in enumerate(grid.columns)
            if column.in_detail and place not in shown and row.cells[place] != fmt.DASH
        ]
        return "; ".join([row.detail, *hidden])

    def texts(self) -> list[str]:
        """Return each row with its detail, for a search."""
        return [" ".join([*row.cells, row.detail]) for row in self._grid.rows] if self._grid is not None else []

    def copy_text(self) -> str:
        """Return the whole table, uncut."""
        if self._grid is None or not self._grid.rows:
            return self._grid.without if self._grid is not None else ""
        widths = fitted(self._grid, 10_000)
        rows = [[cell.plain for cell in cells(row, self._grid, widths)] for row in self._grid.rows]
        return "\n".join("".join(row).rstrip() for row in (head(self._grid, widths), *rows))
