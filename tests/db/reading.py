"""Reading by lent connections: people whose viewers are known, and statements that leave to the rights who is seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy.pool import QueuePool

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.prepared_statements import PreparedStatement
from benegraph.db.read_connection import ReadConnection
from benegraph.db.read_pool import ReadPool, Snapshot, max_read_connections
from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.values import Clock
from conftest import connect
from factories.access import administrator, employee_viewer, employer_viewer
from factories.employers import make_employer
from factories.people import make_employee

TENANTS = ("acme", "birch")
ACME, BIRCH = map(administrator, TENANTS)
#: In a transaction, and alone.
BOTH_MODES = (False, True)
PATIENCE = 10.0


def statement(text: str, *names: str) -> PreparedStatement:
    return PreparedStatement(text, names, {})


EVERYONE = statement("SELECT id FROM employees ORDER BY id")
SESSION = statement("SELECT pg_backend_pid() AS pid")
RIGHTS = statement(
    "SELECT current_setting('app.tenant'), current_setting('app.employer'), current_setting('app.employee')"
)


#: How large a pool is of whose connections so many may read; up to three, two others are left to those who write.
SIZES = {1: 3, 2: 4, 3: 5, 4: 7}
WRITE_CONNECTIONS = 2


@asynccontextmanager
async def opened(url: str, *, most: int = 1, pgbouncer: bool = False, **pool: Any) -> AsyncIterator[Database]:
    """Open a database of whose connections so many are lent at most."""
    assert max_read_connections(SIZES[most]) == most
    engine = create_engine(url, PoolSettings(size=SIZES[most], overflow=0, pgbouncer=pgbouncer, **pool))
    try:
        yield Database(engine, pgbouncer=pgbouncer)
    finally:
        await engine.dispose()


async def people(database: Database, clock: Clock) -> dict[Viewer, list[str]]:
    """Make people of two tenants, with two employers each; give who may see whom."""
    found: dict[Viewer, list[str]] = {}
    for tenant in TENANTS:
        everyone: list[str] = []
        for _ in range(2):
            employer = await make_employer(database, clock, tenant=tenant)
            staff = [await make_employee(database, clock, employer=employer, tenant=tenant) for _ in range(2)]
            found[employer_viewer(employer, tenant)] = sorted(staff)
            found |= {employee_viewer(employer, id, tenant): [id] for id in staff}
            everyone += staff
        found[administrator(tenant)] = sorted(everyone)
    assert len(set(map(tuple, found.values()))) == len(found) == 14
    return found


async def fetch(
    database: Database,
    viewer: Viewer,
    wanted: PreparedStatement,
    given: Mapping[str, Any] | None = None,
    *,
    single_statement: bool = False,
) -> list[asyncpg.Record]:
    async with database.read_pool.snapshot(viewer, single_statement=single_statement) as snapshot:
        return await snapshot.fetch(wanted, given or {})


async def seen(database: Database, viewer: Viewer, *, single_statement: bool = False) -> list[str]:
    return [row["id"] for row in await fetch(database, viewer, EVERYONE, single_statement=single_statement)]


async def session_of(database: Database, viewer: Viewer, *, single_statement: bool = False) -> int:
    """Give the number of the server's session that reads."""
    ((pid,),) = await fetch(database, viewer, SESSION, single_statement=single_statement)
    return int(pid)


async def settled(readers: ReadPool) -> None:
    """Wait until what nobody waits for is done."""
    async with asyncio.timeout(PATIENCE):
        while readers._tasks:
            await asyncio.wait(readers._tasks)


def taken(database: Database) -> int:
    """Give how many connections the pool has given out."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def kill_unseen(owner_url: str, *sessions: int) -> None:
    """End sessions of the server while our loop stands still, so that no socket has told of it."""

    async def kill() -> None:
        owner = await connect(owner_url)

        async def are_gone() -> bool:
            return not await owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)", sessions)

        *others, last = sessions
        for pid in others:
            assert await owner.fetchval("SELECT pg_terminate_backend($1)", pid)
        # It waits in steps of a tenth of a second, in which all of them end.
        assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", last)
        await until(are_gone)
        await owner.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, kill()).result()


@asynccontextmanager
async def held(monkeypatch: pytest.MonkeyPatch, name: str) -> AsyncIterator[asyncio.Event]:
    """Hold what a connection is to do until it is let go: a slow server's part."""
    go_on, genuine = asyncio.Event(), getattr(ReadConnection, name)

    async def wait(lent: ReadConnection) -> None:
        await go_on.wait()
        await genuine(lent)

    with monkeypatch.context() as patched:
        patched.setattr(ReadConnection, name, wait)
        yield go_on
    go_on.set()


def spoil(snapshot: Snapshot) -> None:
    """Have a snapshot end as one whose statement has failed: its connection is dropped."""
    assert snapshot._connection is not None
    snapshot._connection.is_busy = True


async def sessions(owner: asyncpg.Connection) -> int:
    """Count the gateway's sessions."""
    found: int = await owner.fetchval("""SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'benegraph'""")
    return found


async def until_sessions(owner: asyncpg.Connection, number: int) -> None:
    """Wait until the gateway has so many sessions: those that were closed take a moment to end."""

    async def are() -> bool:
        return await sessions(owner) == number

    await until(are)


async def until(ask: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await ask():  # noqa: ASYNC110 - it is the server that is waited for
            await asyncio.sleep(0.01)
