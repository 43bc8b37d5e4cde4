"""Opening a plan year issues what there is to answer; closing settles what nobody answered."""

from datetime import UTC, date, datetime, timedelta

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import WaitingPeriod
from benegraph.domain.values import Clock
from benegraph.services import plan_years
from factories.access import employer_viewer
from factories.office import DATES, Office, create_office, enroll, waive

NEW_YEAR = date(2027, 1, 1)


async def issued(office: Office, employee: str) -> list[tuple[str, date, date, date]]:
    """Give each enrollment by its reason, the day it takes effect, and its window."""
    return [(row.reason, row.effective_on, row.opens_on, row.closes_on) for row in await office.enrollments(employee)]


# --------------------------------------------------------------------------------------------------------- opening


async def test_opening_issues_to_everyone_eligible_by_the_start(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    on_the_day = await office.hire("Bob", hired_on=NEW_YEAR)
    intern = await office.hire("Cy", employment_class=EmploymentClass.INTERN)
    id = await office.draft_plan_year()
    assert await office.enrollments(ada) == []

    assert await office.open_enrollment(id) == 2

    assert await issued(office, ada) == [("OPEN_ENROLLMENT", NEW_YEAR, date(2026, 11, 1), date(2026, 11, 30))]
    assert await issued(office, on_the_day) == [("OPEN_ENROLLMENT", NEW_YEAR, date(2026, 11, 1), date(2026, 11, 30))]
    assert await issued(office, intern) == []
    row = await office.read_row("enrollments", (await office.pending_enrollment(ada)).id)
    assert row["issued_on"] == "2026-11-20"
    assert (row["window_opens_on"], row["window_closes_on"]) == (None, None)
    assert (await office.read_row("plan_years", id))["opened_on"] == "2026-11-20"


async def test_who_becomes_eligible_later_in_the_year_answers_as_a_new_hire(database: Database) -> None:
    office = await create_office(database)
    next_day = await office.hire(hired_on=date(2027, 1, 2))
    last_day = await office.hire(hired_on=date(2027, 12, 31))
    too_late = await office.hire(hired_on=date(2028, 1, 1))

    assert await office.open_enrollment(await office.draft_plan_year()) == 2

    assert await issued(office, next_day) == [("NEW_HIRE", date(2027, 1, 2), date(2027, 1, 2), date(2027, 2, 1))]
    assert await issued(office, last_day) == [("NEW_HIRE", date(2027, 12, 31), date(2027, 12, 31), date(2028, 1, 30))]
    assert await issued(office, too_late) == []


@pytest.mark.parametrize(
    ("waiting", "hired_on", "eligible_on"),
    [
        (WaitingPeriod(30), date(2026, 12, 2), NEW_YEAR),
        (WaitingPeriod(30), date(2026, 12, 3), date(2027, 1, 2)),
        (WaitingPeriod(90), date(2026, 10, 3), NEW_YEAR),
        (WaitingPeriod(0, to_first_of_month=True), date(2026, 12, 2), NEW_YEAR),
        (WaitingPeriod(0, to_first_of_month=True), date(2027, 1, 2), date(2027, 2, 1)),
        (WaitingPeriod(60, to_first_of_month=True), date(2026, 12, 3), date(2027, 2, 1)),
        (WaitingPeriod(60, to_first_of_month=True), date(2026, 12, 4), date(2027, 3, 1)),
        (WaitingPeriod(60, to_first_of_month=True), date(2027, 5, 2), date(2027, 7, 1)),
        (WaitingPeriod(60, to_first_of_month=True), date(2027, 5, 3), date(2027, 8, 1)),  # the 91st day
    ],
)
async def test_the_wait_decides_from_when(
    database: Database, waiting: WaitingPeriod, hired_on: date, eligible_on: date
) -> None:
    office = await create_office(database)
    ada = await office.hire(hired_on=hired_on)
    await office.open_plan_year(waiting=waiting)
    (found,) = await issued(office, ada)
    window = (eligible_on, eligible_on + timedelta(days=30))
    later = ("NEW_HIRE", eligible_on, *window)
    assert found == (later if eligible_on > NEW_YEAR else ("OPEN_ENROLLMENT", NEW_YEAR, *DATES_OF_WINDOW))


DATES_OF_WINDOW = (DATES.open_enrollment_start, DATES.open_enrollment_end)


async def test_who_has_left_by_the_start_gets_nothing(database: Database) -> None:
    office = await create_office(database)
    gone, there = await office.hire(), await office.hire("Bob")
    await office.terminate_employee(gone, NEW_YEAR)
    await office.terminate_employee(there, date(2027, 1, 2))
    assert await office.open_enrollment(await office.draft_plan_year()) == 1
    assert await office.enrollments(gone) == []
    assert len(await office.enrollments(there)) == 1


async def test_only_a_draft_that_is_not_over_opens(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    assert await office.refusals(office.open_enrollment(id, version=2)) == ["VERSION_CONFLICT expectedVersion"]
    assert await office.on_day(date(2028, 1, 1)).refusals(office.on_day(date(2028, 1, 1)).open_enrollment(id)) == [
        "INVALID_STATUS_TRANSITION planYearId"
    ]
    await office.on_day(date(2027, 12, 31)).open_enrollment(id, version=1)
    assert await office.refusals(office.open_enrollment(id, version=1)) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_STATUS_TRANSITION planYearId",
    ]


async def test_history_tells_of_opening_and_of_each_issue(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    id = await office.draft_plan_year()
    office = office.as_viewer(employer_viewer(office.employer))
    await office.open_enrollment(id)
    opened = (await office.history(id))[-1]
    assert (opened["action"], opened["before"], opened["after"]) == (
        "OPENED",
        {"opened_on": None},
        {"opened_on": "2026-11-20"},
    )
    enrollment = (await office.pending_enrollment(ada)).id
    (event,) = await office.history(enrollment)
    assert event["action"] == "ISSUED"
    assert (event["actor"], event["actor_role"], event["request_id"]) == (
        "EMPLOYER akey_clerk",
        "EMPLOYER",
        "request-1",
    )
    assert (event["employee_id"], event["before"]) == (ada, None)
    assert event["after"] == {
        "benefit_product_id": office.product,
        "plan_year_id": id,
        "reason": "OPEN_ENROLLMENT",
        "issued_on": "2026-11-20",
        "effective_on": "2027-01-01",
    }


# --------------------------------------------------------------------------------------------------------- closing


async def test_closing_waits_for_the_last_day_to_be_over(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    draft = await office.draft_plan_year()
    assert await office.refusals(office.close_enrollment(draft)) == [
        "INVALID_STATUS_TRANSITION planYearId",
        "WINDOW_STILL_OPEN planYearId",
    ]
    await office.open_enrollment(draft)
    last, after = office.on_day(date(2026, 11, 30)), office.on_day(date(2026, 12, 1))
    assert await last.refusals(last.close_enrollment(draft)) == ["WINDOW_STILL_OPEN planYearId"]
    assert await after.refusals(after.close_enrollment(draft, version=1)) == ["VERSION_CONFLICT expectedVersion"]

    assert await after.close_enrollment(draft, version=2) == 1

    (row,) = await after.enrollments(ada)
    assert (row.status, row.decision, row.closed_on, row.close_reason) == (
        "INACTIVE",
        None,
        date(2026, 12, 1),
        "LAPSED",
    )
    assert (await after.read_row("plan_years", draft))["closed_on"] == "2026-12-01"
    assert await after.refusals(after.close_enrollment(draft)) == ["INVALID_STATUS_TRANSITION planYearId"]
    assert [event["action"] for event in await after.history(row.id)] == ["ISSUED", "LAPSED"]


@pytest.mark.parametrize(
    ("time_zone", "over_at"),
    [
        ("America/New_York", datetime(2026, 12, 1, 5, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("Pacific/Honolulu", datetime(2026, 12, 1, 10, tzinfo=UTC)),
    ],
)
async def test_the_last_day_is_over_at_the_employers_midnight(
    database: Database, time_zone: str, over_at: datetime
) -> None:
    office = await create_office(database, time_zone=time_zone)
    id = await office.open_plan_year()

    async def close(at: datetime) -> int:
        return await database.transact(office.viewer, Clock(at), lambda tx: plan_years.close_enrollment(tx, id, None))

    assert await office.refusals(close(over_at - timedelta(microseconds=1))) == ["WINDOW_STILL_OPEN planYearId"]
    assert await close(over_at) == 0


async def test_closing_leaves_answers_new_hires_and_life_events_alone(database: Database) -> None:
    office = await create_office(database)
    enrolled, waived, silent, moved = [await office.hire(name) for name in ("Ada", "Bob", "Cy", "Dee")]
    id = await office.open_plan_year()
    plans = await office.plan_ids_by_code(id)
    await office.elect(enrolled, enroll((await office.pending_enrollment(enrolled)).id, plans["GOLD"]))
    await office.elect(waived, waive((await office.pending_enrollment(waived)).id))
    hire = await office.hire("Eli", hired_on=date(2026, 11, 20))
    later = office.on_day(date(2026, 12, 1))
    birth = await later.approve_life_event(moved)
    reissued = await later.reissue((await later.enrollments(moved))[0].id, birth)

    assert await later.close_enrollment(id) == 2

    statuses = {who: [row.status for row in await later.enrollments(who)] for who in (enrolled, waived, silent)}
    assert statuses == {enrolled: ["ENROLLED"], waived: ["WAIVED"], silent: ["INACTIVE"]}
    assert (await later.pending_enrollment(hire)).reason == "NEW_HIRE"
    assert (await later.pending_enrollment(moved)).id == reissued


async def test_a_reissue_that_was_answered_before_the_close_stays(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    id = await office.open_plan_year()
    later = office.on_day(date(2026, 12, 1))
    birth = await later.approve_life_event(ada, LifeEventType.BIRTH)
    reissued = await later.reissue((await later.enrollments(ada))[0].id, birth)
    await later.elect(ada, enroll(reissued, (await office.plan_ids_by_code(id))["GOLD"]))
    assert await later.close_enrollment(id) == 1
    assert [row.status for row in await later.enrollments(ada)] == ["INACTIVE", "ENROLLED"]
