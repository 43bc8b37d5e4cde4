"""Passive renewal: who was covered gets the same again; everyone else lapses."""

from dataclasses import replace
from datetime import date
from typing import Any

from benegraph.db.session import Database
from benegraph.domain.catalog import PlanTerms
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from factories.office import CLASSES, DATES, DATES_2026, PLANS, Office, create_office, enroll, waive

AFTER = date(2026, 12, 1)


async def last_year(database: Database) -> tuple[Office, str, str]:
    """Open the office with the plan year 2026 and Ada, who has something to answer in it."""
    office = await create_office(database, today=date(2025, 11, 20))
    ada = await office.hire()
    return office, ada, await office.open_plan_year(DATES_2026)


async def covered(office: Office, employee: str, plan_year: str, code: str, *dependents: str) -> None:
    plans = await office.plan_ids_by_code(plan_year)
    await office.elect(employee, enroll((await office.pending_enrollment(employee)).id, plans[code], *dependents))


async def renew(office: Office, **options: Any) -> tuple[Office, int]:
    """Open the next year, say nothing, and close it; give how many lapsed."""
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE, **options)
    office = office.on_day(AFTER)
    return office, await office.close_enrollment(id)


async def test_the_same_plan_and_tier_over_again_at_the_new_price(database: Database) -> None:
    office, ada, year = await last_year(database)
    spouse, child = await office.add_spouse(ada), await office.add_child(ada)
    await covered(office, ada, year, "GOLD", spouse, child)
    dearer = [replace(PLANS[0], rates=(replace(PLANS[0].rates[3], monthly_premium_cents=150_000),)), *PLANS[1:]]

    office, lapsed = await renew(office, plans=dearer)

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
    assert new.selected_plan_id == (await office.plan_ids_by_code(new.plan_year_id))["GOLD"]
    dump = await office.read_all_rows()
    assert {f"{new.id} {spouse}", f"{new.id} {child}"} <= dump["enrolled_dependents"].keys()
    assert [event["action"] for event in await office.history(new.id)] == ["ISSUED", "RENEWED"]


async def test_who_was_not_covered_on_the_eve_lapses(database: Database) -> None:
    office, ada, year = await last_year(database)
    waived = await office.hire("Bob")
    silent = await office.hire("Cy")
    await covered(office, ada, year, "GOLD")
    await office.elect(waived, waive((await office.pending_enrollment(waived)).id))
    office, lapsed = await renew(office)
    assert lapsed == 2
    assert [(await office.enrollments(who))[-1].close_reason for who in (ada, waived, silent)] == [
        None,
        "LAPSED",
        "LAPSED",
    ]


