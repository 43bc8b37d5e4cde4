"""Election windows that outlive their plan year: answers, reissues and reopening after its last day."""

from datetime import date, timedelta

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.plan_years import PlanYearDates
from factories.office import Office, create_office, enroll, waive

BIRTH = LifeEventType.BIRTH
#: Coverage ends on 30 June 2027.
DATES = PlanYearDates(date(2026, 12, 1), date(2027, 6, 30), date(2026, 11, 1), date(2026, 11, 30))
JUNE_14, JULY_10, LAST_DAY = date(2027, 6, 14), date(2027, 7, 10), date(2027, 7, 14)


async def office_with_enrolled_employee(database: Database) -> tuple[Office, str, str, str]:
    """Enroll Ada until 30 June 2027; return her ID, her enrollment and the plan."""
    office = await create_office(database)
    ada = await office.hire()
    plan = (await office.plan_ids(await office.open_plan_year(DATES)))["GOLD"]
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plan))
    return office, ada, id, plan


async def spans(office: Office, employee: str) -> list[tuple[date | None, date | None]]:
    return [(row.coverage_starts_on, row.coverage_ends_on) for row in await office.enrollments(employee)]


async def test_reissue_is_answered_through_its_last_day_after_the_plan_year(database: Database) -> None:
    office, ada, id, plan = await office_with_enrolled_employee(database)
    office = office.on_day(JUNE_14)
    child = await office.add_child(ada, JUNE_14)
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))

    late = office.on_day(LAST_DAY + timedelta(days=1))
    assert await late.refusals(late.elect(ada, enroll(reissued, plan, child))) == [
        "WINDOW_NOT_OPEN elections.0.enrollmentId"
    ]
    office = office.on_day(LAST_DAY)
    row = await office.enrollment(reissued)
    assert (row.status, row.window_is_open, row.closes_on) == ("PENDING", True, LAST_DAY)
    await office.elect(ada, enroll(reissued, plan, child))
    assert await spans(office, ada) == [
        (date(2026, 12, 1), date(2027, 6, 13)),
        (JUNE_14, date(2027, 6, 30)),
    ]
    assert [row.status for row in await office.enrollments(ada)] == ["INACTIVE", "INACTIVE"]


async def test_event_of_an_ended_plan_year_reissues_its_enrollment(database: Database) -> None:
    office, ada, id, plan = await office_with_enrolled_employee(database)
    office = office.on_day(JULY_10)
    child = await office.add_child(ada, date(2027, 6, 20))
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH, date(2027, 6, 20)))
    await office.elect(ada, enroll(reissued, plan, child))
    assert await spans(office, ada) == [
        (date(2026, 12, 1), date(2027, 6, 19)),
        (date(2027, 6, 20), date(2027, 6, 30)),
    ]


async def test_event_after_the_plan_year_reissues_nothing_of_it(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    office = office.on_day(JULY_10)
    birth = await office.approve_life_event(ada, BIRTH, date(2027, 7, 1))
    assert await office.refusals(office.reissue(id, birth)) == ["NOT_REISSUABLE qualifyingLifeEventId"]


async def test_answer_after_the_plan_year_can_be_reopened_within_its_window(database: Database) -> None:
    office, ada, id, plan = await office_with_enrolled_employee(database)
    office = office.on_day(JUNE_14)
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))
    office = office.on_day(JULY_10)
    await office.elect(ada, enroll(reissued, plan))
    late = office.on_day(LAST_DAY + timedelta(days=1))
    assert await late.refusals(late.reopen_election(reissued)) == ["WINDOW_NOT_OPEN enrollmentId"]
    await office.reopen_election(reissued)
    assert (await office.enrollment(reissued)).status == "PENDING"
    assert await spans(office, ada) == [(date(2026, 12, 1), date(2027, 6, 30)), (None, None)]


async def test_one_event_reissues_the_enrollments_of_both_plan_years(database: Database) -> None:
    office, ada, id, plan = await office_with_enrolled_employee(database)
    office = office.on_day(date(2027, 6, 1))
    next_dates = PlanYearDates(date(2027, 7, 1), date(2028, 6, 30), date(2027, 6, 1), date(2027, 6, 10))
    next_plan = (await office.plan_ids(await office.open_plan_year(next_dates)))["GOLD"]
    next_id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(next_id, next_plan))

    office = office.on_day(JULY_10)
    child = await office.add_child(ada, date(2027, 6, 20))
    birth = await office.approve_life_event(ada, BIRTH, date(2027, 6, 20))
    reissued = [await office.reissue(enrollment, birth) for enrollment in (id, next_id)]
    await office.elect(ada, enroll(reissued[0], plan, child), enroll(reissued[1], next_plan, child))
    assert await spans(office, ada) == [
        (date(2026, 12, 1), date(2027, 6, 19)),
        (date(2027, 7, 1), None),
        (date(2027, 6, 20), date(2027, 6, 30)),
        (date(2027, 7, 1), date(2028, 6, 30)),
    ]


async def test_waiver_replaced_before_it_took_effect_is_inactive(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plan = (await office.plan_ids(await office.open_plan_year()))["GOLD"]
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, waive(id))
    # The birth would take effect before the plan year, so the reissue starts with it, as the waiver did.
    office = office.on_day(date(2026, 12, 20))
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))
    assert (await office.enrollment(id)).status == "WAIVED"
    await office.elect(ada, enroll(reissued, plan))
    assert [(row.status, row.coverage_status) for row in await office.enrollments(ada)] == [
        ("INACTIVE", None),
        ("ENROLLED", "UPCOMING"),
    ]
