"""Lost connections: the next read uses another one, and a read that loses its connection raises or is repeated."""

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
    """Terminate a session, and wait until its connection has noticed it."""
    assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await asyncio.sleep(0.05)


async def _pid(connection: AsyncConnection) -> int:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return int(driver.get_server_pid())


async def read_concurrently(database: Database, number: int, *, single_statement: bool) -> set[int]:
    """Read through several connections at once, and leave all of them idle; return their sessions' process IDs."""
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
async def test_connection_known_to_be_lost_is_not_used(
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
async def test_connection_known_to_be_lost_does_not_affect_others(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    async with open_read_database(database_url, max_reads=2) as database:
        pids = await read_concurrently(database, 2, single_statement=single_statement)
        next_pid = database.read_pool._idle[-1].driver.get_server_pid()
        await kill(owner, next_pid)
        new_pids = await read_concurrently(database, 2, single_statement=single_statement)
        assert new_pids & pids == pids - {next_pid}


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_connection_lost_after_its_read_is_discarded(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            ((pid,),) = await snapshot.fetch(BACKEND_PID, {})
            await kill(owner, pid)
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use, database.read_pool._idle) == (0, 0, [])


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_unnoticed_loss_makes_the_engine_discard_older_connections(
    database_url: str, owner_url: str, single_statement: bool
) -> None:
    """The server may have vanished, so connections of the same age may be lost too."""
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        await wait_for_background_tasks(database.read_pool)
        async with database.engine.connect() as connection:
            old_pid = await _pid(connection)
        async with database.engine.connect() as connection:
            assert await _pid(connection) == old_pid
        terminate_unnoticed(owner_url, first)
        await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with database.engine.connect() as connection:
            assert await _pid(connection) != old_pid


@pytest.mark.parametrize("other", BOTH_MODES)
@pytest.mark.parametrize("after", BOTH_MODES)
@pytest.mark.parametrize("before", BOTH_MODES)
async def test_connections_lost_unnoticed_are_skipped(
    database_url: str, owner_url: str, before: bool, after: bool, other: bool
) -> None:
    """All idle connections, here and in the engine's pool, are lost; only the next statement detects it."""
    async with open_read_database(database_url, max_reads=3) as database:
        async with AsyncExitStack() as stack:
            pids = await read_concurrently(database, 3, single_statement=before)
            for _ in range(WRITE_CONNECTIONS):
                pids.add(await _pid(await stack.enter_async_context(database.engine.connect())))
        assert len(pids) == 5
        terminate_unnoticed(owner_url, *pids)
        viewer = BIRCH if other else ACME
        new_pids = await asyncio.gather(
            *(fetch_backend_pid(database, viewer, single_statement=after) for _ in range(3))
        )
        assert not pids & set(new_pids)
        await wait_for_background_tasks(database.read_pool)
        assert count_checked_out(database) == database.read_pool._slots_in_use == len(database.read_pool._idle) <= 3
        async with database.engine.connect() as connection:
            assert await _pid(connection) not in pids


@pytest.mark.parametrize("after", BOTH_MODES)
@pytest.mark.parametrize("before", BOTH_MODES)
async def test_session_ended_by_the_server_with_an_open_socket_is_skipped(
    database_url: str, owner: asyncpg.Connection, before: bool, after: bool
) -> None:
    async with proxy(database_url) as url, open_read_database(url) as database:
        pid = await fetch_backend_pid(database, ACME, single_statement=before)
        await wait_for_background_tasks(
            database.read_pool
        )  # otherwise it might be terminated during its COMMIT, which is another test
        await kill(owner, pid)
        (connection,) = database.read_pool._idle
        assert not connection.driver.is_closed()
        assert await fetch_backend_pid(database, ACME, single_statement=after) != pid
        await wait_for_background_tasks(database.read_pool)
        assert count_checked_out(database) == database.read_pool._slots_in_use == len(database.read_pool._idle) == 1


@asynccontextmanager
async def proxy(url: str) -> AsyncIterator[str]:
    """Run a TCP proxy to the server that hides when the server closes a connection; yield its URL."""
    address = make_url(url)
    host = str(address.query.get("host") or address.host)
    port = int(str(address.query.get("port") or address.port or 5432))
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def forward(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)

    async def on_connection(client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        if host.startswith("/"):
            server_reader, server_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            server_reader, server_writer = await asyncio.open_connection(host, port)
        writers.extend([client_writer, server_writer])
        tasks.append(asyncio.create_task(forward(client_reader, server_writer)))
        tasks.append(asyncio.create_task(forward(server_reader, client_writer)))

    async with await asyncio.start_server(on_connection, "127.0.0.1", 0) as server:
        proxy_url = address.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        proxy_url = proxy_url.difference_update_query(["host", "port"])
        yield proxy_url.render_as_string(hide_password=False)
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_lost_connection_from_the_engine_pool_is_skipped(
    database_url: str, owner_url: str, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        async with database.engine.connect() as connection:
            pid = await _pid(connection)
        terminate_unnoticed(owner_url, pid)
        assert await fetch_backend_pid(database, ACME, single_statement=single_statement) != pid


async def test_read_is_attempted_twice_at_most(owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads end although the server terminates each session at once."""
    attempts: list[str] = []

    def terminate_session(*_: object, **__: object) -> str:
        attempts.append("SELECT pg_terminate_backend(pg_backend_pid())")
        return attempts[-1]

    async with open_read_database(owner_url) as database:  # the owner may terminate sessions
        with monkeypatch.context() as patched:
            patched.setattr("benegraph.db.read_connection.set_rights_sql", terminate_session)
            for single_statement in BOTH_MODES:
                attempts.clear()
                with pytest.raises(LOST):
                    await fetch(database, ACME, ONE, single_statement=single_statement)
                assert len(attempts) == 2
        terminating_read = make_statement("SELECT pg_terminate_backend(pg_backend_pid())")
        for single_statement in BOTH_MODES:
            with pytest.raises(LOST):
                await fetch(database, ACME, terminating_read, single_statement=single_statement)
        assert await fetch(database, ACME, ONE) == [(1,)]
        await wait_for_background_tasks(database.read_pool)
        assert count_checked_out(database) == database.read_pool._slots_in_use == 1


async def test_connection_lost_between_two_reads_raises_and_is_not_reused(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """The first read was of another snapshot, so only the caller could repeat both reads."""
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


async def test_connection_lost_during_a_read_in_a_transaction_raises(
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


async def test_single_statement_is_repeated_after_a_lost_connection(
    database_url: str, owner: asyncpg.Connection
) -> None:
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=True)
        slow = make_statement("SELECT pg_backend_pid() AS pid, pg_sleep(0.3)::text")
        read_task = asyncio.ensure_future(fetch(database, ACME, slow, single_statement=True))
        await asyncio.sleep(0.1)
        await kill(owner, first)
        ((second, _),) = await read_task
        assert second != first
        assert await fetch_backend_pid(database, ACME, single_statement=True) == second


async def test_connection_lost_during_its_commit_is_not_reused(
    database_url: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_read_database(database_url) as database:
        async with pause_method(monkeypatch, "end_transaction"):
            first = await fetch_backend_pid(database, ACME)
            await kill(owner, first)
        assert await fetch_backend_pid(database, ACME) != first
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (1, 1)


@pytest.mark.parametrize("unnoticed", [True, False])
async def test_reads_succeed_again_after_a_restart_of_the_server(unnoticed: bool) -> None:
    with reachable_directory() as directory, EmbeddedPostgres(directory, fast=True) as server:
        async with open_read_database(server.dsn(), max_reads=2, acquire_timeout=1) as database:
            for _ in range(2):
                pids = await read_concurrently(database, 2, single_statement=True)
                if unnoticed:
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
                assert await read_concurrently(database, 2, single_statement=False) != pids
            if unnoticed:  # a restart without a read in between
                server.stop()
                server.start()
            for single_statement in BOTH_MODES:
                assert await fetch(database, ACME, ONE, single_statement=single_statement) == [(1,)]
