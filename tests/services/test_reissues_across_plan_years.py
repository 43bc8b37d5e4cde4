"""One life event reissues the enrollments of two consecutive plan years; both are answered after the first one."""

from datetime import date, timedelta

import pytest
from coverage_invariants import check_answers, check_confirmations, check_coverage, take_snapshot

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.plan_years import PlanYearDates
from factories.coverage import CONTRACT_START, GROUP, SUBSCRIBER_ID, make_contract, make_subscriber, read_coverage
from factories.office import Office, create_office, enroll

ONE_DAY = timedelta(days=1)
JUNE = PlanYearDates(date(2026, 12, 1), date(2027, 6, 30), date(2026, 11, 1), date(2026, 11, 30))
DECEMBER = PlanYearDates(date(2027, 1, 1), date(2027, 12, 31), date(2026, 11, 1), date(2026, 11, 30))


async def open_with_contract(office: Office, dates: PlanYearDates) -> str:
    """Open a plan year whose coverage is recorded, and return the ID of its plan."""
    plan_year = await office.draft_plan_year(dates)
    await office.update_plan_year(plan_year, group_id=GROUP, group_coverage_start=CONTRACT_START)
    await office.open_enrollment(plan_year)
    return (await office.plan_ids(plan_year))["GOLD"]


@pytest.mark.parametrize(
    ("dates", "born_on", "answered_on"),
    [
        (JUNE, date(2027, 6, 14), date(2027, 7, 10)),
        (DECEMBER, date(2027, 12, 20), date(2028, 1, 10)),
    ],
)
async def test_one_event_adds_a_child_in_both_plan_years(
    database: Database, dates: PlanYearDates, born_on: date, answered_on: date
) -> None:
    office = await create_office(database)
    await make_contract(office)
    ada = await office.hire()
    await make_subscriber(office, SUBSCRIBER_ID, ada)
    plan = await open_with_contract(office, dates)
    old = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(old, plan))
    starts_on = dates.coverage_end + ONE_DAY
    window = starts_on - timedelta(days=30)
    office = office.on_day(window)
    ends_on = starts_on.replace(year=starts_on.year + 1) - ONE_DAY
    next_dates = PlanYearDates(starts_on, ends_on, window, window + timedelta(days=9))
    next_plan = await open_with_contract(office, next_dates)
    following = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(following, next_plan))

    office = office.on_day(born_on)
    child = await office.add_child(ada, born_on)
    birth = await office.approve_life_event(ada, LifeEventType.BIRTH)
    reissued = [await office.reissue(id, birth) for id in (old, following)]
    office = office.on_day(answered_on)
    await office.elect(ada, enroll(reissued[0], plan, child), enroll(reissued[1], next_plan, child))
    assert [(row.coverage_starts_on, row.coverage_ends_on) for row in await office.enrollments(ada)] == [
        (dates.coverage_start, born_on - ONE_DAY),
        (starts_on, None),
        (born_on, dates.coverage_end),
        (starts_on, ends_on),
    ]
    (record,) = await read_coverage(office)
    assert (record["start_date"], record["end_date"]) == (str(dates.coverage_start), str(ends_on))
    snapshot = take_snapshot(await office.read_all_rows())
    for check in (check_coverage, check_answers, check_confirmations):
        check(snapshot)
