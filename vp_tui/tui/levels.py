"""One table: how good or bad something is -> its text mark; no Textual, so that the command line uses it too.

A mark stands beside every colour, for colour-blind readers, 16 colours and NO_COLOR. `fail` means: do not use this
precision here; `warn`: usable, but read on. A run that broke off says neither.
"""

from typing import Final, Literal

Level = Literal["good", "warn", "fail", "info", "dim", "plain", "title"]

MARKS: Final[dict[str, str]] = {"warn": "~", "fail": "!"}
_LEVELS: Final[dict[str, Level]] = {
    "PASS": "good",
    "WARN": "warn",
    "FAIL": "fail",
    "INVALID": "fail",
    "MISS": "warn",
    "failed": "title",
    "interrupted": "title",
    "cancelled": "title",
    "running": "info",
    "starting": "info",
    "queued": "dim",
    "info": "info",
    "warn": "warn",
    "fail": "fail",
}


def level_of(word: str | None) -> Level:
    """Return the level of a verdict, a status or a severity."""
    return _LEVELS.get(word or "", "plain")


def marked(severity: str, text: str) -> str:
    """Return the text behind its mark; what is neither a warning nor a failure has a dash."""
    return f"{MARKS.get(severity, '-')} {text}"
