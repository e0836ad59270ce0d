"""Run history: queries as SQLAlchemy expressions over the table run, and the rows of a list in one statement.

Values are always bound, never SQL text. A missing value matches nothing, with or without NOT, as SQL's NULL is neither
true nor false; a tag or metric is therefore a scalar subquery (NULL if missing), not EXISTS. The long JSON columns are
excluded: a list of runs never reads them.
"""

import json
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    UnaryExpression,
    and_,
    case,
    func,
    not_,
    or_,
    select,
)

from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.endings import ending_of
from vp_tui.core.store.home import Home
from vp_tui.core.store.query import fields
from vp_tui.core.store.query.fields import BY_NAME
from vp_tui.core.store.query.parser import parse, parse_order
from vp_tui.core.store.query.tree import And, Node, Not, Or, Term, Word
from vp_tui.core.store.rows import finite, moment
from vp_tui.core.store.snapshot import ACTIVE, RunRow, StepProgress
from vp_tui.core.verdict.naming import as_written_now

_run = tables.run
BELOW_ALL: Final = -2.0
"""Stands for the worst cosine of a run with NaN or Inf in conditions and in the order: lower than any cosine."""
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    ":": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def alert_count() -> ColumnElement[Any]:
    """Return the number of alerts that warn or fail; information is none."""
    alert = tables.alert
    is_alert = (alert.c.run_id == _run.c.id) & (alert.c.severity != "info")
    return select(func.count()).where(is_alert).correlate(_run).scalar_subquery()


def worst_cosine() -> ColumnElement[Any]:
    """Return the lowest cosine over all strata, BELOW_ALL if a sequence has NaN or Inf; NULL if nothing is compared.

    The finite ones alone would let a run that fails by NaN sort and match as the best.
    """
    stratum = tables.stratum
    return _of_all(case((stratum.c.nan + stratum.c.inf > 0, BELOW_ALL), else_=stratum.c.cosine_min))


