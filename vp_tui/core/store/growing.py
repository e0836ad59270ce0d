"""Append-only samples: read incrementally and down-sampled to what a chart can show.

A run of a day leaves hundreds of thousands of blocks and readings. With a limit `most`, rows are merged by id ranges
of equal width: blocks are summed, so that tokens/s is exact; similarities keep the worst value, and a non-finite block
makes its range non-finite; GPU readings keep the last one. Alerts are never merged: the newest are kept, and the run
holds their total number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, case, func, select

from vp_tui.core.events import AlertRaised, BlockEncoded, GpuSample
from vp_tui.core.store import tables
from vp_tui.core.store.snapshot import Position, RunSnapshot, SimilarityPoint

_T = TypeVar("_T")
_Rule = Callable[[ColumnElement[Any]], ColumnElement[Any]]


def _worst(cosine: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the minimum; NULL if any value is missing, which is worse than any number."""
    return case((func.count(cosine) == func.count(), func.min(cosine)))


def _as_it_is(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column: SQLite takes a bare column from the row with the group's max(), here the max id."""
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing(Generic[_T]):
    """A table, its record type, and the rules for merging rows."""

    table: Table
    record: type[_T]
    apart: tuple[str, ...] = ()
    """Rows that differ in these columns are never merged."""
    rules: Mapping[str, _Rule]
    """Merge rules of the other columns."""


BLOCKS = Growing(
    table=tables.block_sample,
    record=BlockEncoded,
    apart=("arm", "stratum", "is_warmup"),
    rules={name: func.max for name in ("at_us", "block")}
    | {name: func.sum for name in ("sequences", "tokens", "encode_s", "wall_s")},
)
SIMILARITY = Growing(
    table=tables.similarity_sample,
    record=SimilarityPoint,
    apart=("stratum",),
    rules={"at_us": func.max, "sequences": func.sum, "cosine_min": _worst},
)
GPU = Growing(table=tables.gpu_sample, record=GpuSample, rules=dict.fromkeys(GpuSample.__dataclass_fields__, _as_it_is))

_SERIES: Mapping[str, Growing[Any]] = {"blocks": BLOCKS, "similarity": SIMILARITY, "gpu": GPU}


def samples(connection: Connection, run_id: int, since: RunSnapshot | None, most: int | None) -> dict[str, Any]:
    """Return the sample fields of a RunSnapshot; `since` is an earlier snapshot of the same run."""
    found: dict[str, Any] = {}
    positions: dict[str, Position] = {}
    for name, growing in _SERIES.items():
        known, at = (getattr(since, name), since.positions.get(name)) if since is not None else ((), None)
        found[name], positions[name] = grown(connection, run_id, growing, known, at, most)
    known, at = (since.alerts, since.positions.get("alerts")) if since is not None else ((), None)
    found["alerts"], positions["alerts"] = newest_alerts(connection, run_id, known, at, most)
    return {**found, "positions": positions}


def grown(
    connection: Connection,
    run_id: int,
    growing: Growing[_T],
    known: tuple[_T, ...],
    at: Position | None,
    most: int | None,
) -> tuple[tuple[_T, ...], Position]:
    """Return the records in order and the next position; at most twice `most` records, all for None."""
    at = at or Position(stride=_stride(connection, run_id, growing.table, most))
    records, after = _read_on(connection, run_id, growing, known, at)
    while most is not None and len(records) > 2 * most:
        coarser = Position(stride=after.stride * _power_of_two(len(records), most))
        records, after = _read_on(connection, run_id, growing, (), coarser)
    return records, after


def newest_alerts(
    connection: Connection, run_id: int, known: tuple[AlertRaised, ...], at: Position | None, most: int | None
) -> tuple[tuple[AlertRaised, ...], Position]:
    """Return the last `most` alerts in order and the next position."""
    table, at = tables.alert, at or Position()
    names = tuple(AlertRaised.__dataclass_fields__)
    fresh = select(table.c.id, *(table.c[name] for name in names)).where(
        table.c.run_id == run_id, table.c.id >= at.next_id
    )
    rows = connection.execute(fresh.order_by(table.c.id.desc()).limit(-1 if most is None else most)).all()[::-1]
    if not rows:
        return known, at
    records = known + tuple(AlertRaised(**dict(zip(names, row[1:], strict=True))) for row in rows)
    return records[0 if most is None else -most :], Position(next_id=rows[-1].id + 1)


def _stride(connection: Connection, run_id: int, table: Table, most: int | None) -> int:
    """Return the number of rows per record, so that at most `most` records are left."""
    if most is None:
        return 1
    return _power_of_two(connection.execute(select(func.count()).where(table.c.run_id == run_id)).scalar_one(), most)


def _power_of_two(count: int, most: int) -> int:
    """Return the smallest power of two that divides `count` into at most `most` parts."""
    return 1 << max(0, (-(-count // most) - 1).bit_length())


def _read_on(
    connection: Connection, run_id: int, growing: Growing[_T], known: tuple[_T, ...], at: Position
) -> tuple[tuple[_T, ...], Position]:
    table, names = growing.table, (*growing.apart, *growing.rules)
    last_id, bucket = func.max(table.c.id), table.c.id.op("/")(at.stride)
    columns = (
        *(table.c[name] for name in growing.apart),
        *(rule(table.c[name]) for name, rule in growing.rules.items()),
    )
    statement = select(last_id, *columns).where(table.c.run_id == run_id, table.c.id >= at.next_id)
    apart = (table.c[name] for name in growing.apart)
    rows = connection.execute(statement.group_by(bucket, *apart).order_by(last_id)).all()
    if not rows:
        return known, at
    records = tuple(growing.record(**dict(zip(names, row[1:], strict=True))) for row in rows)
    after = rows[-1][0] + 1
    # an open range, which may still receive rows, is read again as a whole
    begin = after - after % at.stride
    num_open = sum(row[0] >= begin for row in rows)
    complete = known[: at.complete] + records
    return complete, Position(complete=len(complete) - num_open, next_id=begin, stride=at.stride)
