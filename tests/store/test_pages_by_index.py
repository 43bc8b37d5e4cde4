"""A page of a long list is read from an index, in order, until it is full; the list is not read, and not sorted."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from benegraph.db import query_compiler, store
from benegraph.db.prepared_statements import prepare_statement
from benegraph.db.query_scope import ScopeShape, scope_parameters
from benegraph.db.session import Database
from benegraph.db.store.row_queries import PagedRows, PageWindow
from benegraph.demo import seed_tenant
from benegraph.domain.enrollments.status import EnrollmentStatus
from benegraph.domain.values import Clock
from benegraph.execution import RowQuery
from conftest import connect, copy_database_sync, run_in_database
from factories.access import TENANT, administrator

EMPLOYEES = 1_000
CLOCK = Clock.at(datetime(2026, 11, 15, 12, tzinfo=UTC))

Enrollments = store.enrollments.EnrollmentFilter
Employees = store.people.EmployeeFilter


@pytest.fixture(scope="module")
def owner_url(server_url: str, template: str) -> Iterator[str]:
    """A tenant with so many employees that reading all of them is not the cheapest way to a few."""

    async def fill(database: Database) -> None:
        await seed_tenant(database, CLOCK, TENANT, EMPLOYEES, 1, lambda *_: None)

    with copy_database_sync(server_url, template) as url:
        run_in_database(url, fill)
        yield url


@pytest.fixture(autouse=True)
async def analyzed(owner_url: str) -> None:
    connection = await connect(owner_url)
    await connection.execute("ANALYZE")
    await connection.close()


@pytest.mark.parametrize(
    ("page", "window", "index"),
    [
        (store.people.page, PageWindow(20), "ix_employees_last_name"),
        (store.people.page, PageWindow(20, ("M", "empl_01hzy0c5vk0000000000000000")), "ix_employees_last_name"),
        (store.people.page, PageWindow(20, order=(("START_DATE", True),)), "ix_employees_hired_on"),
        (store.people.page, PageWindow(20, order=(("CREATED_AT", False),)), "ix_employees_created_at"),
        (store.people.page, PageWindow(20, filter=Employees(active=True)), "ix_employees_last_name"),
        (store.people.page, PageWindow(20, filter=Employees(words=("an",))), "ix_employees_last_name"),
        (store.enrollments.page, PageWindow(20), "pk_enrollments"),
        (store.enrollments.page, PageWindow(20, ("enrl_01hzy0c5vk0000000000000000",)), "pk_enrollments"),
        (store.enrollments.page, PageWindow(20, filter=Enrollments((EnrollmentStatus.ENROLLED,))), "pk_enrollments"),
        (store.enrollments.page, PageWindow(20, filter=Enrollments((EnrollmentStatus.INACTIVE,))), "pk_enrollments"),
        (store.enrollments.page, PageWindow(20, filter=Enrollments(tuple(sorted(EnrollmentStatus)))), "pk_enrollments"),
    ],
)
async def test_a_page_of_a_tenants_list_is_read_until_it_is_full(
    database: Database, page: PagedRows, window: PageWindow, index: str
) -> None:
    assert await plan_of(database, page, window) == {f"Index Scan using {index} on {table_of(page)}"}


@pytest.mark.parametrize("status", EnrollmentStatus)
async def test_who_has_a_status_is_who_shows_it(database: Database, status: EnrollmentStatus) -> None:
    """What is said of a status for the planner's sake leaves out nobody."""
    shown = await fetched(database, store.enrollments.page, PageWindow(20_000), ["id", "status"])
    found = await fetched(
        database, store.enrollments.page, PageWindow(20_000, filter=Enrollments((status,))), ["id", "status"]
    )
    assert found == [row for row in shown if row[1] == status]
    assert found, "nobody has it"


async def plan_of(database: Database, page: PagedRows, window: PageWindow) -> set[str]:
    """Tell how the planner means to read the table of a page, and whether it means to sort."""
    lines = await fetched(database, page, window, ["id"], "EXPLAIN ")
    plan = "\n".join(line for (line,) in lines)
    return set(re.findall(rf"\w+ Scan (?:using \w+ )?on {table_of(page)}|Sort", plan.replace(" Backward", "")))


def table_of(page: PagedRows) -> str:
    table: str = page.sort_columns(())[0][0].class_.__tablename__
    return table


async def fetched(
    database: Database, page: PagedRows, window: PageWindow, columns: list[str], explain: str = ""
) -> list[tuple[Any, ...]]:
    viewer = administrator()
    statement = prepare_statement(
        query_compiler.build_row_statement(RowQuery(page, columns), ScopeShape.of(viewer, CLOCK), [window])
    )
    given = scope_parameters(viewer, CLOCK) | query_compiler.window_parameters([window])
    async with database.read_pool.snapshot(viewer) as snapshot:
        rows = await snapshot.fetch(replace(statement, text=explain + statement.text), given)
    return [tuple(row)[: len(columns)] for row in rows]
