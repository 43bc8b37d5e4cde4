"""The mutation that copies a plan year."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    VersionedInput,
    check_not_null,
    mutation_input,
    optional,
    provided_values,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.plan_inputs import ContributionClassInput, PlanRateInput, to_rates
from benegraph.graphql.mutations.plan_years import PLAN_YEAR_COLUMNS, REQUIRED_PLAN_YEAR_COLUMNS
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.catalog import (
    CARRIER_PLAN_ID_DESCRIPTION,
    DEDUCTIBLE_DESCRIPTION,
    EE_PREMIUM_DESCRIPTION,
    METAL_TIER_DESCRIPTION,
    OUT_OF_POCKET_MAX_DESCRIPTION,
    RATES_DESCRIPTION,
    PlanRate,
)
from benegraph.graphql.types.enums import PlanSource, PlanTier, RenewalMode
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.plan_years import (
    FIRST_OF_MONTH_DESCRIPTION,
    RENEWAL_DESCRIPTION,
    WAITING_PERIOD_DESCRIPTION,
    PlanYear,
)
from benegraph.graphql.types.scalars import Cents
from benegraph.services import plan_years

_COPIED = "As in the plan year that is copied, if left out."
#: Terms of a plan that are never null, by the input's field names; null keeps them, as leaving them out does.
_REQUIRED_TERMS = {"name": "name", "monthly_premium_cents": "monthly_premium_cents"}
_OPTIONAL_TERMS = {
    "tier": "tier",
    "deductible_cents": "deductible_cents",
    "out_of_pocket_max_cents": "out_of_pocket_max_cents",
}


@strawberry.input(description="New terms of one plan of the copy. A field that is left out keeps its value.")
class PlanRevisionInput:
    carrier_plan_id: str = required(
        f"{CARRIER_PLAN_ID_DESCRIPTION} A plan that only the catalog offers is added with the catalog's terms."
    )
    name: str | None = optional("The plan's name.")
    tier: PlanTier | None = optional(METAL_TIER_DESCRIPTION)
    monthly_premium_cents: Cents | None = optional(EE_PREMIUM_DESCRIPTION)
    deductible_cents: Cents | None = optional(DEDUCTIBLE_DESCRIPTION)
    out_of_pocket_max_cents: Cents | None = optional(OUT_OF_POCKET_MAX_DESCRIPTION)
    rates: list[PlanRateInput] | None = optional(
        "The monthly premium for each coverage tier; they replace all rates of the plan. Required with another monthly"
        " premium if the plan has rates for other tiers than EE."
    )

    def to_revision(self) -> plan_years.PlanRevision:
        required_terms = provided_values(self, _REQUIRED_TERMS)
        changes = {name: value for name, value in required_terms.items() if value is not None}
        changes |= provided_values(self, _OPTIONAL_TERMS)
        if value_or_none(self.rates) is not None:
            changes["rates"] = to_rates(self.rates or ())
        return plan_years.PlanRevision(self.carrier_plan_id, changes)


@mutation_input(
    "The plan year to copy, and all that differs in the copy. `expectedVersion` is that of the plan year that is"
    " copied, which does not change."
)
class CopyPlanYearInput(VersionedInput):
    plan_year_id: strawberry.ID = required("The plan year to copy, in any status.")
    coverage_start: date | None = optional(
        "The first day of the copy's coverage. If left out: after a plan year of twelve months, the day after its end;"
        " else a year after its start."
    )
    coverage_end: date | None = optional(
        "The last day of the copy's coverage, inclusive. If left out, the copy is as long as the plan year."
    )
    open_enrollment_start: date | None = optional(
        "The first day of the copy's open enrollment. If left out, it moves as the start of coverage does."
    )
    open_enrollment_end: date | None = optional(
        "The last day of the copy's open enrollment, inclusive. If left out, it moves as the start of coverage, and"
        " the last day of a month stays the last day of a month."
    )
    plan_source: PlanSource = strawberry.field(
        default=PlanSource.PLAN_YEAR, description="The plans that the copy starts from."
    )
    plans: list[PlanRevisionInput] | None = optional(
        "New terms of plans, such as the rates of the new year. Plans that are not listed keep their terms."
    )
    contribution_classes: list[ContributionClassInput] | None = optional(
        f"The contributions for each employment class; they replace all those of the plan year. {_COPIED}"
    )
    waiting_period_days: int | None = optional(f"{WAITING_PERIOD_DESCRIPTION} {_COPIED}")
    starts_on_first_of_month: bool | None = optional(f"{FIRST_OF_MONTH_DESCRIPTION} {_COPIED}")
    renewal: RenewalMode | None = optional(f"{RENEWAL_DESCRIPTION} {_COPIED}")
    group_id: str | None = optional(
        f"The carrier's group code of the contract, which must last through the copy. {_COPIED} Null for none."
    )
    group_coverage_start: date | None = optional(f"The first day of that contract's coverage. {_COPIED} Null for none.")
    dry_run: bool = strawberry.field(
        default=False, description="If true, the copy is only previewed and nothing is changed."
    )


@strawberry.type(description="A plan of a copied plan year, and its premium before.")
class CopiedPlan:
    carrier_plan_id: str = strawberry.field(description=CARRIER_PLAN_ID_DESCRIPTION)
    name: str = strawberry.field(description="The plan's name.")
    monthly_premium_cents: Cents = strawberry.field(description=EE_PREMIUM_DESCRIPTION)
    previous_monthly_premium_cents: Cents | None = strawberry.field(
        description="The premium for tier EE in the plan year that is copied; null if that does not offer the plan."
    )
    rates: list[PlanRate] = strawberry.field(description=RATES_DESCRIPTION)


@strawberry.type(description="The draft that a copy would create.")
class PlanYearPreview:
    coverage_start: date = strawberry.field(description="The first day of coverage.")
    coverage_end: date = strawberry.field(description="The last day of coverage, inclusive.")
    open_enrollment_start: date = strawberry.field(description="The first day of open enrollment.")
    open_enrollment_end: date = strawberry.field(description="The last day of open enrollment, inclusive.")
    plans: list[CopiedPlan] = strawberry.field(description="The plans, in the order in which they are offered.")


@mutation_payload
class CopyPlanYearPayload:
    plan_year: PlanYear | None = to_one(
        store.plan_years.by_ids, "plan_year_id", "The new draft; null after a dry run or a refusal."
    )
    preview: PlanYearPreview | None = strawberry.field(
        description="The draft that the copy would create; null unless an accepted dry run."
    )
    omitted_carrier_plan_ids: list[str] | None = strawberry.field(
        description=(
            "The carrier's codes of the plans that were not copied, because they are retired or not in the catalog."
        )
    )


@mutation(
    Action.COPY_PLAN_YEAR,
    CopyPlanYearPayload,
    "Create a draft that follows a plan year: its dates move by a year, its contribution classes and plans are copied,"
    " and new rates and contributions can be passed. All rules of `createPlanYear` apply.",
)
async def copy_plan_year(tx: Transaction, input: CopyPlanYearInput) -> ResultData:
    check_not_null(input, *REQUIRED_PLAN_YEAR_COLUMNS, "contribution_classes", "plans")
    classes = value_or_none(input.contribution_classes)
    copy = plan_years.PlanYearCopy(
        input.plan_year_id,
        input.plan_source,
        [plan.to_revision() for plan in value_or_none(input.plans) or ()],
        None if classes is None else [contribution_class.to_terms() for contribution_class in classes],
        provided_values(input, PLAN_YEAR_COLUMNS),
    )
    outcome = await plan_years.copy_plan_year(tx, copy, value_or_none(input.expected_version))
    omitted = {"omitted_carrier_plan_ids": list(outcome.omitted_carrier_plan_ids)}
    if input.is_dry_run:
        return omitted | {"preview": outcome}
    return omitted | {"plan_year_id": outcome.plan_year_id}
