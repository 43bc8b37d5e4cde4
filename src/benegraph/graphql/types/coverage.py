"""Coverage in the graph: the carrier's subscribers, its contracts with groups, and the coverage of record."""

from dataclasses import astuple
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain.coverage import ContractKey, CoverageKey, check_contract, check_key, check_subscriber
from benegraph.graphql.types.billing import PremiumInvoice
from benegraph.graphql.types.enums import OrderDirection, describe_enum
from benegraph.graphql.types.fields import to_many, to_one, to_page
from benegraph.graphql.types.node import Node, lookup_by_key
from benegraph.graphql.types.paging import MAX_PAGE_SIZE, Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.employers import Employer
    from benegraph.graphql.types.enrollments import Enrollment
    from benegraph.graphql.types.people import Employee

SUBSCRIBER_ID_DESCRIPTION = "The carrier's number of the subscriber, 1 to 9 characters."
GROUP_ID_DESCRIPTION = "The carrier's code of the group, 1 to 20 characters."
DIVISION_ID_DESCRIPTION = "The carrier's code of the group's division, 1 to 20 characters."
GROUP_COVERAGE_START_DESCRIPTION = (
    "The day the group's coverage started: with group and division it names the contract."
)
START_DATE_DESCRIPTION = "The first day covered."


class SubscriberEnrollmentOrderField(StrEnum):
    """What coverage of record is sorted by: the store's orders, by name."""

    START_DATE = "START_DATE"
    END_DATE = "END_DATE"
    GROUP_ID = "GROUP_ID"
    DIVISION_ID = "DIVISION_ID"
    GROUP_COVERAGE_START = "GROUP_COVERAGE_START"
    PAID_THROUGH = "PAID_THROUGH"
    ANNUAL_MAX = "ANNUAL_MAX"
    LIFETIME_MAX = "LIFETIME_MAX"
    DATE_EMPLOYED = "DATE_EMPLOYED"
    ELIGIBILITY_DATE = "ELIGIBILITY_DATE"
    ORIGINAL_ENROLLMENT_DATE = "ORIGINAL_ENROLLMENT_DATE"
    POLICY_NUMBER = "POLICY_NUMBER"
    TERM_DATE = "TERM_DATE"
    ENTRY_DATE = "ENTRY_DATE"
    ENTRY_USER = "ENTRY_USER"
    UPDATE_DATE = "UPDATE_DATE"
    UPDATE_USER = "UPDATE_USER"


describe_enum(
    SubscriberEnrollmentOrderField,
    "What coverage of record is sorted by. Nulls come last in both directions.",
    {
        "START_DATE": "The first day covered.",
        "END_DATE": "The last day covered.",
        "GROUP_ID": "The group.",
        "DIVISION_ID": "The group's division.",
        "GROUP_COVERAGE_START": "The day the group's coverage started.",
        "PAID_THROUGH": "The last day paid.",
        "ANNUAL_MAX": "The most that is paid a year.",
        "LIFETIME_MAX": "The most that is ever paid.",
        "DATE_EMPLOYED": "The first day of the employment.",
        "ELIGIBILITY_DATE": "The first day of eligibility.",
        "ORIGINAL_ENROLLMENT_DATE": "The day coverage began, with this carrier or another.",
        "POLICY_NUMBER": "The policy's number.",
        "TERM_DATE": "The day the employment ended.",
        "ENTRY_DATE": "The instant it was written down.",
        "ENTRY_USER": "Who wrote it down.",
        "UPDATE_DATE": "The instant it last changed.",
        "UPDATE_USER": "Who changed it last.",
    },
)


@strawberry.input(description="One of the fields that coverage of record is sorted by.")
class SubscriberEnrollmentOrder:
    field: SubscriberEnrollmentOrderField = strawberry.field(description="What it is sorted by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Which end comes first; nulls come last in both."
    )

    @property
    def is_descending(self) -> bool:
        return self.direction is OrderDirection.DESC


@strawberry.input(description="The five parts that together name one coverage of record.")
class SubscriberEnrollmentKey:
    subscriber_id: str = strawberry.field(description=SUBSCRIBER_ID_DESCRIPTION)
    group_id: str = strawberry.field(description=GROUP_ID_DESCRIPTION)
    division_id: str = strawberry.field(description=DIVISION_ID_DESCRIPTION)
    group_coverage_start: date = strawberry.field(description=GROUP_COVERAGE_START_DESCRIPTION)
    start_date: date = strawberry.field(description=START_DATE_DESCRIPTION)

    def to_domain_key(self) -> CoverageKey:
        return CoverageKey(
            self.subscriber_id, self.group_id, self.division_id, self.group_coverage_start, self.start_date
        )


@strawberry.type(description="A carrier's contract with a group's division.")
class GroupContract(Node):
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] | None = to_one(
        store.employers.by_ids, "employer_id", "Whose group it is, where that is known here."
    )
    group_id: str = strawberry.field(description="The carrier's code of the group.")
    division_id: str = strawberry.field(description="The carrier's code of the group's division.")
    coverage_start: date = strawberry.field(description="The first day of the group's coverage.")
    coverage_end: date | None = strawberry.field(description="The last day of it, inclusive; null while none is known.")
    policy_number: str | None = strawberry.field(description="The number of the policy.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")


