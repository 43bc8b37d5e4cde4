"""Eligible plans with their costs, and an employee's eligibility for a plan year."""

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


# ------------------------------------------------------------------------------------------------ eligible plans

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


async def test_costs_follow_from_the_employees_contribution_class(
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
        # The employer pays at most the premium, and a tier without a rate is not offered.
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


async def test_plan_without_costs_for_the_employee_is_omitted(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    seasonal = await make_employee(
        database, clock, employer=company["employer"], employment_class=EmploymentClass.SEASONAL
    )
    id = await make_enrollment(database, clock, employee=seasonal, plan_year=company["plan_year"])
    data = await fetch_data(database, clock, ADMINISTRATOR, ELIGIBLE_PLANS, id=id)
    assert data["enrollment"]["eligiblePlans"] == []


async def test_employee_sees_the_costs_of_their_own_class(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    id = await make_enrollment(database, clock, employee=company["employee"], plan_year=company["plan_year"])
    viewer = employee_viewer(company["employer"], company["employee"])
    data = await fetch_data(database, clock, viewer, ELIGIBLE_PLANS, id=id)
    assert data == await fetch_data(database, clock, ADMINISTRATOR, ELIGIBLE_PLANS, id=id)
    assert len(data["enrollment"]["eligiblePlans"][0]["costs"]) == 4


# -------------------------------------------------------------------------------------------------- eligibility

ELIGIBILITY = """
  query ($id: ID!, $planYear: ID!) { employee(id: $id) { eligibility(planYearId: $planYear) {
    eligible coverageStart rules { code holds message }
  } } }
"""


@pytest.mark.parametrize(
    ("columns", "coverage_start", "violated_rules"),
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
async def test_eligibility_reports_every_rule(
    database: Database, clock: Clock, columns: dict[str, Any], coverage_start: str | None, violated_rules: list[str]
) -> None:
    employer, product = await make_employer(database, clock), await make_product(database, clock)
    plan_year = await make_plan_year(
        database, clock, employer=employer, product=product, waiting_period_days=30, starts_on_first_of_month=True
    )
    await make_class(database, clock, plan_year=plan_year)
    employee_id = await make_employee(database, clock, employer=employer, **columns)
    for viewer in (ADMINISTRATOR, employee_viewer(employer, employee_id)):
        data = await fetch_data(database, clock, viewer, ELIGIBILITY, id=employee_id, planYear=plan_year)
        eligibility = data["employee"]["eligibility"]
        assert eligibility["coverageStart"] == coverage_start
        assert eligibility["eligible"] is (not violated_rules)
        assert [rule["code"] for rule in eligibility["rules"]] == ["EMPLOYED", "EMPLOYMENT_CLASS", "WAITING_PERIOD"]
        assert [rule["code"] for rule in eligibility["rules"] if not rule["holds"]] == violated_rules
        assert all(rule["message"] for rule in eligibility["rules"])


async def test_eligibility_is_null_for_an_invisible_or_foreign_plan_year(
    database: Database, clock: Clock, company: dict[str, str]
) -> None:
    other_employer = await make_employer(database, clock, name="Other Inc.")
    foreign = await make_plan_year(database, clock, employer=other_employer, product=company["product"])
    draft = await make_plan_year(
        database, clock, employer=company["employer"], product=await make_product(database, clock), opened_on=None
    )
    own_viewer = employee_viewer(company["employer"], company["employee"])
    for viewer, plan_year, is_visible in (
        (ADMINISTRATOR, foreign, False),
        (own_viewer, foreign, False),
        (ADMINISTRATOR, draft, True),
        (own_viewer, draft, False),
    ):
        data = await fetch_data(database, clock, viewer, ELIGIBILITY, id=company["employee"], planYear=plan_year)
        assert (data["employee"]["eligibility"] is not None) is is_visible
