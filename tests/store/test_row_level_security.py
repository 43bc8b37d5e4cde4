"""Row-level security, asked past everything of ours: what the gateway's role sees and may write, table by table."""

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
from benegraph.domain.access import Action, Role
from benegraph.graphql.engine.documents import compute_digest
from benegraph.services.access import KeyScope, issue_key
from benegraph.services.documents import trust
from benegraph.services.idempotency import run_idempotent
from conftest import connect
from factories.billing import make_invoice
from factories.coverage import coverage_key, make_contract, make_coverage, make_subscriber
from factories.office import DATES_2026, Office, create_office, enroll

# Which column of a table names the employer and the employee of a row, once more by hand.
LIMITS: dict[str, tuple[str | None, str | None]] = {
    "tenants": (None, None),
    "api_keys": ("employer_id", "employee_id"),
    "idempotency_keys": (None, None),
    "persisted_queries": (None, None),
    "benefit_products": (None, None),
    "carrier_plans": (None, None),
    "carrier_plan_rates": (None, None),
    "employers": ("id", None),
    "plan_years": ("employer_id", None),
    "contribution_classes": ("employer_id", None),
    "plans": ("employer_id", None),
    "plan_rates": ("employer_id", None),
    "employees": ("employer_id", "id"),
    "dependents": ("employer_id", "employee_id"),
    "life_events": ("employer_id", "employee_id"),
    "enrollments": ("employer_id", "employee_id"),
    "enrolled_dependents": ("employer_id", "employee_id"),
    "events": ("employer_id", "employee_id"),
    "group_contracts": ("employer_id", None),
    "subscribers": ("employer_id", "employee_id"),
    "subscriber_enrollments": ("employer_id", "employee_id"),
    "premium_invoices": ("employer_id", None),
    "premium_payments": ("employer_id", None),
}
NOT_FOR_EMPLOYEES = {"premium_invoices", "premium_payments"}
DELETABLE = {
    "plan_years",
    "contribution_classes",
    "plans",
    "plan_rates",
    "enrolled_dependents",
    "idempotency_keys",
    "persisted_queries",
    "subscriber_enrollments",
}
UNCHANGEABLE = {"events", "tenants", "persisted_queries"}
#: The gateway's own: no tenant's, and the same for all.
TENANTLESS = "trusted_documents"

ALL = {table: f"SELECT to_jsonb(t) AS row FROM {table} t" for table in LIMITS}  # noqa: S608 - names of ours

Row = dict[str, Any]
Rows = dict[str, list[Row]]


async def fill(office: Office) -> list[str]:
    """Put a row of every kind into the office; give its two employees."""
    staff = [await office.hire("Ada"), await office.hire("Bob")]
    await office.draft_plan_year(DATES_2026)
    plans = await office.plan_ids(await office.open_plan_year())
    for employee in staff:
        child = await office.add_child(employee)
        await office.report_life_event(employee)
        await office.elect(employee, enroll((await office.pending_enrollment(employee)).id, plans["GOLD"], child))

    async def keys(tx: Transaction) -> None:
        await issue_key(tx, KeyScope(Role.EMPLOYEE, office.employer, staff[0]), "A key", key=f"bgk_{office.employer}")
        await run_idempotent(tx, Action.ELECT, office.employer, b"hash", _nothing)
        await store.documents.insert_persisted_query(tx, compute_digest(office.employer), office.employer)
        await trust(tx, {office.employer: (compute_digest("{ viewer { role } }"), "{ viewer { role } }")})

    await office.run(keys)
    await _fill_carrier(office, staff)
    return staff


async def _fill_carrier(office: Office, staff: list[str]) -> None:
    """Have an employee covered by the office's group and by nobody's, and a stranger by each; and bill both groups."""
    own = office.employer[-8:]
    ours, nobodys = f"G{own}", f"N{own}"
    await make_contract(office, ours)
    await make_contract(office, nobodys, employer_id=None)
    for number, employee in ((f"E{own}", staff[0]), (f"S{own}", None), (f"X{own}", None), (f"L{own}", None)):
        await make_subscriber(office, number, employee)
    for number, group in ((f"E{own}", ours), (f"E{own}", nobodys), (f"S{own}", ours), (f"X{own}", nobodys)):
        await make_coverage(office, coverage_key(date(2026, 1, 1), number, group))
    for group in (ours, nobodys):
        await make_invoice(office, 1, paid_cents=10_000, group_id=group)


