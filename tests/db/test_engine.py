"""Connections of the pool: none is given out that is known to be lost, and nobody is asked for it each time."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.domain.values import Clock
from conftest import TODAY
from factories.access import administrator


async def numbers(engine: AsyncEngine, *, lost: BaseException | None = None) -> set[int]:
    """Take three connections at once and give them back, the last as lost where there is an error; give their ids."""
    taken = [await engine.connect() for _ in range(3)]
    drivers = [(await connection.get_raw_connection()).driver_connection for connection in taken]
    if lost is not None:
        await taken[-1].invalidate(lost)
    for connection in taken:
        await connection.close()
    return {driver.get_server_pid() for driver in drivers if driver is not None and not driver.is_closed()}


async def test_what_is_given_back_is_taken_again(database: Database) -> None:
    first = await numbers(database.engine)
    assert len(first) == 3
    assert await numbers(database.engine) == first


async def test_after_one_was_lost_none_of_its_age_is_given_out(database: Database) -> None:
    """A server may go without a word, so that each connection fails only when it is used."""
    first = await numbers(database.engine, lost=ConnectionResetError())
    second = await numbers(database.engine)
    assert not first & second
    assert await numbers(database.engine) == second


async def test_a_cancellation_says_nothing_of_the_others(database: Database) -> None:
    left = await numbers(database.engine, lost=asyncio.CancelledError())
    assert left < await numbers(database.engine)


@pytest.mark.parametrize(
    ("pgbouncer", "left"), [(False, {"timeout": "1500ms", "named": True}), (True, {"timeout": "0", "named": False})]
)
async def test_settings_hold_in_every_transaction_and_behind_pgbouncer_in_no_session(
    database_url: str, clock: Clock, left: dict[str, object], *, pgbouncer: bool
) -> None:
    engine = create_engine(database_url, PoolSettings(size=1, overflow=0, statement_timeout=1.5, pgbouncer=pgbouncer))
    database = Database(engine, pgbouncer=pgbouncer)
    query = text("SELECT current_setting('statement_timeout'), current_setting('jit')")

    async def story(tx: Transaction) -> object:
        return tuple((await tx.session.execute(query)).one())

    assert await database.transact(administrator(), clock, story) == ("1500ms", "off")
    async with database.read(administrator(), clock) as read_session:
        assert tuple((await read_session.session.execute(query)).one()) == ("1500ms", "off")
    async with database.unscoped_session() as session:
        assert tuple((await session.execute(query)).one()) == ("1500ms", "off")
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        found = await driver.fetchrow("""SELECT current_setting('statement_timeout') AS timeout,
            EXISTS (SELECT FROM pg_prepared_statements WHERE statement LIKE '%jit%') AS named""")
    assert dict(found) == left
    await engine.dispose()


async def test_what_is_opened_beyond_the_pool_is_closed_again(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_engine(database_url, PoolSettings(size=1, overflow=3))
    database, everyone = Database(engine), asyncio.Barrier(4)

    async def story(_tx: Transaction) -> None:
        await everyone.wait()

    await asyncio.gather(*(database.transact(administrator(), Clock.at_noon(TODAY), story) for _ in range(4)))
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    assert (pool.checkedout(), pool.checkedin()) == (0, 1)
    assert caplog.messages == []
    await engine.dispose()
