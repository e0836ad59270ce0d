"""One table: how good or bad something is -> its text mark and its style.

A mark in characters stands beside every colour, for colour-blind readers, 16 colours and NO_COLOR.
Styles are names that app.tcss and the theme fill in; no colour is written in Python.
"""

from typing import Literal

from textual.content import Content

Level = Literal["good", "warn", "fail", "info", "dim", "plain", "title"]

MARKS: dict[Level, str] = {"warn": "~", "fail": "!"}
STYLES: dict[Level, str] = {
    "good": "bold $text-success",
    "warn": "bold $text-warning",
    "fail": "bold $text-error",
    "info": "$text-accent",
    "dim": "$foreground-muted",
    "plain": "",
    "title": "bold $text-primary",
}

_VERDICTS: dict[str, Level] = {
    "PASS": "good",
    "WARN": "warn",
    "FAIL": "fail",
    "INVALID": "fail",
    "MISS": "warn",
    "completed": "good",
    "failed": "fail",
    "interrupted": "fail",
    "cancelled": "warn",
    "running": "info",
    "starting": "info",
    "queued": "dim",
    "info": "info",
    "warn": "warn",
    "fail": "fail",
}


def level_of(word: str | None) -> Level:
    """The level of a verdict, a status or a severity."""
    return _VERDICTS.get(word or "", "plain")


def styled(text: str, level: Level) -> Content:
    """Text in the style of its level; never parsed as markup."""
    return Content.styled(text, STYLES[level])


def line(*parts: str | Content | tuple[str, Level]) -> Content:
    """One line of plain and styled parts."""
    return Content("").join([part if isinstance(part, str | Content) else styled(*part) for part in parts])


def lines(rows: list[Content]) -> Content:
    """Lines on top of each other."""
    return Content("\n").join(rows)
