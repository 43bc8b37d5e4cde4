"""Benefit products and their carrier plans."""

from collections.abc import Mapping

from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.db.session import Database
from benegraph.domain.catalog import CoverageTier, PlanTier, ProductCategory
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from factories.access import TENANT, insert, make_tenant

#: The rates of a plan with a monthly premium of 500 dollars.
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
    """Insert a product without plans, and its tenant unless it exists."""
    await make_tenant(database, clock, tenant=tenant)
    row = {"name": name, "category": category, "carrier_name": carrier_name, "active": active}
    (id,) = await insert(database, clock, tenant, BenefitProduct, row, prefix=IdPrefix.BENEFIT_PRODUCT)
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
    active: bool = True,
) -> str:
    """Insert a carrier plan of a product, with its rates."""
    row = {
        "benefit_product_id": product,
        "position": position,
        "carrier_plan_id": carrier_plan_id,
        "name": name,
        "tier": tier,
        "monthly_premium_cents": monthly_premium_cents,
        "deductible_cents": deductible_cents,
        "out_of_pocket_max_cents": out_of_pocket_max_cents,
        "active": active,
    }
    (id,) = await insert(database, clock, tenant, CarrierPlan, row, prefix=IdPrefix.CARRIER_PLAN)
    rate_rows = [
        {"carrier_plan_id": id, "coverage_tier": tier, "monthly_premium_cents": cents} for tier, cents in rates.items()
    ]
    await insert(database, clock, tenant, CarrierPlanRate, *rate_rows)
    return id
