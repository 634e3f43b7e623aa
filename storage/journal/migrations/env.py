"""Runs migrations on the connection that `storage.journal.connection` hands over, inside its transaction."""

from alembic import context

from storage.journal.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
