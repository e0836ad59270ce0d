"""What happened to a run: its moves from one status to the next, who made them and why."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from vp_tui.core.store import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """One move, as it was written down when it was made."""

    at_us: int
    from_status: str | None
    """None for the first one."""
    to_status: str
    actor: str
    """Who moved it: the run itself, the one who stopped it, or the one who found it dead."""
    reason: str | None


def read_changes(connection: Connection, run_id: int) -> tuple[StatusChange, ...]:
    """All moves of a run, oldest first; none for a run that is not there."""
    event = tables.run_event
    columns = (event.c[name] for name in StatusChange.__dataclass_fields__)
    rows = connection.execute(select(*columns).where(event.c.run_id == run_id).order_by(event.c.id)).mappings()
    return tuple(StatusChange(**row) for row in rows)
