"""Mutations of the catalog: benefit products and carrier plans."""

from typing import Any

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    REASON_DESCRIPTION,
    MutationInput,
    VersionedInput,
    check_not_null,
    mutation_input,
    optional,
    provided_values,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.plan_inputs import PlanInput, PlanRateInput, to_rates
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.catalog import (
    DEDUCTIBLE_DESCRIPTION,
    EE_PREMIUM_DESCRIPTION,
    METAL_TIER_DESCRIPTION,
    OUT_OF_POCKET_MAX_DESCRIPTION,
    BenefitProduct,
    CarrierPlan,
)
from benegraph.graphql.types.enums import PlanTier, ProductCategory
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.scalars import Cents
from benegraph.services import catalog

_CARRIER_PLAN = "The carrier plan, by its global ID."
_PAYER_ID = "The carrier's payer ID, which identifies it in electronic transactions"
_REACTIVATE = "True offers it again after a retirement. False is refused: a retirement has a mutation of its own."
#: Columns by the input's field names.
_PRODUCT_COLUMNS = {
    "name": "name",
    "category": "category",
    "carrier_name": "carrier_name",
    "payer_id": "payer_id",
    "active": "active",
}
_PLAN_COLUMNS = {
    "name": "name",
    "tier": "tier",
    "monthly_premium_cents": "monthly_premium_cents",
    "deductible_cents": "deductible_cents",
    "out_of_pocket_max_cents": "out_of_pocket_max_cents",
    "active": "active",
}


@mutation_input("A benefit product and its plans.")
class CreateBenefitProductInput(MutationInput):
    name: str = required("The product's name.")
    category: ProductCategory = required("The kind of benefit.")
    carrier_name: str | None = optional("The name of the insurance carrier.")
    payer_id: str | None = optional(f"{_PAYER_ID}.")
    plans: list[PlanInput] | None = optional("The plans that a new plan year copies, in catalog order.")


@mutation_payload
class CreateBenefitProductPayload:
    benefit_product: BenefitProduct | None = to_one(store.catalog.by_ids, "benefit_product_id", "The new product.")


@mutation_input("Changes to a benefit product. A field that is left out keeps its value.")
class UpdateBenefitProductInput(VersionedInput):
    benefit_product_id: strawberry.ID = required("The benefit product.")
    name: str | None = optional("The product's name.")
    category: ProductCategory | None = optional("The kind of benefit.")
    carrier_name: str | None = optional("The name of the insurance carrier; null clears it.")
    payer_id: str | None = optional(f"{_PAYER_ID}; null clears it.")
    active: bool | None = optional(_REACTIVATE)


@mutation_payload
class UpdateBenefitProductPayload:
    benefit_product: BenefitProduct | None = to_one(store.catalog.by_ids, "benefit_product_id", "The changed product.")


