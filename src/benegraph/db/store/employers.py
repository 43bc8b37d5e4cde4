"""Employers and their divisions: reads and locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, false, or_, select

from benegraph.db.models import Division, Employee, Employer, Enrollment, SubscriberEnrollment
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store import billing
from benegraph.db.store.conditions import is_employed_from, today_at, visibility_conditions
from benegraph.db.store.row_queries import ManyByKey, OneByKey, PagedRows
from benegraph.domain.billing import InvoiceStatus


@dataclass(frozen=True, slots=True)
class DivisionFilter:
    """A filter of divisions; None does not filter."""

    employer_id: str | None = None
    active: bool | None = None


def rows(scope: QueryScope) -> Select[Any]:
    """Select the employers that the viewer may see, each with today's date in its time zone."""
    return select(*Employer.__table__.c, today_at(scope).label("today")).where(
        *visibility_conditions(scope, Employer, Employer.id)
    )


def division_rows(scope: QueryScope) -> Select[Any]:
    """Select the divisions that the viewer may see; employees see none."""
    divisions = select(*Division.__table__.c).where(*visibility_conditions(scope, Division, Division.employer_id))
    return divisions if scope.employee_id is None else divisions.where(false())


def apply_division_filter(_scope: QueryScope, divisions: Select[Any], filter: DivisionFilter) -> Select[Any]:
    if filter.employer_id is not None:
        divisions = divisions.where(Division.employer_id == filter.employer_id)
    if filter.active is not None:
        divisions = divisions.where(Division.active.is_(filter.active))
    return divisions


by_ids = OneByKey(rows, Employer.id)
page = PagedRows(rows, None, {"ID": (Employer.id,)})
divisions_by_ids = OneByKey(division_rows, Division.id)
division_page = PagedRows(division_rows, None, {"ID": (Division.id,)}, apply_division_filter)
divisions_of = ManyByKey(division_rows, Division.employer_id, (Division.code,))


async def lock(tx: Transaction, id: str, *, shared: bool = False) -> Employer | None:
    """Lock an employer: shared to change its people, exclusively to open or close its plan years.

    The two locks conflict, so no employee is hired while enrollments are issued.
    """
    statement = select(Employer).where(*visibility_conditions(tx.scope, Employer, Employer.id), Employer.id == id)
    return await tx.session.scalar(statement.with_for_update(read=shared, key_share=not shared))


async def list_obstacles(tx: Transaction, id: str, today: date) -> dict[str, Sequence[str]]:
    """List the IDs of all rows that keep an employer active, by kind: see `domain.employers.check_deactivation`."""
    invoices = billing.rows(tx.scope).subquery()
    statements = {
        "employees": select(Employee.id).where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id),
            Employee.employer_id == id,
            is_employed_from(today),
        ),
        "enrollments": select(Enrollment.id).where(
            *visibility_conditions(tx.scope, Enrollment, Enrollment.employer_id),
            Enrollment.employer_id == id,
            Enrollment.coverage_ends_on >= today,
        ),
        "records": select(SubscriberEnrollment.id).where(
            *visibility_conditions(tx.scope, SubscriberEnrollment, SubscriberEnrollment.employer_id),
            SubscriberEnrollment.employer_id == id,
            or_(SubscriberEnrollment.end_date.is_(None), SubscriberEnrollment.end_date >= today),
        ),
        "invoices": select(invoices.c.id).where(invoices.c.employer_id == id, invoices.c.status == InvoiceStatus.OPEN),
    }
    return {
        kind: (await tx.session.scalars(statement.order_by(statement.selected_columns[0]))).all()
        for kind, statement in statements.items()
    }


async def get_division(tx: Transaction, id: str) -> Division | None:
    """Return a division that the viewer may see, or None. The lock of its employer protects it."""
    return await tx.session.scalar(
        select(Division)
        .where(*visibility_conditions(tx.scope, Division, Division.employer_id), Division.id == id)
        .execution_options(populate_existing=True)
    )


async def find_division(tx: Transaction, employer_id: str, code: str) -> Division | None:
    """Return the division of an employer with this code, or None."""
    return await tx.session.scalar(
        select(Division).where(
            *visibility_conditions(tx.scope, Division, Division.employer_id),
            Division.employer_id == employer_id,
            Division.code == code,
        )
    )


async def list_employed_in_division(tx: Transaction, division: Division, today: date) -> Sequence[str]:
    """List the IDs of the people of a division who are employed today or later."""
    result = await tx.session.scalars(
        select(Employee.id)
        .where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id),
            Employee.employer_id == division.employer_id,
            Employee.division_id == division.code,
            is_employed_from(today),
        )
        .order_by(Employee.id)
    )
    return result.all()
