"""Numbers and stored text as people read them: on the screen, in reports, in findings and on the command line.

One rule for each kind of number. A missing or non-finite one is a dash, never 0 or NaN, but for `similarity`.

similarity    seven decimals: 0.9999940; below 5e-8 from one 1.0000000. A mean-centred one in a sentence has three.
error         two digits: 0.00039 (distance from 1, relative L2); below 0.00001 with an exponent: 3.9e-07.
ratio         two decimals: 2.11x.
percent       two digits below 10, whole numbers from there: 0.091%, 6.1%, 93%. No space before the sign.
change        a sign, one decimal below 100: -6.1%, +874%, +3.0 pt. In a narrow cell whole percents (`short_change`).
count         all digits, grouped: 182,400. Where a cell is narrow, at most four columns: 182k (`short`).
measurement   three digits, from 10,000 on with a letter: 0.00123, 9.87, 3334, 18.2k, 182k (rates and all others).
limit         the digits of the configuration: 0.99, 1.8, 5%.
time          measured 0.42 s, elapsed 04:12, a moment 2026-11-23 11:49 (local on the screen, UTC in a report).
bytes         512 B, 61 MiB, 1.4 GiB.
width         terminal columns: wide characters take two, combining ones none.
"""

import json
import math
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

DASH: Final = "-"
_LETTERS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_LARGE: Final = 1e4
"""From here on a measure in a cell has an exponent, so that it keeps to its column."""
_DECIMALS: Final[dict[str, int]] = {"ratio": 4, "share": 4, "bits": 1}
_BREAKS: Final = "\r\n\t\v\f"
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (bidi), surrogate, private and unassigned characters: not for XML, a terminal or a reader."""


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def similarity(value: float | None, digits: int = 7, *, nonfinite: int = 0) -> str:
    """0.9999940, in nine columns below 0 too; NaN with sequences that have none."""
    if nonfinite:
        return "NaN"
    if not _is_known(value):
        return DASH
    if not abs(value) < _LARGE:
        return error(value)
    return f"{value:.{digits if value >= 0 else digits - 1}f}"


def error(value: float | None) -> str:
    """0.00039, 13, 3.9e-07."""
    if not value or not math.isfinite(value):
        return "0" if value == 0 else DASH
    is_plain = 1e-5 <= abs(value) < _LARGE
    return f"{value:.{max(0, 1 - math.floor(math.log10(abs(value))))}f}" if is_plain else f"{value:.1e}"


def norm(ratio: float | None) -> str:
    """How much longer than its reference an embedding is: +0.12%, two digits."""
    if not _is_known(ratio):
        return DASH
    words = percent(abs(ratio - 1))
    return words if ratio == 1 else f"{'+' if ratio > 1 else '-'}{words}"


def ratio(value: float | None) -> str:
    """2.11x, 123x, 18.2kx."""
    if not _is_known(value):
        return DASH
    return f"{value:.2f}x" if abs(value) < 99.995 else f"{number(value)}x"


def percent(part: float | None, of: float = 1.0) -> str:
    """A fraction, or a part of `of`: 93%."""
    if not _is_known(part):
        return DASH
    value = 100 * part / of
    return f"{value:.0f}%" if 9.95 <= abs(value) < 9999.5 else f"{value:.2g}%"


def change(fraction: float | None, unit: str = "%") -> str:
    """-6.1%, +874%, +3.0 pt; 0.0% where nothing of it is left."""
    return _signed(fraction) + (unit if unit == "%" else f" {unit}") if _is_known(fraction) else DASH


def short_change(fraction: float | None) -> str:
    """-6%, +12x; = below half a percent."""
    if not _is_known(fraction):
        return DASH
    return "=" if abs(fraction) < 0.005 else f"{100 * fraction:+.0f}%" if abs(fraction) < 10 else f"{fraction:+.0f}x"


def interval(low: float | None, high: float | None) -> str:
    """Both ends of a change, without the unit: [-7.4, -4.9]."""
    return f"[{_signed(low)}, {_signed(high)}]" if _is_known(low) and _is_known(high) else DASH


def tolerance(fraction: float | None, unit: str = "%") -> str:
    """A limit given as a fraction: 5%, 12.5%, 5 pt."""
    return DASH if fraction is None else f"{round(100 * fraction, 1):g}{unit if unit == '%' else f' {unit}'}"


def _signed(fraction: float) -> str:
    value = 100 * fraction
    if abs(value) < 0.05:
        return "0.0"
    large = number(value) if value < 0 else f"+{number(value)}"
    return f"{value:+.1f}" if abs(value) < 99.95 else f"{value:+.0f}" if abs(value) < 9999.5 else large


def exact(count: float | None) -> str:
    """10,000."""
    return f"{count:,.0f}" if _is_known(count) else DASH


def short(count: float | None) -> str:
    """A count in at most four columns: 34, 3.3k, 182k, 1.2M."""
    if count is None:
        return DASH
    for step, letter in _LETTERS:
        # 999.5 and up would round to 1000 of the smaller unit
        if abs(count) >= step * 0.9995:
            value = count / step
            return f"{value:.1f}{letter}" if abs(value) < 9.95 else f"{value:.0f}{letter}"
    return f"{count:.0f}"


def plural(count: int, noun: str) -> str:
    """1 run; 1,234 runs."""
    return f"{exact(count)} {noun}" if count == 1 else f"{exact(count)} {noun}s"


def number(value: float | None) -> str:
    """A measurement: 0.00123, 9.87, 3334, 18.2k, 182k."""
    if not _is_known(value):
        return DASH
    for step, letter in _LETTERS:
        if abs(value) >= (9999.5 if step == 1e3 else step * 0.9995):
            return f"{value / step:.3g}{letter}"
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def limit(value: float) -> str:
    """0.99, 1.8."""
    return f"{value:g}"


def measure(value: float | None, style: str) -> str:
    """A measure in a cell of nine characters, by the style of its gate."""
    if not _is_known(value):
        return DASH
    if style == "count" and abs(value) < 1e7:
        return exact(value)
    if not abs(value) < _LARGE or style in {"error", "count"}:
        return error(value)
    return similarity(value) if style == "cosine" else f"{value:.{_DECIMALS[style]}f}"


def probability(value: float | None) -> str:
    """0.498712."""
    return DASH if value is None else f"{value:.6f}"


def p_value(p: float | None) -> str:
    """0.032, 0.004; below a millionth only the bound."""
    if p is None:
        return DASH
    return "<1e-6" if p < 1e-6 else f"{p:.2g}" if p >= 0.01 else f"{p:.1g}"


def whole(value: float | None) -> str:
    """A reading without decimals: 612."""
    return DASH if value is None else f"{value:.0f}"


def duration(seconds: float | None) -> str:
    """Elapsed time: 04:12, 1:02:03, 2d 03h."""
    if seconds is None:
        return DASH
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24}d {hours % 24:02d}h"
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def seconds(value: float | None) -> str:
    """A measured time: 0.42 s, 12.3 s, 252 s."""
    return DASH if value is None else f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} s"


def date_time(at_us: int | None, *, utc: bool = False) -> str:
    """To the minute, local or UTC: 2026-11-23 11:49."""
    if at_us is None:
        return DASH
    moment = datetime.fromtimestamp(at_us / 1e6, UTC)
    return (moment if utc else moment.astimezone()).strftime("%Y-%m-%d %H:%M")


def clock(at_us: int) -> str:
    """Local time of day: 11:49:03."""
    return datetime.fromtimestamp(at_us / 1e6).astimezone().strftime("%H:%M:%S")


def gib(mib: float | None) -> str:
    """GiB without the unit: 71.2, 140."""
    return DASH if mib is None else f"{mib / 1024:.{0 if mib >= 100 * 1024 else 1}f}"


def size(num_bytes: float) -> str:
    """512 B, 61 KiB, 61 MiB, 1.4 GiB."""
    value, unit = float(num_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1023.5 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"


def runs(run_ids: Sequence[int]) -> str:
    """run #42; runs #23, #30; runs #23..#27 where none is left out."""
    if len(run_ids) == 1:
        return f"run #{run_ids[0]}"
    first, last = run_ids[0], run_ids[-1]
    if len(run_ids) > 2 and list(run_ids) == list(range(first, last + 1)):
        return f"runs #{first}..#{last}"
    return f"runs {', '.join(f'#{run_id}' for run_id in run_ids)}"


