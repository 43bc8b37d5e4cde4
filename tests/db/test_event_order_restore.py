"""A dump of the database that is restored on a server with lower transaction IDs keeps the order of events."""

import subprocess
import tempfile
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from benegraph.db import store
from benegraph.db.embedded import EmbeddedPostgres, _package_directory
from benegraph.db.engine import create_engine
from benegraph.db.migrations import migrate
from benegraph.db.session import Database
from benegraph.db.store.events import START_POSITION, EventFilter, FeedPosition
from benegraph.domain.values import Clock
from conftest import GATEWAY_ROLE, as_gateway, connect
from factories.access import administrator
from factories.office import create_office

PROGRAMS = _package_directory() / "pginstall/bin"


async def read_feed(url: str, clock: Clock, position: FeedPosition) -> tuple[list[str], FeedPosition]:
    """Return the IDs of the events after a position, and the position after them."""
    engine = create_engine(as_gateway(url))
    async with Database(engine).read(administrator(), clock) as read_session:
        rows = await store.events.list_events_after(read_session, position, EventFilter(), 100)
    await engine.dispose()
    return [row.position for row in rows], (rows[-1].transaction_number, rows[-1].position) if rows else position


async def hire(url: str, name: str) -> None:
    """Record the events of an office with one employee, in a new tenant or in addition to those that exist."""
    engine = create_engine(as_gateway(url))
    await (await create_office(Database(engine))).hire(name)
    await engine.dispose()


async def create_gateway_role(url: str) -> None:
    connection = await connect(url)
    await connection.execute(f"CREATE ROLE {GATEWAY_ROLE} LOGIN PASSWORD 'test' IN ROLE benegraph_app")
    await connection.close()


async def assign_transaction_ids(url: str, count: int) -> None:
    connection: asyncpg.Connection = await connect(url)
    for _ in range(count):
        await connection.execute("SELECT pg_current_xact_id()")
    await connection.close()


def copy_by_dump(source: str, target: str) -> None:
    """Dump a database and restore it as another one."""
    with tempfile.TemporaryDirectory() as directory:
        dump = str(Path(directory, "dump"))
        plain_source, plain_target = (
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False) for url in (source, target)
        )
        for command in (
            [str(PROGRAMS / "pg_dump"), "--format=custom", f"--file={dump}", plain_source],
            [str(PROGRAMS / "pg_restore"), "--exit-on-error", f"--dbname={plain_target}", dump],
        ):
            subprocess.run(command, check=True)  # noqa: S603 - the test's own arguments


@pytest.mark.conformance
async def test_feed_continues_after_a_restore_on_a_server_with_lower_transaction_ids(clock: Clock) -> None:
    with tempfile.TemporaryDirectory() as old, tempfile.TemporaryDirectory() as new:
        with EmbeddedPostgres(Path(old), fast=True) as server:
            source = server.dsn()
            await migrate(source)
            await create_gateway_role(source)
            await assign_transaction_ids(source, 2_000)
            await hire(source, "Ada")
            ids, position = await read_feed(source, clock, START_POSITION)
            with EmbeddedPostgres(Path(new), fast=True) as other_server:
                target = other_server.dsn()
                connection = await connect(target)
                await connection.execute("CREATE ROLE benegraph_app NOLOGIN")
                await connection.close()
                copy_by_dump(source, target)
                await create_gateway_role(target)
                await migrate(target)
                assert (await read_feed(target, clock, START_POSITION)) == (ids, position)
                await hire(target, "Bob")
                later, _ = await read_feed(target, clock, position)
                assert (await read_feed(target, clock, START_POSITION))[0] == [*ids, *later]
        assert len(ids) == len(later) > 2