@strawberry.type(description="A subscriber's coverage of record under a contract, from one day through another.")
class SubscriberEnrollment(Node):
    subscriber: Annotated["Subscriber", strawberry.lazy("benegraph.graphql.types.coverage")] = to_one(
        store.coverage.subscribers_by_numbers, "subscriber_id", "Who is covered."
    )
    subscriber_id: str = strawberry.field(description="The carrier's number of the subscriber.")
    group_id: str = strawberry.field(description="The carrier's code of the group.")
    division_id: str = strawberry.field(description="The carrier's code of the group's division.")
    group_coverage_start: date = strawberry.field(description="The day the group's coverage started.")
    start_date: date = strawberry.field(description="The first day covered.")
    end_date: date | None = strawberry.field(description="The last day covered, inclusive; null while none is known.")
    annual_max_cents: Cents | None = strawberry.field(
        description="The most that is paid a year; for information alone."
    )
    lifetime_max_cents: Cents | None = strawberry.field(
        description="The most that is ever paid; for information alone."
    )
    date_employed: date | None = strawberry.field(description="The first day of the subscriber's employment.")
    eligibility_date: date | None = strawberry.field(description="The first day the subscriber was eligible.")
    original_enrollment_date: date | None = strawberry.field(
        description="The day coverage began; earlier than the start for a group that was insured elsewhere before."
    )
    paid_through: date | None = strawberry.field(
        description="The last day for which premiums are paid without a gap; null where no day is."
    )
    policy_number: str | None = strawberry.field(description="The insurer's number of the policy.")
    term_date: date | None = strawberry.field(description="The day the subscriber's employment ended.")
    created_at: datetime = strawberry.field(name="entryDate", description="When it was written down.")
    entry_user: str = strawberry.field(description="Who wrote it down: the id of a key, or a token's bearer.")
    updated_at: datetime = strawberry.field(name="updateDate", description="When it last changed.")
    update_user: str = strawberry.field(description="Who changed it last: the id of a key, or a token's bearer.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")
    group_contract: GroupContract | None = to_one(
        store.coverage.contracts_by_ids, "group_contract_id", "The contract it is under."
    )
    enrollments: list[Annotated["Enrollment", strawberry.lazy("benegraph.graphql.types.enrollments")]] = to_many(
        store.coverage.elections_of,
        "id",
        "The elections this coverage of record comes from; none where the carrier wrote it down by itself.",
    )


@strawberry.type(description="A person as the carrier knows them.")
class Subscriber(Node):
    subscriber_id: str = strawberry.field(description="The carrier's own number of the subscriber.")
    first_name: str | None = strawberry.field(description="The first name.")
    last_name: str | None = strawberry.field(description="The last name.")
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.by_ids, "employee_id", "Which employee it is, where that is known here."
    )
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")
    invoices: Connection[PremiumInvoice] = to_page(
        store.billing.of_subscribers,
        "subscriber_id",
        "The invoices to the subscriber alone, oldest first; those to the whole division are not among them.",
    )
    enrollments: Connection[SubscriberEnrollment] = to_page(
        store.coverage.of_subscribers,
        "subscriber_id",
        "The subscriber's coverage of record, by its start where no order is asked for.",
        order_by=list[SubscriberEnrollmentOrder],
        default_page_size=MAX_PAGE_SIZE,
        has_offset=True,
    )


# ------------------------------------------------------------------------------- what the world outside goes by


def _number(subscriber_id: Annotated[str, strawberry.argument(description=SUBSCRIBER_ID_DESCRIPTION)]) -> Any:
    return None if any(check_subscriber(subscriber_id, None, None)) else subscriber_id


def _contract(
    group_id: Annotated[str, strawberry.argument(description=GROUP_ID_DESCRIPTION)],
    division_id: Annotated[str, strawberry.argument(description=DIVISION_ID_DESCRIPTION)],
    coverage_start: Annotated[date, strawberry.argument(description="The first day of the group's coverage.")],
) -> Any:
    key = ContractKey(group_id, division_id, coverage_start)
    return None if any(check_contract(key, None, None)) else astuple(key)


def _coverage(
    key: Annotated[SubscriberEnrollmentKey, strawberry.argument(description="The five parts that name it.")],
) -> Any:
    named = key.to_domain_key()
    return None if any(check_key(named)) else astuple(named)


@strawberry.type
class CoverageQuery:
    subscriber: Subscriber | None = lookup_by_key(
        "Subscriber",
        store.coverage.subscribers_by_numbers,
        _number,
        "One subscriber, by the carrier's number; null where there is none within the viewer's reach.",
    )
    subscribers: Connection[Subscriber] = to_page(
        store.coverage.subscriber_page, None, "The subscribers the viewer may see, oldest first."
    )
    group_contract: GroupContract | None = lookup_by_key(
        "GroupContract",
        store.coverage.contracts_by_names,
        _contract,
        "One contract with a group's division; null where there is none within the viewer's reach.",
    )
    subscriber_enrollment: SubscriberEnrollment | None = lookup_by_key(
        "SubscriberEnrollment",
        store.coverage.by_keys,
        _coverage,
        "One coverage of record, by its key; null where there is none within the viewer's reach.",
    )