def fact(value: Any) -> str:
    """A fact of a run: text as it is, a missing one as none, anything else as JSON."""
    return "none" if value is None else safe(value if isinstance(value, str) else json.dumps(value, sort_keys=True))


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


def columns(text: str) -> int:
    """Columns that a terminal needs for the text."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in {"Mn", "Me"} for char in text)


def clip(text: str, width: int) -> str:
    """At most `width` columns, the cut shown by two dots."""
    if columns(text) <= width:
        return text
    kept = text[: max(0, width - 2)]
    while kept and columns(kept) > width - 2:
        kept = kept[:-1]
    return kept + ".."[: max(0, width)]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """At least `width` columns; with `right` the text stands at the right."""
    blanks = " " * (width - columns(text))
    return blanks + text if right else text + blanks


def wrap(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """The words of `text` in lines of at most `width` columns that begin with `first`, then with `rest`.

    A word that is longer than a line is broken. Unlike textwrap this counts columns, not characters.
    """
    room = width - max(columns(first), columns(rest))
    lines: list[list[str]] = [[]]
    used = columns(first)
    for piece in (piece for word in text.split() for piece in _pieces(word, room)):
        if lines[-1] and used + 1 + columns(piece) > width:
            lines.append([])
            used = columns(rest)
        used += columns(piece) + (1 if lines[-1] else 0)
        lines[-1].append(piece)
    return [(rest if number else first) + " ".join(words) for number, words in enumerate(lines)]


def _pieces(word: str, room: int) -> Iterable[str]:
    """The word in pieces of at most `room` columns."""
    start = 0
    for end in range(1, len(word) + 1):
        if end - start > 1 and columns(word[start:end]) > room:
            yield word[start : end - 1]
            start = end - 1
    if start < len(word):
        yield word[start:]
