"""Text in the style of its level, and bars of block characters with eight heights per row.

Styles are names that app.tcss and the theme fill in; no colour is in Python.
"""

import math
from collections.abc import Sequence

from textual.content import Content

from vp_tui.tui.levels import MARKS, Level, level_of

__all__ = ["MARKS", "STYLES", "Level", "level_of", "line", "lines", "same", "styled"]

STYLES: dict[Level, str] = {
    "good": "bold $text-success",
    "warn": "bold $text-warning",
    "fail": "bold $text-error",
    "info": "$text-accent",
    "dim": "$foreground-muted",
    "plain": "",
    "title": "bold $text-primary",
}

EIGHTHS = 8
_BLOCKS = " " + "".join(chr(0x2580 + eighth) for eighth in range(1, EIGHTHS + 1))


def styled(text: str, level: Level) -> Content:
    """Return text in the style of its level; markup is not parsed."""
    return Content.styled(text, STYLES[level])


def line(*parts: str | Content | tuple[str, Level]) -> Content:
    """Return one line of plain and styled parts."""
    return Content("").join([part if isinstance(part, str | Content) else styled(*part) for part in parts])


def same(one: Content, other: Content) -> bool:
    """Return True for the same text in the same colours: Content.__eq__ compares the text only."""
    return one == other and one.spans == other.spans


def lines(rows: list[Content]) -> Content:
    return Content("\n").join(rows)


def bars(heights: Sequence[float | None], rows: int) -> list[str]:
    """Return lines from top to bottom, one column per height (clipped to 0..1); any height above 0 is visible.

    None and NaN leave their column empty.
    """
    eighths = [_eighths(height, rows) for height in heights]
    return [
        "".join(_BLOCKS[min(EIGHTHS, max(0, filled - row * EIGHTHS))] for filled in eighths)
        for row in reversed(range(rows))
    ]


def _eighths(height: float | None, rows: int) -> int:
    if height is None or not height > 0:
        return 0
    return math.ceil(min(height, 1.0) * rows * EIGHTHS)
