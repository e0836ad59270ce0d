"""The step a run is at, and how long its steps took.

A new store has the table from 0010, which creates all of them.
"""

from alembic import op

from vp_tui.core.store.tables import run_progress

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table where it is missing."""
    run_progress.create(op.get_bind(), checkfirst=True)
