"""Passive renewal: covered employees get the same plan again; all other unanswered enrollments lapse."""

from dataclasses import replace
from datetime import date
from typing import Any

from benegraph.db.session import Database
from benegraph.domain.catalog import PlanTerms
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from factories.office import CLASSES, DATES, DATES_2026, PLANS, Office, create_office, enroll, waive

AFTER_WINDOW = date(2026, 12, 1)


async def office_with_2026_plan_year(database: Database) -> tuple[Office, str, str]:
    """Create an office with the plan year 2026, in which Ada has a pending enrollment."""
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    return office, ada, await office.open_plan_year(DATES_2026)


async def enroll_in_plan(office: Office, employee: str, plan_year: str, code: str, *dependents: str) -> None:
    plans = await office.plan_ids(plan_year)
    await office.elect(employee, enroll((await office.pending_enrollment(employee)).id, plans[code], *dependents))


async def open_and_close_next_year(office: Office, **options: Any) -> tuple[Office, int]:
    """Open the next plan year and close it without any answers; return how many enrollments lapsed."""
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE, **options)
    office = office.on_day(AFTER_WINDOW)
    return office, await office.close_enrollment(id)


async def test_renewal_keeps_plan_and_tier_at_new_price(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    spouse, child = await office.add_spouse(ada), await office.add_child(ada)
    await enroll_in_plan(office, ada, year, "GOLD", spouse, child)
    raised = [replace(PLANS[0], rates=(replace(PLANS[0].rates[3], monthly_premium_cents=150_000),)), *PLANS[1:]]

    office, lapsed = await open_and_close_next_year(office, plans=raised)

    assert lapsed == 0
    old, new = await office.enrollments(ada)
    assert (old.status, old.coverage_starts_on, old.coverage_ends_on) == (
        "ENROLLED",
        date(2026, 1, 1),
        date(2026, 12, 31),
    )
    assert (new.status, new.coverage_status, new.coverage_tier) == ("ENROLLED", "UPCOMING", "EF")
    assert (new.coverage_starts_on, new.coverage_ends_on) == (date(2027, 1, 1), date(2027, 12, 31))
    assert (new.employee_contribution_cents, new.employer_contribution_cents) == (60_000, 90_000)
    assert new.selected_plan_id == (await office.plan_ids(new.plan_year_id))["GOLD"]
    rows = await office.read_all_rows()
    assert {f"{new.id} {spouse}", f"{new.id} {child}"} <= rows["enrolled_dependents"].keys()
    assert [event["action"] for event in await office.history(new.id)] == ["ISSUED", "RENEWED"]


async def test_employee_without_prior_coverage_lapses(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    waived = await office.hire("Bob")
    unanswered = await office.hire("Cy")
    await enroll_in_plan(office, ada, year, "GOLD")
    await office.elect(waived, waive((await office.pending_enrollment(waived)).id))
    office, lapsed = await open_and_close_next_year(office)
    assert lapsed == 2
    assert [(await office.enrollments(employee))[-1].close_reason for employee in (ada, waived, unanswered)] == [
        None,
        "LAPSED",
        "LAPSED",
    ]


async def test_unopened_draft_is_not_a_prior_plan_year(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    january = date(2027, 1, 1), date(2027, 1, 31), date(2026, 11, 1), date(2026, 11, 30)
    await office.draft_plan_year(PlanYearDates(*january))

    office = office.on_day(date(2026, 11, 20))
    february = date(2027, 2, 1), date(2027, 12, 31), date(2026, 11, 1), date(2026, 11, 30)
    id = await office.open_plan_year(PlanYearDates(*february), renewal=RenewalMode.PASSIVE)

    assert await office.on_day(AFTER_WINDOW).close_enrollment(id) == 0


async def test_active_renewal_lapses_everyone(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES)
    assert await office.on_day(AFTER_WINDOW).close_enrollment(id) == 1


async def test_enrollment_lapses_when_plan_is_no_longer_offered(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "SILVER")
    _, lapsed = await open_and_close_next_year(office, plans=[PLANS[0]])
    assert lapsed == 1


async def test_enrollment_lapses_when_tier_has_no_rate(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD", await office.add_child(ada))
    alone = PlanTerms("GOLD", "Gold PPO", None, 50_000, rates=(PLANS[0].rates[1],))
    _, lapsed = await open_and_close_next_year(office, plans=[alone])
    assert lapsed == 1


async def test_children_aged_26_and_inactive_dependents_are_dropped(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    aged_26 = await office.add_child(ada, date(2001, 1, 1))  # turns 26 on the first day of coverage
    turning_26 = await office.add_child(ada, date(2001, 1, 2))
    left = await office.add_child(ada)
    spouse = await office.add_spouse(ada)
    await enroll_in_plan(office, ada, year, "GOLD", aged_26, turning_26, left, spouse)
    await office.update_dependent(left, active=False)
    await office.update_dependent(spouse, active=False)

    office, lapsed = await open_and_close_next_year(office)

    _, new = await office.enrollments(ada)
    assert (lapsed, new.coverage_tier) == (0, "EC")
    rows = (await office.read_all_rows())["enrolled_dependents"]
    assert {key: row["through"] for key, row in rows.items() if key.startswith(new.id)} == {
        f"{new.id} {turning_26}": "2027-01-31"
    }


async def test_renewal_uses_shares_of_current_employment_class(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    await office.on_day(date(2026, 6, 1)).update_employee(ada, employment_class=EmploymentClass.PART_TIME)
    office, lapsed = await open_and_close_next_year(office)
    new = (await office.enrollments(ada))[-1]
    assert (lapsed, new.employee_contribution_cents, new.employer_contribution_cents) == (0, 40_000, 10_000)


async def test_answered_enrollment_is_not_renewed(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.elect(ada, waive((await office.pending_enrollment(ada)).id))
    assert await office.on_day(AFTER_WINDOW).close_enrollment(id) == 0
    assert (await office.enrollments(ada))[-1].decision == "WAIVED"


async def test_enrollment_lapses_when_class_has_no_contributions(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD", await office.add_child(ada))
    await office.on_day(date(2026, 6, 1)).update_employee(ada, employment_class=EmploymentClass.PART_TIME)
    # These classes have no contributions for part-time employees with children.
    _, lapsed = await open_and_close_next_year(office, classes=CLASSES)
    assert lapsed == 1


async def test_employee_terminated_in_new_year_is_renewed_until_then(database: Database) -> None:
    """A termination with notice does not stop the renewal; coverage ends with the month of the termination."""
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.terminate_employee(ada, date(2027, 3, 10))
    office = office.on_day(AFTER_WINDOW)
    assert await office.close_enrollment(id) == 0
    new = (await office.enrollments(ada))[-1]
    assert (new.status, new.coverage_starts_on, new.coverage_ends_on) == (
        "ENROLLED",
        date(2027, 1, 1),
        date(2027, 3, 31),
    )
    await office.reinstate_employee(ada)
    assert (await office.enrollments(ada))[-1].coverage_ends_on == date(2027, 12, 31)


async def test_answered_reissue_supersedes_later_renewal(database: Database) -> None:
    """After the window but before closing, a reissue after a marriage is answered, effective in February.

    January is left to the renewal.
    """
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    office = office.on_day(date(2027, 1, 5))
    marriage = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    reissued = await office.reissue((await office.enrollments(ada))[-1].id, marriage)
    await office.elect(ada, enroll(reissued, (await office.plan_ids(id))["SILVER"], await office.add_spouse(ada)))

    assert await office.close_enrollment(id) == 0

    _, renewed, answered = await office.enrollments(ada)
    assert (renewed.coverage_starts_on, renewed.coverage_ends_on) == (date(2027, 1, 1), date(2027, 1, 31))
    assert (answered.coverage_starts_on, answered.coverage_ends_on) == (date(2027, 2, 1), date(2027, 12, 31))
    assert (renewed.close_reason, renewed.closed_on) == ("REISSUED", date(2027, 2, 1))


async def test_employee_reinstated_after_close_is_renewed(database: Database) -> None:
    office, ada, year = await office_with_2026_plan_year(database)
    await enroll_in_plan(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.terminate_employee(ada, date(2026, 11, 25))
    office = office.on_day(AFTER_WINDOW)
    assert await office.close_enrollment(id) == 0  # no unanswered enrollment is left
    await office.reinstate_employee(ada)

    old, new = await office.enrollments(ada)
    assert (old.status, old.coverage_ends_on) == ("ENROLLED", date(2026, 12, 31))
    assert (new.status, new.coverage_starts_on, new.coverage_ends_on) == (
        "ENROLLED",
        date(2027, 1, 1),
        date(2027, 12, 31),
    )
    assert [event["action"] for event in await office.history(new.id)] == ["ISSUED", "CLOSED", "REOPENED", "RENEWED"]


async def test_employee_reinstated_after_close_lapses_without_coverage(database: Database) -> None:
    office, ada, _year = await office_with_2026_plan_year(database)
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.terminate_employee(ada, date(2026, 11, 25))
    office = office.on_day(AFTER_WINDOW)
    await office.close_enrollment(id)
    await office.reinstate_employee(ada)

    _old, new = await office.enrollments(ada)
    assert (new.status, new.close_reason, new.closed_on) == ("INACTIVE", "LAPSED", AFTER_WINDOW)
