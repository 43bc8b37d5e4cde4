"""Row-level security alone: the rows of each table that the gateway's role can see and write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import orjson
import pytest

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, KeyLimits, Role
from benegraph.graphql.engine.documents import compute_digest
from benegraph.services.access import issue_key
from benegraph.services.division_moves import move_employee
from benegraph.services.documents import trust
from benegraph.services.enrollments import override_election
from benegraph.services.idempotency import run_idempotent
from conftest import connect
from factories.billing import make_invoice
from factories.coverage import coverage_key, make_contract, make_coverage, make_subscriber
from factories.office import DATES_2026, Office, create_office, enroll

# The columns with the employer and the employee of a row, listed here independently of the migrations.
LIMITS: dict[str, tuple[str | None, str | None]] = {
    "tenants": (None, None),
    "api_keys": ("employer_id", "employee_id"),
    "access_records": ("employer_id", "employee_id"),
    "idempotency_keys": (None, None),
    "persisted_queries": (None, None),
    "benefit_products": (None, None),
    "carrier_plans": (None, None),
    "carrier_plan_rates": (None, None),
    "employers": ("id", None),
    "divisions": ("employer_id", None),
    "plan_years": ("employer_id", None),
    "contribution_classes": ("employer_id", None),
    "plans": ("employer_id", None),
    "plan_rates": ("employer_id", None),
    "employees": ("employer_id", "id"),
    "division_moves": ("employer_id", "employee_id"),
    "dependents": ("employer_id", "employee_id"),
    "life_events": ("employer_id", "employee_id"),
    "enrollments": ("employer_id", "employee_id"),
    "enrolled_dependents": ("employer_id", "employee_id"),
    "election_confirmations": ("employer_id", "employee_id"),
    "confirmed_dependents": ("employer_id", "employee_id"),
    "election_overrides": ("employer_id", None),
    "events": ("employer_id", "employee_id"),
    "group_contracts": ("employer_id", None),
    "subscribers": ("employer_id", "employee_id"),
    "subscriber_enrollments": ("employer_id", "employee_id"),
    "premium_invoices": ("employer_id", None),
    "premium_payments": ("employer_id", None),
}
NOT_FOR_EMPLOYEES = {"divisions", "election_overrides", "premium_invoices", "premium_payments"}
DELETABLE = {
    "api_keys",
    "dependents",
    "division_moves",
    "employees",
    "enrollments",
    "carrier_plan_rates",
    "plan_years",
    "contribution_classes",
    "plans",
    "plan_rates",
    "enrolled_dependents",
    "idempotency_keys",
    "persisted_queries",
    "subscriber_enrollments",
}
NEVER_UPDATED = {
    "access_records",
    "confirmed_dependents",
    "division_moves",
    "election_confirmations",
    "events",
    "tenants",
    "persisted_queries",
}
#: A table that belongs to no tenant and is visible to all.
TABLE_WITHOUT_TENANT = "trusted_documents"

SELECT_ALL = {table: f"SELECT to_jsonb(t) AS row FROM {table} t" for table in LIMITS}  # noqa: S608 - the names are constants

Row = dict[str, Any]
Rows = dict[str, list[Row]]


async def fill(office: Office) -> list[str]:
    """Insert a row into each table for an office; return its two employees."""
    staff = [await office.hire("Ada"), await office.hire("Bob")]
    await office.draft_plan_year(DATES_2026)
    plans = await office.plan_ids(await office.open_plan_year())
    for employee in staff:
        child = await office.add_child(employee)
        await office.report_life_event(employee)
        election = enroll((await office.pending_enrollment(employee)).id, plans["GOLD"], child)
        await office.elect(employee, election)
        await office.run(override_election, election, date(2027, 2, 1), "A form was late.")

    async def insert_access_rows(tx: Transaction) -> None:
        await issue_key(tx, KeyLimits(Role.EMPLOYEE, office.employer, staff[0]), "A key", key=f"bgk_{office.employer}")
        await store.access_records.insert_accesses(tx, {employee: ["email"] for employee in staff}, "Staff")
        await run_idempotent(tx, Action.ELECT, office.employer, b"hash", _nothing)
        await store.documents.insert_persisted_query(tx, compute_digest(office.employer), office.employer)
        await trust(tx, {office.employer: (compute_digest("{ viewer { role } }"), "{ viewer { role } }")})

    await office.run(insert_access_rows)
    await _fill_carrier(office, staff)
    return staff


async def _fill_carrier(office: Office, staff: list[str]) -> None:
    """Insert coverage and invoices for the office's group and for a group without an employer.

    An employee is covered, and subscribers without a link to an employee.
    """
    suffix = office.employer[-8:]
    own_group, unassigned_group = f"G{suffix}", f"N{suffix}"
    await make_contract(office, own_group)
    await make_contract(office, unassigned_group, employer_id=None)
    await make_contract(office, own_group, "D2")
    for employee_id in staff:
        await office.run(move_employee, employee_id, "D2", date(2027, 3, 1))
    for number, employee in (
        (f"E{suffix}", staff[0]),
        (f"S{suffix}", None),
        (f"X{suffix}", None),
        (f"L{suffix}", None),
    ):
        await make_subscriber(office, number, employee)
    for number, group in (
        (f"E{suffix}", own_group),
        (f"E{suffix}", unassigned_group),
        (f"S{suffix}", own_group),
        (f"X{suffix}", unassigned_group),
    ):
        await make_coverage(office, coverage_key(date(2026, 1, 1), number, group))
    for group in (own_group, unassigned_group):
        await make_invoice(office, 1, paid_cents=10_000, group_id=group)


async def _nothing(_tx: Transaction) -> dict[str, Any]:
    return {}


async def read_all_rows(url: str) -> Rows:
    """Read all rows of all tables as the owner."""
    connection = await connect(url)
    try:
        return {
            table: [orjson.loads(row["row"]) for row in await connection.fetch(SELECT_ALL[table])] for table in LIMITS
        }
    finally:
        await connection.close()


@asynccontextmanager
async def connect_with_rights(url: str, **rights: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the gateway's role and set rights, in a transaction that is rolled back."""
    connection = await connect(url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for name, value in rights.items():
            await connection.execute("SELECT set_config($1, $2, true)", f"app.{name}", value)
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


def is_visible(table: str, row: Row, rights: dict[str, str], all_rows: Rows) -> bool:
    if table in NOT_FOR_EMPLOYEES and rights.get("employee"):
        return False
    if table == "subscribers" and rights.get("employer") and not rights.get("employee"):
        # An employer sees the subscribers with coverage under its contracts.
        covered = {
            coverage["subscriber_id"]
            for coverage in all_rows["subscriber_enrollments"]
            if (coverage["tenant_id"], coverage["employer_id"]) == (rights.get("tenant"), rights["employer"])
        }
        if row["tenant_id"] == rights.get("tenant") and row["subscriber_id"] in covered:
            return True
    employer, employee = LIMITS[table]
    return (
        row["tenant_id"] == rights.get("tenant")
        and (employer is None or row[employer] == (rights.get("employer") or row[employer]))
        and (employee is None or row[employee] == (rights.get("employee") or row[employee]))
    )


async def test_limits_list_all_tables_and_fill_writes_to_each(database: Database) -> None:
    assert {*LIMITS, TABLE_WITHOUT_TENANT} == set(Base.metadata.tables)
    office = await create_office(database)
    await fill(office)
    assert {table for table, rows in (await office.read_all_rows()).items() if not rows} == set()


async def test_viewer_sees_exactly_the_rows_within_its_rights(
    database: Database, database_url: str, owner_url: str
) -> None:
    first, second = await create_office(database), await create_office(database)
    foreign = await create_office(database, tenant="globex")
    ada, _ = await fill(first)
    bea, _ = await fill(second)
    eve, _ = await fill(foreign)
    all_rows = await read_all_rows(owner_url)
    cases: list[dict[str, str]] = [
        {},
        {"tenant": ""},
        {"tenant": "unknown"},
        {"employer": first.employer, "employee": ada},
        {"tenant": "acme"},
        {"tenant": "globex"},
        {"tenant": "acme", "employer": ""},
        {"tenant": "acme", "employer": first.employer},
        {"tenant": "acme", "employer": second.employer},
        {"tenant": "acme", "employer": foreign.employer},
        {"tenant": "globex", "employer": foreign.employer},
        {"tenant": "acme", "employer": first.employer, "employee": ada},
        {"tenant": "acme", "employer": first.employer, "employee": bea},
        {"tenant": "acme", "employer": second.employer, "employee": ada},
        {"tenant": "acme", "employer": first.employer, "employee": eve},
        {"tenant": "globex", "employer": foreign.employer, "employee": eve},
    ]
    for rights in cases:
        async with connect_with_rights(database_url, **rights) as viewer:
            for table, rows in all_rows.items():
                visible_rows = await viewer.fetch(SELECT_ALL[table])
                visible = sorted(str(orjson.loads(item["row"])) for item in visible_rows)
                expected = sorted(str(row) for row in rows if is_visible(table, row, rights, all_rows))
                assert visible == expected, (table, rights)


async def test_rights_end_with_the_transaction(database: Database, database_url: str) -> None:
    await create_office(database)
    connection = await connect(database_url)
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.tenant', 'acme', true)")
        assert await connection.fetchval("SELECT count(*) FROM employers") == 1
    assert await connection.fetchval("SELECT count(*) FROM employers") == 0
    await connection.close()


async def test_rows_outside_the_rights_cannot_be_written(database: Database, database_url: str, owner_url: str) -> None:
    first, second = await create_office(database), await create_office(database)
    foreign = await create_office(database, tenant="globex")
    ada, _ = await fill(first)
    await fill(second)
    await fill(foreign)
    all_rows = await read_all_rows(owner_url)
    cases = [
        {"tenant": "acme"},
        {"tenant": "acme", "employer": first.employer},
        {"tenant": "acme", "employer": first.employer, "employee": ada},
    ]
    for rights in cases:
        async with connect_with_rights(database_url, **rights) as viewer:
            for table, rows in all_rows.items():
                within = [row for row in rows if is_visible(table, row, rights, all_rows)]
                outside = [row for row in rows if row not in within]
                assert outside
                for row in outside:
                    assert await _execute_and_get_sqlstate(viewer, *_insert(table, row)) == "42501", (table, rights)
                if table in NEVER_UPDATED or not within:
                    continue
                # Rows outside are not found, and rows within can't be moved outside.
                status = await viewer.execute(f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = 'globex'")  # noqa: S608
                assert status == "UPDATE 0"
                move = f"UPDATE {table} SET tenant_id = 'globex'"  # noqa: S608 - the names are constants
                assert await _execute_and_get_sqlstate(viewer, move) == "42501", (table, rights)


def _insert(table: str, row: Row) -> tuple[str, str]:
    """Return the statement that inserts a row, without its generated columns, and the row as JSON."""
    columns = ", ".join(name for name in row if Base.metadata.tables[table].c[name].computed is None)
    statement = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1)"  # noqa: S608 - names of the schema
    return statement, orjson.dumps(row).decode()


async def _get_sqlstate(url: str, rights: dict[str, str], statement: str, *arguments: str) -> str:
    async with connect_with_rights(url, **rights) as viewer:
        return await _execute_and_get_sqlstate(viewer, statement, *arguments)


async def _execute_and_get_sqlstate(viewer: asyncpg.Connection, statement: str, *arguments: str) -> str:
    """Return the SQLSTATE with which a statement fails; a savepoint keeps the transaction usable."""
    with pytest.raises(asyncpg.PostgresError) as error:
        async with viewer.transaction():
            await viewer.execute(statement, *arguments)
    return str(error.value.sqlstate)


async def test_history_can_be_inserted_but_not_changed(database: Database, database_url: str) -> None:
    office = await create_office(database)
    await fill(office)
    for statement in (
        "UPDATE events SET action = 'X'",
        "DELETE FROM events",
        "TRUNCATE events",
        "TRUNCATE enrollments",
    ):
        assert await _get_sqlstate(database_url, {"tenant": "acme"}, statement) == "42501"


async def test_only_unanswered_enrollments_and_revoked_keys_can_be_deleted(
    database: Database, database_url: str
) -> None:
    office = await create_office(database)
    await fill(office)  # every enrollment is answered, and no key is revoked
    async with connect_with_rights(database_url, tenant="acme") as role:
        assert await role.execute("DELETE FROM enrollments") == "DELETE 0"
        assert await role.execute("DELETE FROM api_keys") == "DELETE 0"
    await office.hire("Cy")
    async with connect_with_rights(database_url, tenant="acme") as role:
        await role.execute("UPDATE api_keys SET revoked_at = now()")
        assert await role.execute("DELETE FROM enrollments") == "DELETE 1"
        assert await role.execute("DELETE FROM api_keys") == "DELETE 1"


async def test_role_has_only_the_necessary_privileges_on_each_table(database_url: str) -> None:
    async with connect_with_rights(database_url) as role:
        for table in LIMITS:
            privileges = {
                privilege
                for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                if await role.fetchval("SELECT has_table_privilege($1, $2)", table, privilege)
            }
            expected = {"SELECT", "INSERT"}
            expected |= set() if table in NEVER_UPDATED else {"UPDATE"}
            expected |= {"DELETE"} if table in DELETABLE else set()
            assert privileges == expected, table


async def test_only_the_settings_of_a_tenant_can_be_updated(database: Database, database_url: str) -> None:
    await create_office(database)
    await create_office(database, tenant="globex")
    async with connect_with_rights(database_url, tenant="acme") as role:
        assert await role.execute("UPDATE tenants SET auto_paid_through = true") == "UPDATE 1"
    for name in ("name", "tenant_id", "created_at"):
        statement = f"UPDATE tenants SET {name} = {name}"  # noqa: S608 - the names are constants
        assert await _get_sqlstate(database_url, {"tenant": "acme"}, statement) == "42501"


async def test_trusted_documents_are_visible_to_all_and_never_updated(database: Database, database_url: str) -> None:
    await fill(await create_office(database))
    for rights in ({}, {"tenant": "acme"}, {"tenant": "globex"}):
        async with connect_with_rights(database_url, **rights) as role:
            assert await role.fetchval(f"SELECT count(*) FROM {TABLE_WITHOUT_TENANT}") == 1  # noqa: S608 - the name is a constant
    update = f"UPDATE {TABLE_WITHOUT_TENANT} SET text = ''"  # noqa: S608 - the name is a constant
    assert await _get_sqlstate(database_url, {"tenant": "acme"}, update) == "42501"


async def test_role_owns_nothing_and_cannot_bypass_policies(database_url: str) -> None:
    async with connect_with_rights(database_url) as role:
        owned = await role.fetch("SELECT relname FROM pg_class WHERE pg_has_role(relowner, 'MEMBER')")
        assert owned == []
        rights = await role.fetchrow(
            "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) AS is_privileged FROM pg_roles"
            " WHERE pg_has_role(oid, 'MEMBER')"
        )
        assert rights["is_privileged"] is False
    for statement in (
        "CREATE TABLE own_table (x int)",
        "ALTER TABLE events DISABLE ROW LEVEL SECURITY",
        "DROP TABLE events",
    ):
        assert await _get_sqlstate(database_url, {}, statement) == "42501", statement
    assert (
        await _get_sqlstate(database_url, {"tenant": "acme"}, "SET row_security = off; SELECT * FROM events") == "42501"
    )


async def test_api_key_is_readable_by_its_hash_but_not_writable(database: Database, database_url: str) -> None:
    office, foreign = await create_office(database), await create_office(database, tenant="globex")
    await fill(office)
    await fill(foreign)
    async with connect_with_rights(database_url, tenant="acme") as role:
        key_hash = await role.fetchval("SELECT encode(secret_hash, 'hex') FROM api_keys")
    async with connect_with_rights(database_url, key_hash=key_hash) as holder:
        assert await holder.fetchval("SELECT count(*) FROM api_keys") == 1
        assert await holder.fetchval("SELECT count(*) FROM tenants") == 0
        assert await holder.execute("UPDATE api_keys SET label = 'Mine'") == "UPDATE 0"
    for unknown_hash in ("", "00"):
        async with connect_with_rights(database_url, key_hash=unknown_hash) as viewer:
            assert await viewer.fetchval("SELECT count(*) FROM api_keys") == 0
