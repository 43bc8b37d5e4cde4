"""Mutations of plan years: drafts, and the seasons of enrollment."""

from datetime import date
from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.plan_years import PlanYearDates, WaitingPeriod
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import (
    EXPECTED_VERSION,
    IDEMPOTENCY_KEY,
    THE_INPUT,
    ContributionClassInput,
    PlanInput,
    optional,
    present,
)
from benegraph.graphql.mutations.perform import (
    Result,
    UserError,
    check_not_cleared,
    given,
    perform,
    user_errors,
)
from benegraph.graphql.types.enums import RenewalMode
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.plan_years import PlanYear
from benegraph.services import plan_years

_COVERAGE_START = "The first day of coverage."
_COVERAGE_END = "The last day of coverage, at most twelve months later."
_OPENS = "The first day on which answers are taken; may lie in the past."
_CLOSES = "The last day on which answers are taken, before coverage starts."
_WAIT = "How many days a hire waits: 0 to 90, or to 60 where coverage starts on a first."
_FIRST = "Whether coverage waits on for the next first of a month."
_RENEWAL = "What closing does for those who did not answer."
_PLANS = "The plans on offer, in place of the product's catalogue."
_CLASSES = "Who pays what; at least one."
_GROUP = "The group of the carrier's contract under which elections are recorded; it goes with `groupCoverageStart`."
_GROUP_START = "The day that contract's coverage started; the division is each employee's own."


@strawberry.input(description="A plan year of one employer and product, as a draft.")
class CreatePlanYearInput:
    benefit_product_id: strawberry.ID = strawberry.field(description="The product.")
    employer_id: strawberry.ID = strawberry.field(description="The employer.")
    coverage_start: date = strawberry.field(description=_COVERAGE_START)
    coverage_end: date = strawberry.field(description=_COVERAGE_END)
    open_enrollment_start: date = strawberry.field(description=_OPENS)
    open_enrollment_end: date = strawberry.field(description=_CLOSES)
    contribution_classes: list[ContributionClassInput] = strawberry.field(description=_CLASSES)
    plans: list[PlanInput] | None = optional(_PLANS)
    waiting_period_days: int = strawberry.field(default=0, description=_WAIT)
    starts_on_first_of_month: bool = strawberry.field(default=False, description=_FIRST)
    renewal: RenewalMode = strawberry.field(default=RenewalMode.ACTIVE, description=_RENEWAL)
    group_id: str | None = optional(_GROUP)
    group_coverage_start: date | None = optional(_GROUP_START)
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createPlanYear.")
class CreatePlanYearPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The new draft.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(
    description=(
        "A field left out stays as it is. Coverage dates, plans and classes change only while the plan year is a draft."
    )
)
class UpdatePlanYearInput:
    plan_year_id: strawberry.ID = strawberry.field(description="The plan year.")
    coverage_start: date | None = optional(_COVERAGE_START)
    coverage_end: date | None = optional(_COVERAGE_END)
    open_enrollment_start: date | None = optional(_OPENS)
    open_enrollment_end: date | None = optional(_CLOSES)
    contribution_classes: list[ContributionClassInput] | None = optional(
        f"{_CLASSES[:-1]}; they replace all there were."
    )
    plans: list[PlanInput] | None = optional("The plans on offer; they replace all there were.")
    waiting_period_days: int | None = optional(f"{_WAIT} Settled when enrollment opens.")
    starts_on_first_of_month: bool | None = optional(f"{_FIRST} Settled when enrollment opens.")
    renewal: RenewalMode | None = optional(_RENEWAL)
    group_id: str | None = optional(f"{_GROUP} Settled when enrollment opens; null for both clears them.")
    group_coverage_start: date | None = optional(_GROUP_START)
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of updatePlanYear.")
class UpdatePlanYearPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The plan year.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which draft goes.")
class DeletePlanYearInput:
    plan_year_id: strawberry.ID = strawberry.field(description="The plan year; a draft.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of deletePlanYear.")
class DeletePlanYearPayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the draft that is gone.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which draft opens.")
class OpenEnrollmentInput:
    plan_year_id: strawberry.ID = strawberry.field(description="The plan year; a draft.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of openEnrollment.")
class OpenEnrollmentPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The plan year.")
    issued_count: int | None = strawberry.field(description="How many employees got an enrollment to answer.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which plan year closes.")
class CloseEnrollmentInput:
    plan_year_id: strawberry.ID = strawberry.field(description="The plan year; its open enrollment is over.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of closeEnrollment.")
