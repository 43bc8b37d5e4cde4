"""Inputs for the mutations of employers, products and carrier plans, and for the one that copies a plan year."""

from typing import Any

from benegraph.db import store
from benegraph.services.divisions import create_division
from benegraph.services.employers import add_employer, deactivate_employer
from factories.access import administrator
from factories.office import Office

Input = dict[str, Any]

#: The names of these mutations, listed independently of the code.
EMPLOYER_AND_CATALOG_MUTATIONS = {
    "updateEmployer",
    "deactivateEmployer",
    "reactivateEmployer",
    "createDivision",
    "updateDivision",
    "retireDivision",
    "updateBenefitProduct",
    "retireBenefitProduct",
    "addCarrierPlan",
    "updateCarrierPlan",
    "retireCarrierPlan",
}
#: Those that concern the catalog of the whole tenant, so that a key limited to an employer may not call them.
TENANT_WIDE_MUTATIONS = {
    "updateBenefitProduct",
    "retireBenefitProduct",
    "addCarrierPlan",
    "updateCarrierPlan",
    "retireCarrierPlan",
}


async def create_catalog_rows(office: Office) -> dict[str, str]:
    """Add an employer without people, an inactive one, and a division; return the IDs of these and of the plan FLAT."""
    empty = await office.run(add_employer, "Empty Inc.", "America/New_York")
    inactive = await office.run(add_employer, "Former Inc.", "America/New_York")
    await office.run(deactivate_employer, inactive, "Left.", None)
    warehouse = await office.run(create_division, office.employer, "W1", "Warehouse")
    async with office.database.read(administrator(office.viewer.tenant_id), office.clock()) as read_session:
        plans = (await store.catalog.carrier_plans_of(read_session, [office.product]))[office.product]
    (flat,) = [plan.id for plan in plans if plan.carrier_plan_id == "FLAT"]
    return {"empty": empty, "inactive": inactive, "flat": flat, "warehouse": warehouse}


def build_catalog_inputs(ids: dict[str, str], plan: Input, plan_year: Input, employer: Input) -> dict[str, Input]:
    """Build a valid input for each of the mutations that provides every field."""
    terms = {name: value for name, value in plan.items() if name != "carrierPlanId"}
    return {
        "updateEmployer": {
            "employerId": ids["employerId"],
            "name": "Acme LLC",
            "timeZone": "America/Chicago",
            **employer,
            "expectedVersion": 1,
        },
        "deactivateEmployer": {
            "employerId": ids["empty"],
            "reason": "Left.",
            "dryRun": False,
            "expectedVersion": 1,
        },
        "reactivateEmployer": {"employerId": ids["inactive"], "reason": "Came back.", "expectedVersion": 2},
        "createDivision": {"employerId": ids["employerId"], "code": "W2", "name": "Second warehouse"},
        "updateDivision": {"divisionId": ids["warehouse"], "name": "Main", "active": True, "expectedVersion": 1},
        "retireDivision": {"divisionId": ids["warehouse"], "reason": "Closed.", "expectedVersion": 1},
        "updateBenefitProduct": {
            "benefitProductId": ids["benefitProductId"],
            "name": "Vision",
            "category": "VISION",
            "carrierName": "Delta",
            "payerId": "D2",
            "active": True,
            "expectedVersion": 1,
        },
        "retireBenefitProduct": {
            "benefitProductId": ids["benefitProductId"],
            "reason": "Replaced.",
            "expectedVersion": 1,
        },
        "addCarrierPlan": {"benefitProductId": ids["benefitProductId"], "plan": plan, "expectedVersion": 1},
        "updateCarrierPlan": {"id": ids["flat"], **terms, "active": True, "expectedVersion": 1},
        "retireCarrierPlan": {"id": ids["flat"], "reason": "Replaced.", "expectedVersion": 1},
        "copyPlanYear": {
            "planYearId": ids["draft"],
            **plan_year,
            "planSource": "PLAN_YEAR",
            "plans": [{"carrierPlanId": "FLAT", **terms}],
            "dryRun": False,
            "expectedVersion": 1,
        },
    }
