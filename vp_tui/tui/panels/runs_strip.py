"""One line for several active runs: progress, device, and what each waits for."""

from collections.abc import Sequence

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.marks import Level, line, styled

GAP = " | "
SHOWN = ">"
"""Before the run on the screen; `[` and `]` show the others."""
_WAITS = "another run uses "
"""What core.run writes into the phase of a run whose device is taken."""


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
