"""Locks of group contracts, and the rows that stand in the way when one ends."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from benegraph.db.models import Employee, GroupContract, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import is_employed_from, visibility_conditions


async def find_contract_employer(tx: Transaction, id: str) -> GroupContract | None:
    """Find a contract by its ID without locking it. The employer of a contract never changes."""
    return await tx.session.scalar(
        select(GroupContract).where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id), GroupContract.id == id
        )
    )


async def lock_contract(tx: Transaction, id: str) -> GroupContract | None:
    """Lock a contract. The caller holds the exclusive lock of its employer, if it has one."""
    return await tx.session.scalar(
        select(GroupContract)
        .where(*visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id), GroupContract.id == id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def list_coverage_past(
    tx: Transaction, contract: GroupContract, last_day: date
) -> Sequence[SubscriberEnrollment]:
    """List the coverage of record under a contract that runs past a day, in order of IDs."""
    result = await tx.session.scalars(
        select(SubscriberEnrollment)
        .where(
            *visibility_conditions(tx.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id),
            SubscriberEnrollment.group_id == contract.group_id,
            SubscriberEnrollment.division_id == contract.division_id,
            SubscriberEnrollment.group_coverage_start == contract.coverage_start,
            or_(SubscriberEnrollment.end_date.is_(None), SubscriberEnrollment.end_date > last_day),
        )
        .order_by(SubscriberEnrollment.id)
    )
    return result.all()


async def list_employees_without_contract(tx: Transaction, contract: GroupContract, last_day: date) -> Sequence[str]:
    """List the IDs of the division's employees whose employment runs past a contract's last day.

    Empty if the employer has another contract of the division that covers the next day.
    """
    next_day = last_day + timedelta(days=1)
    other = aliased(GroupContract)
    has_successor = (
        select(other.id)
        .where(
            other.tenant_id == contract.tenant_id,
            other.employer_id == contract.employer_id,
            other.division_id == contract.division_id,
            other.id != contract.id,
            other.coverage_start <= next_day,
            or_(other.coverage_end.is_(None), other.coverage_end >= next_day),
        )
        .exists()
    )
    result = await tx.session.scalars(
        select(Employee.id)
        .where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id),
            Employee.employer_id == contract.employer_id,
            Employee.division_id == contract.division_id,
            is_employed_from(next_day),
            ~has_successor,
        )
        .order_by(Employee.id)
    )
    return result.all()
