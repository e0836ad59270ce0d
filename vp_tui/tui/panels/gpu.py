"""The GPU panel: newest reading (`last` once the run has ended) and mean of the run, or why there is none.

In addition to NVML's utilization (share of time in which any kernel ran): activity of the chip on GPUs with GPM; on
others why not, if it fits.
"""

from collections.abc import Sequence

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.gates.goals import P1_GPU
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.marks import MARKS, Level, line, lines, styled

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
        shares = line(INDENT, "  ".join(_share(snapshot.gpu, *share) for share in SHARES))
        # a screen too narrow for them is also too low
        return [own, shares] if shares.cell_length <= width else [own]
    why = fmt.safe(snapshot.environment.get("gpm") or "")
    has_room = why and own.cell_length + 2 + fmt.columns(why) <= width
    return [line(own, (f"  {why}", "dim")) if has_room else own]


def has_gpm(samples: Sequence[GpuSample]) -> bool:
    """Return True if a sample has a GPM reading."""
    return any(getattr(sample, field) is not None for sample in samples for _, field in SHARES)


def _share(samples: Sequence[GpuSample], name: str, field: str) -> str:
    return (
        f"{name} {fmt.percent(getattr(samples[-1], field), of=100)}, mean {fmt.percent(_mean(samples, field), of=100)}"
    )


def _mean(samples: Sequence[GpuSample], field: str) -> float | None:
    values = [value for sample in samples if (value := getattr(sample, field)) is not None]
    return sum(values) / len(values) if values else None


def _reason(text: str) -> Content:
    return line((TITLE, "title"), (fmt.safe(text), "dim"))


def _reading(start: str, when: str, sample: GpuSample, mean: Content | str = "") -> Content:
    memory = f"{fmt.gib(sample.memory_used_mib)}/{fmt.gib(sample.memory_total_mib)} GiB"
    power = f"{fmt.whole(sample.power_w)}/{fmt.whole(sample.power_limit_w)} W"
    return line(
        (start, "title"),
        f"{when} {fmt.percent(sample.utilization, of=100)}  ",
        mean,
        f"{memory}  {power}  {fmt.whole(sample.sm_clock_mhz)} MHz  {fmt.whole(sample.temperature_c)} C",
        _throttle(sample.throttle_reasons),
        _shared(sample.other_processes),
    )


def _throttle(reasons: int) -> Content:
    words = [name for bit, name in THROTTLES if reasons & bit]
    return styled(f"  ~slowed by {', '.join(words)}", "warn") if words else Content("")


def _shared(others: int | None) -> Content:
    return (
        styled(f"  ~shared with {others} other process{'es' if others > 1 else ''}", "warn") if others else Content("")
    )


def _utilization(snapshot: RunSnapshot) -> Content:
    """Return the mean utilization of the run, which gate P1 checks."""
    mean, least = _mean(snapshot.gpu, "utilization"), snapshot.limits.fail(P1_GPU)
    if mean is None:
        return styled("(not reported)  ", "dim")
    level: Level = "plain" if mean >= least else "warn"
    return line(
        (f"{MARKS.get(level, '')}mean {fmt.percent(mean, of=100)} ", level), f"(min {fmt.percent(least, of=100)})  "
    )
