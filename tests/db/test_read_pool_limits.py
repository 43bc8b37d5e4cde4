"""Limits: few connections are lent, and whoever waits is served or told; who gives up or fails takes none away."""

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


@pytest.mark.parametrize(("size", "most"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3), (10, 6), (11, 7), (20, 16)])
async def test_writers_are_left_some_of_the_pool(database_url: str, size: int, most: int) -> None:
    engine = create_engine(database_url, PoolSettings(size=size, overflow=0, acquire_timeout=0.1))
    database = Database(engine)
    async with AsyncExitStack() as stack:
        for _ in range(most):
            await stack.enter_async_context(database.read_pool.snapshot(ACME))
        with pytest.raises(PoolTimeoutError):
            await fetch_backend_pid(database, ACME)
        assert count_checked_out(database) == most
        for _ in range(size - most):
            await stack.enter_async_context(engine.connect())
    await engine.dispose()


async def test_many_readers_share_few_connections_with_who_writes(
    database_url: str, database: Database, clock: Clock
) -> None:
    await make_employer(database, clock, tenant="acme")
    counts = []

    async def read(database: Database, manner: int) -> None:
        for turn in range(6):
            async with database.read_pool.snapshot(ACME, single_statement=(turn + manner) % 2 == 0) as snapshot:
                assert await snapshot.fetch(EMPLOYERS, {}) == [(1,)]
                counts.append(count_checked_out(database))

    async with open_read_database(database_url, max_reads=3) as reading, AsyncExitStack() as stack:
        for _ in range(WRITE_CONNECTIONS):
            await stack.enter_async_context(reading.engine.connect())
        await asyncio.gather(*(read(reading, manner) for manner in range(40)))
        assert len(counts) == 240
        assert max(counts) == WRITE_CONNECTIONS + 3


async def test_who_waits_too_long_is_told_as_by_the_pool(database_url: str) -> None:
    async with open_read_database(database_url, acquire_timeout=0.1) as database:
        loop = asyncio.get_running_loop()
        async with database.read_pool.snapshot(ACME) as snapshot:
            pid = (await snapshot.fetch(BACKEND_PID, {}))[0]["pid"]
            began = loop.time()
            with pytest.raises(PoolTimeoutError) as ours:
                await fetch_backend_pid(database, ACME)
            assert 0.09 < loop.time() - began < 1
        assert await fetch_backend_pid(database, ACME) == pid
        async with AsyncExitStack() as stack:
            for _ in range(WRITE_CONNECTIONS):
                await stack.enter_async_context(database.engine.connect())
            with pytest.raises(PoolTimeoutError) as the_pools:
                await stack.enter_async_context(database.engine.connect())
        assert classify_error(ours.value) == classify_error(the_pools.value) == ("TIMEOUT", TIMEOUT_MESSAGE)


async def test_where_writers_have_all_of_the_pool_a_reader_is_told_and_others_read_later(database_url: str) -> None:
    async with open_read_database(database_url, acquire_timeout=0.1) as database:
        async with AsyncExitStack() as stack:
            for _ in range(WRITE_CONNECTIONS + 1):
                await stack.enter_async_context(database.engine.connect())
            for _ in range(3):
                with pytest.raises(PoolTimeoutError):
                    await fetch_backend_pid(database, ACME)
        assert database.read_pool._slots_in_use == 0
        await fetch_backend_pid(database, ACME)


async def test_all_who_wait_are_served_in_their_order(database_url: str) -> None:
    served: list[int] = []

    async def read(database: Database, number: int) -> None:
        async with database.read_pool.snapshot(
            ACME if number % 3 else BIRCH, single_statement=number % 2 == 0
        ) as snapshot:
            served.append(number)
            await snapshot.fetch(BACKEND_PID, {})
            if number % 10 == 9:
                raise LookupError  # its connection is dropped, and its place handed on

    async with open_read_database(database_url) as database, asyncio.timeout(20):
        ended = await asyncio.gather(*(read(database, number) for number in range(100)), return_exceptions=True)
        assert [number for number, error in enumerate(ended) if error is not None] == list(range(9, 100, 10))
        assert served == list(range(100))
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (0, 0)


