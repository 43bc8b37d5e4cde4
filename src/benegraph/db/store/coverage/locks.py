"""Locks and writes of coverage. Subscribers are locked first, in order of their numbers, then their coverage."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import aliased

from benegraph.db.cached_statements import fetch
from benegraph.db.models import (
    Division,
    DivisionMove,
    Enrollment,
    GroupContract,
    PlanYear,
    Subscriber,
    SubscriberEnrollment,
    Tenant,
)
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import any_of, array_of_rows, visibility_conditions
from benegraph.domain.coverage import ContractKey


async def lock_subscribers(tx: Transaction, subscriber_ids: Collection[str]) -> dict[str, Subscriber]:
    """Lock subscribers by their numbers. Every write of a subscriber's coverage takes this lock."""
    result = await tx.session.scalars(
        select(Subscriber)
        .where(Subscriber.tenant_id == tx.viewer.tenant_id, Subscriber.subscriber_id == any_of(subscriber_ids))
        .order_by(Subscriber.subscriber_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.subscriber_id: row for row in result}


async def find_contracts(tx: Transaction, keys: Collection[ContractKey]) -> dict[ContractKey, GroupContract]:
    """Find contracts by group, division and coverage start, and lock them shared: their end must not change."""
    key_columns = tuple_(GroupContract.group_id, GroupContract.division_id, GroupContract.coverage_start)
    result = await tx.session.scalars(
        select(GroupContract)
        .where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
            key_columns.in_([(key.group_id, key.division_id, key.coverage_start) for key in keys]),
        )
        .order_by(GroupContract.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return {ContractKey(row.group_id, row.division_id, row.coverage_start): row for row in result}


async def lock_coverage(tx: Transaction, subscriber_ids: Collection[str]) -> Sequence[SubscriberEnrollment]:
    """Lock all coverage of some subscribers, in order of their numbers. The caller holds the subscribers' locks.

    Returns plain rows, which the session doesn't know.
    """
    numbers = sorted(subscriber_ids)
    if len(numbers) == 1:
        return await fetch(tx, _coverage_of_one, {"number": numbers[0]})
    return await fetch(tx, _coverage_of_many, {"numbers": numbers}) if numbers else []


def _coverage_of(scope: QueryScope, number: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*SubscriberEnrollment.__table__.c)
        .where(SubscriberEnrollment.tenant_id == scope.tenant_id, SubscriberEnrollment.subscriber_id == number)
        .order_by(SubscriberEnrollment.id)
        .with_for_update(key_share=True)
    )


def _coverage_of_one(scope: QueryScope) -> Select[Any]:
    return _coverage_of(scope, bindparam("number", type_=Text))


def _coverage_of_many(scope: QueryScope) -> Select[Any]:
    # A lateral join reads one subscriber at a time. A plan for a comparison with all numbers, made while the table was
    # small, would read the whole table once it is large.
    unnested = func.unnest(bindparam("numbers", type_=ARRAY(Text(collation="C")))).table_valued("number")
    numbers = unnested.render_derived("given")
    coverage = _coverage_of(scope, numbers.c.number).lateral("part")
    return select(*coverage.c).join_from(numbers, coverage, true())


async def find_linked_ids(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Return which of these coverages hold elected days.

    These are the coverages that an election is linked to, those of the carrier's own that start during an election
    and thus hold its days from then on, and those that another coverage continues after a move between divisions.
    """
    linked = aliased(SubscriberEnrollment)
    in_division = and_(
        linked.tenant_id == SubscriberEnrollment.tenant_id,
        linked.subscriber_id == SubscriberEnrollment.subscriber_id,
        linked.group_id == SubscriberEnrollment.group_id,
        linked.division_id == SubscriberEnrollment.division_id,
    )
    follows = and_(linked.tenant_id == Enrollment.tenant_id, linked.id == Enrollment.subscriber_enrollment_id)
    continued = select(SubscriberEnrollment.continues_id).where(
        SubscriberEnrollment.tenant_id == tx.viewer.tenant_id, SubscriberEnrollment.continues_id == any_of(ids)
    )
    holding = (
        select(SubscriberEnrollment.id)
        .join(linked, in_division)
        .join(Enrollment, follows)
        .where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id,
            SubscriberEnrollment.id == any_of(ids),
            or_(
                linked.id == SubscriberEnrollment.id,
                SubscriberEnrollment.start_date.between(Enrollment.coverage_starts_on, Enrollment.coverage_ends_on),
            ),
        )
    )
    return set(await tx.session.scalars(holding.union(continued)))


async def delete_coverage(tx: Transaction, ids: Collection[str]) -> None:
    await tx.session.execute(
        delete(SubscriberEnrollment).where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id, SubscriberEnrollment.id == any_of(ids)
        )
    )


async def list_linked_division_ids(tx: Transaction, employee_id: str) -> set[str]:
    """Return the divisions in which coverage of record follows an employee's elections.

    The caller holds the employee's lock.
    """
    follows = and_(
        SubscriberEnrollment.tenant_id == Enrollment.tenant_id,
        SubscriberEnrollment.id == Enrollment.subscriber_enrollment_id,
    )
    result = await tx.session.scalars(
        select(SubscriberEnrollment.division_id)
        .join(Enrollment, follows)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
        )
        .distinct()
    )
    return set(result)


async def list_linked_ids(tx: Transaction, employee_id: str) -> Sequence[str]:
    """List the IDs of the coverage of record that an employee's enrollments are linked to, in order."""
    result = await tx.session.scalars(
        select(Enrollment.subscriber_enrollment_id)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
            Enrollment.subscriber_enrollment_id.is_not(None),
        )
        .distinct()
        .order_by(Enrollment.subscriber_enrollment_id)
    )
    return [id for id in result if id is not None]


async def lock_elected(tx: Transaction, employee_ids: Collection[str]) -> Sequence[Any]:
    """Lock the subscribers linked to employees, in order of their numbers; then return the employees' elections.

    Returns each enrollment that is or should be recorded with a carrier, with the subscriber number, the employer's
    contracts of its group, one for each division, the employee's moves between divisions, and the tenant's
    `autoPaidThrough`. The link of a subscriber changes
    under the lock of its employee and the shared lock of the employer: the caller holds the employees' locks, or the
    employer's exclusively.
    """
    locked = await fetch(tx, _subscribers_of_employees, {"employee_ids": list(employee_ids)})
    if not locked:
        return []
    # A separate statement, because it must see what a renewal has committed while this transaction waited for the
    # subscribers. A renewal changes enrollments without the employees' locks, but it holds the subscribers' locks.
    return await fetch(tx, _elections_with_contracts, {"employee_ids": [row.employee_id for row in locked]})


def _subscribers_of_employees(scope: QueryScope) -> Select[Any]:
    return (
        select(Subscriber.employee_id)
        .where(
            *visibility_conditions(scope, Subscriber, Subscriber.employer_id, Subscriber.employee_id),
            Subscriber.employee_id == any_of(bindparam("employee_ids", type_=ARRAY(Text))),
        )
        .order_by(Subscriber.subscriber_id)
        .with_for_update(key_share=True)
    )


def _elections_with_contracts(scope: QueryScope) -> Select[Any]:
    contracts = array_of_rows(
        (GroupContract.division_id, GroupContract.policy_number, GroupContract.coverage_end),
        *visibility_conditions(scope, GroupContract),
        GroupContract.employer_id == PlanYear.employer_id,
        GroupContract.group_id == PlanYear.group_id,
        GroupContract.coverage_start == PlanYear.group_coverage_start,
    )
    moves = array_of_rows(
        (DivisionMove.effective_on, DivisionMove.from_division_id),
        *visibility_conditions(scope, DivisionMove),
        DivisionMove.employee_id == Enrollment.employee_id,
    )
    auto_paid_through = select(Tenant.auto_paid_through).where(*visibility_conditions(scope, Tenant)).scalar_subquery()
    columns: tuple[Any, ...] = (
        Enrollment.id,
        Enrollment.employee_id,
        Enrollment.coverage_starts_on,
        Enrollment.coverage_ends_on,
        Enrollment.subscriber_enrollment_id,
        PlanYear.group_id,
        PlanYear.group_coverage_start,
        Enrollment.employer_id,
        Subscriber.subscriber_id.label("number"),
        contracts.label("contracts"),
        moves.label("moves"),
        auto_paid_through.label("auto_paid_through"),
    )
    is_linked = and_(Subscriber.tenant_id == Enrollment.tenant_id, Subscriber.employee_id == Enrollment.employee_id)
    return (
        select(*columns)
        .join(PlanYear, and_(PlanYear.tenant_id == Enrollment.tenant_id, PlanYear.id == Enrollment.plan_year_id))
        .join(Subscriber, is_linked)
        .where(
            *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == any_of(bindparam("employee_ids", type_=ARRAY(Text))),
            PlanYear.group_id.is_not(None),
            or_(Enrollment.coverage_ends_on.is_not(None), Enrollment.subscriber_enrollment_id.is_not(None)),
        )
        .order_by(Enrollment.id)
    )


async def find_subscriber(tx: Transaction, subscriber_id: str) -> Any | None:
    """Return the employee of a subscriber that the viewer may see, without locking it; None if there is none."""
    result = await tx.session.execute(
        select(Subscriber.employee_id).where(
            Subscriber.tenant_id == tx.viewer.tenant_id, Subscriber.subscriber_id == subscriber_id
        )
    )
    return result.one_or_none()


async def find_subscriber_numbers(tx: Transaction, employee_ids: Collection[str]) -> dict[str, str]:
    """Return the subscriber number of each employee that is linked to a subscriber."""
    result = await tx.session.execute(
        select(Subscriber.employee_id, Subscriber.subscriber_id).where(
            *visibility_conditions(tx.scope, Subscriber, Subscriber.employer_id, Subscriber.employee_id),
            Subscriber.employee_id == any_of(employee_ids),
        )
    )
    return {employee: number for employee, number in result if employee is not None}


async def list_contracts_of_groups(
    tx: Transaction, employer_ids: Collection[str], groups: Collection[tuple[str, date]]
) -> Sequence[GroupContract]:
    """List these employers' contracts by group and coverage start, one for each division."""
    result = await tx.session.scalars(
        select(GroupContract)
        .where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
            GroupContract.employer_id.in_(employer_ids),
            tuple_(GroupContract.group_id, GroupContract.coverage_start).in_(groups),
        )
        .order_by(GroupContract.division_id)
    )
    return result.all()


