"""The first schema, created from the table metadata.

Revision: 0010. Ids 0001 to 0003 belong to unreleased development versions and are refused.

Before the first schema change after a release, replace `create_all` by the statements of tests/golden/schema.sql, so
that later changes of core/store/tables.py do not alter this revision.
"""

from alembic import op

from vp_tui.core.store.tables import metadata

revision = "0010"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table and index."""
    metadata.create_all(op.get_bind(), checkfirst=False)
