"""Coverage in GraphQL: the carrier's subscribers, its group contracts, and the coverage of record."""

from dataclasses import astuple
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain.coverage import ContractKey, CoverageKey, check_contract, check_key, check_subscriber
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.billing import INVOICE_STATUS_FILTER, PremiumInvoice
from benegraph.graphql.types.enums import OrderDirection, describe_enum
from benegraph.graphql.types.fields import to_many, to_one, to_page
from benegraph.graphql.types.node import VERSION_DESCRIPTION, Node, lookup_by_key, parse_id_prefix
from benegraph.graphql.types.paging import MAX_PAGE_SIZE, Connection
from benegraph.graphql.types.scalars import Cents

if TYPE_CHECKING:
    from benegraph.graphql.types.employers import Employer
    from benegraph.graphql.types.enrollments import Enrollment
    from benegraph.graphql.types.people import Employee

SUBSCRIBER_ID_DESCRIPTION = "The carrier's subscriber number, 1 to 9 characters."
GROUP_ID_DESCRIPTION = "The carrier's group code, 1 to 20 characters."
DIVISION_ID_DESCRIPTION = "The carrier's code of the division within the group, 1 to 20 characters."
GROUP_COVERAGE_START_DESCRIPTION = (
    "The first day of the group contract's coverage. Together with group and division it identifies the contract."
)
START_DATE_DESCRIPTION = "The first day of coverage."


class SubscriberEnrollmentOrderField(StrEnum):
    """Sort fields of coverage of record. The values are the names of the store's orders."""

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
    "The fields by which coverage of record can be sorted. Nulls come last in both directions.",
    {
        "START_DATE": "The first day of coverage.",
        "END_DATE": "The last day of coverage.",
        "GROUP_ID": "The carrier's group code.",
        "DIVISION_ID": "The carrier's code of the division.",
        "GROUP_COVERAGE_START": "The first day of the group contract's coverage.",
        "PAID_THROUGH": "The last day for which premiums are paid.",
        "ANNUAL_MAX": "The annual maximum benefit.",
        "LIFETIME_MAX": "The lifetime maximum benefit.",
        "DATE_EMPLOYED": "The first day of employment.",
        "ELIGIBILITY_DATE": "The first day of eligibility.",
        "ORIGINAL_ENROLLMENT_DATE": "The first day of coverage with this or a previous carrier.",
        "POLICY_NUMBER": "The policy number.",
        "TERM_DATE": "The day on which the employment ended.",
        "ENTRY_DATE": "The instant at which the record was created.",
        "ENTRY_USER": "The value of `entryUser`.",
        "UPDATE_DATE": "The instant at which the record was last changed.",
        "UPDATE_USER": "The value of `updateUser`.",
    },
)


@strawberry.input(description="A sort field of coverage of record, with its direction.")
class SubscriberEnrollmentOrder:
    field: SubscriberEnrollmentOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="The sort direction. Nulls come last in both directions."
    )

    @property
    def is_descending(self) -> bool:
        return self.direction is OrderDirection.DESC


@strawberry.input(description="The five fields that together identify a coverage of record.")
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


