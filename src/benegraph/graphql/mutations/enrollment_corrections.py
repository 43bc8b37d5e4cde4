"""Mutations by which HR corrects enrollments outside an employee's own election: ending a coverage."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.coverage_ends import CoverageEnd
from benegraph.graphql.mutations.inputs import VersionedInput, mutation_input, optional, required, value_or_none
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import CoverageEndReason, EnrollmentStatus
from benegraph.graphql.types.fields import to_many_by_keys
from benegraph.services import enrollments

DRY_RUN_DESCRIPTION = "If true, the change is only previewed and nothing is changed."


@strawberry.type(description="The status and coverage that an enrollment would have after a change.")
class CoveragePreview:
    enrollment_id: strawberry.ID = strawberry.field(description="The enrollment.")
    status: EnrollmentStatus = strawberry.field(description="The status that the enrollment would have today.")
    coverage_starts_on: date | None = strawberry.field(
        name="coverageStartDate", description="The first day of coverage; null unless coverage was elected."
    )
    coverage_ends_on: date | None = strawberry.field(
        name="coverageEndDate",
        description="The last day of coverage, inclusive; null unless coverage was elected and not cancelled.",
    )


@mutation_input("The coverage to end, and why.")
class EndCoverageInput(VersionedInput):
    enrollment_id: strawberry.ID = required("The employee's latest answer in its plan year, with elected coverage.")
    reason: CoverageEndReason = required("The reason, which determines the last day.")
    last_day: date | None = optional(
        "The last day of coverage. By default the last day of this month; after a life event, the day before the"
        " change takes effect."
    )
    qualifying_life_event_id: strawberry.ID | None = optional(
        "With reason VOLUNTARY: an approved life event of the employee that allows waiving coverage."
    )
    note: str | None = optional("A note for the history; required for a last day before this month.")
    dry_run: bool = strawberry.field(default=False, description=DRY_RUN_DESCRIPTION)

    @property
    def is_dry_run(self) -> bool:
        return self.dry_run


@mutation_payload
class EndCoveragePayload:
    enrollments: list[Enrollment] | None = to_many_by_keys(
        store.enrollments.by_ids,
        "enrollment_ids",
        "The changed enrollments, oldest first: the ended one, earlier ones that covered later days, and unanswered"
        " ones that closed. Null after a dry run or a refusal.",
    )
    previews: list[CoveragePreview] | None = strawberry.field(
        description="What the change would make of these enrollments; null unless an accepted dry run."
    )


@mutation(
    Action.END_COVERAGE,
    EndCoveragePayload,
    "End one elected coverage without ending the employment. No earlier answer of the plan year covers the days after"
    " it, and unanswered enrollments close. Coverage that has not begun by the last day is cancelled. An administrator"
    " can restore the coverage by `overrideElection`.",
)
async def end_coverage(tx: Transaction, input: EndCoverageInput) -> ResultData:
    end = CoverageEnd(
        input.reason,
        value_or_none(input.last_day),
        value_or_none(input.qualifying_life_event_id),
        value_or_none(input.note),
    )
    outcomes = await enrollments.end_coverage(tx, input.enrollment_id, end, value_or_none(input.expected_version))
    if input.is_dry_run:
        return {"previews": outcomes}
    return {"enrollment_ids": [outcome.enrollment_id for outcome in outcomes]}
