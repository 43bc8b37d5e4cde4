"""Employers, products and carrier plans change through the GraphQL API; each mutation is refused and applied once."""

from typing import Any

from catalog_inputs import EMPLOYER_AND_CATALOG_MUTATIONS
from graphql_requests import fetch_data
from mutation_calls import call
from mutation_recorder import MutationRecorder

from benegraph.db.session import Database
from factories.access import employee_viewer, employer_viewer
from factories.office import Office, create_office

PRODUCT_QUERY = """
query($id: ID!) { benefitProduct(id: $id) {
    name active version
    plans { carrierPlanId active version monthlyPremiumCents rates { coverageTier monthlyPremiumCents } }
    retiredPlans { carrierPlanId active version }
} }
"""
PREVIEW_QUERY = """
mutation($input: CopyPlanYearInput!) { copyPlanYear(input: $input) {
    planYear { id } omittedCarrierPlanIds userErrors { code }
    preview {
        coverageStart coverageEnd openEnrollmentStart openEnrollmentEnd
        plans {
            carrierPlanId name monthlyPremiumCents previousMonthlyPremiumCents
            rates { coverageTier monthlyPremiumCents }
        }
    }
} }
"""


async def test_catalog_and_employers_change_through_the_api(database: Database) -> None:
    recorder = MutationRecorder(await create_office(database))
    await _change_catalog(recorder)
    await _change_divisions(recorder)
    await _change_employer(recorder)
    assert recorder.applied == recorder.refused == EMPLOYER_AND_CATALOG_MUTATIONS


async def _change_catalog(recorder: MutationRecorder) -> None:
    product = {"benefitProductId": recorder.office.product}
    await recorder.check_refused("updateBenefitProduct", "INVALID_INPUT active", **product, active=False)
    await recorder.apply("updateBenefitProduct", **product, name="Medical 2")
    plan = {"carrierPlanId": "BRONZE", "name": "Bronze", "monthlyPremiumCents": 20_000}
    taken = {**plan, "carrierPlanId": "GOLD"}
    await recorder.check_refused("addCarrierPlan", "ALREADY_EXISTS plan.carrierPlanId", **product, plan=taken)
    bronze = (await recorder.apply("addCarrierPlan", **product, plan=plan))["carrierPlan"]["id"]
    rates = [{"coverageTier": "EE", "monthlyPremiumCents": 21_000}]
    await recorder.check_refused(
        "updateCarrierPlan", "INVALID_INPUT rates.0.monthlyPremiumCents", id=bronze, rates=rates
    )
    await recorder.apply("updateCarrierPlan", id=bronze, rates=rates, monthlyPremiumCents=21_000)
    await recorder.apply("updateCarrierPlan", id=bronze, monthlyPremiumCents=22_000, expectedVersion=2)
    shown = (await recorder.query(PRODUCT_QUERY, id=recorder.office.product))["benefitProduct"]
    assert (shown["name"], shown["version"], shown["retiredPlans"]) == ("Medical 2", 2, [])
    assert shown["plans"][-1] == {
        "carrierPlanId": "BRONZE",
        "active": True,
        "version": 3,
        "monthlyPremiumCents": 22_000,
        "rates": [{"coverageTier": "EE", "monthlyPremiumCents": 22_000}],
    }
    await recorder.apply("retireCarrierPlan", id=bronze, reason="Replaced.")
    await recorder.check_refused("retireCarrierPlan", "INVALID_STATUS_TRANSITION id", id=bronze)
    shown = (await recorder.query(PRODUCT_QUERY, id=recorder.office.product))["benefitProduct"]
    assert [item["carrierPlanId"] for item in shown["plans"]] == ["GOLD", "SILVER", "FLAT"]
    assert shown["retiredPlans"] == [{"carrierPlanId": "BRONZE", "active": False, "version": 4}]
    await recorder.apply("retireBenefitProduct", **product)
    await recorder.check_refused("retireBenefitProduct", "INVALID_STATUS_TRANSITION benefitProductId", **product)
    await recorder.apply("updateBenefitProduct", **product, active=True)


