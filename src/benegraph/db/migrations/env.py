"""Alembic's entry point, which runs the migrations on the connection of its configuration."""

from alembic import context
from sqlalchemy import Connection, text

from benegraph.db import models  # noqa: F401 - registers the tables in the metadata
from benegraph.db.base import Base


def run_migrations(connection: Connection) -> None:
    # A migration that waits for a lock blocks all later queries of the table: better to fail and be started again.
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


run_migrations(context.config.attributes["connection"])
