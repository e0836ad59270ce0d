"""Log, status changes and alerts of a run as rows of one list."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, get_args

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised
from vp_tui.tui.log_file import LogTail
from vp_tui.tui.marks import MARKS, STYLES, Level, level_of, line, styled

if TYPE_CHECKING:
    from vp_tui.core.store.transitions import StatusChange

Kind = Literal["both", "log", "events"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TITLES: dict[Kind, str] = {"both": "log and events by time", "log": "log", "events": "events and alerts"}
MOST_ALERTS = 500
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[,.](\d{3}) ")
_LEVELS: tuple[tuple[re.Pattern[str], Level], ...] = (
    (re.compile(r"\b(ERROR|CRITICAL|FAIL|Traceback)\b|^\w*(Error|Exception): "), "fail"),
    (re.compile(r"\b(WARNING|WARN)\b"), "warn"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list."""

    at_us: int
    source: Literal["log", "event", "alert"]
    number: int
    """Position in its source, the same in every read."""
    text: str
    level: Level = "plain"
    has_time: bool = True
    """False for a continuation line."""

    @property
    def key(self) -> tuple[str, int]:
        """Identity between two reads."""
        return self.source, self.number


def rows(
    kind: Kind, tail: LogTail | None, changes: Sequence["StatusChange"], alerts: Sequence[AlertRaised]
) -> tuple[Row, ...]:
    """Return the rows of a view, oldest first."""
    log = _log_rows(tail) if tail is not None and kind != "events" else []
    if kind == "log":
        return tuple(log)
    # sorted is stable: a status change precedes the log line about it
    return tuple(sorted([*_event_rows(changes), *_alert_rows(alerts), *log], key=attrgetter("at_us")))


def _log_rows(tail: LogTail) -> list[Row]:
    """Return the log lines; one without a time gets that of the line before."""
    found: list[Row] = []
    at_us = 0
    first = tail.num_lines - len(tail.lines)
    for number, text in enumerate(tail.lines, start=first):
        stamp = _STAMP.match(text)
        read = _stamp_us(stamp) if stamp is not None else None
        at_us = read if read is not None else at_us
        found.append(
            Row(at_us=at_us, source="log", number=number, text=text, level=_level(text), has_time=read is not None)
        )
    return found


def _stamp_us(stamp: re.Match[str]) -> int | None:
    """Return the time written by logging, in the local time zone; None for an invalid date."""
    try:
        whole = datetime.fromisoformat(stamp[1]).timestamp()
    except ValueError:
        return None
    return int(whole) * 1_000_000 + int(stamp[2]) * 1_000


def _level(text: str) -> Level:
    return next((level for pattern, level in _LEVELS if pattern.search(text)), "plain")


def _event_rows(changes: Iterable["StatusChange"]) -> list[Row]:
    found = []
    for number, change in enumerate(changes):
        before = f"{fmt.safe(change.from_status)} -> " if change.from_status else ""
        reason = f": {fmt.safe(change.reason)}" if change.reason else ""
        text = f"{before}{fmt.safe(change.to_status)}, by {fmt.safe(change.actor)}{reason}"
        level = level_of(change.to_status)
        found.append(Row(at_us=change.at_us, source="event", number=number, text=text, level=level))
    return found


def _alert_rows(alerts: Sequence[AlertRaised]) -> list[Row]:
    found = []
    for number, alert in list(enumerate(alerts))[-MOST_ALERTS:]:
        place = " ".join(fmt.safe(part) for part in (alert.stratum, alert.sequence_id) if part)
        text = f"{alert.severity.upper()} {place}{': ' if place else ''}{fmt.safe(alert.message)}"
        level = level_of(alert.severity)
        found.append(Row(at_us=alert.at_us, source="alert", number=number, text=text, level=level))
    return found


def words(row: Row, kind: Kind) -> str:
    """Return the text of a row, without its own time stamp where the view has a time column."""
    return row.text if kind == "log" else _STAMP.sub("", row.text, count=1) if row.source == "log" else row.text


def matches(found: Sequence[Row], kind: Kind, needle: str) -> tuple[int, ...]:
    """Return the indexes of rows with the search text, ignoring case."""
    low = needle.lower()
    return tuple(index for index, row in enumerate(found) if low in words(row, kind).lower()) if low else ()


def drawn(row: Row, kind: Kind, needle: str, *, is_current: bool) -> Content:
    """Return one line: time, source, severity and text, with matches reversed."""
    text = Content.styled(words(row, kind), STYLES[row.level] if row.source == "log" else "")
    if needle:
        text = text.highlight_regex(re.compile(re.escape(needle), re.IGNORECASE), style="reverse")
    gutter = styled(">" if is_current else " ", "info")
    if kind == "log":
        return line(gutter, text)
    time = fmt.clock(row.at_us) if row.has_time else " " * 8
    return line(gutter, (f"{time} ", "dim"), (f"{MARKS.get(row.level, ' ')}{row.source:<6}", row.level), text)


def as_text(found: Iterable[Row], kind: Kind) -> str:
    return "\n".join(drawn(row, kind, "", is_current=False).plain[1:].rstrip() for row in found)
