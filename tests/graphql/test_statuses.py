"""Statuses derived in SQL are those the domain derives, on every side of midnight."""

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
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.plan_years import derive_plan_year_status as plan_year_status_of
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
    datetime(2026, 11, 20, 23, 30, tzinfo=UTC),  # in Kiritimati and Kolkata the 21st
    datetime(2026, 3, 8, 5, 0, tzinfo=UTC),  # New York's clocks go forward on this day
]
AROUND = (-1, 0, 1)
MADE = Clock(datetime(2026, 1, 1, tzinfo=UTC))

#: Coverage by offsets of its first and last day; None where it has no end, being cancelled.
COVERAGES = ((-9, -1), (-9, 0), (0, 0), (0, 9), (1, 9), (1, None))


def enrollment_cases() -> Iterator[dict[str, Any]]:
    """Yield facts as days from today: every mix of what a status may hang on."""
    for over, closed, window in product(AROUND, (None, *AROUND), AROUND):
        yield {"over": over, "closed": closed, "window": window, "decision": None, "coverage": None}
        if window == 0:
            yield {"over": over, "closed": closed, "window": -1, "decision": "WAIVED", "coverage": None}
        for coverage in COVERAGES if window == 0 else ():
            yield {"over": over, "closed": closed, "window": -1, "decision": "ENROLLED", "coverage": coverage}


@pytest.mark.parametrize("now", INSTANTS, ids=str)
async def test_enrollments(database: Database, now: datetime) -> None:
    clock = Clock(now)
    expected: dict[str, tuple[str, str | None, bool]] = {}
    for zone in ZONES:
        expected |= await _make_enrollments(database, zone, clock.today(zone))
    found = await _all(
        database, clock, "enrollments", "EnrollmentFilter", "status coverageStatus electionWindow { isOpen }"
    )
    assert {
        node["id"]: (node["status"], node["coverageStatus"], node["electionWindow"]["isOpen"]) for node in found
    } == expected
    for status in ("PENDING", "ENROLLED", "WAIVED", "INACTIVE"):
        let_through = await _all(database, clock, "enrollments", "EnrollmentFilter", "status", {"status": [status]})
        assert {node["id"] for node in let_through} == {id for id, facts in expected.items() if facts[0] == status}


async def _make_enrollments(database: Database, zone: str, today: date) -> dict[str, tuple[str, str | None, bool]]:
    employer = await make_employer(database, MADE, time_zone=zone)
    offers: dict[int, tuple[str, str, str]] = {}
    for over in AROUND:  # each of a product of its own, as plan years of one can't overlap
        benefit = await make_product(database, MADE)
        row = _plan_year(employer, benefit, today + timedelta(days=over))
        (plan_year,) = await insert(database, MADE, TENANT, PlanYear, row, kind=IdPrefix.PLAN_YEAR)
        offers[over] = benefit, plan_year, await make_plan(database, MADE, plan_year=plan_year, rates={})
    cases = list(enrollment_cases())
    people = await insert(
        database, MADE, TENANT, Employee, *(_employee(employer, today) for _ in cases), kind=IdPrefix.EMPLOYEE
    )
    rows, facts = [], []
    for case, person in zip(cases, people, strict=True):
        benefit, plan_year, plan = offers[case["over"]]
        enrolled = case["decision"] == "ENROLLED"
        first, last = case["coverage"] or (None, None)
        window = DateSpan.through(today - timedelta(days=9), today + timedelta(days=case["window"]))
        facts.append(
            EnrollmentFacts(
                ElectionDecision(case["decision"]) if case["decision"] else None,
                window,
                today + timedelta(days=case["over"]),
                _on(today, first),
                _on(today, last),
                _on(today, case["closed"]),
            )
        )
        rows.append(
            {
                "employer_id": employer,
                "employee_id": person,
                "benefit_product_id": benefit,
                "plan_year_id": plan_year,
                "reason": "NEW_HIRE",
                "issued_on": window.start,
                "window_opens_on": window.start,
                "window_closes_on": window.last,
                "effective_on": today,
                "decision": case["decision"],
                "decided_at": MADE.now if case["decision"] else None,
                "coverage_tier": "EE" if enrolled else None,
                "selected_plan_id": plan if enrolled else None,
                "employee_contribution_cents": 0 if enrolled else None,
                "employer_contribution_cents": 0 if enrolled else None,
                "coverage_starts_on": facts[-1].coverage_starts_on,
                "coverage_ends_on": facts[-1].coverage_ends_on,
                "closed_on": facts[-1].closed_on,
                "close_reason": "LAPSED" if facts[-1].closed_on else None,
            }
        )
    ids = await insert(database, MADE, TENANT, Enrollment, *rows, kind=IdPrefix.ENROLLMENT)
    return {
        id: (derive_enrollment_status(each, today), derive_coverage_status(each, today), today in each.window)
        for id, each in zip(ids, facts, strict=True)
    }


