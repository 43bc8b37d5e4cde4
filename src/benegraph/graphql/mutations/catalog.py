"""Mutations of the catalog of benefit products."""

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    MutationInput,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.plan_inputs import PlanInput
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.catalog import BenefitProduct
from benegraph.graphql.types.enums import ProductCategory
from benegraph.graphql.types.fields import to_one
from benegraph.services.catalog import add_product


@mutation_input("A benefit product and its plans.")
class CreateBenefitProductInput(MutationInput):
    name: str = required("The product's name.")
    category: ProductCategory = required("The kind of benefit.")
    carrier_name: str | None = optional("The name of the insurance carrier.")
    plans: list[PlanInput] | None = optional("The plans that a new plan year copies, in catalog order.")


@mutation_payload
class CreateBenefitProductPayload:
    benefit_product: BenefitProduct | None = to_one(store.catalog.by_ids, "benefit_product_id", "The new product.")


@mutation(
    Action.CREATE_BENEFIT_PRODUCT,
    CreateBenefitProductPayload,
    f"Create a benefit product with its plans. {FOR_ADMINISTRATORS}",
)
async def create_benefit_product(tx: Transaction, input: CreateBenefitProductInput) -> ResultData:
    plans = [plan.to_terms() for plan in input.plans or ()]
    id = await add_product(tx, input.name, input.category, value_or_none(input.carrier_name), plans)
    return {"benefit_product_id": id}
