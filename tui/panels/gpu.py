"""The GPU panel: the newest reading (`last` once the run has ended) and the run's mean, or why there is none."""

from textual.content import Content

from vp_tui.core.events import GpuSample
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui import format as fmt
from vp_tui.tui.marks import MARKS, Level, line, lines, styled

TITLE = f"{'GPU':<7}"
INDENT = " " * len(TITLE)
THROTTLES = (
    # NVML clocks-event-reasons bits that slow a card down; idle and application clocks are no news
    (0x04, "power cap"),
    (0x08, "hardware slowdown"),
    (0x20, "software thermal"),
    (0x40, "hardware thermal"),
    (0x80, "power brake"),
)


def gpu(snapshot: RunSnapshot | None, idle: GpuSample | str | None) -> Content:
    """The run's own samples first; outside of a run, or when it has ended, what the card does now."""
    run = snapshot.run if snapshot is not None else None
    if snapshot is not None and snapshot.gpu:
        own = _reading(TITLE, "util" if snapshot.run.is_active else "last", snapshot.gpu[-1], _mean(snapshot))
        return lines([own, _reading(INDENT, "now", idle)]) if isinstance(idle, GpuSample) else own
    if isinstance(idle, GpuSample) and (run is None or not run.is_active):
        return _reading(TITLE, "now", idle)
    if run is not None and run.device == "cpu":
        return _reason("none in use: this run is on the CPU")
    return _reason(idle if isinstance(idle, str) else "no reading yet")


def _reason(text: str) -> Content:
    return line((TITLE, "title"), (fmt.safe(text), "dim"))


def _reading(start: str, when: str, sample: GpuSample, mean: Content | str = "") -> Content:
    memory = f"{fmt.gib(sample.memory_used_mib)}/{fmt.gib(sample.memory_total_mib)} GiB"
    power = f"{fmt.whole(sample.power_w)}/{fmt.whole(sample.power_limit_w)} W"
    return line(
        (start, "title"),
        f"{when} {fmt.percent(sample.utilization)}  ",
        mean,
        f"{memory}  {power}  {fmt.whole(sample.sm_clock_mhz)} MHz  {fmt.whole(sample.temperature_c)} C",
        _throttle(sample.throttle_reasons),
    )


def _throttle(reasons: int) -> Content:
    words = [name for bit, name in THROTTLES if reasons & bit]
    return styled(f"  ~slowed by {', '.join(words)}", "warn") if words else Content("")


def _mean(snapshot: RunSnapshot) -> Content:
    """Utilization over the run: what P1 asks for is the mean, not the moment."""
    values = [sample.utilization for sample in snapshot.gpu if sample.utilization is not None]
    if not values:
        return styled("(not reported)  ", "dim")
    mean, least = sum(values) / len(values), snapshot.limits.gpu_utilization
    level: Level = "plain" if mean >= least else "warn"
    return line((f"{MARKS.get(level, '')}mean {fmt.percent(mean)} ", level), f"(min {fmt.percent(least)})  ")