@mutation_input("The benefit product to retire.")
class RetireBenefitProductInput(VersionedInput):
    benefit_product_id: strawberry.ID = required("The benefit product, which must be active.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class RetireBenefitProductPayload:
    benefit_product: BenefitProduct | None = to_one(store.catalog.by_ids, "benefit_product_id", "The retired product.")


@mutation_input("A new carrier plan of a benefit product. `expectedVersion` is that of the product.")
class AddCarrierPlanInput(VersionedInput):
    benefit_product_id: strawberry.ID = required("The benefit product, which must be active.")
    plan: PlanInput = required("The plan.")


@mutation_payload
class AddCarrierPlanPayload:
    carrier_plan: CarrierPlan | None = to_one(store.catalog.carrier_plans_by_ids, "carrier_plan_id", "The new plan.")


@mutation_input(
    "Changes to a carrier plan, for new plan years. A field that is left out keeps its value. The carrier's own code"
    " of a plan does not change: it identifies the plan when coverage is renewed."
)
class UpdateCarrierPlanInput(VersionedInput):
    id: strawberry.ID = required(_CARRIER_PLAN)
    name: str | None = optional("The plan's name.")
    tier: PlanTier | None = optional(METAL_TIER_DESCRIPTION)
    monthly_premium_cents: Cents | None = optional(EE_PREMIUM_DESCRIPTION)
    deductible_cents: Cents | None = optional(DEDUCTIBLE_DESCRIPTION)
    out_of_pocket_max_cents: Cents | None = optional(OUT_OF_POCKET_MAX_DESCRIPTION)
    rates: list[PlanRateInput] | None = optional(
        "The monthly premium for each coverage tier; they replace all current rates. Required with another monthly"
        " premium if the plan has rates for other tiers than EE."
    )
    active: bool | None = optional(_REACTIVATE)

    def to_changes(self) -> dict[str, Any]:
        """Return the provided values by column, and the rates."""
        changes = provided_values(self, _PLAN_COLUMNS)
        return changes if value_or_none(self.rates) is None else changes | {"rates": to_rates(self.rates or ())}


@mutation_payload
class UpdateCarrierPlanPayload:
    carrier_plan: CarrierPlan | None = to_one(
        store.catalog.carrier_plans_by_ids, "carrier_plan_id", "The changed plan."
    )


@mutation_input("The carrier plan to retire.")
class RetireCarrierPlanInput(VersionedInput):
    id: strawberry.ID = required(_CARRIER_PLAN)
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class RetireCarrierPlanPayload:
    carrier_plan: CarrierPlan | None = to_one(
        store.catalog.carrier_plans_by_ids, "carrier_plan_id", "The retired plan."
    )


@mutation(
    Action.CREATE_BENEFIT_PRODUCT,
    CreateBenefitProductPayload,
    f"Create a benefit product with its plans. {FOR_ADMINISTRATORS}",
)
async def create_benefit_product(tx: Transaction, input: CreateBenefitProductInput) -> ResultData:
    plans = [plan.to_terms() for plan in input.plans or ()]
    id = await catalog.add_product(
        tx, input.name, input.category, value_or_none(input.carrier_name), plans, value_or_none(input.payer_id)
    )
    return {"benefit_product_id": id}


@mutation(Action.UPDATE_BENEFIT_PRODUCT, UpdateBenefitProductPayload, f"Change a benefit product. {FOR_ADMINISTRATORS}")
async def update_benefit_product(tx: Transaction, input: UpdateBenefitProductInput) -> ResultData:
    check_not_null(input, "name", "category", "active")
    await catalog.update_product(
        tx,
        input.benefit_product_id,
        provided_values(input, _PRODUCT_COLUMNS),
        value_or_none(input.expected_version),
    )
    return {"benefit_product_id": input.benefit_product_id}


@mutation(
    Action.RETIRE_BENEFIT_PRODUCT,
    RetireBenefitProductPayload,
    "Retire a benefit product: no plan year of it can be created or opened any more. Opened plan years, with their"
    f" windows, renewals and coverage, do not change. {FOR_ADMINISTRATORS}",
)
async def retire_benefit_product(tx: Transaction, input: RetireBenefitProductInput) -> ResultData:
    await catalog.retire_product(
        tx, input.benefit_product_id, value_or_none(input.reason), value_or_none(input.expected_version)
    )
    return {"benefit_product_id": input.benefit_product_id}


@mutation(
    Action.ADD_CARRIER_PLAN,
    AddCarrierPlanPayload,
    f"Add a plan to a benefit product, for new plan years. {FOR_ADMINISTRATORS}",
)
async def add_carrier_plan(tx: Transaction, input: AddCarrierPlanInput) -> ResultData:
    id = await catalog.add_carrier_plan(
        tx, input.benefit_product_id, input.plan.to_terms(), value_or_none(input.expected_version)
    )
    return {"carrier_plan_id": id}


@mutation(
    Action.UPDATE_CARRIER_PLAN,
    UpdateCarrierPlanPayload,
    "Change a carrier plan. Plan years hold copies, so no price that is offered or elected changes."
    f" {FOR_ADMINISTRATORS}",
)
async def update_carrier_plan(tx: Transaction, input: UpdateCarrierPlanInput) -> ResultData:
    check_not_null(input, "name", "monthly_premium_cents", "rates", "active")
    await catalog.update_carrier_plan(tx, input.id, input.to_changes(), value_or_none(input.expected_version))
    return {"carrier_plan_id": input.id}


@mutation(
    Action.RETIRE_CARRIER_PLAN,
    RetireCarrierPlanPayload,
    f"Retire a carrier plan: new plan years are not offered it. Existing ones do not change. {FOR_ADMINISTRATORS}",
)
async def retire_carrier_plan(tx: Transaction, input: RetireCarrierPlanInput) -> ResultData:
    await catalog.retire_carrier_plan(tx, input.id, value_or_none(input.reason), value_or_none(input.expected_version))
    return {"carrier_plan_id": input.id}
