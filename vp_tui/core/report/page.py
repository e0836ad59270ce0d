"""Report page, neutral to its format: headings, tables and sentences; and its forms as text and as GitHub Markdown.

Cells hold safe text (core.text.safe); each format does its own escaping. Text has at most WIDTH columns; in Markdown
stored text has no markup.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
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
_LEAST: Final = 6
"""Columns that are left of a cut text."""
NO_SPARE: Final[Mapping[str, int]] = MappingProxyType({})
_SPACING: Final = ((_INDENT, "  "), (_INDENT, " "), ("", " "))
"""Indent and gap between cells; the first that fits."""
_QUESTION: Final = 15
CELL: Final = 120
"""Columns of a cell in Markdown."""
_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: str
    align: Align = "left"
    most: int = 40
    """Columns in plain text; HTML shows all."""
    spare: int = 0
    """In plain text that is too narrow the largest value is left out first; 0 always stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Title, rows, and a note below them or in their place."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[Tone, ...] = ()
    """One per row, or empty."""
    row_notes: tuple[str, ...] = ()
    """One per row, or empty: an explanation of what the second cell names."""
    note: str = ""
    is_folded: bool = False
    """Closed in HTML until it is asked for; open in print."""


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
    answers: tuple[tuple[str, str], ...] = ()
    """Question and answer, below the verdict."""
    tables_above_charts: int | None = None
    """In HTML; None: all of them."""


def titled(
    *titles: str, numbers: Iterable[str] = (), most: int = 40, spare: Mapping[str, int] = NO_SPARE
) -> tuple[Column, ...]:
    """Return columns by title; those in `numbers` are right-aligned."""
    right = set(numbers)
    return tuple(
        Column(title=title, align="right" if title in right else "left", most=most, spare=spare.get(title, 0))
        for title in titles
    )


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
    """Return the page in at most `width` columns; it ends with a newline."""
    lines = [*wrap(f"{page.word}: {page.sentence}", width, rest=_INDENT), ""]
    for question, answer in page.answers:
        first, rest = f"{_INDENT}{question:<{_QUESTION}}", " " * (_QUESTION + len(_INDENT))
        lines += wrap(answer, width, first=first, rest=rest)
    lines += [""] if page.answers else []
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
    note = wrap(table.note, width, first=_INDENT, rest=_INDENT) if table.note else []
    told = [line for words in _explained(table) for line in wrap(words, width, first=_INDENT, rest=_INDENT * 2)]
    return ["", table.title, *_fitting(table, width), *note, *told]


def _explained(table: Table) -> list[str]:
    """The explanations of rows, for formats that have no room in a cell."""
    return [f"{row[1]}: {words}" for row, words in zip(table.rows, table.row_notes, strict=False)]


def _fitting(table: Table, width: int) -> list[str]:
    """Return head and rows: closer together, then without spare columns, then with cut texts, as the width needs."""
    most = {place: column.most for place, column in enumerate(table.columns)}
    while True:
        for indent, gap in _SPACING:
            lines = [indent + line for line in _rows_of(table, most, gap)]
            if max(map(columns, lines)) <= width:
                return lines
        spare = max(most, key=lambda place: table.columns[place].spare)
        if not table.columns[spare].spare:
            return [indent + line for line in _rows_of(table, most, gap, width - columns(indent))]
        del most[spare]


def _rows_of(table: Table, most: Mapping[int, int], gap: str, width: int | None = None) -> list[str]:
    head = tuple(table.columns[place].title for place in most)
    rows = [[clip(row[place], wide) for place, wide in most.items()] for row in table.rows]
    right = [number for number, place in enumerate(most) if table.columns[place].align == "right"]
    return aligned([head, *rows], gap=gap, right=right, width=width)


def aligned(
    rows: Sequence[Sequence[str]], *, gap: str = "  ", right: Sequence[int] = (), width: int | None = None
) -> list[str]:
    """Return the rows as lines with cells of equal width; the columns `right`, of numbers, are right-aligned.

    Where the lines would be wider than `width`, the widest columns of text are cut, down to six columns each.
    """
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    text = [place for place in range(len(widths)) if place not in right]
    while width is not None and sum(widths) + len(gap) * (len(widths) - 1) > width:
        widest = max(text, key=lambda place: widths[place], default=None)
        if widest is None or widths[widest] <= _LEAST:
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
    lines += [f"- {escaped(question)} {escaped(answer)}" for question, answer in page.answers]
    lines += [f"- {escaped(line)}" for line in page.lines]
    for table in page.tables:
        lines += _markdown_table(table)
    if page.notes:
        lines += ["", "### Notes", "", *(f"- {escaped(note)}" for note in page.notes)]
    return "\n".join(lines) + "\n"


def escaped(words: str) -> str:
    """Return the words without markup, links, images, mentions, references and cell separators."""
    for char, entity in _ENTITIES:
        words = words.replace(char, entity)
    words = re.sub(r"([\\`*_\[\]|~$!])", r"\\\1", words)
    # GitHub makes links of bare addresses, people of @names and issues of #numbers
    words = words.replace("://", r":\//").replace("www.", r"www\.")
    return re.sub(r"([@#])(?=\w)", r"\1<!-- -->", words)


def _markdown_table(table: Table) -> list[str]:
    if not table.rows:
        return ["", f"### {escaped(table.title)}", "", escaped(table.note)] if table.note else []
    head = _row([column.title for column in table.columns])
    rule = _row(["--:" if column.align == "right" else ":--" for column in table.columns], is_text=False)
    rows = [_row([clip(cell, CELL) for cell in row]) for row in table.rows]
    note = ["", escaped(table.note)] if table.note else []
    told = ["", *(f"- {escaped(words)}" for words in _explained(table))] if table.row_notes else []
    return ["", f"### {escaped(table.title)}", "", head, rule, *rows, *note, *told]


def _row(cells: Sequence[str], *, is_text: bool = True) -> str:
    return f"| {' | '.join(escaped(cell) if is_text else cell for cell in cells)} |"
