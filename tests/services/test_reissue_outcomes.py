"""Reissues: the old coverage after the reissue is answered or expires, and the window for the answer."""

from datetime import date, timedelta

from benegraph.db.session import Database
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import PlanYearDates
from benegraph.services import enrollments
from factories.office import Office, create_office, enroll, waive

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


async def test_unanswered_reissue_changes_nothing_and_allows_another(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    before = await office.read_row("enrollments", id)
    reissued = await office.reissue(id, await office.approve_life_event(ada))
    assert await office.read_row("enrollments", id) == before
    late = office.on_day(MARCH_10 + timedelta(days=31))
    assert [row.status for row in await late.enrollments(ada)] == ["ENROLLED", "INACTIVE"]
    assert await late.refusals(late.elect(ada, waive(reissued))) == [
        "WINDOW_NOT_OPEN elections.0.enrollmentId",
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT elections.0.decision",
    ]
    second_reissue = await late.reissue(id, await late.approve_life_event(ada, MARRIAGE))
    await late.elect(ada, enroll(second_reissue, plans["SILVER"]))
    assert await spans(late, ada) == [
        (date(2027, 1, 1), date(2027, 4, 30)),
        (None, None),
        (date(2027, 5, 1), date(2027, 12, 31)),
    ]


async def test_answered_reissue_ends_old_coverage_the_day_before(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    spouse = await office.add_spouse(ada)
    marriage = await office.approve_life_event(ada, MARRIAGE)
    reissued = await office.reissue(id, marriage, reason="We married.")
    await office.elect(ada, enroll(reissued, plans["GOLD"], spouse))

    old, new = await office.enrollments(ada)
    assert (old.status, old.coverage_status, old.coverage_ends_on) == ("ENROLLED", "EFFECTIVE", date(2027, 3, 31))
    assert (new.status, new.coverage_status, new.coverage_starts_on) == ("ENROLLED", "UPCOMING", date(2027, 4, 1))
    assert (await office.on_day(date(2027, 3, 31)).enrollment(id)).status == "ENROLLED"
    april_office = office.on_day(date(2027, 4, 1))
    assert [row.status for row in await april_office.enrollments(ada)] == ["INACTIVE", "ENROLLED"]
    assert (old.version, old.close_reason) == (3, "REISSUED")
    event = (await office.history(id))[-1]
    assert (event["action"], event["before"], event["after"]) == (
        "COVERAGE_MOVED",
        {"coverage_ends_on": "2027-12-31", "closed_on": None, "close_reason": None},
        {"coverage_ends_on": "2027-03-31", "closed_on": "2027-04-01", "close_reason": "REISSUED"},
    )
    issued = (await office.history(reissued))[0]
    assert (issued["action"], issued["reason"]) == ("REISSUED", "We married.")
    assert issued["after"]["replaces_id"] == id


async def test_waived_reissue_ends_old_coverage_on_effective_date(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    reissued = await office.reissue(id, await office.approve_life_event(ada, MARRIAGE))
    await office.elect(ada, waive(reissued))
    assert await spans(office, ada) == [(date(2027, 1, 1), date(2027, 3, 31)), (None, None)]
    assert [row.status for row in await office.enrollments(ada)] == ["ENROLLED", "WAIVED"]
    assert [row.status for row in await office.on_day(date(2027, 4, 1)).enrollments(ada)] == ["INACTIVE", "WAIVED"]


async def test_reissued_waiver_can_be_enrolled(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database, None)
    reissued = await office.reissue(id, await office.approve_life_event(ada, JOB_LOSS, date(2027, 3, 1)))
    await office.elect(ada, enroll(reissued, plans["GOLD"], await office.add_spouse(ada)))
    old, new = await office.enrollments(ada)
    assert (old.decision, old.closed_on, new.coverage_starts_on) == ("WAIVED", date(2027, 3, 1), date(2027, 3, 1))


async def test_birth_cancels_upcoming_reissued_coverage(database: Database) -> None:
    """A marriage on 10 March takes effect in April; a birth on 20 March takes effect at once."""
    office, ada, id, plans = await office_with_enrolled_employee(database)
    spouse = await office.add_spouse(ada)
    second = await office.reissue(id, await office.approve_life_event(ada, MARRIAGE))
    await office.elect(ada, enroll(second, plans["GOLD"], spouse))
    office = office.on_day(date(2027, 3, 20))
    child = await office.add_child(ada, office.today)
    birth = await office.approve_life_event(ada, BIRTH)
    third = await office.reissue(second, birth)
    await office.elect(ada, enroll(third, plans["GOLD"], spouse, child))

    assert await spans(office, ada) == [
        (date(2027, 1, 1), date(2027, 3, 19)),
        (date(2027, 4, 1), None),  # cancelled coverage keeps its start
        (date(2027, 3, 20), date(2027, 12, 31)),
    ]
    assert [row.coverage_status for row in await office.enrollments(ada)] == ["ENDED", "CANCELLED", "EFFECTIVE"]

    await office.reopen_election(third)
    assert await spans(office, ada) == [
        (date(2027, 1, 1), date(2027, 3, 31)),
        (date(2027, 4, 1), date(2027, 12, 31)),
        (None, None),
    ]


async def test_birth_does_not_allow_dropping_spouse_or_waiving(database: Database) -> None:
    office, ada, id, plans = await office_with_enrolled_employee(database)
    spouse = await office.add_spouse(ada)
    second = await office.reissue(id, await office.approve_life_event(ada, MARRIAGE))
    await office.elect(ada, enroll(second, plans["GOLD"], spouse))
    third = await office.reissue(second, await office.approve_life_event(ada, BIRTH))
    child = await office.add_child(ada, MARCH_10)
    inconsistent = "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT elections.0"
    assert await office.refusals(office.elect(ada, enroll(third, plans["GOLD"], child))) == [
        f"{inconsistent}.dependentIds"
    ]
    assert await office.refusals(office.elect(ada, waive(third))) == [f"{inconsistent}.decision"]
    await office.elect(ada, enroll(third, plans["SILVER"], spouse))  # the new child need not be covered


# --------------------------------------------------------------------------------------------------------- windows


async def test_window_lasts_thirty_days_or_ten_days_after_review(database: Database) -> None:
    office, ada, id, _ = await office_with_enrolled_employee(database)
    prompt, slow = await office.report_life_event(ada), await office.report_life_event(ada)
    await office.review_life_event(prompt)
    last = MARCH_10 + timedelta(days=30)
    await office.on_day(last).dry_run(enrollments.reissue_enrollment, id, prompt, None, None)
    late = office.on_day(last + timedelta(days=1))
    assert await late.refusals(late.reissue(id, prompt)) == ["LIFE_EVENT_WINDOW_CLOSED qualifyingLifeEventId"]
    await late.review_life_event(slow)
    last = late.today + timedelta(days=10)
    reissued = await office.on_day(last).reissue(id, slow)
    assert (await late.enrollment(reissued)).closes_on == last
    late = office.on_day(last + timedelta(days=1))
    assert await late.refusals(late.reissue(id, slow)) == [
        "LIFE_EVENT_WINDOW_CLOSED qualifyingLifeEventId",
    ]
    assert await late.refusals(late.elect(ada, enroll(reissued, None))) == [
        "WINDOW_NOT_OPEN elections.0.enrollmentId",
        "PLAN_REQUIRED elections.0.selectedPlanId",
    ]


async def test_reissue_in_one_month_plan_year(database: Database) -> None:
    """A marriage would take effect on the first of the next month, which is too late; a birth takes effect at once."""
    office = await create_office(database)
    ada = await office.hire()
    dates = PlanYearDates(date(2027, 1, 1), date(2027, 1, 31), date(2026, 11, 1), date(2026, 11, 30))
    plans = await office.plan_ids(await office.open_plan_year(dates))
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plans["GOLD"]))
    office = office.on_day(date(2027, 1, 31))
    assert await office.refusals(office.reissue(id, await approve_marriage(office, ada))) == [
        "NOT_REISSUABLE qualifyingLifeEventId"
    ]
    reissued = await office.reissue(id, await office.approve_life_event(ada, BIRTH))
    await office.elect(ada, enroll(reissued, plans["GOLD"]))
    assert await spans(office, ada) == [(date(2027, 1, 1), date(2027, 1, 30)), (date(2027, 1, 31), date(2027, 1, 31))]


async def approve_marriage(office: Office, employee: str) -> str:
    return await office.approve_life_event(employee, MARRIAGE)


async def test_latest_answer_prevails_over_later_issued_enrollment(database: Database) -> None:
    """A marriage reissues a lapsed enrollment, then a class change issues a new-hire one; both are answered."""
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    lapsed = (await office.pending_enrollment(ada)).id
    office = office.on_day(date(2027, 2, 10))
    reissued = await office.reissue(lapsed, await office.approve_life_event(ada, MARRIAGE))
    office = office.on_day(date(2027, 2, 15))
    await office.update_employee(ada, employment_class=EmploymentClass.PART_TIME)
    (as_new_hire,) = [row.id for row in await office.enrollments(ada) if row.reason == "NEW_HIRE"]
    await office.elect(ada, enroll(as_new_hire, plans["GOLD"]))
    await office.elect(ada, enroll(reissued, plans["SILVER"]))
    assert await spans(office, ada) == [
        (None, None),
        (date(2027, 3, 1), date(2027, 12, 31)),
        (date(2027, 2, 15), date(2027, 2, 28)),
    ]
    await office.reopen_election(reissued)
    assert (await office.enrollment(as_new_hire)).coverage_ends_on == date(2027, 12, 31)


async def test_late_answer_does_not_override_answered_reissue(database: Database) -> None:
    """The window is extended after the reissue was answered, and the original enrollment is answered last."""
    office = await create_office(database)
    ada = await office.hire()
    year = await office.open_plan_year()
    plans = await office.plan_ids(year)
    lapsed = (await office.pending_enrollment(ada)).id
    office = office.on_day(date(2026, 12, 10))
    reissued = await office.reissue(lapsed, await office.approve_life_event(ada, JOB_LOSS, date(2026, 12, 10)))
    await office.elect(ada, enroll(reissued, plans["SILVER"]))
    await office.update_plan_year(year, open_enrollment_ends_on=date(2026, 12, 20))
    await office.elect(ada, enroll(lapsed, plans["GOLD"]))
    assert await spans(office, ada) == [
        (date(2027, 1, 1), None),
        (date(2027, 1, 1), date(2027, 12, 31)),
    ]
