"""Electing: what a good answer sets, and what one call refuses, all of it at once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.plan_years import PlanYearDates
from benegraph.domain.values import Clock
from benegraph.services import enrollments
from factories.access import employee_viewer
from factories.office import EC, EE, EF, ES, Office, create_office, enroll, waive

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


async def to_answer(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Open enrollment with Ada in it; give her id, her enrollment's, and the plans' by their codes."""
    office = await create_office(database)
    ada = await office.hire()
    id = await office.open_plan_year()
    return office, ada, (await office.pending_enrollment(ada)).id, dict(await office.plan_ids_by_code(id))


# --------------------------------------------------------------------------------------------- good answers


@pytest.mark.parametrize(
    ("code", "family", "tier", "shares"),
    [
        ("GOLD", "", EE, (5_000, 45_000)),
        ("GOLD", "s", ES, (55_000, 45_000)),
        ("GOLD", "c", EC, (45_000, 45_000)),
        ("GOLD", "cc", EC, (45_000, 45_000)),
        ("GOLD", "sc", EF, (50_000, 90_000)),
        ("SILVER", "", EE, (0, 40_000)),  # the employer pays the premium at most
        ("SILVER", "s", ES, (37_000, 45_000)),
        ("FLAT", "", EE, (0, 30_000)),
        ("FLAT", "c", EC, (10_000, 45_000)),  # without rates: the two contributions
        ("FLAT", "sc", EF, (20_000, 90_000)),
    ],
)
async def test_the_tier_follows_from_the_family_and_the_shares_from_both(
    database: Database, code: str, family: str, tier: CoverageTier, shares: tuple[int, int]
) -> None:
    office, ada, id, plans = await to_answer(database)
    dependents = [await office.add_spouse(ada) if kind == "s" else await office.add_child(ada) for kind in family]

    (preview,) = await office.elect(ada, enroll(id, plans[code], *dependents))

    row = await office.enrollment(id)
    assert (row.status, row.decision, row.coverage_tier, row.coverage_status) == (
        "ENROLLED",
        "ENROLLED",
        tier,
        "UPCOMING",
    )
    assert (row.employee_contribution_cents, row.employer_contribution_cents) == shares
    assert (row.coverage_starts_on, row.coverage_ends_on) == (date(2027, 1, 1), date(2027, 12, 31))
    assert (row.selected_plan_id, row.version) == (plans[code], 2)
    assert preview == enrollments.ElectionPreview(
        id,
        row.status,
        tier,
        row.coverage_starts_on,
        row.coverage_ends_on,
        *shares,
        plans[code],
        tuple(dependents),
    )
    covered = (await office.read_all_rows())["enrolled_dependents"]
    assert covered.keys() == {f"{id} {dependent}" for dependent in dependents}


@pytest.mark.parametrize("tier", [None, CoverageTier.UNSPECIFIED, EC])
async def test_a_tier_may_be_left_to_the_dependents(database: Database, tier: CoverageTier | None) -> None:
    office, ada, id, plans = await to_answer(database)
    await office.elect(ada, enroll(id, plans["GOLD"], await office.add_child(ada), tier=tier))
    assert (await office.enrollment(id)).coverage_tier == EC


async def test_a_waiver_has_nothing_but_its_day(database: Database) -> None:
    office, ada, id, _ = await to_answer(database)
    (preview,) = await office.elect(ada, waive(id))
    row = await office.read_row("enrollments", id)
    assert (row["decision"], row["effective_on"]) == ("WAIVED", "2027-01-01")
    names = ("coverage_tier", "selected_plan_id", "employee_contribution_cents", "employer_contribution_cents")
    assert {row[name] for name in (*names, "coverage_starts_on", "coverage_ends_on")} == {None}
    assert (preview.status, preview.selected_plan_id, preview.dependent_ids) == ("WAIVED", None, ())


async def test_a_child_is_covered_to_the_end_of_the_month_it_turns_26(database: Database) -> None:
    office, ada, id, plans = await to_answer(database)
    grown = await office.add_child(ada, date(2001, 1, 2))
    disabled = await office.add_child(ada, date(1990, 1, 1), disabled=True)
    in_february = await office.add_child(ada, date(2001, 2, 28))
    spouse = await office.add_spouse(ada)
    await office.elect(ada, enroll(id, plans["GOLD"], grown, disabled, in_february, spouse))
    covered = (await office.read_all_rows())["enrolled_dependents"]
    through = {key.removeprefix(f"{id} "): row["through"] for key, row in covered.items()}
    assert through == {grown: "2027-01-31", disabled: None, in_february: "2027-02-28", spouse: None}


