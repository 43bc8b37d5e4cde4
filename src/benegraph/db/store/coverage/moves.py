"""The rows that a move between divisions depends on. The caller holds the lock of the employee."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, select

from benegraph.db.models import DivisionMove, Enrollment, GroupContract, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import visibility_conditions


async def list_move_dates(tx: Transaction, employee_id: str) -> Sequence[date]:
    """List the effective dates of an employee's moves, oldest first."""
    result = await tx.session.scalars(
        select(DivisionMove.effective_on)
        .where(
            *visibility_conditions(tx.scope, DivisionMove, DivisionMove.employer_id, DivisionMove.employee_id),
            DivisionMove.employee_id == employee_id,
        )
        .order_by(DivisionMove.effective_on)
    )
    return result.all()


async def list_contracts_of_division(tx: Transaction, employer_id: str, division_id: str) -> Sequence[GroupContract]:
    """List an employer's contracts of a division, in all groups."""
    result = await tx.session.scalars(
        select(GroupContract)
        .where(
            *visibility_conditions(tx.scope, GroupContract, GroupContract.employer_id),
            GroupContract.employer_id == employer_id,
            GroupContract.division_id == division_id,
        )
        .order_by(GroupContract.id)
    )
    return result.all()


async def list_covered_groups(tx: Transaction, employee_id: str, from_day: date) -> Sequence[Any]:
    """List the elected coverage of an employee on or after a day that is recorded with a carrier.

    Returns the ID, the last day, the group and the start of the group's coverage of each enrollment, in order of IDs.
    """
    plan_year = and_(PlanYear.tenant_id == Enrollment.tenant_id, PlanYear.id == Enrollment.plan_year_id)
    result = await tx.session.execute(
        select(Enrollment.id, Enrollment.coverage_ends_on, PlanYear.group_id, PlanYear.group_coverage_start)
        .join(PlanYear, plan_year)
        .where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id, Enrollment.employee_id),
            Enrollment.employee_id == employee_id,
            Enrollment.coverage_ends_on >= from_day,
            PlanYear.group_id.is_not(None),
        )
        .order_by(Enrollment.id)
    )
    return result.all()
