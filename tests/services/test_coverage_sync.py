"""Coverage sync: the carrier's coverage of record starts, moves and ends with the elections."""

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

CONTRACT_COLUMNS: dict[str, Any] = {"group_id": GROUP, "group_coverage_start": CONTRACT_START}


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office)
    return office


async def open_plan_year(office: Office, dates: Any = DATES, **options: Any) -> str:
    """Open a plan year whose coverage is recorded under the group contract."""
    plan_year = await office.draft_plan_year(dates, **options)
    await office.update_plan_year(plan_year, **CONTRACT_COLUMNS)
    await office.open_enrollment(plan_year)
    return plan_year


async def hire_subscriber(office: Office, number: str = SUBSCRIBER_ID) -> str:
    employee = await office.hire()
    await make_subscriber(office, number, employee)
    return employee


async def enroll_pending(office: Office, employee: str, plan: str = "GOLD") -> str:
    pending = await office.pending_enrollment(employee)
    plans = await office.plan_ids(pending.plan_year_id)
    await office.elect(employee, enroll(pending.id, plans[plan]))
    return str(pending.id)


async def coverage_spans(office: Office) -> list[tuple[str, str | None]]:
    return [(row["start_date"], row["end_date"]) for row in await read_coverage(office)]


async def test_election_creates_coverage_of_record(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, employee)
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
        "continues_id": None,
        "entry_user": office.viewer.key_id,
        "update_user": office.viewer.key_id,
        "version": 1,
    }
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] == row["id"]
    (event,) = await office.history(row["id"])
    assert (event["action"], event["employee_id"], event["request_id"]) == ("CREATED", employee, "request-1")


async def test_products_under_one_contract_share_a_coverage(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    medical = await enroll_pending(office, employee)
    dental_product = await office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS)
    await open_plan_year(replace(office, product=dental_product))
    dental = await enroll_pending(office, employee)
    (row,) = await read_coverage(office)
    links = [(await office.read_row("enrollments", id))["subscriber_enrollment_id"] for id in (medical, dental)]
    assert links == [row["id"], row["id"]]
    assert row["version"] == 1
    await office.reopen_election(medical)
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]
    await office.reopen_election(dental)
    assert await read_coverage(office) == []


async def test_consecutive_plan_years_are_one_coverage(office: Office) -> None:
    employee = await hire_subscriber(office)
    first = office.on_day(date(2025, 11, 20))
    await open_plan_year(first, DATES_2026)
    await enroll_pending(first, employee)
    (before,) = await read_coverage(office)
    await open_plan_year(office)
    await enroll_pending(office, employee)
    (after,) = await read_coverage(office)
    assert after["id"] == before["id"]
    assert (after["start_date"], after["end_date"], after["version"]) == ("2026-01-01", "2027-12-31", 2)
    assert after["original_enrollment_date"] == "2026-01-01"


async def test_waiver_creates_no_coverage(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    await office.elect(employee, waive((await office.pending_enrollment(employee)).id))
    assert await read_coverage(office) == []


async def test_termination_ends_coverage_and_reinstatement_restores_it(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    await enroll_pending(office, employee)
    later = office.on_day(date(2027, 3, 10))
    await later.terminate_employee(employee, date(2027, 4, 10))
    (row,) = await read_coverage(office)
    assert (row["end_date"], row["term_date"]) == ("2027-04-30", "2027-04-10")
    await later.reinstate_employee(employee)
    (restored,) = await read_coverage(office)
    assert (restored["id"], restored["end_date"], restored["term_date"]) == (row["id"], "2027-12-31", None)
    await office.terminate_employee(employee, date(2026, 12, 1))
    assert await read_coverage(office) == []


async def test_answered_reissue_moves_coverage_end(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, employee)
    later = office.on_day(date(2027, 5, 10))
    event = await later.approve_life_event(employee, LifeEventType.MARRIAGE)
    reissued = await later.reissue(enrollment, event)
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]
    await later.elect(employee, waive(reissued))
    assert await coverage_spans(office) == [("2027-01-01", "2027-05-31")]
    await later.reopen_election(reissued)
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]
    plans = await office.plan_ids((await office.enrollment(reissued)).plan_year_id)
    await later.elect(employee, enroll(reissued, plans["GOLD"], await later.add_spouse(employee)))
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]
    (row,) = await read_coverage(office)
    links = [(await office.read_row("enrollments", id))["subscriber_enrollment_id"] for id in (enrollment, reissued)]
    assert links == [row["id"], row["id"]]


