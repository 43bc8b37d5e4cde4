"""Prepared statements: compiled once, prepared once for each connection, and correct after changes of the schema."""

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
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.employers import make_employer
from factories.people import make_employee

FULL, PART = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME
CLASS = Employee.employment_class


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(owner_url)
    yield connection
    await connection.close()


# -------------------------------------------------------------------------------------------------------- compilation


def test_parameters_are_passed_by_name_in_the_order_of_the_text() -> None:
    prepared = PreparedStatement("SELECT $1, $2, $3", ("b", "a", "c"), {"c": 3})
    assert prepared.values({"a": 1, "b": 2, "z": 9}) == [2, 1, 3]
    assert prepared.values({"a": 1, "b": 2, "c": 9}) == [2, 1, 3]  # fixed values can't be replaced
    with pytest.raises(KeyError):
        prepared.values({"a": 1})


def test_fixed_values_are_converted_as_their_types_store_them() -> None:
    prepared = prepare_statement(
        select(Employee.id).where(CLASS == FULL, Employee.id == bindparam("id"), Employee.email == "e")
    )
    assert prepared.names == ("employment_class_1", "id", "email_1")
    assert prepared.fixed == {"employment_class_1": "FULL_TIME", "email_1": "e"}
    assert [type(value) for value in prepared.fixed.values()] == [str, str]
    assert prepared.values({"id": "empl_1"}) == ["FULL_TIME", "empl_1", "e"]
    with_list = prepare_statement(select(Employee.id).where(CLASS.in_([FULL, PART]), Employee.id == bindparam("id")))
    assert sorted(with_list.names) == ["employment_class_1_1", "employment_class_1_2", "id"]
    assert [(type(value), value) for value in with_list.fixed.values()] == [(str, "FULL_TIME"), (str, "PART_TIME")]
    assert "$1" in prepared.text
    assert "FULL" not in prepared.text


def test_fixed_value_can_be_null() -> None:
    prepared = prepare_statement(select(literal(None).label("nothing")))
    assert prepared.values({}) == [None]


def test_expanding_parameter_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"^a list must be one bind parameter: use = ANY \(…\), not IN \(…\)$"):
        prepare_statement(select(Employee.id).where(CLASS.in_(bindparam("classes", expanding=True))))


def test_parameter_with_the_name_of_a_fixed_value_is_rejected() -> None:
    with pytest.raises(CompileError, match="conflicts"):
        prepare_statement(select(Employee.id).where(Employee.email == "e", Employee.id == bindparam("email_1")))


def test_scope_shape_holds_limits_of_the_viewer_whether_the_day_is_fixed_and_the_right_to_keys() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    fixed_clock, clock = Clock(now, TODAY), Clock(now)
    assert ScopeShape.of(ACME, clock) == ScopeShape(
        of_employer=False, of_employee=False, on_fixed_day=False, administers_keys=True
    )
    assert ScopeShape.of(service_viewer("acme"), clock) == ScopeShape(
        of_employer=False, of_employee=False, on_fixed_day=False
    )
    assert ScopeShape.of(employer_viewer("empr_1"), fixed_clock) == ScopeShape(
        of_employer=True, of_employee=False, on_fixed_day=True
    )
    assert ScopeShape.of(employee_viewer("empr_1", "empl_2"), clock) == ScopeShape(
        of_employer=True, of_employee=True, on_fixed_day=False
    )
    assert scope_parameters(employee_viewer("empr_1", "empl_2", "acme"), fixed_clock) == {
        "viewer_tenant": "acme",
        "viewer_employer": "empr_1",
        "viewer_employee": "empl_2",
        "clock_now": now,
        "clock_day": TODAY,
    }


@pytest.mark.parametrize("limits", [(None, None), ("empr_1", None), ("empr_1", "empl_2")])
@pytest.mark.parametrize("day", [None, TODAY])
def test_template_scope_takes_the_scope_parameters(limits: tuple[str | None, str | None], day: date | None) -> None:
    scope = ScopeShape(limits[0] is not None, limits[1] is not None, day is not None).template_scope()
    fields: list[Any] = [scope.tenant_id, scope.employer_id, scope.employee_id, scope.now, scope.fixed_on]
    prepared = prepare_statement(select(*(value for value in fields if value is not None)))
    parameters = scope_parameters(
        administrator("acme") if limits[0] is None else employee_viewer(limits[0], limits[1] or "", "acme"),
        Clock(datetime(2026, 11, 20, tzinfo=UTC), day),
    )
    expected = [
        "acme",
        *(limit for limit in limits if limit),
        datetime(2026, 11, 20, tzinfo=UTC),
        *([day] if day else []),
    ]
    assert prepared.values(parameters) == expected


# ---------------------------------------------------------------------------------------------------------- execution