def _of_all(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value of the row of all strata."""
    stratum = tables.stratum
    found = select(value).where(stratum.c.run_id == _run.c.id, stratum.c.scope == "all")
    return found.correlate(_run).scalar_subquery()


def matching(node: Node, now_us: int) -> ColumnElement[bool]:
    """Return the condition for `node`; ages count back from `now_us`."""
    match node:
        case Word(text):
            # A missing name or note counts as empty, so that NOT word includes runs without one.
            texts = (func.coalesce(_run.c.name, ""), func.coalesce(_run.c.note, ""), _run.c.model, _run.c.input)
            return or_(*(column.icontains(text, autoescape=True) for column in texts))
        case Term():
            return _term(node, now_us)
        case Not(inner):
            return not_(matching(inner, now_us))
        case And(nodes):
            return and_(*(matching(one, now_us) for one in nodes))
        case Or(nodes):
            return or_(*(matching(one, now_us) for one in nodes))


def ordering(by: Term, *, descending: bool) -> UnaryExpression[Any]:
    """Return the sort expression; runs without the value come last in both directions."""
    value = _value(by)
    return (value.desc() if descending else value.asc()).nulls_last()


def _term(term: Term, now_us: int) -> ColumnElement[bool]:
    if term.field == "is":
        return _IS[term.value.lower()]()
    kind, value = BY_NAME[term.field].kind, _value(term)
    if kind == "time":
        moment = fields.moment_us(term.value, now_us)
        return value >= moment if term.field == "since" else value < moment
    if kind in {"number", "metric"}:
        wanted: ColumnElement[bool] = _COMPARE[term.operator](value, fields.number(term.value))
        return wanted
    if kind == "choice":
        return func.lower(value) == term.value.lower()
    return value.icontains(term.value, autoescape=True) if term.operator == ":" else value == term.value


def _value(term: Term) -> ColumnElement[Any]:
    """Return the value of a field as an expression; NULL if the run has none."""
    if term.field == "tag":
        tag = tables.run_tag
        found = select(tag.c.value).where(tag.c.run_id == _run.c.id, tag.c.key == term.key)
        return found.correlate(_run).scalar_subquery()
    if term.field == "metric":
        metric = tables.metric
        # M1 is of the finite sequences
        value = case((and_(metric.c.name.like("M1.%"), metric.c.nonfinite > 0), None), else_=metric.c.value)
        found = select(value).where(
            metric.c.run_id == _run.c.id, metric.c.name == term.key, metric.c.scope == (term.scope or "all")
        )
        return found.correlate(_run).scalar_subquery()
    if term.field in _MADE:
        return _MADE[term.field]()
    return _run.c[BY_NAME[term.field].column]


def _is_baseline() -> ColumnElement[bool]:
    member, baseline = tables.baseline_member, tables.baseline
    joined = select(member.c.run_id).join(baseline, baseline.c.id == member.c.baseline_id)
    return joined.where(member.c.run_id == _run.c.id, baseline.c.retired_at_us.is_(None)).correlate(_run).exists()


_MADE: Final[dict[str, Callable[[], ColumnElement[Any]]]] = {
    "cosine_min": worst_cosine,
    "alerts": alert_count,
    # not known where the clock was set in between
    "seconds": lambda: case((_run.c.clock_suspect == 1, None), else_=(_run.c.ended_at_us - _run.c.started_at_us) / 1e6),
    "is": _is_baseline,
}
_IS: Final[dict[str, Callable[[], ColumnElement[bool]]]] = {
    "active": lambda: _run.c.status.in_(ACTIVE),
    "archived": lambda: _run.c.archived_at_us.is_not(None),
    "baseline": _is_baseline,
    "judged": lambda: func.json_extract(_run.c.config_json, "$.judged").is_not(None),
}


_OWN = tuple(name for name in RunRow.__dataclass_fields__ if name in tables.run.c)
_COUNTED = ("num_alerts", "cosine_min", "num_bad", "num_nonfinite")
_MOMENTS = tuple(name for name in _OWN if name.endswith("_at_us"))
_NUMBERS = ("speedup", "end_to_end_speedup", "eta_s", "cosine_min")
_FLAGS = ("perf_valid", "clock_suspect")
_STEP = tuple(StepProgress.__dataclass_fields__)
_WORKER = ("host", "boot_id", "worker_pid", "worker_start_ticks")


def run_rows() -> Select[Any]:
    """Return a SELECT of the columns of a RunRow for every run."""
    run, tag, stratum = tables.run, tables.run_tag, tables.stratum
    tags = select(func.json_group_object(tag.c.key, tag.c.value)).where(tag.c.run_id == run.c.id).scalar_subquery()
    return select(
        *(run.c[name] for name in (*_OWN, *_WORKER)),
        alert_count().label("num_alerts"),
        worst_cosine().label("cosine_min"),
        _of_all(func.max(stratum.c.below, stratum.c.nan, stratum.c.inf)).label("num_bad"),
        _of_all(stratum.c.nan + stratum.c.inf).label("num_nonfinite"),
        tags.label("tags"),
        _progress().label("progress"),
    )


def _progress() -> ColumnElement[Any]:
    """The step of an active run as JSON, in the order of the fields of StepProgress."""
    progress = tables.run_progress
    fields = func.json_array(*(progress.c[name] for name in StepProgress.__dataclass_fields__))
    found = select(fields).where(progress.c.run_id == _run.c.id, _run.c.status.in_(ACTIVE))
    return found.correlate(_run).scalar_subquery()


def history_statement(query: str, sort: str | None, limit: int | None) -> Select[Any]:
    """Return a SELECT of the matching runs, newest first or in the order of `sort`.

    Raises:
        UsageError: invalid query, with the position.
    """
    statement = run_rows()
    node = parse(query)
    if node is not None:
        statement = statement.where(matching(node, now_us()))
    order: list[ColumnElement[Any]] = [tables.run.c.id.desc()]
    if sort is not None:
        by, descending = parse_order(sort)
        order.insert(0, ordering(by, descending=descending))
    return statement.order_by(*order).limit(limit)


def read_rows(connection: Connection, statement: Select[Any], home: Home) -> tuple[RunRow, ...]:
    rows: Sequence[RowMapping] = connection.execute(statement).mappings().all()
    return tuple(run_row(row, home) for row in rows)


def run_row(row: RowMapping, home: Home) -> RunRow:
    """Return a row with its status derived from facts: a run without a live worker is interrupted."""
    # fixed names: testing each field against the row dominated the time of a long history
    values = {name: row[name] for name in (*_OWN, *_COUNTED)}
    values |= {name: moment(values[name]) for name in _MOMENTS} | {name: finite(values[name]) for name in _NUMBERS}
    ending = ending_of(row, home)
    if ending is not None:
        values |= {"status": ending.status, "status_reason": ending.reason}
    values |= {name: values[name] or 0 for name in ("num_bad", "num_nonfinite")}
    if values["num_nonfinite"]:
        values["cosine_min"] = None
    values |= {name: None if values[name] is None else bool(values[name]) for name in _FLAGS}
    values |= {name: as_written_now(values[name]) for name in ("sentence", "status_reason")}
    values |= {"tags": json.loads(row["tags"])}
    if row["progress"] is not None and ending is None:
        values["progress"] = StepProgress(**dict(zip(_STEP, json.loads(row["progress"]), strict=True)))
    return RunRow(**values, pid=row["worker_pid"])
