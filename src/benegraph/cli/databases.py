"""The database of a command: the one at DATABASE_URL, or an embedded PostgreSQL that runs as long as the command."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
import typer
from sqlalchemy import make_url

from benegraph.cli.errors import USAGE_ERROR, fail, report_errors, run_async
from benegraph.db import migrations
from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.engine import PoolSettings, UnfitDatabase, create_engine
from benegraph.db.session import Database
from benegraph.domain.encryption import KeyRing, generate_key, parse_keys
from benegraph.settings import Settings

T = TypeVar("T")

#: The role with which the gateway connects to an embedded database.
GATEWAY_ROLE = "gateway"
CLOSE_TIMEOUT_SECONDS = 0.5
_DEFAULT_DIRECTORY = "development"
_KEY_FILE = "encryption-key"
DATA_DIR_WITH_DATABASE_URL = (
    "--data-dir applies to the embedded PostgreSQL, but DATABASE_URL names another database; remove one of the two."
)
#: A closed terminal ends a command as Ctrl-C does, so that no embedded server keeps running.
TERMINATION_SIGNALS = [number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)) if number is not None]


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """The URL of a database for the gateway's role, and for its owner if this command migrates the database."""

    url: str
    owner_url: str | None = None
    #: The keys that encrypt values; None if there are none.
    key_ring: KeyRing | None = None


@contextmanager
def locate_database(settings: Settings, data_dir: Path | None) -> Iterator[DatabaseLocation]:
    """Yield the location of DATABASE_URL, or start an embedded database for the duration of the context."""
    if settings.database_url is None:
        with start_embedded(data_dir or settings.data_home / _DEFAULT_DIRECTORY, settings.key_ring) as location:
            yield location
    elif data_dir is not None:
        fail(DATA_DIR_WITH_DATABASE_URL, USAGE_ERROR)
    else:
        yield DatabaseLocation(settings.database_url, key_ring=settings.key_ring)


@contextmanager
def start_embedded(data_dir: Path, key_ring: KeyRing | None = None) -> Iterator[DatabaseLocation]:
    """Start an embedded PostgreSQL, or share a running one. It blocks, so that no event loop may be running.

    Without keys in the settings, the data directory has one, which the first start creates.
    """
    previous = {number: signal.signal(number, lambda got, _: sys.exit(128 + got)) for number in TERMINATION_SIGNALS}
    try:
        with EmbeddedPostgres(data_dir) as server:
            key_ring = key_ring or read_or_create_key(data_dir / _KEY_FILE)
            yield DatabaseLocation(server.dsn(user=GATEWAY_ROLE), server.dsn(), key_ring)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def read_or_create_key(path: Path) -> KeyRing:
    """Return the encryption keys in a file; create it with a new key, readable by its owner alone, if it is missing."""
    if not path.exists():
        # Linked when it is complete, because another process may read it in the same instant.
        with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent) as file, suppress(FileExistsError):
            file.write(generate_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
    try:
        return parse_keys(path.read_text(encoding="ascii").split())
    except ValueError:
        fail(f"{path} must hold encryption keys of 32 bytes in base64url, one on each line.")


async def prepare_database(location: DatabaseLocation) -> None:
    """Migrate an embedded database, or check that another one is migrated. Raises UnfitDatabase."""
    if location.owner_url is not None:
        await migrations.migrate(location.owner_url)
        await _create_gateway_role(location.owner_url)
        return
    with _report_unreachable(location.url):
        revision = await migrations.current_revision(location.url)
    if revision != (latest := migrations.latest_revision()):
        raise UnfitDatabase(
            f"The database is at revision {revision or 'none'}, but revision {latest} is required;"
            " run `benegraph migrate` with MIGRATION_DATABASE_URL set to the owner's URL."
        )


def describe_database(data_dir: Path | None) -> str:
    """Return the place of a command's database in words."""
    settings = Settings.from_environment()
    if settings.database_url is not None:
        return "the database at DATABASE_URL"
    return f"the database in {(data_dir or settings.data_home / _DEFAULT_DIRECTORY).absolute()}"


@asynccontextmanager
async def open_database(location: DatabaseLocation, pool: PoolSettings | None = None) -> AsyncIterator[Database]:
    """Open the database with the gateway's role."""
    engine = create_engine(location.url, pool)
    try:
        yield Database(engine, pgbouncer=bool(pool and pool.pgbouncer), key_ring=location.key_ring)
    finally:
        with suppress(TimeoutError):  # a database that does not respond must not keep the process from exiting
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await engine.dispose()


def run_in_database(data_dir: Path | None, action: Callable[[Database], Awaitable[T]], *, create: bool = True) -> T:
    """Locate and prepare the database, and run an action in it.

    Without `create`, a missing embedded database is an error: a command that needs rows would find none in a new one.
    """
    settings = Settings.from_environment()
    directory = data_dir or settings.data_home / _DEFAULT_DIRECTORY
    if not create and settings.database_url is None and not any(directory.glob("pg*")):
        fail(
            f"There is no database in {directory}. Name the directory of another one with --data-dir, set DATABASE_URL,"
            " or create a database with `benegraph serve`."
        )

    async def prepare_and_run(location: DatabaseLocation) -> T:
        await prepare_database(location)
        async with open_database(location, PoolSettings(pgbouncer=settings.pool.pgbouncer)) as database:
            return await action(database)

    with locate_database(settings, data_dir) as location:
        return run_async(prepare_and_run(location))


@report_errors
def migrate(data_dir: Path | None) -> None:
    settings = Settings.from_environment()
    url = settings.migration_database_url
    if url is None:
        with locate_database(settings, data_dir) as location:
            run_async(prepare_database(location))
    elif data_dir is not None:
        fail(DATA_DIR_WITH_DATABASE_URL, USAGE_ERROR)
    else:
        with _report_unreachable(url):
            run_async(migrations.migrate(url))
    typer.echo(f"The database is at revision {migrations.latest_revision()}.")


@contextmanager
def _report_unreachable(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        parts = make_url(url)
        host = parts.host or parts.query.get("host", "localhost")
        port = parts.port or parts.query.get("port", 5432)
        raise UnfitDatabase(f"Cannot connect to PostgreSQL at {host}:{port}: {error.strerror or error}.") from error


async def _create_gateway_role(owner_url: str) -> None:
    url = make_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"""
            DO $$ BEGIN
                CREATE ROLE {GATEWAY_ROLE} LOGIN IN ROLE benegraph_app;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
        """)
    finally:
        await connection.close()
