"""A report as headings, tables and sentences, before it becomes plain text, Markdown or HTML.

Cells hold text for people, made `plain.safe`; what a format must escape, it escapes itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "right"]
Tone = Literal["bad", "open", "good", ""]
"""How a row is coloured where there is colour; the word beside it says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    title: str
    align: Align = "left"
    most: int = 40
    """Characters shown where room is short; HTML shows all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a title; the note stands below them, or in their place."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[Tone, ...] = ()
    """One per row, or none at all."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The verdict first, then what it rests on."""

    title: str
    word: str
    """The verdict in one word."""
    sentence: str
    tone: Tone
    lines: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def columns(*titles: str, numbers: Iterable[str] = (), most: int = 40) -> tuple[Column, ...]:
    """Columns by their titles; those among `numbers` are aligned to the right."""
    right = set(numbers)
    return tuple(Column(title=title, align="right" if title in right else "left", most=most) for title in titles)


def count_words(count: int, one: str, many: str) -> str:
    """1 sequence, 2 sequences."""
    return f"{count} {one if count == 1 else many}"


def toned(rows: Sequence[tuple[Tone, tuple[str, ...]]]) -> tuple[tuple[Tone, ...], tuple[tuple[str, ...], ...]]:
    """Tones and rows apart, as a Table takes them."""
    return tuple(tone for tone, _ in rows), tuple(row for _, row in rows)
