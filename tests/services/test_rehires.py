"""Rehires: one person with two employments and a gap; the subscriber and the dependents go to the new one."""

from datetime import date
from typing import Any

import pytest
from racing import race, tally
from test_coverage_sync_contracts import enroll_in_plan_year, linked_coverage_ids, open_plan_year

from benegraph.db.session import Database
from benegraph.domain.enrollments.coverage_ends import CoverageEnd, CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import WaitingPeriod
from benegraph.services.division_moves import move_employee
from benegraph.services.enrollments import end_coverage, override_election
from benegraph.services.rehires import Rehire, rehire_employee
from factories.coverage import (
    CONTRACT_START,
    SUBSCRIBER_ID,
    coverage_key,
    make_contract,
    make_coverage,
    make_subscriber,
    read_coverage,
)
from factories.office import Office, create_office, enroll, waive

ENDED, START = date(2027, 6, 10), date(2027, 7, 1)


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


async def rehire(office: Office, employee: str, on: date = START, **options: Any) -> str:
    return await office.run(rehire_employee, employee, Rehire(on, **options))


async def hire_and_terminate(office: Office, **options: Any) -> str:
    """Hire Ada, and terminate her on 10 June 2027; return her ID."""
    ada = await office.hire(**options)
    await office.on_day(ENDED).terminate_employee(ada, ENDED)
    return ada


async def test_rehire_creates_employment_of_same_person(office: Office) -> None:
    ada = await hire_and_terminate(office, external_id="E-1")
    before = await office.read_row("employees", ada)
    id = await rehire(office.on_day(START), ada, employment_class=EmploymentClass.PART_TIME)
    new, former = await office.read_row("employees", id), await office.read_row("employees", ada)
    own = {"id", "created_at", "updated_at", "version"}
    assert {name: new[name] for name in new if name not in own} == {
        name: before[name] for name in before if name not in own
    } | {
        "previous_employment_id": ada,
        "employment_class": "PART_TIME",
        "hired_on": "2027-07-01",
        "terminated_on": None,
        "class_changed_on": None,
    }
    changed = {"external_id": None, "version": before["version"] + 1, "updated_at": former["updated_at"]}
    assert former == before | changed
    (event,) = await office.history(id)
    assert (event["action"], event["after"]["previous_employment_id"]) == ("REHIRED", ada)
    event = (await office.history(ada))[-1]
    assert (event["action"], event["withheld_columns"]) == ("UPDATED", ["external_id"])


async def test_another_external_id_leaves_former_one(office: Office) -> None:
    ada = await hire_and_terminate(office, external_id="E-1")
    await office.hire("Bob", external_id="E-2")
    assert await office.refusals(rehire(office, ada, external_id="E-2")) == ["ALREADY_EXISTS externalId"]
    id = await rehire(office, ada, external_id="E-3")
    employees = (await office.read_all_rows())["employees"]
    assert (employees[ada]["external_id"], employees[id]["external_id"]) == ("E-1", "E-3")


async def test_active_dependents_are_copied(office: Office) -> None:
    ada = await office.hire()
    child, spouse = await office.add_child(ada, disabled=True), await office.add_spouse(ada)
    await office.update_dependent(spouse, active=False)
    await office.on_day(ENDED).terminate_employee(ada, ENDED)
    id = await rehire(office, ada)
    rows = (await office.read_all_rows())["dependents"]
    (copy,) = [row for row in rows.values() if row["employee_id"] == id]
    own = {"id", "employee_id", "created_at", "updated_at"}
    assert {name: copy[name] for name in copy if name not in own} == {
        name: value for name, value in rows[child].items() if name not in own
    }
    assert [event["action"] for event in await office.history(copy["id"])] == ["ADDED"]


@pytest.mark.parametrize(
    ("on", "refusals"),
    [
        (date(2027, 6, 9), ["DATES_OUT_OF_ORDER startDate"]),
        (ENDED, ["INVALID_STATUS_TRANSITION startDate"]),  # no gap: reinstateEmployee
        (date(2027, 6, 11), []),
        (date(2029, 12, 31), []),
        (date(2030, 1, 1), ["INVALID_INPUT startDate"]),
    ],
)
async def test_rehire_starts_after_a_gap(office: Office, on: date, refusals: list[str]) -> None:
    ada = await hire_and_terminate(office)
    if refusals:
        assert await office.on_day(ENDED).refusals(rehire(office.on_day(ENDED), ada, on)) == refusals
    else:
        await rehire(office.on_day(ENDED), ada, on)


