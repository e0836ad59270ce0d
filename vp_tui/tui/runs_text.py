"""The history as a table for the shell, in the words of the Runs screen."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.report.page import aligned
from vp_tui.core.store.snapshot import RunRow
from vp_tui.core.text import safe

VS_BASE: Final = "vs base"
COLUMNS: Final[Mapping[str, Callable[[RunRow], str]]] = {
    "id": lambda run: str(run.id),
    "started": lambda run: fmt.date_time(run.started_at_us or run.created_at_us),
    "name": lambda run: fmt.clip(safe(run.name or fmt.DASH), 16),
    "model": lambda run: fmt.clip(_last(run.model), 24),
    "data": lambda run: fmt.clip(_last(run.input), 24),
    "precision": lambda run: run.precision,
    "reference": lambda run: run.reference,
    "result": lambda run: run.verdict if run.status == "completed" and run.verdict else run.status,
    "lowest": lambda run: fmt.similarity(run.cosine_min, nonfinite=run.num_nonfinite),
    "bad": lambda run: f"{run.num_bad}/{run.done}" if run.num_bad else fmt.DASH,
    "speed-up": lambda run: fmt.ratio(run.speedup),
    "time": lambda run: fmt.duration(_seconds(run)),
    "device": lambda run: safe(run.device or fmt.DASH),
    "tags": lambda run: " ".join(f"{safe(key)}={safe(value)}" for key, value in run.tags.items()) or fmt.DASH,
}
DEFAULT: Final = ("id", "started", "name", "model", "precision", "result", "lowest", "speed-up")
_SPARE: Final = ("model", "started", "precision")
"""Left out in this order where a terminal has no room for the default columns."""


def _last(path: str) -> str:
    return safe(path).rstrip("/").rpartition("/")[2]


def _seconds(run: RunRow) -> float | None:
    if run.started_at_us is None or run.ended_at_us is None or run.clock_suspect:
        return None
    return (run.ended_at_us - run.started_at_us) / 1e6


def chosen_columns(text: str) -> tuple[str, ...]:
    """Return the columns of `precision,vs base,time`; id and name come first. Empty: the default.

    Raises:
        UsageError: no such column.
    """
    known = (*COLUMNS, VS_BASE)
    names = [" ".join(name.split()).lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise UsageError(f"--columns: {safe(name)!r} is not a column; {hint}")
    return tuple(dict.fromkeys(("id", "name", *names))) if names else ()


def runs_table(
    runs: Sequence[RunRow],
    width: int | None = None,
    *,
    columns: Sequence[str] = (),
    against: Callable[[RunRow], str] | None = None,
) -> str:
    """Return the table of the `columns`, `against` for that of the baseline.

    Without `columns` the default ones; with a width without those that do not fit, so that no terminal breaks a number.
    """
    if not runs:
        return "no runs yet: start with `vp-tui demo`, or `vp-tui run -m MODEL -i FASTA`"
    kept = list(columns or DEFAULT)
    for spare in (*_SPARE, None):
        lines = aligned([kept, *([_cell(name, run, against) for name in kept] for run in runs)])
        if columns or width is None or spare is None or max(map(fmt.columns, lines)) <= width:
            break
        kept.remove(spare)
    return "\n".join(lines)


def _cell(name: str, run: RunRow, against: Callable[[RunRow], str] | None) -> str:
    if name == VS_BASE:
        return against(run) if against is not None else fmt.DASH
    return COLUMNS[name](run)
