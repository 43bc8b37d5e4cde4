"""Elections: the values that an accepted election sets, and the windows in which one is accepted."""

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


async def office_with_pending_enrollment(database: Database) -> tuple[Office, str, str, dict[str, str]]:
    """Open enrollment with Ada in it; return her ID, her pending enrollment's ID, and plan IDs by carrier plan ID."""
    office = await create_office(database)
    ada = await office.hire()
    id = await office.open_plan_year()
    return office, ada, (await office.pending_enrollment(ada)).id, dict(await office.plan_ids(id))


# ---------------------------------------------------------------------------------------------- accepted elections


@pytest.mark.parametrize(
    ("code", "family", "tier", "shares"),
    [
        ("GOLD", "", EE, (5_000, 45_000)),
        ("GOLD", "s", ES, (55_000, 45_000)),
        ("GOLD", "c", EC, (45_000, 45_000)),
        ("GOLD", "cc", EC, (45_000, 45_000)),
        ("GOLD", "sc", EF, (50_000, 90_000)),
        ("SILVER", "", EE, (0, 40_000)),  # the employer never pays more than the premium
        ("SILVER", "s", ES, (37_000, 45_000)),
        ("FLAT", "", EE, (0, 30_000)),
        ("FLAT", "c", EC, (10_000, 45_000)),  # a plan without rates costs the two contributions
        ("FLAT", "sc", EF, (20_000, 90_000)),
    ],
)
async def test_tier_follows_from_dependents_and_shares_from_plan_and_tier(
    database: Database, code: str, family: str, tier: CoverageTier, shares: tuple[int, int]
) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    dependents = [await office.add_spouse(ada) if member == "s" else await office.add_child(ada) for member in family]

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
    assert preview == enrollments.ElectionOutcome(
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
async def test_unspecified_tier_is_derived_from_dependents(database: Database, tier: CoverageTier | None) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    await office.elect(ada, enroll(id, plans["GOLD"], await office.add_child(ada), tier=tier))
    assert (await office.enrollment(id)).coverage_tier == EC


async def test_waiver_stores_only_its_effective_date(database: Database) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    (preview,) = await office.elect(ada, waive(id))
    row = await office.read_row("enrollments", id)
    assert (row["decision"], row["effective_on"]) == ("WAIVED", "2027-01-01")
    names = ("coverage_tier", "selected_plan_id", "employee_contribution_cents", "employer_contribution_cents")
    assert {row[name] for name in (*names, "coverage_starts_on", "coverage_ends_on")} == {None}
    assert (preview.status, preview.selected_plan_id, preview.dependent_ids) == ("WAIVED", None, ())


async def test_child_is_covered_through_end_of_month_of_26th_birthday(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    grown = await office.add_child(ada, date(2001, 1, 2))
    disabled = await office.add_child(ada, date(1990, 1, 1), disabled=True)
    in_february = await office.add_child(ada, date(2001, 2, 28))
    spouse = await office.add_spouse(ada)
    await office.elect(ada, enroll(id, plans["GOLD"], grown, disabled, in_february, spouse))
    covered = (await office.read_all_rows())["enrolled_dependents"]
    through = {key.removeprefix(f"{id} "): row["through"] for key, row in covered.items()}
    assert through == {grown: "2027-01-31", disabled: None, in_february: "2027-02-28", spouse: None}


async def test_history_records_election_and_actor(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
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


async def test_elections_for_several_plan_years_are_applied_all_or_none(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    short = PlanYearDates(date(2028, 1, 1), date(2028, 6, 30), FIRST, LAST)
    other_year = await office.open_plan_year(short)
    other = next(row.id for row in await office.enrollments(ada) if row.plan_year_id == other_year)

    assert await office.refusals(office.elect(ada, enroll(id, plans["GOLD"]), enroll(other, plans["GOLD"]))) == [
        "PLAN_NOT_OFFERED elections.1.selectedPlanId"
    ]
    assert (await office.enrollment(id)).status == "PENDING"
    previews = await office.elect(ada, waive(other), enroll(id, plans["GOLD"]))
    assert [(preview.enrollment_id, preview.status) for preview in previews] == [(other, "WAIVED"), (id, "ENROLLED")]


# --------------------------------------------------------------------------------------------------------- windows


async def test_open_enrollment_accepts_answers_from_first_through_last_day(database: Database) -> None:
    office, ada, id, plans = await office_with_pending_enrollment(database)
    for day in (FIRST - timedelta(days=1), LAST + timedelta(days=1)):
        office_that_day = office.on_day(day)
        for election in (enroll(id, plans["GOLD"]), waive(id)):
            assert await office_that_day.refusals(office_that_day.elect(ada, election)) == [
                "WINDOW_NOT_OPEN elections.0.enrollmentId"
            ]
    for day in (FIRST, LAST):
        await office.on_day(day).dry_run(enrollments.elect, ada, [waive(id)])


@pytest.mark.parametrize(
    ("hired_on", "closes_on"), [(date(2026, 11, 1), date(2026, 12, 20)), (date(2026, 12, 1), date(2026, 12, 31))]
)
async def test_new_hire_window_opens_on_issue_and_closes_thirty_days_after_eligibility_or_issue(
    database: Database, hired_on: date, closes_on: date
) -> None:
    """Today is 20 November; the hire date is the 1st of this month or of the next."""
    opens_on = date(2026, 11, 20)
    office = await create_office(database, today=date(2026, 1, 5))
    await office.open_plan_year(PlanYearDates(date(2026, 2, 1), date(2027, 1, 31), date(2026, 1, 1), date(2026, 1, 20)))
    office = office.on_day(date(2026, 11, 20))
    ada = await office.hire(hired_on=hired_on)
    (row,) = await office.enrollments(ada)
    assert (row.reason, row.opens_on, row.closes_on) == ("NEW_HIRE", opens_on, closes_on)
    for day in (opens_on - timedelta(days=1), closes_on + timedelta(days=1)):
        office_that_day = office.on_day(day)
        assert await office_that_day.refusals(office_that_day.elect(ada, waive(row.id))) == [
            "WINDOW_NOT_OPEN elections.0.enrollmentId"
        ]
    for day in (opens_on, closes_on):
        await office.on_day(day).dry_run(enrollments.elect, ada, [waive(row.id)])


@pytest.mark.parametrize(
    ("time_zone", "opens_at", "closes_at"),
    [
        # New York leaves daylight saving time on 1 November, but only after midnight.
        ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 12, 1, 5, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 10, 31, 18, 30, tzinfo=UTC), datetime(2026, 11, 30, 18, 30, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 10, 31, 10, tzinfo=UTC), datetime(2026, 11, 30, 10, tzinfo=UTC)),
    ],
)
async def test_window_days_begin_at_midnight_in_employer_time_zone(
    database: Database, time_zone: str, opens_at: datetime, closes_at: datetime
) -> None:
    office = await create_office(database, time_zone=time_zone)
    ada = await office.hire()
    await office.open_plan_year()
    id = (await office.pending_enrollment(ada)).id

    async def elect(at: datetime) -> None:
        await database.transact(
            office.viewer, Clock(at), lambda tx: enrollments.elect(tx, ada, [waive(id)]), dry_run=True
        )

    instant = timedelta(microseconds=1)
    for at in (opens_at - instant, closes_at):
        assert await office.refusals(elect(at)) == ["WINDOW_NOT_OPEN elections.0.enrollmentId"]
    for at in (opens_at, closes_at - instant):
        await elect(at)


async def test_changed_window_applies_to_issued_enrollments(database: Database) -> None:
    office, ada, id, _ = await office_with_pending_enrollment(database)
    plan_year = (await office.enrollment(id)).plan_year_id
    await office.update_plan_year(plan_year, open_enrollment_ends_on=date(2026, 12, 15))
    await office.on_day(date(2026, 12, 15)).dry_run(enrollments.elect, ada, [waive(id)])
    office_that_day = office.on_day(date(2026, 12, 16))
    assert await office_that_day.refusals(office_that_day.elect(ada, waive(id))) == [
        "WINDOW_NOT_OPEN elections.0.enrollmentId"
    ]