async def test_rehire_needs_ended_employment_and_follows_it_once(office: Office) -> None:
    ada = await office.hire()
    assert await office.refusals(rehire(office, ada)) == ["INVALID_STATUS_TRANSITION employeeId"]
    await office.on_day(ENDED).terminate_employee(ada, ENDED)
    second = await rehire(office, ada)
    assert await office.refusals(rehire(office, ada)) == ["INVALID_STATUS_TRANSITION employeeId"]
    assert await office.refusals(office.reinstate_employee(ada)) == ["INVALID_STATUS_TRANSITION employeeId"]
    day = office.on_day(date(2027, 9, 10))
    await day.terminate_employee(second, date(2027, 9, 10))
    third = await rehire(day, second, date(2027, 12, 1))
    assert (await office.read_row("employees", third))["previous_employment_id"] == second


async def test_coverage_of_former_employment_no_longer_changes(office: Office) -> None:
    ada = await office.hire()
    year = await office.open_plan_year()
    enrollment = await enroll_in_plan_year(office, ada, year)
    day = office.on_day(ENDED)
    await day.terminate_employee(ada, ENDED)
    end = CoverageEnd(CoverageEndReason.NONPAYMENT, date(2027, 5, 31), None, "Unpaid.")
    await day.dry_run(end_coverage, enrollment, end, None)
    answer = enroll(enrollment, (await office.plan_ids(year))["SILVER"])
    await rehire(day, ada)
    refused = ["INVALID_STATUS_TRANSITION enrollmentId"]
    assert await office.refusals(day.run(end_coverage, enrollment, end, None)) == refused
    override = day.run(override_election, answer, date(2027, 2, 1), "A form was late.")
    assert await office.refusals(override) == refused


async def test_hire_date_of_rehire_stays_after_former_employment(office: Office) -> None:
    ada = await hire_and_terminate(office)
    id = await rehire(office, ada)
    refused = ["INVALID_STATUS_TRANSITION startDate"]
    assert await office.refusals(office.update_employee(id, hired_on=ENDED)) == refused
    await office.update_employee(id, hired_on=date(2027, 6, 11))


async def test_coverage_of_former_employment_is_over(office: Office) -> None:
    """Coverage runs to 30 June, so that the new employment starts on 1 July at the earliest."""
    ada = await office.hire()
    await enroll_in_plan_year(office, ada, await office.open_plan_year())
    day = office.on_day(ENDED)
    await day.terminate_employee(ada, ENDED)
    assert await office.refusals(rehire(day, ada, date(2027, 6, 30))) == ["OVERLAPPING_COVERAGE startDate"]
    id = await rehire(day, ada, START)
    pending = await day.pending_enrollment(id)
    assert (pending.reason, pending.effective_on) == ("NEW_HIRE", START)
    refused = ["OVERLAPPING_COVERAGE startDate"]
    assert await office.refusals(day.update_employee(id, hired_on=date(2027, 6, 30))) == refused


async def test_open_answer_of_former_employment_stands_in_the_way(office: Office) -> None:
    """Until 30 November it can still be answered, and coverage would run to that day."""
    bob = await office.hire("Bob", hired_on=date(2026, 11, 2))
    await office.open_plan_year()
    await office.terminate_employee(bob, date(2027, 1, 20))
    refused = ["OVERLAPPING_COVERAGE startDate"]
    assert await office.refusals(rehire(office, bob, date(2027, 1, 31))) == refused
    await rehire(office, bob, date(2027, 2, 1))


