"""A grid of marks with its axes, one mark per cell."""

import itertools
from collections.abc import Mapping

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.tui.marks import line, lines, styled

PARTS = 4
"""Parts of the horizontal axis between two numbers."""


class Canvas:
    """Cells by column from the left and row from the foot; what is put last is seen."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = max(1, columns), max(1, rows)
        self._cells = [[(" ", "")] * self.columns for _ in range(self.rows)]

    def put(self, column: int, row: int, mark: str, style: str) -> None:
        """Set one cell; outside of the grid nothing happens."""
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._cells[row][column] = mark, style

    def fill(self, row: int, mark: str, style: str) -> None:
        """Set every cell of a row."""
        self._cells[row] = [(mark, style)] * self.columns

    def row(self, row: int, cursor: int | None) -> Content:
        """Return one row; the column of the cursor is reversed, which needs no colour."""
        # each run of equal styles costs one colour change
        runs = itertools.groupby(self._cells[row], key=lambda cell: cell[1])
        parts = [Content.styled("".join(mark for mark, _ in run), style) for style, run in runs]
        content = Content("").join(parts)
        return content if cursor is None else content.stylize("reverse", cursor, cursor + 1)


def framed(canvas: Canvas, labels: Mapping[int, str | Content], axis: str, cursor: int | None = None) -> Content:
    """Return the grid with the label of each row on its left and a horizontal axis (`axis_line`) at its foot."""
    room = max((len(label) for label in labels.values()), default=0)
    drawn = []
    for row in range(canvas.rows - 1, -1, -1):
        label = labels.get(row, "")
        words = label if isinstance(label, Content) else styled(label, "dim")
        corner = styled("\u2524" if label else "\u2502", "dim")
        drawn.append(line(" " * (room - len(label)), words, corner, canvas.row(row, cursor)))
    drawn.append(line(" " * room, ("\u2514" + axis, "dim")))
    return lines(drawn)


def axis_line(columns: int, right: float, name: str) -> str:
    """Return the horizontal axis from 0 to `right`: numbers within the line and, at its end, what they count."""
    end = f"{fmt.short(right)} {name}"
    if len(end) > columns:
        end = fmt.clip(end, columns)
    text = ""
    for part in range(PARTS):
        label = fmt.short(right * part / PARTS)
        at = round(columns * part / PARTS)
        if (not text or at > len(text)) and at + len(label) + 1 <= columns - len(end):
            text = f"{text:\u2500<{at}}{label}"
    return f"{text:\u2500<{columns - len(end)}}{end}"
