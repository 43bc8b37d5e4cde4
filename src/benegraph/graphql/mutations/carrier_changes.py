"""Mutations that change the carrier's side: subscribers and group contracts."""

from datetime import date

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.graphql.mutations.enrollment_corrections import DRY_RUN_DESCRIPTION
from benegraph.graphql.mutations.inputs import (
    FOR_ADMINISTRATORS,
    REASON_DESCRIPTION,
    VersionedInput,
    mutation_input,
    optional,
    provided_values,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import ResultData, mutation_payload
from benegraph.graphql.mutations.run_mutation import mutation
from benegraph.graphql.types.coverage import SUBSCRIBER_ID_DESCRIPTION, GroupContract, Subscriber, SubscriberEnrollment
from benegraph.graphql.types.fields import to_many_by_keys, to_one
from benegraph.services.coverage import contracts, subscribers


@mutation_input("Changes to a subscriber. A field that is left out keeps its value; null clears it.")
class UpdateSubscriberInput(VersionedInput):
    subscriber_id: str = required(SUBSCRIBER_ID_DESCRIPTION)
    first_name: str | None = optional("The first name.")
    last_name: str | None = optional("The last name.")
    employee_id: strawberry.ID | None = optional(
        "The employee who is this subscriber; null removes the link. The link cannot change while coverage of record"
        " follows the employee's elections."
    )


@mutation_payload
class UpdateSubscriberPayload:
    subscriber: Subscriber | None = to_one(store.coverage.subscribers_by_ids, "changed_id", "The changed subscriber.")


@mutation_input("Changes to a group contract. A field that is left out keeps its value; null clears it.")
class UpdateGroupContractInput(VersionedInput):
    group_contract_id: strawberry.ID = required("The group contract.")
    policy_number: str | None = optional(
        "The policy number, at most 25 characters. Coverage of record that exists keeps its own."
    )
    coverage_end: date | None = optional(
        "The last day of the contract's coverage, later than the current one, or null for none. `endGroupContract` sets"
        " an earlier one."
    )


@mutation_payload
class UpdateGroupContractPayload:
    group_contract: GroupContract | None = to_one(
        store.coverage.contracts_by_ids, "group_contract_id", "The changed contract."
    )


@mutation_input("The group contract to end.")
class EndGroupContractInput(VersionedInput):
    group_contract_id: strawberry.ID = required("The group contract.")
    last_day: date = required("The last day of the contract's coverage.")
    reason: str | None = optional(REASON_DESCRIPTION)
    dry_run: bool = strawberry.field(default=False, description=DRY_RUN_DESCRIPTION)


@strawberry.type(description="A coverage of record that would end with its group contract.")
class EndedCoveragePreview:
    subscriber_enrollment_id: strawberry.ID = strawberry.field(description="The coverage of record.")
    end_date: date = strawberry.field(description="The last day that it would have.")


@mutation_payload
class EndGroupContractPayload:
    group_contract: GroupContract | None = to_one(
        store.coverage.contracts_by_ids, "group_contract_id", "The contract; null after a dry run or a refusal."
    )
    subscriber_enrollments: list[SubscriberEnrollment] | None = to_many_by_keys(
        store.coverage.by_ids,
        "subscriber_enrollment_ids",
        "The coverage of record that ends with the contract. Null after a dry run or a refusal.",
    )
    previews: list[EndedCoveragePreview] | None = strawberry.field(
        description="The coverage of record that would end; null unless an accepted dry run."
    )


@mutation(
    Action.UPDATE_SUBSCRIBER,
    UpdateSubscriberPayload,
    f"Change a subscriber's names, or the employee that it is linked to. {FOR_ADMINISTRATORS}",
)
async def update_subscriber(tx: Transaction, input: UpdateSubscriberInput) -> ResultData:
    names = provided_values(input, {"first_name": "first_name", "last_name": "last_name"})
    link = provided_values(input, {"employee_id": "employee_id"})
    id = await subscribers.update_subscriber(
        tx,
        input.subscriber_id,
        names,
        link.get("employee_id", subscribers.UNCHANGED),
        value_or_none(input.expected_version),
    )
    return {"changed_id": id}


@mutation(
    Action.UPDATE_GROUP_CONTRACT,
    UpdateGroupContractPayload,
    f"Change a group contract's policy number, or extend it. {FOR_ADMINISTRATORS}",
)
async def update_group_contract(tx: Transaction, input: UpdateGroupContractInput) -> ResultData:
    changes = provided_values(input, {"policy_number": "policy_number", "coverage_end": "coverage_end"})
    await contracts.update_group_contract(tx, input.group_contract_id, changes, value_or_none(input.expected_version))
    return {"group_contract_id": input.group_contract_id}


@mutation(
    Action.END_GROUP_CONTRACT,
    EndGroupContractPayload,
    "End a group contract. Coverage of record that the carrier entered under it ends on the same day. It is refused"
    " while elected coverage, or an employee of the division, would be without a contract afterwards."
    f" {FOR_ADMINISTRATORS}",
)
async def end_group_contract(tx: Transaction, input: EndGroupContractInput) -> ResultData:
    ended = await contracts.end_group_contract(
        tx,
        input.group_contract_id,
        input.last_day,
        value_or_none(input.reason),
        value_or_none(input.expected_version),
    )
    if input.is_dry_run:
        return {"previews": ended}
    return {
        "group_contract_id": input.group_contract_id,
        "subscriber_enrollment_ids": [coverage.subscriber_enrollment_id for coverage in ended],
    }
