"""Mutations of plan years: drafting them, and opening and closing enrollment."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.plan_years import PlanYearDates, WaitingPeriod
from benegraph.graphql.mutations.inputs import (
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
from benegraph.graphql.mutations.plan_inputs import ContributionClassInput, PlanInput
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.enums import RenewalMode
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.plan_years import (
    FIRST_OF_MONTH_DESCRIPTION,
    RENEWAL_DESCRIPTION,
    WAITING_PERIOD_DESCRIPTION,
    PlanYear,
)
from benegraph.services import plan_years

_COVERAGE_START = "The first day of the plan year's coverage."
_COVERAGE_END = "The last day of the plan year's coverage, inclusive; at most twelve months after the first."
_ENROLLMENT_START = "The first day of open enrollment; it may be in the past."
_ENROLLMENT_END = "The last day of open enrollment, inclusive; before coverage starts."
_WAITING_PERIOD = f"{WAITING_PERIOD_DESCRIPTION} With `startsOnFirstOfMonth`, at most 60."
_CLASSES = "The contributions for each employment class; at least one class"
_GROUP = (
    "The carrier's group code: elections are recorded as coverage under this group's contract. Required together with"
    " `groupCoverageStart`."
)
_GROUP_START = (
    "The first day of that contract's coverage. The contract is found by `groupId`, the employee's `divisionId` and"
    " this date."
)
_FIXED = "Fixed once enrollment opens"

#: Columns that are never null, by the input's field names.
REQUIRED_PLAN_YEAR_COLUMNS = {
    "coverage_start": "coverage_starts_on",
    "coverage_end": "coverage_ends_on",
    "open_enrollment_start": "open_enrollment_starts_on",
    "open_enrollment_end": "open_enrollment_ends_on",
    "waiting_period_days": "waiting_period_days",
    "starts_on_first_of_month": "starts_on_first_of_month",
    "renewal": "renewal",
}
PLAN_YEAR_COLUMNS = REQUIRED_PLAN_YEAR_COLUMNS | {
    "group_id": "group_id",
    "group_coverage_start": "group_coverage_start",
}


@mutation_input("A draft plan year of one employer and benefit product.")
class CreatePlanYearInput(MutationInput):
    benefit_product_id: strawberry.ID = required("The benefit product.")
    employer_id: strawberry.ID = required("The employer.")
    coverage_start: date = required(_COVERAGE_START)
    coverage_end: date = required(_COVERAGE_END)
    open_enrollment_start: date = required(_ENROLLMENT_START)
    open_enrollment_end: date = required(_ENROLLMENT_END)
    contribution_classes: list[ContributionClassInput] = required(f"{_CLASSES}.")
    plans: list[PlanInput] | None = optional(
        "The plans that the plan year offers. If left out, it copies the benefit product's."
    )
    waiting_period_days: int = strawberry.field(default=0, description=_WAITING_PERIOD)
    starts_on_first_of_month: bool = strawberry.field(default=False, description=FIRST_OF_MONTH_DESCRIPTION)
    renewal: RenewalMode = strawberry.field(default=RenewalMode.ACTIVE, description=RENEWAL_DESCRIPTION)
    group_id: str | None = optional(_GROUP)
    group_coverage_start: date | None = optional(_GROUP_START)


@mutation_payload
class CreatePlanYearPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The new draft.")


@mutation_input(
    "Changes to a plan year. A field that is left out keeps its value. Coverage dates, plans and contribution classes"
    " can change only in a draft."
)
class UpdatePlanYearInput(VersionedInput):
    plan_year_id: strawberry.ID = required("The plan year.")
    coverage_start: date | None = optional(_COVERAGE_START)
    coverage_end: date | None = optional(_COVERAGE_END)
    open_enrollment_start: date | None = optional(_ENROLLMENT_START)
    open_enrollment_end: date | None = optional(_ENROLLMENT_END)
    contribution_classes: list[ContributionClassInput] | None = optional(f"{_CLASSES}. They replace all current ones.")
    plans: list[PlanInput] | None = optional("The plans that the plan year offers. They replace all current ones.")
    waiting_period_days: int | None = optional(f"{_WAITING_PERIOD} {_FIXED}.")
    starts_on_first_of_month: bool | None = optional(f"{FIRST_OF_MONTH_DESCRIPTION} {_FIXED}.")
    renewal: RenewalMode | None = optional(RENEWAL_DESCRIPTION)
    group_id: str | None = optional(f"{_GROUP} {_FIXED}; null for both clears them.")
    group_coverage_start: date | None = optional(_GROUP_START)


@mutation_payload
class UpdatePlanYearPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The changed plan year.")


@mutation_input("The draft to delete.")
class DeletePlanYearInput(VersionedInput):
    plan_year_id: strawberry.ID = required("The plan year, which must be a draft.")


@mutation_payload
class DeletePlanYearPayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The ID of the deleted draft.")


@mutation_input("The draft whose enrollment opens.")
class OpenEnrollmentInput(VersionedInput):
    plan_year_id: strawberry.ID = required("The plan year, which must be a draft.")


@mutation_payload
class OpenEnrollmentPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The plan year.")
    issued_count: int | None = strawberry.field(
        description="The number of issued enrollments, one for each eligible employee."
    )


@mutation_input("The plan year whose enrollment closes.")
class CloseEnrollmentInput(VersionedInput):
    plan_year_id: strawberry.ID = required("The plan year, whose open enrollment must be over.")


@mutation_payload
class CloseEnrollmentPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The plan year.")
    lapsed_count: int | None = strawberry.field(description="The number of unanswered enrollments that lapsed.")


@mutation(
    Action.CREATE_PLAN_YEAR,
    CreatePlanYearPayload,
    "Create a draft plan year. It copies the benefit product's plans, unless the input lists its own.",
)
async def create_plan_year(tx: Transaction, input: CreatePlanYearInput) -> ResultData:
    draft = plan_years.PlanYearDraft(
        input.employer_id,
        input.benefit_product_id,
        PlanYearDates(input.coverage_start, input.coverage_end, input.open_enrollment_start, input.open_enrollment_end),
        [contribution_class.to_terms() for contribution_class in input.contribution_classes],
        None if value_or_none(input.plans) is None else [plan.to_terms() for plan in input.plans or ()],
        WaitingPeriod(input.waiting_period_days, input.starts_on_first_of_month),
        input.renewal,
        value_or_none(input.group_id),
        value_or_none(input.group_coverage_start),
    )
    return {"plan_year_id": await plan_years.create_plan_year(tx, draft)}


@mutation(
    Action.UPDATE_PLAN_YEAR,
    UpdatePlanYearPayload,
    "Change a plan year: everything in a draft; only the open-enrollment dates and the renewal mode while the status is"
    " OPEN_ENROLLMENT; nothing afterwards.",
)
async def update_plan_year(tx: Transaction, input: UpdatePlanYearInput) -> ResultData:
    check_not_null(input, *REQUIRED_PLAN_YEAR_COLUMNS, "contribution_classes", "plans")
    classes, plans = value_or_none(input.contribution_classes), value_or_none(input.plans)
    await plan_years.update_plan_year(
        tx,
        input.plan_year_id,
        provided_values(input, PLAN_YEAR_COLUMNS),
        None if classes is None else [contribution_class.to_terms() for contribution_class in classes],
        None if plans is None else [plan.to_terms() for plan in plans],
        value_or_none(input.expected_version),
    )
    return {"plan_year_id": input.plan_year_id}


@mutation(Action.DELETE_PLAN_YEAR, DeletePlanYearPayload, "Delete a draft plan year.")
async def delete_plan_year(tx: Transaction, input: DeletePlanYearInput) -> ResultData:
    await plan_years.delete_plan_year(tx, input.plan_year_id, value_or_none(input.expected_version))
    return {"deleted_id": input.plan_year_id}


@mutation(
    Action.OPEN_ENROLLMENT,
    OpenEnrollmentPayload,
    "Open the enrollment of a draft that has plans and contribution classes, until the last day of its open"
    " enrollment. Every employee who is or becomes eligible within the plan year, by the data on"
    " file, is issued an enrollment now. A later hire, reinstatement, or change of start date or employment class can"
    " issue further ones.",
)
async def open_enrollment(tx: Transaction, input: OpenEnrollmentInput) -> ResultData:
    issued_count = await plan_years.open_enrollment(tx, input.plan_year_id, value_or_none(input.expected_version))
    return {"plan_year_id": input.plan_year_id, "issued_count": issued_count}


@mutation(
    Action.CLOSE_ENROLLMENT,
    CloseEnrollmentPayload,
    "Close open enrollment after its last day. Unanswered enrollments issued for open enrollment are renewed or lapse,"
    " depending on the renewal mode; those of new hires and life events stay open.",
)
async def close_enrollment(tx: Transaction, input: CloseEnrollmentInput) -> ResultData:
    lapsed_count = await plan_years.close_enrollment(tx, input.plan_year_id, value_or_none(input.expected_version))
    return {"plan_year_id": input.plan_year_id, "lapsed_count": lapsed_count}
