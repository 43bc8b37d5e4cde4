"""Statements: compiled once, prepared once a connection, filled by names; what changes beneath them is no surprise."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from read_pool_helpers import (
    ACME,
    ALL_EMPLOYEE_IDS,
    BIRCH,
    BOTH_MODES,
    count_checked_out,
    create_people,
    fetch,
    fetch_backend_pid,
    fetch_visible_ids,
    make_statement,
    open_read_database,
    wait_for_background_tasks,
    wait_until,
)
from sqlalchemy import ARRAY, Select, Text, any_, bindparam, literal, select
from sqlalchemy.exc import CompileError

from benegraph.db import read_connection
from benegraph.db.models import Employee
from benegraph.db.prepared_statements import PreparedStatement, prepare_statement
from benegraph.db.query_scope import ScopeShape, scope_parameters
from benegraph.db.session import Database
from benegraph.domain.people import EmploymentClass
from benegraph.domain.values import Clock
from conftest import TODAY, connect
from factories.access import administrator, employee_viewer, employer_viewer
from factories.employers import make_employer
from factories.people import make_employee

FULL, PART = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME
CLASS = Employee.employment_class


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(owner_url)
    yield connection
    await connection.close()


# ------------------------------------------------------------------------------------------------------ compiled once


def test_places_are_filled_by_their_names_in_their_order() -> None:
    prepared = PreparedStatement("SELECT $1, $2, $3", ("b", "a", "c"), {"c": 3})
    assert prepared.values({"a": 1, "b": 2, "z": 9}) == [2, 1, 3]
    assert prepared.values({"a": 1, "b": 2, "c": 9}) == [2, 1, 3]  # what is the same in every use is
    with pytest.raises(KeyError):
        prepared.values({"a": 1})


def test_fixed_values_are_written_as_their_types_store_them() -> None:
    prepared = prepare_statement(
        select(Employee.id).where(CLASS == FULL, Employee.id == bindparam("id"), Employee.email == "e")
    )
    assert prepared.names == ("employment_class_1", "id", "email_1")
    assert prepared.fixed == {"employment_class_1": "FULL_TIME", "email_1": "e"}
    assert [type(value) for value in prepared.fixed.values()] == [str, str]
    assert prepared.values({"id": "empl_1"}) == ["FULL_TIME", "empl_1", "e"]
    listed = prepare_statement(select(Employee.id).where(CLASS.in_([FULL, PART]), Employee.id == bindparam("id")))
    assert sorted(listed.names) == ["employment_class_1_1", "employment_class_1_2", "id"]
    assert [(type(value), value) for value in listed.fixed.values()] == [(str, "FULL_TIME"), (str, "PART_TIME")]
    assert "$1" in prepared.text
    assert "FULL" not in prepared.text


def test_a_place_of_no_fixed_value_may_be_null() -> None:
    prepared = prepare_statement(select(literal(None).label("nothing")))
    assert prepared.values({}) == [None]


def test_a_list_of_any_length_is_refused_as_a_place() -> None:
    with pytest.raises(ValueError, match="one bind parameter"):
        prepare_statement(select(Employee.id).where(CLASS.in_(bindparam("classes", expanding=True))))


def test_a_place_is_not_named_as_a_fixed_value_is() -> None:
    with pytest.raises(CompileError, match="conflicts"):
        prepare_statement(select(Employee.id).where(Employee.email == "e", Employee.id == bindparam("email_1")))


def test_a_manner_says_what_of_viewer_and_clock_decides_the_text() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    fixed, running = Clock(now, TODAY), Clock(now)
    assert ScopeShape.of(ACME, running) == ScopeShape(of_employer=False, of_employee=False, on_fixed_day=False)
    assert ScopeShape.of(employer_viewer("empr_1"), fixed) == ScopeShape(
        of_employer=True, of_employee=False, on_fixed_day=True
    )
    assert ScopeShape.of(employee_viewer("empr_1", "empl_2"), running) == ScopeShape(
        of_employer=True, of_employee=True, on_fixed_day=False
    )
    assert scope_parameters(employee_viewer("empr_1", "empl_2", "acme"), fixed) == {
        "viewer_tenant": "acme",
        "viewer_employer": "empr_1",
        "viewer_employee": "empl_2",
        "clock_now": now,
        "clock_day": TODAY,
    }


@pytest.mark.parametrize("limits", [(None, None), ("empr_1", None), ("empr_1", "empl_2")])
@pytest.mark.parametrize("day", [None, TODAY])
def test_what_a_manner_leaves_open_is_what_the_scope_fills(
    limits: tuple[str | None, str | None], day: date | None
) -> None:
    scope = ScopeShape(limits[0] is not None, limits[1] is not None, day is not None).template_scope()
    places: list[Any] = [scope.tenant_id, scope.employer_id, scope.employee_id, scope.now, scope.fixed_on]
    prepared = prepare_statement(select(*(place for place in places if place is not None)))
    given = scope_parameters(
        administrator("acme") if limits[0] is None else employee_viewer(limits[0], limits[1] or "", "acme"),
        Clock(datetime(2026, 11, 20, tzinfo=UTC), day),
    )
    known = ["acme", *(limit for limit in limits if limit), datetime(2026, 11, 20, tzinfo=UTC), *([day] if day else [])]
    assert prepared.values(given) == known


# --------------------------------------------------------------------------------------------------- what is fetched


@pytest.mark.parametrize("pgbouncer", [False, True])
@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_a_statement_finds_what_its_values_ask_for(
    database_url: str, database: Database, clock: Clock, single_statement: bool, pgbouncer: bool
) -> None:
    employer = await make_employer(database, clock, tenant="acme")
    made = {
        kind: await make_employee(database, clock, employer=employer, tenant="acme", employment_class=kind)
        for kind in (FULL, PART, EmploymentClass.TEMPORARY)
    }
    ids: Select[Any] = select(Employee.id).order_by(Employee.id)
    kinds = ARRAY(CLASS.type)
    asked: list[tuple[Select[Any], dict[str, Any], list[EmploymentClass]]] = [
        (ids.where(CLASS == FULL), {}, [FULL]),
        (ids.where(bindparam("kind") == CLASS), {"kind": "PART_TIME"}, [PART]),
        (ids.where(CLASS.in_([FULL, PART]), Employee.tenant_id == bindparam("id")), {"id": "acme"}, [FULL, PART]),
        (ids.where(CLASS.in_([])), {}, []),
        (ids.where(any_(bindparam("kinds", [PART, FULL], type_=kinds)) == CLASS), {}, [FULL, PART]),
        (ids.where(any_(bindparam("kinds", type_=kinds)) == CLASS), {"kinds": ["PART_TIME"]}, [PART]),
        (ids.where(Employee.id == any_(bindparam("ids", type_=ARRAY(Text)))), {"ids": [made[FULL]]}, [FULL]),
        (ids.limit(1), {}, [FULL]),
    ]
    async with open_read_database(database_url, pgbouncer=pgbouncer) as reading:
        for _ in range(2):
            for wanted, given, found in asked:
                rows = await fetch(reading, ACME, prepare_statement(wanted), given, single_statement=single_statement)
                assert [row["id"] for row in rows] == [made[kind] for kind in found]


# ---------------------------------------------------------------------------------------------------- prepared once


async def _prepared(database: Database) -> list[str]:
    """Give the statements that the one connection which rests keeps prepared."""
    await wait_for_background_tasks(database.read_pool)
    (rests,) = database.read_pool._idle
    rows = await _asked(rests.driver, "SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
    # SQLAlchemy keeps some of its own, in small letters, by which it gets to know the server.
    return [row["statement"] for row in rows if row["statement"].startswith("SELECT")]


async def test_a_statement_is_prepared_once_a_connection_whoever_reads(
    database_url: str, database: Database, clock: Clock
) -> None:
    world = await create_people(database, clock)
    async with open_read_database(database_url) as reading:
        for viewer in world:
            for single_statement in BOTH_MODES:
                assert await fetch_visible_ids(reading, viewer, single_statement=single_statement) == world[viewer]
        assert await _prepared(reading) == [ALL_EMPLOYEE_IDS.text]


async def test_a_connection_keeps_the_statements_that_were_used_last(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_connection, "MAX_PREPARED_STATEMENTS", 2)
    texts = [f"SELECT {number}" for number in range(3)]
    one, two, three = map(make_statement, texts)
    async with open_read_database(database_url) as database:
        for wanted, found in ((one, 0), (two, 1), (one, 0), (three, 2), (one, 0)):
            assert await fetch(database, ACME, wanted, single_statement=True) == [(found,)]
        # The driver closes what was let go of as it prepares the next.
        assert await _prepared(database) == [texts[0], texts[2]]
        assert await fetch(database, ACME, two, single_statement=True) == [(1,)]
        assert await _prepared(database) == [texts[0], texts[1]]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_a_statement_that_can_not_be_prepared_leaves_nothing(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            with pytest.raises(asyncpg.UndefinedColumnError):
                await snapshot.fetch(make_statement("SELECT nothing FROM employees"), {})
        assert await fetch_backend_pid(database, ACME) != first
        assert await _locks(owner) == []


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_values_that_can_not_be_sent_leave_no_lock(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    """The statement is prepared by then, and what that began has no end: no transaction could begin there."""
    wanted = make_statement("SELECT id FROM employees WHERE date_of_birth = $1", "born")
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            with pytest.raises(asyncpg.DataError):
                await snapshot.fetch(wanted, {"born": "no day"})
            assert "employees" in await _locks(owner)
        assert await fetch_backend_pid(database, ACME) != first
        await wait_for_background_tasks(database.read_pool)
        assert await _locks(owner) == []
        assert count_checked_out(database) == 1


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_who_gives_up_while_a_statement_is_prepared_leaves_nothing(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with owner.transaction():
            await owner.execute("LOCK TABLE employees")
            reading = asyncio.ensure_future(fetch_visible_ids(database, ACME, single_statement=single_statement))
            await wait_until(lambda: owner.fetchval(waits))
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await fetch_backend_pid(database, ACME) != first
            await wait_for_background_tasks(database.read_pool)
            assert await owner.fetchval(waits) == 0
        assert await fetch_visible_ids(database, ACME, single_statement=single_statement) == []
        await wait_for_background_tasks(database.read_pool)
        assert await _locks(owner) == []


async def _locks(owner: asyncpg.Connection) -> list[str]:
    """Give the tables that somebody reads or waits for, the catalog's and ours alone."""
    rows = await owner.fetch("""SELECT DISTINCT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE pid <> pg_backend_pid() AND relkind = 'r' AND relnamespace = 'public'::regnamespace""")
    return [row["relname"] for row in rows]


