"""Mutations of enrollments: elect, reopen, reissue."""

from datetime import date
from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import EXPECTED_VERSION, IDEMPOTENCY_KEY, THE_INPUT, optional, present
from benegraph.graphql.mutations.perform import Done, Result, UserError, perform, user_errors
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import CoverageTier, ElectionDecision, EnrollmentStatus
from benegraph.graphql.types.fields import to_each, to_one
from benegraph.graphql.types.people import Dependent
from benegraph.graphql.types.plan_years import Plan
from benegraph.graphql.types.scalars import Cents
from benegraph.services import enrollments


@strawberry.input(description="The answer to one pending enrollment.")
class ElectionInput:
    enrollment_id: strawberry.ID = strawberry.field(description="The enrollment; pending, and its window open.")
    decision: ElectionDecision = strawberry.field(description="Enrolled or waived.")
    selected_plan_id: strawberry.ID | None = optional("The plan, where enrolled.")
    coverage_tier: CoverageTier | None = optional("The tier; left out, the dependents say.")
    dependent_ids: list[strawberry.ID] | None = optional("Who is covered besides the employee.")
    expected_version: int | None = EXPECTED_VERSION()

    def choice(self) -> Election:
        return Election(
            self.enrollment_id,
            self.decision,
            present(self.selected_plan_id),
            present(self.coverage_tier),
            tuple(self.dependent_ids or ()),
            present(self.expected_version),
        )


@strawberry.input(description="An employee's answers, all of which are taken or none.")
class ElectInput:
    employee_id: strawberry.ID = strawberry.field(description="The employee.")
    elections: list[ElectionInput] = strawberry.field(description="The answers; one an enrollment.")
    dry_run: bool = strawberry.field(
        default=False, description="Whether to tell what would come of it, and change nothing."
    )
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(
    description="What an election would lead to; no node, so that no client cache takes it for the enrollment."
)
class ElectionPreview:
    enrollment_id: strawberry.ID = strawberry.field(description="The enrollment it answers.")
    status: EnrollmentStatus = strawberry.field(description="Where the enrollment would stand today.")
    coverage_tier: CoverageTier | None = strawberry.field(description="The tier; null for a waiver.")
    coverage_starts_on: date | None = strawberry.field(
        name="coverageStartDate", description="The first day covered; null for a waiver."
    )
    coverage_ends_on: date | None = strawberry.field(
        name="coverageEndDate", description="The last day covered; null for a waiver."
    )
    employee_contribution_cents: Cents | None = strawberry.field(description="The employee's share a month.")
    employer_contribution_cents: Cents | None = strawberry.field(description="The employer's share a month.")
    selected_plan: Plan | None = to_one(store.plan_years.plans_by_ids, "selected_plan_id", "The plan.")
    dependents: list[Dependent] = to_each(
        store.people.dependents_by_ids, "dependent_ids", "Who would be covered besides the employee."
    )


@strawberry.type(description="`enrollments` is null on a dry run; `previews` is null otherwise.")
class ElectPayload:
    enrollments: list[Enrollment] | None = to_each(
        store.enrollments.by_ids, "enrollment_ids", "The enrollments answered, in the order of the input."
    )
    previews: list[ElectionPreview] | None = strawberry.field(
        description="What the answers would lead to, in the order of the input."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Whose answer is taken back.")
class ReopenElectionInput:
    enrollment_id: strawberry.ID = strawberry.field(description="The enrollment; answered, and its window still open.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of reopenElection.")
class ReopenElectionPayload:
    enrollment: Enrollment | None = to_one(store.enrollments.by_ids, "enrollment_id", "The enrollment, pending again.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="What is to be answered anew, and the life event that allows it.")
class ReissueInput:
    enrollment_id: strawberry.ID = strawberry.field(description="The enrollment: enrolled, waived or lapsed.")
    qualifying_life_event_id: strawberry.ID = strawberry.field(description="An approved event of the same employee.")
    reason: str | None = optional("Why, for the history.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of reissue.")
class ReissuePayload:
    enrollment: Enrollment | None = to_one(store.enrollments.by_ids, "enrollment_id", "The new enrollment, pending.")
    replaced_enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids, "replaced_id", "The old one, in force until the new answer takes effect."
    )
    user_errors: list[UserError] = user_errors()


def _foretold(result: Result, *ids: str) -> Result | None:
    """Foretell a result; not where it holds what is no id, for it is written before anything is checked."""
    return result if all(prefix_of(id) is IdPrefix.ENROLLMENT for id in ids) else None


@strawberry.type
class EnrollmentsMutation:
    @strawberry.mutation(
        description=(
            "Answer an employee's pending enrollments, all or some of them; every answer is taken, or none."
            " Reports every broken rule at once."
        )
    )
    async def elect(self, info: Info, input: Annotated[ElectInput, THE_INPUT]) -> ElectPayload:
        choices = [election.choice() for election in input.elections]
        ids = [choice.enrollment_id for choice in choices]
        answered: Result = {"enrollment_ids": ids}
        previews: list[enrollments.ElectionPreview] = []

        async def story(tx: Transaction) -> Result:
            previews[:] = await enrollments.elect(tx, input.employee_id, choices)
            return answered

        done: Done = await perform(
            info, Action.ELECT, input, story, keep=not input.dry_run, foretold=_foretold(answered, *ids)
        )
        if input.dry_run and not done.user_errors:
            done = Done({"previews": previews})
        return done  # type: ignore[return-value] # stands for the payload, as rows stand for types

    @strawberry.mutation(description="Take an answer back while its window is open: people misclick.")
    async def reopen_election(
        self, info: Info, input: Annotated[ReopenElectionInput, THE_INPUT]
    ) -> ReopenElectionPayload:
        reopened: Result = {"enrollment_id": input.enrollment_id}

        async def story(tx: Transaction) -> Result:
            await enrollments.reopen_election(tx, input.enrollment_id, present(input.expected_version))
            return reopened

        foretold = _foretold(reopened, input.enrollment_id)
        done: ReopenElectionPayload = await perform(info, Action.REOPEN_ELECTION, input, story, foretold=foretold)
        return done

    @strawberry.mutation(
        description=(
            "Let an employee answer again after a life event. The old answer stays in force until the new one takes"
            " effect; unanswered, nothing changes."
        )
    )
    async def reissue(self, info: Info, input: Annotated[ReissueInput, THE_INPUT]) -> ReissuePayload:
        async def story(tx: Transaction) -> Result:
            id = await enrollments.reissue_enrollment(
                tx,
                input.enrollment_id,
                input.qualifying_life_event_id,
                present(input.reason),
                present(input.expected_version),
            )
            return {"enrollment_id": id, "replaced_id": input.enrollment_id}

        done: ReissuePayload = await perform(info, Action.REISSUE, input, story)
        return done
