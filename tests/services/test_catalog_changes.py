"""Changing and retiring benefit products and carrier plans; plan years hold copies, which stay as they are."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from carrier_plans import carrier_plan_id, offered_codes, retire_plan
from racing import race, tally

from benegraph.db.session import Database
from benegraph.domain.catalog import PlanTerms, TierRate
from benegraph.domain.errors import Forbidden
from benegraph.domain.plan_years import PlanYearDates, RenewalMode
from benegraph.services import catalog, plan_years
from factories.access import service_viewer
from factories.office import DATES, EC, EE, EF, ES, PLANS, Office, create_office, enroll

NEXT_YEAR = PlanYearDates(date(2028, 1, 1), date(2028, 12, 31), date(2027, 11, 1), date(2027, 11, 30))
BRONZE = PlanTerms("BRONZE", "Bronze", None, 20_000)


async def change_plan(office: Office, code: str, version: int | None = None, **changes: Any) -> None:
    await office.run(catalog.update_carrier_plan, await carrier_plan_id(office, code), changes, version)


async def retire_product(office: Office) -> None:
    await office.run(catalog.retire_product, office.product, "Replaced.", None)


async def rates_of(office: Office, code: str) -> dict[str, int]:
    id = await carrier_plan_id(office, code)
    rates = (await office.read_all_rows())["carrier_plan_rates"].values()
    return {rate["coverage_tier"]: rate["monthly_premium_cents"] for rate in rates if rate["carrier_plan_id"] == id}


# --------------------------------------------------------------------------------------------------- products


async def test_product_is_changed_with_version_and_event(database: Database) -> None:
    office = await create_office(database)

    def change(version: int | None, **changes: Any) -> Any:
        return office.run(catalog.update_product, office.product, changes, version)

    assert await office.refusals(change(2, name="")) == ["VERSION_CONFLICT expectedVersion", "INVALID_INPUT name"]
    assert await office.refusals(change(1, active=False)) == ["INVALID_INPUT active"]
    await change(1, name="Medical 2", carrier_name=None)
    row = await office.read_row("benefit_products", office.product)
    assert (row["name"], row["carrier_name"], row["category"], row["version"]) == ("Medical 2", None, "MEDICAL", 2)
    event = (await office.history(office.product))[-1]
    assert (event["action"], event["before"], event["after"]) == (
        "UPDATED",
        {"name": "Medical", "carrier_name": "Blue Shield"},
        {"name": "Medical 2", "carrier_name": None},
    )


async def test_retired_product_gets_no_new_plan_years(database: Database) -> None:
    office = await create_office(database)
    draft = await office.draft_plan_year()
    await retire_product(office)
    row = await office.read_row("benefit_products", office.product)
    assert (row["active"], row["version"]) == (False, 2)
    event = (await office.history(office.product))[-1]
    assert (event["action"], event["reason"], event["after"]) == ("RETIRED", "Replaced.", {"active": False})
    assert await office.refusals(retire_product(office)) == ["INVALID_STATUS_TRANSITION benefitProductId"]
    retired = ["INVALID_STATUS_TRANSITION benefitProductId"]
    assert await office.refusals(office.draft_plan_year(NEXT_YEAR)) == retired
    assert await office.refusals(office.open_enrollment(draft)) == ["INVALID_STATUS_TRANSITION planYearId"]
    copy = office.run(plan_years.copy_plan_year, plan_years.PlanYearCopy(draft), None)
    assert await office.refusals(copy) == ["INVALID_STATUS_TRANSITION planYearId"]
    assert await office.refusals(office.run(catalog.add_carrier_plan, office.product, BRONZE, None)) == retired
    await office.run(catalog.update_product, office.product, {"active": True}, 2)
    await office.draft_plan_year(NEXT_YEAR)
    await office.open_enrollment(draft)


async def test_running_plan_years_of_a_retired_product_go_on(database: Database) -> None:
    """Elections, hires, closing with renewal and the window's change are the same as before."""
    office = (await create_office(database)).on_day(date(2026, 11, 20))
    ada, bob = await office.hire("Ada"), await office.hire("Bob")
    year = await office.open_plan_year(DATES)
    plans = await office.plan_ids(year)
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, plans["GOLD"]))
    following = await office.on_day(date(2027, 11, 10)).open_plan_year(NEXT_YEAR, renewal=RenewalMode.PASSIVE)
    await retire_product(office)
    await office.elect(bob, enroll((await office.enrollments(bob))[0].id, plans["GOLD"]))
    await office.update_plan_year(following, open_enrollment_ends_on=date(2027, 11, 20))
    assert await office.on_day(date(2027, 11, 21)).close_enrollment(following) == 0
    renewed = [(await office.enrollments(employee))[1] for employee in (ada, bob)]
    assert [(row.status, row.coverage_ends_on) for row in renewed] == [("ENROLLED", date(2028, 12, 31))] * 2
    new = office.on_day(date(2028, 3, 1))
    cy = await new.hire("Cy", hired_on=date(2028, 3, 1))
    assert [row.plan_year_id for row in await new.enrollments(cy)] == [following]


