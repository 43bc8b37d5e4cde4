"""Copies of plan years: moved dates, copied and revised plans, contribution classes, and the rules of a new draft."""

from dataclasses import replace
from datetime import date
from typing import Any

from carrier_plans import carrier_plan_id, offered_codes, retire_plan
from racing import race, tally

from benegraph.db.session import Database
from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.plan_years import PlanSource, PlanYearDates, RenewalMode, WaitingPeriod
from benegraph.services import catalog, plan_years
from benegraph.services.plan_years import PlanRevision, PlanYearCopy, PlanYearCopyOutcome
from factories.access import employer_viewer
from factories.coverage import CONTRACT_START, GROUP, make_contract
from factories.office import CLASSES, DATES, EC, EE, ES, PLANS, Office, create_office

LEAP_YEAR = PlanYearDates(date(2027, 3, 1), date(2028, 2, 29), date(2027, 2, 1), date(2027, 2, 28))


async def copy(office: Office, plan_year: str, version: int | None = None, **options: Any) -> PlanYearCopyOutcome:
    outcome: PlanYearCopyOutcome = await office.run(
        plan_years.copy_plan_year, PlanYearCopy(plan_year, **options), version
    )
    return outcome


async def read_terms(office: Office, plan_year: str) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the plans, rates and contribution classes of a plan year, without their IDs and instants."""
    tables = await office.read_all_rows()
    plans = {row["id"]: row for row in tables["plans"].values() if row["plan_year_id"] == plan_year}
    excluded = {"id", "plan_year_id", "plan_id", "created_at"}

    def values(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in excluded}

    return (
        sorted(map(values, plans.values()), key=lambda row: row["position"]),
        sorted(
            (
                values(row) | {"plan": plans[row["plan_id"]]["carrier_plan_id"]}
                for row in tables["plan_rates"].values()
                if row["plan_id"] in plans
            ),
            key=lambda row: (row["plan"], row["coverage_tier"]),
        ),
        sorted(
            (values(row) for row in tables["contribution_classes"].values() if row["plan_year_id"] == plan_year),
            key=lambda row: row["position"],
        ),
    )


async def premiums(office: Office, plan_year: str) -> dict[str, int]:
    plans, _, _ = await read_terms(office, plan_year)
    return {plan["carrier_plan_id"]: plan["monthly_premium_cents"] for plan in plans}


async def test_copy_moves_the_dates_by_a_year_and_keeps_the_rest(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office)
    draft = plan_years.PlanYearDraft(
        office.employer,
        office.product,
        LEAP_YEAR,
        CLASSES,
        PLANS[:2],
        WaitingPeriod(30, starts_on_first_of_month=True),
        RenewalMode.PASSIVE,
        GROUP,
        CONTRACT_START,
    )
    source = await office.run(plan_years.create_plan_year, draft)
    before = await office.read_row("plan_years", source)

    outcome = await copy(office, source, 1)

    assert await office.read_row("plan_years", source) == before
    row = await office.read_row("plan_years", outcome.plan_year_id)
    moved = {
        "coverage_starts_on": "2028-03-01",
        "coverage_ends_on": "2029-02-28",
        "open_enrollment_starts_on": "2028-02-01",
        "open_enrollment_ends_on": "2028-02-29",
    }
    ignored = {"id", "created_at", "updated_at"}
    assert {name: row[name] for name in row.keys() - ignored} == {
        name: value for name, value in (before | moved).items() if name not in ignored
    }
    assert (row["opened_on"], row["version"]) == (None, 1)
    assert await read_terms(office, row["id"]) == await read_terms(office, source)
    (event,) = await office.history(row["id"])
    assert (event["action"], event["after"]["copied_from"]) == ("CREATED", source)
    assert outcome.omitted_carrier_plan_ids == []


async def test_copy_of_an_open_plan_year_is_a_draft(database: Database) -> None:
    office = await create_office(database)
    await office.hire()
    source = await office.open_plan_year()
    office = office.as_viewer(employer_viewer(office.employer))
    id = (await copy(office, source)).plan_year_id
    row = await office.read_row("plan_years", id)
    assert (row["opened_on"], row["closed_on"]) == (None, None)
    assert await office.on_day(date(2027, 11, 1)).open_enrollment(id) == 1


async def test_copy_takes_new_dates_terms_and_contributions(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    changes = {
        "coverage_starts_on": date(2028, 7, 1),
        "coverage_ends_on": date(2029, 3, 31),
        "open_enrollment_starts_on": date(2028, 5, 2),
        "open_enrollment_ends_on": date(2028, 5, 20),
        "waiting_period_days": 60,
        "starts_on_first_of_month": True,
        "renewal": RenewalMode.PASSIVE,
    }
    classes = [replace(CLASSES[0], employer_contribution_cents=47_000)]
    id = (await copy(office, source, changes=changes, classes=classes)).plan_year_id
    row = await office.read_row("plan_years", id)
    assert {name: row[name] for name in changes} == {
        name: value.isoformat() if isinstance(value, date) else value for name, value in changes.items()
    }
    _, _, stored = await read_terms(office, id)
    assert [terms["employer_contribution_cents"] for terms in stored] == [47_000]


async def test_copy_revises_rates_of_listed_plans_only(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    revisions = [
        PlanRevision(
            "SILVER", {"monthly_premium_cents": 43_000, "rates": (TierRate(ES, 88_000), TierRate(EC, 79_000))}
        ),
        PlanRevision("FLAT", {"monthly_premium_cents": 33_000, "name": "Flat 2028", "deductible_cents": 1}),
    ]
    outcome = await copy(office, source, revisions=revisions)
    assert await premiums(office, source) == {"GOLD": 50_000, "SILVER": 40_000, "FLAT": 30_000}
    assert await premiums(office, outcome.plan_year_id) == {"GOLD": 50_000, "SILVER": 43_000, "FLAT": 33_000}
    plans, rates, _ = await read_terms(office, outcome.plan_year_id)
    assert [(plan["name"], plan["deductible_cents"]) for plan in plans] == [
        ("Gold PPO", 150_000),
        ("Silver HMO", None),
        ("Flat 2028", 1),
    ]
    assert {(rate["plan"], rate["coverage_tier"]): rate["monthly_premium_cents"] for rate in rates} == {
        ("GOLD", "EE"): 50_000,
        ("GOLD", "ES"): 100_000,
        ("GOLD", "EC"): 90_000,
        ("GOLD", "EF"): 140_000,
        ("SILVER", "ES"): 88_000,
        ("SILVER", "EC"): 79_000,
    }
    assert [(plan.carrier_plan_id, plan.previous_monthly_premium_cents) for plan in outcome.plans] == [
        ("GOLD", 50_000),
        ("SILVER", 40_000),
        ("FLAT", 30_000),
    ]


async def test_copy_starts_from_the_catalog_if_asked(database: Database) -> None:
    office = await create_office(database)
    own = PlanTerms("OWN", "Own", None, 10_000)
    source = await office.draft_plan_year(plans=[*PLANS[:2], own])
    await office.run(catalog.update_carrier_plan, await carrier_plan_id(office, "FLAT"), {"name": "Flat 2"}, None)
    outcome = await copy(office, source, plan_source=PlanSource.CATALOG)
    assert await premiums(office, outcome.plan_year_id) == {"GOLD": 50_000, "SILVER": 40_000, "FLAT": 30_000}
    assert outcome.omitted_carrier_plan_ids == ["OWN"]
    assert [plan.previous_monthly_premium_cents for plan in outcome.plans] == [50_000, 40_000, None]


async def test_retired_plan_is_left_out_of_a_copy_and_cannot_be_revised(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    await retire_plan(office, "GOLD")
    gold = [PlanRevision("GOLD", {"name": "Gold 2"})]
    assert await office.refusals(copy(office, source, revisions=gold)) == ["PLAN_NOT_OFFERED plans.0.carrierPlanId"]
    outcome = await copy(office, source)
    assert await offered_codes(office, outcome.plan_year_id) == ["SILVER", "FLAT"]
    assert outcome.omitted_carrier_plan_ids == ["GOLD"]


async def test_revision_adds_a_plan_of_the_catalog(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year(plans=PLANS[1:])
    rates = tuple(replace(rate, monthly_premium_cents=rate.monthly_premium_cents + 1_000) for rate in PLANS[0].rates)
    gold = PlanRevision("GOLD", {"monthly_premium_cents": 51_000, "rates": rates})
    outcome = await copy(office, source, revisions=[gold])
    assert await premiums(office, outcome.plan_year_id) == {"SILVER": 40_000, "FLAT": 30_000, "GOLD": 51_000}


async def test_all_broken_rules_of_a_copy_are_reported(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    revisions = [
        PlanRevision("SILVER", {"monthly_premium_cents": 1}),
        PlanRevision("FLAT", {"name": " ", "rates": (TierRate(EE, 1),)}),
        PlanRevision("NONE", {}),
        PlanRevision("GOLD", {}),
        PlanRevision("GOLD", {}),
    ]
    changes = {"waiting_period_days": 91, "open_enrollment_ends_on": date(2028, 1, 1)}
    assert await office.refusals(copy(office, source, 2, revisions=revisions, changes=changes, classes=[])) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_INPUT plans.0.rates",
        "INVALID_INPUT plans.1.name",
        "INVALID_INPUT plans.1.rates.0.monthlyPremiumCents",
        "PLAN_NOT_OFFERED plans.2.carrierPlanId",
        "INVALID_INPUT plans.4.carrierPlanId",
        "DATES_OUT_OF_ORDER openEnrollmentEnd",
        "INVALID_INPUT waitingPeriodDays",
        "INVALID_INPUT contributionClasses",
    ]
    assert await office.refusals(copy(office, source, 2)) == ["VERSION_CONFLICT expectedVersion"]
    too_late = {"coverage_starts_on": date.max}
    assert await office.refusals(copy(office, source, changes=too_late)) == ["INVALID_INPUT coverageStart"]


async def test_overlapping_copy_is_refused(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    overlap = ["PLAN_YEAR_OVERLAP coverageStart"]
    assert await office.refusals(copy(office, source, changes={"coverage_starts_on": date(2027, 12, 31)})) == overlap
    await copy(office, source)
    assert await office.refusals(copy(office, source)) == overlap
    await copy(office, source, changes={"coverage_starts_on": date(2026, 1, 1)})


async def test_copy_past_the_end_of_its_contract_is_refused(database: Database) -> None:
    office = await create_office(database)
    await make_contract(office, coverage_end=date(2028, 6, 30))
    draft = plan_years.PlanYearDraft(
        office.employer, office.product, DATES, CLASSES, group_id=GROUP, group_coverage_start=CONTRACT_START
    )
    source = await office.run(plan_years.create_plan_year, draft)
    assert await office.refusals(copy(office, source)) == ["DATES_OUT_OF_ORDER coverageEnd"]
    await make_contract(office, coverage_start=date(2028, 1, 1))
    id = (await copy(office, source, changes={"group_coverage_start": date(2028, 1, 1)})).plan_year_id
    assert (await office.read_row("plan_years", id))["group_coverage_start"] == "2028-01-01"
    without = {"group_id": None, "group_coverage_start": None, "coverage_starts_on": date(2029, 1, 1)}
    assert (await office.read_row("plan_years", (await copy(office, source, changes=without)).plan_year_id))[
        "group_id"
    ] is None


async def test_plan_year_of_another_employer_cannot_be_copied(database: Database) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    outsider = office.as_viewer(employer_viewer("empr_none"))
    assert await outsider.refusals(copy(outsider, source)) == ["NOT_FOUND planYearId"]
    assert await office.refusals(copy(office, "nonsense")) == ["INVALID_INPUT planYearId"]


async def test_concurrent_copies_create_one_plan_year(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    source = await office.draft_plan_year()
    outcomes = await race(owner_url, "employers", office.employer, *(copy(office, source) for _ in range(4)))
    assert tally(outcomes) == {"done": 1, "PLAN_YEAR_OVERLAP": 3}
