"""Limits of the read pool: waiters get a connection or a timeout, and failed or cancelled reads leak none."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest
from read_pool_helpers import (
    ACME,
    BACKEND_PID,
    BIRCH,
    BOTH_MODES,
    WRITE_CONNECTIONS,
    count_checked_out,
    count_sessions,
    fetch,
    fetch_backend_pid,
    make_statement,
    mark_busy,
    open_read_database,
    wait_for_background_tasks,
    wait_until,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.errors import TIMEOUT_MESSAGE, classify_error
from conftest import connect
from factories.employers import make_employer

EMPLOYERS = make_statement("SELECT count(*) FROM employers")

# ------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("size", "max_reads"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3), (10, 6), (11, 7), (20, 16)]
)
async def test_reads_leave_part_of_the_pool_to_writes(database_url: str, size: int, max_reads: int) -> None:
    engine = create_engine(database_url, PoolSettings(size=size, overflow=0, acquire_timeout=0.1))
    database = Database(engine)
    async with AsyncExitStack() as stack:
        for _ in range(max_reads):
            await stack.enter_async_context(database.read_pool.snapshot(ACME))
        with pytest.raises(PoolTimeoutError):
            await fetch_backend_pid(database, ACME)
        assert count_checked_out(database) == max_reads
        for _ in range(size - max_reads):
            await stack.enter_async_context(engine.connect())
    await engine.dispose()


async def test_many_reads_share_few_connections_beside_writes(
    database_url: str, database: Database, clock: Clock
) -> None:
    await make_employer(database, clock, tenant="acme")
    counts = []

    async def read(database: Database, offset: int) -> None:
        for turn in range(6):
            async with database.read_pool.snapshot(ACME, single_statement=(turn + offset) % 2 == 0) as snapshot:
                assert await snapshot.fetch(EMPLOYERS, {}) == [(1,)]
                counts.append(count_checked_out(database))

    async with open_read_database(database_url, max_reads=3) as read_database, AsyncExitStack() as stack:
        for _ in range(WRITE_CONNECTIONS):
            await stack.enter_async_context(read_database.engine.connect())
        await asyncio.gather(*(read(read_database, offset) for offset in range(40)))
        assert len(counts) == 240
        assert max(counts) == WRITE_CONNECTIONS + 3


async def test_waiting_too_long_raises_the_same_timeout_as_the_engine_pool(database_url: str) -> None:
    async with open_read_database(database_url, acquire_timeout=0.1) as database:
        loop = asyncio.get_running_loop()
        async with database.read_pool.snapshot(ACME) as snapshot:
            pid = (await snapshot.fetch(BACKEND_PID, {}))[0]["pid"]
            started_at = loop.time()
            with pytest.raises(PoolTimeoutError) as read_error:
                await fetch_backend_pid(database, ACME)
            assert 0.09 < loop.time() - started_at < 1
        assert await fetch_backend_pid(database, ACME) == pid
        async with AsyncExitStack() as stack:
            for _ in range(WRITE_CONNECTIONS):
                await stack.enter_async_context(database.engine.connect())
            with pytest.raises(PoolTimeoutError) as engine_error:
                await stack.enter_async_context(database.engine.connect())
        assert classify_error(read_error.value) == classify_error(engine_error.value) == ("TIMEOUT", TIMEOUT_MESSAGE)


async def test_reads_time_out_while_writes_use_the_whole_pool_and_succeed_later(database_url: str) -> None:
    async with open_read_database(database_url, acquire_timeout=0.1) as database:
        async with AsyncExitStack() as stack:
            for _ in range(WRITE_CONNECTIONS + 1):
                await stack.enter_async_context(database.engine.connect())
            for _ in range(3):
                with pytest.raises(PoolTimeoutError):
                    await fetch_backend_pid(database, ACME)
        assert database.read_pool._slots_in_use == 0
        await fetch_backend_pid(database, ACME)


async def test_waiters_are_served_in_order(database_url: str) -> None:
    served: list[int] = []

    async def read(database: Database, number: int) -> None:
        async with database.read_pool.snapshot(
            ACME if number % 3 else BIRCH, single_statement=number % 2 == 0
        ) as snapshot:
            served.append(number)
            await snapshot.fetch(BACKEND_PID, {})
            if number % 10 == 9:
                raise LookupError  # its connection is dropped, and its slot passed on

    async with open_read_database(database_url) as database, asyncio.timeout(20):
        results = await asyncio.gather(*(read(database, number) for number in range(100)), return_exceptions=True)
        assert [number for number, error in enumerate(results) if error is not None] == list(range(9, 100, 10))
        assert served == list(range(100))
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (0, 0)


async def test_new_read_does_not_overtake_a_waiter(database_url: str) -> None:
    """A free slot is passed on at once. Otherwise new reads could take it again and again."""
    order: list[str] = []

    async def read(name: str) -> None:
        async with database.read_pool.snapshot(ACME):
            order.append(name)

    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(ACME) as snapshot:
            waiting = asyncio.ensure_future(read("waiter"))
            await asyncio.sleep(0)
            mark_busy(snapshot)
        await asyncio.wait(database.read_pool._tasks)
        assert not database.read_pool._waiters
        await asyncio.gather(read("new read"), waiting)
        assert order == ["waiter", "new read"]


@pytest.mark.parametrize("fails", [False, True], ids=["connection", "slot"])
async def test_cancelled_waiters_leak_no_connection(database_url: str, fails: bool) -> None:
    """Waiters are cancelled before, while and after they receive a connection or a slot."""
    async with open_read_database(database_url, acquire_timeout=2) as database:
        for turn in range(30):
            async with database.read_pool.snapshot(ACME, single_statement=True) as snapshot:
                await snapshot.fetch(BACKEND_PID, {})
                cancelled = [
                    asyncio.ensure_future(fetch_backend_pid(database, BIRCH, single_statement=True)) for _ in range(3)
                ]
                remaining = asyncio.ensure_future(fetch_backend_pid(database, BIRCH, single_statement=True))
                await asyncio.sleep(0)
                if fails:
                    assert snapshot._connection is not None
                    snapshot._connection.driver.terminate()
            for _ in range(turn):
                await asyncio.sleep(0)
            for waiter in cancelled:
                waiter.cancel()
            async with asyncio.timeout(1):
                await remaining
                await asyncio.gather(*cancelled, return_exceptions=True)
            await wait_for_background_tasks(database.read_pool)
            assert database.read_pool._slots_in_use == count_checked_out(database) <= 1


async def test_connection_received_at_the_deadline_is_not_leaked(database_url: str) -> None:
    async with open_read_database(database_url, acquire_timeout=0.05) as database:
        for delay in (-0.002, -0.001, -0.0005, 0.0, 0.0005):
            async with database.read_pool.snapshot(ACME, single_statement=True):
                waiting = [
                    asyncio.ensure_future(fetch_backend_pid(database, ACME, single_statement=True)) for _ in range(5)
                ]
                await asyncio.sleep(0.05 + delay)
            await asyncio.gather(*waiting, return_exceptions=True)
            await fetch_backend_pid(database, ACME, single_statement=True)
            assert (count_checked_out(database), database.read_pool._slots_in_use, len(database.read_pool._idle)) == (
                1,
                1,
                1,
            )


# ------------------------------------------------------------------------------------------- errors and cancellations


@pytest.mark.parametrize("single_statement", BOTH_MODES)
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, KeyboardInterrupt])
async def test_connection_is_not_reused_after_an_error_in_the_snapshot(
    database_url: str, single_statement: bool, error: type[BaseException]
) -> None:
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        await wait_for_background_tasks(database.read_pool)
        waiting: list[asyncio.Future[int]] = []

        async def fail() -> None:
            async with database.read_pool.snapshot(ACME, single_statement=single_statement):
                waiting.append(asyncio.ensure_future(fetch_backend_pid(database, BIRCH)))
                await asyncio.sleep(0)
                raise error

        with pytest.raises(error):
            await fail()
        assert await waiting[0] != first


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_connection_is_not_reused_after_a_suppressed_statement_error(
    database_url: str, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await snapshot.fetch(make_statement("SELECT 1 / $1::int", "by"), {"by": 0})
            assert snapshot._connection is not None
            first = snapshot._connection.driver.get_server_pid()
        assert await fetch_backend_pid(database, ACME, single_statement=single_statement) != first


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_cancelled_statement_is_cancelled_on_the_server(
    database_url: str, owner_url: str, single_statement: bool
) -> None:
    """The server doesn't notice that the client has stopped waiting. It would continue, beside a new session."""
    owner = await connect(owner_url)
    async with open_read_database(database_url) as database:
        read_task = asyncio.ensure_future(
            fetch(database, ACME, make_statement("SELECT pg_sleep(60)"), single_statement=single_statement)
        )
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        await wait_until(lambda: owner.fetchval(sleeping))
        read_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read_task
        await fetch_backend_pid(database, ACME)
        assert await owner.fetchval(sleeping) == 0
        assert await count_sessions(owner) == 1
    await owner.close()


def test_waiter_times_out_in_a_second_event_loop_too(database_url: str) -> None:
    """A disposed engine can be used again in another event loop, which has another clock."""
    database = Database(create_engine(database_url, PoolSettings(size=1, overflow=0, acquire_timeout=0.5)))

    async def wait_for_a_moment() -> None:
        await asyncio.gather(
            fetch_backend_pid(database, ACME, single_statement=True),
            fetch_backend_pid(database, ACME, single_statement=True),
        )
        await database.engine.dispose()

    async def wait_too_long() -> None:
        async with asyncio.timeout(3), database.read_pool.snapshot(ACME):
            with pytest.raises(PoolTimeoutError):
                await fetch_backend_pid(database, ACME)
        await wait_for_background_tasks(database.read_pool)
        await database.engine.dispose()

    asyncio.run(wait_for_a_moment())
    asyncio.run(wait_too_long())
