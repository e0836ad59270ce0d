"""The precision map: blocks by operations, each cell with what the search knows of that unit.

A cell is one to four characters, so that it needs no colour: the mark of the evidence (! beyond the range, ~ rounding
stands out, . neither, ? not looked at), the format in which the plan keeps the unit, and the reader's own mark
(+ pinned, x forbidden).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from textual import events
from textual.content import Content
from textual.strip import Strip

from vp_tui.core.formats import UnitFormat
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.inputs.units import BLOCKS, IN_BLOCK, outside
from vp_tui.core.runs.search import suspects
from vp_tui.core.runs.search.records import SearchResult
from vp_tui.tui.marks import MARKS, Level, line, same, styled
from vp_tui.tui.panels.line_list import LineList

Wish = Literal["pinned", "forbidden"]
WISHES: Final[Mapping[Wish, str]] = {"pinned": "+", "forbidden": "x"}
SHORT: Final[Mapping[str, str]] = {
    "attention_norm": "norm", "attention": "attn", "residual": "res", "ffn_norm": "norm", "gated": "gate",
}  # fmt: skip
"""Titles of at most four columns; the order of execution tells the two norms apart."""
FINE: Final = "."
UNSEEN: Final = "?"
"""The search ended before it looked, or the unit was pinned or forbidden."""
_LEAST = 5
"""Columns of a cell with the gap behind it."""
_FORMATS: Final[Mapping[UnitFormat, str]] = {"fp32": "32", "tf32": "tf", "bf16": "bf", "fp16": "16", "fp8": "8"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One unit on the map."""

    text: str
    level: Level


@dataclass(frozen=True, slots=True)
class MapRow:
    """A block, or one unit outside the blocks."""

    label: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionGrid:
    """The whole map: the units of a model in the order of execution, each with its cell."""

    operations: tuple[str, ...]
    rows: tuple[MapRow, ...]
    cells: Mapping[str, Cell]


def grid(kind: Kind, num_layers: int, result: SearchResult, wishes: Mapping[str, Wish]) -> PrecisionGrid:
    """Return the map of a result, with the marks of the reader."""
    operations, (first, last) = IN_BLOCK[kind], outside(kind)
    blocks = (
        MapRow(f"block {index}", tuple(f"{BLOCKS}.{index}.{name}" for name in operations))
        for index in range(num_layers)
    )
    rows = (*(MapRow(name, (name,)) for name in first), *blocks, *(MapRow(name, (name,)) for name in last))
    beyond = suspects.certain(result.evidence)
    rounding = suspects.outliers([one for one in result.evidence if one.unit not in beyond])
    kept = dict.fromkeys(result.reasons if result.plan is not None else (), result.question.keep)
    seen = {one.unit for one in result.evidence}
    units = [unit for row in rows for unit in row.units]
    marks = {
        unit: MARKS["fail"] if unit in beyond else MARKS["warn"] if unit in rounding else "" if unit in seen else UNSEEN
        for unit in units
    }
    cells = {unit: _cell(marks[unit], kept.get(unit), wishes.get(unit)) for unit in units}
    return PrecisionGrid(operations=operations, rows=rows, cells=cells)


def _cell(mark: str, kept: UnitFormat | None, wish: Wish | None) -> Cell:
    is_settled = kept is not None or wish is not None
    seen, own = "" if mark == UNSEEN and is_settled else mark, _FORMATS.get(kept, kept) if kept else ""
    text = f"{seen}{own}{WISHES[wish] if wish else ''}"
    levels: Mapping[str, Level] = {MARKS["fail"]: "fail", MARKS["warn"]: "warn"}
    level = "good" if kept else levels.get(mark, "info" if wish else "dim")
    return Cell(text or FINE, level)


def legend(result: SearchResult, width: int, *, pin_key: str, forbid_key: str) -> Content:
    """Return the meaning of the marks, as many as fit; the reader's own with their keys."""
    entries: list[tuple[str, Level, str]] = [
        (_FORMATS[result.question.keep], "good", "kept"),
        (MARKS["fail"], "fail", "beyond range"),
        (MARKS["warn"], "warn", "rounds badly"),
        (FINE, "dim", "fine") if result.evidence else (UNSEEN, "dim", "not looked at"),
        (WISHES["pinned"], "info", f"pinned ({pin_key})"),
        (WISHES["forbidden"], "info", f"forbidden ({forbid_key})"),
    ]
    parts = [line((mark, level), f" {words}") for mark, level, words in entries]
    while len(parts) > 1 and sum(one.cell_length + 2 for one in parts) - 2 > width:
        parts.pop()
    return Content("  ").join(parts)