async def _nothing(_tx: Transaction) -> dict[str, Any]:
    return {}


async def rows_of(url: str) -> Rows:
    """Read everything there is, as the owner."""
    connection = await connect(url)
    try:
        return {table: [orjson.loads(row["row"]) for row in await connection.fetch(ALL[table])] for table in LIMITS}
    finally:
        await connection.close()


@asynccontextmanager
async def acting(url: str, **rights: str) -> AsyncIterator[asyncpg.Connection]:
    """Act as the gateway's role with some rights set, in a transaction that is taken back."""
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


def is_seen(table: str, row: Row, rights: dict[str, str], everything: Rows) -> bool:
    if table in NOT_FOR_EMPLOYEES and rights.get("employee"):
        return False
    if table == "subscribers" and rights.get("employer") and not rights.get("employee"):
        # Whoever has coverage under an employer's contract is known to it.
        covered = {
            coverage["subscriber_id"]
            for coverage in everything["subscriber_enrollments"]
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


async def test_the_tables_are_those_that_are_told_here(database: Database) -> None:
    assert {*LIMITS, TENANTLESS} == set(Base.metadata.tables)
    office = await create_office(database)
    await fill(office)
    assert {table for table, rows in (await office.read_all_rows()).items() if not rows} == set()


async def test_a_viewer_sees_the_rows_of_its_reach_and_no_others(
    database: Database, database_url: str, owner_url: str
) -> None:
    first, second = await create_office(database), await create_office(database)
    elsewhere = await create_office(database, tenant="globex")
    ada, _ = await fill(first)
    bea, _ = await fill(second)
    eve, _ = await fill(elsewhere)
    everything = await rows_of(owner_url)
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
        {"tenant": "acme", "employer": elsewhere.employer},
        {"tenant": "globex", "employer": elsewhere.employer},
        {"tenant": "acme", "employer": first.employer, "employee": ada},
        {"tenant": "acme", "employer": first.employer, "employee": bea},
        {"tenant": "acme", "employer": second.employer, "employee": ada},
        {"tenant": "acme", "employer": first.employer, "employee": eve},
        {"tenant": "globex", "employer": elsewhere.employer, "employee": eve},
    ]
    for rights in cases:
        async with acting(database_url, **rights) as viewer:
            for table, rows in everything.items():
                found = await viewer.fetch(ALL[table])
                seen = sorted(str(orjson.loads(each["row"])) for each in found)
                expected = sorted(str(row) for row in rows if is_seen(table, row, rights, everything))
                assert seen == expected, (table, rights)


async def test_rights_end_with_the_transaction(database: Database, database_url: str) -> None:
    await create_office(database)
    connection = await connect(database_url)
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.tenant', 'acme', true)")
        assert await connection.fetchval("SELECT count(*) FROM employers") == 1
    assert await connection.fetchval("SELECT count(*) FROM employers") == 0
    await connection.close()


async def test_nothing_can_be_written_beyond_ones_reach(database: Database, database_url: str, owner_url: str) -> None:
    first, second = await create_office(database), await create_office(database)
    elsewhere = await create_office(database, tenant="globex")
    ada, _ = await fill(first)
    await fill(second)
    await fill(elsewhere)
    everything = await rows_of(owner_url)
    cases = [
        {"tenant": "acme"},
        {"tenant": "acme", "employer": first.employer},
        {"tenant": "acme", "employer": first.employer, "employee": ada},
    ]
    for rights in cases:
        async with acting(database_url, **rights) as viewer:
            for table, rows in everything.items():
                within = [row for row in rows if is_seen(table, row, rights, everything)]
                beyond = [row for row in rows if row not in within]
                assert beyond
                for row in beyond:
                    assert await _refused_to(viewer, *_insert(table, row)) == "42501", (table, rights)
                if table in UNCHANGEABLE or not within:
                    continue
                # What is beyond reach is not found; and what is within can't be moved out.
                done = await viewer.execute(f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = 'globex'")  # noqa: S608
                assert done == "UPDATE 0"
                moved = f"UPDATE {table} SET tenant_id = 'globex'"  # noqa: S608 - our names
                assert await _refused_to(viewer, moved) == "42501", (table, rights)


def _insert(table: str, row: Row) -> tuple[str, str]:
    return f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1)", orjson.dumps(row).decode()  # noqa: S608


