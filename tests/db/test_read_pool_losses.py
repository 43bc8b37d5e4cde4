"""Lost connections: who reads next is served by another, and what was lost in the midst of a read is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from read_pool_helpers import (
    ACME,
    BACKEND_PID,
    BIRCH,
    BOTH_MODES,
    WRITE_CONNECTIONS,
    count_checked_out,
    fetch,
    fetch_backend_pid,
    make_statement,
    open_read_database,
    pause_method,
    terminate_unnoticed,
    wait_for_background_tasks,
)
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.session import Database
from conftest import connect
from gateways import reachable_directory

ONE = make_statement("SELECT 1")
LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(owner_url)
    yield connection
    await connection.close()


async def kill(owner: asyncpg.Connection, pid: int) -> None:
    """End a session, and let our socket hear of it."""
    assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await asyncio.sleep(0.05)


async def _pid(connection: AsyncConnection) -> int:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return int(driver.get_server_pid())


async def several(database: Database, number: int, *, single_statement: bool) -> set[int]:
    """Read by several connections at once, so that each of them rests then."""
    async with AsyncExitStack() as stack:
        snapshots = [
            await stack.enter_async_context(database.read_pool.snapshot(ACME, single_statement=single_statement))
            for _ in range(number)
        ]
        pids = {(await snapshot.fetch(BACKEND_PID, {}))[0]["pid"] for snapshot in snapshots}
    await wait_for_background_tasks(database.read_pool)
    assert len(pids) == len(database.read_pool._idle) == number
    return pids


@pytest.mark.parametrize("after", BOTH_MODES)
@pytest.mark.parametrize("before", BOTH_MODES)
async def test_one_that_is_known_to_be_lost_is_not_lent(
    database_url: str, owner: asyncpg.Connection, before: bool, after: bool
) -> None:
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=before)
        await wait_for_background_tasks(database.read_pool)
        await kill(owner, first)
        assert await fetch_backend_pid(database, ACME, single_statement=after) != first
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use, len(database.read_pool._idle)) == (
            1,
            1,
            1,
        )


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_one_that_is_known_to_be_lost_takes_no_other_with_it(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    async with open_read_database(database_url, max_reads=2) as database:
        pids = await several(database, 2, single_statement=single_statement)
        first_in_turn = database.read_pool._idle[-1].driver.get_server_pid()
        await kill(owner, first_in_turn)
        found = await several(database, 2, single_statement=single_statement)
        assert found & pids == pids - {first_in_turn}


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_one_that_is_lost_after_its_read_is_not_kept(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            ((pid,),) = await snapshot.fetch(BACKEND_PID, {})
            await kill(owner, pid)
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use, database.read_pool._idle) == (0, 0, [])


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_the_pool_learns_of_what_was_lost_unseen(
    database_url: str, owner_url: str, single_statement: bool
) -> None:
    """Its own may be lost as well: it gives out none of that age."""
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        await wait_for_background_tasks(database.read_pool)
        async with database.engine.connect() as connection:
            old = await _pid(connection)
        async with database.engine.connect() as connection:
            assert await _pid(connection) == old
        terminate_unnoticed(owner_url, first)
        await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with database.engine.connect() as connection:
            assert await _pid(connection) != old


@pytest.mark.parametrize("other", BOTH_MODES)
@pytest.mark.parametrize("after", BOTH_MODES)
@pytest.mark.parametrize("before", BOTH_MODES)
async def test_those_that_were_lost_unseen_are_passed_over(
    database_url: str, owner_url: str, before: bool, after: bool, other: bool
) -> None:
    """All that rest, here and in the pool, are gone, and no socket has told: what is sent first finds it out."""
    async with open_read_database(database_url, max_reads=3) as database:
        async with AsyncExitStack() as stack:
            pids = await several(database, 3, single_statement=before)
            for _ in range(WRITE_CONNECTIONS):
                pids.add(await _pid(await stack.enter_async_context(database.engine.connect())))
        assert len(pids) == 5
        terminate_unnoticed(owner_url, *pids)
        viewer = BIRCH if other else ACME
        found = await asyncio.gather(*(fetch_backend_pid(database, viewer, single_statement=after) for _ in range(3)))
        assert not pids & set(found)
        await wait_for_background_tasks(database.read_pool)
        assert count_checked_out(database) == database.read_pool._slots_in_use == len(database.read_pool._idle) <= 3
        async with database.engine.connect() as connection:
            assert await _pid(connection) not in pids


@pytest.mark.parametrize("after", BOTH_MODES)
@pytest.mark.parametrize("before", BOTH_MODES)
async def test_one_whose_end_was_said_while_its_connection_stands_is_passed_over(
    database_url: str, owner: asyncpg.Connection, before: bool, after: bool
) -> None:
    async with relayed(database_url) as url, open_read_database(url) as database:
        pid = await fetch_backend_pid(database, ACME, single_statement=before)
        await wait_for_background_tasks(
            database.read_pool
        )  # else it may be killed as it commits, which is another story
        await kill(owner, pid)
        (lent,) = database.read_pool._idle
        assert not lent.driver.is_closed()
        assert await fetch_backend_pid(database, ACME, single_statement=after) != pid
        await wait_for_background_tasks(database.read_pool)
        assert count_checked_out(database) == database.read_pool._slots_in_use == len(database.read_pool._idle) == 1


@asynccontextmanager
async def relayed(url: str) -> AsyncIterator[str]:
    """Stand between, and pass on what each says, but not that the server hangs up."""
    address = make_url(url)
    host = str(address.query.get("host") or address.host)
    port = int(str(address.query.get("port") or address.port or 5432))
    relaying: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def pass_on(said: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
        while some := await said.read(65536):
            other.write(some)

    async def relay(said: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if host.startswith("/"):
            theirs, there = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            theirs, there = await asyncio.open_connection(host, port)
        writers.extend([back, there])
        relaying.extend([asyncio.create_task(pass_on(said, there)), asyncio.create_task(pass_on(theirs, back))])

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        there = address.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        there = there.difference_update_query(["host", "port"])
        yield there.render_as_string(hide_password=False)
        server.close()
        for task in relaying:
            task.cancel()
        await asyncio.gather(*relaying, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_one_that_the_pool_gives_although_it_is_lost_is_passed_over(
    database_url: str, owner_url: str, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        async with database.engine.connect() as connection:
            pid = await _pid(connection)
        terminate_unnoticed(owner_url, pid)
        assert await fetch_backend_pid(database, ACME, single_statement=single_statement) != pid


async def test_a_read_is_tried_twice_and_no_more(owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends whatever is begun is not asked for ever."""
    begun: list[str] = []

    def deadly(*_: object, **__: object) -> str:
        begun.append("SELECT pg_terminate_backend(pg_backend_pid())")
        return begun[-1]

    async with open_read_database(owner_url) as database:  # who may end sessions
        with monkeypatch.context() as patched:
            patched.setattr("benegraph.db.read_connection.set_rights_sql", deadly)
            for single_statement in BOTH_MODES:
                begun.clear()
                with pytest.raises(LOST):
                    await fetch(database, ACME, ONE, single_statement=single_statement)
                assert len(begun) == 2
        deadly_read = make_statement("SELECT pg_terminate_backend(pg_backend_pid())")
        for single_statement in BOTH_MODES:
            with pytest.raises(LOST):
                await fetch(database, ACME, deadly_read, single_statement=single_statement)
        assert await fetch(database, ACME, ONE) == [(1,)]
        await wait_for_background_tasks(database.read_pool)
        assert count_checked_out(database) == database.read_pool._slots_in_use == 1


