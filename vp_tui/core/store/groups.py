"""Groups of repeats: runs of one configuration, each in a fresh process, in a planned order."""

import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from vp_tui.core.errors import RunNotFoundError
from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import writing
from vp_tui.core.store.rows import as_json, from_json

GroupKind = Literal["validate", "aa_calibration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGroup:
    kind: GroupKind
    label: str | None
    repeats: int
    order: tuple[str, ...]
    """Schedule of the runs, as A, B, B, A; empty for a single kind of run."""
    run_ids: tuple[int, ...]
    """In repeat order."""


def create_group(
    home: Home,
    kind: GroupKind,
    repeats: int,
    *,
    label: str | None = None,
    order: Sequence[str] = (),
) -> int:
    """Add an empty group and return its id; lifecycle.create_run adds the runs."""
    values = {"kind": kind, "repeats": repeats, "label": label, "created_at_us": now_us()}
    with writing(home, "add a group to") as connection:
        statement = insert(tables.run_group).values(uuid=uuids.uuid4().hex, order_json=as_json(list(order)), **values)
        added = connection.execute(statement).inserted_primary_key
    assert added is not None
    return int(added[0])


def read_group(connection: Connection, group_id: int) -> RunGroup:
    """Return a group with the ids of its runs.

    Raises:
        RunNotFoundError: no such group.
    """
    group, run = tables.run_group, tables.run
    row = connection.execute(select(group).where(group.c.id == group_id)).mappings().one_or_none()
    if row is None:
        raise RunNotFoundError(f"no group {group_id}")
    statement = select(run.c.id).where(run.c.group_id == group_id).order_by(run.c.repeat_idx, run.c.id)
    values = {name: row[name] for name in RunGroup.__dataclass_fields__ if name in row}
    ids = connection.execute(statement).scalars()
    return RunGroup(**values, order=tuple(from_json(row["order_json"])), run_ids=tuple(ids))


def newest_calibration(connection: Connection, perf_key: str) -> int | None:
    """Return the newest group of A/A runs with this performance key, or None."""
    group, run = tables.run_group, tables.run
    statement = (
        select(func.max(run.c.group_id))
        .join_from(run, group, group.c.id == run.c.group_id)
        .where(run.c.perf_key == perf_key, run.c.status == "completed", group.c.kind == "aa_calibration")
    )
    return connection.execute(statement).scalar()
