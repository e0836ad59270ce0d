"""Rows of the run history: small columns, alerts, worst cosine and tags, in one statement.

The long JSON columns are excluded: a list of runs never reads them.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select

from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.filters import alert_count, matching, ordering, worst_cosine
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import abandoned
from vp_tui.core.store.query.parser import parse, parse_order
from vp_tui.core.store.snapshot import RunRow

_OWN = tuple(name for name in RunRow.__dataclass_fields__ if name in tables.run.c)
_COUNTED = ("num_alerts", "cosine_min")
_WORKER = ("host", "boot_id", "worker_pid", "worker_start_ticks")


def run_rows() -> Select[Any]:
    """Return a SELECT of the columns of a RunRow for every run."""
    run, tag = tables.run, tables.run_tag
    tags = select(func.json_group_object(tag.c.key, tag.c.value)).where(tag.c.run_id == run.c.id).scalar_subquery()
    return select(
        *(run.c[name] for name in (*_OWN, *_WORKER)),
        alert_count().label("num_alerts"),
        worst_cosine().label("cosine_min"),
        tags.label("tags"),
    )


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
    """Return the rows of a `run_rows` statement as records."""
    rows: Sequence[RowMapping] = connection.execute(statement).mappings().all()
    return tuple(run_row(row, home) for row in rows)


def run_row(row: RowMapping, home: Home) -> RunRow:
    """Return a row with its status derived from facts: a run without a live worker is interrupted."""
    # fixed names: testing each field against the row dominated the time of a long history
    values = {name: row[name] for name in (*_OWN, *_COUNTED)}
    dead = abandoned(row, home)
    if dead is not None:
        values |= {"status": "interrupted", "status_reason": dead}
    valid = row["perf_valid"]
    values |= {"tags": json.loads(row["tags"]), "perf_valid": None if valid is None else bool(valid)}
    return RunRow(**values, pid=row["worker_pid"])
