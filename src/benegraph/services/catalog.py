"""The product catalog: adding a benefit product with its carrier plans."""

from collections.abc import Sequence
from typing import Any

from benegraph.db import store
from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes, insert_rows
from benegraph.domain.catalog import PlanTerms, ProductCategory, check_plans, check_product
from benegraph.domain.errors import raise_if_any
from benegraph.domain.ids import IdPrefix


def plan_columns(plan: PlanTerms) -> dict[str, Any]:
    """Return the columns that `carrier_plans` and `plans` have in common, for these plan terms."""
    return {
        "carrier_plan_id": plan.carrier_plan_id,
        "name": plan.name,
        "tier": plan.tier,
        "monthly_premium_cents": plan.monthly_premium_cents,
        "deductible_cents": plan.deductible_cents,
        "out_of_pocket_max_cents": plan.out_of_pocket_max_cents,
    }


async def add_product(
    tx: Transaction, name: str, category: ProductCategory, carrier_name: str | None, plans: Sequence[PlanTerms]
) -> str:
    """Add a benefit product with its carrier plans, and return its ID. Raises Refused."""
    raise_if_any([*check_product(name, carrier_name), *check_plans(plans)])
    id = tx.new_id(IdPrefix.BENEFIT_PRODUCT)
    product = {"id": id, "name": name, "category": category, "carrier_name": carrier_name, "active": True}
    event = store.history.creation_event(tx, product, "CREATED", None)
    await execute_writes(tx, RowWrite.insert(BenefitProduct, [product]), store.history.build_events_insert([event]))
    rows = [
        {
            "id": tx.new_id(IdPrefix.CARRIER_PLAN),
            "benefit_product_id": id,
            "position": position,
            **plan_columns(plan),
        }
        for position, plan in enumerate(plans)
    ]
    await insert_rows(tx, CarrierPlan, rows)
    rates = [
        {
            "carrier_plan_id": row["id"],
            "coverage_tier": rate.coverage_tier,
            "monthly_premium_cents": rate.monthly_premium_cents,
        }
        for row, plan in zip(rows, plans, strict=True)
        for rate in plan.rates
    ]
    await insert_rows(tx, CarrierPlanRate, rates)
    return id