async def _refused(url: str, rights: dict[str, str], statement: str, *arguments: str) -> str:
    async with acting(url, **rights) as viewer:
        return await _refused_to(viewer, statement, *arguments)


async def _refused_to(viewer: asyncpg.Connection, statement: str, *arguments: str) -> str:
    """Give why a statement is refused, and go on as before it."""
    with pytest.raises(asyncpg.PostgresError) as error:
        async with viewer.transaction():
            await viewer.execute(statement, *arguments)
    return str(error.value.sqlstate)


async def test_history_can_be_written_but_not_changed(database: Database, database_url: str) -> None:
    office = await create_office(database)
    await fill(office)
    for statement in (
        "UPDATE events SET action = 'X'",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM enrollments",
    ):
        assert await _refused(database_url, {"tenant": "acme"}, statement) == "42501"


async def test_the_role_may_do_to_each_table_what_it_needs_and_no_more(database_url: str) -> None:
    async with acting(database_url) as role:
        for table in LIMITS:
            may = {
                right
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                if await role.fetchval("SELECT has_table_privilege($1, $2)", table, right)
            }
            expected = {"SELECT", "INSERT"}
            expected |= set() if table in UNCHANGEABLE else {"UPDATE"}
            expected |= {"DELETE"} if table in DELETABLE else set()
            assert may == expected, table


async def test_of_a_tenant_its_settings_alone_can_change(database: Database, database_url: str) -> None:
    await create_office(database)
    await create_office(database, tenant="globex")
    async with acting(database_url, tenant="acme") as role:
        assert await role.execute("UPDATE tenants SET auto_paid_through = true") == "UPDATE 1"
    for name in ("name", "tenant_id", "created_at"):
        statement = f"UPDATE tenants SET {name} = {name}"  # noqa: S608 - our names
        assert await _refused(database_url, {"tenant": "acme"}, statement) == "42501"


async def test_trusted_documents_are_everybodys_and_never_changed(database: Database, database_url: str) -> None:
    await fill(await create_office(database))
    for rights in ({}, {"tenant": "acme"}, {"tenant": "globex"}):
        async with acting(database_url, **rights) as role:
            assert await role.fetchval(f"SELECT count(*) FROM {TENANTLESS}") == 1  # noqa: S608 - our name
    assert await _refused(database_url, {"tenant": "acme"}, f"UPDATE {TENANTLESS} SET text = ''") == "42501"  # noqa: S608


async def test_the_role_owns_nothing_and_can_not_step_over_a_policy(database_url: str) -> None:
    async with acting(database_url) as role:
        owned = await role.fetch("SELECT relname FROM pg_class WHERE pg_has_role(relowner, 'MEMBER')")
        assert owned == []
        rights = await role.fetchrow(
            "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) AS mighty FROM pg_roles"
            " WHERE pg_has_role(oid, 'MEMBER')"
        )
        assert rights["mighty"] is False
    for statement in (
        "CREATE TABLE mine (x int)",
        "ALTER TABLE events DISABLE ROW LEVEL SECURITY",
        "DROP TABLE events",
    ):
        assert await _refused(database_url, {}, statement) == "42501", statement
    assert await _refused(database_url, {"tenant": "acme"}, "SET row_security = off; SELECT * FROM events") == "42501"


async def test_a_key_shows_itself_to_who_knows_its_hash_and_only_to_read(database: Database, database_url: str) -> None:
    office, elsewhere = await create_office(database), await create_office(database, tenant="globex")
    await fill(office)
    await fill(elsewhere)
    async with acting(database_url, tenant="acme") as role:
        hashed = await role.fetchval("SELECT encode(secret_hash, 'hex') FROM api_keys")
    async with acting(database_url, key_hash=hashed) as holder:
        assert await holder.fetchval("SELECT count(*) FROM api_keys") == 1
        assert await holder.fetchval("SELECT count(*) FROM tenants") == 0
        assert await holder.execute("UPDATE api_keys SET label = 'Mine'") == "UPDATE 0"
    for nonsense in ("", "00"):
        async with acting(database_url, key_hash=nonsense) as nobody:
            assert await nobody.fetchval("SELECT count(*) FROM api_keys") == 0
