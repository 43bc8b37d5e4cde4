"""Deleting an employee: only one on whom nothing rests, with unanswered enrollments, dependents and revoked keys."""

from datetime import date

import pytest
from racing import race, tally

from benegraph.db.session import Database
from benegraph.domain.access import KeyLimits, Role
from benegraph.domain.errors import Refused
from benegraph.services.access import issue_key, revoke_key
from benegraph.services.division_moves import move_employee
from benegraph.services.employee_deletions import DeletedEmployee, delete_employee
from benegraph.services.rehires import Rehire, rehire_employee
from factories.access import employer_viewer
from factories.coverage import SUBSCRIBER_ID, coverage_key, make_contract, make_coverage, make_subscriber
from factories.office import Office, create_office, enroll, waive

REFUSED = ["INVALID_STATUS_TRANSITION employeeId"]


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


async def delete(office: Office, id: str, reason: str = "Entered twice.") -> DeletedEmployee:
    return await office.run(delete_employee, id, reason)


async def messages(office: Office, id: str) -> list[str]:
    with pytest.raises(Refused) as refused:
        await delete(office, id)
    return [violation.message for violation in refused.value.violations]


async def test_employee_is_deleted_with_all_that_only_the_record_has(office: Office) -> None:
    before = await office.read_all_rows()
    await make_contract(office, division_id="D2")
    await office.open_plan_year()
    eli = await office.hire("Eli", ssn="219-09-9999")
    child = await office.add_child(eli)
    await office.run(move_employee, eli, "D2", date(2027, 3, 1))
    key, _ = await office.run(issue_key, KeyLimits(Role.EMPLOYEE, office.employer, eli), "A key")
    await office.run(revoke_key, key)
    enrollment = (await office.pending_enrollment(eli)).id
    hr = office.as_viewer(employer_viewer(office.employer))

    expected = DeletedEmployee(enrollment_count=1, dependent_count=1)
    assert await hr.dry_run(delete_employee, eli, "Entered twice.") == expected
    assert eli in (await office.read_all_rows())["employees"]
    assert await delete(hr, eli) == expected

    after = await office.read_all_rows()
    for table in ("employees", "dependents", "enrollments", "division_moves", "api_keys"):
        assert after[table] == before[table] == {}
    for id, actions in ((eli, ["HIRED", "MOVED"]), (child, ["ADDED"]), (enrollment, ["ISSUED"])):
        *earlier, deleted = await office.history(id)
        assert [event["action"] for event in earlier] == actions
        assert (deleted["action"], deleted["reason"], deleted["employee_id"]) == ("DELETED", "Entered twice.", eli)
        assert deleted["after"] is None
    deleted = (await office.history(eli))[-1]
    assert deleted["before"] == {"employment_class": "FULL_TIME", "hired_on": "2020-01-06", "division_id": "D2"}
    assert await office.refusals(delete(office, eli)) == ["NOT_FOUND employeeId"]


async def test_lapsed_enrollment_is_deleted_too(office: Office) -> None:
    eli = await office.hire("Eli")
    year = await office.open_plan_year()
    later = office.on_day(date(2026, 12, 1))
    await later.close_enrollment(year)
    assert (await delete(later, eli)).enrollment_count == 1


@pytest.mark.parametrize("decision", ["ENROLLED", "WAIVED", "REOPENED"])
async def test_answered_enrollment_stays(office: Office, decision: str) -> None:
    eli = await office.hire("Eli")
    plans = await office.plan_ids(await office.open_plan_year())
    id = (await office.pending_enrollment(eli)).id
    await office.elect(eli, enroll(id, plans["GOLD"]) if decision == "ENROLLED" else waive(id))
    if decision == "REOPENED":
        await office.reopen_election(id)
    assert await office.refusals(delete(office, eli)) == REFUSED
    assert await messages(office, eli) == [
        f"1 enrollments have been answered: {id}; terminate the employee instead of deleting the record."
    ]


async def test_each_kind_of_row_that_stands_in_the_way_is_listed(office: Office) -> None:
    await make_contract(office)
    eli = await office.hire("Eli")
    event = await office.report_life_event(eli)
    subscriber = await make_subscriber(office, SUBSCRIBER_ID, eli)
    record = await make_coverage(office, coverage_key(date(2026, 1, 1)))
    key, _ = await office.run(issue_key, KeyLimits(Role.EMPLOYEE, office.employer, eli), "A key")
    await office.terminate_employee(eli, office.today)
    later = office.on_day(date(2027, 1, 4))
    rehired = await later.run(rehire_employee, eli, Rehire(date(2027, 1, 4)))
    own = f"1 life events were reported: {event}; terminate the employee instead of deleting the record."
    assert await messages(later, eli) == [
        own,
        f"1 API keys act for the employee: {key}; revoke them first.",
        f"1 employments follow this one: {rehired}; delete them first.",
    ]
    assert await later.refusals(delete(later, eli)) == REFUSED * 3
    assert await messages(later, rehired) == [
        f"1 subscribers are linked to the employee: {subscriber}; remove the link first.",
        (
            f"1 coverages of record belong to the employee: {record}; delete them, or link their subscriber to another"
            " employee first."
        ),
    ]


async def test_mistaken_rehire_is_deleted_and_former_employment_is_free_again(office: Office) -> None:
    eli = await office.hire("Eli")
    await office.terminate_employee(eli, office.today)
    later = office.on_day(date(2027, 1, 4))
    rehired = await later.run(rehire_employee, eli, Rehire(date(2027, 1, 4)))
    assert await delete(later, rehired) == DeletedEmployee(0, 0)
    await later.reinstate_employee(eli)


async def test_version_reason_and_scope_are_checked(office: Office) -> None:
    eli = await office.hire("Eli")
    call = office.run(delete_employee, eli, " ", 2)
    assert await office.refusals(call) == ["VERSION_CONFLICT expectedVersion", "INVALID_INPUT reason"]
    other = office.as_viewer(employer_viewer((await create_office(office.database, tenant="globex")).employer))
    assert await other.refusals(delete(other, eli)) == ["NOT_FOUND employeeId"]
    await office.run(delete_employee, eli, "Entered twice.", 1)


async def test_answer_and_deletion_at_the_same_time_leave_one(office: Office, owner_url: str) -> None:
    eli = await office.hire("Eli")
    await office.open_plan_year()
    answer = waive((await office.pending_enrollment(eli)).id)
    outcomes = await race(owner_url, "employees", eli, delete(office, eli), office.elect(eli, answer))
    assert tally(outcomes) in ({"done": 1, "NOT_FOUND": 1}, {"done": 1, "INVALID_STATUS_TRANSITION": 1})