async def test_renewal_extends_coverage_of_all_employees(office: Office) -> None:
    employees = [await hire_subscriber(office, f"S{n}") for n in range(3)]
    first = office.on_day(date(2025, 11, 20))
    await open_plan_year(first, DATES_2026)
    for employee in employees:
        await enroll_pending(first, employee)
    plan_year = await open_plan_year(office, renewal=RenewalMode.PASSIVE)
    await office.on_day(date(2026, 12, 1)).close_enrollment(plan_year)
    assert await coverage_spans(office) == [("2026-01-01", "2027-12-31")] * 3


async def test_creating_subscriber_records_earlier_elections(office: Office) -> None:
    employee = await office.hire()
    await open_plan_year(office)
    await enroll_pending(office, employee)
    assert await read_coverage(office) == []
    await make_subscriber(office, SUBSCRIBER_ID, employee)
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]


async def test_subscriber_is_linked_by_updating_an_employee(office: Office) -> None:
    await make_subscriber(office)
    employee = await office.hire()
    await open_plan_year(office)
    await enroll_pending(office, employee)
    await office.update_employee(employee, subscriber_id=SUBSCRIBER_ID)
    assert await coverage_spans(office) == [("2027-01-01", "2027-12-31")]
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
async def test_malformed_subscriber_number_is_invalid_input(office: Office, number: str) -> None:
    employee = await office.hire()
    bob = PersonalDetails("Bob", "Adams", None, None, None)
    new_hire = people.NewHire(bob, EmploymentClass.FULL_TIME, TODAY, subscriber_id=number)
    assert await office.refusals(office.update_employee(employee, subscriber_id=number)) == [
        "INVALID_INPUT subscriberId"
    ]
    assert await office.refusals(office.run(people.hire_employee, office.employer, new_hire)) == [
        "INVALID_INPUT subscriberId"
    ]


async def test_only_administrators_and_services_link_a_subscriber(office: Office) -> None:
    await make_subscriber(office)
    employee = await office.hire()
    clerk = office.as_viewer(Viewer("acme", "key", Role.EMPLOYER, office.employer))
    for number in (SUBSCRIBER_ID, None):
        with pytest.raises(Forbidden):
            await clerk.update_employee(employee, subscriber_id=number)
    await clerk.update_employee(employee, division_id="D1")
    assert (await office.read_row("employees", employee))["division_id"] == "D1"


async def test_key_of_one_employer_is_limited_to_it(office: Office) -> None:
    service = office.as_viewer(Viewer("acme", "key", Role.SERVICE, office.employer))
    assert await office.refusals(make_subscriber(service)) == ["NOT_FOUND employeeId"]
    assert await office.refusals(make_contract(service, "G2", employer_id=None)) == ["NOT_FOUND employerId"]
    await make_contract(service, "G2")
    await make_subscriber(service, "S2", await office.hire())
    for call in (service.run(billing.set_auto_paid_through, on=True), service.run(add_employer, "B", "UTC")):
        with pytest.raises(Forbidden):
            await call


