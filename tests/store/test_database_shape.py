"""The database's shape: models and migrations agree, and every table keeps the rules of the house."""

from typing import Any

import asyncpg
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
#: Made in the migrations alone, as a net beneath the locks.
EXCLUSIONS = {"ex_enrollments_coverage", "ex_plan_years_period", "ex_subscriber_enrollments_coverage"}

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
#: The gateway's own, and no tenant's.
TENANTLESS = {"trusted_documents"}
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""


async def ask(url: str, query: str) -> list[asyncpg.Record]:
    connection = await connect(url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query)
        return found
    finally:
        await connection.close()


async def shape(url: str) -> dict[str, list[str]]:
    queries = (COLUMNS, CONSTRAINTS, INDEXES, POLICIES, GRANTS)
    return {query: sorted(str(tuple(row.values())) for row in await ask(url, query)) for query in queries}


async def run_sync(url: str, story: Any) -> Any:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(story)
    finally:
        await engine.dispose()


async def test_models_and_migrations_agree(owner_url: str) -> None:
    def compare(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, Base.metadata)

    differences = [
        each for each in await run_sync(owner_url, compare) if getattr(each[1], "name", None) not in EXCLUSIONS
    ]
    assert differences == []


async def test_checks_agree_too(owner_url: str) -> None:
    """Alembic does not compare these."""
    ours = {
        (table.name, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    theirs = {(row["table"], row["name"]) for row in await ask(owner_url, CONSTRAINTS) if row["kind"] == "c"}
    assert theirs == {(table, name if name.startswith("ck_") else f"ck_{table}_{name}") for table, name in ours}


async def test_downgraded_to_nothing_and_upgraded_again_it_is_the_same(owner_url: str) -> None:
    before, head = await shape(owner_url), await current_revision(owner_url)
    await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "base"))
    assert {row["table_name"] for row in await ask(owner_url, COLUMNS)} == set()
    assert await current_revision(owner_url) is None
    await migrate(owner_url)
    await migrate(owner_url)  # once more changes nothing
    assert await current_revision(owner_url) == head
    assert await shape(owner_url) == before


async def test_every_step_can_be_taken_back_and_again(owner_url: str) -> None:
    shapes = {}
    while (revision := await current_revision(owner_url)) is not None:
        shapes[revision] = await shape(owner_url)
        await run_sync(owner_url, lambda connection: command.downgrade(alembic_config(connection), "-1"))
    assert len(shapes) > 1
    for revision in reversed(shapes):
        await migrate(owner_url, revision)
        assert await shape(owner_url) == shapes[revision]


async def test_every_constraint_carries_a_name_of_ours(owner_url: str) -> None:
    prefixes = {"p": "pk_", "u": "uq_", "f": "fk_", "c": "ck_", "x": "ex_"}
    for row in await ask(owner_url, CONSTRAINTS):
        assert row["name"].startswith(prefixes[row["kind"]]), row["name"]
        assert len(row["name"]) < 63, row["name"]  # longer, PostgreSQL would cut it
    for row in await ask(owner_url, INDEXES):
        assert row["name"].startswith(("ix_", "pk_", "uq_", "ex_")), row["name"]


async def test_keys_lead_with_the_tenant(owner_url: str) -> None:
    rows = await ask(owner_url, CONSTRAINTS)
    keys = [row for row in rows if row["kind"] in "puf"]
    assert {row["table"] for row in keys if row["kind"] == "p"} == set(TABLES)
    for row in [*keys, *(row for row in await ask(owner_url, INDEXES) if row["unique"])]:
        if row["table"] in TENANTLESS:
            continue
        assert row["columns"][0] == "tenant_id", row["name"]
    for row in rows:
        if row["kind"] == "f":
            assert "REFERENCES" in row["definition"]
            target = row["definition"].split("(")[2]
            assert target.startswith("tenant_id"), row["name"]


async def test_every_foreign_key_has_an_index_that_begins_with_it(owner_url: str) -> None:
    # One without the nulls serves as well: a reference is looked for by what it holds.
    indexes = [
        (row["table"], row["columns"])
        for row in await ask(owner_url, INDEXES)
        if " WHERE " not in row["definition"]
        or any(row["definition"].endswith(f" WHERE ({column} IS NOT NULL)") for column in row["columns"])
    ]
    for row in await ask(owner_url, CONSTRAINTS):
        if row["kind"] != "f":
            continue
        wide = len(row["columns"])
        served = [columns for table, columns in indexes if table == row["table"] and columns[:wide] == row["columns"]]
        assert served, f"{row['name']} on {row['columns']}"


async def test_every_table_has_a_policy_that_holds_for_its_owner_too(owner_url: str) -> None:
    rows = await ask(
        owner_url,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'",
    )
    assert {row["relname"] for row in rows} == set(TABLES)
    assert all(row["relrowsecurity"] and row["relforcerowsecurity"] for row in rows)
    policies = await ask(owner_url, POLICIES)
    ruled = {row["tablename"] for row in policies if row["cmd"] == "ALL" and row["qual"] == row["with_check"]}
    assert ruled == set(TABLES)
    assert {row["policyname"] for row in policies} - {f"{table}_of_viewer" for table in TABLES} == {
        "api_keys_of_holder"
    }


def test_words_are_named_as_they_are_stored() -> None:
    """SQLAlchemy stores an enumeration's member by its name; what is written past it goes by the member's value."""
    types: list[Any] = [column.type for table in Base.metadata.tables.values() for column in table.columns]
    kinds = {kind.enum_class for kind in types if isinstance(kind, Enum) and kind.enum_class}
    assert {CoverageTier, Role} < kinds
    assert [member for kind in kinds for member in kind if member.name != member.value] == []
