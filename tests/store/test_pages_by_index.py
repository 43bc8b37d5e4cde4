"""A page of a long list is read from an index in order until the page is full; the list is not sorted."""

import asyncio
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

EMPLOYEE_COUNT = 1_000
CLOCK = Clock.at(datetime(2026, 11, 15, 12, tzinfo=UTC))

EnrollmentFilter = store.enrollments.EnrollmentFilter
EmployeeFilter = store.people.EmployeeFilter
EventFilter = store.events.EventFilter
FEED_POSITION = (3, "evnt_01hzy0c5vk0000000000000000")


@pytest.fixture(scope="module")
def owner_url(server_url: str, template: str) -> Iterator[str]:
    """Seed a tenant with so many employees that the planner prefers an index to reading all of them."""

    async def fill(database: Database) -> None:
        await seed_tenant(database, CLOCK, TENANT, EMPLOYEE_COUNT, 1, lambda *_: None)

    with copy_database_sync(server_url, template) as url:
        run_in_database(url, fill)
        asyncio.run(_analyze(url))
        yield url


async def _analyze(owner_url: str) -> None:
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
        (store.people.page, PageWindow(20, filter=EmployeeFilter(active=True)), "ix_employees_last_name"),
        (store.people.page, PageWindow(20, filter=EmployeeFilter(words=("an",))), "ix_employees_last_name"),
        (store.people.page, PageWindow(20, order=(("UPDATED_AT", False),)), "ix_employees_updated_at"),
        (
            store.people.page,
            PageWindow(20, order=(("UPDATED_AT", False),), filter=EmployeeFilter(updated_since=CLOCK.now)),
            "ix_employees_updated_at",
        ),
        (store.enrollments.page, PageWindow(20, order=(("UPDATED_AT", False),)), "ix_enrollments_updated_at"),
        (
            store.enrollments.page,
            PageWindow(20, order=(("UPDATED_AT", False),), filter=EnrollmentFilter(updated_since=CLOCK.now)),
            "ix_enrollments_updated_at",
        ),
        (store.enrollments.page, PageWindow(20, order=(("EFFECTIVE_DATE", True),)), "ix_enrollments_effective_on"),
        (
            store.enrollments.page,
            PageWindow(20, filter=EnrollmentFilter(benefit_product_id="bprd_01hzy0c5vk0000000000000000")),
            "ix_enrollments_product",
        ),
        (store.enrollments.page, PageWindow(20), "pk_enrollments"),
        (store.enrollments.page, PageWindow(20, ("enrl_01hzy0c5vk0000000000000000",)), "pk_enrollments"),
        (
            store.enrollments.page,
            PageWindow(20, filter=EnrollmentFilter((EnrollmentStatus.ENROLLED,))),
            "pk_enrollments",
        ),
        (
            store.enrollments.page,
            PageWindow(20, filter=EnrollmentFilter((EnrollmentStatus.INACTIVE,))),
            "pk_enrollments",
        ),
        (
            store.enrollments.page,
            PageWindow(20, filter=EnrollmentFilter(tuple(sorted(EnrollmentStatus)))),
            "pk_enrollments",
        ),
        (store.events.page, PageWindow(20), "ix_events_order"),
        (store.events.page, PageWindow(20, FEED_POSITION), "ix_events_order"),
    ],
)
async def test_page_of_a_tenants_list_is_an_index_scan_without_sort(
    database: Database, page: PagedRows, window: PageWindow, index: str
) -> None:
    (scan,) = await find_scans(database, page, window)
    assert scan.replace(" Backward", "") == f"Index Scan using {index} on {table_name(page)}"


EMPLOYEE_POSITION = ("M", "empl_01hzy0c5vk0000000000000000")


