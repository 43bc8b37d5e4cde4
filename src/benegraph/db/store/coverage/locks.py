"""What services lock and write of coverage: subscribers first, in order of their numbers, then what is theirs."""

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

from benegraph.db.cached_statements import fetch
from benegraph.db.models import Enrollment, GroupContract, PlanYear, Subscriber, SubscriberEnrollment
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import any_of, array_of_rows, visibility_conditions
from benegraph.domain.coverage import ContractKey


async def lock_subscribers(tx: Transaction, subscriber_ids: Collection[str]) -> dict[str, Subscriber]:
    """Lock subscribers by the carrier's numbers; whoever writes coverage of theirs holds this lock."""
    found = await tx.session.scalars(
        select(Subscriber)
        .where(Subscriber.tenant_id == tx.viewer.tenant_id, Subscriber.subscriber_id == any_of(subscriber_ids))
        .order_by(Subscriber.subscriber_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.subscriber_id: row for row in found}


async def find_contracts(tx: Transaction, keys: Collection[ContractKey]) -> dict[ContractKey, GroupContract]:
    """Find contracts by group, division and start; they never change, so nothing is locked."""
    named = tuple_(GroupContract.group_id, GroupContract.division_id, GroupContract.coverage_start)
    found = await tx.session.scalars(
        select(GroupContract).where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
            named.in_([(key.group_id, key.division_id, key.coverage_start) for key in keys]),
        )
    )
    return {ContractKey(row.group_id, row.division_id, row.coverage_start): row for row in found}


async def lock_coverage(tx: Transaction, subscriber_ids: Collection[str]) -> Sequence[SubscriberEnrollment]:
    """Lock all coverage of some subscribers, in order of their numbers; their own lock is held already.

    It comes as plain rows, which stand for coverages.
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
    # One subscriber at a time: a plan made for them all while the table was small reads all of it when it is large.
    given = func.unnest(bindparam("numbers", type_=ARRAY(Text(collation="C")))).table_valued("number")
    numbers = given.render_derived("given")
    part = _coverage_of(scope, numbers.c.number).lateral("part")
    return select(*part.c).join_from(numbers, part, true())


async def find_elected_ids(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Tell which of these coverages come from an election."""
    found = await tx.session.scalars(
        select(Enrollment.subscriber_enrollment_id)
        .where(Enrollment.tenant_id == tx.viewer.tenant_id, Enrollment.subscriber_enrollment_id == any_of(ids))
        .distinct()
    )
    return {id for id in found if id is not None}


async def delete_coverage(tx: Transaction, ids: Collection[str]) -> None:
    await tx.session.execute(
        delete(SubscriberEnrollment).where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id, SubscriberEnrollment.id == any_of(ids)
        )
    )


async def list_synced_division_ids(tx: Transaction, employee_id: str) -> set[str]:
    """Tell under which divisions coverage of record follows an employee's elections; under the employee's lock."""
    follows = and_(
        SubscriberEnrollment.tenant_id == Enrollment.tenant_id,
        SubscriberEnrollment.id == Enrollment.subscriber_enrollment_id,
    )
    found = await tx.session.scalars(
        select(SubscriberEnrollment.division_id)
        .join(Enrollment, follows)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
        )
        .distinct()
    )
    return set(found)


async def lock_elected(tx: Transaction, employee_ids: Collection[str]) -> Sequence[Any]:
    """Lock the subscribers that employees are, in order of their numbers, and then read what they have elected.

    Each enrollment that is recorded with a carrier, or is to be, comes with the subscriber's number and the employer's
    contracts of its group, one a division. Who is which subscriber changes under the employee's lock and the
    employer's, shared: the caller holds the employees', or the employer's alone.
    """
    held = await fetch(tx, _subscribers_held, {"employee_ids": list(employee_ids)})
    # In a turn of its own: a renewal changes enrollments under no lock of the employees'. But it holds the subscribers
    # then, and who has waited for these must see what it left.
    return await fetch(tx, _elected_with_contracts, {"employee_ids": [row.employee_id for row in held]}) if held else []


def _subscribers_held(scope: QueryScope) -> Select[Any]:
    return (
        select(Subscriber.employee_id)
        .where(
            *visibility_conditions(scope, Subscriber, Subscriber.employer_id, Subscriber.employee_id),
            Subscriber.employee_id == any_of(bindparam("employee_ids", type_=ARRAY(Text))),
        )
        .order_by(Subscriber.subscriber_id)
        .with_for_update(key_share=True)
    )


def _elected_with_contracts(scope: QueryScope) -> Select[Any]:
    contracts = array_of_rows(
        (GroupContract.division_id, GroupContract.policy_number),
        *visibility_conditions(scope, GroupContract),
        GroupContract.employer_id == PlanYear.employer_id,
        GroupContract.group_id == PlanYear.group_id,
        GroupContract.coverage_start == PlanYear.group_coverage_start,
    )
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
    )
    numbered = and_(Subscriber.tenant_id == Enrollment.tenant_id, Subscriber.employee_id == Enrollment.employee_id)
    return (
        select(*columns)
        .join(PlanYear, and_(PlanYear.tenant_id == Enrollment.tenant_id, PlanYear.id == Enrollment.plan_year_id))
        .join(Subscriber, numbered)
        .where(
            *visibility_conditions(scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == any_of(bindparam("employee_ids", type_=ARRAY(Text))),
            PlanYear.group_id.is_not(None),
            or_(Enrollment.coverage_ends_on.is_not(None), Enrollment.subscriber_enrollment_id.is_not(None)),
        )
        .order_by(Enrollment.id)
    )


async def find_subscriber_numbers(tx: Transaction, employee_ids: Collection[str]) -> dict[str, str]:
    """Tell which employees are subscribers, and the carrier's number of each."""
    found = await tx.session.execute(
        select(Subscriber.employee_id, Subscriber.subscriber_id).where(
            *visibility_conditions(tx.scope, Subscriber, Subscriber.employer_id, Subscriber.employee_id),
            Subscriber.employee_id == any_of(employee_ids),
        )
    )
    return {employee: number for employee, number in found if employee is not None}


async def list_contracts_of_groups(
    tx: Transaction, employer_ids: Collection[str], groups: Collection[tuple[str, date]]
) -> Sequence[GroupContract]:
    """Find these employers' contracts by group and start, one a division."""
    found = await tx.session.scalars(
        select(GroupContract)
        .where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
            GroupContract.employer_id.in_(employer_ids),
            tuple_(GroupContract.group_id, GroupContract.coverage_start).in_(groups),
        )
        .order_by(GroupContract.division_id)
    )
    return found.all()


async def update_employee_id(tx: Transaction, subscriber_id: str, employee_id: str | None) -> None:
    """Say of all coverage of a subscriber whose it is, as row-level security reads it."""
    await tx.session.execute(
        update(SubscriberEnrollment)
        .where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id, SubscriberEnrollment.subscriber_id == subscriber_id
        )
        .values(employee_id=employee_id)
    )
