"""Reissuing after a life event: effective dates, reissuable enrollments, and the resulting coverage."""

from datetime import date, timedelta

import pytest

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from factories.access import employee_viewer
from factories.office import DATES_2026, Office, create_office, enroll, waive

BIRTH, MARRIAGE, JOB_LOSS = LifeEventType.BIRTH, LifeEventType.MARRIAGE, LifeEventType.JOB_LOSS
MARCH_10 = date(2027, 3, 10)


async def office_with_enrolled_employee(
    database: Database, code: str | None = "GOLD"
) -> tuple[Office, str, str, dict[str, str]]:
    """Enroll Ada for 2027, or waive if `code` is None; it is 10 March. Return her ID, her enrollment and plan IDs."""
    office = await create_office(database)
    ada = await office.hire()
    plans = dict(await office.plan_ids(await office.open_plan_year()))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plans[code]) if code else waive(id))
    return office.on_day(MARCH_10), ada, id, plans


async def spans(office: Office, employee: str) -> list[tuple[date | None, date | None]]:
    return [(row.coverage_starts_on, row.coverage_ends_on) for row in await office.enrollments(employee)]


# ------------------------------------------------------------------------------------------------- effective dates


@pytest.mark.parametrize(
    ("event_type", "event_on", "reported_on", "effective_on"),
    [
        (BIRTH, date(2027, 2, 27), MARCH_10, date(2027, 2, 27)),
        (BIRTH, date(2026, 12, 30), date(2027, 1, 5), date(2027, 1, 1)),
        (LifeEventType.ADOPTION, MARCH_10, MARCH_10, MARCH_10),
        (JOB_LOSS, date(2027, 1, 31), MARCH_10 - timedelta(days=9), date(2027, 2, 1)),
        (JOB_LOSS, date(2027, 3, 1), MARCH_10, date(2027, 3, 1)),
        (JOB_LOSS, date(2027, 3, 2), MARCH_10, date(2027, 4, 1)),
        (LifeEventType.DIVORCE, date(2027, 2, 28), MARCH_10, date(2027, 3, 1)),
        (LifeEventType.DEATH, date(2027, 3, 1), MARCH_10, date(2027, 3, 1)),
        (MARRIAGE, date(2027, 2, 27), date(2027, 2, 28), date(2027, 3, 1)),
        (MARRIAGE, date(2027, 2, 27), date(2027, 3, 1), date(2027, 4, 1)),
        (LifeEventType.OTHER, date(2027, 2, 1), date(2027, 2, 1), date(2027, 3, 1)),
        (LifeEventType.MEDICAID_LOSS, date(2027, 2, 1), date(2027, 4, 2), date(2027, 2, 1)),
    ],
)
async def test_effective_date_depends_on_event_type(
    database: Database, event_type: LifeEventType, event_on: date, reported_on: date, effective_on: date
) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    office = office.on_day(reported_on)
    event = await office.approve_life_event(ada, event_type, event_on)
    reissued = await office.enrollment(await office.reissue(id, event))
    assert (reissued.status, reissued.reason, reissued.replaces_id, reissued.life_event_id) == (
        "PENDING",
        "LIFE_EVENT",
        id,
        event,
    )
    assert (reissued.effective_on, reissued.issued_on, reissued.opens_on) == (effective_on, reported_on, event_on)


async def test_reissue_never_takes_effect_before_eligibility(database: Database) -> None:
    office, _, _, _ = await office_with_enrolled_employee(database)
    bob = await office.hire("Bob", hired_on=date(2027, 3, 1))
    id = (await office.pending_enrollment(bob)).id
    await office.elect(bob, waive(id))
    event = await office.approve_life_event(bob, BIRTH, date(2027, 3, 1))
    assert (await office.enrollment(await office.reissue(id, event))).effective_on == date(2027, 3, 1)


@pytest.mark.parametrize(
    ("event_type", "event_on", "effective_on"),
    [
        (BIRTH, date(2027, 12, 31), date(2027, 12, 31)),
        (MARRIAGE, date(2027, 12, 1), None),
        (JOB_LOSS, date(2027, 12, 2), None),
    ],
)
async def test_reissue_taking_effect_after_plan_year_is_refused(
    database: Database, event_type: LifeEventType, event_on: date, effective_on: date | None
) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    office = office.on_day(date(2027, 12, 31))
    event = await office.approve_life_event(ada, event_type, event_on)
    if effective_on is None:
        assert await office.refusals(office.reissue(id, event)) == ["NOT_REISSUABLE qualifyingLifeEventId"]
    else:
        assert (await office.enrollment(await office.reissue(id, event))).effective_on == effective_on


