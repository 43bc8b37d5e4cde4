"""Mutations of coverage: subscribers, contracts with groups, and the coverage of record."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.coverage import MAX_BATCH_SIZE, ContractKey
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.graphql.context import Info
from benegraph.graphql.mutations.inputs import EXPECTED_VERSION, IDEMPOTENCY_KEY, THE_INPUT, optional, present
from benegraph.graphql.mutations.perform import AllRefused, Result, UserError, given, perform, user_errors
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
from benegraph.graphql.types.fields import derived, to_one
from benegraph.graphql.types.scalars import Cents
from benegraph.services import coverage
from benegraph.services.coverage import contracts, subscribers
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS

_KEY = "The five parts that name it; none of them ever changes."


@strawberry.input(description="A person as the carrier knows them.")
class CreateSubscriberInput:
    subscriber_id: str = strawberry.field(description=SUBSCRIBER_ID_DESCRIPTION)
    first_name: str | None = optional("The first name.")
    last_name: str | None = optional("The last name.")
    employee_id: strawberry.ID | None = optional("Which employee it is; one employee is one subscriber.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createSubscriber.")
class CreateSubscriberPayload:
    subscriber: Subscriber | None = to_one(store.coverage.subscribers_by_ids, "new_id", "The new subscriber.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="A contract with a group's division.")
class CreateGroupContractInput:
    group_id: str = strawberry.field(description=GROUP_ID_DESCRIPTION)
    division_id: str = strawberry.field(description=DIVISION_ID_DESCRIPTION)
    coverage_start: date = strawberry.field(description="The first day of the group's coverage.")
    coverage_end: date | None = optional("The last day of it.")
    employer_id: strawberry.ID | None = optional("Whose group it is; that employer's clerks see what is under it.")
    policy_number: str | None = optional("The number of the policy, up to 25 characters.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createGroupContract.")
class CreateGroupContractPayload:
    group_contract: GroupContract | None = to_one(
        store.coverage.contracts_by_ids, "group_contract_id", "The new contract."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="What is known of a coverage of record beside its key.")
class SubscriberEnrollmentFields:
    end_date: date | None = optional("The last day covered, not before the first.")
    annual_max_cents: Cents | None = optional("The most that is paid a year; for information alone.")
    lifetime_max_cents: Cents | None = optional("The most that is ever paid; for information alone.")
    date_employed: date | None = optional("The first day of the subscriber's employment.")
    eligibility_date: date | None = optional("The first day the subscriber was eligible.")
    original_enrollment_date: date | None = optional("The day coverage began, with this carrier or another.")
    paid_through: date | None = optional("The last day for which premiums are paid; `setPaidThrough` reckons it.")
    policy_number: str | None = optional("The insurer's number of the policy, up to 25 characters.")
    term_date: date | None = optional("The day the subscriber's employment ended.")


@strawberry.input(description="A coverage of record that is not there yet.")
class CreateSubscriberEnrollmentInput:
    key: SubscriberEnrollmentKey = strawberry.field(description=_KEY)
    fields: SubscriberEnrollmentFields | None = optional("What is known of it.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of createSubscriberEnrollment.")
class CreateSubscriberEnrollmentPayload:
    subscriber_enrollment: SubscriberEnrollment | None = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The new coverage of record."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="A field left out stays as it is; null clears it.")
class UpdateSubscriberEnrollmentInput:
    key: SubscriberEnrollmentKey = strawberry.field(description=_KEY)
    fields: SubscriberEnrollmentFields = strawberry.field(description="What changes of it.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of updateSubscriberEnrollment.")
class UpdateSubscriberEnrollmentPayload:
    subscriber_enrollment: SubscriberEnrollment | None = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The coverage of record."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which coverage of record goes.")
class DeleteSubscriberEnrollmentInput:
    key: SubscriberEnrollmentKey = strawberry.field(description="The five parts that name it.")
    expected_version: int | None = EXPECTED_VERSION()
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of deleteSubscriberEnrollment.")
class DeleteSubscriberEnrollmentPayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the coverage of record that is gone.")
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="One coverage of record, to be created or updated.")
class SubscriberEnrollmentUpsert:
    key: SubscriberEnrollmentKey = strawberry.field(description=_KEY)
    fields: SubscriberEnrollmentFields | None = optional(
        "What is known of it; of one that is there, a field left out stays as it is, and null clears it."
    )


@strawberry.input(description="Coverage of record to be created or updated, as if one after another.")
class UpsertSubscriberEnrollmentsInput:
    enrollments: list[SubscriberEnrollmentUpsert] = strawberry.field(description=f"The items, 1 to {MAX_BATCH_SIZE}.")
    idempotency_key: str | None = IDEMPOTENCY_KEY()


@strawberry.type(description="What came of one item of upsertSubscriberEnrollments.")
class SubscriberEnrollmentUpsertResult:
    index: int = strawberry.field(description="The item's place in the input, from 0.")
    outcome: BatchOutcome = strawberry.field(description="What was done.")
    subscriber_enrollment: SubscriberEnrollment | None = to_one(
        store.coverage.by_ids, "subscriber_enrollment_id", "The coverage of record; null where it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="The rules that refused this item, all of them.")


@dataclass(frozen=True, slots=True)
class Answer:
    """An item's result, as it was kept."""

    index: int
    outcome: BatchOutcome
    subscriber_enrollment_id: str | None
    user_errors: list[RuleViolation]


