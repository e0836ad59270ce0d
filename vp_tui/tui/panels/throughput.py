"""Speed panel: reference, candidate, speed-up and its result, or why there is none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import ARMS
from vp_tui.core.gates.goals import P1
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.marks import MARKS, level_of, line, lines

SPEED = "speed: "
TITLE = f"{'speed':<7}"
INDENT = " " * len(TITLE)


def throughput(snapshot: RunSnapshot) -> Content:
    """Return one line of numbers, and one for the result once there is one."""
    rows = [_rates(snapshot)]
    if snapshot.speedup:
        rows.append(_result(snapshot.speedup))
    return lines(rows)


def _rates(snapshot: RunSnapshot) -> Content:
    run = snapshot.run
    rates = _measured(snapshot)
    tokens, end_to_end = run.speedup, run.end_to_end_speedup
    if tokens is None:
        tokens = next((stats.speedup for stats in snapshot.strata if stats.scope == "all"), None)
    will_be_judged = run.device != "cpu" and run.precision != run.reference and not snapshot.speedup
    least = f"  (min {fmt.limit(snapshot.limits.fail(P1))}x)" if will_be_judged else ""
    return line(
        (TITLE, "title"),
        f"{fmt.safe(run.reference)} {fmt.number(rates['reference'])} -> "
        f"{fmt.safe(run.precision)} {fmt.number(rates['candidate'])} tok/s  ",
        (fmt.ratio(tokens), level_of(run.speed_verdict)),
        (_interval(snapshot.speedup), "dim"),
        f"  end to end {fmt.ratio(end_to_end)}",
        # the result, once there is one, names the limit itself
        (least, "dim"),
    )


def _interval(speedup: Mapping[str, Any]) -> str:
    ends = speedup.get("ci95")
    return f" (95% {fmt.ratio(ends[0]).removesuffix('x')}-{fmt.ratio(ends[1])})" if ends else ""


def _measured(snapshot: RunSnapshot) -> dict[str, float | None]:
    """Return tokens/s by arm: from the summary of the run, else so far."""
    overall = next((stats for stats in snapshot.strata if stats.scope == "all"), None)
    so_far = {name: getattr(overall, f"{name}_tokens_per_s", None) for name in ARMS}
    return {name: snapshot.arms.get(name, {}).get("tokens_per_s", so_far[name]) for name in ARMS}


def _result(speedup: Mapping[str, Any]) -> Content:
    verdict = str(speedup.get("verdict") or "")
    level = level_of(verdict)
    reason = fmt.safe(speedup.get("reason") or "")
    if verdict in {"", "NOT JUDGED"}:
        # the reason is the whole sentence
        return line(INDENT, reason)
    return line(INDENT, (f"{MARKS.get(level, '')}{verdict} ", level), reason.removeprefix(SPEED))


def facts(snapshot: RunSnapshot) -> Content:
    """Return facts of the run, and both arms side by side, for large screens."""
    run, environment = snapshot.run, snapshot.environment
    rows = [_fact("input", run.input), _fact("model", run.model)]
    driver = f", driver {environment['driver']}" if environment.get("driver") else ""
    rows.append(_fact("device", f"{environment.get('device_name') or run.device or fmt.DASH}{driver}"))
    rows.append(_fact("torch", environment.get("torch") or fmt.DASH))
    if snapshot.arms:
        table: list[tuple[str, Sequence[str]]] = [("", ARMS)]
        for title, write in ARM_FACTS:
            table.append((title, [write(snapshot.arms[arm]) if arm in snapshot.arms else fmt.DASH for arm in ARMS]))
        rows += [_fact(name, "".join(f"{fmt.clip(cell, 20):<22}" for cell in cells).rstrip()) for name, cells in table]
    return lines(rows)


def _mfu(arm: Mapping[str, Any]) -> str:
    return f", {fmt.percent(arm['mfu'])} MFU" if arm.get("mfu") is not None else ""


ARM_FACTS: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("format", lambda arm: fmt.safe(arm.get("precision") or fmt.DASH)),
    ("attention", lambda arm: fmt.safe(arm.get("attention_kernel") or fmt.DASH)),
    ("encode", lambda arm: fmt.seconds(arm.get("seconds")) + _mfu(arm)),
    ("end to end", lambda arm: fmt.seconds(arm.get("end_to_end_seconds"))),
    ("load", lambda arm: fmt.seconds(arm.get("load_seconds"))),
    ("peak GiB", lambda arm: fmt.gib(arm.get("peak_memory_mib"))),
    ("cached", lambda arm: "yes" if arm.get("cached") else "no"),
)


def _fact(name: str, value: object) -> Content:
    return line((f"{name:<12}", "dim"), fmt.safe(value))
