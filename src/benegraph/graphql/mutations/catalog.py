"""Mutations of the catalogue."""

from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import IDEMPOTENCY_KEY, THE_INPUT, PlanInput, optional, present
from benegraph.graphql.mutations.perform import Result, UserError, perform, user_errors
from benegraph.graphql.types.catalog import BenefitProduct
from benegraph.graphql.types.enums import ProductCategory
from benegraph.graphql.types.fields import to_one
from benegraph.services.catalog import add_product


@strawberry.input(description="A product and its catalogue of plans.")
class CreateBenefitProductInput:
    name: str = strawberry.field(description="The product's name.")
    category: ProductCategory = strawberry.field(description="What it insures.")
    carrier_name: str | None = optional("The insurer's name.")
    plans: list[PlanInput] | None = optional("The catalogue that new plan years copy.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createBenefitProduct.")
class CreateBenefitProductPayload:
    benefit_product: BenefitProduct | None = to_one(store.catalog.by_ids, "benefit_product_id", "The new product.")
    user_errors: list[UserError] = user_errors()


@strawberry.type
class CatalogMutation:
    @strawberry.mutation(description="Add a product with its plans. For administrators, and services that may.")
    async def create_benefit_product(
        self, info: Info, input: Annotated[CreateBenefitProductInput, THE_INPUT]
    ) -> CreateBenefitProductPayload:
        plans = [plan.terms() for plan in input.plans or ()]

        async def story(tx: Transaction) -> Result:
            id = await add_product(tx, input.name, input.category, present(input.carrier_name), plans)
            return {"benefit_product_id": id}

        done: CreateBenefitProductPayload = await perform(info, Action.CREATE_BENEFIT_PRODUCT, input, story)
        return done