async def test_a_draft_that_was_never_opened_is_no_year_before(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    january = date(2027, 1, 1), date(2027, 1, 31), date(2026, 11, 1), date(2026, 11, 30)
    await office.draft_plan_year(PlanYearDates(*january))

    office = office.on_day(date(2026, 11, 20))
    february = date(2027, 2, 1), date(2027, 12, 31), date(2026, 11, 1), date(2026, 11, 30)
    id = await office.open_plan_year(PlanYearDates(*february), renewal=RenewalMode.PASSIVE)

    assert await office.on_day(AFTER).close_enrollment(id) == 0


async def test_without_passive_renewal_everyone_lapses(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES)
    assert await office.on_day(AFTER).close_enrollment(id) == 1


async def test_a_plan_that_is_no_longer_offered_lapses(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "SILVER")
    _, lapsed = await renew(office, plans=[PLANS[0]])
    assert lapsed == 1


async def test_a_tier_that_is_no_longer_priced_lapses(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD", await office.add_child(ada))
    alone = PlanTerms("GOLD", "Gold PPO", None, 50_000, rates=(PLANS[0].rates[1],))
    _, lapsed = await renew(office, plans=[alone])
    assert lapsed == 1


async def test_a_child_of_26_and_one_who_left_are_not_carried_over(database: Database) -> None:
    office, ada, year = await last_year(database)
    grown = await office.add_child(ada, date(2001, 1, 1))  # 26 on the first day
    almost = await office.add_child(ada, date(2001, 1, 2))
    left = await office.add_child(ada)
    spouse = await office.add_spouse(ada)
    await covered(office, ada, year, "GOLD", grown, almost, left, spouse)
    await office.update_dependent(left, active=False)
    await office.update_dependent(spouse, active=False)

    office, lapsed = await renew(office)

    _, new = await office.enrollments(ada)
    assert (lapsed, new.coverage_tier) == (0, "EC")
    rows = (await office.read_all_rows())["enrolled_dependents"]
    assert {key: row["through"] for key, row in rows.items() if key.startswith(new.id)} == {
        f"{new.id} {almost}": "2027-01-31"
    }


async def test_another_employment_class_pays_its_own_shares(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    await office.on_day(date(2026, 6, 1)).update_employee(ada, employment_class=EmploymentClass.PART_TIME)
    office, lapsed = await renew(office)
    new = (await office.enrollments(ada))[-1]
    assert (lapsed, new.employee_contribution_cents, new.employer_contribution_cents) == (0, 40_000, 10_000)


async def test_an_answer_is_not_renewed_over(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.elect(ada, waive((await office.pending_enrollment(ada)).id))
    assert await office.on_day(AFTER).close_enrollment(id) == 0
    assert (await office.enrollments(ada))[-1].decision == "WAIVED"


async def test_a_class_without_contributions_lapses(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD", await office.add_child(ada))
    await office.on_day(date(2026, 6, 1)).update_employee(ada, employment_class=EmploymentClass.PART_TIME)
    _, lapsed = await renew(office, classes=CLASSES)  # part time has none for a child
    assert lapsed == 1


async def test_who_leaves_in_the_new_year_is_covered_till_then(database: Database) -> None:
    """Coverage must not lapse because someone gave notice: it is renewed, and ends with the month of leaving."""
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.terminate_employee(ada, date(2027, 3, 10))
    office = office.on_day(AFTER)
    assert await office.close_enrollment(id) == 0
    new = (await office.enrollments(ada))[-1]
    assert (new.status, new.coverage_starts_on, new.coverage_ends_on) == (
        "ENROLLED",
        date(2027, 1, 1),
        date(2027, 3, 31),
    )
    await office.reinstate_employee(ada)
    assert (await office.enrollments(ada))[-1].coverage_ends_on == date(2027, 12, 31)


async def test_a_life_event_answered_before_the_close_takes_over_from_the_renewal(database: Database) -> None:
    """The window is over but not closed; a marriage is answered for February, and nothing is said for January."""
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    office = office.on_day(date(2027, 1, 5))
    marriage = await office.approve_life_event(ada, LifeEventType.MARRIAGE)
    reissued = await office.reissue((await office.enrollments(ada))[-1].id, marriage)
    await office.elect(
        ada, enroll(reissued, (await office.plan_ids_by_code(id))["SILVER"], await office.add_spouse(ada))
    )

    assert await office.close_enrollment(id) == 0

    _, renewed, answered = await office.enrollments(ada)
    assert (renewed.coverage_starts_on, renewed.coverage_ends_on) == (date(2027, 1, 1), date(2027, 1, 31))
    assert (answered.coverage_starts_on, answered.coverage_ends_on) == (date(2027, 2, 1), date(2027, 12, 31))
    assert (renewed.close_reason, renewed.closed_on) == ("REISSUED", date(2027, 2, 1))


async def test_who_was_gone_at_the_close_and_is_back_is_renewed_after_all(database: Database) -> None:
    office, ada, year = await last_year(database)
    await covered(office, ada, year, "GOLD")
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.terminate_employee(ada, date(2026, 11, 25))
    office = office.on_day(AFTER)
    assert await office.close_enrollment(id) == 0  # nobody waits for an answer any more
    await office.reinstate_employee(ada)

    old, new = await office.enrollments(ada)
    assert (old.status, old.coverage_ends_on) == ("ENROLLED", date(2026, 12, 31))
    assert (new.status, new.coverage_starts_on, new.coverage_ends_on) == (
        "ENROLLED",
        date(2027, 1, 1),
        date(2027, 12, 31),
    )
    assert [event["action"] for event in await office.history(new.id)] == ["ISSUED", "CLOSED", "REOPENED", "RENEWED"]


async def test_who_was_gone_at_the_close_and_had_nothing_to_renew_lapses(database: Database) -> None:
    office, ada, _year = await last_year(database)
    office = office.on_day(date(2026, 11, 20))
    id = await office.open_plan_year(DATES, renewal=RenewalMode.PASSIVE)
    await office.terminate_employee(ada, date(2026, 11, 25))
    office = office.on_day(AFTER)
    await office.close_enrollment(id)
    await office.reinstate_employee(ada)

    _old, new = await office.enrollments(ada)
    assert (new.status, new.close_reason, new.closed_on) == ("INACTIVE", "LAPSED", AFTER)