@pytest.mark.parametrize(
    ("page", "window", "scan"),
    [
        (store.people.page, PageWindow(None, last=20), "Index Scan Backward using ix_employees_last_name"),
        (
            store.people.page,
            PageWindow(None, last=20, before=EMPLOYEE_POSITION),
            "Index Scan Backward using ix_employees_last_name",
        ),
        (
            store.people.page,
            PageWindow(None, ("C", "empl_01hzy0c5vk0000000000000000"), last=20, before=EMPLOYEE_POSITION),
            "Index Scan Backward using ix_employees_last_name",
        ),
        (
            store.people.page,
            PageWindow(None, order=(("START_DATE", True),), last=20),
            "Index Scan using ix_employees_hired_on",
        ),
        (
            store.people.page,
            PageWindow(None, order=(("CREATED_AT", False),), last=20),
            "Index Scan Backward using ix_employees_created_at",
        ),
        (
            store.people.page,
            PageWindow(None, filter=EmployeeFilter(words=("an",)), last=20),
            "Index Scan Backward using ix_employees_last_name",
        ),
        (store.events.page, PageWindow(None, last=1), "Index Scan Backward using ix_events_order"),
        (store.enrollments.page, PageWindow(None, last=20), "Index Scan Backward using pk_enrollments"),
        (
            store.enrollments.page,
            PageWindow(None, last=20, before=("enrl_01m8zy0c5vk000000000000000",)),
            "Index Scan Backward using pk_enrollments",
        ),
        (
            store.enrollments.page,
            PageWindow(None, filter=EnrollmentFilter((EnrollmentStatus.ENROLLED,)), last=20),
            "Index Scan Backward using pk_enrollments",
        ),
    ],
)
async def test_page_at_the_end_is_a_reverse_index_scan_whose_rows_are_sorted(
    database: Database, page: PagedRows, window: PageWindow, scan: str
) -> None:
    """Only the rows of the page are sorted, after the limit."""
    assert await find_scans(database, page, window, "Limit") == ["Sort", "Limit", f"{scan} on {table_name(page)}"]


@pytest.mark.parametrize(("first", "last"), [(20, 5), (5, 20)])
async def test_page_with_first_and_last_is_read_from_the_start(database: Database, first: int, last: int) -> None:
    window = PageWindow(first, last=last, before=EMPLOYEE_POSITION)
    assert await find_scans(database, store.people.page, window) == [
        "Index Scan using ix_employees_last_name on employees"
    ]


@pytest.mark.parametrize("window", [PageWindow(20), PageWindow(20, FEED_POSITION), PageWindow(None, last=20)])
async def test_types_of_events_are_read_from_their_index_and_only_merged_rows_are_sorted(
    database: Database, window: PageWindow
) -> None:
    filter = EventFilter(keys=("enrl.ISSUED", "empl.HIRED"))
    *sorts, scan = await find_scans(database, store.events.page, replace(window, filter=filter), "Limit")
    assert scan.replace(" Backward", "") == "Index Scan using ix_events_type on events"
    assert sorts[-2:] == ["Sort", "Limit"]  # below the merged rows, each type's rows end with the page


@pytest.mark.parametrize("status", EnrollmentStatus)
async def test_status_filter_returns_exactly_the_rows_with_that_status(
    database: Database, status: EnrollmentStatus
) -> None:
    """The filter's extra condition, which is meant for the planner, excludes no row."""
    all_rows = await fetch_page(database, store.enrollments.page, PageWindow(20_000), ["id", "status"])
    rows = await fetch_page(
        database, store.enrollments.page, PageWindow(20_000, filter=EnrollmentFilter((status,))), ["id", "status"]
    )
    assert rows == [row for row in all_rows if row[1] == status]
    assert rows, "no enrollment has this status"


async def find_scans(database: Database, page: PagedRows, window: PageWindow, *others: str) -> list[str]:
    """Return the scans of the page's table in its query plan, its sorts and these other steps, the last one first."""
    lines = await fetch_page(database, page, window, ["id"], "EXPLAIN ")
    scan = rf"\w+ Scan (?:Backward )?(?:using \w+ )?on {table_name(page)}"
    return re.findall("|".join([rf"\b{scan}", "Sort(?=  )", *others]), "\n".join(line for (line,) in lines))


def table_name(page: PagedRows) -> str:
    table: str = page.sort_columns(())[0][0].class_.__tablename__
    return table


async def fetch_page(
    database: Database, page: PagedRows, window: PageWindow, columns: list[str], explain: str = ""
) -> list[tuple[Any, ...]]:
    viewer = administrator()
    statement = prepare_statement(
        query_compiler.build_row_statement(RowQuery(page, columns), ScopeShape.of(viewer, CLOCK), [window])
    )
    parameters = scope_parameters(viewer, CLOCK) | query_compiler.window_parameters([window])
    async with database.read_pool.snapshot(viewer) as snapshot:
        rows = await snapshot.fetch(replace(statement, text=explain + statement.text), parameters)
    return [tuple(row)[: len(columns)] for row in rows]
