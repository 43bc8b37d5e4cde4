"""Mutations of election overrides: making and reviewing them."""

from dataclasses import replace
from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.elections import Election
from benegraph.graphql.mutations.enrollment_corrections import DRY_RUN_DESCRIPTION, CoveragePreview
from benegraph.graphql.mutations.enrollments import ElectionPreview
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    REASON_DESCRIPTION,
    VersionedInput,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import CoverageTier, ElectionDecision, WaiverReason
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.overrides import ElectionOverride
from benegraph.services import enrollments


@mutation_input("An answer to an enrollment outside its window.")
class OverrideElectionInput(VersionedInput):
    enrollment_id: strawberry.ID = required("The enrollment: pending, lapsed, or the latest answer in its plan year.")
    decision: ElectionDecision = required("Whether the employee enrolls or waives.")
    effective_date: date | None = optional(
        "The day on which the answer takes effect, within the plan year and the employment; by default the"
        " enrollment's own."
    )
    selected_plan_id: strawberry.ID | None = optional("The plan; required to enroll.")
    coverage_tier: CoverageTier | None = optional("The coverage tier; derived from the dependents if left out.")
    dependent_ids: list[strawberry.ID] | None = optional("The dependents to cover.")
    waiver_reason: WaiverReason | None = optional("With the decision WAIVED: why the employee waives.")
    reason: str = required(REASON_DESCRIPTION)
    dry_run: bool = strawberry.field(default=False, description=DRY_RUN_DESCRIPTION)

    def to_election(self) -> Election:
        return Election(
            self.enrollment_id,
            self.decision,
            value_or_none(self.selected_plan_id),
            value_or_none(self.coverage_tier),
            tuple(value_or_none(self.dependent_ids) or ()),
            value_or_none(self.expected_version),
            value_or_none(self.waiver_reason),
        )


@mutation_payload
class OverrideElectionPayload:
    election_override: ElectionOverride | None = to_one(
        store.enrollments.overrides_by_ids, "override_id", "The override; null after a dry run or a refusal."
    )
    enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids,
        "enrollment_id",
        "The enrollment with the answer: the one of the input, or a new one that replaces it; null after a dry run or a"
        " refusal.",
    )
    preview: ElectionPreview | None = strawberry.field(
        description=(
            "The effect of the answer; null unless an accepted dry run. `enrollmentId` is that of the input, even if a"
            " new enrollment would replace it."
        )
    )
    changes: list[CoveragePreview] | None = strawberry.field(
        description="What the answer would make of earlier answers; null unless an accepted dry run."
    )


@mutation_input("The override to review.")
class ReviewElectionOverrideInput(VersionedInput):
    election_override_id: strawberry.ID = required("The override, not yet reviewed.")
    notes: str | None = optional("The reviewer's notes.")


@mutation_payload
class ReviewElectionOverridePayload:
    election_override: ElectionOverride | None = to_one(
        store.enrollments.overrides_by_ids, "override_id", "The reviewed override."
    )


@mutation(
    Action.OVERRIDE_ELECTION,
    OverrideElectionPayload,
    "Answer an enrollment outside its window, with a corrected effective date. All other rules of `elect` hold. An"
    " earlier answer is replaced as by a reissue: its coverage ends the day before the new answer takes effect. "
    + FOR_ADMINISTRATORS,
)
async def override_election(tx: Transaction, input: OverrideElectionInput) -> ResultData:
    outcome = await enrollments.override_election(
        tx, input.to_election(), value_or_none(input.effective_date), input.reason
    )
    if input.is_dry_run:
        return {"preview": replace(outcome.election, enrollment_id=input.enrollment_id), "changes": outcome.changes}
    return {"override_id": outcome.override_id, "enrollment_id": outcome.election.enrollment_id}


@mutation(
    Action.REVIEW_ELECTION_OVERRIDE,
    ReviewElectionOverridePayload,
    "Mark an election override as reviewed.",
)
async def review_election_override(tx: Transaction, input: ReviewElectionOverrideInput) -> ResultData:
    await enrollments.review_election_override(
        tx, input.election_override_id, value_or_none(input.notes), value_or_none(input.expected_version)
    )
    return {"override_id": input.election_override_id}
