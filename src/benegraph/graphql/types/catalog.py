"""The catalogue in the graph: benefit products, and the carriers' plans that new plan years copy."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.enums import CoverageTier, PlanTier, ProductCategory
from benegraph.graphql.types.fields import to_many, to_page
from benegraph.graphql.types.node import Node, lookup_by_id
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.plan_years import PlanYear


@strawberry.type(description="What a plan costs a month for one tier.")
class PlanRate:
    coverage_tier: CoverageTier = strawberry.field(description="Who is covered at this rate.")
    monthly_premium_cents: Cents = strawberry.field(description="The premium for a month, both shares together.")


@strawberry.type(description="A plan in a product's catalogue, which a new plan year copies.")
class CarrierPlan(Node):
    carrier_plan_id: str = strawberry.field(description="The carrier's own code, as given.")
    name: str = strawberry.field(description="The plan's name.")
    tier: PlanTier | None = strawberry.field(description="The plan's metal, if it has one.")
    monthly_premium_cents: Cents = strawberry.field(description="The rate for the employee alone (EE).")
    deductible_cents: Cents | None = strawberry.field(
        description="What the insured pay in a year before the plan pays."
    )
    out_of_pocket_max_cents: Cents | None = strawberry.field(description="The most the insured pay in a year.")
    rates: list[PlanRate] = to_many(store.catalog.rates_of, "id", "Its rate for each tier that has one, EE to EF.")


@strawberry.type(description="A kind of benefit that employers offer year after year.")
class BenefitProduct(Node):
    name: str = strawberry.field(description="The product's name.")
    category: ProductCategory = strawberry.field(description="What it insures.")
    carrier_name: str | None = strawberry.field(description="The insurance company.")
    active: bool = strawberry.field(description="Whether the product is still offered.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")
    plans: list[CarrierPlan] = to_many(
        store.catalog.carrier_plans_of, "id", "The catalogue that a new plan year copies."
    )
    plan_years: Connection[Annotated["PlanYear", strawberry.lazy("benegraph.graphql.types.plan_years")]] = to_page(
        store.plan_years.of_products, "id", "The plan years of this product, oldest first."
    )


@strawberry.type
class CatalogQuery:
    benefit_product: BenefitProduct | None = lookup_by_id(
        IdPrefix.BENEFIT_PRODUCT, "One benefit product; null where there is none within the viewer's reach."
    )
    benefit_products: Connection[BenefitProduct] = to_page(
        store.catalog.page, None, "The benefit products the viewer may see, oldest first."
    )
