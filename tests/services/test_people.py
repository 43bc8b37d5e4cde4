"""Hiring and updating employees, and the enrollments that this issues, moves or closes."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.domain.plan_years import WaitingPeriod
from benegraph.services import people
from factories.access import employer_viewer
from factories.office import CLASSES, DATES_2026, Office, create_office, enroll, waive

FULL_TIME, PART_TIME, INTERN = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME, EmploymentClass.INTERN
PERSON = PersonalDetails("Ada", "Adams", "ada@example.com", date(1985, 5, 17), "E-1")


async def office_with_open_2026_plan_year(database: Database, **options: Any) -> tuple[Office, str]:
    """Create an office whose plan year 2026 has been in force since January; today is 20 November 2026."""
    office = await create_office(database, today=date(2025, 11, 20))
    return office.on_day(date(2026, 11, 20)), await office.open_plan_year(DATES_2026, **options)


async def pending_windows(office: Office, employee: str) -> list[tuple[str, date, date, date]]:
    """List the reason, effective date and window of each pending enrollment."""
    return [
        (row.reason, row.effective_on, row.opens_on, row.closes_on)
        for row in await office.enrollments(employee)
        if row.status == "PENDING"
    ]


# ---------------------------------------------------------------------------------------------------------- hiring


async def test_hire_stores_employee_and_history_omits_personal_data(database: Database) -> None:
    office = await create_office(database)
    id = await office.run(people.hire_employee, office.employer, people.NewHire(PERSON, PART_TIME, date(2026, 12, 1)))
    row = await office.read_row("employees", id)
    expected = {
        "employer_id": office.employer,
        "first_name": "Ada",
        "last_name": "Adams",
        "email": "ada@example.com",
        "date_of_birth": "1985-05-17",
        "external_id": "E-1",
        "employment_class": "PART_TIME",
        "hired_on": "2026-12-01",
        "class_changed_on": None,
        "terminated_on": None,
        "version": 1,
    }
    assert {name: row[name] for name in expected} == expected
    (event,) = await office.history(id)
    assert (event["action"], event["employee_id"], event["before"]) == ("HIRED", id, None)
    assert event["after"] == {"employment_class": "PART_TIME", "hired_on": "2026-12-01"}


async def test_hire_issues_enrollment_for_each_current_plan_year(database: Database) -> None:
    office, _ = await office_with_open_2026_plan_year(database)
    await office.open_plan_year()
    await office.draft_plan_year(replace(DATES_2026, coverage_start=date(2028, 1, 1), coverage_end=date(2028, 12, 31)))
    ada = await office.hire(hired_on=date(2026, 11, 16))
    window = (date(2026, 11, 20), date(2026, 12, 20))
    assert await pending_windows(office, ada) == [
        ("NEW_HIRE", date(2026, 11, 16), *window),
        ("NEW_HIRE", date(2027, 1, 1), *window),
    ]
    assert await pending_windows(office, await office.hire("Cy", employment_class=INTERN)) == []
    last_day = office.on_day(date(2026, 12, 31))
    assert len(await pending_windows(last_day, await last_day.hire("Dee"))) == 2
    next_day = office.on_day(date(2027, 1, 1))
    assert len(await pending_windows(next_day, await next_day.hire("Eli"))) == 1


@pytest.mark.parametrize(
    ("waiting", "hired_on", "effective_on"),
    [
        (WaitingPeriod(30), date(2026, 11, 16), date(2026, 12, 16)),
        (WaitingPeriod(30), date(2026, 12, 2), None),
        (WaitingPeriod(0, starts_on_first_of_month=True), date(2026, 12, 1), date(2026, 12, 1)),
        (WaitingPeriod(0, starts_on_first_of_month=True), date(2026, 12, 2), None),
    ],
)
async def test_waiting_period_delays_new_hire_coverage(
    database: Database, waiting: WaitingPeriod, hired_on: date, effective_on: date | None
) -> None:
    office, _ = await office_with_open_2026_plan_year(database, waiting=waiting)
    windows = await pending_windows(office, await office.hire(hired_on=hired_on))
    assert [window[1:3] for window in windows] == ([(effective_on, date(2026, 11, 20))] if effective_on else [])


async def test_invalid_hires_are_refused(database: Database) -> None:
    office = await create_office(database)
    invalid = people.NewHire(
        PersonalDetails(" ", "x" * 201, "nobody", date(2026, 11, 21), "\x00"), FULL_TIME, date(2029, 1, 1)
    )
    assert await office.refusals(office.run(people.hire_employee, office.employer, invalid)) == [
        "INVALID_INPUT firstName",
        "INVALID_INPUT lastName",
        "INVALID_INPUT externalId",
        "INVALID_INPUT email",
        "INVALID_INPUT dateOfBirth",
        "INVALID_INPUT startDate",
    ]
    too_young = people.NewHire(replace(PERSON, date_of_birth=date(2020, 1, 6)), FULL_TIME, date(2020, 1, 6))
    assert await office.refusals(office.run(people.hire_employee, office.employer, too_young)) == [
        "DATES_OUT_OF_ORDER startDate"
    ]
    valid = people.NewHire(PERSON, FULL_TIME, date(2028, 12, 31))
    assert await office.refusals(office.run(people.hire_employee, office.product, valid)) == [
        "INVALID_INPUT employerId"
    ]
    for outsider in (office.as_viewer(employer_viewer("empr_none")), await create_office(database, tenant="other")):
        assert await outsider.refusals(outsider.run(people.hire_employee, office.employer, valid)) == [
            "NOT_FOUND employerId"
        ]


async def test_external_id_is_unique_per_employer(database: Database) -> None:
    office = await create_office(database)
    await office.hire(external_id="E-1")
    bob = await office.hire("Bob", external_id="E-2")
    refused = ["ALREADY_EXISTS externalId"]
    assert await office.refusals(office.hire("Cy", external_id="E-1")) == refused
    assert await office.refusals(office.update_employee(bob, external_id="E-1")) == refused
    other_office = await create_office(database)
    await other_office.hire(external_id="E-1")
    await office.update_employee(bob, external_id=None)
    await office.hire("Dee", external_id="E-2")


# -------------------------------------------------------------------------------------------------------- changing


async def test_change_of_name_is_in_history_without_its_value(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.update_employee(ada, 1, first_name="Ida", email="ida@example.com", date_of_birth=None)
    row = await office.read_row("employees", ada)
    assert (row["first_name"], row["email"], row["date_of_birth"], row["version"]) == (
        "Ida",
        "ida@example.com",
        None,
        2,
    )
    hired, updated = await office.history(ada)
    assert (hired["action"], hired["withheld_columns"]) == ("HIRED", [])
    assert (updated["action"], updated["before"], updated["after"]) == ("UPDATED", {}, {})
    assert updated["withheld_columns"] == ["date_of_birth", "email", "first_name"]
    await office.update_employee(ada, 2, first_name="Ida")
    assert (await office.read_row("employees", ada))["version"] == 2  # an unchanged row keeps its version
    assert len(await office.history(ada)) == 2


async def test_invalid_employee_updates_are_refused(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.terminate_employee(ada, date(2026, 12, 1))
    assert await office.refusals(office.update_employee(ada, 1, first_name="", hired_on=date(2026, 12, 2))) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_INPUT firstName",
        "DATES_OUT_OF_ORDER startDate",
    ]
    await office.update_employee(ada, 2, hired_on=date(2026, 12, 1))
    assert await office.refusals(office.update_employee(office.employer, first_name="Ida")) == [
        "INVALID_INPUT employeeId"
    ]
    outsider = office.as_viewer(employer_viewer("empr_none"))
    assert await outsider.refusals(outsider.update_employee(ada, first_name="Ida")) == ["NOT_FOUND employeeId"]


async def test_waiting_period_restarts_when_class_changes(database: Database) -> None:
    office, _ = await office_with_open_2026_plan_year(database, waiting=WaitingPeriod(30))
    ada = await office.hire(employment_class=INTERN)
    await office.update_employee(ada, employment_class=FULL_TIME)
    row = await office.read_row("employees", ada)
    assert row["class_changed_on"] == "2026-11-20"
    assert await pending_windows(office, ada) == [
        ("NEW_HIRE", date(2026, 12, 20), date(2026, 11, 20), date(2027, 1, 19))
    ]
    event = (await office.history(ada))[-1]
    assert (event["before"], event["after"]) == (
        {"employment_class": "INTERN", "class_changed_on": None},
        {"employment_class": "FULL_TIME", "class_changed_on": "2026-11-20"},
    )


async def test_class_without_contributions_closes_pending_enrollment(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.open_plan_year()
    (before,) = await office.enrollments(ada)
    await office.update_employee(ada, employment_class=INTERN)
    (row,) = await office.enrollments(ada)
    assert (row.id, row.status, row.closed_on, row.close_reason) == (
        before.id,
        "INACTIVE",
        date(2026, 11, 20),
        "NOT_ELIGIBLE",
    )
    await office.update_employee(ada, employment_class=PART_TIME)
    closed, reissued = await office.enrollments(ada)
    assert (closed.status, reissued.status, reissued.reason) == ("INACTIVE", "PENDING", "NEW_HIRE")


async def test_later_eligibility_replaces_open_enrollment_by_new_hire(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(employment_class=PART_TIME)
    await office.open_plan_year(waiting=WaitingPeriod(60))
    await office.update_employee(ada, employment_class=FULL_TIME)
    old, new = await office.enrollments(ada)
    assert (old.status, old.close_reason) == ("INACTIVE", "NOT_ELIGIBLE")
    assert await pending_windows(office, ada) == [
        ("NEW_HIRE", date(2027, 1, 19), date(2026, 11, 20), date(2027, 2, 18))
    ]
    assert new.version == 1


async def test_changed_hire_date_moves_pending_enrollment(database: Database) -> None:
    office, _ = await office_with_open_2026_plan_year(database)
    ada = await office.hire(hired_on=date(2026, 12, 1))
    (first,) = await pending_windows(office, ada)
    await office.update_employee(ada, hired_on=date(2026, 12, 10))
    (row,) = await office.enrollments(ada)
    assert first == ("NEW_HIRE", date(2026, 12, 1), date(2026, 11, 20), date(2026, 12, 31))
    assert (row.effective_on, row.opens_on, row.closes_on, row.version) == (
        date(2026, 12, 10),
        date(2026, 11, 20),
        date(2027, 1, 9),
        2,
    )
    assert (await office.history(row.id))[-1]["action"] == "MOVED"
    await office.update_employee(ada, hired_on=date(2027, 1, 1))
    assert await pending_windows(office, ada) == []


async def test_changed_hire_date_moves_window_without_moving_coverage(database: Database) -> None:
    """Both hire dates precede the plan year, so coverage starts with it; 30 days after the hire the window closes."""
    office = await create_office(database)
    await office.open_plan_year()
    ada = await office.hire(hired_on=date(2026, 12, 1))
    await office.update_employee(ada, hired_on=date(2026, 12, 21))
    assert await pending_windows(office, ada) == [("NEW_HIRE", date(2027, 1, 1), date(2026, 11, 20), date(2027, 1, 20))]


async def test_answered_enrollments_stay_when_employee_changes(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    plans = await office.plan_ids(await office.open_plan_year())
    enrolled = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrolled, plans["GOLD"]))
    await office.elect(bob, waive((await office.pending_enrollment(bob)).id))
    before = (await office.read_all_rows())["enrollments"]
    for employee in (ada, bob):
        await office.update_employee(employee, employment_class=INTERN)
        await office.update_employee(employee, hired_on=date(2027, 1, 1))
    await office.update_employee(bob, hired_on=date(2027, 6, 1))
    assert (await office.read_all_rows())["enrollments"] == before


async def test_hire_date_after_elected_coverage_is_refused(database: Database) -> None:
    office, _ = await office_with_open_2026_plan_year(database)
    await office.open_plan_year()
    ada = await office.hire(hired_on=date(2026, 12, 1))
    first, second = await office.enrollments(ada)
    for row in (first, second):
        await office.elect(ada, enroll(row.id, (await office.plan_ids(row.plan_year_id))["GOLD"]))
    refused = ["DATES_OUT_OF_ORDER startDate"]
    assert await office.refusals(office.update_employee(ada, hired_on=date(2026, 12, 2))) == refused
    assert await office.refusals(office.update_employee(ada, hired_on=date(2027, 1, 2), first_name="Ida")) == refused
    for hired_on, ids in ((date(2027, 1, 1), first.id), (date(2027, 1, 2), f"{first.id}, {second.id}")):
        with pytest.raises(Refused) as caught:
            await office.update_employee(ada, hired_on=hired_on)
        (violation,) = caught.value.violations
        assert violation.message.endswith(f" {ids}.")

    await office.reopen_election(first.id)  # then the enrollment moves with the hire date
    await office.update_employee(ada, hired_on=date(2026, 12, 10))
    assert (await office.enrollment(first.id)).effective_on == date(2026, 12, 10)
    assert (await office.enrollment(second.id)).coverage_starts_on == date(2027, 1, 1)


async def test_cancelled_coverage_does_not_limit_the_hire_date(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    enrolled = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrolled, plans["GOLD"]))
    assert await office.refusals(office.update_employee(ada, hired_on=date(2027, 1, 2))) == [
        "DATES_OUT_OF_ORDER startDate"
    ]
    marriage = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    await office.elect(ada, waive(await office.reissue(enrolled, marriage)))
    assert (await office.enrollment(enrolled)).coverage_ends_on is None
    await office.update_employee(ada, hired_on=date(2027, 1, 2))


async def test_new_class_contributions_apply_from_next_election(database: Database) -> None:
    office, _ = await office_with_open_2026_plan_year(database, classes=CLASSES)
    ada = await office.hire(hired_on=date(2026, 11, 20))
    row = await office.pending_enrollment(ada)
    await office.elect(ada, enroll(row.id, (await office.plan_ids(row.plan_year_id))["GOLD"]))
    await office.update_employee(ada, employment_class=PART_TIME)
    await office.reopen_election(row.id)
    await office.elect(ada, enroll(row.id, (await office.plan_ids(row.plan_year_id))["GOLD"]))
    assert (await office.enrollment(row.id)).employee_contribution_cents == 40_000
