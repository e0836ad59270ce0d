"""Page as plain text of at most WIDTH columns."""

from collections.abc import Sequence
from typing import Final

from vp_tui.core.report.page import Page, Table
from vp_tui.core.text import clip, columns, pad, wrap

WIDTH: Final = 100
_INDENT: Final = "  "
_SPACING: Final = ((_INDENT, "  "), (_INDENT, " "), ("", " "))
"""Indent and gap between cells; the first that fits."""


def text(page: Page) -> str:
    """Return the page; it ends with a newline."""
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
    """Title, rows and note; a table without rows is one line."""
    if not table.rows:
        return ["", *_wrapped(f"{table.title}: {table.note}", rest=_INDENT)] if table.note else []
    head = tuple(column.title for column in table.columns)
    rows = [[clip(cell, column.most) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    right = [place for place, column in enumerate(table.columns) if column.align == "right"]
    for indent, gap in _SPACING:
        lines = [indent + line for line in aligned([head, *rows], gap=gap, right=right)]
        if max(map(columns, lines)) <= WIDTH:
            break
    note = _wrapped(table.note, first=_INDENT, rest=_INDENT) if table.note else []
    return ["", table.title, *lines, *note]


def aligned(rows: Sequence[Sequence[str]], *, gap: str = "  ", right: Sequence[int] = ()) -> list[str]:
    """Return the rows as lines with cells of equal width; the columns `right` are right-aligned."""
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    return [
        gap.join(pad(cell, widths[place], right=place in right) for place, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _wrapped(words: str, *, first: str = "", rest: str = "") -> list[str]:
    return wrap(words, WIDTH, first=first, rest=rest)
