"""Report page, neutral to its format: headings, tables and sentences; and its forms as text and as GitHub Markdown.

Cells hold safe text (core.text.safe); each format does its own escaping. Text has at most WIDTH columns; in Markdown
stored text has no markup.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vp_tui.core.regression.verdicts import Outcome
from vp_tui.core.text import clip, columns, pad, wrap

Align = Literal["left", "right"]
Tone = Literal["bad", "open", "good", ""]
"""Colour of a row; its text says the same."""

FAILED: Final[frozenset[Outcome]] = frozenset({"FAIL", "REGRESSED", "INCOMPLETE"})
OPEN: Final[frozenset[Outcome]] = frozenset({"SUSPECT", "INCONCLUSIVE", "NOT_COMPARABLE"})
WIDTH: Final = 100
"""Columns of text."""
_INDENT: Final = "  "
_SPACING: Final = ((_INDENT, "  "), (_INDENT, " "), ("", " "))
"""Indent and gap between cells; the first that fits."""
LEAST: Final = 6
"""Columns that a cell of text keeps, however narrow the page."""
CELL: Final = 120
"""Columns of a cell in Markdown."""
_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: str
    align: Align = "left"
    most: int = 40
    """Columns in plain text; HTML shows all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Title, rows, and a note below them or in their place."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[Tone, ...] = ()
    """One per row, or empty."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    title: str
    word: str
    """The verdict in one word."""
    sentence: str
    tone: Tone
    lines: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def titled(*titles: str, numbers: Iterable[str] = (), most: int = 40) -> tuple[Column, ...]:
    """Return columns by title; those in `numbers` are right-aligned."""
    right = set(numbers)
    return tuple(Column(title=title, align="right" if title in right else "left", most=most) for title in titles)


def count_words(count: int, one: str, many: str) -> str:
    """1 sequence, 2 sequences."""
    return f"{count} {one if count == 1 else many}"


def toned(rows: Sequence[tuple[Tone, tuple[str, ...]]]) -> tuple[tuple[Tone, ...], tuple[tuple[str, ...], ...]]:
    return tuple(tone for tone, _ in rows), tuple(row for _, row in rows)


def tone(outcome: Outcome) -> Tone:
    if outcome in FAILED:
        return "bad"
    return "open" if outcome in OPEN else "good"


def as_text(page: Page, width: int = WIDTH) -> str:
    """Return the page in at most `width` columns; it ends with a newline.

    Text cells are cut where a table is wider; numbers are not.
    """
    lines = [*wrap(f"{page.word}: {page.sentence}", width, rest=_INDENT), ""]
    for line in page.lines:
        lines += wrap(line, width, rest=_INDENT)
    for table in page.tables:
        lines += _text_table(table, width)
    if page.notes:
        lines += ["", "Notes"]
        lines += [line for note in page.notes for line in wrap(note, width, first=f"{_INDENT}- ", rest=_INDENT * 2)]
    return "\n".join(lines) + "\n"


def _text_table(table: Table, width: int) -> list[str]:
    """Title, rows and note; a table without rows is one line."""
    if not table.rows:
        return ["", *wrap(f"{table.title}: {table.note}", width, rest=_INDENT)] if table.note else []
    head = tuple(column.title for column in table.columns)
    rows = [[clip(cell, column.most) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    right = [place for place, column in enumerate(table.columns) if column.align == "right"]
    for indent, gap in _SPACING:
        lines = [indent + line for line in aligned([head, *rows], gap=gap, right=right)]
        if max(map(columns, lines)) <= width:
            break
    else:
        lines = aligned([head, *rows], gap=" ", right=right, width=width)
    note = wrap(table.note, width, first=_INDENT, rest=_INDENT) if table.note else []
    return ["", table.title, *lines, *note]


def aligned(
    rows: Sequence[Sequence[str]], *, gap: str = "  ", right: Sequence[int] = (), width: int | None = None
) -> list[str]:
    """Return the rows as lines with cells of equal width; the columns `right`, of numbers, are right-aligned.

    Where the lines would be wider than `width`, the widest columns of text are cut, down to LEAST each.
    """
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    text = [place for place in range(len(widths)) if place not in right]
    while width is not None and sum(widths) + len(gap) * (len(widths) - 1) > width:
        widest = max(text, key=lambda place: widths[place], default=None)
        if widest is None or widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return [
        gap.join(
            pad(clip(cell, widths[place]), widths[place], right=place in right) for place, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]


def as_markdown(page: Page) -> str:
    """Return the page; it ends with a newline."""
    lines = [f"## {escaped(page.title)}: {escaped(page.word)}", "", escaped(page.sentence), ""]
    lines += [f"- {escaped(line)}" for line in page.lines]
    for table in page.tables:
        lines += _markdown_table(table)
    if page.notes:
        lines += ["", "### Notes", "", *(f"- {escaped(note)}" for note in page.notes)]
    return "\n".join(lines) + "\n"


def escaped(words: str) -> str:
    """Return the as_markdown without markup, links, images, mentions, references and cell separators."""
    for char, entity in _ENTITIES:
        words = words.replace(char, entity)
    words = re.sub(r"([\\`*_\[\]|~$!])", r"\\\1", words)
    # GitHub makes links of bare addresses, people of @names and issues of #numbers
    words = words.replace("://", r":\//").replace("www.", r"www\.")
    return re.sub(r"([@#])(?=\w)", r"\1<!-- -->", words)


def _markdown_table(table: Table) -> list[str]:
    if not table.rows:
        return ["", f"**{escaped(table.title)}**: {escaped(table.note)}"] if table.note else []
    head = _row([column.title for column in table.columns])
    rule = _row(["--:" if column.align == "right" else ":--" for column in table.columns], is_text=False)
    rows = [_row([clip(cell, CELL) for cell in row]) for row in table.rows]
    note = ["", escaped(table.note)] if table.note else []
    return ["", f"### {escaped(table.title)}", "", head, rule, *rows, *note]


def _row(cells: Sequence[str], *, is_text: bool = True) -> str:
    return f"| {' | '.join(escaped(cell) if is_text else cell for cell in cells)} |"
