"""Mutations of employees' records as such: the deletion of one that was created by mistake."""

import strawberry

from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    REASON_DESCRIPTION,
    VersionedInput,
    mutation_input,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.services import employee_deletions


@mutation_input("The employee to delete.")
class DeleteEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The employee, on whom nothing may rest.")
    reason: str = required(REASON_DESCRIPTION)
    dry_run: bool = strawberry.field(
        default=False,
        description="If true, the payload shows what would be deleted, or everything that stands in the way, and"
        " nothing is changed.",
    )


@mutation_payload
class DeleteEmployeePayload:
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The ID of the deleted employee; null after a dry run or a refusal."
    )
    enrollment_count: int | None = strawberry.field(
        description="How many unanswered enrollments are deleted with the employee."
    )
    dependent_count: int | None = strawberry.field(description="How many dependents are deleted with the employee.")


@mutation(
    Action.DELETE_EMPLOYEE,
    DeleteEmployeePayload,
    "Delete an employee that was created by mistake, with unanswered enrollments and dependents. Refused if an"
    " enrollment was ever answered, a life event reported, a subscriber linked, coverage recorded, or if an API key or"
    " a further employment depends on the employee; each kind of row that stands in the way is reported.",
)
async def delete_employee(tx: Transaction, input: DeleteEmployeeInput) -> ResultData:
    deleted = await employee_deletions.delete_employee(
        tx, input.employee_id, input.reason, value_or_none(input.expected_version)
    )
    counts = {"enrollment_count": deleted.enrollment_count, "dependent_count": deleted.dependent_count}
    return counts if input.is_dry_run else {"deleted_id": input.employee_id, **counts}