async def _change_divisions(recorder: MutationRecorder) -> None:
    employer = {"employerId": recorder.office.employer}
    await recorder.check_refused("createDivision", "INVALID_INPUT code", **employer, code="x" * 21, name="Warehouse")
    division = (await recorder.apply("createDivision", **employer, code="W1", name="Warehouse"))["division"]["id"]
    await recorder.check_refused("createDivision", "ALREADY_EXISTS code", **employer, code="W1", name="Other")
    await recorder.check_refused("updateDivision", "INVALID_INPUT active", divisionId=division, active=False)
    await recorder.apply("updateDivision", divisionId=division, name="Main warehouse")
    await recorder.apply("retireDivision", divisionId=division, reason="Closed.")
    await recorder.check_refused("retireDivision", "INVALID_STATUS_TRANSITION divisionId", divisionId=division)
    query = "query($id: ID!) { employer(id: $id) { divisions { id code name active version employer { id } } } }"
    shown = {"id": division, "code": "W1", "name": "Main warehouse", "active": False, "version": 3}
    expected = {"employer": {"divisions": [shown | {"employer": {"id": recorder.office.employer}}]}}
    assert await recorder.query(query, id=recorder.office.employer) == expected
    lookup = "query($id: ID!) { division(id: $id) { code } node(id: $id) { __typename } }"
    assert await recorder.query(lookup, id=division) == {"division": {"code": "W1"}, "node": {"__typename": "Division"}}


async def _change_employer(recorder: MutationRecorder) -> None:
    employer = {"employerId": recorder.office.employer}
    await recorder.check_refused("updateEmployer", "INVALID_INPUT timeZone", **employer, timeZone="EST")
    await recorder.apply("updateEmployer", **employer, name="Acme LLC")
    await recorder.check_refused("reactivateEmployer", "INVALID_STATUS_TRANSITION employerId", **employer)
    await recorder.check_refused("deactivateEmployer", "INVALID_INPUT reason", **employer, reason=" ")
    dry = await recorder.apply("deactivateEmployer", **employer, reason="Left.", dryRun=True)
    assert dry == {"employer": None}
    active = "query($id: ID!) { employer(id: $id) { active } }"
    assert await recorder.query(active, id=recorder.office.employer) == {"employer": {"active": True}}
    await recorder.apply("deactivateEmployer", **employer, reason="Left.")
    assert await recorder.query(active, id=recorder.office.employer) == {"employer": {"active": False}}
    await recorder.apply("reactivateEmployer", **employer)
    assert await recorder.query(active, id=recorder.office.employer) == {"employer": {"active": True}}


async def copy_preview(office: Office, **input: Any) -> dict[str, Any]:
    data = await fetch_data(office.database, office.clock(), office.viewer, PREVIEW_QUERY, input=input)
    payload: dict[str, Any] = data["copyPlanYear"]
    return payload


async def test_dry_run_of_a_copy_previews_the_draft_and_changes_nothing(database: Database) -> None:
    office = await create_office(database)
    year = await office.open_plan_year()
    before = await office.read_all_rows()
    new_rates = [
        {"coverageTier": tier, "monthlyPremiumCents": cents} for tier, cents in (("ES", 90_000), ("EE", 45_000))
    ]
    plans = [{"carrierPlanId": "SILVER", "monthlyPremiumCents": 45_000, "rates": new_rates}]

    payload = await copy_preview(office, planYearId=year, plans=plans, dryRun=True)

    assert await office.read_all_rows() == before
    assert (payload["planYear"], payload["omittedCarrierPlanIds"], payload["userErrors"]) == (None, [], [])
    preview = payload["preview"]
    dates = ("coverageStart", "coverageEnd", "openEnrollmentStart", "openEnrollmentEnd")
    assert [preview[name] for name in dates] == ["2028-01-01", "2028-12-31", "2027-11-01", "2027-11-30"]
    assert [(plan["carrierPlanId"], plan["previousMonthlyPremiumCents"]) for plan in preview["plans"]] == [
        ("GOLD", 50_000),
        ("SILVER", 40_000),
        ("FLAT", 30_000),
    ]
    assert preview["plans"][1] == {
        "carrierPlanId": "SILVER",
        "name": "Silver HMO",
        "monthlyPremiumCents": 45_000,
        "previousMonthlyPremiumCents": 40_000,
        "rates": list(reversed(new_rates)),
    }
    real = await copy_preview(office, planYearId=year, plans=plans)
    assert (real["preview"], real["planYear"] is None) == (None, False)
    assert (await copy_preview(office, planYearId=year, dryRun=True))["userErrors"] == [{"code": "PLAN_YEAR_OVERLAP"}]


async def test_employer_copies_own_plan_years_and_employee_none(database: Database) -> None:
    office = await create_office(database)
    year = await office.draft_plan_year()
    own = office.as_viewer(employer_viewer(office.employer))
    assert (await copy_preview(own, planYearId=year, dryRun=True))["userErrors"] == []
    other = await create_office(database)
    foreign = office.as_viewer(employer_viewer(other.employer))
    assert (await copy_preview(foreign, planYearId=year, dryRun=True))["userErrors"] == [{"code": "NOT_FOUND"}]
    ada = await office.hire()
    employee = office.as_viewer(employee_viewer(office.employer, ada))
    assert (await call(employee, "copyPlanYear", {"planYearId": year})).errors == ["FORBIDDEN"]
