"""The GPU over time: utilization, GPM readings, memory, power and clock, one line each with the newest value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import GpuSample
from vp_tui.tui.bars import bars
from vp_tui.tui.marks import line, lines
from vp_tui.tui.panels.gpu import SHARES, has_gpm

NAME, VALUE = 9, 15
"""Columns for the name of a line and for its newest value."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One reading of the GPU: value, text, and the value of a full bar."""

    name: str
    read: Callable[[GpuSample], float | None]
    words: Callable[[GpuSample], str]
    full: Callable[[Sequence[GpuSample]], float | None]


def _highest(read: Callable[[GpuSample], float | None]) -> Callable[[Sequence[GpuSample]], float | None]:
    return lambda samples: max((value for one in samples if (value := read(one)) is not None), default=None)


def _percent(name: str, field: str) -> Gauge:
    read = attrgetter(field)
    return Gauge(name, read, lambda sample: fmt.percent(read(sample), of=100), lambda _: 100.0)


AT_WORK = (_percent("util", "utilization"), *(_percent(name, field) for name, field in SHARES))
GAUGES = (
    Gauge(
        "memory",
        lambda s: s.memory_used_mib,
        lambda s: f"{fmt.gib(s.memory_used_mib)}/{fmt.gib(s.memory_total_mib)} GiB",
        _highest(lambda s: s.memory_total_mib),
    ),
    Gauge(
        "power",
        lambda s: s.power_w,
        lambda s: f"{fmt.whole(s.power_w)}/{fmt.whole(s.power_limit_w)} W",
        _highest(lambda s: s.power_limit_w),
    ),
    Gauge(
        "SM clock",
        lambda s: s.sm_clock_mhz,
        lambda s: f"{fmt.whole(s.sm_clock_mhz)} MHz",
        _highest(lambda s: s.sm_clock_mhz),
    ),
)


def gpu_history(samples: Sequence[GpuSample], *, width: int, height: int, no_gpm: str = "") -> Content:
    """Return at most `height` lines of at most `width` columns, oldest left.

    `no_gpm`, why there are no GPM readings, is shown if a line is left.
    """
    if not samples:
        return Content("no sample yet")
    gauges = (*(AT_WORK if has_gpm(samples) else AT_WORK[:1]), *GAUGES)
    why = [line((fmt.clip(fmt.safe(no_gpm), width), "dim"))] if no_gpm and height > len(gauges) else []
    room, rows = max(1, width - NAME - 1 - VALUE), max(1, (height - len(why)) // len(gauges))
    drawn = [part for gauge in gauges for part in _gauge(gauge, samples, room, rows)]
    return lines([*drawn, *why][:height])


def _gauge(gauge: Gauge, samples: Sequence[GpuSample], room: int, rows: int) -> list[Content]:
    name = f"{gauge.name:<{NAME}} "
    values = [gauge.read(sample) for sample in samples]
    if all(value is None for value in values):
        return [line(name, ("not reported by this GPU", "dim"))]
    # without a limit from the driver, the largest value is the full bar
    full = gauge.full(samples) or max(value for value in values if value is not None)
    *above, last = bars([None if value is None or full <= 0 else value / full for value in _thin(values, room)], rows)
    newest = f"{gauge.words(samples[-1]):>{VALUE}}"
    return [*(line(" " * len(name), (row, "info")) for row in above), line(name, (f"{last:<{room}}", "info"), newest)]


def _thin(values: Sequence[float | None], most: int) -> list[float | None]:
    """Return at most `most` values: means of neighbours, None where all of them are missing."""
    if len(values) <= most:
        return list(values)
    return [_mean(values[place * len(values) // most : (place + 1) * len(values) // most]) for place in range(most)]


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def span(samples: Sequence[GpuSample]) -> str:
    """Return the time span of the samples."""
    return fmt.duration((samples[-1].at_us - samples[0].at_us) / 1e6) if samples else fmt.DASH
