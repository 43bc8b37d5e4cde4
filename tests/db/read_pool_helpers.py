"""Helpers for tests of the read pool: viewers with known employees, and statements that rely on row-level security."""

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
#: Values of `single_statement`: reads in a transaction, and as a single statement.
BOTH_MODES = (False, True)
TIMEOUT_SECONDS = 10.0


def make_statement(text: str, *names: str) -> PreparedStatement:
    return PreparedStatement(text, names, {})


ALL_EMPLOYEE_IDS = make_statement("SELECT id FROM employees ORDER BY id")
BACKEND_PID = make_statement("SELECT pg_backend_pid() AS pid")
CURRENT_RIGHTS = make_statement(
    "SELECT current_setting('app.tenant'), current_setting('app.employer'), current_setting('app.employee')"
)


#: The pool size for each number of read connections. Up to three, two connections remain for writes.
POOL_SIZES = {1: 3, 2: 4, 3: 5, 4: 7}
WRITE_CONNECTIONS = 2


@asynccontextmanager
async def open_read_database(
    url: str, *, max_reads: int = 1, pgbouncer: bool = False, **pool: Any
) -> AsyncIterator[Database]:
    """Open a database whose read pool may use at most `max_reads` connections."""
    assert max_read_connections(POOL_SIZES[max_reads]) == max_reads
    engine = create_engine(url, PoolSettings(size=POOL_SIZES[max_reads], overflow=0, pgbouncer=pgbouncer, **pool))
    try:
        yield Database(engine, pgbouncer=pgbouncer)
    finally:
        await engine.dispose()


async def create_people(database: Database, clock: Clock) -> dict[Viewer, list[str]]:
    """Create two tenants with two employers and four employees each; return the employee IDs visible to each viewer."""
    visible_ids: dict[Viewer, list[str]] = {}
    for tenant in TENANTS:
        tenant_ids: list[str] = []
        for _ in range(2):
            employer = await make_employer(database, clock, tenant=tenant)
            staff = [await make_employee(database, clock, employer=employer, tenant=tenant) for _ in range(2)]
            visible_ids[employer_viewer(employer, tenant)] = sorted(staff)
            visible_ids |= {employee_viewer(employer, id, tenant): [id] for id in staff}
            tenant_ids += staff
        visible_ids[administrator(tenant)] = sorted(tenant_ids)
    assert len(set(map(tuple, visible_ids.values()))) == len(visible_ids) == 14
    return visible_ids


async def fetch(
    database: Database,
    viewer: Viewer,
    statement: PreparedStatement,
    parameters: Mapping[str, Any] | None = None,
    *,
    single_statement: bool = False,
) -> list[asyncpg.Record]:
    async with database.read_pool.snapshot(viewer, single_statement=single_statement) as snapshot:
        return await snapshot.fetch(statement, parameters or {})


async def fetch_visible_ids(database: Database, viewer: Viewer, *, single_statement: bool = False) -> list[str]:
    return [row["id"] for row in await fetch(database, viewer, ALL_EMPLOYEE_IDS, single_statement=single_statement)]


async def fetch_backend_pid(database: Database, viewer: Viewer, *, single_statement: bool = False) -> int:
    """Return the process ID of the server's session that reads."""
    ((pid,),) = await fetch(database, viewer, BACKEND_PID, single_statement=single_statement)
    return int(pid)


async def wait_for_background_tasks(pool: ReadPool) -> None:
    """Wait until the background tasks of a read pool are done."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while pool._tasks:
            await asyncio.wait(pool._tasks)


def count_checked_out(database: Database) -> int:
    """Return how many connections are checked out of the engine's pool."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def terminate_unnoticed(owner_url: str, *pids: int) -> None:
    """Terminate sessions while the event loop is blocked, so that no connection has noticed it afterwards."""

    async def kill() -> None:
        owner = await connect(owner_url)

        async def are_gone() -> bool:
            return not await owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)", pids)

        *others, last = pids
        for pid in others:
            assert await owner.fetchval("SELECT pg_terminate_backend($1)", pid)
        # This call waits in steps of a tenth of a second, in which all the sessions end.
        assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", last)
        await wait_until(are_gone)
        await owner.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, kill()).result()


@asynccontextmanager
async def pause_method(monkeypatch: pytest.MonkeyPatch, name: str) -> AsyncIterator[asyncio.Event]:
    """Delay a method of all read connections until the event is set or the context ends, like a slow server."""
    resume, original = asyncio.Event(), getattr(ReadConnection, name)

    async def delayed(connection: ReadConnection) -> None:
        await resume.wait()
        await original(connection)

    with monkeypatch.context() as patched:
        patched.setattr(ReadConnection, name, delayed)
        yield resume
    resume.set()


def mark_busy(snapshot: Snapshot) -> None:
    """Mark a snapshot's connection as busy, as after a failed statement, so that the pool drops it."""
    assert snapshot._connection is not None
    snapshot._connection.is_busy = True


async def count_sessions(owner: asyncpg.Connection) -> int:
    """Count the server's sessions of the gateway."""
    count: int = await owner.fetchval("""SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'benegraph'""")
    return count


async def wait_for_session_count(owner: asyncpg.Connection, expected: int) -> None:
    """Wait until the gateway has this number of sessions. Closed sessions take a moment to end."""

    async def has_reached() -> bool:
        return await count_sessions(owner) == expected

    await wait_until(has_reached)


async def wait_until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not await condition():  # noqa: ASYNC110 - no event reports the server's state
            await asyncio.sleep(0.01)
