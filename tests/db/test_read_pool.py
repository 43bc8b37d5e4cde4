"""The read pool: snapshots are consistent, reads can't write, and connections return to the engine unchanged."""

import asyncio
import gc
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from read_pool_helpers import (
    ACME,
    ALL_EMPLOYEE_IDS,
    BACKEND_PID,
    BIRCH,
    BOTH_MODES,
    TIMEOUT_SECONDS,
    WRITE_CONNECTIONS,
    count_checked_out,
    count_sessions,
    create_people,
    fetch,
    fetch_backend_pid,
    fetch_visible_ids,
    make_statement,
    mark_busy,
    open_read_database,
    pause_method,
    wait_for_background_tasks,
    wait_for_session_count,
)
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from benegraph.db import read_pool
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.read_connection import ReadConnection
from benegraph.db.session import Database, Transaction
from benegraph.domain.values import Clock
from conftest import connect
from factories.employers import make_employer

EMPLOYERS = make_statement("SELECT count(*) FROM employers")
#: The settings of a session; they must be the same before and after the read pool has used it.
SESSION_STATE = """SELECT pg_backend_pid() AS pid, current_setting('default_transaction_read_only') AS read_only,
    current_setting('plan_cache_mode') AS plans, coalesce(current_setting('app.tenant', true), '') AS tenant,
    coalesce(current_setting('app.employer', true), '') AS employer,
    coalesce(current_setting('app.employee', true), '') AS employee,
    current_setting('statement_timeout') AS timeout, current_setting('jit') AS jit"""
INITIAL_STATE = {
    "read_only": "off",
    "plans": "auto",
    "tenant": "",
    "employer": "",
    "employee": "",
    "timeout": "15s",
    "jit": "off",
}


# ---------------------------------------------------------------------------------------------------------- snapshots


async def test_snapshot_sees_the_data_as_of_its_beginning(database_url: str, database: Database, clock: Clock) -> None:
    await make_employer(database, clock, tenant="acme")
    async with open_read_database(database_url) as read_database:
        async with read_database.read_pool.snapshot(ACME) as snapshot:
            await make_employer(
                database, clock, tenant="acme"
            )  # after the snapshot's beginning and before its first statement
            assert await snapshot.fetch(EMPLOYERS, {}) == [(1,)]
            await make_employer(database, clock, tenant="acme")
            assert await snapshot.fetch(EMPLOYERS, {}) == [(1,)]
        assert await fetch(read_database, ACME, EMPLOYERS) == [(3,)]
        assert await fetch(read_database, ACME, EMPLOYERS, single_statement=True) == [(3,)]
        async with read_database.read_pool.snapshot(ACME, single_statement=True) as snapshot:
            await make_employer(database, clock, tenant="acme")
            assert await snapshot.fetch(EMPLOYERS, {}) == [(4,)]


@pytest.mark.parametrize("pgbouncer", [False, True])
async def test_single_statement_snapshot_executes_one_statement_only(database_url: str, pgbouncer: bool) -> None:
    async with open_read_database(database_url, pgbouncer=pgbouncer) as database:
        async with database.read_pool.snapshot(ACME, single_statement=True) as snapshot:
            await snapshot.fetch(EMPLOYERS, {})
            with pytest.raises(RuntimeError, match=r"This snapshot is over: .* its single statement was executed\."):
                await snapshot.fetch(EMPLOYERS, {})
        pid = await fetch_backend_pid(database, ACME)
        assert pid == await fetch_backend_pid(database, ACME, single_statement=True)


@pytest.mark.parametrize("pgbouncer", [False, True])
@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_reads_cannot_write(database_url: str, single_statement: bool, pgbouncer: bool) -> None:
    write = make_statement("INSERT INTO tenants (tenant_id, name) VALUES ('acme', 'Acme') RETURNING 1")
    async with open_read_database(database_url, pgbouncer=pgbouncer) as database:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await fetch(database, ACME, write, single_statement=single_statement)


# --------------------------------------------------------------------------------------- return to the engine's pool


