"""Benefit products, plan years, plans and their rates: each field returns its column's value."""

from graphql_requests import fetch_data

from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier, ProductCategory
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import RenewalMode
from benegraph.domain.values import Clock
from factories.access import administrator
from factories.catalog import make_carrier_plan, make_product
from factories.employers import make_employer
from factories.plan_years import make_class, make_plan, make_plan_year

ADMINISTRATOR = administrator()


def now_in_json(clock: Clock) -> str:
    return clock.now.isoformat().replace("+00:00", "Z")


async def test_benefit_product_returns_its_catalog(database: Database, clock: Clock) -> None:
    id = await make_product(
        database, clock, name="Eye care", category=ProductCategory.VISION, carrier_name=None, active=False
    )
    # EF is the cheapest, because rates must be sorted by tier and not by price.
    rates = {CoverageTier.EF: 100, CoverageTier.EE: 50000, CoverageTier.EC: 300, CoverageTier.ES: 200}
    gold = await make_carrier_plan(database, clock, product=id, position=1, rates=rates)
    bare = await make_carrier_plan(
        database,
        clock,
        product=id,
        position=0,
        carrier_plan_id="B",
        name="Bare",
        tier=None,
        deductible_cents=None,
        out_of_pocket_max_cents=None,
        rates={},
    )
    employer = await make_employer(database, clock)
    plan_year = await make_plan_year(database, clock, employer=employer, product=id)
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        """query ($id: ID!) { benefitProduct(id: $id) {
             id name category carrierName active version planYears { nodes { id } totalCount }
             plans { id carrierPlanId name tier monthlyPremiumCents deductibleCents outOfPocketMaxCents
                     rates { coverageTier monthlyPremiumCents } } } }""",
        id=id,
    )
    assert data["benefitProduct"] == {
        "id": id,
        "name": "Eye care",
        "category": "VISION",
        "carrierName": None,
        "active": False,
        "version": 1,
        "planYears": {"nodes": [{"id": plan_year}], "totalCount": 1},
        "plans": [
            {
                "id": bare,
                "carrierPlanId": "B",
                "name": "Bare",
                "tier": None,
                "monthlyPremiumCents": 50000,
                "deductibleCents": None,
                "outOfPocketMaxCents": None,
                "rates": [],
            },
            {
                "id": gold,
                "carrierPlanId": "GOLD-1",
                "name": "Gold PPO",
                "tier": "GOLD",
                "monthlyPremiumCents": 50000,
                "deductibleCents": 150000,
                "outOfPocketMaxCents": 600000,
                "rates": [
                    {"coverageTier": "EE", "monthlyPremiumCents": 50000},
                    {"coverageTier": "ES", "monthlyPremiumCents": 200},
                    {"coverageTier": "EC", "monthlyPremiumCents": 300},
                    {"coverageTier": "EF", "monthlyPremiumCents": 100},
                ],
            },
        ],
    }


async def test_plan_year_and_plan_return_all_fields(database: Database, clock: Clock) -> None:
    employer, product = await make_employer(database, clock), await make_product(database, clock)
    id = await make_plan_year(
        database,
        clock,
        employer=employer,
        product=product,
        waiting_period_days=30,
        starts_on_first_of_month=True,
        renewal=RenewalMode.PASSIVE,
    )
    second = await make_class(
        database,
        clock,
        plan_year=id,
        position=1,
        employment=EmploymentClass.PART_TIME,
        family_status=CoverageTier.EE,
        employee_contribution_cents=0,
        employer_contribution_cents=2**53 - 1,
    )
    first = await make_class(database, clock, plan_year=id, position=0)
    plan = await make_plan(
        database, clock, plan_year=id, rates={CoverageTier.EF: 1, CoverageTier.EE: 50000, CoverageTier.ES: 2}
    )
    data = await fetch_data(
        database,
        clock,
        ADMINISTRATOR,
        """query ($id: ID!, $plan: ID!) {
             planYear(id: $id) {
               id status coverageStart coverageEnd openEnrollmentStart openEnrollmentEnd waitingPeriodDays
               startsOnFirstOfMonth renewal createdAt updatedAt version employer { id } benefitProduct { id }
               contributionClasses { id employment familyStatus employeeContributionCents employerContributionCents }
               plans { id }
             }
             plan(id: $plan) {
               id carrierPlanId name tier monthlyPremiumCents deductibleCents outOfPocketMaxCents planYear { id }
               rates { coverageTier monthlyPremiumCents }
             } }""",
        id=id,
        plan=plan,
    )
    assert data["planYear"] == {
        "id": id,
        "status": "OPEN_ENROLLMENT",
        "coverageStart": "2027-01-01",
        "coverageEnd": "2027-12-31",
        "openEnrollmentStart": "2026-11-01",
        "openEnrollmentEnd": "2026-11-30",
        "waitingPeriodDays": 30,
        "startsOnFirstOfMonth": True,
        "renewal": "PASSIVE",
        "createdAt": now_in_json(clock),
        "updatedAt": now_in_json(clock),
        "version": 1,
        "employer": {"id": employer},
        "benefitProduct": {"id": product},
        "contributionClasses": [
            {
                "id": first,
                "employment": "FULL_TIME",
                "familyStatus": "UNSPECIFIED",
                "employeeContributionCents": 10000,
                "employerContributionCents": 40000,
            },
            {
                "id": second,
                "employment": "PART_TIME",
                "familyStatus": "EE",
                "employeeContributionCents": 0,
                "employerContributionCents": 2**53 - 1,
            },
        ],
        "plans": [{"id": plan}],
    }
    assert data["plan"] == {
        "id": plan,
        "carrierPlanId": "GOLD-1",
        "name": "Gold PPO",
        "tier": "GOLD",
        "monthlyPremiumCents": 50000,
        "deductibleCents": 150000,
        "outOfPocketMaxCents": 600000,
        "planYear": {"id": id},
        "rates": [
            {"coverageTier": "EE", "monthlyPremiumCents": 50000},
            {"coverageTier": "ES", "monthlyPremiumCents": 2},
            {"coverageTier": "EF", "monthlyPremiumCents": 1},
        ],
    }
