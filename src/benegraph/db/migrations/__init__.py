"""Migrations: how the schema came to be, and the one way to bring a database up to it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benegraph.db.engine import UNNAMED

# Two gateways that start at once must not both migrate; the number is ours alone.
_LOCK = 0x62656E65


def config(connection: Connection | None = None) -> Config:
    """Make alembic's configuration, which stands here alone: there is no alembic.ini."""
    settings = Config(attributes={"connection": connection})
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision, as a role that owns its tables."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _LOCK})
            await connection.commit()
            await connection.run_sync(lambda sync: command.upgrade(config(sync), revision))
    finally:
        await engine.dispose()


async def current_revision(url: str) -> str | None:
    """Tell which revision a database is at; None where it was never migrated."""
    there = make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(there, poolclass=NullPool, connect_args=UNNAMED)  # PgBouncer may stand between
    try:
        async with engine.connect() as connection:
            if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
                return None
            found = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return found.scalar_one_or_none()
    finally:
        await engine.dispose()
