"""What happens at once, against real locks: exactly one wins, nobody is missed, and nobody waits for another in a ring.

Each race starts behind a lock that a bystander holds, so that all of it is on the way before any of it can go on.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg

from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from benegraph.services import enrollments, people
from benegraph.services.idempotency import run_idempotent
from conftest import connect
from factories.office import DATES, DATES_2026, Office, create_office, enroll, waive

#: As many connections as the tests' pool has, but one to spare.
AT_THE_GATE = 9

#: How many sessions of this database wait for a lock.
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (
        SELECT pid FROM pg_locks
        WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

Outcome = tuple[str, Any]


async def race(owner_url: str, table: str, id: str, *runners: Coroutine[Any, Any, Any]) -> list[Outcome]:
    """Let all go at once, once they wait for this row; give for each whether it was done, or the first refusal."""
    bystander = await connect(owner_url)
    try:
        holding = bystander.transaction()
        await holding.start()
        await bystander.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", id)
        running = [asyncio.create_task(_outcome(runner)) for runner in runners]
        while not all(task.done() for task in running):
            waiting = await bystander.fetchval(WAITING)
            if waiting >= min(AT_THE_GATE, sum(not task.done() for task in running)):
                break
            await asyncio.sleep(0.005)
        await holding.commit()
        return await asyncio.gather(*running)
    finally:
        await bystander.close()


async def _outcome(runner: Coroutine[Any, Any, Any]) -> Outcome:
    try:
        return "done", await runner
    except Refused as refused:
        return str(refused.violations[0].code), None


def tally(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(code for code, _ in outcomes)


async def to_answer(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids_by_code(await office.open_plan_year()))
    return office, ada, (await office.pending_enrollment(ada)).id, plans


async def test_of_twenty_answers_one_counts(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await to_answer(database)
    choices = [waive(id) if number % 2 else enroll(id, plans["GOLD"]) for number in range(20)]
    outcomes = await race(owner_url, "employees", ada, *(office.elect(ada, choice) for choice in choices))
    assert tally(outcomes) == {"done": 1, "ENROLLMENT_NOT_PENDING": 19}
    (won,) = (value[0] for code, value in outcomes if code == "done")
    assert (await office.enrollment(id)).status == won.status
    assert len(await office.history(id)) == 2


async def test_one_idempotency_key_has_one_effect(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    hiring = people.NewHire(
        PersonalDetails("Ada", "Adams", None, None, None), EmploymentClass.FULL_TIME, date(2026, 11, 2)
    )

    async def hire(tx: Transaction) -> tuple[dict[str, Any], bool]:
        async def story(tx: Transaction) -> dict[str, Any]:
            return {"employee_id": await people.hire_employee(tx, office.employer, hiring)}

        return await run_idempotent(tx, Action.CREATE_EMPLOYEE, "key", b"hash", story)

    outcomes = await race(owner_url, "employers", office.employer, *(office.run(hire) for _ in range(20)))
    answers = [value for _, value in outcomes]
    assert Counter(replayed for _, replayed in answers) == {True: 19, False: 1}
    ((id,),) = {tuple(result.values()) for result, _ in answers}
    assert (await office.read_all_rows())["employees"].keys() == {id}


async def test_where_the_first_call_of_a_key_is_refused_the_next_does_it(database: Database, owner_url: str) -> None:
    office, ada, id, _ = await to_answer(database)
    told: list[int] = []

    async def story(tx: Transaction) -> dict[str, Any]:
        told.append(9 if not told else 1)  # the first comes with a version that never was
        await enrollments.elect(tx, ada, [waive(id, version=told[-1])])
        return {"enrollment_ids": [id]}

    async def answer(tx: Transaction) -> bool:
        return (await run_idempotent(tx, Action.ELECT, "key", b"hash", story))[1]

    outcomes = await race(owner_url, "employees", ada, *(office.run(answer) for _ in range(20)))
    assert Counter(outcomes) == {("VERSION_CONFLICT", None): 1, ("done", False): 1, ("done", True): 18}


async def test_an_answer_and_a_termination(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    staff = [await office.hire(f"Number {number}") for number in range(4)]
    plans = await office.plan_ids_by_code(await office.open_plan_year())
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


async def test_an_answer_and_leaving_today(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await to_answer(database)
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


async def test_nobody_hired_while_enrollment_opens_is_missed_or_doubled(database: Database, owner_url: str) -> None:
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
    dump = await office.read_all_rows()
    assert len(dump["employees"]) == 9
    held = Counter(row["employee_id"] for row in dump["enrollments"].values())
    assert held == dict.fromkeys(dump["employees"], 1)


async def test_enrollment_opens_once(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    await office.hire()
    id = await office.draft_plan_year()
    outcomes = await race(owner_url, "employers", office.employer, *(office.open_enrollment(id) for _ in range(5)))
    assert tally(outcomes) == {"done": 1, "INVALID_STATUS_TRANSITION": 4}
    assert len((await office.read_all_rows())["enrollments"]) == 1


async def test_one_reissue_is_open(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await to_answer(database)
    await office.elect(ada, enroll(id, plans["GOLD"]))
    events = [await office.approve_life_event(ada), await office.approve_life_event(ada, LifeEventType.MARRIAGE)]
    outcomes = await race(owner_url, "employees", ada, *(office.reissue(id, event) for event in events))
    assert tally(outcomes) == {"done": 1, "REISSUE_ALREADY_OPEN": 1}
    assert len(await office.enrollments(ada)) == 2


async def test_a_reissue_and_taking_the_answer_back(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await to_answer(database)
    await office.elect(ada, enroll(id, plans["GOLD"]))
    event = await office.approve_life_event(ada)
    outcomes = await race(owner_url, "employees", ada, office.reissue(id, event), office.reopen_election(id))
    assert sorted(tally(outcomes)) in (["NOT_REISSUABLE", "done"], ["REISSUE_ALREADY_OPEN", "done"])


async def test_one_plan_year_a_period(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    outcomes = await race(owner_url, "employers", office.employer, *(office.draft_plan_year() for _ in range(5)))
    assert tally(outcomes) == {"done": 1, "PLAN_YEAR_OVERLAP": 4}
    assert len((await office.read_all_rows())["plan_years"]) == 1


async def test_an_answer_and_the_end_of_the_window(database: Database, owner_url: str) -> None:
    """The window is cut to yesterday meanwhile: the answer counts if it came first, and else it is too late."""
    office, ada, id, plans = await to_answer(database)
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


async def test_an_answer_that_waited_sees_what_it_waited_for(database: Database, owner_url: str) -> None:
    office, ada, id, plans = await to_answer(database)
    async with held(owner_url, "plan_years", (await office.enrollment(id)).plan_year_id) as bystander:
        answer = asyncio.create_task(_outcome(office.elect(ada, enroll(id, plans["GOLD"]))))
        await _waited(bystander)
        closed = "UPDATE enrollments SET closed_on = $2, close_reason = 'LAPSED', version = 2 WHERE id = $1"
        await bystander.execute(closed, id, office.today)
    assert await answer == ("ENROLLMENT_NOT_PENDING", None)


async def test_an_answer_locks_all_its_plan_years_before_any_enrollment(database: Database, owner_url: str) -> None:
    office, ada, first, plans = await to_answer(database)
    later = PlanYearDates(date(2028, 1, 1), date(2028, 12, 31), date(2026, 11, 1), date(2026, 11, 30))
    second = await office.open_plan_year(later)
    rows = await office.enrollments(ada)
    choices = [enroll(first, plans["GOLD"]), enroll(rows[1].id, (await office.plan_ids_by_code(second))["GOLD"])]
    async with held(owner_url, "plan_years", second) as bystander:
        answer = asyncio.create_task(_outcome(office.elect(ada, *choices)))
        await _waited(bystander)
        free = "SELECT id FROM enrollments WHERE employee_id = $1 ORDER BY id FOR UPDATE SKIP LOCKED"
        assert [row["id"] for row in await bystander.fetch(free, ada)] == [row.id for row in rows]
        free = "SELECT id FROM plan_years WHERE id <> $1 FOR UPDATE SKIP LOCKED"
        assert await bystander.fetch(free, second) == []
    assert (await answer)[0] == "done"


@asynccontextmanager
async def held(owner_url: str, table: str, id: str) -> AsyncIterator[asyncpg.Connection]:
    """Hold a row by a bystander's lock, till the end."""
    bystander = await connect(owner_url)
    try:
        async with bystander.transaction():
            await bystander.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", id)
            yield bystander
    finally:
        await bystander.close()


