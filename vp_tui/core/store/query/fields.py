"""Fields of the query language: one table for parser, SQL and help.

Kinds: `text` (: contains, in any case; = is), `choice` (: and = are the same), `number` (: = < <= > >=),
`time` (a local date or time as in 2026-11-01, or an age as in 7d, 12h, 90m, 2w), `tag` and `metric` (with a key).
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final, Literal

from vp_tui.core.store.query.tree import Operator

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_AGE = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def number(text: str) -> float | None:
    """Return a finite number, or None for anything else, including nan and inf."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def moment_us(text: str, now_us: int) -> int | None:
    """Return microseconds since the epoch of `7d` (that long ago) or of an ISO date or time; None for others.

    A date or time without an offset is local, as in the list of runs.
    """
    age = _AGE.fullmatch(text)
    if age:
        return now_us - int(age[1]) * _SECONDS[age[2]] * 1_000_000
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1e6)
    except (ValueError, OverflowError):
        return None


Kind = Literal["text", "choice", "number", "time", "tag", "metric"]

OPERATORS: Final[dict[Kind, tuple[Operator, ...]]] = {
    "text": (":", "="),
    "choice": (":", "="),
    "number": (":", "=", "<", "<=", ">", ">="),
    "time": (":",),
    "tag": (":", "="),
    "metric": ("=", "<", "<=", ">", ">=", ":"),
}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    column: str
    """Source of the value: a column of run, or a description."""
    what: str
    """Description for the help."""
    choices: tuple[str, ...] = ()
    """Valid values; empty for free text."""


_STATUSES = ("queued", "starting", "running", "completed", "failed", "cancelled", "interrupted")

FIELDS: Final = (
    Field("model", "text", "model", "checkpoint as given"),
    Field("input", "text", "input", "sequence file"),
    Field("name", "text", "name", "name of the run"),
    Field("note", "text", "note", "note on the run"),
    Field("reason", "text", "status_reason", "reason for the status"),
    Field("device", "text", "device", "cpu or cuda:N"),
    Field("host", "text", "host", "machine"),
    Field("uuid", "text", "uuid", "uuid, or a part of it"),
    Field("status", "choice", "status", "status of the run", _STATUSES),
    Field("verdict", "choice", "verdict", "verdict on similarity", ("PASS", "WARN", "FAIL", "INVALID")),
    Field("speed", "choice", "speed_verdict", "verdict on the speed", ("PASS", "MISS", "NOT JUDGED")),
    Field("precision", "choice", "precision", "precision of the candidate: fp16, bf16, tf32, fp32"),
    Field("reference", "choice", "reference", "precision of the reference"),
    Field("is", "choice", "derived", "property of the run", ("active", "archived", "baseline", "judged")),
    Field("id", "number", "id", "id of the run"),
    Field("group", "number", "group_id", "id of the group of repeats"),
    Field("speedup", "number", "speedup", "tokens/s, candidate over reference"),
    Field("end_to_end", "number", "end_to_end_speedup", "end-to-end time, reference over candidate"),
    Field(
        "cosine_min", "number", "stratum.cosine_min of all", "lowest cosine similarity; NaN counts as lower than any"
    ),
    Field("done", "number", "done", "sequences compared"),
    Field("total", "number", "total", "sequences planned"),
    Field("alerts", "number", "rows of alert that warn or fail", "number of alerts that warn or fail"),
    Field("exit_code", "number", "exit_code", "exit code of the process"),
    Field("seconds", "number", "ended_at_us - started_at_us", "duration"),
    Field("since", "time", "created_at_us", "created then (local time) or later"),
    Field("until", "time", "created_at_us", "created before then (local time)"),
    Field("tag", "tag", "run_tag.value", "tag.KEY:VALUE"),
    Field(
        "metric", "metric", "metric.value", "metric.NAME<NUMBER, as metric.M2.min<0.5; metric.NAME@SCOPE for a stratum"
    ),
)

BY_NAME: Final = {field.name: field for field in FIELDS}


def closest(name: str, among: tuple[str, ...]) -> str:
    """Return a hint for an unknown name: the closest valid one, or all of them."""
    near = get_close_matches(name.lower(), [one.lower() for one in among], n=1, cutoff=0.5)
    if near:
        return f"did you mean {next(one for one in among if one.lower() == near[0])!r}?"
    return f"valid: {', '.join(among)}"
