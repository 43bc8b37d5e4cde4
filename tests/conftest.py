"""What every test stands on: a real PostgreSQL, and for each test that asks a fresh database with the whole schema."""

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

#: The day it is in tests, unless they say otherwise: a Friday, with no end of anything near.
TODAY = date(2026, 11, 20)
# How long one example takes says more of the machine than of the code.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")

GATEWAY_ROLE = "benegraph_test_gateway"

T = TypeVar("T")


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over all that the tests have loaded by now, as it does in a gateway."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, *gc.get_threshold()[1:])


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a PostgreSQL whose superuser we are: TEST_DATABASE_URL, or an embedded one of this run's own."""
    if url := os.environ.get("TEST_DATABASE_URL"):  # noqa: TID251 - the one setting of the tests themselves
        yield url
        return
    memory = Path("/dev/shm")  # noqa: S108 - a directory of random name is made in it
    with tempfile.TemporaryDirectory(prefix="benegraph-", dir=memory if memory.is_dir() else None) as directory:
        server = EmbeddedPostgres(Path(directory), fast=True)
        with server:
            yield server.dsn()


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """A migrated database that tests clone; made once a worker, as workers may share a server."""
    name = f"template_{uuid4().hex}"
    asyncio.run(_make_template(server_url, name))
    yield name
    asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _make_template(server_url: str, name: str) -> None:
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
    """A fresh database of this test's own, by the URL of its owner, who bypasses row-level security."""
    async with copy_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def shared_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh database of a file's own, for a file whose tests write nothing that another of them reads.

    Such a file takes it for its `owner_url`.
    """
    with copy_database_sync(server_url, template) as url:
        yield url


@pytest.fixture
def database_url(owner_url: str) -> str:
    """The same database by the URL of the gateway's role, which can't."""
    return as_gateway(owner_url)


@pytest.fixture(scope="session")
def first_engine(server_url: str) -> Engine:
    """The first engine of a worker, with whose dialect and compiled statements the engines of all tests go on."""

    async def connect() -> Engine:
        engine = create_engine(server_url)
        async with engine.connect():  # the dialect learns about the server
            pass
        await engine.dispose()
        return engine.sync_engine

    return asyncio.run(connect())


@pytest.fixture
async def database(database_url: str, first_engine: Engine) -> AsyncIterator[Database]:
    """A fresh database as the gateway sees it; only what no test before has said is to be compiled."""
    async with open_database(database_url) as database:
        engine = database.engine.sync_engine
        engine.dialect = first_engine.dialect
        engine.update_execution_options(compiled_cache=first_engine._compiled_cache)
        yield database


@asynccontextmanager
async def copy_database(server_url: str, template: str) -> AsyncIterator[str]:
    """Make a database that is a copy of another, and drop it in the end; give the URL of its owner."""
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
    """Make and drop such a copy from outside any loop, for what outlives a test."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(stack.enter_async_context(copy_database(server_url, template)))
        runner.run(stack.aclose())


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open a database as the gateway sees it, whoever's URL of it is given."""
    engine = create_engine(as_gateway(url), PoolSettings(size=5, overflow=5))
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def run_in_database(url: str, story: Callable[[Database], Awaitable[T]]) -> T:
    """Tell a story in a database from outside any loop, before the tests that share it begin."""

    async def tell() -> T:
        async with open_database(url) as database:
            return await story(database)

    return asyncio.run(tell())


@pytest.fixture
def clock() -> Clock:
    """The test's day, at the real time of day, so that later rows sort later."""
    return current_clock()


def current_clock() -> Clock:
    return Clock.at(datetime.now(UTC), TODAY)


async def connect(url: str) -> asyncpg.Connection:
    """Open a bare connection, past everything of ours."""
    return await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def as_gateway(url: str) -> str:
    """Give the URL of the gateway's role in a database."""
    return make_url(url).set(username=GATEWAY_ROLE, password="test").render_as_string(hide_password=False)


def database_url_of(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
