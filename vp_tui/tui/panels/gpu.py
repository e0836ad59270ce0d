"""The GPU: newest reading (`last` once the run has ended) and mean while encoding, or why there is none; its history.

In addition to NVML's utilization (share of time in which any kernel ran): activity of the chip on GPUs with GPM; on
others why not, if it fits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.gates.goals import P1_GPU
from vp_tui.core.store.encoding_time import mean_of, while_encoding
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.marks import MARKS, Level, bars, line, lines, styled

TITLE = f"{'GPU':<7}"
INDENT = " " * len(TITLE)
THROTTLES = (
    # bits of NVML's clocks-event-reasons that mean throttling; idle and application clocks do not
    (0x04, "power cap"),
    (0x08, "hardware slowdown"),
    (0x20, "software thermal"),
    (0x40, "hardware thermal"),
    (0x80, "power brake"),
)
SHARES = (("SM active", "sm_active"), ("tensor", "tensor_active"), ("DRAM", "dram_active"))
"""Names of GPM's readings, and their fields in GpuSample."""
NAME, VALUE = 9, 15
"""Columns for the name of a line and for its newest value."""


def gpu(snapshot: RunSnapshot | None, idle: GpuSample | Unavailable | None, width: int = 78) -> Content:
    """Return the samples of the run; without an active run also the current state; at most `width` columns."""
    run = snapshot.run if snapshot is not None else None
    if snapshot is not None and snapshot.gpu:
        rows = _own(snapshot, width)
        return lines([*rows, _reading(INDENT, "now", idle)] if isinstance(idle, GpuSample) else rows)
    if isinstance(idle, GpuSample) and (run is None or not run.is_active):
        return _reading(TITLE, "now", idle)
    if run is not None and run.device == "cpu":
        return _reason("not used: this run is on the CPU")
    return _reason(idle.reason if isinstance(idle, Unavailable) else "no reading yet")


def _own(snapshot: RunSnapshot, width: int) -> list[Content]:
    """Return the newest reading of the run, and its GPM readings or why there are none."""
    own = _reading(TITLE, "util" if snapshot.run.is_active else "last", snapshot.gpu[-1], _utilization(snapshot))
    if has_gpm(snapshot.gpu):
        encoding = _encoding(snapshot)
        shares = line(INDENT, "  ".join(_share(snapshot.gpu[-1], encoding, *share) for share in SHARES))
        # a screen too narrow for them is also too low
        return [own, shares] if shares.cell_length <= width else [own]
    why = fmt.safe(snapshot.environment.get("gpm") or "")
    has_room = why and own.cell_length + 2 + fmt.columns(why) <= width
    return [line(own, (f"  {why}", "dim")) if has_room else own]


def has_gpm(samples: Sequence[GpuSample]) -> bool:
    return any(_known(samples, field) for _, field in SHARES)


def _known(samples: Sequence[GpuSample], field: str) -> list[float]:
    return [value for sample in samples if (value := getattr(sample, field)) is not None]


def _encoding(snapshot: RunSnapshot) -> Sequence[GpuSample]:
    """Return the samples taken while a block was timed: those of loading and warm-up say nothing of the engine."""
    return while_encoding(snapshot.gpu, (block for block in snapshot.blocks if not block.is_warmup))


def _share(sample: GpuSample, encoding: Sequence[GpuSample], name: str, field: str) -> str:
    newest, mean = getattr(sample, field), mean_of(_known(encoding, field))
    return f"{name} {fmt.percent(newest, of=100)}, mean {fmt.percent(mean, of=100)}"


def _reason(text: str) -> Content:
    return line((TITLE, "title"), (fmt.safe(text), "dim"))


def _reading(start: str, when: str, sample: GpuSample, mean: Content | str = "") -> Content:
    return line(
        (start, "title"),
        f"{when} {fmt.percent(sample.utilization, of=100)}  ",
        mean,
        f"{_memory(sample)}  {_power(sample)}  {fmt.whole(sample.sm_clock_mhz)} MHz  ",
        f"{fmt.whole(sample.temperature_c)} C",
        _throttle(sample.throttle_reasons),
        _shared(sample.other_processes),
    )


def _throttle(reasons: int) -> Content:
    words = [name for bit, name in THROTTLES if reasons & bit]
    return styled(f"  ~slowed by {', '.join(words)}", "warn") if words else Content("")


def _shared(others: int | None) -> Content:
    if not others:
        return Content("")
    return styled(f"  ~shared with {others} other process{'es' if others > 1 else ''}", "warn")


def _utilization(snapshot: RunSnapshot) -> Content:
    encoding, least = _encoding(snapshot), snapshot.limits.fail(P1_GPU)
    mean = mean_of([sample.utilization for sample in encoding])
    if mean is None:
        return styled("(not reported)  " if encoding else "(not encoding yet)  ", "dim")
    level: Level = "plain" if mean >= least else "warn"
    return line(
        (f"{MARKS.get(level, '')}mean {fmt.percent(mean, of=100)} ", level), f"(min {fmt.percent(least, of=100)})  "
    )


def _memory(sample: GpuSample) -> str:
    return f"{fmt.gib(sample.memory_used_mib)}/{fmt.gib(sample.memory_total_mib)} GiB"


def _power(sample: GpuSample) -> str:
    return f"{fmt.whole(sample.power_w)}/{fmt.whole(sample.power_limit_w)} W"


@dataclass(frozen=True, slots=True)
class Gauge:
    """One reading of the GPU: its field, its text (default: percent), and the field whose maximum is a full bar."""

    name: str
    field: str
    words: Callable[[GpuSample], str] | None = None
    limit: str | None = None

    def text(self, sample: GpuSample) -> str:
        """Return the value with its unit."""
        return self.words(sample) if self.words is not None else fmt.percent(getattr(sample, self.field), of=100)

    def full(self, samples: Sequence[GpuSample]) -> float:
        """Return the value of a full bar; without a limit from the driver, the largest value."""
        if self.limit is None:
            return 100.0
        return max(_known(samples, self.limit), default=0.0) or max(_known(samples, self.field))


AT_WORK = (Gauge("util", "utilization"), *(Gauge(name, field) for name, field in SHARES))
GAUGES = (
    Gauge("memory", "memory_used_mib", _memory, "memory_total_mib"),
    Gauge("power", "power_w", _power, "power_limit_w"),
    Gauge("SM clock", "sm_clock_mhz", lambda sample: f"{fmt.whole(sample.sm_clock_mhz)} MHz", "sm_clock_mhz"),
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
    values = [getattr(sample, gauge.field) for sample in samples]
    if all(value is None for value in values):
        return [line(name, ("not reported by this GPU", "dim"))]
    full = gauge.full(samples)
    *above, last = bars([None if value is None or full <= 0 else value / full for value in _thin(values, room)], rows)
    newest = f"{gauge.text(samples[-1]):>{VALUE}}"
    return [*(line(" " * len(name), row) for row in above), line(name, f"{last:<{room}}", newest)]


def _thin(values: Sequence[float | None], most: int) -> list[float | None]:
    """Return at most `most` values: means of neighbours, None where all of them are missing."""
    if len(values) <= most:
        return list(values)
    return [mean_of(values[place * len(values) // most : (place + 1) * len(values) // most]) for place in range(most)]


def span(samples: Sequence[GpuSample]) -> str:
    return fmt.duration((samples[-1].at_us - samples[0].at_us) / 1e6) if samples else fmt.DASH
