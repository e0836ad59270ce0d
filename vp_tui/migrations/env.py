"""Alembic entry point: runs the revisions on the given connection, inside its transaction."""

from alembic import context

from vp_tui.core.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