@strawberry.input(
    description="A filter on group contracts. All fields must match; an omitted or null field matches every contract."
)
class GroupContractFilter:
    employer_id: strawberry.ID | None = strawberry.field(description="Contracts of this employer.")
    group_id: str | None = strawberry.field(description="Contracts of this group, by the carrier's code.")

    def to_store_filter(self) -> store.coverage.GroupContractFilter:
        """Return the store's filter. Raises BadInput for a malformed ID, and for U+0000, which no row holds."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        if "\0" in (self.group_id or ""):
            raise BadInput("A filter can't contain the character U+0000.")
        return store.coverage.GroupContractFilter(self.employer_id, self.group_id)


@strawberry.type(description="A carrier's insurance contract with a division of a group.")
class GroupContract(Node):
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] | None = to_one(
        store.employers.by_ids, "employer_id", "The employer that the group belongs to; null if none is linked."
    )
    group_id: str = strawberry.field(description="The carrier's group code.")
    division_id: str = strawberry.field(description="The carrier's code of the division within the group.")
    coverage_start: date = strawberry.field(description="The first day of the contract's coverage.")
    coverage_end: date | None = strawberry.field(
        description="The last day of the contract's coverage, inclusive; null while open-ended."
    )
    policy_number: str | None = strawberry.field(description="The policy number; null if unknown.")
    version: int = strawberry.field(description=VERSION_DESCRIPTION)
    invoices: Connection[PremiumInvoice] = to_page(
        store.billing.of_contracts,
        "id",
        "The invoices for the division and its subscribers whose billed period starts under this contract, by the first"
        " day of that period.",
        filter=INVOICE_STATUS_FILTER,
    )


@strawberry.type(
    description="A subscriber's coverage of record at the carrier, under a group contract and for one period."
)
class SubscriberEnrollment(Node):
    subscriber: Annotated["Subscriber", strawberry.lazy("benegraph.graphql.types.coverage")] = to_one(
        store.coverage.subscribers_by_numbers, "subscriber_id", "The covered subscriber."
    )
    subscriber_id: str = strawberry.field(description="The carrier's subscriber number.")
    group_id: str = strawberry.field(description="The carrier's group code.")
    division_id: str = strawberry.field(description="The carrier's code of the division within the group.")
    group_coverage_start: date = strawberry.field(description="The first day of the group contract's coverage.")
    start_date: date = strawberry.field(description="The first day of coverage.")
    end_date: date | None = strawberry.field(description="The last day of coverage, inclusive; null while open-ended.")
    annual_max_cents: Cents | None = strawberry.field(
        description="The annual maximum benefit in cents; null if unknown. The gateway only stores it."
    )
    lifetime_max_cents: Cents | None = strawberry.field(
        description="The lifetime maximum benefit in cents; null if unknown. The gateway only stores it."
    )
    date_employed: date | None = strawberry.field(
        description="The first day of the subscriber's employment; null if unknown."
    )
    eligibility_date: date | None = strawberry.field(
        description="The first day on which the subscriber was eligible; null if unknown."
    )
    original_enrollment_date: date | None = strawberry.field(
        description=(
            "The first day on which the subscriber was covered, before `startDate` if another carrier insured the group"
            " earlier; null if unknown."
        )
    )
    paid_through: date | None = strawberry.field(
        description="The last day, inclusive, through which premiums are paid without a gap; null if no day is paid."
    )
    policy_number: str | None = strawberry.field(description="The policy number; null if unknown.")
    term_date: date | None = strawberry.field(
        description="The day on which the subscriber's employment ended; null if it hasn't ended or is unknown."
    )
    created_at: datetime = strawberry.field(name="entryDate", description="When the record was created.")
    entry_user: str = strawberry.field(
        description="The creator of the record: the ID of the API key, or a pseudonym of the token's subject."
    )
    updated_at: datetime = strawberry.field(name="updateDate", description="When the record was last changed.")
    update_user: str = strawberry.field(
        description="The author of the last change: the ID of the API key, or a pseudonym of the token's subject."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)
    group_contract: GroupContract | None = to_one(
        store.coverage.contracts_by_ids,
        "group_contract_id",
        "The group contract of this coverage; null if the viewer may not see it.",
    )
    enrollments: list[Annotated["Enrollment", strawberry.lazy("benegraph.graphql.types.enrollments")]] = to_many(
        store.coverage.elections_of,
        "id",
        "The elections that this coverage of record represents; empty if the carrier recorded it independently. An"
        " election that a move divided belongs to the last coverage; `continues` leads to the earlier ones.",
    )
    continues: Annotated["SubscriberEnrollment", strawberry.lazy("benegraph.graphql.types.coverage")] | None = to_one(
        store.coverage.by_ids,
        "continues_id",
        "The coverage of record in the division that the employee left on the day before this one starts; null unless"
        " this one follows a move between divisions.",
    )
    continued_by: Annotated["SubscriberEnrollment", strawberry.lazy("benegraph.graphql.types.coverage")] | None = (
        to_one(
            store.coverage.by_continued_ids,
            "id",
            "The coverage of record in the division that the employee moved to; null unless a move ended this one.",
        )
    )


@strawberry.type(description="A person in the carrier's records, covered or not.")
class Subscriber(Node):
    subscriber_id: str = strawberry.field(description="The carrier's subscriber number.")
    first_name: str | None = strawberry.field(description="The first name; null if unknown.")
    last_name: str | None = strawberry.field(description="The last name; null if unknown.")
    employee: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.by_ids, "employee_id", "The employee who is this subscriber; null if none is linked."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)
    invoices: Connection[PremiumInvoice] = to_page(
        store.billing.of_subscribers,
        "subscriber_id",
        "The invoices for this subscriber alone, oldest first. Invoices for the whole division are not included.",
    )
    enrollments: Connection[SubscriberEnrollment] = to_page(
        store.coverage.of_subscribers,
        "subscriber_id",
        "The subscriber's coverage of record, by `startDate` unless `orderBy` is passed.",
        order_by=list[SubscriberEnrollmentOrder],
        default_page_size=MAX_PAGE_SIZE,
        has_offset=True,
    )


# ------------------------------------------------------------------------------------------ lookups by natural key


def _build_subscriber_key(
    subscriber_id: Annotated[str, strawberry.argument(description=SUBSCRIBER_ID_DESCRIPTION)],
) -> Any:
    return None if any(check_subscriber(subscriber_id, None, None)) else subscriber_id


def _build_contract_key(
    group_id: Annotated[str, strawberry.argument(description=GROUP_ID_DESCRIPTION)],
    division_id: Annotated[str, strawberry.argument(description=DIVISION_ID_DESCRIPTION)],
    coverage_start: Annotated[date, strawberry.argument(description="The first day of the contract's coverage.")],
) -> Any:
    key = ContractKey(group_id, division_id, coverage_start)
    return None if any(check_contract(key, None, None)) else astuple(key)


def _build_coverage_key(
    key: Annotated[
        SubscriberEnrollmentKey,
        strawberry.argument(description="The five fields that identify the coverage of record."),
    ],
) -> Any:
    coverage_key = key.to_domain_key()
    return None if any(check_key(coverage_key)) else astuple(coverage_key)


@strawberry.type
class CoverageQuery:
    subscriber: Subscriber | None = lookup_by_key(
        "Subscriber",
        store.coverage.subscribers_by_numbers,
        _build_subscriber_key,
        "Look up a subscriber by number. Null if the subscriber doesn't exist or the viewer may not see them.",
    )
    subscribers: Connection[Subscriber] = to_page(
        store.coverage.subscriber_page, None, "All subscribers that the viewer may see, oldest first."
    )
    group_contracts: Connection[GroupContract] = to_page(
        store.coverage.contract_page,
        None,
        "All group contracts that the viewer may see, oldest first. Employees see none.",
        filter=GroupContractFilter,
    )
    group_contract: GroupContract | None = lookup_by_key(
        "GroupContract",
        store.coverage.contracts_by_keys,
        _build_contract_key,
        "Look up a contract by group, division and start. Null if it doesn't exist or the viewer may not see it.",
    )
    subscriber_enrollment: SubscriberEnrollment | None = lookup_by_key(
        "SubscriberEnrollment",
        store.coverage.by_keys,
        _build_coverage_key,
        "Look up a coverage of record by its key. Null if it doesn't exist or the viewer may not see it.",
    )
