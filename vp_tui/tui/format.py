"""Numbers and stored text -> the strings a screen shows; the only place of the screen that formats numbers.

A missing number is a dash, never 0 or nan. A cosine is cut, not rounded: 0.9899999 must not read 0.990000.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from vp_tui.core.report import plain

# screens and reports write these in the same way
DASH, cosine, ratio, safe, columns = plain.DASH, plain.cosine, plain.ratio, plain.safe, plain.width_of
_STEPS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_SIMILARITY_STEP = Decimal("0.001")
_LARGE = 1e4
"""From here on a measure is written with an exponent, so that it keeps to its column."""
_DECIMALS = {"ratio": 4, "share": 4, "bits": 1, "count": 0}


def count(number: float | None) -> str:
    """Short form: 34, 3.3k, 182k, 1.2M."""
    if number is None:
        return DASH
    for step, letter in _STEPS:
        # 999.5 and up would round to 1000 of the smaller unit
        if abs(number) >= step * 0.9995:
            value = number / step
            return f"{value:.1f}{letter}" if abs(value) < 9.95 else f"{value:.0f}{letter}"
    return f"{number:.0f}"


def rate(tokens_per_s: float | None) -> str:
    """Tokens per second: 182k; below 10 with one decimal, so that a slow run is not 0."""
    if tokens_per_s is not None and 0 < tokens_per_s < 10:
        return f"{tokens_per_s:.1f}"
    return count(tokens_per_s)


def exact(number: int | None) -> str:
    """All digits, grouped: 10,000."""
    return DASH if number is None else f"{number:,}"


def small(value: float | None) -> str:
    """Small positive numbers such as 1 - cosine or a relative error: 3.9e-04."""
    return DASH if value is None else f"{value:.1e}"


def deviation(ratio_to_one: float | None) -> str:
    """A norm ratio as its distance from 1, with sign: +2.1e-04."""
    return DASH if ratio_to_one is None else f"{ratio_to_one - 1:+.1e}"


def limit(value: float) -> str:
    """A threshold as it is written in the configuration: 0.99, 1.8."""
    return f"{value:g}"


def similarity(value: float | None) -> str:
    """A cosine within a sentence, three digits, cut: 0.901."""
    if value is None or not abs(value) < _LARGE:
        return small(value)
    return str(Decimal(repr(float(value))).quantize(_SIMILARITY_STEP, rounding=ROUND_FLOOR))


def times(value: float | None) -> str:
    """A factor within a sentence: 1.2."""
    return DASH if value is None else f"{value:.1f}" if abs(value) < _LARGE else small(value)


def fraction(value: float | None) -> str:
    """A share within a sentence, two digits: 0.5 %, 0.091 %."""
    return DASH if value is None else f"{100 * value:.2g} %"


def measure(value: float | None, style: str) -> str:
    """A measure in a cell of nine characters, by the style of its gate: cosine, error, ratio, share, bits, count."""
    if value is None:
        return DASH
    if value == 0:
        return "0"
    if not abs(value) < _LARGE:
        return small(value)
    if style == "cosine":
        return cosine(value)
    if style in _DECIMALS:
        return f"{value:.{_DECIMALS[style]}f}"
    return small(value)


def percent(value: float | None) -> str:
    """93%."""
    return DASH if value is None else f"{value:.0f}%"


def difference(fraction: float | None) -> str:
    """A change with its sign, in whole percent: +1%, -6%; = where nothing of it is left."""
    if fraction is None:
        return DASH
    return "=" if abs(fraction) < 0.005 else f"{100 * fraction:+.0f}%" if abs(fraction) < 10 else f"{fraction:+.0f}x"


def share(part: int, whole: int) -> str:
    """How much of the whole is done; 100% only when nothing is left."""
    return percent(min(100 * part // whole, 100)) if whole > 0 else DASH


def probability(value: float | None) -> str:
    """0.498712."""
    return DASH if value is None else f"{value:.6f}"


def duration(seconds: float | None) -> str:
    """04:12, 1:02:03, 2d 03h."""
    if seconds is None:
        return DASH
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24}d {hours % 24:02d}h"
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def seconds(value: float | None) -> str:
    """A measured time: 0.42 s, 12.3 s, 252 s."""
    if value is None:
        return DASH
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} s"


def gib(mib: float | None) -> str:
    """MiB in, GiB out, without the unit: 71.2, 140."""
    if mib is None:
        return DASH
    return f"{mib / 1024:.1f}" if mib < 100 * 1024 else f"{mib / 1024:.0f}"


def whole(value: float | None) -> str:
    """A reading without decimals: 612."""
    return DASH if value is None else f"{value:.0f}"


def size(num_bytes: int) -> str:
    """Of files: 512 B, 61 KiB, 61 MiB, 1.4 GiB."""
    value, unit = float(num_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1023.5 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"


def runs(run_ids: Sequence[int]) -> str:
    """Numbers of runs within a sentence: run #42; runs #23, #30; runs #23..#27 where none is left out."""
    if len(run_ids) == 1:
        return f"run #{run_ids[0]}"
    first, last = run_ids[0], run_ids[-1]
    if len(run_ids) > 2 and list(run_ids) == list(range(first, last + 1)):
        return f"runs #{first}..#{last}"
    return f"runs {', '.join(f'#{run_id}' for run_id in run_ids)}"


def date_time(at_us: int | None) -> str:
    """Local date and time to the minute: 2025-11-23 11:49."""
    if at_us is None:
        return DASH
    return datetime.fromtimestamp(at_us / 1e6).astimezone().strftime("%Y-%m-%d %H:%M")


def clock(at_us: int) -> str:
    """Local time of day to the second: 11:49:03."""
    return datetime.fromtimestamp(at_us / 1e6).astimezone().strftime("%H:%M:%S")


def power_of_ten(exponent: int) -> str:
    """An axis label: 1e-6."""
    return f"1e{exponent:d}"


def clip(text: str, width: int) -> str:
    """At most `width` characters, the cut shown by two dots."""
    if len(text) <= width:
        return text
    return text[: max(0, width - 2)] + ".."[: max(0, width)]


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


def _pieces(word: str, room: int) -> list[str]:
    """The word in pieces of at most `room` columns; mostly it is one."""
    pieces, used = [""], 0
    for char in word:
        if pieces[-1] and used + columns(char) > room:
            pieces.append("")
            used = 0
        pieces[-1] += char
        used += columns(char)
    return pieces