async def has_division(tx: Transaction, employer_id: str, division_id: str) -> bool:
    """Return whether an employer has a group contract of this division, and the division is not retired.

    Contracts are never deleted.
    """
    is_contract = select(GroupContract.id).where(
        *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
        GroupContract.employer_id == employer_id,
        GroupContract.division_id == division_id,
    )
    is_retired = select(Division.id).where(
        *visibility_conditions(tx.scope, Division, Division.employer_id),
        Division.employer_id == employer_id,
        Division.code == division_id,
        ~Division.active,
    )
    return bool(await tx.session.scalar(select(and_(is_contract.exists(), ~is_retired.exists()))))


async def update_employee_id(
    tx: Transaction, subscriber_id: str, employee_id: str | None, current_id: str | None, from_day: date | None = None
) -> None:
    """Set the employee of a subscriber's coverage that is now the current employee's; row-level security reads it.

    Coverage of an earlier employment stays with it, and so does coverage that ends before `from_day`.
    """
    await tx.session.execute(
        update(SubscriberEnrollment)
        .where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id,
            SubscriberEnrollment.subscriber_id == subscriber_id,
            SubscriberEnrollment.employee_id.is_not_distinct_from(current_id),
            or_(SubscriberEnrollment.end_date.is_(None), SubscriberEnrollment.end_date >= (from_day or date.min)),
        )
        .values(employee_id=employee_id)
    )
