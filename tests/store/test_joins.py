"""A read touches no table but its own for columns that are its own: PostgreSQL leaves an unused outer join out."""

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
    ("source", "columns", "read"),
    [
        (store.people.by_ids, ["first_name"], {"employees"}),
        (store.people.by_ids, ["first_name", "active"], {"employees", "employers"}),
        (store.enrollments.by_ids, ["decision"], {"enrollments"}),
        (store.enrollments.by_ids, ["opens_on"], {"enrollments", "plan_years"}),
        (store.enrollments.by_ids, ["status"], {"enrollments", "plan_years", "employers"}),
        (store.plan_years.by_ids, ["coverage_starts_on"], {"plan_years"}),
        (store.plan_years.by_ids, ["status"], {"plan_years", "employers"}),
        (store.plan_years.plans_by_ids, ["name"], {"plans"}),
        (store.plan_years.classes_of, ["position"], {"contribution_classes"}),
        (store.plan_years.rates_of, ["monthly_premium_cents"], {"plan_rates"}),
        (store.catalog.rates_of, ["monthly_premium_cents"], {"carrier_plan_rates"}),
        (store.enrollments.dependents_of, ["first_name"], {"dependents", "enrolled_dependents"}),
        (store.enrollments.dependents_of, ["covered_from"], {"dependents", "enrolled_dependents", "enrollments"}),
    ],
)
async def test_what_is_joined_is_read_where_it_is_asked_for(
    database: Database, clock: Clock, source: Any, columns: Sequence[str], read: set[str]
) -> None:
    assert await tables_read(database, clock, administrator(), source, columns) == read


async def test_what_is_a_draft_is_looked_up_for_those_who_may_not_see_it(database: Database, clock: Clock) -> None:
    viewer = employee_viewer("empr_01hzy0c5vk0000000000000000", "empl_01hzy0c5vk0000000000000000")
    read = await tables_read(database, clock, viewer, store.plan_years.plans_by_ids, ["name"])
    assert read == {"plans", "plan_years"}


async def tables_read(database: Database, clock: Clock, viewer: Any, source: Any, columns: Sequence[str]) -> set[str]:
    """Ask the planner which tables the statement for some columns of a source reads."""
    clock = Clock(clock.now)  # where the day is fixed, no employer's time zone is asked for
    statement = prepare_statement(
        query_compiler.build_row_statement(RowQuery(source, list(columns)), ScopeShape.of(viewer, clock), ())
    )
    explaining = replace(statement, text=f"EXPLAIN {statement.text}")
    async with database.read_pool.snapshot(viewer) as snapshot:
        plan = await snapshot.fetch(explaining, scope_parameters(viewer, clock) | {"keys": ["id"]})
    return set(re.findall(r" on (\w+)", "\n".join(row[0] for row in plan))) - {"rows"}