class CloseEnrollmentPayload:
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The plan year.")
    lapsed_count: int | None = strawberry.field(description="How many unanswered enrollments lapsed.")
    user_errors: list[UserError] = user_errors()


_ALWAYS = {
    "coverage_start": "coverage_starts_on",
    "coverage_end": "coverage_ends_on",
    "open_enrollment_start": "open_enrollment_starts_on",
    "open_enrollment_end": "open_enrollment_ends_on",
    "waiting_period_days": "waiting_period_days",
    "starts_on_first_of_month": "starts_on_first_of_month",
    "renewal": "renewal",
}
_COLUMNS = _ALWAYS | {"group_id": "group_id", "group_coverage_start": "group_coverage_start"}


@strawberry.type
class PlanYearsMutation:
    @strawberry.mutation(
        description="Draft a plan year. It copies the product's carrier plans unless the input names its own."
    )
    async def create_plan_year(
        self, info: Info, input: Annotated[CreatePlanYearInput, THE_INPUT]
    ) -> CreatePlanYearPayload:
        draft = plan_years.PlanYearDraft(
            input.employer_id,
            input.benefit_product_id,
            PlanYearDates(
                input.coverage_start, input.coverage_end, input.open_enrollment_start, input.open_enrollment_end
            ),
            [terms.terms() for terms in input.contribution_classes],
            None if present(input.plans) is None else [plan.terms() for plan in input.plans or ()],
            WaitingPeriod(input.waiting_period_days, input.starts_on_first_of_month),
            input.renewal,
            present(input.group_id),
            present(input.group_coverage_start),
        )

        async def story(tx: Transaction) -> Result:
            return {"plan_year_id": await plan_years.create_plan_year(tx, draft)}

        done: CreatePlanYearPayload = await perform(info, Action.CREATE_PLAN_YEAR, input, story)
        return done

    @strawberry.mutation(description="Change a plan year: a draft in everything, an open one in dates and renewal.")
    async def update_plan_year(
        self, info: Info, input: Annotated[UpdatePlanYearInput, THE_INPUT]
    ) -> UpdatePlanYearPayload:
        async def story(tx: Transaction) -> Result:
            check_not_cleared(input, *_ALWAYS, "contribution_classes", "plans")
            classes, plans = present(input.contribution_classes), present(input.plans)
            await plan_years.update_plan_year(
                tx,
                input.plan_year_id,
                given(input, _COLUMNS),
                None if classes is None else [terms.terms() for terms in classes],
                None if plans is None else [plan.terms() for plan in plans],
                present(input.expected_version),
            )
            return {"plan_year_id": input.plan_year_id}

        done: UpdatePlanYearPayload = await perform(info, Action.UPDATE_PLAN_YEAR, input, story)
        return done

    @strawberry.mutation(description="Delete a draft.")
    async def delete_plan_year(
        self, info: Info, input: Annotated[DeletePlanYearInput, THE_INPUT]
    ) -> DeletePlanYearPayload:
        async def story(tx: Transaction) -> Result:
            await plan_years.delete_plan_year(tx, input.plan_year_id, present(input.expected_version))
            return {"deleted_id": input.plan_year_id}

        done: DeletePlanYearPayload = await perform(info, Action.DELETE_PLAN_YEAR, input, story)
        return done

    @strawberry.mutation(
        description="Open a draft: everyone eligible gets an enrollment to answer, now or when they become eligible."
    )
    async def open_enrollment(
        self, info: Info, input: Annotated[OpenEnrollmentInput, THE_INPUT]
    ) -> OpenEnrollmentPayload:
        async def story(tx: Transaction) -> Result:
            issued = await plan_years.open_enrollment(tx, input.plan_year_id, present(input.expected_version))
            return {"plan_year_id": input.plan_year_id, "issued_count": issued}

        done: OpenEnrollmentPayload = await perform(info, Action.OPEN_ENROLLMENT, input, story)
        return done

    @strawberry.mutation(
        description="Close open enrollment, once its last day is over: who did not answer lapses, or is renewed."
    )
    async def close_enrollment(
        self, info: Info, input: Annotated[CloseEnrollmentInput, THE_INPUT]
    ) -> CloseEnrollmentPayload:
        async def story(tx: Transaction) -> Result:
            lapsed = await plan_years.close_enrollment(tx, input.plan_year_id, present(input.expected_version))
            return {"plan_year_id": input.plan_year_id, "lapsed_count": lapsed}

        done: CloseEnrollmentPayload = await perform(info, Action.CLOSE_ENROLLMENT, input, story)
        return done
