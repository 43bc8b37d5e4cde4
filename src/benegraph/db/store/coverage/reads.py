"""Row queries of coverage: subscribers, group contracts, the coverage of record, and its elections."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from benegraph.db.models import Enrollment, GroupContract, Subscriber, SubscriberEnrollment
from benegraph.db.query_scope import QueryScope
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.enrollments.reads import rows as enrollment_rows
from benegraph.db.store.row_queries import Key, ManyByKey, OneByCompositeKey, OneByKey, PagedRows


def subscriber_rows(scope: QueryScope) -> Select[Any]:
    """Select the subscribers that the viewer may see.

    An employer sees those linked to its employees, and those with coverage under its contracts.
    """
    return select(*Subscriber.__table__.c).where(*_subscriber_conditions(scope))


def _subscriber_conditions(scope: QueryScope) -> Iterator[ColumnElement[bool]]:
    if scope.employer_id is None or scope.employee_id is not None:
        yield from visibility_conditions(scope, Subscriber, Subscriber.employer_id, Subscriber.employee_id)
        return
    has_coverage = exists().where(
        SubscriberEnrollment.tenant_id == Subscriber.tenant_id,
        SubscriberEnrollment.subscriber_id == Subscriber.subscriber_id,
        SubscriberEnrollment.employer_id == scope.employer_id,
    )
    yield from visibility_conditions(scope, Subscriber)
    yield or_(Subscriber.employer_id == scope.employer_id, has_coverage)


def contract_rows(scope: QueryScope) -> Select[Any]:
    """Select the group contracts that the viewer may see; employees see none."""
    contracts = select(*GroupContract.__table__.c).where(
        *visibility_conditions(scope, GroupContract, GroupContract.employer_id)
    )
    return contracts if scope.employee_id is None else contracts.where(false())


@dataclass(frozen=True, slots=True)
class GroupContractFilter:
    """A filter of group contracts; None does not filter."""

    employer_id: str | None = None
    group_id: str | None = None


def apply_contract_filter(_scope: QueryScope, contracts: Select[Any], filter: GroupContractFilter) -> Select[Any]:
    if filter.employer_id is not None:
        contracts = contracts.where(GroupContract.employer_id == filter.employer_id)
    if filter.group_id is not None:
        contracts = contracts.where(GroupContract.group_id == filter.group_id)
    return contracts


def rows(scope: QueryScope) -> Select[Any]:
    """Select the coverage of record that the viewer may see, each with the ID of its group contract."""
    contract = and_(
        GroupContract.tenant_id == SubscriberEnrollment.tenant_id,
        GroupContract.group_id == SubscriberEnrollment.group_id,
        GroupContract.division_id == SubscriberEnrollment.division_id,
        GroupContract.coverage_start == SubscriberEnrollment.group_coverage_start,
    )
    return (
        select(*SubscriberEnrollment.__table__.c, GroupContract.id.label("group_contract_id"))
        # An outer join, because PostgreSQL omits it when its column is not selected: a count then reads one table.
        .outerjoin(GroupContract, contract)
        .where(
            *visibility_conditions(
                scope, SubscriberEnrollment, SubscriberEnrollment.employer_id, SubscriberEnrollment.employee_id
            )
        )
    )


def _order_by(column: Key) -> tuple[Key, ...]:
    return column, SubscriberEnrollment.id


ORDERS = {
    "START_DATE": _order_by(SubscriberEnrollment.start_date),
    "END_DATE": _order_by(SubscriberEnrollment.end_date),
    "GROUP_ID": _order_by(SubscriberEnrollment.group_id),
    "DIVISION_ID": _order_by(SubscriberEnrollment.division_id),
    "GROUP_COVERAGE_START": _order_by(SubscriberEnrollment.group_coverage_start),
    "PAID_THROUGH": _order_by(SubscriberEnrollment.paid_through),
    "ANNUAL_MAX": _order_by(SubscriberEnrollment.annual_max_cents),
    "LIFETIME_MAX": _order_by(SubscriberEnrollment.lifetime_max_cents),
    "DATE_EMPLOYED": _order_by(SubscriberEnrollment.date_employed),
    "ELIGIBILITY_DATE": _order_by(SubscriberEnrollment.eligibility_date),
    "ORIGINAL_ENROLLMENT_DATE": _order_by(SubscriberEnrollment.original_enrollment_date),
    "POLICY_NUMBER": _order_by(SubscriberEnrollment.policy_number),
    "TERM_DATE": _order_by(SubscriberEnrollment.term_date),
    "ENTRY_DATE": _order_by(SubscriberEnrollment.created_at),
    "ENTRY_USER": _order_by(SubscriberEnrollment.entry_user),
    "UPDATE_DATE": _order_by(SubscriberEnrollment.updated_at),
    "UPDATE_USER": _order_by(SubscriberEnrollment.update_user),
}
subscribers_by_ids = OneByKey(subscriber_rows, Subscriber.id)
subscribers_by_numbers = OneByKey(subscriber_rows, Subscriber.subscriber_id)
subscribers_of_employees = OneByKey(subscriber_rows, Subscriber.employee_id)
subscriber_page = PagedRows(subscriber_rows, None, {"ID": (Subscriber.id,)})
contracts_by_ids = OneByKey(contract_rows, GroupContract.id)
contracts_by_keys = OneByCompositeKey(
    contract_rows, (GroupContract.group_id, GroupContract.division_id, GroupContract.coverage_start)
)
contract_page = PagedRows(contract_rows, None, {"ID": (GroupContract.id,)}, apply_contract_filter)
contracts_of_employers = PagedRows(
    contract_rows, GroupContract.employer_id, {"ID": (GroupContract.id,)}, apply_contract_filter
)
by_ids = OneByKey(rows, SubscriberEnrollment.id)
#: By the coverage that another one continues after a move between divisions.
by_continued_ids = OneByKey(rows, SubscriberEnrollment.continues_id)
by_keys = OneByCompositeKey(
    rows,
    (
        SubscriberEnrollment.subscriber_id,
        SubscriberEnrollment.group_id,
        SubscriberEnrollment.division_id,
        SubscriberEnrollment.group_coverage_start,
        SubscriberEnrollment.start_date,
    ),
)
#: By the carrier's subscriber numbers.
of_subscribers = PagedRows(rows, SubscriberEnrollment.subscriber_id, ORDERS)
elections_of = ManyByKey(enrollment_rows, Enrollment.subscriber_enrollment_id, (Enrollment.id,))
