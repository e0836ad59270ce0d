"""How long each step of a finished run took."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from vp_tui.core.errors import DamagedRowError
from vp_tui.core.store import tables
from vp_tui.core.store.rows import mapping


def read(connection: Connection, run_id: int) -> Mapping[str, float]:
    """Return step -> seconds; empty for a run that did not record them.

    Raises:
        DamagedRowError: the row holds something else.
    """
    progress = tables.run_progress
    text = connection.execute(select(progress.c.seconds_json).where(progress.c.run_id == run_id)).scalar()
    try:
        return mapping(text)
    except DamagedRowError as error:
        raise DamagedRowError(
            f"run {run_id}: the stored seconds of its steps cannot be read; the other runs are not affected, and "
            f"`vp-tui delete {run_id}` removes it"
        ) from error
