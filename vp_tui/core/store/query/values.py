"""Values of a query: numbers, dates and ages."""

import math
import re
from datetime import datetime

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
