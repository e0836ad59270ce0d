"""Text in the style of its level. Styles are names that app.tcss and the theme fill in; no colour is in Python."""

from textual.content import Content

from vp_tui.tui.levels import MARKS, Level, level_of

__all__ = ["MARKS", "STYLES", "Level", "level_of", "line", "lines", "styled"]

STYLES: dict[Level, str] = {
    "good": "bold $text-success",
    "warn": "bold $text-warning",
    "fail": "bold $text-error",
    "info": "$text-accent",
    "dim": "$foreground-muted",
    "plain": "",
    "title": "bold $text-primary",
}


def styled(text: str, level: Level) -> Content:
    """Return text in the style of its level; markup is not parsed."""
    return Content.styled(text, STYLES[level])


def line(*parts: str | Content | tuple[str, Level]) -> Content:
    """Return one line of plain and styled parts."""
    return Content("").join([part if isinstance(part, str | Content) else styled(*part) for part in parts])


def lines(rows: list[Content]) -> Content:
    """Return lines joined by newlines."""
    return Content("\n").join(rows)
