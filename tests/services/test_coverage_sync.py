"""What employees elect, as coverage of record: it begins, moves and ends with the elections, day for day."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.errors import Forbidden
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.domain.plan_years import RenewalMode
from benegraph.services import billing, people, plan_years
from benegraph.services.catalog import add_product
from benegraph.services.coverage import records
from benegraph.services.employers import add_employer
from factories.coverage import (
    CONTRACT_START,
    DIVISION,
    GROUP,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import CLASSES, DATES, DATES_2026, PLANS, TODAY, Office, create_office, enroll, waive

NAMED: dict[str, Any] = {"group_id": GROUP, "group_coverage_start": CONTRACT_START}


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office)
    return office


async def opened(office: Office, dates: Any = DATES, **options: Any) -> str:
    """Open a plan year whose coverage is recorded under the contract."""
    plan_year = await office.draft_plan_year(dates, **options)
    await office.update_plan_year(plan_year, **NAMED)
    await office.open_enrollment(plan_year)
    return plan_year


async def subscribed(office: Office, number: str = SUBSCRIBER_ID) -> str:
    employee = await office.hire()
    await make_subscriber(office, number, employee)
    return employee


async def enrolled(office: Office, employee: str, plan: str = "GOLD") -> str:
    pending = await office.pending_enrollment(employee)
    plans = await office.plan_ids_by_code(pending.plan_year_id)
    await office.elect(employee, enroll(pending.id, plans[plan]))
    return str(pending.id)


async def spans(office: Office) -> list[tuple[str, str | None]]:
    return [(row["start_date"], row["end_date"]) for row in await read_coverage(office)]


async def test_an_election_is_written_down_as_coverage_of_record(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    enrollment = await enrolled(office, employee)
    (row,) = await read_coverage(office)
    assert {name: row[name] for name in row if name not in {"id", "created_at", "updated_at"}} == {
        "tenant_id": "acme",
        "employer_id": office.employer,
        "employee_id": employee,
        "subscriber_id": SUBSCRIBER_ID,
        "group_id": GROUP,
        "division_id": DIVISION,
        "group_coverage_start": "2020-01-01",
        "start_date": "2027-01-01",
        "end_date": "2027-12-31",
        "annual_max_cents": None,
        "lifetime_max_cents": None,
        "date_employed": "2020-01-06",
        "eligibility_date": None,
        "original_enrollment_date": "2027-01-01",
        "paid_through": None,
        "policy_number": "P-1",
        "term_date": None,
        "entry_user": office.viewer.key_id,
        "update_user": office.viewer.key_id,
        "version": 1,
    }
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] == row["id"]
    (event,) = await office.history(row["id"])
    assert (event["action"], event["employee_id"], event["request_id"]) == ("CREATED", employee, "request-1")


async def test_products_of_one_contract_share_a_coverage(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    medical = await enrolled(office, employee)
    dental_product = await office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS)
    await opened(replace(office, product=dental_product))
    dental = await enrolled(office, employee)
    (row,) = await read_coverage(office)
    links = [(await office.read_row("enrollments", id))["subscriber_enrollment_id"] for id in (medical, dental)]
    assert links == [row["id"], row["id"]]
    assert row["version"] == 1
    await office.reopen_election(medical)
    assert await spans(office) == [("2027-01-01", "2027-12-31")]
    await office.reopen_election(dental)
    assert await read_coverage(office) == []


async def test_years_that_follow_each_other_are_one_coverage(office: Office) -> None:
    employee = await subscribed(office)
    first = office.on_day(date(2025, 11, 20))
    await opened(first, DATES_2026)
    await enrolled(first, employee)
    (before,) = await read_coverage(office)
    await opened(office)
    await enrolled(office, employee)
    (after,) = await read_coverage(office)
    assert after["id"] == before["id"]
    assert (after["start_date"], after["end_date"], after["version"]) == ("2026-01-01", "2027-12-31", 2)
    assert after["original_enrollment_date"] == "2026-01-01"


async def test_a_waiver_writes_nothing_down(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    await office.elect(employee, waive((await office.pending_enrollment(employee)).id))
    assert await read_coverage(office) == []


async def test_a_termination_ends_it_and_a_reinstatement_restores_it(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    await enrolled(office, employee)
    later = office.on_day(date(2027, 3, 10))
    await later.terminate_employee(employee, date(2027, 4, 10))
    (row,) = await read_coverage(office)
    assert (row["end_date"], row["term_date"]) == ("2027-04-30", "2027-04-10")
    await later.reinstate_employee(employee)
    (restored,) = await read_coverage(office)
    assert (restored["id"], restored["end_date"], restored["term_date"]) == (row["id"], "2027-12-31", None)
    await office.terminate_employee(employee, date(2026, 12, 1))
    assert await read_coverage(office) == []


async def test_a_reissue_moves_it(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    enrollment = await enrolled(office, employee)
    later = office.on_day(date(2027, 5, 10))
    event = await later.approve_life_event(employee, LifeEventType.MARRIAGE)
    again = await later.reissue(enrollment, event)
    assert await spans(office) == [("2027-01-01", "2027-12-31")]
    await later.elect(employee, waive(again))
    assert await spans(office) == [("2027-01-01", "2027-05-31")]
    await later.reopen_election(again)
    assert await spans(office) == [("2027-01-01", "2027-12-31")]
    plans = await office.plan_ids_by_code((await office.enrollment(again)).plan_year_id)
    await later.elect(employee, enroll(again, plans["GOLD"], await later.add_spouse(employee)))
    assert await spans(office) == [("2027-01-01", "2027-12-31")]
    (row,) = await read_coverage(office)
    links = [(await office.read_row("enrollments", id))["subscriber_enrollment_id"] for id in (enrollment, again)]
    assert links == [row["id"], row["id"]]


async def test_renewal_lengthens_it_for_all_in_a_fixed_number_of_statements(office: Office) -> None:
    employees = [await subscribed(office, f"S{n}") for n in range(3)]
    first = office.on_day(date(2025, 11, 20))
    await opened(first, DATES_2026)
    for employee in employees:
        await enrolled(first, employee)
    plan_year = await opened(office, renewal=RenewalMode.PASSIVE)
    await office.on_day(date(2026, 12, 1)).close_enrollment(plan_year)
    assert await spans(office) == [("2026-01-01", "2027-12-31")] * 3


async def test_what_was_elected_before_is_written_down_when_the_subscriber_is_known(office: Office) -> None:
    employee = await office.hire()
    await opened(office)
    await enrolled(office, employee)
    assert await read_coverage(office) == []
    await make_subscriber(office, SUBSCRIBER_ID, employee)
    assert await spans(office) == [("2027-01-01", "2027-12-31")]


async def test_a_subscriber_may_be_linked_with_an_update_and_a_hire(office: Office) -> None:
    await make_subscriber(office)
    employee = await office.hire()
    await opened(office)
    await enrolled(office, employee)
    await office.update_employee(employee, subscriber_id=SUBSCRIBER_ID)
    assert await spans(office) == [("2027-01-01", "2027-12-31")]
    assert (await read_coverage(office))[0]["employee_id"] == employee
    assert await office.refusals(office.update_employee(employee, subscriber_id=None)) == [
        "LINKED_TO_ENROLLMENT subscriberId"
    ]
    assert await office.refusals(office.update_employee(employee, division_id="D2")) == [
        "LINKED_TO_ENROLLMENT divisionId"
    ]
    other = await office.hire("Bob")
    assert await office.refusals(office.update_employee(other, subscriber_id=SUBSCRIBER_ID)) == [
        "ALREADY_EXISTS subscriberId"
    ]
    assert await office.refusals(office.update_employee(other, subscriber_id="S9")) == ["NOT_FOUND subscriberId"]


@pytest.mark.parametrize("number", ["", " ", "S" * 10, "S\0"])
async def test_nobody_is_looked_for_by_what_can_be_no_number(office: Office, number: str) -> None:
    employee = await office.hire()
    bob = PersonalDetails("Bob", "Adams", None, None, None)
    hiring = people.NewHire(bob, EmploymentClass.FULL_TIME, TODAY, subscriber_id=number)
    assert await office.refusals(office.update_employee(employee, subscriber_id=number)) == [
        "INVALID_INPUT subscriberId"
    ]
    assert await office.refusals(office.run(people.hire_employee, office.employer, hiring)) == [
        "INVALID_INPUT subscriberId"
    ]


async def test_only_administrators_and_services_link_a_subscriber(office: Office) -> None:
    await make_subscriber(office)
    employee = await office.hire()
    clerk = office.as_viewer(Viewer("acme", "key", Role.EMPLOYER, office.employer))
    for wanted in (SUBSCRIBER_ID, None):
        with pytest.raises(Forbidden):
            await clerk.update_employee(employee, subscriber_id=wanted)
    await clerk.update_employee(employee, division_id="D1")
    assert (await office.read_row("employees", employee))["division_id"] == "D1"


async def test_a_key_of_one_employer_reaches_no_further(office: Office) -> None:
    service = office.as_viewer(Viewer("acme", "key", Role.SERVICE, office.employer))
    assert await office.refusals(make_subscriber(service)) == ["NOT_FOUND employeeId"]
    assert await office.refusals(make_contract(service, "G2", employer_id=None)) == ["NOT_FOUND employerId"]
    await make_contract(service, "G2")
    await make_subscriber(service, "S2", await office.hire())
    for telling in (service.run(billing.set_auto_paid_through, on=True), service.run(add_employer, "B", "UTC")):
        with pytest.raises(Forbidden):
            await telling


async def test_the_division_is_the_employees(office: Office) -> None:
    await make_contract(office, division_id="D2", policy_number="P-2")
    employee = await subscribed(office)
    await opened(office)
    await enrolled(office, employee)
    assert await read_coverage(office) == []  # of two divisions, which is not told
    await office.update_employee(employee, division_id="D2")
    (row,) = await read_coverage(office)
    assert (row["division_id"], row["policy_number"], row["end_date"]) == ("D2", "P-2", "2027-12-31")


async def test_an_employee_elects_for_themselves(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    own = office.as_viewer(Viewer("acme", "akey_own", Role.EMPLOYEE, office.employer, employee))
    pending = await office.pending_enrollment(employee)
    plans = await office.plan_ids_by_code(pending.plan_year_id)
    await own.elect(employee, enroll(pending.id, plans["GOLD"]))
    (row,) = await read_coverage(office)
    assert (row["entry_user"], row["end_date"]) == ("akey_own", "2027-12-31")
    await own.reopen_election(pending.id)
    assert await read_coverage(office) == []


async def test_what_the_carrier_had_on_record_ends_where_the_election_begins(office: Office) -> None:
    employee = await subscribed(office)
    old = await make_coverage(office, coverage_key(date(2024, 1, 1)), paid_through=date(2027, 3, 31))
    await opened(office)
    await enrolled(office, employee)
    rows = await read_coverage(office)
    assert await spans(office) == [("2024-01-01", "2026-12-31"), ("2027-01-01", "2027-12-31")]
    assert (rows[0]["id"], rows[0]["paid_through"], rows[0]["version"]) == (old, "2026-12-31", 2)


async def test_what_the_carrier_had_on_record_from_then_on_becomes_the_elections(office: Office) -> None:
    employee = await subscribed(office)
    old = await make_coverage(office, coverage_key(date(2027, 2, 1)), annual_max_cents=100)
    await opened(office)
    enrollment = await enrolled(office, employee)
    (row,) = await read_coverage(office)
    assert (row["id"], row["start_date"], row["end_date"], row["annual_max_cents"]) == (
        old,
        "2027-01-01",
        "2027-12-31",
        100,
    )
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] == old


async def test_the_carrier_does_not_move_what_follows_an_election(office: Office) -> None:
    employee = await subscribed(office)
    await opened(office)
    await enrolled(office, employee)
    key = coverage_key(date(2027, 1, 1))
    shortened = office.run(records.update_coverage, records.CoverageItem(key, {"end_date": date(2027, 6, 30)}), None)
    assert await office.refusals(shortened) == ["LINKED_TO_ENROLLMENT fields.endDate"]
    assert await office.refusals(office.run(records.delete_coverage, key, None)) == ["LINKED_TO_ENROLLMENT key"]
    same = records.CoverageItem(key, {"end_date": date(2027, 12, 31), "annual_max_cents": 5})
    await office.run(records.update_coverage, same, 1)
    (row,) = await read_coverage(office)
    assert (row["annual_max_cents"], row["end_date"], row["version"]) == (5, "2027-12-31", 2)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"group_id": GROUP}, "INVALID_INPUT groupCoverageStart"),
        ({"group_coverage_start": CONTRACT_START}, "INVALID_INPUT groupId"),
        ({"group_id": "G9", "group_coverage_start": CONTRACT_START}, "NOT_FOUND groupId"),
        ({"group_id": GROUP, "group_coverage_start": TODAY}, "NOT_FOUND groupId"),
        ({"group_id": "LATE", "group_coverage_start": date(2027, 2, 1)}, "DATES_OUT_OF_ORDER coverageStart"),
        ({"group_id": "SHORT", "group_coverage_start": date(2026, 1, 1)}, "DATES_OUT_OF_ORDER coverageEnd"),
        ({"group_id": "OTHER", "group_coverage_start": CONTRACT_START}, "NOT_FOUND groupId"),
    ],
)
async def test_a_plan_year_names_a_contract_of_its_employer_that_spans_it(
    office: Office, changes: dict[str, Any], refused: str
) -> None:
    await make_contract(office, "LATE", coverage_start=date(2027, 2, 1))
    await make_contract(office, "SHORT", coverage_start=date(2026, 1, 1), coverage_end=date(2027, 12, 30))
    await make_contract(office, "OTHER", employer_id=None)
    plan_year = await office.draft_plan_year()
    assert await office.refusals(office.update_plan_year(plan_year, **changes)) == [refused]


@pytest.mark.parametrize("group_id", ["", " ", "G" * 21, "G\0"])
async def test_no_contract_is_looked_for_by_what_can_be_no_group(office: Office, group_id: str) -> None:
    named: dict[str, Any] = {"group_id": group_id, "group_coverage_start": CONTRACT_START}
    draft = replace(plan_years.PlanYearDraft(office.employer, office.product, DATES, CLASSES), **named)
    assert await office.refusals(office.run(plan_years.create_plan_year, draft)) == ["INVALID_INPUT groupId"]
    assert await office.refusals(office.update_plan_year(await office.draft_plan_year(), **named)) == [
        "INVALID_INPUT groupId"
    ]


async def test_the_contract_is_settled_when_enrollment_opens(office: Office) -> None:
    plan_year = await opened(office)
    refused = await office.refusals(office.update_plan_year(plan_year, group_id=None, group_coverage_start=None))
    assert refused == ["INVALID_STATUS_TRANSITION groupId", "INVALID_STATUS_TRANSITION groupCoverageStart"]
