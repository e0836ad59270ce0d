"""A page as plain text for a terminal, at most WIDTH columns wide."""

import textwrap
from collections.abc import Sequence
from typing import Final

from vp_tui.core.report.page import Page, Table
from vp_tui.core.text import clip, columns

WIDTH: Final = 100
_INDENT: Final = "  "
_SPACING: Final = ((_INDENT, "  "), (_INDENT, " "), ("", " "))
"""Before a row and between its cells; the first that fits."""


def text(page: Page) -> str:
    """The page, with a line end behind its last line."""
    lines = [*_wrapped(f"{page.word}: {page.sentence}", rest=_INDENT), ""]
    for line in page.lines:
        lines += _wrapped(line, rest=_INDENT)
    for table in page.tables:
        lines += _table(table)
    if page.notes:
        lines += ["", "Notes"]
        lines += [line for note in page.notes for line in _wrapped(note, first=f"{_INDENT}- ", rest=_INDENT * 2)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    """Title, rows, note; a table without rows is one line."""
    if not table.rows:
        return ["", *_wrapped(f"{table.title}: {table.note}", rest=_INDENT)] if table.note else []
    head = [column.title for column in table.columns]
    rows = [[clip(cell, column.most) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    widths = [max(columns(cell) for cell in cells) for cells in zip(head, *rows, strict=True)]
    indent, gap = next((one for one in _SPACING if _room(widths, *one) <= WIDTH), _SPACING[-1])
    lines = [indent + gap.join(_padded(cells, widths, table)).rstrip() for cells in (head, *rows)]
    note = _wrapped(table.note, first=_INDENT, rest=_INDENT) if table.note else []
    return ["", table.title, *lines, *note]


def _room(widths: Sequence[int], indent: str, gap: str) -> int:
    return len(indent) + sum(widths) + len(gap) * (len(widths) - 1)


def _padded(cells: Sequence[str], widths: Sequence[int], table: Table) -> list[str]:
    found = []
    for cell, width, column in zip(cells, widths, table.columns, strict=True):
        blanks = " " * (width - columns(cell))
        found.append(blanks + cell if column.align == "right" else cell + blanks)
    return found


def _wrapped(words: str, *, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
