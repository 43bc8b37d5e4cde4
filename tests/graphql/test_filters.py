"""Filters: the rows that each one returns, and invalid filters."""

from datetime import date
from typing import Any

import pytest
from graphql_requests import fetch_data, fetch_error

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventStatus
from benegraph.domain.enrollments.status import ElectionDecision
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.people import EmploymentClass
from benegraph.domain.values import Clock
from factories.access import administrator
from factories.catalog import make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_life_event
from factories.people import make_employee
from factories.plan_years import make_plan, make_plan_year

ADMINISTRATOR = administrator()


# ------------------------------------------------------------------------------------------------------ employees


@pytest.fixture
async def employees_by_name(database: Database, clock: Clock) -> dict[str, str]:
    """Insert four employees of two employers, and return their IDs by first name."""
    first, second = await make_employer(database, clock), await make_employer(database, clock, name="Second Inc.")
    columns_by_name: dict[str, dict[str, Any]] = {
        "Ada": {"employer": first, "last_name": "Lovelace", "email": "ada@example.com", "external_id": "E-1"},
        "Bob": {"employer": first, "last_name": "100%_sure\\", "terminated_on": date(2026, 11, 20)},
        "Cyd": {"employer": first, "employment_class": EmploymentClass.INTERN, "terminated_on": date(2026, 11, 21)},
        "Ängla": {"employer": second, "last_name": "Ö", "external_id": "E-1"},
    }
    return {
        name: await make_employee(database, clock, first_name=name, **columns)
        for name, columns in columns_by_name.items()
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("Benitez", True),
        ("BENÍTEZ", True),
        ("beni\u0301tez", True),
        ("benitezz", False),
        ("sule", True),
        ("ŞULE", True),
        ("istanbul", True),  # the name has a dotted capital İ, which decomposes to I and a dot
        ("nguyen", True),  # two accents on one letter
        ("soren", False),  # ø is a letter of its own
        ("SØREN", True),
    ],
)
async def test_search_ignores_case_and_accents_of_letters(
    database: Database, clock: Clock, search: str, found: bool
) -> None:
    employer = await make_employer(database, clock)
    names: dict[str, Any] = {"first_name": "Şule Søren", "last_name": "Benítez-Nguyễn", "external_id": "İstanbul"}
    id = await make_employee(database, clock, employer=employer, **names)
    await make_employee(database, clock, employer=employer, first_name="Bob")
    query = "query ($search: String) { employees(filter: {search: $search}) { nodes { id } totalCount } }"
    data = await fetch_data(database, clock, ADMINISTRATOR, query, search=search)
    assert data["employees"] == {"nodes": [{"id": id}] * found, "totalCount": int(found)}


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, {"Ada", "Bob", "Cyd", "Ängla"}),
        ({"employmentClass": None, "active": None, "externalId": None, "search": None}, {"Ada", "Bob", "Cyd", "Ängla"}),
        ({"employmentClass": "INTERN"}, {"Cyd"}),
        ({"employmentClass": "SEASONAL"}, set()),
        ({"active": True}, {"Ada", "Cyd", "Ängla"}),
        ({"active": False}, {"Bob"}),
        ({"externalId": "E-1"}, {"Ada", "Ängla"}),
        ({"externalId": "e-1"}, set()),
        ({"externalId": ""}, set()),
        ({"search": "LOVE"}, {"Ada"}),
        ({"search": "ada lovelace"}, {"Ada"}),
        ({"search": "lovelace  ada"}, {"Ada"}),
        ({"search": "ada bob"}, set()),
        ({"search": "example.com"}, {"Ada"}),
        ({"search": "e-1"}, {"Ada", "Ängla"}),
        ({"search": "änGLA"}, {"Ängla"}),
        ({"search": "angla"}, {"Ängla"}),
        ({"search": "a\u0308ngla"}, {"Ängla"}),  # decomposed
        ({"search": "àdâ lövelace"}, {"Ada"}),
        ({"search": "o", "externalId": "E-1"}, {"Ada", "Ängla"}),
        ({"search": "%"}, {"Bob"}),
        ({"search": "_"}, {"Bob"}),
        ({"search": "\\"}, {"Bob"}),
        ({"search": "'"}, set()),
        ({"search": "  "}, {"Ada", "Bob", "Cyd", "Ängla"}),
        ({"search": "x" * 200}, set()),
        ({"search": "adams", "active": True, "employmentClass": "INTERN"}, {"Cyd"}),
    ],
)
async def test_employee_filter_returns_matching_employees(
    database: Database, clock: Clock, employees_by_name: dict[str, str], filter: dict[str, Any], names: set[str]
) -> None:
    query = """query ($filter: EmployeeFilter) {
      employees(filter: $filter) { nodes { id } totalCount }
      employers { nodes { employees(filter: $filter) { nodes { id } totalCount } } }
    }"""
    data = await fetch_data(database, clock, ADMINISTRATOR, query, filter=filter)
    assert {node["id"] for node in data["employees"]["nodes"]} == {employees_by_name[name] for name in names}
    assert data["employees"]["totalCount"] == len(names)
    pages = [node["employees"] for node in data["employers"]["nodes"]]
    assert {node["id"] for page in pages for node in page["nodes"]} == {employees_by_name[name] for name in names}
    assert [page["totalCount"] for page in pages] == [len(page["nodes"]) for page in pages]


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"search": "x" * 201}, "`search` accepts at most 200 characters, got 201."),
        ({"search": "a\0b"}, "A filter can't contain the character U+0000."),
        ({"externalId": "\0"}, "A filter can't contain the character U+0000."),
    ],
)
async def test_invalid_employee_filter_is_refused(
    database: Database, clock: Clock, filter: dict[str, Any], message: str
) -> None:
    query = "query ($filter: EmployeeFilter) { employees(filter: $filter) { totalCount } }"
    error = await fetch_error(database, clock, ADMINISTRATOR, query, filter=filter)
    assert isinstance(error, BadInput)
    assert str(error) == message


