"""Dependents and life events: the dependent whom an event names, and children in the month of their 26th birthday."""

from datetime import date

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import WaitingPeriod
from factories.office import Office, create_office, enroll

BIRTH, DEATH, DIVORCE = LifeEventType.BIRTH, LifeEventType.DEATH, LifeEventType.DIVORCE
MARCH_10 = date(2027, 3, 10)


async def office_with_family(database: Database, born: date = date(2015, 8, 30)) -> tuple[Office, str, str, str, str]:
    """Enroll Ada for 2027 with her spouse and a child; it is 10 March.

    Return her ID, her enrollment, the plan, and the IDs of spouse and child, joined by a space.
    """
    office = await create_office(database)
    ada = await office.hire()
    plan = (await office.plan_ids(await office.open_plan_year()))["GOLD"]
    spouse, child = await office.add_spouse(ada), await office.add_child(ada, born)
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plan, spouse, child))
    return office.on_day(MARCH_10), ada, id, plan, f"{spouse} {child}"


async def approve(office: Office, employee: str, event_type: LifeEventType, dependent: str | None = None) -> str:
    event = await office.report_life_event(employee, event_type, dependent=dependent)
    await office.review_life_event(event)
    return event


@pytest.mark.parametrize("event_type", [DEATH, DIVORCE])
async def test_dependent_named_by_an_approved_event_cannot_be_kept(
    database: Database, event_type: LifeEventType
) -> None:
    office, ada, id, plan, family = await office_with_family(database)
    spouse, child = family.split()
    reissued = await office.reissue(id, await approve(office, ada, event_type, spouse))
    assert await office.refusals(office.elect(ada, enroll(reissued, plan, spouse, child))) == [
        "DEPENDENT_NOT_COVERABLE elections.0.dependentIds.0"
    ]
    await office.elect(ada, enroll(reissued, plan, child))
    assert (await office.enrollment(reissued)).coverage_tier == "EC"


@pytest.mark.parametrize("event_type", [DEATH, DIVORCE])
async def test_only_the_dependent_named_by_the_event_may_be_dropped(
    database: Database, event_type: LifeEventType
) -> None:
    office, ada, id, plan, family = await office_with_family(database)
    spouse, _ = family.split()
    reissued = await office.reissue(id, await approve(office, ada, event_type, spouse))
    assert await office.refusals(office.elect(ada, enroll(reissued, plan))) == [
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT elections.0.dependentIds"
    ]


async def test_death_of_a_child_does_not_allow_dropping_the_spouse(database: Database) -> None:
    office, ada, id, plan, family = await office_with_family(database)
    spouse, child = family.split()
    reissued = await office.reissue(id, await approve(office, ada, DEATH, child))
    assert await office.refusals(office.elect(ada, enroll(reissued, plan))) == [
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT elections.0.dependentIds"
    ]
    await office.elect(ada, enroll(reissued, plan, spouse))


async def test_denied_or_unreviewed_event_leaves_the_dependent_active(database: Database) -> None:
    office, ada, _, _, family = await office_with_family(database)
    spouse, _ = family.split()
    event = await office.report_life_event(ada, DIVORCE, dependent=spouse)
    assert (await office.read_row("dependents", spouse))["active"] is True
    await office.review_life_event(event, LifeEventStatus.DENIED)
    assert (await office.read_row("dependents", spouse))["active"] is True


async def test_divorced_spouse_is_inactive_and_cannot_be_activated_again(database: Database) -> None:
    office, ada, _, _, family = await office_with_family(database)
    spouse, child = family.split()
    before = await office.read_row("dependents", spouse)
    await approve(office, ada, DIVORCE, spouse)
    after = await office.read_row("dependents", spouse)
    assert (after["active"], after["version"]) == (False, before["version"] + 1)
    assert await office.refusals(office.update_dependent(spouse, active=True)) == ["INVALID_STATUS_TRANSITION active"]
    await office.update_dependent(spouse, last_name="Brown")
    await office.update_dependent(child, active=False)
    await office.update_dependent(child, active=True)


