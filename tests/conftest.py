"""Fixtures of all tests: a real PostgreSQL server, and a new database with the whole schema for each test."""

import asyncio
import gc
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy import Engine, make_url

from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.migrations import migrate
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from factories.keys import KEY_RING

#: Today in tests, unless they set another day: a Friday that is not near the end of a month, quarter or year.
TODAY = date(2026, 11, 20)
# The duration of one example depends on the machine more than on the code.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")

GATEWAY_ROLE = "benegraph_test_gateway"

T = TypeVar("T")


def pytest_collection_finish() -> None:
    """Exclude everything that is loaded by now from garbage collection, as a gateway does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, *gc.get_threshold()[1:])


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Return the URL of a superuser of a PostgreSQL server: TEST_DATABASE_URL, or an embedded server of this worker.

    TEST_POSTGRES_BINARIES names the directory of another version's programs. Each worker has a server of its own,
    because an open transaction in any database of a server delays the event feed of all.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):  # noqa: TID251 - a setting of the tests
        yield url
        return
    binaries = os.environ.get("TEST_POSTGRES_BINARIES")  # noqa: TID251 - as above
    memory = Path("/dev/shm")  # noqa: S108 - only a directory with a random name is created in it
    with tempfile.TemporaryDirectory(prefix="benegraph-", dir=memory if memory.is_dir() else None) as directory:
        server = EmbeddedPostgres(Path(directory), fast=True, binaries=Path(binaries) if binaries else None)
        with server:
            yield server.dsn()


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """Return the name of a migrated database that tests copy; each pytest worker creates its own."""
    name = f"template_{uuid4().hex}"
    asyncio.run(_create_template(server_url, name))
    yield name
    asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _create_template(server_url: str, name: str) -> None:
    await _execute(server_url, f"CREATE DATABASE {name}")
    await migrate(database_url_of(server_url, name))
    with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await _execute(server_url, f"CREATE ROLE {GATEWAY_ROLE} LOGIN PASSWORD 'test' IN ROLE benegraph_app")


async def _execute(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def owner_url(server_url: str, template: str) -> AsyncIterator[str]:
    """Return the owner's URL of a new database for this test. The owner bypasses row-level security."""
    async with copy_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def shared_url(server_url: str, template: str) -> Iterator[str]:
    """Return the owner's URL of a new database for one test file with independent tests.

    The tests of such a file must not read each other's writes. It overrides the fixture `owner_url` with this one.
    """
    with copy_database_sync(server_url, template) as url:
        yield url


@pytest.fixture
def database_url(owner_url: str) -> str:
    """Return the URL of the same database for the gateway's role, which can't bypass row-level security."""
    return as_gateway(owner_url)


@pytest.fixture(scope="session")
def first_engine(server_url: str) -> Engine:
    """Return the first engine of a pytest worker; all tests share its dialect and its cache of compiled statements."""

    async def connect() -> Engine:
        engine = create_engine(server_url)
        async with engine.connect():  # lets the dialect query the server's properties
            pass
        await engine.dispose()
        return engine.sync_engine

    return asyncio.run(connect())


@pytest.fixture
async def database(database_url: str, first_engine: Engine) -> AsyncIterator[Database]:
    """Open the database as the gateway's role. Statements of earlier tests are compiled already."""
    async with open_database(database_url) as database:
        engine = database.engine.sync_engine
        engine.dialect = first_engine.dialect
        engine.update_execution_options(compiled_cache=first_engine._compiled_cache)
        yield database


@asynccontextmanager
async def copy_database(server_url: str, template: str) -> AsyncIterator[str]:
    """Create a copy of a database, yield the URL of its owner, and drop the copy at the end."""
    name = f"test_{uuid4().hex}"
    connection = await connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield database_url_of(server_url, name)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@contextmanager
def copy_database_sync(server_url: str, template: str) -> Iterator[str]:
    """Create and drop a copy of a database outside an event loop, for fixtures that outlive a test."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(stack.enter_async_context(copy_database(server_url, template)))
        runner.run(stack.aclose())


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open a database as the gateway's role, ignoring the role of the URL."""
    engine = create_engine(as_gateway(url), PoolSettings(size=5, overflow=5))
    try:
        yield Database(engine, key_ring=KEY_RING)
    finally:
        await engine.dispose()


def run_in_database(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` with a database outside an event loop, before the tests that share the database."""

    async def run() -> T:
        async with open_database(url) as database:
            return await work(database)

    return asyncio.run(run())


@pytest.fixture
def clock() -> Clock:
    """Return a clock of the tests' day at the real time of day, so that later rows sort later."""
    return current_clock()


def current_clock() -> Clock:
    return Clock.at(datetime.now(UTC), TODAY)


async def connect(url: str) -> asyncpg.Connection:
    """Open a plain driver connection, without benegraph's engine."""
    return await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def as_gateway(url: str) -> str:
    """Return a database's URL for the gateway's role."""
    return make_url(url).set(username=GATEWAY_ROLE, password="test").render_as_string(hide_password=False)


def database_url_of(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
