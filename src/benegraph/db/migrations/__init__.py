"""Migrations: the history of the schema, and the function that upgrades a database to it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benegraph.db.engine import UNNAMED_STATEMENTS
from benegraph.db.migrations.event_order import continue_event_order

# Two gateways that start at the same time must not both migrate. The number is "bene" in ASCII.
_ADVISORY_LOCK = 0x62656E65


def alembic_config(connection: Connection | None = None) -> Config:
    """Return alembic's configuration; there is no alembic.ini."""
    settings = Config(attributes={"connection": connection})
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings


def latest_revision() -> str | None:
    """Return the newest migration revision that this version of the gateway knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade a database to a migration revision, and continue the order of events after a move to another server.

    The URL's role must own the tables.
    """
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _ADVISORY_LOCK})
            await connection.commit()
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), revision))
            await continue_event_order(connection)
    finally:
        await engine.dispose()


async def current_revision(url: str) -> str | None:
    """Return the migration revision of a database; None if it was never migrated."""
    asyncpg_url = make_url(url).set(drivername="postgresql+asyncpg")
    # The URL may be PgBouncer's.
    engine = create_async_engine(asyncpg_url, poolclass=NullPool, connect_args=UNNAMED_STATEMENTS)
    try:
        async with engine.connect() as connection:
            if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
                return None
            result = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return result.scalar_one_or_none()
    finally:
        await engine.dispose()