async def test_coverage_is_recorded_under_division_of_employee(office: Office) -> None:
    await make_contract(office, division_id="D2", policy_number="P-2")
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    await enroll_pending(office, employee)
    assert await read_coverage(office) == []  # the group has two divisions, and the employee has none
    await office.update_employee(employee, division_id="D2")
    (row,) = await read_coverage(office)
    assert (row["division_id"], row["policy_number"], row["end_date"]) == ("D2", "P-2", "2027-12-31")


async def test_employee_viewer_election_creates_coverage(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    employee_office = office.as_viewer(Viewer("acme", "akey_own", Role.EMPLOYEE, office.employer, employee))
    pending = await office.pending_enrollment(employee)
    plans = await office.plan_ids(pending.plan_year_id)
    await employee_office.elect(employee, enroll(pending.id, plans["GOLD"]))
    (row,) = await read_coverage(office)
    assert (row["entry_user"], row["end_date"]) == ("akey_own", "2027-12-31")
    await employee_office.reopen_election(pending.id)
    assert await read_coverage(office) == []


async def test_earlier_carrier_coverage_ends_before_election(office: Office) -> None:
    employee = await hire_subscriber(office)
    old = await make_coverage(office, coverage_key(date(2024, 1, 1)), paid_through=date(2027, 3, 31))
    await open_plan_year(office)
    await enroll_pending(office, employee)
    rows = await read_coverage(office)
    assert await coverage_spans(office) == [("2024-01-01", "2026-12-31"), ("2027-01-01", "2027-12-31")]
    assert (rows[0]["id"], rows[0]["paid_through"], rows[0]["version"]) == (old, "2026-12-31", 2)


async def test_later_carrier_coverage_is_taken_over_by_election(office: Office) -> None:
    employee = await hire_subscriber(office)
    old = await make_coverage(office, coverage_key(date(2027, 2, 1)), annual_max_cents=100)
    await open_plan_year(office)
    enrollment = await enroll_pending(office, employee)
    (row,) = await read_coverage(office)
    assert (row["id"], row["start_date"], row["end_date"], row["annual_max_cents"]) == (
        old,
        "2027-01-01",
        "2027-12-31",
        100,
    )
    assert (await office.read_row("enrollments", enrollment))["subscriber_enrollment_id"] == old


async def test_linked_coverage_cannot_be_moved_or_deleted(office: Office) -> None:
    employee = await hire_subscriber(office)
    await open_plan_year(office)
    await enroll_pending(office, employee)
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
async def test_plan_year_with_unsuitable_contract_is_refused(
    office: Office, changes: dict[str, Any], refused: str
) -> None:
    await make_contract(office, "LATE", coverage_start=date(2027, 2, 1))
    await make_contract(office, "SHORT", coverage_start=date(2026, 1, 1), coverage_end=date(2027, 12, 30))
    await make_contract(office, "OTHER", employer_id=None)
    plan_year = await office.draft_plan_year()
    assert await office.refusals(office.update_plan_year(plan_year, **changes)) == [refused]


@pytest.mark.parametrize("group_id", ["", " ", "G" * 21, "G\0"])
async def test_malformed_group_id_is_invalid_input(office: Office, group_id: str) -> None:
    contract_columns: dict[str, Any] = {"group_id": group_id, "group_coverage_start": CONTRACT_START}
    draft = replace(plan_years.PlanYearDraft(office.employer, office.product, DATES, CLASSES), **contract_columns)
    assert await office.refusals(office.run(plan_years.create_plan_year, draft)) == ["INVALID_INPUT groupId"]
    assert await office.refusals(office.update_plan_year(await office.draft_plan_year(), **contract_columns)) == [
        "INVALID_INPUT groupId"
    ]


async def test_contract_is_fixed_when_enrollment_opens(office: Office) -> None:
    plan_year = await open_plan_year(office)
    refused = await office.refusals(office.update_plan_year(plan_year, group_id=None, group_coverage_start=None))
    assert refused == ["INVALID_STATUS_TRANSITION groupId", "INVALID_STATUS_TRANSITION groupCoverageStart"]