def _kept(result: coverage.CoverageItemResult) -> dict[str, Any]:
    rules = [{"code": rule.code, "message": rule.message, "field": rule.field} for rule in result.rules]
    return {"outcome": result.outcome, "id": result.id, "rules": rules}


def _answers(done: Any) -> list[Answer] | None:
    if done.results is None:
        return None
    return [
        Answer(
            index,
            BatchOutcome(kept["outcome"]),
            kept["id"],
            [RuleViolation(ErrorCode(rule["code"]), rule["message"], rule["field"]) for rule in kept["rules"]],
        )
        for index, kept in enumerate(done.results)
    ]


@strawberry.type(description="What came of upsertSubscriberEnrollments.")
class UpsertSubscriberEnrollmentsPayload:
    results: list[SubscriberEnrollmentUpsertResult] | None = derived(
        _answers, "What came of each item, in the order of the input; null where the call was refused as a whole."
    )
    user_errors: list[UserError] = user_errors()


def _item(key: SubscriberEnrollmentKey, fields: SubscriberEnrollmentFields | None) -> coverage.CoverageItem:
    return coverage.CoverageItem(
        key.to_domain_key(), given(fields, {name: name for name in CHANGEABLE_COLUMNS}) if fields else {}
    )


@strawberry.type
class CoverageMutation:
    @strawberry.mutation(
        description="Write down a subscriber, and which employee it is. For administrators, and services that may."
    )
    async def create_subscriber(
        self, info: Info, input: Annotated[CreateSubscriberInput, THE_INPUT]
    ) -> CreateSubscriberPayload:
        async def story(tx: Transaction) -> Result:
            id = await subscribers.create_subscriber(
                tx,
                input.subscriber_id,
                present(input.first_name),
                present(input.last_name),
                present(input.employee_id),
            )
            return {"new_id": id}

        done: CreateSubscriberPayload = await perform(info, Action.CREATE_SUBSCRIBER, input, story)
        return done

    @strawberry.mutation(
        description="Write down a contract with a group's division. For administrators, and services that may."
    )
    async def create_group_contract(
        self, info: Info, input: Annotated[CreateGroupContractInput, THE_INPUT]
    ) -> CreateGroupContractPayload:
        key = ContractKey(input.group_id, input.division_id, input.coverage_start)

        async def story(tx: Transaction) -> Result:
            id = await contracts.create_group_contract(
                tx, key, present(input.coverage_end), present(input.employer_id), present(input.policy_number)
            )
            return {"group_contract_id": id}

        done: CreateGroupContractPayload = await perform(info, Action.CREATE_GROUP_CONTRACT, input, story)
        return done

    @strawberry.mutation(description="Write down a coverage of record. For administrators, and services that may.")
    async def create_subscriber_enrollment(
        self, info: Info, input: Annotated[CreateSubscriberEnrollmentInput, THE_INPUT]
    ) -> CreateSubscriberEnrollmentPayload:
        async def story(tx: Transaction) -> Result:
            return {"subscriber_enrollment_id": await coverage.create_coverage(tx, _item(input.key, input.fields))}

        done: CreateSubscriberEnrollmentPayload = await perform(info, Action.CREATE_SUBSCRIBER_ENROLLMENT, input, story)
        return done

    @strawberry.mutation(description="Change a coverage of record. For administrators, and services that may.")
    async def update_subscriber_enrollment(
        self, info: Info, input: Annotated[UpdateSubscriberEnrollmentInput, THE_INPUT]
    ) -> UpdateSubscriberEnrollmentPayload:
        async def story(tx: Transaction) -> Result:
            item = _item(input.key, input.fields)
            return {
                "subscriber_enrollment_id": await coverage.update_coverage(tx, item, present(input.expected_version))
            }

        done: UpdateSubscriberEnrollmentPayload = await perform(info, Action.UPDATE_SUBSCRIBER_ENROLLMENT, input, story)
        return done

    @strawberry.mutation(
        description=(
            "Delete a coverage of record that no election stands behind. For administrators, and services that may."
        )
    )
    async def delete_subscriber_enrollment(
        self, info: Info, input: Annotated[DeleteSubscriberEnrollmentInput, THE_INPUT]
    ) -> DeleteSubscriberEnrollmentPayload:
        async def story(tx: Transaction) -> Result:
            return {
                "deleted_id": await coverage.delete_coverage(
                    tx, input.key.to_domain_key(), present(input.expected_version)
                )
            }

        done: DeleteSubscriberEnrollmentPayload = await perform(info, Action.DELETE_SUBSCRIBER_ENROLLMENT, input, story)
        return done

    @strawberry.mutation(
        description=(
            f"Create or update up to {MAX_BATCH_SIZE} coverages of record, as if one after another: one bad item fails"
            " alone. For administrators, and services that may."
        )
    )
    async def upsert_subscriber_enrollments(
        self, info: Info, input: Annotated[UpsertSubscriberEnrollmentsInput, THE_INPUT]
    ) -> UpsertSubscriberEnrollmentsPayload:
        async def story(tx: Transaction) -> Result:
            results = await coverage.upsert_coverage(tx, [_item(each.key, each.fields) for each in input.enrollments])
            told = {"results": [_kept(result) for result in results]}
            if all(result.outcome is BatchOutcome.FAILED for result in results):
                raise AllRefused(told)
            return told

        done: UpsertSubscriberEnrollmentsPayload = await perform(
            info, Action.UPSERT_SUBSCRIBER_ENROLLMENTS, input, story
        )
        return done
