"""Extending the election windows of an employee's enrollments."""

from dataclasses import replace
from datetime import date

from benegraph.db.session import Database
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.plan_years import RenewalMode
from benegraph.services import enrollments
from benegraph.services.catalog import add_product
from benegraph.services.enrollments import WindowExtension
from factories.access import employer_viewer
from factories.office import DATES_2026, PLANS, Office, create_office, enroll, waive

DECEMBER = date(2026, 12, 10)


async def lapsed_office(database: Database) -> tuple[Office, str, str]:
    """Let Ada's enrollment in 2027 lapse; return the office on 10 December, her ID and the enrollment's."""
    office = await create_office(database)
    ada = await office.hire()
    plan_year = await office.open_plan_year()
    enrollment = (await office.pending_enrollment(ada)).id
    office = office.on_day(DECEMBER)
    await office.close_enrollment(plan_year)
    assert (await office.enrollment(enrollment)).status == "INACTIVE"
    return office, ada, enrollment


async def extend(
    office: Office, employee: str, *ids: str, last_day: date = date(2026, 12, 20), reason: str = "On leave."
) -> None:
    extensions = [WindowExtension(id) for id in ids]
    await office.run(enrollments.extend_windows, employee, extensions, last_day, reason)


async def test_lapsed_enrollment_is_pending_again_through_the_new_last_day(database: Database) -> None:
    office, ada, enrollment = await lapsed_office(database)
    await extend(office.as_viewer(employer_viewer(office.employer)), ada, enrollment)
    last_day = office.on_day(date(2026, 12, 20))
    row = await last_day.enrollment(enrollment)
    assert (row.status, row.window_is_open, row.closes_on) == ("PENDING", True, date(2026, 12, 20))
    assert (row.closed_on, row.close_reason, row.effective_on) == (None, None, date(2027, 1, 1))
    assert (await office.on_day(date(2026, 12, 21)).enrollment(enrollment)).status == "INACTIVE"
    event = (await office.history(enrollment))[-1]
    assert (event["action"], event["reason"], event["actor_role"]) == ("EXTENDED", "On leave.", "EMPLOYER")
    assert event["after"] == {"window_extended_through": "2026-12-20", "closed_on": None, "close_reason": None}
    late = office.on_day(date(2026, 12, 21))
    assert await office.refusals(late.elect(ada, waive(enrollment))) == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    await last_day.elect(ada, waive(enrollment))


async def test_answered_enrollment_can_be_reopened_in_the_extended_window(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year())
    enrollment = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrollment, plans["GOLD"]))
    late = office.on_day(DECEMBER)
    assert await late.refusals(late.reopen_election(enrollment)) == ["WINDOW_NOT_OPEN enrollmentId"]
    await extend(office, ada, enrollment)
    assert (await office.enrollment(enrollment)).status == "ENROLLED"
    await late.reopen_election(enrollment)
    await late.elect(ada, waive(enrollment))


async def test_several_windows_are_extended_together(database: Database) -> None:
    office, ada, enrollment = await lapsed_office(database)
    product = await office.run(add_product, "Dental", ProductCategory.DENTAL, "Blue Shield", PLANS)
    await replace(office, product=product, today=date(2026, 11, 20)).open_plan_year()
    dental = (await office.enrollments(ada))[-1].id
    await extend(office, ada, enrollment, dental)
    rows = await office.enrollments(ada)
    assert [(row.status, row.closes_on) for row in rows] == [("PENDING", date(2026, 12, 20))] * 2


async def test_refusals_of_an_extension_come_all_at_once(database: Database) -> None:
    office, ada, enrollment = await lapsed_office(database)
    bob = await office.on_day(date(2020, 1, 6)).hire("Bob")
    (bobs,) = [row.id for row in await office.enrollments(bob)]
    extensions = [WindowExtension(enrollment, 1), WindowExtension(bobs)]
    assert await office.refusals(
        office.run(enrollments.extend_windows, ada, extensions, date(2027, 2, 1), "On leave.")
    ) == [
        "INVALID_INPUT lastDay",
        "VERSION_CONFLICT enrollments.0.expectedVersion",
        "NOT_FOUND enrollments.1.enrollmentId",
    ]
    twice = office.run(
        enrollments.extend_windows, "empl_1", [WindowExtension(enrollment), WindowExtension(enrollment)], DECEMBER, " "
    )
    assert await office.refusals(twice) == [
        "INVALID_INPUT employeeId",
        "INVALID_INPUT reason",
        "INVALID_INPUT enrollments.1.enrollmentId",
    ]
    none = office.run(enrollments.extend_windows, ada, [], DECEMBER, "On leave.")
    assert await office.refusals(none) == ["INVALID_INPUT enrollments"]
    many = [WindowExtension(enrollment)] * 51
    assert "INVALID_INPUT enrollments" in await office.refusals(
        office.run(enrollments.extend_windows, ada, many, DECEMBER, "On leave.")
    )
    other = await create_office(database, tenant="other")
    assert await other.refusals(extend(other, ada, enrollment)) == ["NOT_FOUND employeeId"]


