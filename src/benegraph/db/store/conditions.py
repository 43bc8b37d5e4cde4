"""Conditions and expressions that the store's statements share: visible rows, today, arrays of IDs and of rows."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, and_, any_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from benegraph.db.base import TenantScoped
from benegraph.db.models import Employee, Employer
from benegraph.db.query_scope import QueryScope, as_bind_value

Column = InstrumentedAttribute[Any]


def visibility_conditions(
    scope: QueryScope, table: type[TenantScoped], employer: Column | None = None, employee: Column | None = None
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that limit a table's rows to a scope's tenant, employer and employee.

    A column that is None sets no limit. Row-level security enforces the same limits; as conditions of the statement
    they also let PostgreSQL use indexes.
    """
    yield table.tenant_id == scope.tenant_id
    if employer is not None and scope.employer_id is not None:
        yield employer == scope.employer_id
    if employee is not None and scope.employee_id is not None:
        yield employee == scope.employee_id


def is_employed_from(day: date | ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that an employee is employed on a day or later, without regard to the hire date.

    A duplicate that was merged into another record is not employed.
    """
    return and_(or_(Employee.terminated_on.is_(None), Employee.terminated_on > day), Employee.merged_into_id.is_(None))


def any_of(ids: Collection[str] | ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an `= ANY (…)` operand for these IDs.

    They travel as one array, because the driver limits the number of bind parameters.
    """
    return any_(as_bind_value(ids if isinstance(ids, ColumnElement) else list(ids), ARRAY(Text)))


def array_of_rows(columns: Sequence[Column], *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return a subquery that collects the matching rows of another table in one column, as an array of tuples."""
    return func.array(select(func.row(*columns)).where(*conditions).scalar_subquery())


def today_at(scope: QueryScope) -> ColumnElement[date]:
    """Return the current day in the time zone of the employer that the statement joins."""
    return scope.today_at(Employer.time_zone)