# ---------------------------------------------------------------------------------------------------- enrollments


@pytest.fixture
async def enrollments(database: Database, clock: Clock) -> dict[str, str]:
    """Insert enrollments of every status in two plan years, and return the IDs of both by a name."""
    employer = await make_employer(database, clock)
    this_year, next_year = [
        await make_plan_year(
            database,
            clock,
            employer=employer,
            product=await make_product(database, clock),
            coverage_starts_on=date(year, 1, 1),
            coverage_ends_on=date(year, 12, 31),
            open_enrollment_starts_on=date(year - 1, 11, 1),
            open_enrollment_ends_on=date(year - 1, 11, 30),
            opened_on=date(year - 1, 11, 1),
        )
        for year in (2026, 2027)
    ]
    plan = await make_plan(database, clock, plan_year=next_year)
    columns_by_name: dict[str, dict[str, Any]] = {
        "PENDING": {"plan_year": next_year},
        "ENROLLED": {"plan_year": next_year, "plan": plan},
        "WAIVED": {"plan_year": next_year, "decision": ElectionDecision.WAIVED},
        "LATE": {"plan_year": this_year, "decision": ElectionDecision.WAIVED, "effective_on": date(2027, 1, 1)},
        "INACTIVE": {"plan_year": this_year},
    }
    ids = {
        name: await make_enrollment(
            database, clock, employee=await make_employee(database, clock, employer=employer), **columns
        )
        for name, columns in columns_by_name.items()
    }
    return {**ids, "this": this_year, "next": next_year}


ENROLLMENTS = """
  query ($filter: EnrollmentFilter) {
    enrollments(filter: $filter) { nodes { id } totalCount }
    employers { nodes { enrollments(filter: $filter) { nodes { id } totalCount } } }
    employees { nodes { enrollments(filter: $filter) { nodes { id } totalCount } } }
    benefitProducts { nodes { planYears { nodes { enrollments(filter: $filter) { nodes { id } totalCount } } } } }
  }
"""


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, {"PENDING", "ENROLLED", "WAIVED", "LATE", "INACTIVE"}),
        ({"status": None}, {"PENDING", "ENROLLED", "WAIVED", "LATE", "INACTIVE"}),
        ({"status": []}, set()),
        ({"status": ["PENDING"]}, {"PENDING"}),
        ({"status": "PENDING"}, {"PENDING"}),
        ({"status": ["ENROLLED"]}, {"ENROLLED"}),
        ({"status": ["WAIVED"]}, {"WAIVED", "LATE"}),
        ({"status": ["INACTIVE"]}, {"INACTIVE"}),
        ({"status": ["INACTIVE", "PENDING", "PENDING"]}, {"INACTIVE", "PENDING"}),
        ({"planYearId": "this"}, {"LATE", "INACTIVE"}),
        ({"planYearId": "next", "status": ["WAIVED"]}, {"WAIVED"}),
        ({"planYearId": "unknown"}, set()),
        ({"coverageEffectiveStartYear": 2026}, {"INACTIVE"}),
        ({"coverageEffectiveStartYear": 2027}, {"PENDING", "ENROLLED", "WAIVED", "LATE"}),
        ({"coverageEffectiveStartYear": 1900}, set()),
        ({"coverageEffectiveStartYear": 2199}, set()),
    ],
)
async def test_enrollment_filter_returns_matching_enrollments(
    database: Database, clock: Clock, enrollments: dict[str, str], filter: dict[str, Any], names: set[str]
) -> None:
    if year := filter.get("planYearId"):
        filter = {**filter, "planYearId": enrollments.get(year, new_id(IdPrefix.PLAN_YEAR, clock.now))}
    data = await fetch_data(database, clock, ADMINISTRATOR, ENROLLMENTS, filter=filter)
    expected = {enrollments[name] for name in names}
    products = [node["planYears"]["nodes"] for node in data["benefitProducts"]["nodes"]]
    for lists in (
        [data["enrollments"]],
        [node["enrollments"] for node in data["employers"]["nodes"]],
        [node["enrollments"] for node in data["employees"]["nodes"]],
        [node["enrollments"] for nodes in products for node in nodes],
    ):
        assert {node["id"] for page in lists for node in page["nodes"]} == expected
        assert sum(page["totalCount"] for page in lists) == len(expected)


