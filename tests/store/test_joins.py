"""Reads access only the tables of the selected columns: PostgreSQL omits outer joins of unused columns."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from benegraph.db import query_compiler, store
from benegraph.db.prepared_statements import prepare_statement
from benegraph.db.query_scope import ScopeShape, scope_parameters
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.execution import RowQuery
from factories.access import administrator, employee_viewer


@pytest.mark.parametrize(
    ("source", "columns", "tables"),
    [
        (store.people.by_ids, ["first_name"], {"employees"}),
        (store.people.by_ids, ["first_name", "active"], {"employees", "employers"}),
        (store.enrollments.by_ids, ["decision"], {"enrollments"}),
        (store.enrollments.by_ids, ["opens_on"], {"enrollments", "plan_years"}),
        (store.enrollments.by_ids, ["status"], {"enrollments", "plan_years", "employers"}),
        (store.plan_years.by_ids, ["coverage_starts_on"], {"plan_years"}),
        (store.plan_years.by_ids, ["status"], {"plan_years", "employers"}),
        (store.plan_years.plans_by_ids, ["name"], {"plans"}),
        (store.plan_years.contribution_classes_of, ["position"], {"contribution_classes"}),
        (store.plan_years.rates_of, ["monthly_premium_cents"], {"plan_rates"}),
        (store.catalog.rates_of, ["monthly_premium_cents"], {"carrier_plan_rates"}),
        (store.enrollments.dependents_of, ["first_name"], {"dependents", "enrolled_dependents"}),
        (store.enrollments.dependents_of, ["covered_from"], {"dependents", "enrolled_dependents", "enrollments"}),
    ],
)
async def test_joined_tables_are_read_only_for_their_columns(
    database: Database, clock: Clock, source: Any, columns: Sequence[str], tables: set[str]
) -> None:
    assert await find_read_tables(database, clock, administrator(), source, columns) == tables


async def test_plan_years_are_joined_for_employees_to_hide_drafts(database: Database, clock: Clock) -> None:
    viewer = employee_viewer("empr_01hzy0c5vk0000000000000000", "empl_01hzy0c5vk0000000000000000")
    tables = await find_read_tables(database, clock, viewer, store.plan_years.plans_by_ids, ["name"])
    assert tables == {"plans", "plan_years"}


async def find_read_tables(
    database: Database, clock: Clock, viewer: Any, source: Any, columns: Sequence[str]
) -> set[str]:
    """Return the tables that the query plan for some columns of a source reads."""
    clock = Clock(clock.now)  # without a fixed day, because today then depends on the employer's time zone
    statement = prepare_statement(
        query_compiler.build_row_statement(RowQuery(source, list(columns)), ScopeShape.of(viewer, clock), ())
    )
    explain = replace(statement, text=f"EXPLAIN {statement.text}")
    async with database.read_pool.snapshot(viewer) as snapshot:
        plan = await snapshot.fetch(explain, scope_parameters(viewer, clock) | {"keys": ["id"]})
    return set(re.findall(r" on (\w+)", "\n".join(row[0] for row in plan))) - {"rows"}
