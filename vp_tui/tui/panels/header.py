"""Head of the Live screen: run, progress, verdict so far; heartbeat timeout; strip of the active runs."""

from collections.abc import Sequence

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.marks import Level, level_of, line, lines, styled

SILENT_S = 15.0
"""Heartbeat timeout: a run writes one every second."""
_SILENT = f"Stalled: no heartbeat for {fmt.whole(SILENT_S)} s. Press 5 for the log, x to stop."
_FULL, _HALF, _EMPTY = "\u2501", "\u2578", "\u2500"

GAP = " | "
SHOWN = ">"
"""Before the run on the screen; `[` and `]` show the others."""
_WAITS = "another run uses "
"""What core.run writes into the phase of a run whose device is taken."""


def header(snapshot: RunSnapshot, width: int, *, is_silent: bool = False) -> Content:
    """Return three lines, and one more per warning; `is_silent` after SILENT_S without a heartbeat."""
    run = snapshot.run
    rows = [_title(run, width), _progress(run, width), _verdict(snapshot)]
    if is_silent and run.is_active:
        rows.append(line(("~ ", "warn"), (_SILENT, "warn")))
    rows += [line(("! ", "fail"), (fmt.safe(reason), "warn")) for reason in _reasons(run)]
    return lines(rows)


def _title(run: RunRow, width: int) -> Content:
    right = f"elapsed {fmt.duration(elapsed_s(run))}"
    if run.is_active:
        right += f"  ETA {fmt.duration(run.eta_s)}"
    precisions = f"{fmt.safe(run.precision)} vs {fmt.safe(run.reference)}"
    device = f" on {fmt.safe(run.device)}" if run.device else ""
    fixed = f"#{run.id}   {precisions}{device}  {right}"
    names = fmt.clip(run_names(run), max(8, width - len(fixed)))
    left = f"#{run.id} {names}  {precisions}"
    gap = max(1, width - len(left) - len(device) - len(right))
    return line((left, "title"), (device, "dim"), " " * gap, right)


def run_names(run: RunRow) -> str:
    """Return the name of the run, if any, and that of the model; of a path only the last part."""
    model = fmt.safe(run.model).rstrip("/").rsplit("/", 1)[-1]
    return f"{fmt.safe(run.name)} ({model})" if run.name else model


def elapsed_s(run: RunRow) -> float | None:
    """Return the time from the start to the end, or to the last heartbeat; None where the clock was set in between."""
    end = run.ended_at_us or run.heartbeat_at_us
    if run.started_at_us is None or end is None or run.clock_suspect:
        return None
    return max(0, end - run.started_at_us) / 1e6


def _progress(run: RunRow, width: int) -> Content:
    counts = f" {fmt.share(run.done, run.total)}  {fmt.exact(run.done)}/{fmt.exact(run.total)}"
    if not run.total:
        counts = "  sequences not counted yet" if run.is_active else "  no sequences counted"
    status = run.status.upper()
    doing = run.phase or ("starting the process" if run.status == "queued" else "")
    phase = f"  {fmt.safe(doing)}" if run.is_active and doing else ""
    room = width - len(status) - 1 - len(counts)
    # the text matters more than the length of the bar
    columns = max(8, min(40, room - len(phase)))
    room -= columns
    return line((status, level_of(run.status)), " ", _bar(run, columns), counts, (fmt.clip(phase, max(0, room)), "dim"))


