"""Status changes of a run, with actor and reason."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from vp_tui.core.store import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """One status change."""

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
    return tuple(StatusChange(**row) for row in rows)
