"""Alembic's entry: runs on the connection that db/migrate.py hands over, never on one of its own."""

from alembic import context

from hypermart.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
