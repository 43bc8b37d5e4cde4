"""What services lock and write of coverage: subscribers first, in order of their numbers, then what is theirs."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, Row, Text, and_, delete, func, literal, or_, select, true, tuple_, update
from sqlalchemy.orm import aliased

from benegraph.db.models import Enrollment, GroupContract, PlanYear, Subscriber, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.scope import among, visible
from benegraph.domain.coverage import ContractKey


async def lock_subscribers(tx: Transaction, subscriber_ids: Collection[str]) -> dict[str, Subscriber]:
    """Lock subscribers by the carrier's numbers; whoever writes coverage of theirs holds this lock."""
    found = await tx.session.scalars(
        select(Subscriber)
        .where(Subscriber.tenant_id == tx.viewer.tenant_id, Subscriber.subscriber_id == among(subscriber_ids))
        .order_by(Subscriber.subscriber_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.subscriber_id: row for row in found}


async def contracts_by_key(tx: Transaction, keys: Collection[ContractKey]) -> dict[ContractKey, GroupContract]:
    """Find contracts by group, division and start; they never change, so nothing is locked."""
    named = tuple_(GroupContract.group_id, GroupContract.division_id, GroupContract.coverage_start)
    found = await tx.session.scalars(
        select(GroupContract).where(
            *visible(tx, GroupContract, GroupContract.employer_id),
            named.in_([(key.group_id, key.division_id, key.coverage_start) for key in keys]),
        )
    )
    return {ContractKey(row.group_id, row.division_id, row.coverage_start): row for row in found}


async def lock_coverage(tx: Transaction, subscriber_ids: Collection[str]) -> Sequence[SubscriberEnrollment]:
    """Lock all coverage of some subscribers, in order of their numbers; their own lock is held already."""
    # One subscriber at a time: a plan made for them all while the table was small reads all of it when it is large.
    given = func.unnest(literal(sorted(subscriber_ids), ARRAY(Text(collation="C")))).table_valued("number")
    numbers = given.render_derived("given")
    part = (
        select(SubscriberEnrollment)
        .where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id,
            SubscriberEnrollment.subscriber_id == numbers.c.number,
        )
        .order_by(SubscriberEnrollment.id)
        .with_for_update(key_share=True)
        .lateral("part")
    )
    found = await tx.session.scalars(
        select(aliased(SubscriberEnrollment, part))
        .join_from(numbers, part, true())
        .execution_options(populate_existing=True)
    )
    return found.all()


async def linked(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Tell which of these coverages come from an election."""
    found = await tx.session.scalars(
        select(Enrollment.subscriber_enrollment_id)
        .where(Enrollment.tenant_id == tx.viewer.tenant_id, Enrollment.subscriber_enrollment_id == among(ids))
        .distinct()
    )
    return {id for id in found if id is not None}


async def remove(tx: Transaction, ids: Collection[str]) -> None:
    await tx.session.execute(
        delete(SubscriberEnrollment).where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id, SubscriberEnrollment.id == among(ids)
        )
    )


async def elected(tx: Transaction, employee_ids: Collection[str]) -> Sequence[Row[Any]]:
    """Read what of these employees' enrollments is recorded with a carrier, or is to be; under the employees' locks."""
    columns: tuple[Any, ...] = (
        Enrollment.id,
        Enrollment.employee_id,
        Enrollment.coverage_starts_on,
        Enrollment.coverage_ends_on,
        Enrollment.subscriber_enrollment_id,
        PlanYear.group_id,
        PlanYear.group_coverage_start,
    )
    found = await tx.session.execute(
        select(*columns)
        .join(PlanYear, and_(PlanYear.tenant_id == Enrollment.tenant_id, PlanYear.id == Enrollment.plan_year_id))
        .where(
            *visible(tx, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == among(employee_ids),
            PlanYear.group_id.is_not(None),
            or_(Enrollment.coverage_ends_on.is_not(None), Enrollment.subscriber_enrollment_id.is_not(None)),
        )
        .order_by(Enrollment.id)
    )
    return found.all()


async def numbers_of(tx: Transaction, employee_ids: Collection[str]) -> dict[str, str]:
    """Tell which employees are subscribers, and the carrier's number of each."""
    found = await tx.session.execute(
        select(Subscriber.employee_id, Subscriber.subscriber_id).where(
            *visible(tx, Subscriber, Subscriber.employer_id, Subscriber.employee_id),
            Subscriber.employee_id == among(employee_ids),
        )
    )
    return {employee: number for employee, number in found if employee is not None}


async def contracts_of_groups(
    tx: Transaction, employer_ids: Collection[str], groups: Collection[tuple[str, date]]
) -> Sequence[GroupContract]:
    """Find these employers' contracts by group and start, one a division."""
    found = await tx.session.scalars(
        select(GroupContract)
        .where(
            *visible(tx, GroupContract, GroupContract.employer_id),
            GroupContract.employer_id.in_(employer_ids),
            tuple_(GroupContract.group_id, GroupContract.coverage_start).in_(groups),
        )
        .order_by(GroupContract.division_id)
    )
    return found.all()


async def hand_over(tx: Transaction, subscriber_id: str, employee_id: str | None) -> None:
    """Say of all coverage of a subscriber whose it is, as row-level security reads it."""
    await tx.session.execute(
        update(SubscriberEnrollment)
        .where(
            SubscriberEnrollment.tenant_id == tx.viewer.tenant_id, SubscriberEnrollment.subscriber_id == subscriber_id
        )
        .values(employee_id=employee_id)
    )
