"""Mutations of the carrier's side: subscribers, group contracts, and the coverage of record."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.coverage import MAX_BATCH_SIZE, ContractKey
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    MutationInput,
    VersionedInput,
    mutation_input,
    optional,
    provided_values,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import MutationResult, ResultData, UserError, mutation_payload
from benegraph.graphql.mutations.run_mutation import EveryItemRefused, mutation
from benegraph.graphql.types.coverage import (
    DIVISION_ID_DESCRIPTION,
    GROUP_ID_DESCRIPTION,
    SUBSCRIBER_ID_DESCRIPTION,
    GroupContract,
    Subscriber,
    SubscriberEnrollment,
    SubscriberEnrollmentKey,
)
from benegraph.graphql.types.enums import BatchOutcome
from benegraph.graphql.types.fields import computed, to_one
from benegraph.graphql.types.scalars import Cents
from benegraph.services import coverage
from benegraph.services.coverage import contracts, subscribers
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS

_KEY = "The key of the coverage of record; it never changes."


@mutation_input("A person who is registered with the carrier.")
class CreateSubscriberInput(MutationInput):
    subscriber_id: str = required(SUBSCRIBER_ID_DESCRIPTION)
    first_name: str | None = optional("The first name.")
    last_name: str | None = optional("The last name.")
    employee_id: strawberry.ID | None = optional(
        "The employee who is this subscriber; an employee is linked to at most one subscriber."
    )


@mutation_payload
class CreateSubscriberPayload:
    subscriber: Subscriber | None = to_one(store.coverage.subscribers_by_ids, "new_id", "The new subscriber.")


@mutation_input("The carrier's contract with a group's division.")
class CreateGroupContractInput(MutationInput):
    group_id: str = required(GROUP_ID_DESCRIPTION)
    division_id: str = required(DIVISION_ID_DESCRIPTION)
    coverage_start: date = required("The first day of the contract's coverage.")
    coverage_end: date | None = optional("The last day of the contract's coverage, inclusive; null while open-ended.")
    employer_id: strawberry.ID | None = optional(
        "The employer that the group belongs to. That employer's users may read the coverage under the contract."
    )
    policy_number: str | None = optional("The policy number, at most 25 characters.")


@mutation_payload
class CreateGroupContractPayload:
    group_contract: GroupContract | None = to_one(
        store.coverage.contracts_by_ids, "group_contract_id", "The new contract."
    )


@strawberry.input(description="The data of a coverage of record, besides its key.")
class SubscriberEnrollmentFields:
    end_date: date | None = optional("The last day of coverage, inclusive; null while open-ended.")
    annual_max_cents: Cents | None = optional("The annual maximum benefit in cents. The gateway only stores it.")
    lifetime_max_cents: Cents | None = optional("The lifetime maximum benefit in cents. The gateway only stores it.")
    date_employed: date | None = optional("The first day of the subscriber's employment.")
    eligibility_date: date | None = optional("The first day on which the subscriber was eligible.")
    original_enrollment_date: date | None = optional(
        "The first day on which the subscriber was covered, with this carrier or an earlier one."
    )
    paid_through: date | None = optional(
        "The last day, inclusive, through which premiums are paid; `setPaidThrough` computes it. It is never after the"
        " coverage's end: an earlier end sets it back."
    )
    policy_number: str | None = optional("The policy number, at most 25 characters.")
    term_date: date | None = optional("The day on which the subscriber's employment ended.")


@mutation_input("A new coverage of record.")
class CreateSubscriberEnrollmentInput(MutationInput):
    key: SubscriberEnrollmentKey = required(_KEY)
    fields: SubscriberEnrollmentFields | None = optional("Its data.")


@mutation_payload
class CreateSubscriberEnrollmentPayload:
    subscriber_enrollment: SubscriberEnrollment | None = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The new coverage of record."
    )


@mutation_input("Changes to a coverage of record. A field that is left out keeps its value; null clears it.")
class UpdateSubscriberEnrollmentInput(VersionedInput):
    key: SubscriberEnrollmentKey = required(_KEY)
    fields: SubscriberEnrollmentFields = required("The changes.")


@mutation_payload
class UpdateSubscriberEnrollmentPayload:
    subscriber_enrollment: SubscriberEnrollment | None = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The changed coverage of record."
    )


@mutation_input("The coverage of record to delete.")
class DeleteSubscriberEnrollmentInput(VersionedInput):
    key: SubscriberEnrollmentKey = required("The key of the coverage of record.")


@mutation_payload
class DeleteSubscriberEnrollmentPayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The ID of the deleted coverage of record.")


@strawberry.input(description="One coverage of record to create or update.")
class SubscriberEnrollmentUpsert:
    key: SubscriberEnrollmentKey = required(_KEY)
    fields: SubscriberEnrollmentFields | None = optional(
        "Its data. In an update, a field that is left out keeps its value, and null clears it."
    )


@mutation_input("Coverage of record to create or update, item by item.")
class UpsertSubscriberEnrollmentsInput(MutationInput):
    enrollments: list[SubscriberEnrollmentUpsert] = required(f"The items, 1 to {MAX_BATCH_SIZE}.")


@strawberry.type(description="The result of one item of `upsertSubscriberEnrollments`.")
class SubscriberEnrollmentUpsertResult:
    index: int = strawberry.field(description="The item's position in the input, counted from 0.")
    outcome: BatchOutcome = strawberry.field(description="The outcome of the item.")
    subscriber_enrollment: SubscriberEnrollment | None = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The coverage of record; null if the item was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="All rules that this item violates.")


@dataclass(frozen=True, slots=True)
class UpsertItemResult:
    """One item's result, as the payload's field `results` reads it."""

    index: int
    outcome: BatchOutcome
    subscriber_enrollment_id: str | None
    user_errors: list[RuleViolation]


def _to_stored(result: coverage.CoverageItemResult) -> dict[str, Any]:
    """Return an item's result in the form in which the idempotency record stores it."""
    rules = [{"code": rule.code, "message": rule.message, "field": rule.field} for rule in result.violations]
    return {"outcome": result.outcome, "id": result.id, "rules": rules}


