"""Columns of the history: cell and sort key of each; details of the run under the cursor."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.report import headings as words
from vp_tui.core.report.steps import share_words
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.deltas import Delta
from vp_tui.tui.marks import MARKS, Level, level_of, line, lines, styled
from vp_tui.tui.panels.header import elapsed_s, run_names

SELECTED = "*"
NAME, NAME_MOST, NAME_LEAST = "name (model)", 40, 12
GAP = 2
"""A space on either side of a column."""
_FIRST = ("running", "starting", "queued", "FAIL", "INVALID", "failed", "interrupted", "cancelled", "WARN", "PASS")
"""Sort order of results: those that need attention first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run of the history."""

    run: RunRow
    delta: Delta
    is_selected: bool


@dataclass(frozen=True, slots=True)
class RunColumn:
    """One column: title, width, cell, sort key (None: missing), and the screen width it needs."""

    title: str
    width: int
    cell: Callable[[RunLine], Content]
    order: Callable[[RunLine], Any]
    room: int = 0
    is_right: bool = False
    descending: bool = False
    """Sorts descending first: newest, fastest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Sort column and direction."""

    title: str = "id"
    descending: bool = True

    @property
    def mark(self) -> str:
        """`>` descending, `<` ascending."""
        return ">" if self.descending else "<"


def result(run: RunRow) -> str:
    """Return the verdict of a completed run, else its status."""
    return run.verdict if run.status == "completed" and run.verdict else run.status


def _id(one: RunLine) -> Content:
    return line((SELECTED if one.is_selected else " ", "info"), f"{one.run.id:>5}")


def _result(one: RunLine) -> Content:
    word = result(one.run)
    shown = f"{word} {share_words(one.run)}" if word == "running" else word
    return styled(fmt.safe(shown), level_of(word))


def _result_order(one: RunLine) -> int:
    word = result(one.run)
    return _FIRST.index(word) if word in _FIRST else len(_FIRST)


def _speedup(one: RunLine) -> Content:
    level = level_of(one.run.speed_verdict)
    return styled(f"{MARKS.get(level, '') + fmt.ratio(one.run.speedup):>8}", level)


def tags(run: RunRow) -> str:
    return " ".join(f"{fmt.safe(key)}={fmt.safe(value)}" for key, value in run.tags.items())


def _text(read: Callable[[RunRow], str | None], width: int) -> Callable[[RunLine], Content]:
    return lambda one: Content(fmt.clip(fmt.safe(read(one.run) or fmt.DASH), width))


def _named(width: int) -> Callable[[RunLine], Content]:
    """Return the cell of the name: of a run with a name the model goes first where both do not fit."""

    def cell(one: RunLine) -> Content:
        both = run_names(one.run)
        is_cut = fmt.columns(both) > width and one.run.name
        return Content(fmt.clip(fmt.safe(one.run.name) if is_cut else both, width))

    return cell


def _time(one: RunLine) -> Content:
    return Content(f"{fmt.duration(elapsed_s(one.run)):>7}")


def _delta(one: RunLine) -> Content:
    return styled(one.delta.cell, one.delta.level)


def bad_of(run: RunRow) -> str:
    """Return `17/30`, sequences at or below the limit, with NaN or with Inf; a dash without any."""
    return f"{fmt.short(run.num_bad)}/{fmt.short(run.done)}" if run.num_bad else fmt.DASH


def _bad(one: RunLine) -> Content:
    return styled(f"{bad_of(one.run):>9}", "fail" if one.run.num_bad else "dim")


def _worst(one: RunLine) -> Content:
    level: Level = "fail" if one.run.num_bad else "plain"
    return styled(f"{fmt.similarity(one.run.cosine_min, nonfinite=one.run.num_nonfinite):>9}", level)


def _worst_order(one: RunLine) -> float | None:
    """Any cosine is better than none because of NaN."""
    return -2.0 if one.run.num_nonfinite else one.run.cosine_min


COLUMNS: tuple[RunColumn, ...] = (
    RunColumn("id", 6, _id, lambda one: one.run.id, is_right=True, descending=True),
    RunColumn(NAME, 14, _text(run_names, 14), lambda one: run_names(one.run).lower()),
    RunColumn("precision", 9, _text(lambda run: run.precision, 9), lambda one: one.run.precision, room=78),
    RunColumn("result", 11, _result, _result_order),
    RunColumn(words.LOWEST_SHORT, 9, _worst, _worst_order, is_right=True),
    RunColumn(words.SPEEDUP, 8, _speedup, lambda one: one.run.speedup, is_right=True, descending=True),
    RunColumn(words.AGAINST_BASELINE, 10, _delta, lambda one: one.delta.speed, room=70),
    RunColumn(
        "time", 7, _time, lambda one: elapsed_s(one.run),
        room=94, is_right=True, descending=True,
    ),
    RunColumn(
        "started", 16, _text(lambda run: fmt.date_time(run.started_at_us), 16), lambda one: one.run.started_at_us,
        room=112, descending=True,
    ),
    RunColumn("tags", 16, _text(tags, 16), lambda one: tags(one.run) or None, room=130),
    RunColumn("bad", 9, _bad, lambda one: one.run.num_bad, room=142, is_right=True, descending=True),
    RunColumn("reference", 9, _text(lambda run: run.reference, 9), lambda one: one.run.reference, room=153),
    RunColumn("device", 7, _text(lambda run: run.device, 7), lambda one: one.run.device, room=163),
    RunColumn("model", 40, _text(lambda run: run.model, 40), lambda one: one.run.model, room=215),
)  # fmt: skip


def title_of(column: RunColumn, order: Order) -> str:
    mark = order.mark if column.title == order.title else ""
    text = f"{column.title}{mark}"
    if column.title == NAME and len(text) > column.width:
        text = f"{NAME.partition(' ')[0]}{mark}"
    return f"{text:>{column.width}}" if column.is_right else text


def fitting(width: int, order: Order, chosen: Sequence[str] = ()) -> list[RunColumn]:
    """Return the columns that fit, at least as wide as their titles; the name gets the rest.

    With `chosen` titles those, in the order of the table, as far as they fit; id and name are always there.
    """
    wanted = [
        column for column in COLUMNS if (column.title in {"id", NAME, *chosen} if chosen else column.room <= width)
    ]
    shown = [replace(column, width=max(column.width, len(title_of(column, order)))) for column in wanted]
    while chosen and len(shown) > 2 and sum(one.width + GAP for one in shown if one.title != NAME) > width - NAME_LEAST:
        shown.pop()
    # one column is the scroll bar
    left = width - 1 - sum(column.width + GAP for column in shown if column.title != NAME) - GAP
    room = max(1, min(NAME_MOST, left))
    return [replace(c, width=room, cell=_named(room)) if c.title == NAME else c for c in shown]


def ordered(rows: Iterable[RunLine], order: Order) -> tuple[RunLine, ...]:
    """Return the sorted lines; those without a value are last in both directions."""
    key = next(column.order for column in COLUMNS if column.title == order.title)
    every = list(rows)
    known = [one for one in every if key(one) is not None]
    missing = [one for one in every if key(one) is None]
    return (*sorted(known, key=key, reverse=order.descending), *missing)


def detail(one: RunLine, selected: int) -> Content:
    """Return five lines, the most important first; `selected` is the number of selected runs."""
    run = one.run
    selection = f"{selected} selected, {'c compares them' if selected == 2 else 'c compares two'}  " if selected else ""
    title = line(
        (f"#{run.id} ", "title"),
        (selection, "info"),
        f"{run_names(run)}  {fmt.safe(run.precision)} vs {fmt.safe(run.reference)}",
        (f"  {fmt.date_time(run.started_at_us) if run.started_at_us else 'not started'}", "dim"),
    )
    if run.num_bad:
        title = line(title, (f"  {bad_of(run)} bad", "fail"))
    word, words = run.verdict or run.status, run.sentence or run.status_reason or run.phase or ""
    outcome = line((f"{fmt.safe(word)}  ", level_of(word)), fmt.safe(words))
    origin = styled(fmt.safe(run.precision_reason or run.input), "warn" if run.precision_reason else "dim")
    return lines([title, outcome, _annotations(run, one.delta), origin, styled(fmt.safe(run.model), "dim")])


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
