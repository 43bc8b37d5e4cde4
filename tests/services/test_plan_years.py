"""Plan year drafts: copied plans, checks of dates and terms, and changes before and after opening."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier, PlanTerms, ProductCategory, TierRate
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import ContributionTerms, PlanYearDates, RenewalMode, WaitingPeriod
from benegraph.services import plan_years
from benegraph.services.catalog import add_product
from factories.access import employer_viewer
from factories.office import CLASSES, DATES, EE, ES, PLANS, Office, create_office

DAY = timedelta(days=1)
FULL_TIME = EmploymentClass.FULL_TIME


async def offered_rates(office: Office, plan_year: str) -> dict[str, dict[str, int]]:
    """Return the rates by tier of each plan of a plan year, by the carrier's code."""
    tables = await office.read_all_rows()
    rates = [row for row in tables["plan_rates"].values() if row["plan_year_id"] == plan_year]
    return {
        plan["carrier_plan_id"]: {
            rate["coverage_tier"]: rate["monthly_premium_cents"] for rate in rates if rate["plan_id"] == plan["id"]
        }
        for plan in tables["plans"].values()
        if plan["plan_year_id"] == plan_year
    }


async def test_draft_copies_carrier_plans_of_product(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year(
        waiting=WaitingPeriod(60, starts_on_first_of_month=True), renewal=RenewalMode.PASSIVE
    )
    row = await office.read_row("plan_years", id)
    expected = {
        "employer_id": office.employer,
        "benefit_product_id": office.product,
        "coverage_starts_on": "2027-01-01",
        "coverage_ends_on": "2027-12-31",
        "open_enrollment_starts_on": "2026-11-01",
        "open_enrollment_ends_on": "2026-11-30",
        "waiting_period_days": 60,
        "starts_on_first_of_month": True,
        "renewal": "PASSIVE",
        "opened_on": None,
        "closed_on": None,
        "version": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert await offered_rates(office, id) == {
        "GOLD": {"EE": 50_000, "ES": 100_000, "EC": 90_000, "EF": 140_000},
        "SILVER": {"ES": 82_000, "EC": 74_000},
        "FLAT": {},
    }
    plans = (await office.read_all_rows())["plans"].values()
    assert [plan["position"] for plan in sorted(plans, key=lambda plan: str(plan["id"]))] == [0, 1, 2]
    (event,) = await office.history(id)
    assert (event["action"], event["employee_id"], event["after"]["renewal"]) == ("CREATED", None, "PASSIVE")


async def test_draft_may_have_its_own_plans_or_none(database: Database) -> None:
    office = await create_office(database)
    own = await office.draft_plan_year(plans=[PlanTerms("OWN", "Own", None, 0)])
    none = await office.draft_plan_year(
        replace(DATES, coverage_start=date(2028, 1, 1), coverage_end=date(2028, 12, 31)), plans=[]
    )
    assert await offered_rates(office, own) == {"OWN": {}}
    assert await offered_rates(office, none) == {}


@pytest.mark.parametrize(
    ("dates", "refused"),
    [
        ({"coverage_end": DATES.coverage_start}, []),
        ({"coverage_end": DATES.coverage_start - DAY}, ["DATES_OUT_OF_ORDER coverageEnd"]),
        ({"coverage_end": date(2027, 12, 31) + DAY}, ["INVALID_INPUT coverageEnd"]),
        ({"open_enrollment_start": date(2026, 11, 30)}, []),
        ({"open_enrollment_start": date(2026, 12, 1)}, ["DATES_OUT_OF_ORDER openEnrollmentEnd"]),
        ({"open_enrollment_end": date(2026, 12, 31)}, []),
        ({"open_enrollment_end": date(2027, 1, 1)}, ["DATES_OUT_OF_ORDER openEnrollmentEnd"]),
        ({"open_enrollment_start": date(2020, 1, 1)}, []),
        ({"coverage_start": date(1899, 12, 31)}, ["INVALID_INPUT coverageStart"]),
        ({"coverage_end": date.max}, ["INVALID_INPUT coverageEnd"]),
        (
            {"coverage_start": date.max, "coverage_end": date.max},
            ["INVALID_INPUT coverageStart", "INVALID_INPUT coverageEnd"],
        ),
        (
            {"open_enrollment_start": date.min, "open_enrollment_end": date.max},
            ["INVALID_INPUT openEnrollmentStart", "INVALID_INPUT openEnrollmentEnd"],
        ),
    ],
)
async def test_dates_out_of_order_or_range_are_refused(
    database: Database, dates: dict[str, date], refused: list[str]
) -> None:
    office = await create_office(database)
    changed = replace(DATES, **dates)
    if refused:
        assert await office.refusals(office.draft_plan_year(changed)) == refused
        changes: dict[str, Any] = {
            "coverage_starts_on": changed.coverage_start,
            "coverage_ends_on": changed.coverage_end,
            "open_enrollment_starts_on": changed.open_enrollment_start,
            "open_enrollment_ends_on": changed.open_enrollment_end,
        }
        assert await office.refusals(office.update_plan_year(await office.draft_plan_year(), **changes)) == refused
    else:
        await office.draft_plan_year(changed)


async def test_all_broken_rules_of_a_draft_are_reported(database: Database) -> None:
    office = await create_office(database)
    call = office.draft_plan_year(
        replace(DATES, open_enrollment_end=date(2027, 1, 1)),
        classes=[
            ContributionTerms(FULL_TIME, EE, -1, 0),
            ContributionTerms(FULL_TIME, EE, 0, -1),
        ],
        plans=[
            PlanTerms(
                "A", " ", None, -1, -1, -1, (TierRate(CoverageTier.UNSPECIFIED, 1), TierRate(ES, -1), TierRate(ES, 1))
            ),
            PlanTerms("A", "x" * 201, None, 5, rates=(TierRate(EE, 6),)),
        ],
        waiting=WaitingPeriod(61, starts_on_first_of_month=True),
    )
    assert await office.refusals(call) == [
        "DATES_OUT_OF_ORDER openEnrollmentEnd",
        "INVALID_INPUT waitingPeriodDays",
        "INVALID_INPUT contributionClasses.0.employeeContributionCents",
        "INVALID_INPUT contributionClasses.1.employerContributionCents",
        "INVALID_INPUT contributionClasses.1.familyStatus",
        "INVALID_INPUT plans.0.name",
        "INVALID_INPUT plans.0.monthlyPremiumCents",
        "INVALID_INPUT plans.0.deductibleCents",
        "INVALID_INPUT plans.0.outOfPocketMaxCents",
        "INVALID_INPUT plans.0.rates.0.coverageTier",
        "INVALID_INPUT plans.0.rates.1.monthlyPremiumCents",
        "INVALID_INPUT plans.0.rates.2.coverageTier",
        "INVALID_INPUT plans.1.name",
        "INVALID_INPUT plans.1.rates.0.monthlyPremiumCents",
        "INVALID_INPUT plans.1.carrierPlanId",
    ]
    assert await office.refusals(office.draft_plan_year(classes=[])) == ["INVALID_INPUT contributionClasses"]
    for days in (-1, 91):
        assert await office.refusals(office.draft_plan_year(waiting=WaitingPeriod(days))) == [
            "INVALID_INPUT waitingPeriodDays"
        ]


async def test_employer_and_product_outside_scope_are_not_found(database: Database) -> None:
    office = await create_office(database)
    other = await create_office(database, tenant="other")
    foreign = replace(office, employer=other.employer, product=other.product)
    assert await foreign.refusals(foreign.draft_plan_year()) == ["NOT_FOUND employerId", "NOT_FOUND benefitProductId"]
    swapped = replace(office, employer=office.product, product=office.employer)
    assert await swapped.refusals(swapped.draft_plan_year()) == [
        "INVALID_INPUT employerId",
        "INVALID_INPUT benefitProductId",
    ]
    outsider = office.as_viewer(employer_viewer("empr_none"))
    assert await outsider.refusals(outsider.draft_plan_year()) == ["NOT_FOUND employerId"]


async def test_overlapping_plan_years_are_refused(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    overlap = ["PLAN_YEAR_OVERLAP coverageStart"]
    before = PlanYearDates(date(2026, 6, 1), date(2026, 12, 31), date(2026, 5, 1), date(2026, 5, 2))
    assert await office.refusals(office.draft_plan_year()) == overlap
    assert await office.refusals(office.draft_plan_year(replace(before, coverage_end=date(2027, 1, 1)))) == overlap
    after = replace(DATES, coverage_start=date(2027, 12, 31), coverage_end=date(2028, 1, 31))
    assert await office.refusals(office.draft_plan_year(after)) == overlap
    adjacent = await office.draft_plan_year(before)
    await office.draft_plan_year(replace(after, coverage_start=date(2028, 1, 1)))
    assert await office.refusals(office.update_plan_year(adjacent, coverage_ends_on=date(2027, 1, 1))) == overlap
    await office.update_plan_year(adjacent, coverage_ends_on=date(2026, 12, 30))

    async def dental(office: Office) -> Office:
        return replace(office, product=await office.run(add_product, "Dental", ProductCategory.DENTAL, None, []))

    await (await dental(office)).draft_plan_year()
    await office.run(plan_years.delete_plan_year, id, None)
    await office.draft_plan_year()


# -------------------------------------------------------------------------------------------------------- changing


async def test_every_field_of_a_draft_can_change(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    changes: dict[str, Any] = {
        "coverage_starts_on": date(2027, 2, 1),
        "coverage_ends_on": date(2028, 1, 31),
        "open_enrollment_starts_on": date(2026, 12, 1),
        "open_enrollment_ends_on": date(2027, 1, 31),
        "waiting_period_days": 30,
        "starts_on_first_of_month": True,
        "renewal": RenewalMode.PASSIVE,
    }
    await office.update_plan_year(id, 1, CLASSES[:1], PLANS[1:], **changes)
    row = await office.read_row("plan_years", id)
    assert {name: row[name] for name in changes} == {
        name: value.isoformat() if isinstance(value, date) else value for name, value in changes.items()
    }
    assert row["version"] == 2
    assert (await offered_rates(office, id)).keys() == {"SILVER", "FLAT"}
    classes = (await office.read_all_rows())["contribution_classes"].values()
    assert [(row["employment"], row["family_status"]) for row in classes] == [("FULL_TIME", "UNSPECIFIED")]
    event = (await office.history(id))[-1]
    assert (event["action"], event["before"]["renewal"], event["after"]["renewal"]) == ("UPDATED", "ACTIVE", "PASSIVE")


async def test_changing_only_plans_increments_the_version(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    await office.update_plan_year(id, plans=PLANS[:1])
    assert (await office.read_row("plan_years", id))["version"] == 2
    assert await office.refusals(office.update_plan_year(id, 1, classes=CLASSES)) == [
        "VERSION_CONFLICT expectedVersion"
    ]
    assert [event["action"] for event in await office.history(id)] == ["CREATED", "UPDATED"]


async def test_open_plan_year_can_change_only_window_and_renewal(database: Database) -> None:
    office = await create_office(database)
    id = await office.open_plan_year()
    fields: dict[str, Any] = {
        "coverage_starts_on": date(2027, 1, 1),
        "coverage_ends_on": date(2027, 12, 30),
        "waiting_period_days": 0,
        "starts_on_first_of_month": False,
    }
    fixed_fields = [
        f"INVALID_STATUS_TRANSITION {field}"
        for field in ("coverageStart", "coverageEnd", "waitingPeriodDays", "startsOnFirstOfMonth")
    ]
    replaced_terms = [f"INVALID_STATUS_TRANSITION {field}" for field in ("contributionClasses", "plans")]
    window = [f"INVALID_STATUS_TRANSITION {field}" for field in ("openEnrollmentStart", "openEnrollmentEnd", "renewal")]
    window_changes: dict[str, Any] = {
        "open_enrollment_starts_on": date(2026, 11, 2),
        "open_enrollment_ends_on": date(2026, 11, 29),
        "renewal": RenewalMode.PASSIVE,
    }
    assert await office.refusals(office.update_plan_year(id, classes=CLASSES, plans=PLANS, **fields)) == [
        *fixed_fields,
        *replaced_terms,
    ]
    await office.update_plan_year(id, **window_changes)
    office = office.on_day(date(2026, 12, 1))
    await office.close_enrollment(id)
    for day in (date(2026, 12, 1), date(2028, 1, 1)):  # active, then expired
        office_that_day = office.on_day(day)
        assert await office_that_day.refusals(
            office_that_day.update_plan_year(id, classes=CLASSES, plans=PLANS, **fields, **window_changes)
        ) == [
            *fixed_fields,
            *replaced_terms,
            *window,
        ]


async def test_only_a_draft_can_be_deleted(database: Database) -> None:
    office = await create_office(database)
    before = await office.read_all_rows()
    id = await office.draft_plan_year()
    assert await office.refusals(office.run(plan_years.delete_plan_year, id, 2)) == ["VERSION_CONFLICT expectedVersion"]
    office = office.as_viewer(employer_viewer(office.employer))
    await office.run(plan_years.delete_plan_year, id, 1)
    after = await office.read_all_rows()
    earlier = before.pop("events")
    events = [event["action"] for event_id, event in after.pop("events").items() if event_id not in earlier]
    assert events == ["CREATED", "DELETED"]
    assert after == before
    opened = await office.open_plan_year()
    assert await office.refusals(office.run(plan_years.delete_plan_year, opened, None)) == [
        "INVALID_STATUS_TRANSITION planYearId"
    ]
    assert await office.refusals(office.run(plan_years.delete_plan_year, id, None)) == ["NOT_FOUND planYearId"]


async def test_plan_year_of_another_employer_is_not_found(database: Database) -> None:
    office = await create_office(database)
    id = await office.draft_plan_year()
    outsider = office.as_viewer(employer_viewer("empr_none"))
    for call in (
        outsider.update_plan_year(id),
        outsider.open_enrollment(id),
        outsider.close_enrollment(id),
        outsider.run(plan_years.delete_plan_year, id, None),
    ):
        assert await outsider.refusals(call) == ["NOT_FOUND planYearId"]
    for call in (
        office.update_plan_year(office.employer),
        office.open_enrollment("x"),
        office.close_enrollment("plan_year"),
    ):
        assert await office.refusals(call) == ["INVALID_INPUT planYearId"]