@pytest.mark.parametrize(
    ("event_type", "dependent", "refused"),
    [
        (DIVORCE, "spouse", False),
        (DIVORCE, "child", True),
        (LifeEventType.MARRIAGE, "spouse", False),
        (LifeEventType.MARRIAGE, "child", True),
        (DEATH, "spouse", False),
        (DEATH, "child", False),
        (BIRTH, "spouse", True),
        (BIRTH, "child", True),  # born years before the event
        (BIRTH, "newborn", False),
        (LifeEventType.ADOPTION, "spouse", True),
        (LifeEventType.ADOPTION, "child", False),
        (LifeEventType.JOB_LOSS, "spouse", False),
        (LifeEventType.JOB_LOSS, "tomorrow's child", True),  # born after the event
    ],
)
async def test_event_type_must_fit_the_dependent(
    database: Database, event_type: LifeEventType, dependent: str, refused: bool
) -> None:
    office, ada, _, _, family = await office_with_family(database)
    spouse, child = family.split()
    tomorrow = office.on_day(date(2027, 3, 11))
    dependents = {
        "spouse": spouse,
        "child": child,
        "newborn": await office.add_child(ada, MARCH_10),
        "tomorrow's child": await tomorrow.add_child(ada, date(2027, 3, 11)),
    }
    report = tomorrow.report_life_event(ada, event_type, MARCH_10, dependents[dependent])
    if refused:
        assert await tomorrow.refusals(report) == ["INVALID_INPUT dependentId"]
    else:
        await report


@pytest.mark.parametrize(
    ("born", "is_kept"),
    [
        (date(2001, 3, 10), True),  # 26 on the day the change takes effect
        (date(2001, 3, 1), True),
        (date(2001, 2, 28), False),  # covered through the end of February
    ],
)
async def test_covered_child_is_kept_through_the_month_of_the_26th_birthday(
    database: Database, born: date, is_kept: bool
) -> None:
    office, ada, id, plan, family = await office_with_family(database, born)
    spouse, child = family.split()
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))
    newborn = await office.add_child(ada, MARCH_10)
    election = office.elect(ada, enroll(reissued, plan, spouse, child, newborn))
    if not is_kept:
        assert await office.refusals(election) == ["DEPENDENT_NOT_COVERABLE elections.0.dependentIds.1"]
        return
    await election
    rows = (await office.read_all_rows())["enrolled_dependents"].values()
    (kept,) = [row for row in rows if row["enrollment_id"] == reissued and row["dependent_id"] == child]
    assert kept["through"] == "2027-03-31"


async def test_child_of_26_that_is_not_covered_cannot_be_added_in_the_month_of_the_birthday(database: Database) -> None:
    office, ada, id, plan, family = await office_with_family(database)
    other = await office.add_child(ada, MARCH_10.replace(year=2001))
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))
    assert await office.refusals(office.elect(ada, enroll(reissued, plan, *family.split(), other))) == [
        "DEPENDENT_NOT_COVERABLE elections.0.dependentIds.2"
    ]


async def test_change_of_class_does_not_postpone_a_newborns_coverage(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plan_year = await office.open_plan_year(waiting=WaitingPeriod(60))
    plan = (await office.plan_ids(plan_year))["GOLD"]
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plan))
    office = office.on_day(date(2027, 3, 1))
    await office.update_employee(ada, employment_class=EmploymentClass.PART_TIME)
    office = office.on_day(MARCH_10)
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))
    assert (await office.enrollment(reissued)).effective_on == MARCH_10
    await office.elect(ada, enroll(reissued, plan))
    assert [(row.coverage_starts_on, row.coverage_ends_on) for row in await office.enrollments(ada)] == [
        (date(2027, 1, 1), date(2027, 3, 9)),
        (MARCH_10, date(2027, 12, 31)),
    ]
