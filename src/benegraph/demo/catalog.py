"""The catalog of a tenant: benefit products, with the carriers' plans and their rates by coverage tier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.demo.names import CARRIERS, PLAN_NAMES
from benegraph.demo.record_buffer import RecordBuffer
from benegraph.domain.catalog import CoverageTier, PlanTerms, PlanTier, ProductCategory, TierRate
from benegraph.domain.ids import IdPrefix
from benegraph.services.catalog import plan_columns

# The rate of each tier, in percent of the employee-only rate.
_TIER_PERCENTAGES = {CoverageTier.EE: 100, CoverageTier.ES: 205, CoverageTier.EC: 185, CoverageTier.EF: 290}


@dataclass(frozen=True, slots=True)
class CatalogProduct:
    """A benefit product, with its plans from the cheapest to the most expensive."""

    id: str
    name: str
    category: ProductCategory
    plans: tuple[PlanTerms, ...]


@dataclass(frozen=True, slots=True)
class _PlanTemplate:
    """A plan of any carrier. Amounts are in dollars; the premium is a month's."""

    name: str
    code: str
    premium: int
    deductible: int | None = None
    out_of_pocket_max: int | None = None
    tier: PlanTier | None = None


_MEDICAL = (
    _PlanTemplate("Bronze", "BRZ", 520, 6500, 9200, PlanTier.BRONZE),
    _PlanTemplate("Silver", "SLV", 640, 4000, 8500, PlanTier.SILVER),
    _PlanTemplate("Gold", "GLD", 777, 1500, 6500, PlanTier.GOLD),
    _PlanTemplate("Platinum", "PLT", 930, 250, 3500, PlanTier.PLATINUM),
)
_TEMPLATES = {
    ProductCategory.MEDICAL: _MEDICAL,
    ProductCategory.DENTAL: (_PlanTemplate("Dental Basic", "DNB", 29, 75), _PlanTemplate("Dental Plus", "DNP", 41, 50)),
    ProductCategory.VISION: (_PlanTemplate("Vision Basic", "VSB", 7), _PlanTemplate("Vision Plus", "VSP", 11)),
    ProductCategory.HOSPITAL: (_PlanTemplate("Hospital Cash", "HSP", 18),),
}


def generate_catalog(rng: Random, records: RecordBuffer, at: datetime) -> tuple[CatalogProduct, ...]:
    """Generate a medical, a dental, a vision and a hospital product, each of a different carrier."""
    carriers = rng.sample(list(CARRIERS.items()), len(_TEMPLATES))
    plan_names = rng.sample(PLAN_NAMES, len(_TEMPLATES))
    return tuple(
        _generate_product(rng, records, at, category, carrier, plan_name)
        for category, carrier, plan_name in zip(_TEMPLATES, carriers, plan_names, strict=True)
    )


def _generate_product(
    rng: Random,
    records: RecordBuffer,
    at: datetime,
    category: ProductCategory,
    carrier: tuple[str, str],
    plan_name: str,
) -> CatalogProduct:
    carrier_name, code = carrier
    price_percent = rng.randrange(94, 107)
    plans = tuple(
        _plan_terms(template, price_percent, f"{code}-{template.code}", plan_name) for template in _TEMPLATES[category]
    )
    name = f"{carrier_name.split()[0]} {category.title()}"
    product = CatalogProduct(records.new_id(IdPrefix.BENEFIT_PRODUCT), name, category, plans)
    row = {
        "id": product.id,
        "name": product.name,
        "category": category,
        "carrier_name": carrier_name,
        "active": True,
    }
    records.add(BenefitProduct, row, at)
    for position, plan in enumerate(plans):
        _add_carrier_plan(records, at, product.id, position, plan)
    return product


def _plan_terms(template: _PlanTemplate, price_percent: int, code: str, plan_name: str) -> PlanTerms:
    premium_cents = template.premium * price_percent
    return PlanTerms(
        f"{code}-{template.deductible or premium_cents // 100}",
        f"{plan_name} {template.name}" + (f" {template.deductible}" if template.tier else ""),
        template.tier,
        premium_cents,
        None if template.deductible is None else template.deductible * 100,
        None if template.out_of_pocket_max is None else template.out_of_pocket_max * 100,
        _tier_rates(premium_cents),
    )


def _tier_rates(premium_cents: int) -> tuple[TierRate, ...]:
    """Return the rates by tier, from the employee-only premium."""
    return tuple(TierRate(tier, premium_cents * percent // 100) for tier, percent in _TIER_PERCENTAGES.items())


def at_price_percent(plans: Sequence[PlanTerms], percent: int) -> tuple[PlanTerms, ...]:
    """Return the plans with all premiums at this percentage, as in an earlier year."""
    return tuple(
        replace(
            plan,
            monthly_premium_cents=plan.monthly_premium_cents * percent // 100,
            rates=_tier_rates(plan.monthly_premium_cents * percent // 100),
        )
        for plan in plans
    )


def _add_carrier_plan(records: RecordBuffer, at: datetime, product_id: str, position: int, plan: PlanTerms) -> None:
    row = {
        "id": records.new_id(IdPrefix.CARRIER_PLAN, product_id),
        "benefit_product_id": product_id,
        "position": position,
        **plan_columns(plan),
    }
    records.add(CarrierPlan, row, at)
    for rate in plan.rates:
        rate_row = {
            "carrier_plan_id": row["id"],
            "coverage_tier": rate.coverage_tier,
            "monthly_premium_cents": rate.monthly_premium_cents,
        }
        records.add(CarrierPlanRate, rate_row, at)
