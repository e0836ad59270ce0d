"""The GPU panel: the newest reading and the run's mean utilization, or the reason why there is none."""

from textual.content import Content

from vp_tui.core.events import GpuSample
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui import format as fmt
from vp_tui.tui.marks import MARKS, Level, line, styled

TITLE = f"{'GPU':<7}"
THROTTLES = (
    # NVML clocks-event-reasons bits that slow a card down; idle and application clocks are no news
    (0x04, "power cap"),
    (0x08, "hardware slowdown"),
    (0x20, "software thermal"),
    (0x40, "hardware thermal"),
    (0x80, "power brake"),
)


def gpu(snapshot: RunSnapshot | None, idle: GpuSample | str | None) -> Content:
    """The run's own samples first; outside of a run what the card does now."""
    if snapshot is not None and snapshot.gpu:
        return _reading(snapshot.gpu[-1], _mean(snapshot))
    if snapshot is not None and snapshot.run.device == "cpu":
        return _reason("none in use: this run is on the CPU")
    if isinstance(idle, str):
        return _reason(idle)
    if idle is not None:
        return _reading(idle, Content(""))
    return _reason("no reading yet")


def _reason(text: str) -> Content:
    return line((TITLE, "title"), (fmt.safe(text), "dim"))


def _reading(sample: GpuSample, mean: Content) -> Content:
    memory = f"{fmt.gib(sample.memory_used_mib)}/{fmt.gib(sample.memory_total_mib)} GiB"
    power = f"{fmt.whole(sample.power_w)}/{fmt.whole(sample.power_limit_w)} W"
    return line(
        (TITLE, "title"),
        f"util {fmt.percent(sample.utilization)}  ",
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