async def test_subscriber_goes_to_new_employment_and_ended_coverage_stays(office: Office) -> None:
    await make_contract(office)
    ada = await office.hire()
    subscriber = await make_subscriber(office, SUBSCRIBER_ID, ada)
    medical = await open_plan_year(office, CONTRACT_START)
    enrollment = await enroll_in_plan_year(office, ada, medical)
    day = office.on_day(ENDED)
    await day.terminate_employee(ada, ENDED)
    (former,) = await read_coverage(office)
    await make_coverage(office, coverage_key(date(2028, 1, 1)))
    new = await rehire(day, ada)
    assert (await office.read_row("subscribers", subscriber))["employee_id"] == new
    assert [event["action"] for event in await office.history(subscriber)] == ["CREATED", "UNLINKED", "LINKED"]
    pending = await day.pending_enrollment(new)
    await day.elect(new, enroll(pending.id, (await office.plan_ids(medical))["GOLD"]))
    first, second, own = await read_coverage(office)
    assert first == former
    assert (second["start_date"], second["end_date"], second["employee_id"]) == ("2027-07-01", "2027-12-31", new)
    assert (own["start_date"], own["employee_id"]) == ("2028-01-01", new)
    assert await linked_coverage_ids(office, enrollment, pending.id) == [first["id"], second["id"]]
    later = office.on_day(date(2027, 8, 10))
    await later.terminate_employee(new, date(2027, 8, 10))
    first, second, _ = await read_coverage(office)
    assert (first, second["end_date"]) == (former, "2027-08-31")
    await later.reinstate_employee(new)
    first, second, _ = await read_coverage(office)
    assert (first, second["end_date"]) == (former, "2027-12-31")


async def test_division_of_rehire_needs_contract_at_its_start(office: Office) -> None:
    ada = await hire_and_terminate(office)
    assert await office.refusals(rehire(office, ada, division_id="D2")) == ["NOT_FOUND divisionId"]
    await make_contract(office, division_id="D2", coverage_end=date(2027, 6, 30))
    assert await office.refusals(rehire(office, ada, division_id="D2")) == ["NOT_FOUND divisionId"]
    await make_contract(office, division_id="D3", coverage_end=START)
    id = await rehire(office, ada, division_id="D3")
    assert (await office.read_row("employees", id))["division_id"] == "D3"


async def test_former_employment_is_not_moved_to_another_division(office: Office) -> None:
    """The subscriber is that of the new employment, so the former coverage of record could not follow."""
    for division in ("D1", "D2"):
        await make_contract(office, division_id=division)
    ada = await hire_and_terminate(office)
    new = await rehire(office, ada)
    move = office.run(move_employee, ada, "D2", date(2027, 6, 1))
    assert await office.refusals(move) == ["INVALID_STATUS_TRANSITION employeeId"]
    await office.run(move_employee, new, "D2", date(2027, 7, 2))
    assert (await office.read_row("employees", new))["division_id"] == "D2"


async def test_former_coverage_is_neither_reissued_nor_answered_anew(office: Office) -> None:
    """A waiver of the former coverage would not reach the carrier, because the subscriber is that of the new one."""
    ada = await office.hire()
    medical = await office.open_plan_year()
    enrollment = await enroll_in_plan_year(office, ada, medical)
    day = office.on_day(date(2027, 6, 12))
    event = await day.approve_life_event(ada, LifeEventType.MARRIAGE, date(2027, 5, 20))
    await day.terminate_employee(ada, ENDED)
    await rehire(day, ada)
    assert await day.refusals(day.reissue(enrollment, event)) == [
        "INVALID_STATUS_TRANSITION enrollmentId",
        "NOT_ELIGIBLE enrollmentId",
    ]
    assert await day.refusals(day.elect(ada, waive(enrollment))) == ["INVALID_STATUS_TRANSITION employeeId"]


async def test_waiting_period_counts_from_new_start(office: Office) -> None:
    ada = await hire_and_terminate(office)
    await office.open_plan_year(waiting=WaitingPeriod(30))
    id = await rehire(office.on_day(ENDED), ada)
    (row,) = await office.on_day(ENDED).enrollments(id)
    assert row.effective_on == date(2027, 7, 31)


async def test_concurrent_rehires_leave_one(office: Office, owner_url: str) -> None:
    ada = await hire_and_terminate(office)
    outcomes = await race(owner_url, "employees", ada, rehire(office, ada), rehire(office, ada, date(2027, 8, 1)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 1}
