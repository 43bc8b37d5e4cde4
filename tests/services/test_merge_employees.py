"""Merging a duplicate: everything moves to the kept record, or all that stands in the way is listed."""

from datetime import date
from typing import Any

import pytest
from coverage_invariants import check_coverage, take_snapshot
from racing import race, tally
from sqlalchemy import ForeignKeyConstraint
from test_coverage_sync_contracts import open_plan_year

from benegraph.db.base import Base
from benegraph.db.session import Database
from benegraph.db.store.employee_merges import MOVED_PARTS, MOVED_WITH_EVENTS
from benegraph.domain.access import KeyLimits, Role
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.people import Relationship, Sex
from benegraph.services.access import issue_key
from benegraph.services.division_moves import move_employee
from benegraph.services.employee_deletions import delete_employee
from benegraph.services.employee_merges import MergeOutcome, MergeRequest, merge_employees
from benegraph.services.enrollments import override_election
from benegraph.services.people import add_dependent
from benegraph.services.rehires import Rehire, rehire_employee
from benegraph.services.ssn import reveal_ssn
from factories.access import employer_viewer
from factories.coverage import CONTRACT_START, SUBSCRIBER_ID, make_contract, make_subscriber, read_coverage
from factories.office import DATES_2026, Office, create_office, enroll, waive

REASON = "Entered twice."
REFUSED = ["INVALID_STATUS_TRANSITION duplicateId"]
START = date(2027, 1, 1)


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


async def merge(office: Office, keep: str, duplicate: str, **versions: int) -> MergeOutcome:
    return await office.run(merge_employees, MergeRequest(keep, duplicate, REASON, **versions))


async def hire_twice(office: Office) -> tuple[str, str]:
    return await office.hire(), await office.hire()


async def enrollment_ids(office: Office, employee: str) -> list[str]:
    return [row.id for row in await office.enrollments(employee)]


async def messages(office: Office, keep: str, duplicate: str) -> list[str]:
    with pytest.raises(Refused) as refused:
        await merge(office, keep, duplicate)
    return [violation.message for violation in refused.value.violations]


def rows_of(tables: dict[str, dict[str, Any]], employee: str) -> dict[str, list[str]]:
    """Return the keys of the rows of an employee, by table, without the history."""
    owned = {
        table: [key for key, row in rows.items() if row.get("employee_id") == employee]
        for table, rows in tables.items()
        if table != "events"
    }
    return {table: keys for table, keys in owned.items() if keys}


async def test_everything_moves_to_the_kept_record(office: Office) -> None:
    await make_contract(office)
    await make_contract(office, division_id="D2")
    keep = await office.hire()
    year = await open_plan_year(office, CONTRACT_START)
    plans = await office.plan_ids(year)
    duplicate = await office.hire()
    child = await office.add_child(duplicate)
    subscriber = await make_subscriber(office, SUBSCRIBER_ID, duplicate)
    enrollment = (await office.pending_enrollment(duplicate)).id
    await office.elect(duplicate, enroll(enrollment, plans["GOLD"], child))
    event = await office.approve_life_event(duplicate, LifeEventType.MARRIAGE)
    reissue = await office.reissue(enrollment, event)
    await office.elect(duplicate, enroll(reissue, plans["GOLD"], child))
    override = await office.run(override_election, enroll(reissue, plans["GOLD"]), START, "A form was lost.")
    await office.run(move_employee, duplicate, "D2", date(2027, 3, 1))
    key, _ = await office.run(issue_key, KeyLimits(Role.EMPLOYEE, office.employer, duplicate), "A key")
    (own_pending,) = await enrollment_ids(office, keep)
    before = await office.read_all_rows()
    owned = rows_of(before, duplicate)
    hr = office.as_viewer(employer_viewer(office.employer))

    preview = await hr.dry_run(merge_employees, MergeRequest(keep, duplicate, REASON))
    assert await office.read_all_rows() == before
    outcome = await merge(hr, keep, duplicate)
    assert outcome == preview
    assert outcome.moved == {
        "dependents": [child],
        "life_events": [event],
        "enrollments": sorted(owned["enrollments"]),
        "election_overrides": [override.override_id],
        "subscribers": [subscriber],
        "subscriber_enrollments": sorted(owned["subscriber_enrollments"]),
        "api_keys": [key],
    }
    assert (outcome.deleted_enrollment_ids, outcome.filled_columns) == ([own_pending], ["division_id"])

    after = await office.read_all_rows()
    assert rows_of(after, duplicate) == {}
    moved = {table: sorted(keys) for table, keys in rows_of(after, keep).items()}
    for keys in (owned["division_moves"], moved["division_moves"]):  # the employee is part of this key
        assert [item.split(" ")[1] for item in keys] == ["2027-03-01"]
    assert {table: keys for table, keys in moved.items() if table != "division_moves"} == {
        table: sorted(keys) for table, keys in owned.items() if table != "division_moves"
    }
    for table in ("enrollments", "dependents", "life_events", "subscribers"):
        for id in moved[table]:
            row, old = after[table][id], before[table][id]
            assert row["version"] == old["version"] + 1
            assert {name for name in row if row[name] != old[name]} == {"employee_id", "version", "updated_at"}
    check_coverage(take_snapshot(after))


