"""Mutations by which HR corrects enrollments: ending a coverage, and extending a window."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.enrollments.coverage_ends import CoverageEnd
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
from benegraph.graphql.types.enums import CoverageEndReason, EnrollmentStatus
from benegraph.graphql.types.fields import to_many_by_keys
from benegraph.services import enrollments
from benegraph.services.enrollments import WindowExtension

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


@strawberry.input(description="An enrollment whose election window is extended.")
class ExtendedEnrollmentInput:
    enrollment_id: strawberry.ID = required("The enrollment: pending, answered or lapsed.")
    expected_version: int | None = expected_version()

    def to_extension(self) -> WindowExtension:
        return WindowExtension(self.enrollment_id, value_or_none(self.expected_version))


@mutation_input("The election windows to extend, all of one employee.")
class ExtendWindowInput(MutationInput):
    employee_id: strawberry.ID = required("The employee.")
    enrollments: list[ExtendedEnrollmentInput] = required("The enrollments, at most 50.")
    last_day: date = required(
        "The new last day of the windows, inclusive: within the plan year, and at most 60 days after the last day that"
        " the window had before any extension."
    )
    reason: str = required(REASON_DESCRIPTION)


@mutation_payload
class ExtendWindowPayload:
    enrollments: list[Enrollment] | None = to_many_by_keys(
        store.enrollments.by_ids, "enrollment_ids", "The enrollments, in the order of the input; null after a refusal."
    )


@mutation(
    Action.EXTEND_WINDOW,
    ExtendWindowPayload,
    "Move the last day of the election windows of an employee's enrollments later. A lapsed enrollment is pending"
    " again, and an answered one can be reopened. The effective date stays.",
)
async def extend_window(tx: Transaction, input: ExtendWindowInput) -> ResultData:
    extensions = [item.to_extension() for item in input.enrollments]
    await enrollments.extend_windows(tx, input.employee_id, extensions, input.last_day, input.reason)
    return {"enrollment_ids": [item.enrollment_id for item in extensions]}