async def _waited(bystander: asyncpg.Connection) -> None:
    while True:
        if await bystander.fetchval(WAITING):
            return
        await asyncio.sleep(0.005)


async def test_new_hires_answer_while_the_season_is_closed(database: Database, owner_url: str) -> None:
    """Closing renews many, and locks nobody out of order: each story is told once, for no deadlock ends one."""
    office = await create_office(database, today=date(2025, 11, 20))
    staff = [await office.hire(f"Number {number}") for number in range(4)]
    last_year = await office.open_plan_year(DATES_2026)
    for ada in staff:
        await office.elect(
            ada, enroll((await office.pending_enrollment(ada)).id, (await office.plan_ids_by_code(last_year))["GOLD"])
        )
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    office = office.on_day(date(2026, 12, 1))
    events = {ada: await office.approve_life_event(ada) for ada in staff}
    reissued = {ada: await office.reissue((await office.enrollments(ada))[1].id, events[ada]) for ada in staff}
    told: Counter[str] = Counter()

    async def answer(tx: Transaction, ada: str) -> None:
        told[ada] += 1
        await enrollments.elect(tx, ada, [enroll(reissued[ada], (await office.plan_ids_by_code(id))["GOLD"])])

    outcomes = await race(
        owner_url, "plan_years", id, *(office.run(answer, ada) for ada in staff), office.close_enrollment(id)
    )
    assert tally(outcomes) == {"done": 5}
    assert told == dict.fromkeys(staff, 1)
    for ada in staff:
        rows = [row for row in await office.enrollments(ada) if row.plan_year_id == id]
        assert [(row.coverage_status, row.coverage_ends_on) for row in rows] == [
            ("CANCELLED", None),
            ("UPCOMING", date(2027, 12, 31)),
        ]


