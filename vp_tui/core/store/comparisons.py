"""Comparisons as they were judged: written once, never changed (the tables refuse it)."""

import uuid as uuids
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select

from vp_tui.core.errors import RunNotFoundError
from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import writing
from vp_tui.core.store.rows import as_json, as_row, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonItem:
    """One metric of one scope, judged."""

    name: str
    scope: str
    base_value: float | None
    cand_value: float | None
    n_base: int
    n_cand: int
    verdict: str
    reason: str
    effect: float | None = None
    ci_lo: float | None = None
    ci_hi: float | None = None
    p_raw: float | None = None
    p_adj: float | None = None
    min_effect: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Candidate runs against base runs, under a rule, with a verdict."""

    candidate_runs: tuple[str, ...]
    """uuids"""
    base_runs: tuple[str, ...]
    """uuids"""
    rule_version: int
    rule: Mapping[str, Any]
    """Every threshold that was applied."""
    comparability: str
    """COMPARABLE, or what was not."""
    differences: Mapping[str, Any]
    """Fact -> the two values, in JSON types."""
    verdict: str
    sentence: str
    exit_code: int
    items: tuple[ComparisonItem, ...]
    candidate_group_id: int | None = None
    baseline_id: int | None = None
    id: int = 0
    """Given by the store."""
    uuid: str = field(default_factory=lambda: uuids.uuid4().hex)
    created_at_us: int = field(default_factory=now_us)


_JSON = ("candidate_runs", "base_runs", "rule", "differences")
_PLAIN = tuple(name for name in Comparison.__dataclass_fields__ if name not in {*_JSON, "items", "id"})


def write_comparison(home: Home, comparison: Comparison) -> int:
    """Keep a comparison; returns its id. A number that is not finite is stored as missing."""
    row = {name: getattr(comparison, name) for name in _PLAIN}
    row |= {f"{name}_json": as_json(getattr(comparison, name)) for name in _JSON}
    with writing(home, "keep a comparison in") as connection:
        added = connection.execute(insert(tables.comparison).values(**row)).inserted_primary_key
        assert added is not None
        items = [{"comparison_id": int(added[0]), **as_row(item)} for item in comparison.items]
        if items:
            connection.execute(insert(tables.comparison_item), items)
    return int(added[0])


def read_comparison(connection: Connection, comparison_id: int) -> Comparison:
    """One comparison with its items.

    Raises:
        RunNotFoundError: there is none with that id.
    """
    statement = select(tables.comparison).where(tables.comparison.c.id == comparison_id)
    found = _read(connection, statement)
    if not found:
        raise RunNotFoundError(f"no comparison {comparison_id}")
    return found[0]


def comparisons_of(connection: Connection, run_uuid: str) -> tuple[Comparison, ...]:
    """The comparisons in which a run was the candidate, newest first."""
    table = tables.comparison
    member = func.json_each(table.c.candidate_runs_json).table_valued("value")
    is_in = select(member.c.value).where(member.c.value == run_uuid).exists()
    return _read(connection, select(table).where(is_in).order_by(table.c.id.desc()))


def _read(connection: Connection, statement: Select[Any]) -> tuple[Comparison, ...]:
    rows = connection.execute(statement).all()
    item = tables.comparison_item
    wanted = select(item).where(item.c.comparison_id.in_([row.id for row in rows]))
    items: dict[int, list[ComparisonItem]] = {row.id: [] for row in rows}
    for row in connection.execute(wanted.order_by(item.c.comparison_id, item.c.name, item.c.scope)).mappings():
        values = {name: row[name] for name in ComparisonItem.__dataclass_fields__}
        items[row["comparison_id"]].append(ComparisonItem(**values))
    return tuple(_comparison(row, tuple(items[row.id])) for row in rows)


def _comparison(row: Any, items: tuple[ComparisonItem, ...]) -> Comparison:
    values: dict[str, Any] = {name: getattr(row, name) for name in ("id", *_PLAIN)}
    values |= {name: from_json(getattr(row, f"{name}_json")) for name in _JSON}
    for name in ("candidate_runs", "base_runs"):
        values[name] = tuple(values[name])
    return Comparison(**values, items=items)
