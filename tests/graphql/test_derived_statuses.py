"""SQL derives the same statuses as the domain functions, before and after midnight in several time zones."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from graphql_requests import fetch_data

from benegraph.db.models import Employee, Enrollment, PlanYear
from benegraph.db.session import Database
from benegraph.domain.enrollments.status import (
    ElectionDecision,
    EnrollmentFacts,
    derive_coverage_status,
    derive_enrollment_status,
)
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import RenewalMode, derive_plan_year_status
from benegraph.domain.values import Clock, DateSpan
from factories.access import TENANT, administrator, insert
from factories.catalog import make_product
from factories.employers import make_employer
from factories.people import make_employee
from factories.plan_years import make_plan

ADMINISTRATOR = administrator()
ZONES = ("Pacific/Kiritimati", "America/New_York", "Pacific/Pago_Pago", "Asia/Kolkata")
INSTANTS = [
    datetime(2026, 11, 20, 4, 59, 59, tzinfo=UTC),  # the last second of the 19th in New York
    datetime(2026, 11, 20, 5, 0, tzinfo=UTC),
    datetime(2026, 11, 20, 23, 30, tzinfo=UTC),  # already the 21st in Kiritimati and Kolkata
    datetime(2026, 3, 8, 5, 0, tzinfo=UTC),  # the day on which daylight saving time starts in New York
]
#: Yesterday, today and tomorrow.
DAY_OFFSETS = (-1, 0, 1)
CREATED = Clock(datetime(2026, 1, 1, tzinfo=UTC))

#: The first and last day of coverage, as days from today. Cancelled coverage has no last day.
COVERAGE_OFFSETS = ((-9, -1), (-9, 0), (0, 0), (0, 9), (1, 9), (1, None))
CASE = {"decision": None, "effective": 0, "coverage_end": None}


def enrollment_cases() -> Iterator[dict[str, Any]]:
    """Yield every combination of the values that a status depends on, with dates as days from today."""
    for plan_year_end, closed, window in product(DAY_OFFSETS, (None, *DAY_OFFSETS), DAY_OFFSETS):
        case = CASE | {"plan_year_end": plan_year_end, "closed": closed, "window": window}
        yield case
        if window == 0:  # of an answered enrollment, the window doesn't matter: one is enough
            answered = case | {"window": -1}
            for effective in DAY_OFFSETS:
                yield answered | {"decision": "WAIVED", "effective": effective}
            for first, last in COVERAGE_OFFSETS:
                yield answered | {"decision": "ENROLLED", "effective": first, "coverage_end": last}


@pytest.mark.parametrize("now", INSTANTS, ids=str)
async def test_enrollment_statuses_match_the_domain(database: Database, now: datetime) -> None:
    clock = Clock(now)
    expected: dict[str, tuple[str, str | None, bool]] = {}
    for zone in ZONES:
        expected |= await _insert_enrollments(database, zone, clock.today(zone))
    nodes = await _fetch_all(
        database, clock, "enrollments", "EnrollmentFilter", "status coverageStatus electionWindow { isOpen }"
    )
    assert {
        node["id"]: (node["status"], node["coverageStatus"], node["electionWindow"]["isOpen"]) for node in nodes
    } == expected
    for status in ("PENDING", "ENROLLED", "WAIVED", "INACTIVE"):
        matching = await _fetch_all(database, clock, "enrollments", "EnrollmentFilter", "status", {"status": [status]})
        assert {node["id"] for node in matching} == {id for id, values in expected.items() if values[0] == status}


async def _insert_enrollments(database: Database, zone: str, today: date) -> dict[str, tuple[str, str | None, bool]]:
    employer = await make_employer(database, CREATED, time_zone=zone)
    offers: dict[int, tuple[str, str, str]] = {}
    for plan_year_end in DAY_OFFSETS:  # one product each, because plan years of the same product can't overlap
        product_id = await make_product(database, CREATED)
        row = _plan_year(employer, product_id, today + timedelta(days=plan_year_end))
        (plan_year,) = await insert(database, CREATED, TENANT, PlanYear, row, prefix=IdPrefix.PLAN_YEAR)
        offers[plan_year_end] = product_id, plan_year, await make_plan(database, CREATED, plan_year=plan_year, rates={})
    cases = list(enrollment_cases())
    employee_ids = await insert(
        database, CREATED, TENANT, Employee, *(_employee(employer, today) for _ in cases), prefix=IdPrefix.EMPLOYEE
    )
    rows, enrollment_facts = [], []
    for index, (case, employee_id) in enumerate(zip(cases, employee_ids, strict=True)):
        product_id, plan_year, plan = offers[case["plan_year_end"]]
        enrolled = case["decision"] == "ENROLLED"
        window = DateSpan.through(today - timedelta(days=9), today + timedelta(days=case["window"]))
        # Half of the windows were extended; an earlier extension does not shorten a window.
        own_last, extended_through = (window.start, window.last) if index % 2 else (window.last, window.start)
        enrollment_facts.append(
            EnrollmentFacts(
                ElectionDecision(case["decision"]) if case["decision"] else None,
                window,
                today + timedelta(days=case["plan_year_end"]),
                today + timedelta(days=case["effective"]),
                _date_at(today, case["coverage_end"]),
                _date_at(today, case["closed"]),
            )
        )
        rows.append(
            {
                "employer_id": employer,
                "employee_id": employee_id,
                "benefit_product_id": product_id,
                "plan_year_id": plan_year,
                "reason": "NEW_HIRE",
                "issued_on": window.start,
                "window_opens_on": window.start,
                "window_closes_on": own_last,
                "window_extended_through": extended_through,
                "effective_on": enrollment_facts[-1].effective_on,
                "decision": case["decision"],
                "decided_at": CREATED.now if case["decision"] else None,
                "coverage_tier": "EE" if enrolled else None,
                "selected_plan_id": plan if enrolled else None,
                "employee_contribution_cents": 0 if enrolled else None,
                "employer_contribution_cents": 0 if enrolled else None,
                "coverage_starts_on": enrollment_facts[-1].effective_on if enrolled else None,
                "coverage_ends_on": enrollment_facts[-1].coverage_ends_on,
                "closed_on": enrollment_facts[-1].closed_on,
                "close_reason": "LAPSED" if enrollment_facts[-1].closed_on else None,
            }
        )
    ids = await insert(database, CREATED, TENANT, Enrollment, *rows, prefix=IdPrefix.ENROLLMENT)
    return {
        id: (derive_enrollment_status(item, today), derive_coverage_status(item, today), today in item.window)
        for id, item in zip(ids, enrollment_facts, strict=True)
    }


@pytest.mark.parametrize("now", INSTANTS, ids=str)
async def test_plan_year_statuses_and_active_employees_match_the_domain(database: Database, now: datetime) -> None:
    clock = Clock(now)
    plan_year_statuses: dict[str, str] = {}
    active_by_employee: dict[str, bool] = {}
    for zone in ZONES:
        today = clock.today(zone)
        employer = await make_employer(database, CREATED, time_zone=zone)
        for plan_year_end, (opened, closed) in product(DAY_OFFSETS, ((None, None), (-5, None), (-5, -1), (-5, 0))):
            row = _plan_year(employer, await make_product(database, CREATED), today + timedelta(days=plan_year_end))
            row |= {"opened_on": _date_at(today, opened), "closed_on": _date_at(today, closed)}
            (id,) = await insert(database, CREATED, TENANT, PlanYear, row, prefix=IdPrefix.PLAN_YEAR)
            plan_year_statuses[id] = derive_plan_year_status(
                row["opened_on"], row["closed_on"], row["coverage_ends_on"], today
            )
        for end in (None, *DAY_OFFSETS):
            id = await make_employee(database, CREATED, employer=employer, terminated_on=_date_at(today, end))
            active_by_employee[id] = end is None or end > 0
    employers = await _fetch_all(database, clock, "employers", None, "planYears(first: 100) { nodes { id status } }")
    assert {
        node["id"]: node["status"] for employer in employers for node in employer["planYears"]["nodes"]
    } == plan_year_statuses
    for status in set(plan_year_statuses.values()):
        employers = await _fetch_all(
            database, clock, "employers", None, f"planYears(status: {status}) {{ nodes {{ id }} }}"
        )
        matching = {node["id"] for employer in employers for node in employer["planYears"]["nodes"]}
        assert matching == {id for id, value in plan_year_statuses.items() if value == status}
    employees = await _fetch_all(database, clock, "employees", "EmployeeFilter", "active")
    assert {node["id"]: node["active"] for node in employees} == active_by_employee
    for active in (True, False):
        nodes = await _fetch_all(database, clock, "employees", "EmployeeFilter", "active", {"active": active})
        assert {node["id"] for node in nodes} == {id for id, value in active_by_employee.items() if value is active}


@pytest.mark.parametrize("now", INSTANTS, ids=str)
async def test_today_of_an_employer_is_the_date_in_its_time_zone(database: Database, now: datetime) -> None:
    clock = Clock(now)
    days = {await make_employer(database, CREATED, time_zone=zone): clock.today(zone).isoformat() for zone in ZONES}
    employers = await _fetch_all(database, clock, "employers", None, "today")
    assert {node["id"]: node["today"] for node in employers} == days


# ---------------------------------------------------------------------------------------------------------- rows


def _date_at(today: date, offset: int | None) -> date | None:
    return None if offset is None else today + timedelta(days=offset)


def _plan_year(employer: str, product_id: str, ends_on: date) -> dict[str, Any]:
    starts_on = ends_on - timedelta(days=300)
    return {
        "employer_id": employer,
        "benefit_product_id": product_id,
        "coverage_starts_on": starts_on,
        "coverage_ends_on": ends_on,
        "open_enrollment_starts_on": starts_on - timedelta(days=30),
        "open_enrollment_ends_on": starts_on - timedelta(days=1),
        "waiting_period_days": 0,
        "starts_on_first_of_month": False,
        "renewal": RenewalMode.ACTIVE,
        "opened_on": starts_on - timedelta(days=30),
        "closed_on": starts_on,
    }


def _employee(employer: str, today: date) -> dict[str, Any]:
    return {
        "employer_id": employer,
        "first_name": "Ada",
        "last_name": "Adams",
        "employment_class": EmploymentClass.FULL_TIME,
        "hired_on": today - timedelta(days=400),
    }


async def _fetch_all(
    database: Database, clock: Clock, field: str, filter_type: str | None, fields: str, filter: Any = None
) -> list[dict[str, Any]]:
    variable, argument = (f", $filter: {filter_type}", ", filter: $filter") if filter_type else ("", "")
    query = f"""query ($after: String{variable}) {{ list: {field}(first: 100, after: $after{argument}) {{
      nodes {{ id {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        variables = {"after": after} | ({"filter": filter} if filter_type else {})
        page = (await fetch_data(database, clock, ADMINISTRATOR, query, **variables))["list"]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]
