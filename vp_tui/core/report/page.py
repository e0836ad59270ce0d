"""Format-neutral report: headings, tables and sentences, for plain text, Markdown and HTML.

Cells hold safe text (core.text.safe); each format does its own escaping.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vp_tui.core.regression.verdicts import Outcome

Align = Literal["left", "right"]
Tone = Literal["bad", "open", "good", ""]
"""Colour of a row; its text says the same."""


FAILED: Final[frozenset[Outcome]] = frozenset({"FAIL", "REGRESSED", "INCOMPLETE"})
OPEN: Final[frozenset[Outcome]] = frozenset({"SUSPECT", "INCONCLUSIVE", "NOT_COMPARABLE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

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
    """Verdict, then its evidence."""

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
    """Split into tones and rows."""
    return tuple(tone for tone, _ in rows), tuple(row for _, row in rows)


def tone(outcome: Outcome) -> Tone:
    """Return bad, open or good."""
    if outcome in FAILED:
        return "bad"
    return "open" if outcome in OPEN else "good"
