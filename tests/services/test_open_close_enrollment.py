"""Opening a plan year issues pending enrollments; closing it lapses the unanswered ones."""

from collections.abc import Coroutine
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.errors import Refused
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import WaitingPeriod
from benegraph.domain.values import Clock
from benegraph.services import plan_years
from factories.access import employer_viewer
from factories.office import DATES, PLANS, TODAY, Office, create_office, enroll, waive
from factories.plan_years import make_plan_year

NEW_YEAR = date(2027, 1, 1)


async def reasons_and_windows(office: Office, employee: str) -> list[tuple[str, date, date, date]]:
    """List the reason, effective date and window of each enrollment."""
    return [(row.reason, row.effective_on, row.opens_on, row.closes_on) for row in await office.enrollments(employee)]


# --------------------------------------------------------------------------------------------------------- opening


async def test_opening_issues_to_employees_eligible_at_plan_year_start(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    on_the_day = await office.hire("Bob", hired_on=NEW_YEAR)
    intern = await office.hire("Cy", employment_class=EmploymentClass.INTERN)
    id = await office.draft_plan_year()
    assert await office.enrollments(ada) == []

    assert await office.open_enrollment(id) == 2

    assert await reasons_and_windows(office, ada) == [
        ("OPEN_ENROLLMENT", NEW_YEAR, date(2026, 11, 1), date(2026, 11, 30))
    ]
    assert await reasons_and_windows(office, on_the_day) == [
        ("OPEN_ENROLLMENT", NEW_YEAR, date(2026, 11, 1), date(2026, 11, 30))
    ]
    assert await reasons_and_windows(office, intern) == []
    row = await office.read_row("enrollments", (await office.pending_enrollment(ada)).id)
    assert row["issued_on"] == "2026-11-20"
    assert (row["window_opens_on"], row["window_closes_on"]) == (None, None)
    assert (await office.read_row("plan_years", id))["opened_on"] == "2026-11-20"


async def test_employees_eligible_later_get_new_hire_enrollments(database: Database) -> None:
    office = await create_office(database)
    next_day = await office.hire(hired_on=date(2027, 1, 2))
    last_day = await office.hire(hired_on=date(2027, 12, 31))
    too_late = await office.hire(hired_on=date(2028, 1, 1))

    assert await office.open_enrollment(await office.draft_plan_year()) == 2

    assert await reasons_and_windows(office, next_day) == [("NEW_HIRE", date(2027, 1, 2), TODAY, date(2027, 2, 1))]
    assert await reasons_and_windows(office, last_day) == [("NEW_HIRE", date(2027, 12, 31), TODAY, date(2028, 1, 30))]
    assert await reasons_and_windows(office, too_late) == []


@pytest.mark.parametrize(
    ("waiting", "hired_on", "eligible_on"),
    [
        (WaitingPeriod(30), date(2026, 12, 2), NEW_YEAR),
        (WaitingPeriod(30), date(2026, 12, 3), date(2027, 1, 2)),
        (WaitingPeriod(90), date(2026, 10, 3), NEW_YEAR),
        (WaitingPeriod(0, starts_on_first_of_month=True), date(2026, 12, 2), NEW_YEAR),
        (WaitingPeriod(0, starts_on_first_of_month=True), date(2027, 1, 2), date(2027, 2, 1)),
        (WaitingPeriod(60, starts_on_first_of_month=True), date(2026, 12, 3), date(2027, 2, 1)),
        (WaitingPeriod(60, starts_on_first_of_month=True), date(2026, 12, 4), date(2027, 3, 1)),
        (WaitingPeriod(60, starts_on_first_of_month=True), date(2027, 5, 2), date(2027, 7, 1)),
        (
            WaitingPeriod(60, starts_on_first_of_month=True),
            date(2027, 5, 3),
            date(2027, 8, 1),
        ),  # 90 days after the hire
    ],
)
async def test_waiting_period_determines_window_and_effective_date(
    database: Database, waiting: WaitingPeriod, hired_on: date, eligible_on: date
) -> None:
    office = await create_office(database)
    ada = await office.hire(hired_on=hired_on)
    await office.open_plan_year(waiting=waiting)
    (enrollment,) = await reasons_and_windows(office, ada)
    new_hire = ("NEW_HIRE", eligible_on, TODAY, eligible_on + timedelta(days=30))
    assert enrollment == (new_hire if eligible_on > NEW_YEAR else ("OPEN_ENROLLMENT", NEW_YEAR, *DATES_OF_WINDOW))


DATES_OF_WINDOW = (DATES.open_enrollment_start, DATES.open_enrollment_end)


async def test_employee_terminated_at_plan_year_start_gets_no_enrollment(database: Database) -> None:
    office = await create_office(database)
    terminated, terminated_later = await office.hire(), await office.hire("Bob")
    await office.terminate_employee(terminated, NEW_YEAR)
    await office.terminate_employee(terminated_later, date(2027, 1, 2))
    assert await office.open_enrollment(await office.draft_plan_year()) == 1
    assert await office.enrollments(terminated) == []
    assert len(await office.enrollments(terminated_later)) == 1


async def refused_messages(call: Coroutine[Any, Any, Any]) -> list[str]:
    with pytest.raises(Refused) as refused:
        await call
    return [violation.message for violation in refused.value.violations]


async def test_only_a_draft_can_be_opened(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    assert await office.refusals(office.open_enrollment(id, version=2)) == ["VERSION_CONFLICT expectedVersion"]
    await office.open_enrollment(id, version=1)
    assert await office.refusals(office.open_enrollment(id, version=1)) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_STATUS_TRANSITION planYearId",
    ]
    assert await refused_messages(office.open_enrollment(id)) == [
        "The plan year must be DRAFT, but is OPEN_ENROLLMENT."
    ]


async def test_draft_opens_until_the_last_day_of_open_enrollment(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    id = await office.draft_plan_year()
    late = office.on_day(date(2026, 12, 1))
    assert await late.refusals(late.open_enrollment(id)) == ["WINDOW_NOT_OPEN planYearId"]
    (message,) = await refused_messages(late.open_enrollment(id))
    assert message == (
        "Open enrollment ended on 2026-11-30; change the draft first, so that it ends today or later, and before "
        "coverage starts."
    )
    await office.on_day(date(2026, 11, 30)).dry_run(plan_years.open_enrollment, id, None)

    await late.update_plan_year(id, open_enrollment_ends_on=date(2026, 12, 1))
    assert await late.open_enrollment(id) == 1
    await late.elect(ada, waive((await late.pending_enrollment(ada)).id))


async def test_opening_past_draft_says_that_the_plan_year_ended(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    last, after = office.on_day(date(2027, 12, 31)), office.on_day(date(2028, 1, 1))
    assert await last.refusals(last.open_enrollment(id)) == ["WINDOW_NOT_OPEN planYearId"]
    assert await after.refusals(after.open_enrollment(id)) == ["INVALID_STATUS_TRANSITION planYearId"]
    assert await refused_messages(after.open_enrollment(id)) == [
        "The plan year ended on 2027-12-31, so its enrollment can no longer be opened."
    ]


async def test_draft_without_plans_or_contribution_classes_is_not_opened(database: Database) -> None:
    office = await create_office(database)
    without_plans = await office.draft_plan_year(plans=[])
    empty = await make_plan_year(
        database,
        office.clock(),
        employer=office.employer,
        product=office.product,
        coverage_starts_on=date(2028, 1, 1),
        coverage_ends_on=date(2028, 12, 31),
        opened_on=None,
    )
    for id, missing in ((without_plans, "no plans"), (empty, "no plans and no contribution classes")):
        assert await office.refusals(office.open_enrollment(id)) == ["PLAN_YEAR_INCOMPLETE planYearId"]
        assert await refused_messages(office.open_enrollment(id)) == [
            f"The plan year has {missing}; add them to the draft first."
        ]
    late = office.on_day(date(2026, 12, 1))
    assert await late.refusals(late.open_enrollment(empty)) == [
        "PLAN_YEAR_INCOMPLETE planYearId",
        "WINDOW_NOT_OPEN planYearId",
    ]
    await office.update_plan_year(without_plans, plans=PLANS[:1])
    assert await office.open_enrollment(without_plans) == 0


async def test_history_records_opening_and_each_issued_enrollment(database: Database) -> None:
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


async def test_closing_before_window_end_is_refused(database: Database) -> None:
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
    ("time_zone", "ends_at"),
    [
        ("America/New_York", datetime(2026, 12, 1, 5, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("Pacific/Honolulu", datetime(2026, 12, 1, 10, tzinfo=UTC)),
    ],
)
async def test_window_ends_at_midnight_in_employer_time_zone(
    database: Database, time_zone: str, ends_at: datetime
) -> None:
    office = await create_office(database, time_zone=time_zone)
    id = await office.open_plan_year()

    async def close(at: datetime) -> int:
        return await database.transact(office.viewer, Clock(at), lambda tx: plan_years.close_enrollment(tx, id, None))

    assert await office.refusals(close(ends_at - timedelta(microseconds=1))) == ["WINDOW_STILL_OPEN planYearId"]
    assert await close(ends_at) == 0


async def test_closing_keeps_answers_new_hires_and_life_events(database: Database) -> None:
    office = await create_office(database)
    enrolled, waived, unanswered, moved = [await office.hire(name) for name in ("Ada", "Bob", "Cy", "Dee")]
    id = await office.open_plan_year()
    plans = await office.plan_ids(id)
    await office.elect(enrolled, enroll((await office.pending_enrollment(enrolled)).id, plans["GOLD"]))
    await office.elect(waived, waive((await office.pending_enrollment(waived)).id))
    hire = await office.hire("Eli", hired_on=date(2026, 11, 20))
    later = office.on_day(date(2026, 12, 1))
    birth = await later.approve_life_event(moved)
    reissued = await later.reissue((await later.enrollments(moved))[0].id, birth)

    assert await later.close_enrollment(id) == 2

    statuses = {
        employee: [row.status for row in await later.enrollments(employee)]
        for employee in (enrolled, waived, unanswered)
    }
    assert statuses == {enrolled: ["ENROLLED"], waived: ["WAIVED"], unanswered: ["INACTIVE"]}
    assert (await later.pending_enrollment(hire)).reason == "NEW_HIRE"
    assert (await later.pending_enrollment(moved)).id == reissued


async def test_closing_keeps_answered_reissue(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    id = await office.open_plan_year()
    later = office.on_day(date(2026, 12, 1))
    birth = await later.approve_life_event(ada, LifeEventType.BIRTH)
    reissued = await later.reissue((await later.enrollments(ada))[0].id, birth)
    await later.elect(ada, enroll(reissued, (await office.plan_ids(id))["GOLD"]))
    assert await later.close_enrollment(id) == 1
    assert [row.status for row in await later.enrollments(ada)] == ["INACTIVE", "ENROLLED"]