@pytest.mark.parametrize("now", INSTANTS, ids=str)
async def test_plan_years_and_employments(database: Database, now: datetime) -> None:
    clock = Clock(now)
    years: dict[str, str] = {}
    people: dict[str, bool] = {}
    for zone in ZONES:
        today = clock.today(zone)
        employer = await make_employer(database, MADE, time_zone=zone)
        for over, (opened, closed) in product(AROUND, ((None, None), (-5, None), (-5, -1), (-5, 0))):
            row = _plan_year(employer, await make_product(database, MADE), today + timedelta(days=over))
            row |= {"opened_on": _on(today, opened), "closed_on": _on(today, closed)}
            (id,) = await insert(database, MADE, TENANT, PlanYear, row, kind=IdPrefix.PLAN_YEAR)
            years[id] = plan_year_status_of(row["opened_on"], row["closed_on"], row["coverage_ends_on"], today)
        for end in (None, *AROUND):
            id = await make_employee(database, MADE, employer=employer, terminated_on=_on(today, end))
            people[id] = end is None or end > 0
    employers = await _all(database, clock, "employers", None, "planYears(first: 100) { nodes { id status } }")
    assert {node["id"]: node["status"] for each in employers for node in each["planYears"]["nodes"]} == years
    for status in set(years.values()):
        employers = await _all(database, clock, "employers", None, f"planYears(status: {status}) {{ nodes {{ id }} }}")
        let_through = {node["id"] for employer in employers for node in employer["planYears"]["nodes"]}
        assert let_through == {id for id, each in years.items() if each == status}
    everyone = await _all(database, clock, "employees", "EmployeeFilter", "active")
    assert {node["id"]: node["active"] for node in everyone} == people
    for active in (True, False):
        found = await _all(database, clock, "employees", "EmployeeFilter", "active", {"active": active})
        assert {node["id"] for node in found} == {id for id, each in people.items() if each is active}


# ---------------------------------------------------------------------------------------------------------- rows


def _on(today: date, offset: int | None) -> date | None:
    return None if offset is None else today + timedelta(days=offset)


def _plan_year(employer: str, benefit: str, ends_on: date) -> dict[str, Any]:
    starts_on = ends_on - timedelta(days=300)
    return {
        "employer_id": employer,
        "benefit_product_id": benefit,
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


async def _all(
    database: Database, clock: Clock, field: str, filter_type: str | None, fields: str, chosen: Any = None
) -> list[dict[str, Any]]:
    declared, passed = (f", $filter: {filter_type}", ", filter: $filter") if filter_type else ("", "")
    query = f"""query ($after: String{declared}) {{ list: {field}(first: 100, after: $after{passed}) {{
      nodes {{ id {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        variables = {"after": after} | ({"filter": chosen} if filter_type else {})
        found = (await fetch_data(database, clock, ADMINISTRATOR, query, **variables))["list"]
        nodes += found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return nodes
        after = found["pageInfo"]["endCursor"]