async def test_idle_connections_return_to_the_engine_with_their_initial_state(
    database_url: str, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    visible_ids = await create_people(database, clock)
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.05)
    async with open_read_database(database_url, max_reads=2) as read_database:
        async with (
            read_database.read_pool.snapshot(ACME, single_statement=True) as one,
            read_database.read_pool.snapshot(BIRCH, single_statement=True) as two,
        ):
            pids = {(await snapshot.fetch(BACKEND_PID, {}))[0]["pid"] for snapshot in (one, two)}
        assert count_checked_out(read_database) == 2
        for connection in read_database.read_pool._idle:
            state = await connection.driver.fetchrow(SESSION_STATE)
            assert (state["read_only"], state["plans"], state["tenant"] in ("acme", "birch")) == (
                "on",
                "force_generic_plan",
                True,
            )
        await asyncio.sleep(0.2)
        assert (
            count_checked_out(read_database),
            read_database.read_pool._idle,
            read_database.read_pool._slots_in_use,
        ) == (0, [], 0)
        async with AsyncExitStack() as stack:
            connections = [await stack.enter_async_context(read_database.engine.connect()) for _ in range(2)]
            rows = [(await item.execute(text(SESSION_STATE))).one()._asdict() for item in connections]
            assert {row.pop("pid") for row in rows} == pids
            assert rows == [INITIAL_STATE, INITIAL_STATE]
            for engine_connection in connections:
                assert (await engine_connection.execute(text(ALL_EMPLOYEE_IDS.text))).all() == []
        await make_employer(read_database, clock, tenant="acme")
        assert await fetch_visible_ids(read_database, ACME) == visible_ids[ACME]


async def test_connection_in_use_stays_in_the_read_pool(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.1)
    async with open_read_database(database_url, max_reads=2) as database:
        async with database.read_pool.snapshot(ACME) as one, database.read_pool.snapshot(ACME) as two:
            await one.fetch(BACKEND_PID, {})
            await two.fetch(BACKEND_PID, {})
        pids = set()
        for _ in range(50):
            pids.add(await fetch_backend_pid(database, ACME, single_statement=True))
            await asyncio.sleep(0.01)
        assert len(pids) == 1
        assert count_checked_out(database) == 1


async def test_connection_in_use_returns_after_the_maximum_checkout_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.1)
    monkeypatch.setattr(read_pool, "MAX_CHECKOUT_SECONDS", 0.0)
    async with open_read_database(database_url) as database:
        await fetch_backend_pid(database, ACME, single_statement=True)
        await asyncio.sleep(0.05)
        await fetch_backend_pid(database, ACME, single_statement=True)
        assert count_checked_out(database) == 1
        await asyncio.sleep(0.1)
        assert count_checked_out(database) == 0


async def test_connection_that_cannot_be_reset_is_discarded(
    database_url: str, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.05)
    async with open_read_database(database_url) as database:
        async with pause_method(monkeypatch, "reset"):
            pid = await fetch_backend_pid(database, ACME, single_statement=True)
            await asyncio.sleep(0.15)
            owner = await connect(owner_url)
            await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            await owner.close()
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (0, 0)
        async with database.engine.connect() as connection:
            row = (await connection.execute(text(SESSION_STATE))).one()._asdict()
        assert row.pop("pid") != pid
        assert row == INITIAL_STATE


# ------------------------------------------------------------------------------------------------------- slow COMMIT


async def test_connection_is_reused_only_after_its_transaction_has_ended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_read_database(database_url) as database, pause_method(monkeypatch, "end_transaction") as resume:
        first = await fetch_backend_pid(database, ACME)  # its transaction ends in the background
        second = asyncio.ensure_future(fetch_backend_pid(database, BIRCH))
        await asyncio.sleep(0.1)
        assert not second.done()
        resume.set()
        assert await second == first