# ----------------------------------------------------------------------------------------------- changes of the schema


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_a_column_more_does_not_disturb_what_is_prepared(
    database_url: str, database: Database, clock: Clock, owner: asyncpg.Connection, single_statement: bool
) -> None:
    """As a migration does while the gateway serves."""
    world = await create_people(database, clock)
    wanted = prepare_statement(select(*Employee.__table__.c).order_by(Employee.id))
    async with open_read_database(database_url) as reading:
        before = await fetch(reading, ACME, wanted, single_statement=single_statement)
        pid = await fetch_backend_pid(reading, ACME, single_statement=single_statement)
        prepared = await _prepared(reading)
        for change in (
            "ADD COLUMN shoe_size int NOT NULL DEFAULT 7",
            "ADD CONSTRAINT sized CHECK (shoe_size > 0)",
            "ALTER COLUMN shoe_size TYPE bigint",
            "DROP COLUMN shoe_size",
        ):
            await owner.execute(f"ALTER TABLE employees {change}")
            assert await fetch(reading, ACME, wanted, single_statement=single_statement) == before
            assert await fetch_visible_ids(reading, BIRCH, single_statement=single_statement) == world[BIRCH]
        await owner.execute("CREATE INDEX by_hire ON employees (tenant_id, hired_on)")
        await owner.execute("ANALYZE employees")
        assert await fetch(reading, ACME, wanted, single_statement=single_statement) == before
        assert await fetch_backend_pid(reading, ACME, single_statement=single_statement) == pid
        assert set(prepared) < set(await _prepared(reading))
    assert len(before) == len(world[ACME])


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_a_column_of_another_type_fails_one_read_a_connection_and_no_more(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    """No migration of ours does so while a gateway serves; where one did, it would heal by itself."""
    wanted = make_statement("SELECT name FROM tenants")
    async with open_read_database(database_url) as database:
        assert await fetch(database, ACME, wanted, single_statement=single_statement) == []
        await owner.execute("ALTER TABLE tenants ALTER COLUMN name TYPE varchar(999)")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            await fetch(database, ACME, wanted, single_statement=single_statement)
        assert await fetch(database, ACME, wanted, single_statement=single_statement) == []


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_a_policy_that_changes_is_in_force_for_what_is_prepared(
    database_url: str, database: Database, clock: Clock, owner: asyncpg.Connection, single_statement: bool
) -> None:
    world = await create_people(database, clock)
    async with open_read_database(database_url) as reading:
        assert await fetch_visible_ids(reading, ACME, single_statement=single_statement) == world[ACME]
        await owner.execute("CREATE POLICY nobody ON employees AS RESTRICTIVE USING (false)")
        assert await fetch_visible_ids(reading, ACME, single_statement=single_statement) == []


# ------------------------------------------------------------------------------------------------- behind PgBouncer

IN_FORCE = make_statement("""SELECT current_setting('transaction_read_only') AS read_only,
    current_setting('transaction_isolation') AS isolation, current_setting('app.tenant') AS tenant,
    current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock_timeout""")
ITSELF = make_statement("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT count%'")
LEFT = """SELECT current_setting('default_transaction_read_only'), current_setting('plan_cache_mode'),
    coalesce(current_setting('app.tenant', true), ''), current_setting('statement_timeout')"""


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_where_no_session_is_ours_nothing_stays_in_it(
    database_url: str, single_statement: bool, cached: bool
) -> None:
    """Each read has a transaction, settings and rights of its own; even where the driver would name its statements."""
    limits: dict[str, Any] = {"statement_timeout": 1.5, "lock_timeout": 0.7}
    async with open_read_database(database_url, pgbouncer=not cached, **limits) as opened_database:
        database = Database(opened_database.engine, pgbouncer=True)
        for _ in range(2):
            ((*begun, timeout, lock_timeout),) = await fetch(
                database, ACME, IN_FORCE, single_statement=single_statement
            )
            assert begun == ["on", "repeatable read", "acme"]
            assert (timeout, lock_timeout) == ("1500ms", "700ms")
            assert await fetch(database, ACME, ITSELF, single_statement=single_statement) == [(0,)]
        assert await _prepared(database) == []
        (rests,) = database.read_pool._idle
        assert (rests.rights, rests.statements) == (None, {})
        (left,) = await _asked(rests.driver, LEFT)
        assert tuple(left) == ("off", "auto", "", "1500ms" if cached else "0")


async def _asked(driver: Any, text: str) -> list[asyncpg.Record]:
    """Ask a session something that it does not keep."""
    unnamed = await driver.prepare(text, name="")
    found: list[asyncpg.Record] = await unnamed.fetch()
    return found