async def test_replaced_enrollment_is_not_extended(database: Database) -> None:
    office, ada, enrollment = await lapsed_office(database)
    event = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    reissue = await office.reissue(enrollment, event)
    assert await office.refusals(extend(office, ada, enrollment)) == ["REISSUE_ALREADY_OPEN enrollments.0.enrollmentId"]
    await office.elect(ada, waive(reissue))
    assert await office.refusals(extend(office, ada, enrollment)) == [
        "INVALID_STATUS_TRANSITION enrollments.0.enrollmentId"
    ]
    await extend(office, ada, reissue, last_day=date(2027, 1, 20))


async def test_window_of_a_terminated_employee_is_not_extended(database: Database) -> None:
    office, ada, enrollment = await lapsed_office(database)
    await office.terminate_employee(ada, date(2026, 12, 11))
    await extend(office, ada, enrollment)  # still employed today
    late = office.on_day(date(2026, 12, 11))
    assert await office.refusals(extend(late, ada, enrollment, last_day=date(2026, 12, 30))) == [
        "INVALID_STATUS_TRANSITION employeeId",
        "INVALID_STATUS_TRANSITION enrollments.0.enrollmentId",
    ]


async def test_closing_open_enrollment_keeps_an_extended_window_open(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    plan_year = await office.open_plan_year()
    enrollment = (await office.pending_enrollment(ada)).id
    await extend(office, ada, enrollment, last_day=DECEMBER)
    assert await office.on_day(DECEMBER).close_enrollment(plan_year) == 1  # Bob's alone
    assert (await office.on_day(DECEMBER).enrollment(enrollment)).status == "PENDING"
    assert [row.status for row in await office.on_day(DECEMBER).enrollments(bob)] == ["INACTIVE"]


async def test_closing_open_enrollment_lapses_a_window_whose_extension_is_over(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    plan_year = await office.open_plan_year()
    await extend(office, ada, (await office.pending_enrollment(ada)).id, last_day=date(2026, 12, 9))
    assert await office.on_day(DECEMBER).close_enrollment(plan_year) == 1


async def test_passive_renewal_within_an_extended_window_can_be_changed(database: Database) -> None:
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    plans = await office.plan_ids(await office.open_plan_year(DATES_2026))
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"]))
    office = office.on_day(date(2026, 11, 20))
    plan_year = await office.open_plan_year(renewal=RenewalMode.PASSIVE)
    enrollment = (await office.pending_enrollment(ada)).id
    await extend(office, ada, enrollment)
    office = office.on_day(DECEMBER)
    assert await office.close_enrollment(plan_year) == 0
    assert (await office.enrollment(enrollment)).status == "ENROLLED"
    await office.reopen_election(enrollment)
    await office.elect(ada, waive(enrollment))
    assert (await office.enrollment(enrollment)).status == "WAIVED"


async def test_extended_open_enrollment_leaves_one_open_answer(database: Database) -> None:
    """The lapsed enrollment is pending again, so the reissue of it closes; other employees' reissues stay."""
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    plan_year = await office.open_plan_year()
    lapsed, waived = [(await office.pending_enrollment(employee)).id for employee in (ada, bob)]
    await office.elect(bob, waive(waived))
    office = office.on_day(DECEMBER)
    reissued = await office.reissue(lapsed, await office.approve_life_event(ada, LifeEventType.MARRIAGE))
    other = await office.reissue(waived, await office.approve_life_event(bob, LifeEventType.MARRIAGE))
    await office.update_plan_year(plan_year, open_enrollment_ends_on=date(2026, 12, 9))
    assert (await office.enrollment(reissued)).status == "PENDING"
    await office.update_plan_year(plan_year, open_enrollment_ends_on=DECEMBER)
    assert (await office.pending_enrollment(ada)).id == lapsed
    row = await office.enrollment(reissued)
    assert (row.closed_on, row.close_reason) == (DECEMBER, "LAPSED")
    event = (await office.history(reissued))[-1]
    assert (event["action"], event["reason"]) == ("CLOSED", "Open enrollment was extended.")
    assert (await office.pending_enrollment(bob)).id == other
    await office.elect(ada, waive(lapsed))
    later = office.on_day(date(2026, 12, 11))
    assert (await later.enrollment(lapsed)).status == "WAIVED"
