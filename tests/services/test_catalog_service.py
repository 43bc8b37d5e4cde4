"""Adding benefit products and employers."""

from dataclasses import replace

from benegraph.db import store
from benegraph.db.session import Database
from benegraph.domain.catalog import PlanTerms, ProductCategory, TierRate
from benegraph.services.catalog import add_product
from benegraph.services.employers import add_employer
from factories.access import administrator
from factories.office import EE, PLANS, create_office

DENTAL = ProductCategory.DENTAL


async def test_product_keeps_plan_order_and_sorts_rates_by_tier(database: Database) -> None:
    office = await create_office(database)
    backwards = [replace(plan, rates=plan.rates[::-1]) for plan in PLANS[::-1]]
    id = await office.run(add_product, "Dental", DENTAL, "Delta", backwards)
    row = await office.read_row("benefit_products", id)
    assert (row["name"], row["category"], row["carrier_name"], row["active"], row["version"]) == (
        "Dental",
        "DENTAL",
        "Delta",
        True,
        1,
    )
    async with database.read(administrator(), office.clock()) as read_session:
        plans = (await store.catalog.carrier_plans_of(read_session, [id]))[id]
        rates = await store.catalog.rates_of(read_session, [plan.id for plan in plans])
    assert [(plan.carrier_plan_id, plan.tier, plan.deductible_cents) for plan in plans] == [
        ("FLAT", None, None),
        ("SILVER", "SILVER", None),
        ("GOLD", "GOLD", 150_000),
    ]
    assert [[rate.coverage_tier for rate in rates[plan.id]] for plan in plans] == [
        [],
        ["ES", "EC"],
        ["EE", "ES", "EC", "EF"],
    ]


async def test_product_may_have_no_plans_and_no_carrier(database: Database) -> None:
    office = await create_office(database)
    id = await office.run(add_product, "Dental", DENTAL, None, [])
    assert (await office.read_row("benefit_products", id))["carrier_name"] is None
    await office.run(add_product, "Dental", DENTAL, None, [])  # product names need not be unique


async def test_invalid_products_are_refused(database: Database) -> None:
    office = await create_office(database)
    plans = [PLANS[0], PlanTerms("GOLD", "", None, -1, rates=(TierRate(EE, 5),))]
    assert await office.refusals(office.run(add_product, " ", DENTAL, "\x00", plans)) == [
        "INVALID_INPUT name",
        "INVALID_INPUT carrierName",
        "INVALID_INPUT plans.1.name",
        "INVALID_INPUT plans.1.monthlyPremiumCents",
        "INVALID_INPUT plans.1.rates.0.monthlyPremiumCents",
        "INVALID_INPUT plans.1.carrierPlanId",
    ]


async def test_employer_is_stored_with_name_and_time_zone(database: Database) -> None:
    office = await create_office(database)
    id = await office.run(add_employer, "Beta LLC", "Europe/Berlin")
    row = await office.read_row("employers", id)
    assert (row["name"], row["time_zone"], row["active"], row["version"]) == ("Beta LLC", "Europe/Berlin", True, 1)
    await office.run(add_employer, "Beta LLC", "UTC")


async def test_invalid_employers_are_refused(database: Database) -> None:
    office = await create_office(database)
    assert await office.refusals(office.run(add_employer, "x" * 201, "EST")) == [
        "INVALID_INPUT name",
        "INVALID_INPUT timeZone",
    ]
    for time_zone in ("", "localtime", "Mars/Olympus", "\x00", "../../etc/passwd", "america/new_york"):
        assert await office.refusals(office.run(add_employer, "Beta", time_zone)) == ["INVALID_INPUT timeZone"]
