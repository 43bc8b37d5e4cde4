"""The engine's pool hands out no lost connections, without a query for each checkout, and sets its settings."""

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


async def checkout_pids(engine: AsyncEngine, *, lost: BaseException | None = None) -> set[int]:
    """Check out three connections at once and return them, the last one as lost if there is an error.

    Returns the process IDs of the sessions that are still open.
    """
    connections = [await engine.connect() for _ in range(3)]
    drivers = [(await connection.get_raw_connection()).driver_connection for connection in connections]
    if lost is not None:
        await connections[-1].invalidate(lost)
    for connection in connections:
        await connection.close()
    return {driver.get_server_pid() for driver in drivers if driver is not None and not driver.is_closed()}


async def test_returned_connections_are_reused(database: Database) -> None:
    first = await checkout_pids(database.engine)
    assert len(first) == 3
    assert await checkout_pids(database.engine) == first


async def test_lost_connection_makes_all_older_ones_unusable(database: Database) -> None:
    """A server may vanish without closing its sockets, so that each connection fails only when it is used."""
    first = await checkout_pids(database.engine, lost=ConnectionResetError())
    second = await checkout_pids(database.engine)
    assert not first & second
    assert await checkout_pids(database.engine) == second


async def test_cancellation_does_not_affect_other_connections(database: Database) -> None:
    remaining = await checkout_pids(database.engine, lost=asyncio.CancelledError())
    assert remaining < await checkout_pids(database.engine)


@pytest.mark.parametrize(
    ("pgbouncer", "session_state"),
    [(False, {"timeout": "1500ms", "named": True}), (True, {"timeout": "0", "named": False})],
)
async def test_settings_apply_to_each_transaction_and_behind_pgbouncer_to_no_session(
    database_url: str, clock: Clock, session_state: dict[str, object], *, pgbouncer: bool
) -> None:
    engine = create_engine(database_url, PoolSettings(size=1, overflow=0, statement_timeout=1.5, pgbouncer=pgbouncer))
    database = Database(engine, pgbouncer=pgbouncer)
    query = text("SELECT current_setting('statement_timeout'), current_setting('jit')")

    async def read_settings(tx: Transaction) -> object:
        return tuple((await tx.session.execute(query)).one())

    assert await database.transact(administrator(), clock, read_settings) == ("1500ms", "off")
    async with database.read(administrator(), clock) as read_session:
        assert tuple((await read_session.session.execute(query)).one()) == ("1500ms", "off")
    async with database.unscoped_session() as session:
        assert tuple((await session.execute(query)).one()) == ("1500ms", "off")
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        row = await driver.fetchrow("""SELECT current_setting('statement_timeout') AS timeout,
            EXISTS (SELECT FROM pg_prepared_statements WHERE statement LIKE '%jit%') AS named""")
    assert dict(row) == session_state
    await engine.dispose()


async def test_overflow_connections_are_closed_after_use(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine(database_url, PoolSettings(size=1, overflow=3))
    database, all_connected = Database(engine), asyncio.Barrier(4)

    async def wait_for_all(_tx: Transaction) -> None:
        await all_connected.wait()

    await asyncio.gather(*(database.transact(administrator(), Clock.at_noon(TODAY), wait_for_all) for _ in range(4)))
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    assert (pool.checkedout(), pool.checkedin()) == (0, 1)
    assert caplog.messages == []
    await engine.dispose()
