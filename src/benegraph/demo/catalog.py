"""The catalogue: a tenant's benefit products, with the carriers' plans and their rates by tier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from benegraph.db.models import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.demo.names import CARRIERS, PLAN_NAMES
from benegraph.demo.record_buffer import Ledger
from benegraph.domain.catalog import CoverageTier, PlanTerms, PlanTier, ProductCategory, TierRate
from benegraph.domain.ids import IdPrefix
from benegraph.services.catalog import plan_columns

#: What a tier costs, against the employee alone, in hundredths.
_FACTORS = {CoverageTier.EE: 100, CoverageTier.ES: 205, CoverageTier.EC: 185, CoverageTier.EF: 290}


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue, its plans from the cheapest to the dearest."""

    id: str
    category: ProductCategory
    plans: tuple[PlanTerms, ...]


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A plan before it has a carrier: its metal or a word in its place, and amounts in dollars."""

    word: str
    code: str
    premium: int
    deductible: int | None = None
    out_of_pocket_max: int | None = None
    tier: PlanTier | None = None


_MEDICAL = (
    _Sketch("Bronze", "BRZ", 520, 6500, 9200, PlanTier.BRONZE),
    _Sketch("Silver", "SLV", 640, 4000, 8500, PlanTier.SILVER),
    _Sketch("Gold", "GLD", 777, 1500, 6500, PlanTier.GOLD),
    _Sketch("Platinum", "PLT", 930, 250, 3500, PlanTier.PLATINUM),
)
_SKETCHES = {
    ProductCategory.MEDICAL: _MEDICAL,
    ProductCategory.DENTAL: (_Sketch("Dental Basic", "DNB", 29, 75), _Sketch("Dental Plus", "DNP", 41, 50)),
    ProductCategory.VISION: (_Sketch("Vision Basic", "VSB", 7), _Sketch("Vision Plus", "VSP", 11)),
    ProductCategory.HOSPITAL: (_Sketch("Hospital Cash", "HSP", 18),),
}


def draw_catalogue(rng: Random, ledger: Ledger, made_at: datetime) -> tuple[Product, ...]:
    """Draw a medical, a dental, a vision and a hospital product, each of a carrier of its own."""
    carriers = rng.sample(list(CARRIERS.items()), len(_SKETCHES))
    families = rng.sample(PLAN_NAMES, len(_SKETCHES))
    return tuple(
        _draw_product(rng, ledger, made_at, category, carrier, family)
        for category, carrier, family in zip(_SKETCHES, carriers, families, strict=True)
    )


def _draw_product(
    rng: Random, ledger: Ledger, made_at: datetime, category: ProductCategory, carrier: tuple[str, str], family: str
) -> Product:
    name, code = carrier
    level = rng.randrange(94, 107)
    plans = tuple(_terms(sketch, level, f"{code}-{sketch.code}", family) for sketch in _SKETCHES[category])
    product = Product(ledger.new_id(IdPrefix.BENEFIT_PRODUCT, made_at), category, plans)
    row = {"id": product.id, "name": f"{name.split()[0]} {category.title()}", "category": category}
    ledger.add(BenefitProduct, {**row, "carrier_name": name, "active": True}, made_at)
    for position, plan in enumerate(plans):
        _enter(ledger, made_at, product.id, position, plan)
    return product


def _terms(sketch: _Sketch, level: int, code: str, family: str) -> PlanTerms:
    premium = sketch.premium * level
    return PlanTerms(
        f"{code}-{sketch.deductible or premium // 100}",
        f"{family} {sketch.word}" + (f" {sketch.deductible}" if sketch.tier else ""),
        sketch.tier,
        premium,
        None if sketch.deductible is None else sketch.deductible * 100,
        None if sketch.out_of_pocket_max is None else sketch.out_of_pocket_max * 100,
        rates_of(premium),
    )


def rates_of(premium: int) -> tuple[TierRate, ...]:
    """Give a plan's rates by tier, from what the employee alone costs."""
    return tuple(TierRate(tier, premium * factor // 100) for tier, factor in _FACTORS.items())


def priced(plans: Sequence[PlanTerms], percent: int) -> tuple[PlanTerms, ...]:
    """Give the plans at the prices of another year, in hundredths of today's."""
    return tuple(
        replace(
            plan,
            monthly_premium_cents=plan.monthly_premium_cents * percent // 100,
            rates=rates_of(plan.monthly_premium_cents * percent // 100),
        )
        for plan in plans
    )


def _enter(ledger: Ledger, made_at: datetime, product_id: str, position: int, plan: PlanTerms) -> None:
    row = {
        "id": ledger.new_id(IdPrefix.CARRIER_PLAN, made_at),
        "benefit_product_id": product_id,
        "position": position,
        **plan_columns(plan),
    }
    ledger.add(CarrierPlan, row, made_at)
    for rate in plan.rates:
        priced_at = {"carrier_plan_id": row["id"], "coverage_tier": rate.coverage_tier}
        ledger.add(CarrierPlanRate, {**priced_at, "monthly_premium_cents": rate.monthly_premium_cents}, made_at)