async def test_who_comes_later_does_not_take_the_place_of_who_waits(database_url: str) -> None:
    """A place that comes free is handed on at once: else those who keep coming would take it time and again."""
    order: list[str] = []

    async def read(name: str) -> None:
        async with database.read_pool.snapshot(ACME):
            order.append(name)

    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(ACME) as snapshot:
            waiting = asyncio.ensure_future(read("who waits"))
            await asyncio.sleep(0)
            mark_busy(snapshot)
        await asyncio.wait(database.read_pool._tasks)
        assert not database.read_pool._waiters
        await asyncio.gather(read("who comes"), waiting)
        assert order == ["who waits", "who comes"]


@pytest.mark.parametrize("fails", [False, True], ids=["its connection", "its place"])
async def test_who_stops_waiting_loses_nothing(database_url: str, fails: bool) -> None:
    """Stopped before, while and after it was handed something, by a cancellation or by the clock."""
    async with open_read_database(database_url, acquire_timeout=2) as database:
        for turn in range(30):
            async with database.read_pool.snapshot(ACME, single_statement=True) as snapshot:
                await snapshot.fetch(BACKEND_PID, {})
                stopping = [
                    asyncio.ensure_future(fetch_backend_pid(database, BIRCH, single_statement=True)) for _ in range(3)
                ]
                staying = asyncio.ensure_future(fetch_backend_pid(database, BIRCH, single_statement=True))
                await asyncio.sleep(0)
                if fails:
                    assert snapshot._connection is not None
                    snapshot._connection.driver.terminate()
            for _ in range(turn):
                await asyncio.sleep(0)
            for each in stopping:
                each.cancel()
            async with asyncio.timeout(1):
                await staying
                await asyncio.gather(*stopping, return_exceptions=True)
            await wait_for_background_tasks(database.read_pool)
            assert database.read_pool._slots_in_use == count_checked_out(database) <= 1


async def test_who_is_handed_a_connection_as_the_time_is_over_loses_nothing(database_url: str) -> None:
    async with open_read_database(database_url, acquire_timeout=0.05) as database:
        for late in (-0.002, -0.001, -0.0005, 0.0, 0.0005):
            async with database.read_pool.snapshot(ACME, single_statement=True):
                waiting = [
                    asyncio.ensure_future(fetch_backend_pid(database, ACME, single_statement=True)) for _ in range(5)
                ]
                await asyncio.sleep(0.05 + late)
            await asyncio.gather(*waiting, return_exceptions=True)
            await fetch_backend_pid(database, ACME, single_statement=True)
            assert (count_checked_out(database), database.read_pool._slots_in_use, len(database.read_pool._idle)) == (
                1,
                1,
                1,
            )


# ---------------------------------------------------------------------------------------------- errors, and giving up


@pytest.mark.parametrize("single_statement", BOTH_MODES)
@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, KeyboardInterrupt])
async def test_after_an_error_a_connection_is_not_lent_again(
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
async def test_what_failed_is_not_lent_again_though_nobody_minds(database_url: str, single_statement: bool) -> None:
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await snapshot.fetch(make_statement("SELECT 1 / $1::int", "by"), {"by": 0})
            assert snapshot._connection is not None
            first = snapshot._connection.driver.get_server_pid()
        assert await fetch_backend_pid(database, ACME, single_statement=single_statement) != first


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_a_statement_that_was_given_up_is_called_off(
    database_url: str, owner_url: str, single_statement: bool
) -> None:
    """The server does not notice that nobody listens any more: it would go on, and another session be opened beside."""
    owner = await connect(owner_url)
    async with open_read_database(database_url) as database:
        reading = asyncio.ensure_future(
            fetch(database, ACME, make_statement("SELECT pg_sleep(60)"), single_statement=single_statement)
        )
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        await wait_until(lambda: owner.fetchval(asleep))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await fetch_backend_pid(database, ACME)
        assert await owner.fetchval(asleep) == 0
        assert await count_sessions(owner) == 1
    await owner.close()


def test_who_waits_in_the_next_loop_is_refused_in_time_too(database_url: str) -> None:
    """An engine that was disposed of may begin anew in another loop, whose clock is another."""
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
