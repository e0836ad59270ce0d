"""Details of the run under the cursor, below the history."""

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.deltas import Delta
from vp_tui.tui.marks import level_of, line, lines, styled
from vp_tui.tui.panels.runs_columns import RunLine, tags


def detail(one: RunLine, selected: int) -> Content:
    """Return four lines, the most important first; `selected` is the number of selected runs."""
    run = one.run
    rows = [_title(run, selected), _outcome(run), _annotations(run, one.delta)]
    rows.append(styled(fmt.safe(run.precision_reason or run.input), "warn" if run.precision_reason else "dim"))
    return lines(rows)


def _title(run: RunRow, selected: int) -> Content:
    return line(
        (f"#{run.id} ", "title"),
        (_selection(selected), "info"),
        f"{fmt.safe(run.model)}  {fmt.safe(run.precision)} vs {fmt.safe(run.reference)}",
        (f"  started {fmt.date_time(run.started_at_us)}", "dim"),
    )


def _selection(selected: int) -> str:
    if not selected:
        return ""
    return f"{selected} selected, {'c compares them' if selected == 2 else 'c compares two'}  "


def _outcome(run: RunRow) -> Content:
    words = run.sentence or run.status_reason or run.phase or ""
    word = run.verdict or run.status
    return line((f"{fmt.safe(word)}  ", level_of(word)), fmt.safe(words))


def _annotations(run: RunRow, delta: Delta) -> Content:
    parts: list[Content] = []
    if delta.names:
        parts.append(styled(f"baseline {', '.join(repr(fmt.safe(name)) for name in delta.names)}", "info"))
    if delta.words:
        parts.append(styled(delta.words, delta.level))
    if run.tags:
        parts.append(line(("tags ", "dim"), tags(run)))
    if run.note:
        parts.append(line(("note ", "dim"), fmt.safe(run.note)))
    if not parts:
        return styled("no baseline, tags or note (b, t)", "dim")
    return Content("  ").join(parts)
