"""Status changes of a run: compare-and-set, with an event row each, which holds actor and reason.

queued -> starting -> running -> completed | failed | cancelled | interrupted
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.verdict.naming import as_written_now


def move(
    connection: Connection,
    run_id: int,
    to: str,
    *,
    allowed: tuple[str, ...],
    actor: str,
    reason: str | None,
    **values: Any,
) -> bool:
    """Move the run to `to` if its status is allowed; return False if another process was first.

    `values` are further columns of the run, set in the same statement.
    """
    run = tables.run
    before = connection.execute(select(run.c.status).where(run.c.id == run_id)).scalar()
    if before not in allowed:
        return False
    at_us = now_us()
    if to in tables.TERMINAL:
        values["ended_at_us"] = at_us
    # The statement checks again, in case a caller's transaction does not hold the write lock.
    same = (run.c.id == run_id, run.c.status == before)
    moved = connection.execute(update(run).where(*same).values(status=to, status_reason=reason, **values))
    if moved.rowcount != 1:
        return False
    connection.execute(
        insert(tables.run_event).values(
            run_id=run_id, at_us=at_us, from_status=before, to_status=to, actor=actor, reason=reason
        )
    )
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    at_us: int
    from_status: str | None
    """None for the first one."""
    to_status: str
    actor: str
    """`run`, or the process that stopped the run or found it dead."""
    reason: str | None


def read_changes(connection: Connection, run_id: int) -> tuple[StatusChange, ...]:
    """Return the status changes of a run, oldest first; empty for an unknown run."""
    event = tables.run_event
    columns = (event.c[name] for name in StatusChange.__dataclass_fields__)
    rows = connection.execute(select(*columns).where(event.c.run_id == run_id).order_by(event.c.id)).mappings()
    return tuple(StatusChange(**{**row, "reason": as_written_now(row["reason"])}) for row in rows)
