"""What every test stands on: a real PostgreSQL, and for each test that asks a fresh database with the whole schema."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy import make_url

from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.engine import Pool, create_engine
from benegraph.db.migrations import migrate
from benegraph.db.session import Database
from benegraph.domain.values import Clock

#: The day it is in tests, unless they say otherwise: a Friday, with no end of anything near.
TODAY = date(2026, 11, 20)
# How long one example takes says more of the machine than of the code.
settings.register_profile("house", settings.default, deadline=None)
settings.load_profile("house")

GATEWAY = "benegraph_test_gateway"


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
    await migrate(at(server_url, name))
    with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await _execute(server_url, f"CREATE ROLE {GATEWAY} LOGIN PASSWORD 'test' IN ROLE benegraph_app")


async def _execute(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def owner_url(server_url: str, template: str) -> AsyncIterator[str]:
    """A fresh database of this test's own, by the URL of its owner, who bypasses row-level security."""
    name = f"test_{uuid4().hex}"
    connection = await connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield at(server_url, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
def database_url(owner_url: str) -> str:
    """The same database by the URL of the gateway's role, which can't."""
    url = make_url(owner_url).set(username=GATEWAY, password="test")
    return url.render_as_string(hide_password=False)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database as the gateway sees it."""
    engine = create_engine(database_url, Pool(size=5, overflow=5))
    yield Database(engine)
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """The test's day, at the real time of day, so that later rows sort later."""
    return Clock.at(datetime.now(UTC), TODAY)


async def connect(url: str) -> asyncpg.Connection:
    """Open a bare connection, past everything of ours."""
    return await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def at(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