async def test_a_version_is_changed_once(database: Database, owner_url: str) -> None:
    office, ada, _, _ = await to_answer(database)
    runners = [office.update_employee(ada, 1, first_name=f"Number {number}") for number in range(5)]
    assert tally(await race(owner_url, "employees", ada, *runners)) == {"done": 1, "VERSION_CONFLICT": 4}


async def test_an_external_id_is_taken_once(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    runners = [office.hire(external_id="E-1") for _ in range(5)]
    outcomes = await race(owner_url, "employers", office.employer, *runners)
    assert tally(outcomes) == {"done": 1, "ALREADY_EXISTS": 4}


async def test_a_life_event_is_judged_once_and_an_employee_leaves_once(database: Database, owner_url: str) -> None:
    office, ada, _, _ = await to_answer(database)
    event = await office.report_life_event(ada)
    reviews = [office.review_life_event(event, status) for status in (LifeEventStatus.APPROVED, LifeEventStatus.DENIED)]
    assert tally(await race(owner_url, "employees", ada, *reviews)) == {"done": 1, "INVALID_STATUS_TRANSITION": 1}
    departures = [office.terminate_employee(ada, day) for day in (date(2026, 11, 20), date(2026, 12, 20))]
    assert tally(await race(owner_url, "employees", ada, *departures)) == {"done": 1, "INVALID_STATUS_TRANSITION": 1}