# ---------------------------------------------------------------------------------------------- carrier plans


async def test_added_plan_is_the_last_of_new_plan_years(database: Database) -> None:
    office = await create_office(database)
    before = await office.draft_plan_year()
    await retire_plan(office, "FLAT")
    id = await office.run(catalog.add_carrier_plan, office.product, replace(BRONZE, rates=(TierRate(ES, 39_000),)), 1)
    assert await offered_codes(office, await office.draft_plan_year(NEXT_YEAR)) == ["GOLD", "SILVER", "BRONZE"]
    assert await offered_codes(office, before) == ["GOLD", "SILVER", "FLAT"]
    row = await office.read_row("carrier_plans", id)
    assert (row["position"], row["active"], row["version"]) == (3, True, 1)
    (event,) = await office.history(id)
    assert (event["action"], event["after"]["carrier_plan_id"], event["after"]["rates"]) == (
        "CREATED",
        "BRONZE",
        {"ES": 39_000},
    )


async def test_invalid_added_plans_are_refused(database: Database) -> None:
    office = await create_office(database)

    def add(plan: PlanTerms, version: int | None = None) -> Any:
        return office.run(catalog.add_carrier_plan, office.product, plan, version)

    bad = replace(BRONZE, name=" ", carrier_plan_id="GOLD", rates=(TierRate(EE, 1),))
    assert await office.refusals(add(bad, 2)) == [
        "VERSION_CONFLICT expectedVersion",
        "INVALID_INPUT plan.name",
        "INVALID_INPUT plan.rates.0.monthlyPremiumCents",
        "ALREADY_EXISTS plan.carrierPlanId",
    ]
    await retire_plan(office, "GOLD")  # the code of a retired plan is taken, too
    assert await office.refusals(add(replace(BRONZE, carrier_plan_id="GOLD"))) == ["ALREADY_EXISTS plan.carrierPlanId"]