async def test_history_names_both_records(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    child = await office.add_child(duplicate)
    await merge(office, keep, duplicate)
    kept_event, own_event = (await office.history(keep))[-1], (await office.history(duplicate))[-1]
    assert (kept_event["action"], kept_event["reason"]) == ("MERGED", REASON)
    assert kept_event["after"] == {"merged_from_id": duplicate}
    assert (own_event["action"], own_event["after"]) == (
        "MERGED",
        {"merged_into_id": keep, "terminated_on": "2020-01-06"},
    )
    moved = (await office.history(child))[-1]
    assert (moved["action"], moved["employee_id"], moved["after"]) == ("MERGED", keep, {"merged_from_id": duplicate})
    assert (await office.read_row("employees", keep))["version"] == 2


async def test_duplicate_can_neither_change_nor_be_listed_nor_count_as_employed(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    await merge(office, keep, duplicate)
    not_found = ["NOT_FOUND employeeId"]
    assert await office.refusals(office.update_employee(duplicate, first_name="X")) == not_found
    assert await office.refusals(office.add_child(duplicate)) == not_found
    assert await office.refusals(office.reinstate_employee(duplicate)) == not_found
    assert await office.refusals(office.terminate_employee(duplicate, office.today)) == not_found
    assert await office.refusals(merge(office, keep, duplicate)) == ["NOT_FOUND duplicateId"]
    assert await office.refusals(merge(office, duplicate, keep)) == ["NOT_FOUND keepId"]
    await office.open_plan_year()
    assert await enrollment_ids(office, duplicate) == []
    assert len(await enrollment_ids(office, keep)) == 1


async def test_kept_record_takes_only_what_it_lacks(office: Office) -> None:
    keep = await office.hire(external_id="E-1")
    duplicate = await office.hire(external_id="E-2", ssn="219-09-9999")
    await office.update_employee(keep, phone="+12175550100")
    await office.update_employee(duplicate, phone="+12175550199", email="ada@example.com", sex=Sex.FEMALE)
    outcome = await merge(office, keep, duplicate)
    assert outcome.filled_columns == ["email", "sex", "ssn", "ssn_index", "ssn_last_four"]
    row = await office.read_row("employees", keep)
    taken = ("external_id", "phone", "email", "sex", "ssn_last_four")
    assert [row[name] for name in taken] == ["E-1", "+12175550100", "ada@example.com", "FEMALE", "9999"]
    assert await office.run(reveal_ssn, keep, "A check.") == "219099999"
    row = await office.read_row("employees", duplicate)
    assert [row[name] for name in ("external_id", "email", "ssn", "ssn_index", "ssn_last_four")] == [None] * 5
    await office.hire("Bob", external_id="E-2")


async def test_external_id_moves_to_a_record_without_one(office: Office) -> None:
    keep, duplicate = await office.hire(), await office.hire(external_id="E-2")
    assert (await merge(office, keep, duplicate)).filled_columns == ["external_id"]
    assert (await office.read_row("employees", keep))["external_id"] == "E-2"


async def test_different_numbers_or_dates_of_birth_are_refused(office: Office) -> None:
    keep, duplicate = await office.hire(ssn="219-09-9999"), await office.hire(ssn="219-09-9998")
    await office.update_employee(duplicate, date_of_birth=date(1985, 5, 18))
    assert await office.refusals(merge(office, keep, duplicate)) == REFUSED * 2
    await office.update_employee(duplicate, date_of_birth=None, ssn=None)
    await merge(office, keep, duplicate)


@pytest.mark.parametrize(("answered", "kept"), [("keep", "keep"), ("duplicate", "duplicate"), ("none", "keep")])
async def test_one_enrollment_stays_in_each_plan_year(office: Office, answered: str, kept: str) -> None:
    keep, duplicate = await hire_twice(office)
    await office.open_plan_year()
    ids = {name: (await enrollment_ids(office, id))[0] for name, id in (("keep", keep), ("duplicate", duplicate))}
    if answered != "none":
        await office.elect(keep if answered == "keep" else duplicate, waive(ids[answered]))
    outcome = await merge(office, keep, duplicate)
    (deleted,) = {"keep", "duplicate"} - {kept}
    assert outcome.deleted_enrollment_ids == [ids[deleted]]
    assert await enrollment_ids(office, keep) == [ids[kept]]
    event = (await office.history(ids[deleted]))[-1]
    assert (event["action"], event["reason"]) == ("DELETED", REASON)


async def test_enrollment_that_can_still_be_answered_stays(office: Office) -> None:
    """The kept record's enrollment lapsed; the duplicate was hired later and can still answer."""
    keep = await office.hire()
    year = await office.open_plan_year()
    later = office.on_day(date(2026, 12, 1))
    await later.close_enrollment(year)
    duplicate = await later.hire()
    (lapsed,), (pending,) = await enrollment_ids(later, keep), await enrollment_ids(later, duplicate)
    assert (await merge(later, keep, duplicate)).deleted_enrollment_ids == [lapsed]
    assert (await later.pending_enrollment(keep)).id == pending


async def test_two_answers_in_one_plan_year_are_refused(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    await office.open_plan_year()
    ids = [(await enrollment_ids(office, employee))[0] for employee in (keep, duplicate)]
    await office.elect(keep, waive(ids[0]))
    await office.elect(duplicate, waive(ids[1]))
    assert await office.refusals(merge(office, keep, duplicate)) == ["OVERLAPPING_COVERAGE duplicateId"]
    (message,) = await messages(office, keep, duplicate)
    assert message == (
        f"2 enrollments of both records in one plan year were answered or reissued: {ids[0]}, {ids[1]}. A person has"
        " one answer in a plan year, so the records stay apart."
    )


async def test_answers_in_different_plan_years_come_together(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    first = office.on_day(date(2025, 11, 10))
    old = await first.open_plan_year(DATES_2026)
    new = await office.open_plan_year()
    rows = {id: {row.plan_year_id: row.id for row in await office.enrollments(id)} for id in (keep, duplicate)}
    await first.elect(keep, enroll(rows[keep][old], (await office.plan_ids(old))["GOLD"]))
    await office.elect(duplicate, enroll(rows[duplicate][new], (await office.plan_ids(new))["GOLD"]))
    await merge(office, keep, duplicate)
    after = await office.read_all_rows()
    check_coverage(take_snapshot(after))
    assert len(take_snapshot(after).covered[keep]) == 730


async def test_same_dependents_become_one_and_keep_their_coverage(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    own, same = await office.add_child(keep), await office.add_child(duplicate)
    second, other = await office.add_child(duplicate), await office.add_child(duplicate, date(2016, 1, 1))
    plans = await office.plan_ids(await office.open_plan_year())
    (id,) = await enrollment_ids(office, duplicate)
    await office.elect(duplicate, enroll(id, plans["GOLD"], same, other))
    event = await office.report_life_event(duplicate, LifeEventType.ADOPTION, office.today, same)
    outcome = await merge(office, keep, duplicate)
    assert outcome.merged_dependents == {same: own}
    assert outcome.moved["dependents"] == [second, other]
    tables = await office.read_all_rows()
    assert set(tables["dependents"]) == {own, second, other}
    for table in ("enrolled_dependents", "confirmed_dependents"):
        assert {row["dependent_id"] for row in tables[table].values()} == {own, other}
    assert tables["life_events"][event]["dependent_id"] == own
    merged = (await office.history(same))[-1]
    assert (merged["action"], merged["after"]) == ("MERGED", {"merged_into_id": own})


async def test_dependents_in_different_states_stay_apart(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    await office.add_child(keep)
    await office.add_child(duplicate, disabled=True)
    same, _spouse = [
        await office.run(add_dependent, duplicate, "BEN", "ADAMS", date(2015, 8, 30), relationship, disabled=False)
        for relationship in (Relationship.CHILD, Relationship.SPOUSE)
    ]
    assert list((await merge(office, keep, duplicate)).merged_dependents) == [same]


async def test_subscriber_and_coverage_of_record_move(office: Office) -> None:
    await make_contract(office)
    keep, duplicate = await hire_twice(office)
    await make_subscriber(office, SUBSCRIBER_ID, duplicate)
    year = await open_plan_year(office, CONTRACT_START)
    (id,) = await enrollment_ids(office, duplicate)
    await office.elect(duplicate, enroll(id, (await office.plan_ids(year))["GOLD"]))
    (before,) = await read_coverage(office)
    await merge(office, keep, duplicate)
    (record,) = await read_coverage(office)
    changed = {"employee_id": keep, "version": before["version"] + 1, "updated_at": record["updated_at"]}
    assert record == before | changed
    day = office.on_day(date(2027, 6, 10))
    await day.terminate_employee(keep, date(2027, 6, 10))
    (record,) = await read_coverage(office)
    assert record["end_date"] == "2027-06-30"


async def test_coverage_of_record_that_was_cancelled_before_the_merge_is_restored_after_it(office: Office) -> None:
    await make_contract(office)
    keep, duplicate = await hire_twice(office)
    await make_subscriber(office, SUBSCRIBER_ID, duplicate)
    year = await open_plan_year(office, CONTRACT_START)
    (id,) = await enrollment_ids(office, duplicate)
    await office.elect(duplicate, enroll(id, (await office.plan_ids(year))["GOLD"]))
    (before,) = await read_coverage(office)
    for employee in (keep, duplicate):
        await office.terminate_employee(employee, date(2026, 11, 30))
    assert await read_coverage(office) == []
    await merge(office, keep, duplicate)
    await office.reinstate_employee(keep)
    (record,) = await read_coverage(office)
    assert (record["id"], record["policy_number"]) == (before["id"], "P-1")
    assert (record["employee_id"], record["end_date"]) == (keep, "2027-12-31")


async def test_elections_of_the_duplicate_reach_the_kept_records_subscriber(office: Office) -> None:
    await make_contract(office)
    keep, duplicate = await hire_twice(office)
    await make_subscriber(office, SUBSCRIBER_ID, keep)
    year = await open_plan_year(office, CONTRACT_START)
    (id,) = await enrollment_ids(office, duplicate)
    await office.elect(duplicate, enroll(id, (await office.plan_ids(year))["GOLD"]))
    assert await read_coverage(office) == []
    await merge(office, keep, duplicate)
    (record,) = await read_coverage(office)
    assert (record["employee_id"], record["start_date"]) == (keep, "2027-01-01")


async def test_two_subscribers_or_divisions_are_refused(office: Office) -> None:
    await make_contract(office)
    await make_contract(office, division_id="D2")
    keep, duplicate = await hire_twice(office)
    await office.update_employee(keep, division_id="D1")
    await office.update_employee(duplicate, division_id="D2")
    await make_subscriber(office, "S1", keep)
    await make_subscriber(office, "S2", duplicate)
    assert await office.refusals(merge(office, keep, duplicate)) == ["ALREADY_EXISTS duplicateId", *REFUSED]
    await office.update_employee(keep, subscriber_id=None)
    assert await office.refusals(merge(office, keep, duplicate)) == REFUSED
    await office.update_employee(duplicate, subscriber_id=None)
    await merge(office, keep, duplicate)


async def test_moves_of_both_records_are_refused(office: Office) -> None:
    await make_contract(office, division_id="D2")
    keep, duplicate = await hire_twice(office)
    await office.run(move_employee, keep, "D2", date(2027, 3, 1))
    await office.run(move_employee, duplicate, "D2", date(2027, 4, 1))
    assert await office.refusals(merge(office, keep, duplicate)) == REFUSED


async def test_coverage_before_the_kept_hire_date_is_refused(office: Office) -> None:
    keep, duplicate = await office.hire(hired_on=date(2027, 1, 2)), await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    pending = await office.pending_enrollment(duplicate)
    await office.elect(duplicate, enroll(pending.id, plans["GOLD"]))
    assert await office.refusals(merge(office, keep, duplicate)) == ["DATES_OUT_OF_ORDER duplicateId"]
    await office.update_employee(keep, hired_on=START)
    await merge(office, keep, duplicate)


async def test_different_ends_of_employment_are_refused_if_answers_depend_on_them(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    await office.open_plan_year()
    (id,) = await enrollment_ids(office, duplicate)
    await office.elect(duplicate, waive(id))
    await office.terminate_employee(keep, date(2026, 11, 30))
    assert await office.refusals(merge(office, keep, duplicate)) == REFUSED
    await office.terminate_employee(duplicate, date(2026, 11, 30))
    await merge(office, keep, duplicate)


async def test_rehires_are_kept(office: Office) -> None:
    first, duplicate = await hire_twice(office)
    await office.terminate_employee(first, office.today)
    later = office.on_day(date(2027, 1, 4))
    rehired = await later.run(rehire_employee, first, Rehire(date(2027, 1, 4)))
    for part in (first, rehired):
        assert await later.refusals(merge(later, duplicate, part)) == REFUSED
    await merge(later, rehired, duplicate)
    assert (await office.read_row("employees", duplicate))["merged_into_id"] == rehired


async def test_versions_reason_and_identity_are_checked(office: Office) -> None:
    keep, duplicate = await hire_twice(office)
    call = office.run(merge_employees, MergeRequest(keep, duplicate, " ", 2, 3))
    assert await office.refusals(call) == [
        "VERSION_CONFLICT expectedKeepVersion",
        "VERSION_CONFLICT expectedDuplicateVersion",
        "INVALID_INPUT reason",
    ]
    assert await office.refusals(merge(office, keep, keep)) == ["INVALID_INPUT duplicateId"]
    other = await (await create_office(office.database)).hire()
    assert await office.refusals(merge(office, keep, other)) == ["INVALID_INPUT duplicateId"]
    hr = office.as_viewer(employer_viewer(office.employer))
    assert await hr.refusals(merge(hr, keep, other)) == ["NOT_FOUND duplicateId"]
    await merge(office, keep, duplicate, keep_version=1, duplicate_version=1)


async def test_earlier_duplicates_follow_and_are_deleted_with_the_record(office: Office) -> None:
    first, second = await hire_twice(office)
    third = await office.hire()
    await merge(office, second, first)
    await merge(office, third, second)
    employees = (await office.read_all_rows())["employees"]
    assert [employees[id]["merged_into_id"] for id in (first, second)] == [third, third]
    await office.run(delete_employee, third, REASON)
    assert (await office.read_all_rows())["employees"] == {}


async def test_merge_and_election_at_the_same_time_lose_no_answer(office: Office, owner_url: str) -> None:
    keep, duplicate = await hire_twice(office)
    await office.open_plan_year()
    (id,) = await enrollment_ids(office, duplicate)
    outcomes = await race(
        owner_url, "employees", duplicate, merge(office, keep, duplicate), office.elect(duplicate, waive(id))
    )
    (row,) = await office.enrollments(keep)
    answered = row.id == id and row.decision == "WAIVED"
    assert tally(outcomes) == ({"done": 2} if answered else {"done": 1, "NOT_FOUND": 1})


async def test_opposite_merges_at_the_same_time_leave_one(office: Office, owner_url: str) -> None:
    one, other = await hire_twice(office)
    outcomes = await race(owner_url, "employees", min(one, other), merge(office, one, other), merge(office, other, one))
    assert tally(outcomes) == {"done": 1, "NOT_FOUND": 1}


def test_merge_covers_every_table_that_refers_to_an_employee() -> None:
    """A new table must be added to `MOVED_WITH_EVENTS` or `MOVED_PARTS`, or, with a reason, to the exceptions here."""
    referring = {
        table.name
        for table in Base.metadata.tables.values()
        if "employee_id" in table.columns
        or any(
            isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table.name == "employees"
            for constraint in table.constraints
        )
    }
    exceptions = {
        "employees",  # rehires are refused, and earlier duplicates follow
        "access_records",  # they never change either, and name the record that was read
        "events",  # history never changes; `mergedEmployees` leads to that of the duplicate
    }
    moved = {model.__tablename__ for model in (*MOVED_WITH_EVENTS, *MOVED_PARTS)}
    assert referring == moved | exceptions
