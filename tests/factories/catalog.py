"""Benefit products and the plans in their catalogue."""

from collections.abc import Mapping

from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier, PlanTier, ProductCategory
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from factories.access import TENANT, insert, make_tenant

#: What a plan of 500 dollars for the employee alone costs each tier.
RATES: Mapping[CoverageTier, int] = {
    CoverageTier.EE: 50000,
    CoverageTier.ES: 100000,
    CoverageTier.EC: 90000,
    CoverageTier.EF: 140000,
}


async def make_product(
    database: Database,
    clock: Clock,
    *,
    tenant: str = TENANT,
    name: str = "Medical",
    category: ProductCategory = ProductCategory.MEDICAL,
    carrier_name: str | None = "Blue Shield",
    active: bool = True,
) -> str:
    """Make a product with an empty catalogue, and its tenant where that is not there yet."""
    await make_tenant(database, clock, tenant=tenant)
    row = {"name": name, "category": category, "carrier_name": carrier_name, "active": active}
    (id,) = await insert(database, clock, tenant, BenefitProduct, row, kind=IdPrefix.BENEFIT_PRODUCT)
    return id


async def make_carrier_plan(
    database: Database,
    clock: Clock,
    *,
    product: str,
    tenant: str = TENANT,
    position: int = 0,
    carrier_plan_id: str = "GOLD-1",
    name: str = "Gold PPO",
    tier: PlanTier | None = PlanTier.GOLD,
    monthly_premium_cents: int = 50000,
    deductible_cents: int | None = 150000,
    out_of_pocket_max_cents: int | None = 600000,
    rates: Mapping[CoverageTier, int] = RATES,
) -> str:
    """Make a plan in a product's catalogue, with its rates."""
    row = {
        "benefit_product_id": product,
        "position": position,
        "carrier_plan_id": carrier_plan_id,
        "name": name,
        "tier": tier,
        "monthly_premium_cents": monthly_premium_cents,
        "deductible_cents": deductible_cents,
        "out_of_pocket_max_cents": out_of_pocket_max_cents,
    }
    (id,) = await insert(database, clock, tenant, CarrierPlan, row, kind=IdPrefix.CARRIER_PLAN)
    priced = [
        {"carrier_plan_id": id, "coverage_tier": tier, "monthly_premium_cents": cents} for tier, cents in rates.items()
    ]
    await insert(database, clock, tenant, CarrierPlanRate, *priced)
    return id
