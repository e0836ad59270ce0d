"""Alembic's entry: runs the revisions on the connection it is handed, inside that connection's transaction."""

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