def _bar(run: RunRow, columns: int) -> Content:
    halves = 2 * columns * min(run.done, run.total) // run.total if run.total else 0
    filled = _FULL * (halves // 2) + _HALF * (halves % 2)
    return line((filled, "info"), (_EMPTY * (columns - len(filled)), "dim"))


def _verdict(snapshot: RunSnapshot) -> Content:
    run = snapshot.run
    if run.verdict is not None:
        return line((run.verdict, level_of(run.verdict)), f"  {fmt.safe(run.sentence or '')}")
    overall = next((stats for stats in snapshot.strata if stats.scope == "all" and stats.n), None)
    if overall is None:
        return styled("no verdict yet: no sequence compared" if run.is_active else "no verdict", "dim")
    # V1 and M1 as counts; the verdict itself is made at the end of the run
    is_good = not overall.below + overall.nan + overall.inf
    # an aborted run has no verdict, however good its first sequences were
    so_far: tuple[str, Level] = ("PASS so far", "good") if is_good else ("FAIL so far", "fail")
    return line(
        so_far if run.is_active or not is_good else ("no verdict", "dim"),
        f"  {fmt.exact(overall.n)} compared: {fmt.exact(overall.bad)} bad ({fmt.exact(overall.nan)} NaN, "
        f"{fmt.exact(overall.inf)} Inf; limit {fmt.limit(snapshot.limits.fail(M1))})",
    )


def _reasons(run: RunRow) -> list[str]:
    reasons = [run.precision_reason]
    if run.status in {"failed", "interrupted", "cancelled"}:
        reasons.append(f"{run.status}: {run.status_reason}" if run.status_reason else None)
    elif run.is_active:
        reasons.append(run.status_reason)
    return [reason for reason in reasons if reason]


class Silence:
    """When the last heartbeat of the run on the screen was first seen."""

    def __init__(self) -> None:
        self._last: tuple[str, int | None] | None = None
        self._since_s = 0.0

    def is_silent(self, run: RunRow, now_s: float) -> bool:
        """Return True for an active run without a new heartbeat for SILENT_S; `now_s` is a monotonic clock."""
        heartbeat = (run.uuid, run.heartbeat_at_us)
        if heartbeat != self._last:
            self._last, self._since_s = heartbeat, now_s
        return run.is_active and run.heartbeat_at_us is not None and now_s - self._since_s >= SILENT_S


def active_runs(runs: Sequence[RunRow]) -> tuple[RunRow, ...]:
    """Return the active runs, oldest first: a waiting run follows the one it waits for."""
    return tuple(sorted((run for run in runs if run.is_active), key=lambda run: run.id))


def runs_strip(runs: Sequence[RunRow], shown: int, width: int) -> Content | None:
    """Return the active runs, or None for less than two; those that do not fit are counted."""
    active = active_runs(runs)
    if len(active) < 2:
        return None
    words = [f"{SHOWN if run.id == shown else ''}#{run.id} {_state(run)}" for run in active]
    at = next((place for place, run in enumerate(active) if run.id == shown), 0)
    first, last = _window(words, at, width)
    parts: list[str | Content | tuple[str, Level]] = [(f"+{first} | ", "dim")] if first else []
    for place in range(first, last):
        is_shown = active[place].id == shown
        parts.append(styled(words[place], "title" if is_shown else "plain"))
        parts.append((GAP, "dim") if place + 1 < last else "")
    if last < len(active):
        parts.append((f"{GAP}+{len(active) - last}", "dim"))
    return line(*parts)


def _window(words: Sequence[str], at: int, width: int) -> tuple[int, int]:
    """Return the range around `at` that fits, with space for the counts of the others."""
    room = width - 2 * len(f"{GAP}+99")
    first, last = at, at + 1
    used = len(words[at])
    while last < len(words) and used + len(GAP) + len(words[last]) <= room:
        used += len(GAP) + len(words[last])
        last += 1
    while first > 0 and used + len(GAP) + len(words[first - 1]) <= room:
        first -= 1
        used += len(GAP) + len(words[first])
    return first, last


def _state(run: RunRow) -> str:
    if run.status == "queued":
        device = run.phase.partition(_WAITS)[2]
        return f"queued, waits for {fmt.safe(device)}" if device else "queued"
    done = fmt.share(run.done, run.total) if run.total else run.status
    return f"{done} {fmt.safe(run.device)}" if run.device else done
