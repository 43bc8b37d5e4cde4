"""Mutations of enrollments: electing, reopening an election, and reissuing an enrollment."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.graphql.mutations.inputs import (
    REASON_DESCRIPTION,
    MutationInput,
    VersionedInput,
    expected_version,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import CoverageTier, ElectionDecision, EnrollmentStatus, WaiverReason
from benegraph.graphql.types.fields import to_many_by_keys, to_one
from benegraph.graphql.types.people import Dependent
from benegraph.graphql.types.plan_years import Plan
from benegraph.graphql.types.scalars import Cents
from benegraph.services import enrollments


@strawberry.input(description="An employee's answer to one pending enrollment.")
class ElectionInput:
    enrollment_id: strawberry.ID = required("The enrollment, pending and within its window.")
    decision: ElectionDecision = required("Whether the employee enrolls or waives.")
    selected_plan_id: strawberry.ID | None = optional("The plan; required to enroll.")
    coverage_tier: CoverageTier | None = optional("The coverage tier; derived from the dependents if left out.")
    dependent_ids: list[strawberry.ID] | None = optional("The dependents to cover.")
    waiver_reason: WaiverReason | None = optional("With the decision WAIVED: why the employee waives.")
    expected_version: int | None = expected_version()

    def to_election(self) -> Election:
        return Election(
            self.enrollment_id,
            self.decision,
            value_or_none(self.selected_plan_id),
            value_or_none(self.coverage_tier),
            tuple(self.dependent_ids or ()),
            value_or_none(self.expected_version),
            value_or_none(self.waiver_reason),
        )


@mutation_input("An employee's elections, which are applied all together or not at all.")
class ElectInput(MutationInput):
    employee_id: strawberry.ID = required("The employee.")
    elections: list[ElectionInput] = required("The elections, at most one for each enrollment.")
    dry_run: bool = strawberry.field(
        default=False, description="If true, the elections are only previewed and nothing is changed."
    )


@strawberry.type(
    description=(
        "The effect that an election would have. It is not a node, so that client caches don't mistake it for the"
        " enrollment."
    )
)
class ElectionPreview:
    enrollment_id: strawberry.ID = strawberry.field(description="The enrollment that the election answers.")
    status: EnrollmentStatus = strawberry.field(description="The status that the enrollment would have today.")
    coverage_tier: CoverageTier | None = strawberry.field(description="The coverage tier; null for a waiver.")
    coverage_starts_on: date | None = strawberry.field(
        name="coverageStartDate", description="The first day of coverage; null for a waiver."
    )
    coverage_ends_on: date | None = strawberry.field(
        name="coverageEndDate", description="The last day of coverage, inclusive; null for a waiver."
    )
    employee_contribution_cents: Cents | None = strawberry.field(
        description="The employee's monthly share in cents; null for a waiver."
    )
    employer_contribution_cents: Cents | None = strawberry.field(
        description="The employer's monthly share in cents; null for a waiver."
    )
    selected_plan: Plan | None = to_one(
        store.plan_years.plans_by_ids, "selected_plan_id", "The plan; null for a waiver."
    )
    dependents: list[Dependent] = to_many_by_keys(
        store.people.dependents_by_ids, "dependent_ids", "The dependents that would be covered."
    )


@mutation_payload
class ElectPayload:
    enrollments: list[Enrollment] | None = to_many_by_keys(
        store.enrollments.by_ids,
        "enrollment_ids",
        "The answered enrollments, in the order of the input; null after a dry run or a refusal.",
    )
    previews: list[ElectionPreview] | None = strawberry.field(
        description="The effects of the elections, in the order of the input; null unless an accepted dry run."
    )


@mutation_input("The election to reopen.")
class ReopenElectionInput(VersionedInput):
    enrollment_id: strawberry.ID = required("The enrollment, answered and still within its window.")


@mutation_payload
class ReopenElectionPayload:
    enrollment: Enrollment | None = to_one(store.enrollments.by_ids, "enrollment_id", "The enrollment, pending again.")


@mutation_input("The enrollment to reissue, and the life event that allows it.")
class ReissueInput(VersionedInput):
    enrollment_id: strawberry.ID = required("The enrollment: enrolled, waived or lapsed.")
    qualifying_life_event_id: strawberry.ID = required("An approved life event of the same employee.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class ReissuePayload:
    enrollment: Enrollment | None = to_one(store.enrollments.by_ids, "enrollment_id", "The new, pending enrollment.")
    replaced_enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids,
        "replaced_id",
        "The replaced enrollment. It stays in force until the new answer takes effect.",
    )


def _expected_elected(input: ElectInput) -> ResultData | None:
    return _expect(enrollment_ids=[election.enrollment_id for election in input.elections])


def _expected_reopened(input: ReopenElectionInput) -> ResultData | None:
    return _expect(enrollment_id=input.enrollment_id)


def _expect(**result: str | list[str]) -> ResultData | None:
    """Return an expected result, unless it holds an invalid ID: it is stored before the input is checked."""
    ids = [id for value in result.values() for id in ([value] if isinstance(value, str) else value)]
    return result if all(prefix_of(id) is IdPrefix.ENROLLMENT for id in ids) else None


@mutation(
    Action.ELECT,
    ElectPayload,
    "Answer an employee's pending enrollments, all or some of them. Either every election is applied, or none; every"
    " violated rule is reported.",
    expected_result=_expected_elected,
)
async def elect(tx: Transaction, input: ElectInput) -> ResultData:
    elections = [election.to_election() for election in input.elections]
    previews = await enrollments.elect(tx, input.employee_id, elections)
    if input.is_dry_run:
        return {"previews": previews}
    return {"enrollment_ids": [election.enrollment_id for election in elections]}


@mutation(
    Action.REOPEN_ELECTION,
    ReopenElectionPayload,
    "Return an answered enrollment to pending while its window is open, so that the employee can answer again.",
    expected_result=_expected_reopened,
)
async def reopen_election(tx: Transaction, input: ReopenElectionInput) -> ResultData:
    await enrollments.reopen_election(tx, input.enrollment_id, value_or_none(input.expected_version))
    return {"enrollment_id": input.enrollment_id}


@mutation(
    Action.REISSUE,
    ReissuePayload,
    "Open a new enrollment after a life event, to replace an earlier one. The earlier answer stays in force until the"
    " new one takes effect; if the employee does not answer, nothing changes.",
)
async def reissue(tx: Transaction, input: ReissueInput) -> ResultData:
    id = await enrollments.reissue_enrollment(
        tx,
        input.enrollment_id,
        input.qualifying_life_event_id,
        value_or_none(input.reason),
        value_or_none(input.expected_version),
    )
    return {"enrollment_id": id, "replaced_id": input.enrollment_id}


@mutation_input("The reissue to withdraw.")
class WithdrawReissueInput(VersionedInput):
    enrollment_id: strawberry.ID = required("A pending enrollment that was issued by `reissue`.")
    reason: str | None = optional(REASON_DESCRIPTION)


@mutation_payload
class WithdrawReissuePayload:
    enrollment: Enrollment | None = to_one(store.enrollments.by_ids, "enrollment_id", "The withdrawn enrollment.")
    replaced_enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids,
        "replaced_id",
        "The enrollment that it would have replaced. It is unchanged and can be reissued again.",
    )


@mutation(
    Action.WITHDRAW_REISSUE,
    WithdrawReissuePayload,
    "Withdraw a reissue that is not answered. The enrollment closes, and the life event can be withdrawn or used"
    " again.",
)
async def withdraw_reissue(tx: Transaction, input: WithdrawReissueInput) -> ResultData:
    replaced_id = await enrollments.withdraw_reissue(
        tx, input.enrollment_id, value_or_none(input.reason), value_or_none(input.expected_version)
    )
    return {"enrollment_id": input.enrollment_id, "replaced_id": replaced_id}
