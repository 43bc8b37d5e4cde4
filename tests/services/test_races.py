"""Concurrent enrollment actions against real locks: one wins, no employee is skipped, and nothing deadlocks."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import date
from typing import Any

from racing import lock_row, outcome_of, race, tally, wait_for_waiter

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from benegraph.services import enrollments, people
from benegraph.services.idempotency import run_idempotent
from factories.office import DATES, DATES_2026, Office, create_office, enroll, waive


async def office_with_pending_enrollment(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids(await office.open_plan_year()))
    return office, ada, (await office.pending_enrollment(ada)).id, plans


async def test_one_of_twenty_concurrent_elections_is_accepted(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    elections = [waive(id) if number % 2 else enroll(id, plans["GOLD"]) for number in range(20)]
    outcomes = await race(owner_url, "employees", ada, *(office.elect(ada, election) for election in elections))
    assert tally(outcomes) == {"done": 1, "ENROLLMENT_NOT_PENDING": 19}
    (preview,) = (value[0] for code, value in outcomes if code == "done")
    assert (await office.enrollment(id)).status == preview.status
    assert len(await office.history(id)) == 2


async def test_concurrent_calls_with_one_key_have_one_effect(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    new_hire = people.NewHire(
        PersonalDetails("Ada", "Adams", None, None, None), EmploymentClass.FULL_TIME, date(2026, 11, 2)
    )

    async def hire(tx: Transaction) -> tuple[dict[str, Any], bool]:
        async def change(tx: Transaction) -> dict[str, Any]:
            return {"employee_id": await people.hire_employee(tx, office.employer, new_hire)}

        return await run_idempotent(tx, Action.CREATE_EMPLOYEE, "key", b"hash", change)

    outcomes = await race(owner_url, "employers", office.employer, *(office.run(hire) for _ in range(20)))
    answers = [value for _, value in outcomes]
    assert Counter(replayed for _, replayed in answers) == {True: 19, False: 1}
    ((id,),) = {tuple(result.values()) for result, _ in answers}
    assert (await office.read_all_rows())["employees"].keys() == {id}


async def test_next_call_runs_when_first_call_of_a_key_is_refused(database: Database, owner_url: str) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    versions: list[int] = []

    async def change(tx: Transaction) -> dict[str, Any]:
        versions.append(9 if not versions else 1)  # the first call expects a version that does not exist
        await enrollments.elect(tx, ada, [waive(id, version=versions[-1])])
        return {"enrollment_ids": [id]}

    async def answer(tx: Transaction) -> bool:
        return (await run_idempotent(tx, Action.ELECT, "key", b"hash", change))[1]

    outcomes = await race(owner_url, "employees", ada, *(office.run(answer) for _ in range(20)))
    assert Counter(outcomes) == {("VERSION_CONFLICT", None): 1, ("done", False): 1, ("done", True): 18}


async def test_concurrent_election_and_later_termination_both_apply(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    staff = [await office.hire(f"Number {number}") for number in range(4)]
    plans = await office.plan_ids(await office.open_plan_year())
    pending = {ada: (await office.pending_enrollment(ada)).id for ada in staff}
    runners: list[Coroutine[Any, Any, Any]] = []
    for ada in staff:
        runners += [
            office.elect(ada, enroll(pending[ada], plans["GOLD"])),
            office.terminate_employee(ada, date(2027, 2, 3)),
        ]
    outcomes = await race(owner_url, "plan_years", next(iter((await office.read_all_rows())["plan_years"])), *runners)
    assert tally(outcomes) == {"done": 8}
    for ada in staff:
        (row,) = await office.enrollments(ada)
        assert (row.coverage_ends_on, row.closed_on) == (date(2027, 2, 28), date(2027, 3, 1))


async def test_concurrent_election_and_termination_today_leave_no_coverage(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    outcomes = await race(
        owner_url,
        "employees",
        ada,
        office.elect(ada, enroll(id, plans["GOLD"])),
        office.terminate_employee(ada, office.today),
    )
    (answer, _), (termination, _) = outcomes
    assert (answer, termination) in {("done", "done"), ("ENROLLMENT_NOT_PENDING", "done")}
    row = await office.enrollment(id)
    assert (row.status, row.coverage_ends_on, row.close_reason) == ("INACTIVE", None, "TERMINATED")


async def test_hires_during_opening_get_exactly_one_enrollment(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    before = [await office.hire(f"Number {number}") for number in range(3)]
    await office.terminate_employee(before[0], office.today)
    id = await office.draft_plan_year()
    outcomes = await race(
        owner_url,
        "employers",
        office.employer,
        *(office.hire(f"New {number}") for number in range(4)),
        office.open_enrollment(id),
        office.reinstate_employee(before[0]),
        office.update_employee(before[1], employment_class=EmploymentClass.PART_TIME),
        *(office.hire(f"Newer {number}") for number in range(2)),
    )
    assert tally(outcomes) == {"done": 9}
    tables = await office.read_all_rows()
    assert len(tables["employees"]) == 9
    enrollments_per_employee = Counter(row["employee_id"] for row in tables["enrollments"].values())
    assert enrollments_per_employee == dict.fromkeys(tables["employees"], 1)


async def test_concurrent_opening_succeeds_once(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    await office.hire()
    id = await office.draft_plan_year()
    outcomes = await race(owner_url, "employers", office.employer, *(office.open_enrollment(id) for _ in range(5)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 4}
    assert len((await office.read_all_rows())["enrollments"]) == 1


async def test_concurrent_reissues_leave_one_open(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    await office.elect(ada, enroll(id, plans["GOLD"]))
    events = [await office.approve_life_event(ada), await office.approve_life_event(ada, LifeEventType.MARRIAGE)]
    outcomes = await race(owner_url, "employees", ada, *(office.reissue(id, event) for event in events))
    assert tally(outcomes) == {"done": 1, "REISSUE_ALREADY_OPEN": 1}
    assert len(await office.enrollments(ada)) == 2


async def test_concurrent_reissue_and_reopening_allow_one(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    await office.elect(ada, enroll(id, plans["GOLD"]))
    event = await office.approve_life_event(ada)
    outcomes = await race(owner_url, "employees", ada, office.reissue(id, event), office.reopen_election(id))
    assert sorted(tally(outcomes)) in (["NOT_REISSUABLE", "done"], ["REISSUE_ALREADY_OPEN", "done"])


async def test_concurrent_drafts_create_one_plan_year(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    outcomes = await race(owner_url, "employers", office.employer, *(office.draft_plan_year() for _ in range(5)))
    assert tally(outcomes) == {"done": 1, "PLAN_YEAR_OVERLAP": 4}
    assert len((await office.read_all_rows())["plan_years"]) == 1


async def test_election_concurrent_with_shortened_window(database: Database, owner_url: str) -> None:
    """The window is shortened to yesterday meanwhile: the election is accepted only if it came first."""
    office, ada, id, plans = await office_with_pending_enrollment(database)
    plan_year = (await office.enrollment(id)).plan_year_id
    outcomes = await race(
        owner_url,
        "plan_years",
        plan_year,
        office.elect(ada, enroll(id, plans["GOLD"])),
        office.update_plan_year(plan_year, open_enrollment_ends_on=date(2026, 11, 19)),
    )
    (answer, _), (change, _) = outcomes
    assert change == "done"
    row = await office.enrollment(id)
    assert (answer, row.status) in {("done", "ENROLLED"), ("WINDOW_NOT_OPEN", "INACTIVE")}
    assert row.closes_on == date(2026, 11, 19)


async def test_election_reads_enrollment_after_waiting_for_lock(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    async with lock_row(owner_url, "plan_years", (await office.enrollment(id)).plan_year_id) as bystander:
        answer = asyncio.create_task(outcome_of(office.elect(ada, enroll(id, plans["GOLD"]))))
        await wait_for_waiter(bystander)
        closed = "UPDATE enrollments SET closed_on = $2, close_reason = 'LAPSED', version = 2 WHERE id = $1"
        await bystander.execute(closed, id, office.today)
    assert await answer == ("ENROLLMENT_NOT_PENDING", None)


async def test_election_locks_plan_years_before_enrollments(database: Database, owner_url: str) -> None:
    office, ada, first, plans = await office_with_pending_enrollment(database)
    later = PlanYearDates(date(2028, 1, 1), date(2028, 12, 31), date(2026, 11, 1), date(2026, 11, 30))
    second = await office.open_plan_year(later)
    rows = await office.enrollments(ada)
    elections = [enroll(first, plans["GOLD"]), enroll(rows[1].id, (await office.plan_ids(second))["GOLD"])]
    async with lock_row(owner_url, "plan_years", second) as bystander:
        answer = asyncio.create_task(outcome_of(office.elect(ada, *elections)))
        await wait_for_waiter(bystander)
        unlocked_rows = "SELECT id FROM enrollments WHERE employee_id = $1 ORDER BY id FOR UPDATE SKIP LOCKED"
        assert [row["id"] for row in await bystander.fetch(unlocked_rows, ada)] == [row.id for row in rows]
        unlocked_rows = "SELECT id FROM plan_years WHERE id <> $1 FOR UPDATE SKIP LOCKED"
        assert await bystander.fetch(unlocked_rows, second) == []
    assert (await answer)[0] == "done"


async def test_elections_during_closing_run_without_deadlock(database: Database, owner_url: str) -> None:
    """Closing renews many employees without breaking the lock order, so no transaction is retried after a deadlock."""
    office = await create_office(database, today=date(2025, 11, 20))
    staff = [await office.hire(f"Number {number}") for number in range(4)]
    last_year = await office.open_plan_year(DATES_2026)
    for ada in staff:
        await office.elect(
            ada, enroll((await office.pending_enrollment(ada)).id, (await office.plan_ids(last_year))["GOLD"])
        )
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    office = office.on_day(date(2026, 12, 1))
    events = {ada: await office.approve_life_event(ada) for ada in staff}
    reissued = {ada: await office.reissue((await office.enrollments(ada))[1].id, events[ada]) for ada in staff}
    attempts: Counter[str] = Counter()

    async def answer(tx: Transaction, ada: str) -> None:
        attempts[ada] += 1
        await enrollments.elect(tx, ada, [enroll(reissued[ada], (await office.plan_ids(id))["GOLD"])])

    outcomes = await race(
        owner_url, "plan_years", id, *(office.run(answer, ada) for ada in staff), office.close_enrollment(id)
    )
    assert tally(outcomes) == {"done": 5}
    assert attempts == dict.fromkeys(staff, 1)
    for ada in staff:
        rows = [row for row in await office.enrollments(ada) if row.plan_year_id == id]
        assert [(row.coverage_status, row.coverage_ends_on) for row in rows] == [
            ("CANCELLED", None),
            ("UPCOMING", date(2027, 12, 31)),
        ]


async def test_concurrent_updates_of_one_version_succeed_once(database: Database, owner_url: str) -> None:
    office, ada, _, _ = await office_with_pending_enrollment(database)
    runners = [office.update_employee(ada, 1, first_name=f"Number {number}") for number in range(5)]
    assert tally(await race(owner_url, "employees", ada, *runners)) == {"done": 1, "VERSION_CONFLICT": 4}


async def test_concurrent_hires_with_one_external_id_succeed_once(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    runners = [office.hire(external_id="E-1") for _ in range(5)]
    outcomes = await race(owner_url, "employers", office.employer, *runners)
    assert tally(outcomes) == {"done": 1, "ALREADY_EXISTS": 4}


async def test_concurrent_reviews_and_terminations_succeed_once(database: Database, owner_url: str) -> None:
    office, ada, _, _ = await office_with_pending_enrollment(database)
    event = await office.report_life_event(ada)
    reviews = [office.review_life_event(event, status) for status in (LifeEventStatus.APPROVED, LifeEventStatus.DENIED)]
    assert tally(await race(owner_url, "employees", ada, *reviews)) == {"done": 1, "INVALID_STATUS_TRANSITION": 1}
    departures = [office.terminate_employee(ada, day) for day in (date(2026, 11, 20), date(2026, 12, 20))]
    assert tally(await race(owner_url, "employees", ada, *departures)) == {"done": 1, "INVALID_STATUS_TRANSITION": 1}
