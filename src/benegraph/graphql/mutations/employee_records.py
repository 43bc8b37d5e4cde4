"""Mutations of employees' records as such: deletion of one that was created by mistake, and merges of two."""

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.inputs import (
    REASON_DESCRIPTION,
    MutationInput,
    VersionedInput,
    mutation_input,
    optional,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.fields import to_one
from benegraph.graphql.types.people import Employee
from benegraph.services import employee_deletions, employee_merges
from benegraph.services.employee_merges import MergeOutcome, MergeRequest


@mutation_input("The employee to delete.")
class DeleteEmployeeInput(VersionedInput):
    employee_id: strawberry.ID = required("The employee. Nothing may rest on the record.")
    reason: str = required(REASON_DESCRIPTION)
    dry_run: bool = strawberry.field(
        default=False,
        description="If true, the payload counts the rows that would be deleted, or lists everything that stands in the"
        " way, and nothing is changed.",
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


@mutation_input("Two records of one person at one employer.")
class MergeEmployeesInput(MutationInput):
    keep_id: strawberry.ID = required(
        "The record to keep. Its own data stays; missing data is taken from the duplicate."
    )
    duplicate_id: strawberry.ID = required("The record to merge into it.")
    reason: str = required(REASON_DESCRIPTION)
    expected_keep_version: int | None = optional("The version of the record to keep that you read.")
    expected_duplicate_version: int | None = optional("The version of the duplicate that you read.")
    dry_run: bool = strawberry.field(
        default=False,
        description="If true, `preview` lists the rows that would move, or `userErrors` everything that stands in the"
        " way, and nothing is changed.",
    )


@strawberry.type(
    description="The rows that a merge moves to the record to keep, and those that it deletes as duplicates."
)
class EmployeeMergePreview:
    enrollment_ids: list[strawberry.ID] = strawberry.field(description="The enrollments that move.")
    deleted_enrollment_ids: list[strawberry.ID] = strawberry.field(
        description="The unanswered enrollments, of either record, that are deleted because the other record has one in"
        " the same plan year."
    )
    dependent_ids: list[strawberry.ID] = strawberry.field(description="The dependents that move.")
    merged_dependent_ids: list[strawberry.ID] = strawberry.field(
        description="The dependents of the duplicate that are deleted because the record to keep has the same ones."
    )
    qualifying_life_event_ids: list[strawberry.ID] = strawberry.field(description="The life events that move.")
    subscriber_ids: list[strawberry.ID] = strawberry.field(description="The IDs of the subscribers that move.")
    subscriber_enrollment_ids: list[strawberry.ID] = strawberry.field(description="The coverages of record that move.")
    api_key_ids: list[strawberry.ID] = strawberry.field(description="The API keys that act for the kept record then.")
    filled_columns: list[str] = strawberry.field(
        description="The data that the record to keep lacks and takes from the duplicate, such as `email`."
    )


def _build_preview(outcome: MergeOutcome) -> EmployeeMergePreview:
    def moved(table: str) -> list[strawberry.ID]:
        return [strawberry.ID(id) for id in outcome.moved[table]]

    return EmployeeMergePreview(
        enrollment_ids=moved("enrollments"),
        deleted_enrollment_ids=[strawberry.ID(id) for id in outcome.deleted_enrollment_ids],
        dependent_ids=moved("dependents"),
        merged_dependent_ids=[strawberry.ID(id) for id in outcome.merged_dependents],
        qualifying_life_event_ids=moved("life_events"),
        subscriber_ids=moved("subscribers"),
        subscriber_enrollment_ids=moved("subscriber_enrollments"),
        api_key_ids=moved("api_keys"),
        filled_columns=list(outcome.filled_columns),
    )


@mutation_payload
class MergeEmployeesPayload:
    employee: Employee | None = to_one(
        store.people.by_ids, "employee_id", "The kept record; null after a dry run or a refusal."
    )
    preview: EmployeeMergePreview | None = strawberry.field(
        description="The rows that would move; null unless an accepted dry run."
    )


@mutation(
    Action.MERGE_EMPLOYEES,
    MergeEmployeesPayload,
    "Merge two records of one person at one employer. Everything that refers to the duplicate moves to the kept record."
    " The duplicate can't be changed any more; `mergedInto` leads to the kept one. Refused, with everything that stands"
    " in the way, if the records contradict each other, such as by two answers in one plan year.",
)
async def merge_employees(tx: Transaction, input: MergeEmployeesInput) -> ResultData:
    request = MergeRequest(
        input.keep_id,
        input.duplicate_id,
        input.reason,
        value_or_none(input.expected_keep_version),
        value_or_none(input.expected_duplicate_version),
    )
    outcome = await employee_merges.merge_employees(tx, request)
    return {"preview": _build_preview(outcome)} if input.is_dry_run else {"employee_id": input.keep_id}
