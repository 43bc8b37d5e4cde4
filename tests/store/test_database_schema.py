"""The schema: models and migrations agree, and every table follows the project's rules."""

from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Enum, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benegraph.db import models
from benegraph.db.base import Base
from benegraph.db.migrations import alembic_config, current_revision, migrate
from benegraph.domain.access import Role
from benegraph.domain.catalog import CoverageTier
from conftest import connect

TABLES = sorted(getattr(models, name).__tablename__ for name in models.__all__)
#: Only the migrations create these constraints, which back up the locks.
EXCLUSION_CONSTRAINTS = {"ex_enrollments_coverage", "ex_plan_years_period", "ex_subscriber_enrollments_coverage"}

CONSTRAINTS = """
    SELECT c.conname AS name, c.contype::text AS kind, t.relname AS table, pg_get_constraintdef(c.oid) AS definition,
        (SELECT array_agg(a.attname::text ORDER BY place) FROM unnest(c.conkey) WITH ORDINALITY k(number, place)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) AS columns
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> 'alembic_version' AND c.contype <> 'n'
"""
INDEXES = """
    SELECT i.relname AS name, t.relname AS table, x.indisunique AS unique, pg_get_indexdef(x.indexrelid) AS definition,
        (SELECT array_agg(a.attname::text ORDER BY place) FROM unnest(x.indkey) WITH ORDINALITY k(number, place)
            JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number) AS columns
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> 'alembic_version'
"""
POLICIES = "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies"
GRANTS = """
    SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
#: Tables of the gateway that belong to no tenant.
TABLES_WITHOUT_TENANT = {"trusted_documents"}
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""


async def fetch_rows(url: str, query: str) -> list[asyncpg.Record]:
    connection = await connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query)
        return rows
    finally:
        await connection.close()


async def read_schema(url: str) -> dict[str, list[str]]:
    queries = (COLUMNS, CONSTRAINTS, INDEXES, POLICIES, GRANTS)
    return {query: sorted(str(tuple(row.values())) for row in await fetch_rows(url, query)) for query in queries}


async def run_sync(url: str, work: Any) -> Any:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


async def test_models_and_migrations_agree(owner_url: str) -> None:
    def compare(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, Base.metadata)

    differences = [
        item
        for item in await run_sync(owner_url, compare)
        if getattr(item[1], "name", None) not in EXCLUSION_CONSTRAINTS
    ]
    assert differences == []


async def test_check_constraints_of_models_and_migrations_agree(owner_url: str) -> None:
    """Alembic does not compare check constraints."""
    in_models = {
        (table.name, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    in_database = {
        (row["table"], row["name"]) for row in await fetch_rows(owner_url, CONSTRAINTS) if row["kind"] == "c"
    }
    assert in_database == {
        (table, name if name.startswith("ck_") else f"ck_{table}_{name}") for table, name in in_models
    }


async def test_schema_is_the_same_after_full_downgrade_and_upgrade(owner_url: str) -> None:
    before, head = await read_schema(owner_url), await current_revision(owner_url)
    await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "base"))
    assert {row["table_name"] for row in await fetch_rows(owner_url, COLUMNS)} == set()
    assert await current_revision(owner_url) is None
    await migrate(owner_url)
    await migrate(owner_url)  # a second run changes nothing
    assert await current_revision(owner_url) == head
    assert await read_schema(owner_url) == before


async def test_each_migration_can_be_reverted_and_applied_again(owner_url: str) -> None:
    schemas = {}
    while (revision := await current_revision(owner_url)) is not None:
        schemas[revision] = await read_schema(owner_url)
        await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "-1"))
    assert len(schemas) > 1
    for revision in reversed(schemas):
        await migrate(owner_url, revision)
        assert await read_schema(owner_url) == schemas[revision]


async def test_keys_limited_to_an_employee_get_the_employer_or_are_revoked(owner_url: str) -> None:
    await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "0009"))
    employer, employee = "empr_01j659cve0e0080m4xhppefpah", "empl_01j659cve0e0080m4xhppefpah"
    keys = [f"akey_01j659cve0e0080m4xhppefpa{letter}" for letter in "abc"]
    connection = await connect(owner_url)
    try:
        await connection.execute(f"""
            INSERT INTO tenants (tenant_id, name, created_at) VALUES ('acme', 'Acme', now());
            INSERT INTO employers (tenant_id, id, name, time_zone, active, created_at, updated_at, version)
                VALUES ('acme', '{employer}', 'One', 'UTC', true, now(), now(), 1);
            INSERT INTO employees (tenant_id, id, employer_id, first_name, last_name, employment_class, hired_on,
                                   date_of_birth, created_at, updated_at, version)
                VALUES ('acme', '{employee}', '{employer}', 'A', 'B', 'FULL_TIME', '2020-01-01', '1990-01-01',
                        now(), now(), 1);
        """)  # noqa: S608 - constants
        insert_key = """
            INSERT INTO api_keys (tenant_id, id, prefix, secret_hash, label, role, employee_id, actions, created_at)
            VALUES ('acme', $1, 'bgk_', $2, '', 'SERVICE', $3, '{}', now())
        """
        for key, limit in zip(keys, (employee, "empl_01j659cve0e0080m4xhppefpaz", None), strict=True):
            await connection.execute(insert_key, key, key.encode(), limit)
        await migrate(owner_url)
        rows = await connection.fetch("SELECT employer_id, employee_id, revoked_at FROM api_keys ORDER BY id")
        assert [tuple(row)[:2] for row in rows] == [(employer, employee), (None, None), (None, None)]
        assert [row["revoked_at"] is None for row in rows] == [True, False, True]
        with pytest.raises(asyncpg.CheckViolationError, match="ck_api_keys_employee_of_employer"):
            await connection.execute(insert_key, keys[0].replace("a", "z"), b"", employee)
    finally:
        await connection.close()


async def test_each_division_of_existing_contracts_is_added_once(owner_url: str) -> None:
    await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "0017"))
    employer = "empr_01j659cve0e0080m4xhppefpah"
    contracts = [f"grpc_01j659cve0e0080m4xhppefpa{letter}" for letter in "abcd"]
    connection = await connect(owner_url)
    try:
        await connection.execute(f"""
            INSERT INTO tenants (tenant_id, name, created_at) VALUES ('acme', 'Acme', now());
            INSERT INTO employers (tenant_id, id, name, time_zone, active, created_at, updated_at, version)
                VALUES ('acme', '{employer}', 'One', 'UTC', true, now(), now(), 1);
        """)  # noqa: S608 - constants
        insert_contract = """
            INSERT INTO group_contracts (tenant_id, id, employer_id, group_id, division_id, coverage_start,
                                         created_at, updated_at, version)
            VALUES ('acme', $1, $2, $3, $4, '2020-01-01', now(), now(), 1)
        """
        owners = [(employer, "G1", "D1"), (employer, "G2", "D1"), (employer, "G1", "D2"), (None, "G3", "D3")]
        for contract, owner in zip(contracts, owners, strict=True):
            await connection.execute(insert_contract, contract, *owner)
        await migrate(owner_url)
        rows = await connection.fetch(
            "SELECT id, employer_id, code, name, active, version FROM divisions ORDER BY code"
        )
        assert [tuple(row) for row in rows] == [
            (contracts[0].replace("grpc", "divn"), employer, "D1", "D1", True, 1),
            (contracts[2].replace("grpc", "divn"), employer, "D2", "D2", True, 1),
        ]
    finally:
        await connection.close()


async def test_existing_carrier_plans_are_offered_and_unchanged_since_their_creation(owner_url: str) -> None:
    await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "0014"))
    product, plan = "bprd_01j659cve0e0080m4xhppefpah", "cpln_01j659cve0e0080m4xhppefpah"
    connection = await connect(owner_url)
    try:
        await connection.execute(f"""
            INSERT INTO tenants (tenant_id, name, created_at) VALUES ('acme', 'Acme', now());
            INSERT INTO benefit_products (tenant_id, id, name, category, active, created_at, updated_at, version)
                VALUES ('acme', '{product}', 'Medical', 'MEDICAL', true, now(), now(), 1);
        """)  # noqa: S608 - constants
        # A server of the earlier version inserts plans before and after the migration, without the new columns.
        insert_plan = """
            INSERT INTO carrier_plans (tenant_id, id, benefit_product_id, position, carrier_plan_id, name,
                                       monthly_premium_cents, created_at)
            VALUES ('acme', $1, $2, $3, $4, 'Gold', 1, '2026-01-01')
        """
        await connection.execute(insert_plan, plan, product, 0, "GOLD")
        await migrate(owner_url)
        await connection.execute(insert_plan, plan.replace("ah", "aj"), product, 1, "SILVER")
        rows = await connection.fetch("SELECT active, version, updated_at = created_at AS same FROM carrier_plans")
        assert [tuple(row) for row in rows] == [(True, 1, True), (True, 1, False)]
    finally:
        await connection.close()


async def test_existing_events_come_before_all_later_transactions(owner_url: str) -> None:
    await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "0020"))
    connection = await connect(owner_url)
    insert_event = """
        INSERT INTO events (tenant_id, id, subject_id, action, actor, actor_role, occurred_at, created_at)
        VALUES ('acme', $1, 'acme', 'UPDATED', 'ADMINISTRATOR a', 'ADMINISTRATOR', now(), now())
    """
    ids = [f"evnt_01j659cve0e0080m4xhppefpa{letter}" for letter in "abc"]
    try:
        await connection.execute("INSERT INTO tenants (tenant_id, name, created_at) VALUES ('acme', 'Acme', now())")
        await connection.execute(insert_event, ids[2])
        await connection.execute(insert_event, ids[1])
        await migrate(owner_url)
        async with connection.transaction():
            await connection.execute(insert_event, ids[0])  # as a server of the earlier version does
            number = int(await connection.fetchval("SELECT pg_current_xact_id()::text"))
        rows = await connection.fetch("SELECT id, transaction_number FROM events ORDER BY transaction_number, id")
        assert [tuple(row) for row in rows] == [(ids[1], 0), (ids[2], 0), (ids[0], number)]
        assert number > 0
    finally:
        await connection.close()


async def test_constraint_and_index_names_follow_the_convention(owner_url: str) -> None:
    prefixes = {"p": "pk_", "u": "uq_", "f": "fk_", "c": "ck_", "x": "ex_"}
    for row in await fetch_rows(owner_url, CONSTRAINTS):
        assert row["name"].startswith(prefixes[row["kind"]]), row["name"]
        assert len(row["name"]) < 63, row["name"]  # PostgreSQL truncates longer names
    for row in await fetch_rows(owner_url, INDEXES):
        assert row["name"].startswith(("ix_", "pk_", "uq_", "ex_")), row["name"]


async def test_keys_begin_with_the_tenant(owner_url: str) -> None:
    rows = await fetch_rows(owner_url, CONSTRAINTS)
    keys = [row for row in rows if row["kind"] in "puf"]
    assert {row["table"] for row in keys if row["kind"] == "p"} == set(TABLES)
    for row in [*keys, *(row for row in await fetch_rows(owner_url, INDEXES) if row["unique"])]:
        if row["table"] in TABLES_WITHOUT_TENANT:
            continue
        assert row["columns"][0] == "tenant_id", row["name"]
    for row in rows:
        if row["kind"] == "f":
            assert "REFERENCES" in row["definition"]
            target = row["definition"].split("(")[2]
            assert target.startswith("tenant_id"), row["name"]


async def test_each_foreign_key_has_an_index_that_begins_with_its_columns(owner_url: str) -> None:
    # A partial index without nulls is sufficient, because a reference is looked up by its value.
    indexes = [
        (row["table"], row["columns"])
        for row in await fetch_rows(owner_url, INDEXES)
        if " WHERE " not in row["definition"]
        or any(row["definition"].endswith(f" WHERE ({column} IS NOT NULL)") for column in row["columns"])
    ]
    for row in await fetch_rows(owner_url, CONSTRAINTS):
        if row["kind"] != "f":
            continue
        count = len(row["columns"])
        usable = [columns for table, columns in indexes if table == row["table"] and columns[:count] == row["columns"]]
        assert usable, f"{row['name']} on {row['columns']}"


async def test_each_table_has_a_forced_policy(owner_url: str) -> None:
    rows = await fetch_rows(
        owner_url,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'",
    )
    assert {row["relname"] for row in rows} == set(TABLES)
    assert all(row["relrowsecurity"] and row["relforcerowsecurity"] for row in rows)
    policies = await fetch_rows(owner_url, POLICIES)
    with_policy = {row["tablename"] for row in policies if row["cmd"] == "ALL" and row["qual"] == row["with_check"]}
    assert with_policy == set(TABLES)
    assert {row["policyname"] for row in policies} - {f"{table}_of_viewer" for table in TABLES} == {
        "api_keys_of_holder",
        "api_keys_deletable",
        "enrollments_deletable",
    }


def test_enumeration_members_are_named_like_their_values() -> None:
    """SQLAlchemy stores a member's name; statements that bypass it store the member's value."""
    types: list[Any] = [column.type for table in Base.metadata.tables.values() for column in table.columns]
    enums = {type_.enum_class for type_ in types if isinstance(type_, Enum) and type_.enum_class}
    assert {CoverageTier, Role} < enums
    assert [member for enum in enums for member in enum if member.name != member.value] == []