NOT_A_PLAN_YEAR = "Invalid ID: expected an ID of type PlanYear, such as plyr_01…."
OUT_OF_RANGE = "Invalid `coverageEffectiveStartYear`: expected 1900 to 2199, got {}."


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"planYearId": ""}, NOT_A_PLAN_YEAR),
        ({"planYearId": "plyr_x"}, NOT_A_PLAN_YEAR),
        ({"planYearId": new_id(IdPrefix.PLAN, Clock.at_noon(date(2026, 1, 1)).now)}, NOT_A_PLAN_YEAR),
        ({"coverageEffectiveStartYear": 1899}, OUT_OF_RANGE.format(1899)),
        ({"coverageEffectiveStartYear": 2200}, OUT_OF_RANGE.format(2200)),
        ({"coverageEffectiveStartYear": 0}, OUT_OF_RANGE.format(0)),
        ({"coverageEffectiveStartYear": -1}, OUT_OF_RANGE.format(-1)),
    ],
)
async def test_invalid_enrollment_filter_is_refused(
    database: Database, clock: Clock, filter: dict[str, Any], message: str
) -> None:
    query = "query ($filter: EnrollmentFilter) { enrollments(filter: $filter) { totalCount } }"
    error = await fetch_error(database, clock, ADMINISTRATOR, query, filter=filter)
    assert isinstance(error, BadInput)
    assert str(error) == message


# ---------------------------------------------------------------------------------------------------- life events


async def test_life_event_filter_returns_matching_life_events(database: Database, clock: Clock) -> None:
    employers = [await make_employer(database, clock, name=name) for name in "AB"]
    life_events: dict[tuple[int, LifeEventStatus], str] = {}
    for number, employer in enumerate(employers):
        employee_id = await make_employee(database, clock, employer=employer)
        for status in LifeEventStatus:
            life_events[number, status] = await make_life_event(database, clock, employee=employee_id, status=status)
    query = """query ($filter: LifeEventFilter) {
      qualifyingLifeEvents(filter: $filter) { nodes { id } totalCount } }"""
    unknown = new_id(IdPrefix.EMPLOYER, clock.now)
    for filter, expected in (
        ({}, list(life_events.values())),
        ({"status": None, "employerId": None}, list(life_events.values())),
        ({"status": "DENIED"}, [life_events[0, LifeEventStatus.DENIED], life_events[1, LifeEventStatus.DENIED]]),
        ({"employerId": employers[1]}, [life_events[1, status] for status in LifeEventStatus]),
        ({"employerId": employers[0], "status": "PENDING"}, [life_events[0, LifeEventStatus.PENDING]]),
        ({"employerId": unknown}, []),
    ):
        data = await fetch_data(database, clock, ADMINISTRATOR, query, filter=filter)
        assert [node["id"] for node in data["qualifyingLifeEvents"]["nodes"]] == expected
        assert data["qualifyingLifeEvents"]["totalCount"] == len(expected)
    for malformed in (
        "",
        "empr_",
        new_id(IdPrefix.EMPLOYEE, clock.now),
        unknown.upper(),
        f" {unknown}",
        f"{unknown}\n",
    ):
        error = await fetch_error(database, clock, ADMINISTRATOR, query, filter={"employerId": malformed})
        assert isinstance(error, BadInput)


# ----------------------------------------------------------------------------------------------------- plan years


async def test_plan_year_status_filter_returns_matching_plan_years(database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    columns_by_status: dict[str, dict[str, Any]] = {
        "DRAFT": {"opened_on": None},
        "OPEN_ENROLLMENT": {},
        "ACTIVE": {"closed_on": date(2026, 11, 19)},
        "EXPIRED": {
            "coverage_starts_on": date(2026, 1, 1),
            "coverage_ends_on": date(2026, 11, 19),
            "open_enrollment_starts_on": date(2025, 11, 1),
            "open_enrollment_ends_on": date(2025, 11, 30),
        },
    }
    plan_years = {
        status: await make_plan_year(
            database, clock, employer=employer, product=await make_product(database, clock), **columns
        )
        for status, columns in columns_by_status.items()
    }
    query = """query ($status: PlanYearStatus) { employers { nodes {
      planYears(status: $status) { nodes { id status } totalCount } } } }"""
    for filter in (None, *plan_years):
        data = await fetch_data(database, clock, ADMINISTRATOR, query, status=filter)
        expected = [{"id": id, "status": status} for status, id in plan_years.items() if filter in (None, status)]
        (page,) = (node["planYears"] for node in data["employers"]["nodes"])
        assert page == {"nodes": expected, "totalCount": len(expected)}
