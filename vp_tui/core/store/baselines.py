"""Baselines: runs pinned under a name with a reason, per comparability key; replaced ones stay as history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from vp_tui.core.errors import RunNotFoundError, UsageError
from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import writing
from vp_tui.core.store.rows import as_json, from_json

KeyKind = Literal["accuracy", "perf"]
DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Pinned runs that later runs with the same key are compared with."""

    id: int
    name: str
    key_kind: KeyKind
    key: str
    reason: str
    created_at_us: int
    created_by: str
    retired_at_us: int | None
    retired_reason: str | None
    run_uuids: tuple[str, ...]
    """Runs it was pinned to, deleted ones included."""
    run_ids: tuple[int, ...]
    """Runs that still exist, oldest first."""

    @property
    def is_active(self) -> bool:
        """True until it is unset or replaced."""
        return self.retired_at_us is None


def set_baseline(
    home: Home,
    run_ids: Sequence[int],
    *,
    reason: str,
    name: str = DEFAULT,
    kinds: Sequence[KeyKind] = ("accuracy", "perf"),
    by: str = "user",
) -> tuple[Baseline, ...]:
    """Pin completed runs as `name`, once per kind of key; an active one with the same name and key is retired.

    Raises:
        RunNotFoundError: a run does not exist.
        UsageError: no reason, an incomplete run, or runs that are not comparable with each other.
    """
    if not reason.strip():
        raise UsageError("a baseline needs a reason; give it with --reason TEXT")
    if not name.strip() or not run_ids:
        raise UsageError("a baseline needs a name and at least one run")
    with writing(home, "pin a baseline in") as connection:
        runs = [_whole(connection, run_id) for run_id in dict.fromkeys(run_ids)]
        ids = [_pin(connection, runs, kind, name.strip(), reason.strip(), by) for kind in kinds]
        return tuple(one for one in read_baselines(connection, active=True) if one.id in ids)


def unset_baseline(home: Home, name: str, *, reason: str) -> int:
    """Retire every active baseline called `name`; return their number.

    Raises:
        RunNotFoundError: there is none.
        UsageError: no reason.
    """
    if not reason.strip():
        raise UsageError("a reason is required to retire a baseline; give it with --reason TEXT")
    with writing(home, "unset a baseline of") as connection:
        statement = _retired(reason.strip()).where(tables.baseline.c.name == name)
        count = connection.execute(statement).rowcount
        if count == 0:
            raise RunNotFoundError(f"no active baseline is called {name!r}; `vp-tui baseline list` shows them")
        return int(count)


def read_baselines(connection: Connection, *, active: bool = False) -> tuple[Baseline, ...]:
    """Return baselines, newest first; with `active` only those that are not retired."""
    table, member = tables.baseline, tables.baseline_member
    members = select(func.json_group_array(member.c.run_id)).where(member.c.baseline_id == table.c.id)
    statement = select(table, members.scalar_subquery().label("run_ids")).order_by(table.c.id.desc())
    if active:
        statement = statement.where(table.c.retired_at_us.is_(None))
    return tuple(_baseline(row) for row in connection.execute(statement).all())


def baseline_run(connection: Connection, name: str) -> int:
    """Return the newest run of the newest active baseline called `name`.

    Raises:
        RunNotFoundError: there is none.
    """
    for one in read_baselines(connection, active=True):
        if one.name == name and one.run_ids:
            return one.run_ids[-1]
    raise RunNotFoundError(
        f"no active baseline is called {name!r}; pin one with `vp-tui baseline set RUN --name {name} --reason TEXT`"
    )


def _whole(connection: Connection, run_id: int) -> Any:
    """Return a run that may be a baseline: completed, with every planned sequence and both keys."""
    run = tables.run
    columns = (run.c.id, run.c.uuid, run.c.status, run.c.done, run.c.total, run.c.accuracy_key, run.c.perf_key)
    row = connection.execute(select(*columns).where(run.c.id == run_id)).one_or_none()
    if row is None:
        raise RunNotFoundError(f"no run {run_id}; `vp-tui runs` lists them")
    if row.status != "completed" or row.done < row.total:
        raise UsageError(
            f"run {run_id} is {row.status} with {row.done} of {row.total} sequences; a baseline needs a complete run"
        )
    if row.accuracy_key is None or row.perf_key is None:
        raise UsageError(f"run {run_id} has no comparability keys (weights or data unknown); run it again")
    return row


def _pin(connection: Connection, runs: Sequence[Any], kind: KeyKind, name: str, reason: str, by: str) -> int:
    keys = {row.accuracy_key if kind == "accuracy" else row.perf_key for row in runs}
    if len(keys) > 1:
        numbers = ", ".join(str(row.id) for row in runs)
        raise UsageError(
            f"runs {numbers} differ in their {kind} key and cannot form one baseline; "
            "`vp-tui compare` lists the differing facts"
        )
    key, table = keys.pop(), tables.baseline
    connection.execute(
        _retired(f"replaced: {reason}").where(table.c.name == name, table.c.key_kind == kind, table.c.key == key)
    )
    values = {"name": name, "key_kind": kind, "key": key, "reason": reason}
    uuids = as_json([row.uuid for row in runs])
    added = connection.execute(
        insert(table).values(**values, run_uuids_json=uuids, created_at_us=now_us(), created_by=by)
    ).inserted_primary_key
    assert added is not None
    connection.execute(
        insert(tables.baseline_member), [{"baseline_id": int(added[0]), "run_id": row.id} for row in runs]
    )
    return int(added[0])


def _retired(reason: str) -> Any:
    table = tables.baseline
    return update(table).where(table.c.retired_at_us.is_(None)).values(retired_at_us=now_us(), retired_reason=reason)


def _baseline(row: Any) -> Baseline:
    values = {
        name: getattr(row, name) for name in Baseline.__dataclass_fields__ if name not in {"run_uuids", "run_ids"}
    }
    return Baseline(
        **values, run_uuids=tuple(from_json(row.run_uuids_json)), run_ids=tuple(sorted(from_json(row.run_ids)))
    )