def widths(operations: tuple[str, ...], rows: tuple[MapRow, ...], width: int) -> tuple[int, int]:
    """Return the columns of the labels, and of a cell with its gap."""
    label = max(len(row.label) for row in rows) + 2
    longest = max(map(len, operations)) + 2
    return label, max(_LEAST, min(longest, (width - label) // len(operations)))


def titles(found: PrecisionGrid, label: int, each: int) -> Content:
    """Return the names of the operations: in full where every one fits, else short."""
    is_full = all(len(name) < each for name in found.operations)
    names = (name if is_full else SHORT.get(name, name) for name in found.operations)
    return Content(" " * label + "".join(f"{name:<{each}}" for name in names))


def row_of(found: PrecisionGrid, row: int, label: int, each: int) -> Content:
    """Return one row of cells."""
    one = found.rows[row]
    cells = [found.cells[unit] for unit in one.units]
    return line(f"{one.label:<{label}}", *(styled(f"{cell.text:<{each}}", cell.level) for cell in cells))


class PrecisionMap(LineList):
    """The map with a cursor on one unit; arrow keys move it."""

    topic = "precision map"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._grid: PrecisionGrid | None = None
        self._column = 0

    def show(self, found: PrecisionGrid) -> None:
        """Show the map; rows are repainted where they changed, the cursor stays."""
        before, self._grid = self._grid, found
        if before is None or before.rows != found.rows:
            self.resize_to(len(found.rows))
            self.move_to(_first_of_interest(found))
            return
        for row in range(len(found.rows)):
            if not same(row_of(before, row, 0, _LEAST), row_of(found, row, 0, _LEAST)):
                self.refresh_row(row)

    def move_to(self, unit: str) -> None:
        """Put the cursor on a unit of the map."""
        rows = self._grid.rows if self._grid is not None else ()
        row = next((place for place, one in enumerate(rows) if unit in one.units), 0)
        self._column = rows[row].units.index(unit) if unit in rows[row].units else 0
        self.move_cursor(row)
        self.post_message(self.Moved())

    @property
    def unit(self) -> str | None:
        """Return the unit under the cursor."""
        if self._grid is None or not self._grid.rows:
            return None
        units = self._grid.rows[self.cursor_row].units
        return units[min(self._column, len(units) - 1)]

    def _widths(self) -> tuple[int, int]:
        if self._grid is None:
            return 0, _LEAST
        return widths(self._grid.operations, self._grid.rows, self.size.width)

    def title_line(self) -> Content:
        return titles(self._grid, *self._widths()) if self._grid is not None else Content("")

    def row_line(self, row: int) -> Content:
        return row_of(self._grid, row, *self._widths()) if self._grid is not None else Content("")

    def render_line(self, y: int) -> Strip:
        """Paint a row; of that of the cursor one cell is reversed, which needs no colour."""
        row = y - 1 + self.scroll_offset.y
        if y == 0 or self._grid is None or row != self.cursor_row or row >= self.row_count:
            return super().render_line(y)
        label, each = self._widths()
        start = label + each * min(self._column, len(self._grid.rows[row].units) - 1)
        return self._painted(self.row_line(row).stylize("reverse", start, start + each - 1), "lines--even")

    def on_resize(self) -> None:
        """Put the cursor's row into the middle when it is out of sight: what is kept has its neighbours around it."""
        if not 0 <= self.cursor_row - self.scroll_offset.y < self._room:
            self.scroll_to(y=max(0, self.cursor_row - self._room // 2), animate=False, immediate=True)

    # -- keys and mouse

    def action_open(self) -> None:
        """Enter belongs to the screen."""

    def action_scroll_left(self) -> None:
        self._move_across(-1)

    def action_scroll_right(self) -> None:
        self._move_across(1)

    def _move_across(self, step: int) -> None:
        if self._grid is None:
            return
        last = len(self._grid.rows[self.cursor_row].units) - 1
        self._column = max(0, min(min(self._column, last) + step, last))
        self.refresh_row(self.cursor_row)
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        row = event.y - 1 + self.scroll_offset.y
        if self._grid is None or event.y == 0 or row >= self.row_count:
            return
        label, each = self._widths()
        self._column = max(0, min((event.x - label) // each, len(self._grid.rows[row].units) - 1))
        self.move_cursor(row)
        self.refresh_row(row)
        self.post_message(self.Moved())


def _first_of_interest(found: PrecisionGrid) -> str:
    """Return the first unit that is kept or suspected, else the first of all."""
    units = [unit for row in found.rows for unit in row.units]
    return next((unit for unit in units if found.cells[unit].text not in {FINE, UNSEEN}), units[0])