@pytest.mark.parametrize("pgbouncer", [False, True])
@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_statement_returns_the_rows_that_its_parameters_select(
    database_url: str, database: Database, clock: Clock, single_statement: bool, pgbouncer: bool
) -> None:
    employer = await make_employer(database, clock, tenant="acme")
    id_by_class = {
        item: await make_employee(database, clock, employer=employer, tenant="acme", employment_class=item)
        for item in (FULL, PART, EmploymentClass.TEMPORARY)
    }
    ids: Select[Any] = select(Employee.id).order_by(Employee.id)
    classes = ARRAY(CLASS.type)
    cases: list[tuple[Select[Any], dict[str, Any], list[EmploymentClass]]] = [
        (ids.where(CLASS == FULL), {}, [FULL]),
        (ids.where(bindparam("class") == CLASS), {"class": "PART_TIME"}, [PART]),
        (ids.where(CLASS.in_([FULL, PART]), Employee.tenant_id == bindparam("id")), {"id": "acme"}, [FULL, PART]),
        (ids.where(CLASS.in_([])), {}, []),
        (ids.where(any_(bindparam("classes", [PART, FULL], type_=classes)) == CLASS), {}, [FULL, PART]),
        (ids.where(any_(bindparam("classes", type_=classes)) == CLASS), {"classes": ["PART_TIME"]}, [PART]),
        (ids.where(Employee.id == any_(bindparam("ids", type_=ARRAY(Text)))), {"ids": [id_by_class[FULL]]}, [FULL]),
        (ids.limit(1), {}, [FULL]),
    ]
    async with open_read_database(database_url, pgbouncer=pgbouncer) as read_database:
        for _ in range(2):
            for select_ids, parameters, expected in cases:
                rows = await fetch(
                    read_database, ACME, prepare_statement(select_ids), parameters, single_statement=single_statement
                )
                assert [row["id"] for row in rows] == [id_by_class[item] for item in expected]


# -------------------------------------------------------------------------------------------------------- preparation


