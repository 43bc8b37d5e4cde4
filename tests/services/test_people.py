"""Hiring, changing employees and their families, and what that issues, moves or closes."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.domain.plan_years import WaitingPeriod
from benegraph.services import people
from factories.access import employer_viewer
from factories.office import CLASSES, DATES_2026, Office, create_office, enroll, waive

FULL_TIME, PART_TIME, INTERN = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME, EmploymentClass.INTERN
PERSON = PersonalDetails("Ada", "Adams", "ada@example.com", date(1985, 5, 17), "E-1")


async def in_season(database: Database, **options: Any) -> tuple[Office, str]:
    """Open the office with 2026 in force since January; it is 20 November."""
    office = await create_office(database, today=date(2025, 11, 20))
    return office.on_day(date(2026, 11, 20)), await office.open_plan_year(DATES_2026, **options)


async def to_answer(office: Office, employee: str) -> list[tuple[str, date, date, date]]:
    """Give what waits for an answer, by its reason, its day, and its window."""
    return [
        (row.reason, row.effective_on, row.opens_on, row.closes_on)
        for row in await office.enrollments(employee)
        if row.status == "PENDING"
    ]


# ---------------------------------------------------------------------------------------------------------- hiring


async def test_a_hire_is_written_down_and_history_does_not_say_who_it_is(database: Database) -> None:
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


async def test_a_hire_answers_for_each_plan_year_that_is_open_and_not_over(database: Database) -> None:
    office, _ = await in_season(database)
    await office.open_plan_year()
    await office.draft_plan_year(replace(DATES_2026, coverage_start=date(2028, 1, 1), coverage_end=date(2028, 12, 31)))
    ada = await office.hire(hired_on=date(2026, 11, 16))
    window = (date(2026, 11, 20), date(2026, 12, 20))
    assert await to_answer(office, ada) == [
        ("NEW_HIRE", date(2026, 11, 16), *window),
        ("NEW_HIRE", date(2027, 1, 1), *window),
    ]
    assert await to_answer(office, await office.hire("Cy", employment_class=INTERN)) == []
    last_day = office.on_day(date(2026, 12, 31))
    assert len(await to_answer(last_day, await last_day.hire("Dee"))) == 2
    next_day = office.on_day(date(2027, 1, 1))
    assert len(await to_answer(next_day, await next_day.hire("Eli"))) == 1


@pytest.mark.parametrize(
    ("waiting", "hired_on", "effective_on"),
    [
        (WaitingPeriod(30), date(2026, 11, 16), date(2026, 12, 16)),
        (WaitingPeriod(30), date(2026, 12, 2), None),
        (WaitingPeriod(0, to_first_of_month=True), date(2026, 12, 1), date(2026, 12, 1)),
        (WaitingPeriod(0, to_first_of_month=True), date(2026, 12, 2), None),
    ],
)
async def test_a_hire_waits(
    database: Database, waiting: WaitingPeriod, hired_on: date, effective_on: date | None
) -> None:
    office, _ = await in_season(database, waiting=waiting)
    found = await to_answer(office, await office.hire(hired_on=hired_on))
    assert [each[1:3] for each in found] == ([(effective_on, effective_on)] if effective_on else [])


async def test_what_a_hire_refuses(database: Database) -> None:
    office = await create_office(database)
    born_later = people.NewHire(
        PersonalDetails(" ", "x" * 201, "nobody", date(2026, 11, 21), "\x00"), FULL_TIME, date(2029, 1, 1)
    )
    assert await office.refusals(office.run(people.hire_employee, office.employer, born_later)) == [
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
    good = people.NewHire(PERSON, FULL_TIME, date(2028, 12, 31))
    assert await office.refusals(office.run(people.hire_employee, office.product, good)) == ["INVALID_INPUT employerId"]
    for there in (office.as_viewer(employer_viewer("empr_none")), await create_office(database, tenant="other")):
        assert await there.refusals(there.run(people.hire_employee, office.employer, good)) == ["NOT_FOUND employerId"]


async def test_an_external_id_belongs_to_one_employee_of_an_employer(database: Database) -> None:
    office = await create_office(database)
    await office.hire(external_id="E-1")
    bob = await office.hire("Bob", external_id="E-2")
    taken = ["ALREADY_EXISTS externalId"]
    assert await office.refusals(office.hire("Cy", external_id="E-1")) == taken
    assert await office.refusals(office.update_employee(bob, external_id="E-1")) == taken
    elsewhere = await create_office(database)
    await elsewhere.hire(external_id="E-1")
    await office.update_employee(bob, external_id=None)
    await office.hire("Dee", external_id="E-2")


# -------------------------------------------------------------------------------------------------------- changing


async def test_a_new_name_is_no_matter_of_history(database: Database) -> None:
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
    assert [event["action"] for event in await office.history(ada)] == ["HIRED"]
    await office.update_employee(ada, 2, first_name="Ida")
    assert (await office.read_row("employees", ada))["version"] == 2  # nothing was changed


async def test_what_a_change_refuses(database: Database) -> None:
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
    there = office.as_viewer(employer_viewer("empr_none"))
    assert await there.refusals(there.update_employee(ada, first_name="Ida")) == ["NOT_FOUND employeeId"]


async def test_another_class_counts_from_the_day_it_changes(database: Database) -> None:
    office, _ = await in_season(database, waiting=WaitingPeriod(30))
    ada = await office.hire(employment_class=INTERN)
    await office.update_employee(ada, employment_class=FULL_TIME)
    row = await office.read_row("employees", ada)
    assert row["class_changed_on"] == "2026-11-20"
    assert await to_answer(office, ada) == [("NEW_HIRE", date(2026, 12, 20), date(2026, 12, 20), date(2027, 1, 19))]
    event = (await office.history(ada))[-1]
    assert (event["before"], event["after"]) == (
        {"employment_class": "INTERN", "class_changed_on": None},
        {"employment_class": "FULL_TIME", "class_changed_on": "2026-11-20"},
    )


async def test_a_class_without_contributions_closes_what_is_open(database: Database) -> None:
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
    closed, anew = await office.enrollments(ada)
    assert (closed.status, anew.status, anew.reason) == ("INACTIVE", "PENDING", "NEW_HIRE")


async def test_eligible_only_later_an_open_enrollment_becomes_a_new_hires(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(employment_class=PART_TIME)
    await office.open_plan_year(waiting=WaitingPeriod(60))
    await office.update_employee(ada, employment_class=FULL_TIME)
    old, new = await office.enrollments(ada)
    assert (old.status, old.close_reason) == ("INACTIVE", "NOT_ELIGIBLE")
    assert await to_answer(office, ada) == [("NEW_HIRE", date(2027, 1, 19), date(2027, 1, 19), date(2027, 2, 18))]
    assert new.version == 1


async def test_a_moved_hire_moves_what_it_has_to_answer(database: Database) -> None:
    office, _ = await in_season(database)
    ada = await office.hire(hired_on=date(2026, 12, 1))
    (first,) = await to_answer(office, ada)
    await office.update_employee(ada, hired_on=date(2026, 12, 10))
    (row,) = await office.enrollments(ada)
    assert first == ("NEW_HIRE", date(2026, 12, 1), date(2026, 12, 1), date(2026, 12, 31))
    assert (row.effective_on, row.opens_on, row.closes_on, row.version) == (
        date(2026, 12, 10),
        date(2026, 12, 10),
        date(2027, 1, 9),
        2,
    )
    assert (await office.history(row.id))[-1]["action"] == "MOVED"
    await office.update_employee(ada, hired_on=date(2027, 1, 1))
    assert await to_answer(office, ada) == []


async def test_the_window_moves_with_the_hire_even_where_coverage_does_not(database: Database) -> None:
    """Hired before the plan year begins, coverage starts with it either way; the thirty days run from the hire."""
    office = await create_office(database)
    await office.open_plan_year()
    ada = await office.hire(hired_on=date(2026, 12, 1))
    await office.update_employee(ada, hired_on=date(2026, 12, 21))
    assert await to_answer(office, ada) == [("NEW_HIRE", date(2027, 1, 1), date(2026, 12, 21), date(2027, 1, 20))]


async def test_answers_stay_whatever_changes(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    plans = await office.plan_ids_by_code(await office.open_plan_year())
    enrolled = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrolled, plans["GOLD"]))
    await office.elect(bob, waive((await office.pending_enrollment(bob)).id))
    before = (await office.read_all_rows())["enrollments"]
    for employee in (ada, bob):
        await office.update_employee(employee, employment_class=INTERN)
        await office.update_employee(employee, hired_on=date(2027, 6, 1))
    assert (await office.read_all_rows())["enrollments"] == before


async def test_new_contributions_apply_from_the_next_election(database: Database) -> None:
    office, _ = await in_season(database, classes=CLASSES)
    ada = await office.hire(hired_on=date(2026, 11, 20))
    row = await office.pending_enrollment(ada)
    await office.elect(ada, enroll(row.id, (await office.plan_ids_by_code(row.plan_year_id))["GOLD"]))
    await office.update_employee(ada, employment_class=PART_TIME)
    await office.reopen_election(row.id)
    await office.elect(ada, enroll(row.id, (await office.plan_ids_by_code(row.plan_year_id))["GOLD"]))
    assert (await office.enrollment(row.id)).employee_contribution_cents == 40_000