async def test_history_says_what_was_answered_and_by_whom(database: Database) -> None:
    office, ada, id, plans = await to_answer(database)
    office = office.as_viewer(employee_viewer(office.employer, ada))
    await office.elect(ada, enroll(id, plans["GOLD"]))
    event = (await office.history(id))[-1]
    assert (event["action"], event["actor"], event["actor_role"]) == ("ENROLLED", "EMPLOYEE akey_employee", "EMPLOYEE")
    assert (event["request_id"], event["occurred_at"][:10]) == ("request-1", "2026-11-20")
    assert event["before"].keys() == event["after"].keys()
    assert set(event["before"].values()) == {None}
    assert event["after"].pop("decided_at")[:10] == "2026-11-20"
    assert event["after"] == {
        "decision": "ENROLLED",
        "coverage_tier": "EE",
        "selected_plan_id": plans["GOLD"],
        "employee_contribution_cents": 5_000,
        "employer_contribution_cents": 45_000,
        "coverage_starts_on": "2027-01-01",
        "coverage_ends_on": "2027-12-31",
    }


async def test_answers_of_several_plan_years_are_taken_together_or_not_at_all(database: Database) -> None:
    office, ada, id, plans = await to_answer(database)
    short = PlanYearDates(date(2028, 1, 1), date(2028, 6, 30), FIRST, LAST)
    other_year = await office.open_plan_year(short)
    other = next(row.id for row in await office.enrollments(ada) if row.plan_year_id == other_year)

    assert await office.refusals(office.elect(ada, enroll(id, plans["GOLD"]), enroll(other, plans["GOLD"]))) == [
        "PLAN_NOT_OFFERED elections.1.selectedPlanId"
    ]
    assert (await office.enrollment(id)).status == "PENDING"
    previews = await office.elect(ada, waive(other), enroll(id, plans["GOLD"]))
    assert [(preview.enrollment_id, preview.status) for preview in previews] == [(other, "WAIVED"), (id, "ENROLLED")]


# -------------------------------------------------------------------------------------------------- windows


async def test_open_enrollment_is_open_from_its_first_day_through_its_last(database: Database) -> None:
    office, ada, id, plans = await to_answer(database)
    for day in (FIRST - timedelta(days=1), LAST + timedelta(days=1)):
        there = office.on_day(day)
        for choice in (enroll(id, plans["GOLD"]), waive(id)):
            assert await there.refusals(there.elect(ada, choice)) == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    for day in (FIRST, LAST):
        await office.on_day(day).dry_run(enrollments.elect, ada, [waive(id)])


@pytest.mark.parametrize(
    ("hired_on", "opens_on"), [(date(2026, 11, 1), date(2026, 11, 20)), (date(2026, 12, 1), date(2026, 12, 1))]
)
async def test_a_new_hire_has_thirty_days_from_eligibility_or_issue(
    database: Database, hired_on: date, opens_on: date
) -> None:
    """It is the 20th; the hire was on the 1st of this month, or is on the 1st of the next."""
    office = await create_office(database, today=date(2026, 1, 5))
    await office.open_plan_year(PlanYearDates(date(2026, 2, 1), date(2027, 1, 31), date(2026, 1, 1), date(2026, 1, 20)))
    office = office.on_day(date(2026, 11, 20))
    ada = await office.hire(hired_on=hired_on)
    (row,) = await office.enrollments(ada)
    assert (row.reason, row.opens_on, row.closes_on) == ("NEW_HIRE", opens_on, opens_on + timedelta(days=30))
    for day in (opens_on - timedelta(days=1), opens_on + timedelta(days=31)):
        there = office.on_day(day)
        assert await there.refusals(there.elect(ada, waive(row.id))) == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    for day in (opens_on, opens_on + timedelta(days=30)):
        await office.on_day(day).dry_run(enrollments.elect, ada, [waive(row.id)])


@pytest.mark.parametrize(
    ("time_zone", "opens_at", "over_at"),
    [
        # On 1 November the clocks in New York went back, but midnight was still summer time.
        ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 12, 1, 5, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 10, 31, 18, 30, tzinfo=UTC), datetime(2026, 11, 30, 18, 30, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 10, 31, 10, tzinfo=UTC), datetime(2026, 11, 30, 10, tzinfo=UTC)),
    ],
)
async def test_days_begin_at_the_employers_midnight(
    database: Database, time_zone: str, opens_at: datetime, over_at: datetime
) -> None:
    office = await create_office(database, time_zone=time_zone)
    ada = await office.hire()
    await office.open_plan_year()
    id = (await office.pending_enrollment(ada)).id

    async def elect(at: datetime) -> None:
        await database.transact(
            office.viewer, Clock(at), lambda tx: enrollments.elect(tx, ada, [waive(id)]), dry_run=True
        )

    moment = timedelta(microseconds=1)
    for at in (opens_at - moment, over_at):
        assert await office.refusals(elect(at)) == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    for at in (opens_at, over_at - moment):
        await elect(at)


async def test_a_moved_window_holds_for_those_already_issued(database: Database) -> None:
    office, ada, id, _ = await to_answer(database)
    plan_year = (await office.enrollment(id)).plan_year_id
    await office.update_plan_year(plan_year, open_enrollment_ends_on=date(2026, 12, 15))
    await office.on_day(date(2026, 12, 15)).dry_run(enrollments.elect, ada, [waive(id)])
    there = office.on_day(date(2026, 12, 16))
    assert await there.refusals(there.elect(ada, waive(id))) == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
