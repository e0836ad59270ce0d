"""Numbers and stored text as the exports write them: nothing that steers a terminal, no digit that is not meant.

A missing number is a dash in what people read and null or empty in what programs read; it is never 0 or NaN.
"""

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

DASH: Final = "-"
_STEPS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_COSINE_STEP: Final = Decimal("0.000001")
_BREAKS: Final = "\r\n\t\v\f"
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (bidi), surrogate, private and unassigned characters: not for XML, a terminal or a reader."""


def safe(text: object) -> str:
    """Stored text on one line, without anything that could steer a terminal or turn the direction of a line."""
    words = str(text)
    # all that steers is unprintable too, and most texts are neither
    if words.isprintable():
        return words
    kept = (
        " " if char in _BREAKS or unicodedata.category(char) in {"Zl", "Zp"} else char
        for char in words
        if char in _BREAKS or unicodedata.category(char) not in _STEERING
    )
    return "".join(kept)


def width_of(text: str) -> int:
    """Columns a terminal needs: wide characters take two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in {"Mn", "Me"} for char in text)


def clip(text: str, most: int) -> str:
    """At most `most` columns, the cut shown by two dots."""
    if len(text) <= most and width_of(text) <= most:
        return text
    kept = text[:most]
    while width_of(kept) > most - 2 and kept:
        kept = kept[:-1]
    return kept + ".."


def number(value: float | None) -> str:
    """Four digits with a unit step: 182.4k, 1234, 0.001234."""
    if value is None or not math.isfinite(value):
        return DASH
    for step, letter in _STEPS:
        # 9999.5 and more would take a fifth digit of the smaller step
        if abs(value) >= 10 * step * 0.99995 or (step > 1e3 and abs(value) >= step * 0.99995):
            return f"{value / step:.4g}{letter}"
    return f"{value:.4g}"


def error(value: float | None) -> str:
    """A small number such as 1 - cosine: 3.9e-04."""
    return DASH if value is None or not math.isfinite(value) else f"{value:.1e}"


def cosine(value: float | None) -> str:
    """Six digits, cut and not rounded; so near 1 that they would all be nines, as a distance: 1-4e-08."""
    if value is None or not math.isfinite(value):
        return DASH
    if 0 < 1 - value < float(_COSINE_STEP):
        return f"1-{1 - value:.0e}"
    return str(Decimal(repr(float(value))).quantize(_COSINE_STEP, rounding=ROUND_FLOOR))


def change(fraction: float | None, unit: str = "%") -> str:
    """A difference with its sign: -6.1 %, +3.0 pt."""
    return DASH if fraction is None else f"{_signed(100 * fraction)} {unit}"


def interval(low: float | None, high: float | None) -> str:
    """Both ends of a difference in percent or points, the lower one first: [-7.4, -4.9]."""
    if low is None or high is None:
        return DASH
    return f"[{_signed(100 * low)}, {_signed(100 * high)}]"


def _signed(number: float) -> str:
    """One decimal below 100, none below 10,000, then an exponent: -6.1, +874, +1e+04."""
    if abs(number) >= 9999.5:
        return f"{number:+.0e}"
    # adding 0.0 turns -0.0 into 0.0
    return f"{round(number, 1) + 0.0:+.1f}" if abs(number) < 99.95 else f"{number:+.0f}"


def limit(fraction: float | None, unit: str = "%") -> str:
    """A tolerance: 5 %, 5 pt."""
    return DASH if fraction is None else f"{round(100 * fraction, 1):g} {unit}"


def p_value(p: float | None) -> str:
    """0.032, 0.004; very small ones as a bound."""
    if p is None:
        return DASH
    return "<1e-6" if p < 1e-6 else f"{p:.2g}" if p >= 0.01 else f"{p:.1g}"


def ratio(value: float | None) -> str:
    """2.11x."""
    return DASH if value is None else f"{value:.2f}x"


def moment(at_us: int | None) -> str:
    """Date and time in UTC, so that a report reads the same wherever it is made: 2026-11-23 11:49."""
    return DASH if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


def fact(value: Any) -> str:
    """A fact in a cell: text as it is, a missing one as none, anything else as JSON."""
    if value is None:
        return "none"
    return safe(value if isinstance(value, str) else json.dumps(value, sort_keys=True))


def flattened(found: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Names and values; what lies inside another mapping gets a name with a dot."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
