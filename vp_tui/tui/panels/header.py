"""Head of the Live screen: who, safe, fast, progress; heartbeat timeout; strip of the active runs."""

from collections.abc import Sequence

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.report.headline import Line, headline
from vp_tui.core.report.steps import fraction_of, share_words, step_words
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.marks import Level, line, lines, styled

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
    """Return who, safe, fast, of an active run its progress, and one line per warning.

    `is_silent` after SILENT_S without a heartbeat.
    """
    run, (who, proof, fast) = snapshot.run, headline(snapshot)
    # the sentence of a verdict may be longer than a line: it takes a second one
    room = width if run.is_active else 2 * width
    rows = [_title(run, who, width), _answer(proof, room), _answer(fast, width)]
    if run.is_active:
        rows.append(progress(run, width))
    if is_silent and run.is_active:
        rows.append(line(("~ ", "warn"), (_SILENT, "warn")))
    rows += [line(("~ ", "warn"), (fmt.safe(reason), "warn")) for reason in _reasons(run)]
    return lines(rows)


def _title(run: RunRow, who: Line, width: int) -> Content:
    right = _time(run)
    text = who.fitting(width - len(right) - 2)
    left = fmt.clip(f"{who.word}{who.gap}{text}", max(8, width - len(right) - 2))
    gap = max(1, width - fmt.columns(left) - len(right))
    return line((left, "title"), " " * gap, (right, "dim"))


def _time(run: RunRow) -> str:
    """Return the time left, or that of an ended run; nothing while it is unknown."""
    seconds = run.eta_s if run.is_active else elapsed_s(run)
    if seconds is None:
        return ""
    return f"{fmt.duration(seconds)} left" if run.is_active else f"took {fmt.duration(seconds)}"


def _answer(answer: Line, width: int) -> Content:
    return line((answer.word, answer.tone), "  ", (answer.fitting(width), "dim" if answer.tone == "dim" else "plain"))


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


def progress(run: RunRow, width: int) -> Content:
    """Return the bar over all steps, and the step that is going on."""
    fraction = fraction_of(run)
    doing = step_words(run) or ("starting the process" if run.status == "queued" else run.status)
    text = f" {share_words(run)}  {fmt.safe(doing)}"
    # the text matters more than the length of the bar
    columns = max(8, min(40, width - fmt.columns(text)))
    return line(_bar(fraction, columns), (fmt.clip(text, max(0, width - columns)), "plain"))


def _bar(fraction: float, columns: int) -> Content:
    halves = int(2 * columns * min(fraction, 1.0))
    filled = _FULL * (halves // 2) + _HALF * (halves % 2)
    return line((filled, "info"), (_EMPTY * (columns - len(filled)), "dim"))


def _reasons(run: RunRow) -> list[str]:
    reasons = [run.precision_reason, run.status_reason if run.is_active else None]
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
    done = share_words(run) if run.total else run.status
    return f"{done} {fmt.safe(run.device)}" if run.device else done