async def test_one_that_is_lost_between_two_reads_is_told_and_not_lent_again(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """What was read before was of another moment: the whole may be read again, by the one who knows it."""
    async with open_read_database(database_url) as database:

        async def read() -> None:
            async with database.read_pool.snapshot(ACME) as snapshot:
                ((pid,),) = await snapshot.fetch(BACKEND_PID, {})
                waiting.append(asyncio.ensure_future(fetch_backend_pid(database, BIRCH)))
                await kill(owner, pid)
                pids.append(pid)
                await snapshot.fetch(BACKEND_PID, {})

        waiting: list[asyncio.Future[int]] = []
        pids: list[int] = []
        with pytest.raises(LOST):
            await read()
        assert await waiting[0] not in pids


async def test_one_that_is_lost_in_the_midst_of_a_transactions_read_is_told(
    database_url: str, owner: asyncpg.Connection
) -> None:
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME)
        slow = asyncio.ensure_future(fetch(database, ACME, make_statement("SELECT pg_sleep(60)")))
        await asyncio.sleep(0.1)
        await kill(owner, first)
        with pytest.raises(LOST):
            await slow
        assert await fetch_backend_pid(database, ACME) != first


async def test_one_that_is_lost_in_the_midst_of_a_statement_alone_is_read_again(
    database_url: str, owner: asyncpg.Connection
) -> None:
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=True)
        slow = make_statement("SELECT pg_backend_pid() AS pid, pg_sleep(0.3)::text")
        reading = asyncio.ensure_future(fetch(database, ACME, slow, single_statement=True))
        await asyncio.sleep(0.1)
        await kill(owner, first)
        ((second, _),) = await reading
        assert second != first
        assert await fetch_backend_pid(database, ACME, single_statement=True) == second


async def test_one_that_is_lost_as_it_ends_is_not_lent_again(
    database_url: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_read_database(database_url) as database:
        async with pause_method(monkeypatch, "end_transaction"):
            first = await fetch_backend_pid(database, ACME)
            await kill(owner, first)
        assert await fetch_backend_pid(database, ACME) != first
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (1, 1)


@pytest.mark.parametrize("unseen", [True, False])
async def test_a_server_that_starts_again_is_read_from_again(unseen: bool) -> None:
    with reachable_directory() as place, EmbeddedPostgres(place, fast=True) as server:
        async with open_read_database(server.dsn(), most=2, acquire_timeout=1) as database:
            for _ in range(2):
                pids = await several(database, 2, single_statement=True)
                if unseen:
                    server.stop()
                else:
                    await asyncio.to_thread(server.stop)
                for _ in range(3):
                    for single_statement in BOTH_MODES:
                        with pytest.raises(LOST):
                            await fetch(database, ACME, ONE, single_statement=single_statement)
                await wait_for_background_tasks(database.read_pool)
                assert (count_checked_out(database), database.read_pool._slots_in_use) == (0, 0)
                await asyncio.to_thread(server.start)
                assert await several(database, 2, single_statement=False) != pids
            if unseen:  # again, and nobody asked while it was away
                server.stop()
                server.start()
            for single_statement in BOTH_MODES:
                assert await fetch(database, ACME, ONE, single_statement=single_statement) == [(1,)]