async def test_changed_plan_keeps_prices_that_are_offered_or_elected(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    child = await office.add_child(ada)
    year = await office.open_plan_year()
    enrollment = (await office.pending_enrollment(ada)).id
    plans = await office.plan_ids(year)
    await office.elect(ada, enroll(enrollment, plans["GOLD"], child))
    unchanged = ("plans", "plan_rates", "enrollments", "plan_years")
    before = await office.read_all_rows()
    rates = tuple(TierRate(tier, cents) for tier, cents in ((EE, 60_000), (ES, 120_000), (EC, 110_000), (EF, 170_000)))
    await change_plan(office, "GOLD", 1, name="Gold 2", monthly_premium_cents=60_000, rates=rates)
    await change_plan(office, "FLAT", tier=PLANS[0].tier, monthly_premium_cents=31_000, deductible_cents=5)
    after = await office.read_all_rows()
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert await rates_of(office, "GOLD") == {"EE": 60_000, "ES": 120_000, "EC": 110_000, "EF": 170_000}
    row = await office.read_row("carrier_plans", await carrier_plan_id(office, "GOLD"))
    assert (row["name"], row["monthly_premium_cents"], row["version"]) == ("Gold 2", 60_000, 2)
    event = (await office.history(row["id"]))[-1]
    assert (event["action"], event["before"], event["after"]) == (
        "UPDATED",
        {
            "name": "Gold PPO",
            "monthly_premium_cents": 50_000,
            "rates": {"EE": 50_000, "ES": 100_000, "EC": 90_000, "EF": 140_000},
        },
        {
            "name": "Gold 2",
            "monthly_premium_cents": 60_000,
            "rates": {"EE": 60_000, "ES": 120_000, "EC": 110_000, "EF": 170_000},
        },
    )
    # The draft of the next year copies the new prices. The answer of this year costs what it did.
    following = await office.draft_plan_year(NEXT_YEAR)
    premiums = {
        plan["carrier_plan_id"]: plan["monthly_premium_cents"]
        for plan in (await office.read_all_rows())["plans"].values()
        if plan["plan_year_id"] == following
    }
    assert premiums == {"GOLD": 60_000, "SILVER": 40_000, "FLAT": 31_000}
    row = await office.enrollment(enrollment)
    assert (row.employee_contribution_cents, row.employer_contribution_cents) == (45_000, 45_000)
    await office.reopen_election(enrollment)  # and so does a new answer
    await office.elect(ada, enroll(enrollment, plans["GOLD"], child))
    assert (await office.enrollment(enrollment)).employee_contribution_cents == 45_000


async def test_new_premium_needs_rates_if_other_tiers_have_rates(database: Database) -> None:
    office = await create_office(database)
    assert await office.refusals(change_plan(office, "SILVER", monthly_premium_cents=41_000)) == ["INVALID_INPUT rates"]
    await change_plan(office, "SILVER", monthly_premium_cents=40_000)  # the same premium
    assert await office.refusals(change_plan(office, "SILVER", rates=(TierRate(EE, 41_000),))) == [
        "INVALID_INPUT rates.0.monthlyPremiumCents"
    ]
    await change_plan(office, "SILVER", monthly_premium_cents=41_000, rates=(TierRate(EE, 41_000),))
    assert await rates_of(office, "SILVER") == {"EE": 41_000}
    await change_plan(office, "SILVER", monthly_premium_cents=42_000)  # the only rate follows
    assert await rates_of(office, "SILVER") == {"EE": 42_000}
    await change_plan(office, "SILVER", rates=())
    assert await rates_of(office, "SILVER") == {}
    row = await office.read_row("carrier_plans", await carrier_plan_id(office, "SILVER"))
    assert (row["monthly_premium_cents"], row["version"]) == (42_000, 4)
    assert [event["action"] for event in await office.history(row["id"])] == ["UPDATED"] * 3


async def test_retired_plan_is_not_offered_in_new_plan_years(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    year = await office.open_plan_year()
    draft = await office.draft_plan_year(NEXT_YEAR)
    await retire_plan(office, "GOLD", "Withdrawn by the carrier.")
    id = await carrier_plan_id(office, "GOLD")
    event = (await office.history(id))[-1]
    assert (event["action"], event["reason"], event["after"]) == (
        "RETIRED",
        "Withdrawn by the carrier.",
        {"active": False},
    )
    assert await office.refusals(retire_plan(office, "GOLD")) == ["INVALID_STATUS_TRANSITION id"]
    await office.elect(ada, enroll((await office.pending_enrollment(ada)).id, (await office.plan_ids(year))["GOLD"]))
    later = PlanYearDates(date(2029, 1, 1), date(2029, 12, 31), date(2028, 11, 1), date(2028, 11, 30))
    assert await office.refusals(office.draft_plan_year(later, plans=PLANS)) == [
        "PLAN_NOT_OFFERED plans.0.carrierPlanId"
    ]
    new = await office.draft_plan_year(later)
    assert await offered_codes(office, new) == ["SILVER", "FLAT"]
    # A draft keeps the plan that it has, and cannot get it if it has not.
    await office.update_plan_year(draft, plans=PLANS)
    assert await office.refusals(office.update_plan_year(new, plans=PLANS)) == [
        "PLAN_NOT_OFFERED plans.0.carrierPlanId"
    ]
    await office.update_plan_year(draft, plans=PLANS[1:])
    assert await office.refusals(office.update_plan_year(draft, plans=PLANS)) == [
        "PLAN_NOT_OFFERED plans.0.carrierPlanId"
    ]
    await office.run(catalog.update_carrier_plan, id, {"active": True}, 2)
    await office.update_plan_year(new, plans=PLANS)


async def test_key_limited_to_an_employer_may_not_change_the_catalog(database: Database) -> None:
    office = await create_office(database)
    id = await carrier_plan_id(office, "GOLD")
    before = await office.read_all_rows()
    limited = office.as_viewer(service_viewer(employer=office.employer))
    for call in (
        limited.run(catalog.update_product, office.product, {"name": "X"}, None),
        limited.run(catalog.retire_product, office.product, None, None),
        limited.run(catalog.add_carrier_plan, office.product, BRONZE, None),
        limited.run(catalog.update_carrier_plan, id, {"name": "X"}, None),
        limited.run(catalog.retire_carrier_plan, id, None, None),
    ):
        with pytest.raises(Forbidden):
            await call
    assert await office.read_all_rows() == before


# ------------------------------------------------------------------------------------------------------ races


async def test_plan_years_concurrent_with_retirement_are_created_before_it_or_refused(
    database: Database, owner_url: str
) -> None:
    """Whatever waits for the product sees the retirement if that came first."""
    office = await create_office(database)
    other = replace(office, employer=(await create_office(database)).employer)
    draft = await other.draft_plan_year()
    outcomes = await race(
        owner_url,
        "benefit_products",
        office.product,
        office.draft_plan_year(),
        retire_product(office),
        other.draft_plan_year(NEXT_YEAR),
        other.open_enrollment(draft),
    )
    codes = [code for code, _ in outcomes]
    assert codes[1] == "done"
    assert set(codes) <= {"done", "INVALID_STATUS_TRANSITION"}
    tables = await office.read_all_rows()
    assert len(tables["plan_years"]) == 1 + codes[0::2].count("done")
    assert (tables["plan_years"][draft]["opened_on"] is not None) == (codes[3] == "done")
    assert await office.refusals(office.draft_plan_year(replace(NEXT_YEAR, coverage_end=date(2028, 6, 30)))) == [
        "INVALID_STATUS_TRANSITION benefitProductId"
    ]


async def test_retirement_that_waits_for_a_new_plan_year_comes_after_it(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    runners = [office.draft_plan_year(), retire_plan(office, "GOLD")]
    outcomes = await race(owner_url, "benefit_products", office.product, *runners)
    assert tally(outcomes) == {"done": 2}
    codes = await offered_codes(office, outcomes[0][1])
    assert codes in (["GOLD", "SILVER", "FLAT"], ["SILVER", "FLAT"])


async def test_concurrent_changes_of_one_carrier_plan_succeed_once(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    id = await carrier_plan_id(office, "FLAT")
    runners = [
        office.run(catalog.update_carrier_plan, id, {"monthly_premium_cents": 31_000 + number}, 1)
        for number in range(4)
    ]
    outcomes = await race(owner_url, "benefit_products", office.product, *runners)
    assert tally(outcomes) == {"done": 1, "VERSION_CONFLICT": 3}


async def test_concurrently_added_plans_get_different_positions(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    runners = [
        office.run(catalog.add_carrier_plan, office.product, replace(BRONZE, carrier_plan_id=code), None)
        for code in ("A", "B", "C", "A")
    ]
    outcomes = await race(owner_url, "benefit_products", office.product, *runners)
    assert tally(outcomes) == {"done": 3, "ALREADY_EXISTS": 1}
    plans = (await office.read_all_rows())["carrier_plans"].values()
    assert sorted(plan["position"] for plan in plans) == [0, 1, 2, 3, 4, 5]
