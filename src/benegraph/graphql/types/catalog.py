"""The catalog in GraphQL: benefit products, and the carrier plans that new plan years copy."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.enums import CoverageTier, PlanTier, ProductCategory
from benegraph.graphql.types.fields import to_many, to_page
from benegraph.graphql.types.node import (
    CREATED_AT_DESCRIPTION,
    UPDATED_AT_DESCRIPTION,
    VERSION_DESCRIPTION,
    Node,
    lookup_by_id,
)
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.plan_years import PlanYear

# Descriptions that a carrier plan and its copy in a plan year share.
CARRIER_PLAN_ID_DESCRIPTION = "The carrier's own code of the plan."
METAL_TIER_DESCRIPTION = "The plan's metal tier; null if it has none."
EE_PREMIUM_DESCRIPTION = "The monthly premium for the employee alone (tier EE), in cents."
DEDUCTIBLE_DESCRIPTION = "The annual deductible in cents; null if unknown."
OUT_OF_POCKET_MAX_DESCRIPTION = "The annual out-of-pocket maximum in cents; null if unknown."
RATES_DESCRIPTION = "The monthly premium for each coverage tier that has a rate, in the order EE, ES, EC, EF."


@strawberry.type(description="The monthly premium of a plan for one coverage tier.")
class PlanRate:
    coverage_tier: CoverageTier = strawberry.field(description="The coverage tier.")
    monthly_premium_cents: Cents = strawberry.field(
        description="The monthly premium in cents: the employee's and the employer's share together."
    )


@strawberry.type(description="A plan in the catalog of a benefit product. New plan years copy these plans.")
class CarrierPlan(Node):
    carrier_plan_id: str = strawberry.field(description=CARRIER_PLAN_ID_DESCRIPTION)
    name: str = strawberry.field(description="The plan's name.")
    tier: PlanTier | None = strawberry.field(description=METAL_TIER_DESCRIPTION)
    monthly_premium_cents: Cents = strawberry.field(description=EE_PREMIUM_DESCRIPTION)
    deductible_cents: Cents | None = strawberry.field(description=DEDUCTIBLE_DESCRIPTION)
    out_of_pocket_max_cents: Cents | None = strawberry.field(description=OUT_OF_POCKET_MAX_DESCRIPTION)
    rates: list[PlanRate] = to_many(store.catalog.rates_of, "id", RATES_DESCRIPTION)
    active: bool = strawberry.field(description="Whether new plan years are offered the plan.")
    created_at: datetime = strawberry.field(description=CREATED_AT_DESCRIPTION)
    updated_at: datetime = strawberry.field(description=UPDATED_AT_DESCRIPTION)
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


@strawberry.type(description="A benefit, such as medical or dental insurance, that employers offer in plan years.")
class BenefitProduct(Node):
    name: str = strawberry.field(description="The product's name.")
    category: ProductCategory = strawberry.field(description="The kind of benefit.")
    carrier_name: str | None = strawberry.field(description="The name of the insurance carrier; null if unknown.")
    payer_id: str | None = strawberry.field(
        description="The carrier's payer ID, which identifies it in electronic transactions; null if unknown."
    )
    active: bool = strawberry.field(
        description="Whether the product is still offered; a retired one gets no new plan years."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)
    plans: list[CarrierPlan] = to_many(
        store.catalog.carrier_plans_of, "id", "The plans that a new plan year copies, in catalog order."
    )
    retired_plans: list[CarrierPlan] = to_many(
        store.catalog.retired_carrier_plans_of, "id", "The plans that no new plan year is offered, in catalog order."
    )
    plan_years: Connection[Annotated["PlanYear", strawberry.lazy("benegraph.graphql.types.plan_years")]] = to_page(
        store.plan_years.of_products, "id", "The plan years that offer this product, oldest first."
    )


@strawberry.type
class CatalogQuery:
    benefit_product: BenefitProduct | None = lookup_by_id(
        IdPrefix.BENEFIT_PRODUCT,
        "Look up a benefit product by its ID. Null if it doesn't exist or the viewer may not see it.",
    )
    benefit_products: Connection[BenefitProduct] = to_page(
        store.catalog.page, None, "All benefit products that the viewer may see, oldest first."
    )
