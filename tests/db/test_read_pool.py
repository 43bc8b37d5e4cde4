"""ReadPool: one moment for each snapshot, nothing written, and each connection given back as it was."""

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
#: What a session keeps, as the pool gives it and has it back.
KEPT = """SELECT pg_backend_pid() AS pid, current_setting('default_transaction_read_only') AS read_only,
    current_setting('plan_cache_mode') AS plans, coalesce(current_setting('app.tenant', true), '') AS tenant,
    coalesce(current_setting('app.employer', true), '') AS employer,
    coalesce(current_setting('app.employee', true), '') AS employee,
    current_setting('statement_timeout') AS timeout, current_setting('jit') AS jit"""
AS_GIVEN = {
    "read_only": "off",
    "plans": "auto",
    "tenant": "",
    "employer": "",
    "employee": "",
    "timeout": "15s",
    "jit": "off",
}


# ---------------------------------------------------------------------------------------------- what a snapshot sees


async def test_all_of_a_snapshot_is_from_one_moment(database_url: str, database: Database, clock: Clock) -> None:
    await make_employer(database, clock, tenant="acme")
    async with open_read_database(database_url) as reading:
        async with reading.read_pool.snapshot(ACME) as snapshot:
            await make_employer(database, clock, tenant="acme")  # after it began, and before it was asked anything
            assert await snapshot.fetch(EMPLOYERS, {}) == [(1,)]
            await make_employer(database, clock, tenant="acme")
            assert await snapshot.fetch(EMPLOYERS, {}) == [(1,)]
        assert await fetch(reading, ACME, EMPLOYERS) == [(3,)]
        assert await fetch(reading, ACME, EMPLOYERS, single_statement=True) == [(3,)]
        async with reading.read_pool.snapshot(ACME, single_statement=True) as snapshot:
            await make_employer(database, clock, tenant="acme")
            assert await snapshot.fetch(EMPLOYERS, {}) == [(4,)]


@pytest.mark.parametrize("pgbouncer", [False, True])
async def test_a_statement_alone_is_one(database_url: str, pgbouncer: bool) -> None:
    async with open_read_database(database_url, pgbouncer=pgbouncer) as database:
        async with database.read_pool.snapshot(ACME, single_statement=True) as snapshot:
            await snapshot.fetch(EMPLOYERS, {})
            with pytest.raises(RuntimeError, match="over"):
                await snapshot.fetch(EMPLOYERS, {})
        pid = await fetch_backend_pid(database, ACME)
        assert pid == await fetch_backend_pid(database, ACME, single_statement=True)


@pytest.mark.parametrize("pgbouncer", [False, True])
@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_reads_do_not_write(database_url: str, single_statement: bool, pgbouncer: bool) -> None:
    write = make_statement("INSERT INTO tenants (tenant_id, name) VALUES ('acme', 'Acme') RETURNING 1")
    async with open_read_database(database_url, pgbouncer=pgbouncer) as database:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await fetch(database, ACME, write, single_statement=single_statement)


# ------------------------------------------------------------------------------------------------- given and taken


async def test_what_nobody_reads_with_goes_back_as_it_was(
    database_url: str, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await create_people(database, clock)
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.05)
    async with open_read_database(database_url, max_reads=2) as reading:
        async with (
            reading.read_pool.snapshot(ACME, single_statement=True) as one,
            reading.read_pool.snapshot(BIRCH, single_statement=True) as two,
        ):
            pids = {(await snapshot.fetch(BACKEND_PID, {}))[0]["pid"] for snapshot in (one, two)}
        assert count_checked_out(reading) == 2
        for lent in reading.read_pool._idle:
            kept = await lent.driver.fetchrow(KEPT)
            assert (kept["read_only"], kept["plans"], kept["tenant"] in ("acme", "birch")) == (
                "on",
                "force_generic_plan",
                True,
            )
        await asyncio.sleep(0.2)
        assert (count_checked_out(reading), reading.read_pool._idle, reading.read_pool._slots_in_use) == (0, [], 0)
        async with AsyncExitStack() as stack:
            given = [await stack.enter_async_context(reading.engine.connect()) for _ in range(2)]
            rows = [(await connection.execute(text(KEPT))).one()._asdict() for connection in given]
            assert {row.pop("pid") for row in rows} == pids
            assert rows == [AS_GIVEN, AS_GIVEN]
            for connection in given:
                assert (await connection.execute(text(ALL_EMPLOYEE_IDS.text))).all() == []
        await make_employer(reading, clock, tenant="acme")
        assert await fetch_visible_ids(reading, ACME) == world[ACME]


async def test_what_is_read_with_does_not_go_back(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_what_is_lent_for_long_goes_back_even_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.1)
    monkeypatch.setattr(read_pool, "MAX_CHECKOUT_SECONDS", 0.0)
    async with open_read_database(database_url) as database:
        await fetch_backend_pid(database, ACME, single_statement=True)
        await asyncio.sleep(0.05)
        await fetch_backend_pid(database, ACME, single_statement=True)
        assert count_checked_out(database) == 1
        await asyncio.sleep(0.1)
        assert count_checked_out(database) == 0