async def test_reissue_taking_effect_after_termination_is_refused(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    await office.terminate_employee(ada, date(2027, 3, 31))
    marriage = await office.approve_life_event(ada, MARRIAGE)
    assert await office.refusals(office.reissue(id, marriage)) == ["NOT_ELIGIBLE enrollmentId"]
    birth = await office.approve_life_event(ada, BIRTH)
    assert (await office.enrollment(await office.reissue(id, birth))).effective_on == MARCH_10


# ------------------------------------------------------------------------------------------ reissuable enrollments


async def test_unapproved_or_foreign_event_is_refused(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    bob = await office.hire("Bob")
    pending, denied = await office.report_life_event(ada), await office.report_life_event(ada)
    await office.review_life_event(denied, LifeEventStatus.DENIED)
    bobs_event = await office.approve_life_event(bob)
    field = "qualifyingLifeEventId"
    assert await office.refusals(office.reissue(id, pending)) == [f"LIFE_EVENT_NOT_APPROVED {field}"]
    assert await office.refusals(office.reissue(id, denied)) == [f"LIFE_EVENT_NOT_APPROVED {field}"]
    assert await office.refusals(office.reissue(id, bobs_event)) == [f"NOT_FOUND {field}"]
    assert await office.refusals(office.reissue(ada, id)) == ["INVALID_INPUT enrollmentId", f"INVALID_INPUT {field}"]
    bob_office = office.as_viewer(employee_viewer(office.employer, bob))
    assert await bob_office.refusals(bob_office.reissue(id, bobs_event)) == ["NOT_FOUND enrollmentId"]


@pytest.mark.parametrize("event_type", [LifeEventType.TERMINATION, LifeEventType.REDUCTION_IN_HOURS])
async def test_event_that_ends_eligibility_is_refused(database: Database, event_type: LifeEventType) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    event = await office.approve_life_event(ada, event_type)
    assert await office.refusals(office.reissue(id, event)) == ["NOT_REISSUABLE qualifyingLifeEventId"]


async def test_pending_enrollment_cannot_be_reissued(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.open_plan_year()
    event = await office.approve_life_event(ada)
    id = (await office.pending_enrollment(ada)).id
    assert await office.refusals(office.reissue(id, event, version=9)) == [
        "VERSION_CONFLICT expectedVersion",
        "NOT_REISSUABLE enrollmentId",
    ]


async def test_only_one_reissue_may_be_open(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    birth, marriage = await office.approve_life_event(ada, BIRTH), await office.approve_life_event(ada, MARRIAGE)
    reissued = await office.reissue(id, birth)
    for event in (birth, marriage):
        assert await office.refusals(office.reissue(id, event)) == ["REISSUE_ALREADY_OPEN enrollmentId"]
    assert await office.refusals(office.reissue(reissued, marriage)) == ["NOT_REISSUABLE enrollmentId"]
    await office.elect(ada, enroll(reissued, plans["SILVER"]))
    assert await office.refusals(office.reissue(id, marriage)) == ["NOT_REISSUABLE enrollmentId"]
    await office.reissue(reissued, marriage)


async def test_one_event_reissues_several_enrollments(database: Database) -> None:
    """A birth in November changes both this year's coverage and next year's, which is already elected."""
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    this_year = await office.open_plan_year(DATES_2026)
    await office.elect(
        ada, enroll((await office.pending_enrollment(ada)).id, (await office.plan_ids(this_year))["GOLD"])
    )
    office = office.on_day(date(2026, 11, 20))
    next_year = await office.open_plan_year()
    await office.elect(
        ada, enroll((await office.pending_enrollment(ada)).id, (await office.plan_ids(next_year))["GOLD"])
    )
    child = await office.add_child(ada, date(2026, 11, 18))
    birth = await office.approve_life_event(ada, BIRTH, date(2026, 11, 18))
    for row, effective_on in zip(await office.enrollments(ada), [date(2026, 11, 18), date(2027, 1, 1)], strict=True):
        reissued = await office.reissue(row.id, birth)
        assert (await office.enrollment(reissued)).effective_on == effective_on
        await office.elect(ada, enroll(reissued, (await office.plan_ids(row.plan_year_id))["GOLD"], child))
    assert await spans(office, ada) == [
        (date(2026, 1, 1), date(2026, 11, 17)),
        (date(2027, 1, 1), None),
        (date(2026, 11, 18), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 12, 31)),
    ]


@pytest.mark.parametrize("closed", [False, True])
async def test_lapsed_enrollment_can_be_reissued(database: Database, closed: bool) -> None:
    office = await create_office(database)
    ada = await office.hire()
    id = await office.open_plan_year()
    lapsed = (await office.pending_enrollment(ada)).id
    if closed:
        await office.on_day(date(2026, 12, 1)).close_enrollment(id)
    office = office.on_day(MARCH_10)
    assert (await office.enrollment(lapsed)).status == "INACTIVE"
    reissued = await office.reissue(lapsed, await office.approve_life_event(ada))
    await office.elect(ada, enroll(reissued, (await office.plan_ids(id))["GOLD"]))
    assert await spans(office, ada) == [(None, None), (MARCH_10, date(2027, 12, 31))]


async def test_enrollment_closed_by_termination_cannot_be_reissued(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    await office.open_plan_year()
    (closed,) = await office.enrollments(ada)
    event = await office.approve_life_event(ada)
    await office.terminate_employee(ada, office.today)
    assert (await office.enrollment(closed.id)).close_reason == "TERMINATED"
    assert await office.refusals(office.reissue(closed.id, event)) == [
        "NOT_REISSUABLE enrollmentId",
        "NOT_ELIGIBLE enrollmentId",
    ]
