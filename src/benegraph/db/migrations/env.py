"""Alembic's entry: runs the migrations on the connection it was handed."""

from alembic import context
from sqlalchemy import Connection, text

from benegraph.db import models  # noqa: F401 - fills the metadata
from benegraph.db.base import Base


def run(connection: Connection) -> None:
    # A migration that waits for a lock holds up everyone behind it: better to fail and be started again.
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


run(context.config.attributes["connection"])