async def test_a_session_that_can_not_be_reset_does_not_go_back(
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
            row = (await connection.execute(text(KEPT))).one()._asdict()
        assert row.pop("pid") != pid
        assert row == AS_GIVEN


# ---------------------------------------------------------------------------------------------------- the late COMMIT


async def test_a_connection_is_lent_again_once_its_transaction_has_ended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_read_database(database_url) as database, pause_method(monkeypatch, "end_transaction") as go_on:
        first = await fetch_backend_pid(database, ACME)  # nobody waits for its end
        second = asyncio.ensure_future(fetch_backend_pid(database, BIRCH))
        await asyncio.sleep(0.1)
        assert not second.done()
        go_on.set()
        assert await second == first


async def test_where_a_commit_fails_another_connection_is_lent(
    database_url: str, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await connect(owner_url)
    async with open_read_database(database_url) as database:
        async with pause_method(monkeypatch, "end_transaction") as go_on:
            first = await fetch_backend_pid(database, ACME)
            waiting = [asyncio.ensure_future(fetch_backend_pid(database, BIRCH)) for _ in range(3)]
            await asyncio.sleep(0)
            await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", first)
            go_on.set()
            (second,) = set(await asyncio.gather(*waiting))
        assert second != first
        await wait_for_background_tasks(database.read_pool)
        assert (count_checked_out(database), database.read_pool._slots_in_use) == (1, 1)
    await owner.close()


async def test_where_a_commit_hangs_who_waits_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_read_database(database_url, acquire_timeout=0.1) as database:
        async with pause_method(monkeypatch, "end_transaction"):
            pid = await fetch_backend_pid(database, ACME)
            with pytest.raises(PoolTimeoutError):
                await fetch_backend_pid(database, ACME)
        assert await fetch_backend_pid(database, ACME) == pid


# ------------------------------------------------------------------------------------------------------------ the end


async def test_dispose_closes_what_rests_and_what_is_lent_when_it_ends(
    database_url: str, owner_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    owner, before = await connect(owner_url), asyncio.all_tasks()
    async with open_read_database(database_url, max_reads=4) as database:
        async with AsyncExitStack() as stack:
            single_statement = await stack.enter_async_context(database.read_pool.snapshot(ACME, single_statement=True))
            whole = await stack.enter_async_context(database.read_pool.snapshot(ACME))
            async with database.read_pool.snapshot(BIRCH), database.read_pool.snapshot(BIRCH, single_statement=True):
                pass
            await wait_for_background_tasks(database.read_pool)
            assert await count_sessions(owner) == 4
            next_look = database.read_pool._idle_check
            assert next_look is not None
            await database.engine.dispose()
            await wait_for_session_count(owner, 2)
            assert await single_statement.fetch(make_statement("SELECT 1"), {}) == [(1,)]
            assert await whole.fetch(make_statement("SELECT 1"), {}) == [(1,)]
        await wait_for_background_tasks(database.read_pool)
        await wait_for_session_count(owner, 0)
        assert (database.read_pool._slots_in_use, database.read_pool._idle, database.read_pool._idle_check) == (
            0,
            [],
            None,
        )
        assert next_look.cancelled()
        assert asyncio.all_tasks() == before
        # An engine that was disposed of begins anew.
        assert await fetch(database, ACME, make_statement("SELECT 1"), single_statement=True) == [(1,)]
    await wait_for_session_count(owner, 0)
    assert database.read_pool._idle_check is None
    gc.collect()
    assert caplog.messages == []
    await owner.close()


@pytest.mark.parametrize("work", ["end_transaction", "reset", "cancel"])
async def test_dispose_closes_what_is_being_ended(
    database_url: str, owner_url: str, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_pool, "IDLE_CHECK_SECONDS", 0.02)
    owner = await connect(owner_url)
    async with open_read_database(database_url) as database, pause_method(monkeypatch, work) as go_on:
        async with database.read_pool.snapshot(ACME, single_statement=work == "reset") as snapshot:
            await snapshot.fetch(BACKEND_PID, {})
            if work == "cancel":
                mark_busy(snapshot)
        await asyncio.sleep(0.1)
        assert len(database.read_pool._tasks) == 1
        await database.engine.dispose()
        go_on.set()
        await wait_for_background_tasks(database.read_pool)
        await wait_for_session_count(owner, 0)
        assert (database.read_pool._slots_in_use, database.read_pool._idle) == (0, [])
    await owner.close()


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_loop_may_end_at_once(
    database_url: str, owner_url: str, hangs: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody waits for is cancelled with the loop, and leaves no connection and no word behind."""
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


async def test_who_writes_meets_no_reader(database: Database, clock: Clock) -> None:
    """One engine serves both: what readers had is no different from what they never had."""
    await make_employer(database, clock, tenant="acme")
    assert await fetch(database, ACME, EMPLOYERS, single_statement=True) == [(1,)]

    async def story(tx: Transaction) -> Any:
        return await tx.driver.fetchval("SELECT current_setting('transaction_read_only')")

    assert await database.transact(ACME, clock, story) == "off"
    await make_employer(database, clock, tenant="acme")
    assert await fetch(database, ACME, EMPLOYERS, single_statement=True) == [(2,)]