def _read_results(result: MutationResult) -> list[UpsertItemResult] | None:
    if result.results is None:
        return None
    return [
        UpsertItemResult(
            index,
            BatchOutcome(stored["outcome"]),
            stored["id"],
            [RuleViolation(ErrorCode(rule["code"]), rule["message"], rule["field"]) for rule in stored["rules"]],
        )
        for index, stored in enumerate(result.results)
    ]


@mutation_payload
class UpsertSubscriberEnrollmentsPayload:
    results: list[SubscriberEnrollmentUpsertResult] | None = computed(
        _read_results,
        "The result of each item, in the order of the input, with the rules that the item violates; null if the whole"
        " request was refused.",
    )


def _coverage_item(key: SubscriberEnrollmentKey, fields: SubscriberEnrollmentFields | None) -> coverage.CoverageItem:
    changes = provided_values(fields, {name: name for name in CHANGEABLE_COLUMNS}) if fields else {}
    return coverage.CoverageItem(key.to_domain_key(), changes)


@mutation(
    Action.CREATE_SUBSCRIBER,
    CreateSubscriberPayload,
    f"Create a subscriber, linked to an employee or not. {FOR_ADMINISTRATORS}",
)
async def create_subscriber(tx: Transaction, input: CreateSubscriberInput) -> ResultData:
    id = await subscribers.create_subscriber(
        tx,
        input.subscriber_id,
        value_or_none(input.first_name),
        value_or_none(input.last_name),
        value_or_none(input.employee_id),
    )
    return {"new_id": id}


@mutation(
    Action.CREATE_GROUP_CONTRACT,
    CreateGroupContractPayload,
    f"Create the carrier's contract with a group's division. {FOR_ADMINISTRATORS}",
)
async def create_group_contract(tx: Transaction, input: CreateGroupContractInput) -> ResultData:
    id = await contracts.create_group_contract(
        tx,
        ContractKey(input.group_id, input.division_id, input.coverage_start),
        value_or_none(input.coverage_end),
        value_or_none(input.employer_id),
        value_or_none(input.policy_number),
    )
    return {"group_contract_id": id}


@mutation(
    Action.CREATE_SUBSCRIBER_ENROLLMENT,
    CreateSubscriberEnrollmentPayload,
    f"Create a coverage of record. {FOR_ADMINISTRATORS}",
)
async def create_subscriber_enrollment(tx: Transaction, input: CreateSubscriberEnrollmentInput) -> ResultData:
    return {"subscriber_enrollment_id": await coverage.create_coverage(tx, _coverage_item(input.key, input.fields))}


@mutation(
    Action.UPDATE_SUBSCRIBER_ENROLLMENT,
    UpdateSubscriberEnrollmentPayload,
    f"Change a coverage of record. {FOR_ADMINISTRATORS}",
)
async def update_subscriber_enrollment(tx: Transaction, input: UpdateSubscriberEnrollmentInput) -> ResultData:
    item = _coverage_item(input.key, input.fields)
    id = await coverage.update_coverage(tx, item, value_or_none(input.expected_version))
    return {"subscriber_enrollment_id": id}


@mutation(
    Action.DELETE_SUBSCRIBER_ENROLLMENT,
    DeleteSubscriberEnrollmentPayload,
    f"Delete a coverage of record that no election determines. {FOR_ADMINISTRATORS}",
)
async def delete_subscriber_enrollment(tx: Transaction, input: DeleteSubscriberEnrollmentInput) -> ResultData:
    id = await coverage.delete_coverage(tx, input.key.to_domain_key(), value_or_none(input.expected_version))
    return {"deleted_id": id}


@mutation(
    Action.UPSERT_SUBSCRIBER_ENROLLMENTS,
    UpsertSubscriberEnrollmentsPayload,
    f"Create or update up to {MAX_BATCH_SIZE} coverages of record, as if one after another. An item that is refused"
    f" does not affect the others. {FOR_ADMINISTRATORS}",
)
async def upsert_subscriber_enrollments(tx: Transaction, input: UpsertSubscriberEnrollmentsInput) -> ResultData:
    items = [_coverage_item(item.key, item.fields) for item in input.enrollments]
    results = await coverage.upsert_coverage(tx, items)
    data = {"results": [_to_stored(result) for result in results]}
    if all(result.outcome is BatchOutcome.FAILED for result in results):
        raise EveryItemRefused(data)
    return data