async def _prepared_texts(database: Database) -> list[str]:
    """Return the statements that the only idle connection keeps prepared, oldest first."""
    await wait_for_background_tasks(database.read_pool)
    (connection,) = database.read_pool._idle
    rows = await _fetch_unnamed(connection.driver, "SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
    # SQLAlchemy keeps some statements of its own, in lower case, from its first connection to the server.
    return [row["statement"] for row in rows if row["statement"].startswith("SELECT")]


async def test_statement_is_prepared_once_for_each_connection(
    database_url: str, database: Database, clock: Clock
) -> None:
    visible_ids = await create_people(database, clock)
    async with open_read_database(database_url) as read_database:
        for viewer in visible_ids:
            for single_statement in BOTH_MODES:
                assert (
                    await fetch_visible_ids(read_database, viewer, single_statement=single_statement)
                    == visible_ids[viewer]
                )
        assert await _prepared_texts(read_database) == [ALL_EMPLOYEE_IDS.text]


async def test_connection_keeps_the_most_recently_used_statements(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_connection, "MAX_PREPARED_STATEMENTS", 2)
    texts = [f"SELECT {number}" for number in range(3)]
    one, two, three = map(make_statement, texts)
    async with open_read_database(database_url) as database:
        for statement, value in ((one, 0), (two, 1), (one, 0), (three, 2), (one, 0)):
            assert await fetch(database, ACME, statement, single_statement=True) == [(value,)]
        # The driver closes a dropped statement when it prepares the next one.
        assert await _prepared_texts(database) == [texts[0], texts[2]]
        assert await fetch(database, ACME, two, single_statement=True) == [(1,)]
        assert await _prepared_texts(database) == [texts[0], texts[1]]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_statement_that_cannot_be_prepared_leaves_no_lock(
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
async def test_parameters_that_cannot_be_encoded_leave_no_lock(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    """The statement is prepared by then, in a transaction that has not ended, so no other one could begin."""
    statement = make_statement("SELECT id FROM employees WHERE date_of_birth = $1", "born")
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with database.read_pool.snapshot(ACME, single_statement=single_statement) as snapshot:
            with pytest.raises(asyncpg.DataError):
                await snapshot.fetch(statement, {"born": "no date"})
            assert "employees" in await _locks(owner)
        assert await fetch_backend_pid(database, ACME) != first
        await wait_for_background_tasks(database.read_pool)
        assert await _locks(owner) == []
        assert count_checked_out(database) == 1


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_read_cancelled_during_preparation_leaves_no_lock(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    count_waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with open_read_database(database_url) as database:
        first = await fetch_backend_pid(database, ACME, single_statement=single_statement)
        async with owner.transaction():
            await owner.execute("LOCK TABLE employees")
            read_task = asyncio.ensure_future(fetch_visible_ids(database, ACME, single_statement=single_statement))
            await wait_until(lambda: owner.fetchval(count_waiting))
            read_task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read_task
            assert await fetch_backend_pid(database, ACME) != first
            await wait_for_background_tasks(database.read_pool)
            assert await owner.fetchval(count_waiting) == 0
        assert await fetch_visible_ids(database, ACME, single_statement=single_statement) == []
        await wait_for_background_tasks(database.read_pool)
        assert await _locks(owner) == []


async def _locks(owner: asyncpg.Connection) -> list[str]:
    """Return the tables in the schema `public` that other sessions have locked or wait for."""
    rows = await owner.fetch("""SELECT DISTINCT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE pid <> pg_backend_pid() AND relkind = 'r' AND relnamespace = 'public'::regnamespace""")
    return [row["relname"] for row in rows]


# ----------------------------------------------------------------------------------------------- changes of the schema


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_prepared_statements_survive_changes_of_other_columns(
    database_url: str, database: Database, clock: Clock, owner: asyncpg.Connection, single_statement: bool
) -> None:
    """A migration makes such changes while the gateway is running."""
    visible_ids = await create_people(database, clock)
    all_columns = prepare_statement(select(*Employee.__table__.c).order_by(Employee.id))
    async with open_read_database(database_url) as read_database:
        before = await fetch(read_database, ACME, all_columns, single_statement=single_statement)
        pid = await fetch_backend_pid(read_database, ACME, single_statement=single_statement)
        prepared = await _prepared_texts(read_database)
        for change in (
            "ADD COLUMN shoe_size int NOT NULL DEFAULT 7",
            "ADD CONSTRAINT sized CHECK (shoe_size > 0)",
            "ALTER COLUMN shoe_size TYPE bigint",
            "DROP COLUMN shoe_size",
        ):
            await owner.execute(f"ALTER TABLE employees {change}")
            assert await fetch(read_database, ACME, all_columns, single_statement=single_statement) == before
            assert (
                await fetch_visible_ids(read_database, BIRCH, single_statement=single_statement) == visible_ids[BIRCH]
            )
        await owner.execute("CREATE INDEX by_hire ON employees (tenant_id, hired_on)")
        await owner.execute("ANALYZE employees")
        assert await fetch(read_database, ACME, all_columns, single_statement=single_statement) == before
        assert await fetch_backend_pid(read_database, ACME, single_statement=single_statement) == pid
        assert set(prepared) < set(await _prepared_texts(read_database))
    assert len(before) == len(visible_ids[ACME])


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_changed_type_of_a_column_fails_one_read_for_each_connection(
    database_url: str, owner: asyncpg.Connection, single_statement: bool
) -> None:
    """No migration makes such a change while a gateway is running. If one did, the next read would succeed."""
    select_names = make_statement("SELECT name FROM tenants")
    async with open_read_database(database_url) as database:
        assert await fetch(database, ACME, select_names, single_statement=single_statement) == []
        await owner.execute("ALTER TABLE tenants ALTER COLUMN name TYPE varchar(999)")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            await fetch(database, ACME, select_names, single_statement=single_statement)
        assert await fetch(database, ACME, select_names, single_statement=single_statement) == []


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_changed_policy_applies_to_prepared_statements(
    database_url: str, database: Database, clock: Clock, owner: asyncpg.Connection, single_statement: bool
) -> None:
    visible_ids = await create_people(database, clock)
    async with open_read_database(database_url) as read_database:
        assert await fetch_visible_ids(read_database, ACME, single_statement=single_statement) == visible_ids[ACME]
        await owner.execute("CREATE POLICY nobody ON employees AS RESTRICTIVE USING (false)")
        assert await fetch_visible_ids(read_database, ACME, single_statement=single_statement) == []


# ------------------------------------------------------------------------------------------------- behind PgBouncer

CURRENT_SETTINGS = make_statement("""SELECT current_setting('transaction_read_only') AS read_only,
    current_setting('transaction_isolation') AS isolation, current_setting('app.tenant') AS tenant,
    current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock_timeout""")
COUNT_ITSELF = make_statement("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT count%'")
SESSION_SETTINGS = """SELECT current_setting('default_transaction_read_only'), current_setting('plan_cache_mode'),
    coalesce(current_setting('app.tenant', true), ''), current_setting('statement_timeout')"""


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_behind_pgbouncer_no_state_remains_in_the_session(
    database_url: str, single_statement: bool, cached: bool
) -> None:
    """Each read sets its own transaction, settings and rights, even if the driver would name its statements."""
    timeouts: dict[str, Any] = {"statement_timeout": 1.5, "lock_timeout": 0.7}
    async with open_read_database(database_url, pgbouncer=not cached, **timeouts) as opened_database:
        database = Database(opened_database.engine, pgbouncer=True)
        for _ in range(2):
            ((*transaction, timeout, lock_timeout),) = await fetch(
                database, ACME, CURRENT_SETTINGS, single_statement=single_statement
            )
            assert transaction == ["on", "repeatable read", "acme"]
            assert (timeout, lock_timeout) == ("1500ms", "700ms")
            assert await fetch(database, ACME, COUNT_ITSELF, single_statement=single_statement) == [(0,)]
        assert await _prepared_texts(database) == []
        (connection,) = database.read_pool._idle
        assert (connection.rights, connection.statements) == (None, {})
        (settings,) = await _fetch_unnamed(connection.driver, SESSION_SETTINGS)
        assert tuple(settings) == ("off", "auto", "", "1500ms" if cached else "0")


async def _fetch_unnamed(driver: Any, text: str) -> list[asyncpg.Record]:
    """Execute a statement without leaving a prepared statement in the session."""
    unnamed = await driver.prepare(text, name="")
    rows: list[asyncpg.Record] = await unnamed.fetch()
    return rows
