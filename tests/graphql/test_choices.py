"""What an employee may choose and what it would cost, and whether they are eligible at all."""

from datetime import date
from typing import Any

import pytest
from graphql_requests import fetch_data
from visibility_dataset import make_company

from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.people import EmploymentClass
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer
from factories.catalog import make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment
from factories.people import make_employee
from factories.plan_years import make_class, make_plan, make_plan_year

ADMINISTRATOR = administrator()


@pytest.fixture
async def company(database: Database, clock: Clock) -> dict[str, str]:
    return await make_company(database, clock)


# ------------------------------------------------------------------------------------------- what may be chosen

ELIGIBLE_PLANS = """
  query ($id: ID!) { enrollment(id: $id) { eligiblePlans { plan { id } costs {
    coverageTier employeeContributionCents employerContributionCents totalMonthlyPremiumCents
  } } } }
"""


def cost(tier: str, employee_pays: int, employer_pays: int) -> dict[str, Any]:
    return {
        "coverageTier": tier,
        "employeeContributionCents": employee_pays,
        "employerContributionCents": employer_pays,
        "totalMonthlyPremiumCents": employee_pays + employer_pays,
    }


async def test_eligible_plans_cost_what_the_employees_class_says(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    plan_year = company["plan_year"]
    await make_class(
        database,
        clock,
        plan_year=plan_year,
        position=1,
        family_status=CoverageTier.EF,
        employee_contribution_cents=1,
        employer_contribution_cents=70000,
    )
    await make_class(
        database, clock, plan_year=plan_year, employment=EmploymentClass.INTERN, employer_contribution_cents=0
    )
    cheap = await make_plan(
        database,
        clock,
        plan_year=plan_year,
        position=1,
        carrier_plan_id="BRONZE-1",
        monthly_premium_cents=30000,
        rates={CoverageTier.EF: 200000},
    )
    no_rates = await make_plan(
        database, clock, plan_year=plan_year, position=2, carrier_plan_id="FLAT", monthly_premium_cents=45000, rates={}
    )
    id = await make_enrollment(database, clock, employee=company["employee"], plan_year=plan_year)
    data = await fetch_data(database, clock, ADMINISTRATOR, ELIGIBLE_PLANS, id=id)
    assert data["enrollment"]["eligiblePlans"] == [
        {
            "plan": {"id": company["plan"]},
            "costs": [
                cost("EE", 10000, 40000),
                cost("ES", 60000, 40000),
                cost("EC", 50000, 40000),
                cost("EF", 70000, 70000),
            ],
        },
        # The employer never pays more than the premium, and a tier without a rate is not offered.
        {"plan": {"id": cheap}, "costs": [cost("EE", 0, 30000), cost("EF", 130000, 70000)]},
        {
            "plan": {"id": no_rates},
            "costs": [
                cost("EE", 5000, 40000),
                cost("ES", 10000, 40000),
                cost("EC", 10000, 40000),
                cost("EF", 1, 70000),
            ],
        },
    ]


async def test_a_plan_without_a_cost_for_the_employee_is_left_out(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    seasonal = await make_employee(
        database, clock, employer=company["employer"], employment_class=EmploymentClass.SEASONAL
    )
    id = await make_enrollment(database, clock, employee=seasonal, plan_year=company["plan_year"])
    data = await fetch_data(database, clock, ADMINISTRATOR, ELIGIBLE_PLANS, id=id)
    assert data["enrollment"]["eligiblePlans"] == []


async def test_an_employee_sees_their_own_costs(database: Database, clock: Clock, company: dict[str, str]) -> None:
    id = await make_enrollment(database, clock, employee=company["employee"], plan_year=company["plan_year"])
    themselves = employee_viewer(company["employer"], company["employee"])
    seen = await fetch_data(database, clock, themselves, ELIGIBLE_PLANS, id=id)
    assert seen == await fetch_data(database, clock, ADMINISTRATOR, ELIGIBLE_PLANS, id=id)
    assert len(seen["enrollment"]["eligiblePlans"][0]["costs"]) == 4


# -------------------------------------------------------------------------------------------------- eligibility

ELIGIBILITY = """
  query ($id: ID!, $planYear: ID!) { employee(id: $id) { eligibility(planYearId: $planYear) {
    eligible coverageStart rules { code holds message }
  } } }
"""


@pytest.mark.parametrize(
    ("facts", "starts", "broken"),
    [
        ({}, "2027-01-01", []),
        ({"hired_on": date(2027, 1, 15)}, "2027-03-01", []),
        ({"class_changed_on": date(2027, 1, 15)}, "2027-03-01", []),
        ({"terminated_on": date(2026, 12, 31)}, None, ["EMPLOYED"]),
        ({"terminated_on": date(2027, 1, 2)}, "2027-01-01", []),
        ({"employment_class": EmploymentClass.INTERN}, None, ["EMPLOYMENT_CLASS"]),
        ({"hired_on": date(2027, 12, 1)}, None, ["WAITING_PERIOD"]),
        (
            {
                "hired_on": date(2027, 12, 1),
                "terminated_on": date(2027, 12, 2),
                "employment_class": EmploymentClass.INTERN,
            },
            None,
            ["EMPLOYED", "EMPLOYMENT_CLASS", "WAITING_PERIOD"],
        ),
    ],
)
async def test_eligibility_says_each_rule(
    database: Database, clock: Clock, facts: dict[str, Any], starts: str | None, broken: list[str]
) -> None:
    employer, product = await make_employer(database, clock), await make_product(database, clock)
    plan_year = await make_plan_year(
        database, clock, employer=employer, product=product, waiting_period_days=30, starts_on_first_of_month=True
    )
    await make_class(database, clock, plan_year=plan_year)
    person = await make_employee(database, clock, employer=employer, **facts)
    for viewer in (ADMINISTRATOR, employee_viewer(employer, person)):
        data = await fetch_data(database, clock, viewer, ELIGIBILITY, id=person, planYear=plan_year)
        eligibility = data["employee"]["eligibility"]
        assert eligibility["coverageStart"] == starts
        assert eligibility["eligible"] is (not broken)
        assert [rule["code"] for rule in eligibility["rules"]] == ["EMPLOYED", "EMPLOYMENT_CLASS", "WAITING_PERIOD"]
        assert [rule["code"] for rule in eligibility["rules"] if not rule["holds"]] == broken
        assert all(rule["message"] for rule in eligibility["rules"])


async def test_eligibility_is_null_where_the_plan_year_is_none_of_the_employers(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    other = await make_employer(database, clock, name="Other Inc.")
    strange = await make_plan_year(database, clock, employer=other, product=company["product"])
    draft = await make_plan_year(
        database, clock, employer=company["employer"], product=await make_product(database, clock), opened_on=None
    )
    themselves = employee_viewer(company["employer"], company["employee"])
    for viewer, plan_year, seen in (
        (ADMINISTRATOR, strange, False),
        (themselves, strange, False),
        (ADMINISTRATOR, draft, True),
        (themselves, draft, False),
    ):
        data = await fetch_data(database, clock, viewer, ELIGIBILITY, id=company["employee"], planYear=plan_year)
        assert (data["employee"]["eligibility"] is not None) is seen
