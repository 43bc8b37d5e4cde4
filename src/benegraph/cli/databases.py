"""Which database a command works on: the one that DATABASE_URL names, or an embedded one that starts for it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
import typer
from sqlalchemy import make_url

from benegraph.cli.errors import MISUSED, fail, in_one_line, run
from benegraph.db import migrations
from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.engine import PoolSettings, UnfitDatabase, create_engine
from benegraph.db.session import Database
from benegraph.settings import Settings
from benegraph.web.health import latest_revision

T = TypeVar("T")

GATEWAY = "gateway"
#: Seconds that closing all connections may take.
FAREWELL = 0.5
TWO_DATABASES = "--data-dir is the embedded PostgreSQL's, and DATABASE_URL names another: leave one out."
#: Closing the terminal ends a command as Ctrl-C does, and no server is left behind.
ENDING = [number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)) if number is not None]


@dataclass(frozen=True, slots=True)
class Place:
    """A database by the URL of the gateway's role, and by its owner's where we are to migrate it ourselves."""

    url: str
    owner_url: str | None = None


@contextmanager
def place(settings: Settings, data_dir: Path | None) -> Iterator[Place]:
    """Give the database that the environment names, or start an embedded one for as long as it is needed."""
    if settings.database_url is None:
        with embedded(data_dir or settings.data_home / "development") as started:
            yield started
    elif data_dir is not None:
        fail(TWO_DATABASES, MISUSED)
    else:
        yield Place(settings.database_url)


@contextmanager
def embedded(data: Path) -> Iterator[Place]:
    """Start an embedded PostgreSQL, or join it where it runs; leave it at the end. Blocks: no event loop may run."""
    former = {number: signal.signal(number, lambda got, _: sys.exit(128 + got)) for number in ENDING}
    try:
        with EmbeddedPostgres(data) as server:
            yield Place(server.dsn(user=GATEWAY), server.dsn())
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


async def prepare(place: Place) -> None:
    """Bring a database of our own up to date, and see that one of somebody else's is. Raises UnfitDatabase."""
    if place.owner_url is not None:
        await migrations.migrate(place.owner_url)
        await _make_gateway(place.owner_url)
        return
    with _reaching(place.url):
        revision = await migrations.current_revision(place.url)
    if revision != (newest := latest_revision()):
        raise UnfitDatabase(
            f"The database is at revision {revision or 'none'}, not at {newest}:"
            " run `benegraph migrate` with MIGRATION_DATABASE_URL, its owner's."
        )


@asynccontextmanager
async def opened(place: Place, pool: PoolSettings | None = None) -> AsyncIterator[Database]:
    """Open the database as the gateway does."""
    engine = create_engine(place.url, pool)
    try:
        yield Database(engine, pgbouncer=bool(pool and pool.pgbouncer))
    finally:
        with suppress(TimeoutError):  # a database that hangs would keep us from ending
            async with asyncio.timeout(FAREWELL):
                await engine.dispose()


def in_database(data_dir: Path | None, story: Callable[[Database], Awaitable[T]]) -> T:
    """Run a story on the database at hand, once it is known to be up to date."""
    settings = Settings.from_environment()

    async def whole(here: Place) -> T:
        await prepare(here)
        async with opened(here, PoolSettings(pgbouncer=settings.pool.pgbouncer)) as database:
            return await story(database)

    with place(settings, data_dir) as here:
        return run(whole(here))


@in_one_line
def migrate(data_dir: Path | None) -> None:
    settings = Settings.from_environment()
    url = settings.migration_database_url
    if url is None:
        with place(settings, data_dir) as here:
            run(prepare(here))
    elif data_dir is not None:
        fail(TWO_DATABASES, MISUSED)
    else:
        with _reaching(url):
            run(migrations.migrate(url))
    typer.echo(f"The database is at revision {latest_revision()}.")


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        there = make_url(url)
        where = f"{there.host or there.query.get('host', 'localhost')}:{there.port or there.query.get('port', 5432)}"
        raise UnfitDatabase(f"No PostgreSQL answers at {where}: {error.strerror or error}.") from error


async def _make_gateway(owner_url: str) -> None:
    url = make_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"""
            DO $$ BEGIN
                CREATE ROLE {GATEWAY} LOGIN IN ROLE benegraph_app;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
        """)
    finally:
        await connection.close()