async def test_failed_commit_makes_waiters_use_another_connection(
    database_url: str, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await connect(owner_url)
    async with open_read_database(database_url) as database:
        async with pause_method(monkeypatch, "end_transaction") as resume:
            first = await fetch_backend_pid(database, ACME)
            waiting = [asyncio.ensure_future(fetch_backend_pid(database, BIRCH)) for _ in range(3)]
            await asyncio.sleep(0)
            await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", first)
            resume.set()
            (second,) = set(await asyncio.gather(*waiting))
        assert second != first
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (1, 1)
    await owner.close()


async def test_hanging_commit_makes_waiters_time_out(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_read_database(database_url, acquire_timeout=0.1) as database:
        async with pause_method(monkeypatch, "end_transaction"):
            pid = await fetch_backend_pid(database, ACME)
            with pytest.raises(PoolTimeoutError):
                await fetch_backend_pid(database, ACME)
        assert await fetch_backend_pid(database, ACME) == pid


# ------------------------------------------------------------------------------------------------------------ dispose


async def test_dispose_closes_idle_connections_at_once_and_used_ones_on_release(
    database_url: str, owner_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    owner, before = await connect(owner_url), asyncio.all_tasks()
    async with open_read_database(database_url, max_reads=4) as database:
        async with AsyncExitStack() as stack:
            single = await stack.enter_async_context(database.read_pool.snapshot(ACME, single_statement=True))
            transaction = await stack.enter_async_context(database.read_pool.snapshot(ACME))
            async with database.read_pool.snapshot(BIRCH), database.read_pool.snapshot(BIRCH, single_statement=True):
                pass
            await wait_for_background_tasks(database.read_pool)
            assert await count_sessions(owner) == 4
            idle_check = database.read_pool._idle_check
            assert idle_check is not None
            await database.engine.dispose()
            await wait_for_session_count(owner, 2)
            assert await single.fetch(make_statement("SELECT 1"), {}) == [(1,)]
            assert await transaction.fetch(make_statement("SELECT 1"), {}) == [(1,)]
        await wait_for_background_tasks(database.read_pool)
        await wait_for_session_count(owner, 0)
        assert (database.read_pool._slots_in_use, database.read_pool._idle, database.read_pool._idle_check) == (
            0,
            [],
            None,
        )
        assert idle_check.cancelled()
        assert asyncio.all_tasks() == before
        # A disposed engine can be used again.
        assert await fetch(database, ACME, make_statement("SELECT 1"), single_statement=True) == [(1,)]
    await wait_for_session_count(owner, 0)
    assert database.read_pool._idle_check is None
    gc.collect()
    assert caplog.messages == []
    await owner.close()


@pytest.mark.parametrize("work", ["end_transaction", "reset", "cancel"])
async def test_dispose_closes_connections_of_background_tasks(
    database_url: str, owner_url: str, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.02)
    owner = await connect(owner_url)
    async with open_read_database(database_url) as database, pause_method(monkeypatch, work) as resume:
        async with database.read_pool.snapshot(ACME, single_statement=work == "reset") as snapshot:
            await snapshot.fetch(BACKEND_PID, {})
            if work == "cancel":
                mark_busy(snapshot)
        await asyncio.sleep(0.1)
        assert len(database.read_pool._tasks) == 1
        await database.engine.dispose()
        resume.set()
        await wait_for_background_tasks(database.read_pool)
        await wait_for_session_count(owner, 0)
        assert (database.read_pool._slots_in_use, database.read_pool._idle) == (0, [])
    await owner.close()


@pytest.mark.parametrize("hangs", [True, False])
async def test_event_loop_can_end_while_background_tasks_run(
    database_url: str, owner_url: str, hangs: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Background tasks are cancelled with the loop, and leave neither a connection nor a log message."""
    owner = await connect(owner_url)
    if hangs:
        for work in ("end_transaction", "cancel"):
            monkeypatch.setattr(ReadConnection, work, lambda _: asyncio.sleep(TIMEOUT_SECONDS))

    async def read() -> None:
        engine = create_engine(database_url, PoolSettings(size=WRITE_CONNECTIONS + 2))
        database = Database(engine)
        async with database.read_pool.snapshot(ACME) as one, database.read_pool.snapshot(ACME) as other:
            await one.fetch(BACKEND_PID, {})
            mark_busy(other)
        assert len(database.read_pool._tasks) == 2
        await engine.dispose()

    await asyncio.to_thread(asyncio.run, read())
    gc.collect()
    await wait_for_session_count(owner, 0)
    assert caplog.messages == []
    await owner.close()


async def test_writes_are_unaffected_by_earlier_reads_of_the_same_engine(database: Database, clock: Clock) -> None:
    await make_employer(database, clock, tenant="acme")
    assert await fetch(database, ACME, EMPLOYERS, single_statement=True) == [(1,)]

    async def read_only_setting(tx: Transaction) -> Any:
        return await tx.driver.fetchval("SELECT current_setting('transaction_read_only')")

    assert await database.transact(ACME, clock, read_only_setting) == "off"
    await make_employer(database, clock, tenant="acme")
    assert await fetch(database, ACME, EMPLOYERS, single_statement=True) == [(2,)]
