"""Page as GitHub Markdown: heading, tables, notes; stored text has no markup."""

import re
from collections.abc import Sequence
from typing import Final

from vp_tui.core.report.page import Page, Table
from vp_tui.core.text import clip

CELL: Final = 120
"""Columns of a cell."""
_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def text(page: Page) -> str:
    """Return the page; it ends with a newline."""
    lines = [f"## {escaped(page.title)}: {escaped(page.word)}", "", escaped(page.sentence), ""]
    lines += [f"- {escaped(line)}" for line in page.lines]
    for table in page.tables:
        lines += _table(table)
    if page.notes:
        lines += ["", "### Notes", "", *(f"- {escaped(note)}" for note in page.notes)]
    return "\n".join(lines) + "\n"


def escaped(words: str) -> str:
    """Return the text without markup, links, images, mentions, references and cell separators."""
    for char, entity in _ENTITIES:
        words = words.replace(char, entity)
    words = re.sub(r"([\\`*_\[\]|~$!])", r"\\\1", words)
    # GitHub makes links of bare addresses, people of @names and issues of #numbers
    words = words.replace("://", r":\//").replace("www.", r"www\.")
    return re.sub(r"([@#])(?=\w)", r"\1<!-- -->", words)


def _table(table: Table) -> list[str]:
    if not table.rows:
        return ["", f"**{escaped(table.title)}**: {escaped(table.note)}"] if table.note else []
    head = _row([column.title for column in table.columns])
    rule = _row(["--:" if column.align == "right" else ":--" for column in table.columns], is_text=False)
    rows = [_row([clip(cell, CELL) for cell in row]) for row in table.rows]
    note = ["", escaped(table.note)] if table.note else []
    return ["", f"### {escaped(table.title)}", "", head, rule, *rows, *note]


def _row(cells: Sequence[str], *, is_text: bool = True) -> str:
    return f"| {' | '.join(escaped(cell) if is_text else cell for cell in cells)} |"
