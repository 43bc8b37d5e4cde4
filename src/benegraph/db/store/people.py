"""Employees and dependents: reads, filters and locks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute

from benegraph.db.cached_statements import fetch
from benegraph.db.models import Dependent, Employee, Employer, Enrollment, PlanYear, Subscriber
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import ReadSession, Transaction
from benegraph.db.store.conditions import any_of, is_employed_from, today_at, visibility_conditions
from benegraph.db.store.enrollments.reads import is_answerable
from benegraph.db.store.row_queries import ManyByKey, OneByCompositeKey, OneByKey, PagedRows
from benegraph.domain.people import EmploymentClass


@dataclass(frozen=True, slots=True)
class EmployeeFilter:
    """A filter of employees; None does not filter."""

    employment_class: EmploymentClass | None = None
    active: bool | None = None
    external_id: str | None = None
    #: Each word, which has no accents, must occur in one of the searched columns, ignoring their case and accents.
    words: tuple[str, ...] = ()
    #: Whether the employee has an enrollment that can be answered today.
    not_answered: bool | None = None
    updated_since: datetime | None = None


def rows(scope: QueryScope) -> Select[Any]:
    """Select the employees that the viewer may see, and whether each is active today."""
    today = today_at(scope)
    return (
        select(*_readable(Employee), _is_active(today).label("active"), today.label("today"))
        .outerjoin(Employer, and_(Employer.tenant_id == Employee.tenant_id, Employer.id == Employee.employer_id))
        .where(*visibility_conditions(scope, Employee, Employee.employer_id, Employee.id))
    )


def _unmerged_rows(scope: QueryScope) -> Select[Any]:
    """Select the employees that the viewer may see, without the duplicates that were merged into others."""
    return rows(scope).where(Employee.merged_into_id.is_(None))


def _readable(model: type[Employee | Dependent]) -> list[ColumnElement[Any]]:
    """Return the columns of a person that reads may select: all but the encrypted number and its index."""
    return [column for column in model.__table__.c if column.key not in ("ssn", "ssn_index")]


def _is_active(today: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(Employee.hired_on <= today, is_employed_from(today))


def _rows_with_subscribers(scope: QueryScope) -> Select[Any]:
    """Select the employees that are linked to a subscriber whom the viewer may see."""
    is_linked = and_(
        Subscriber.tenant_id == Employee.tenant_id,
        Subscriber.employer_id == Employee.employer_id,
        Subscriber.employee_id == Employee.id,
    )
    return rows(scope).join(Subscriber, is_linked).where(Subscriber.tenant_id == scope.tenant_id)


def apply_filter(scope: QueryScope, employees: Select[Any], filter: EmployeeFilter) -> Select[Any]:
    if filter.employment_class is not None:
        employees = employees.where(Employee.employment_class == filter.employment_class)
    if filter.external_id is not None:
        employees = employees.where(Employee.external_id == filter.external_id)
    if filter.active is not None:
        is_active = _is_active(today_at(scope))
        employees = employees.where(_of_half(is_active if filter.active else not_(is_active)))
    if filter.not_answered is not None:
        has_answerable = _has_answerable_enrollment(scope)
        employees = employees.where(_of_half(has_answerable if filter.not_answered else not_(has_answerable)))
    if filter.updated_since is not None:
        employees = employees.where(Employee.updated_at >= filter.updated_since)
    for word in filter.words:
        searched = (Employee.first_name, Employee.last_name, Employee.email, Employee.external_id)
        lowered = func.lower(word)
        employees = employees.where(or_(*(_contains(column, lowered) for column in searched)))
    return employees


def _of_half(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition as a CASE.

    The planner expects half of the rows to fulfill it, and reads a page's index instead of sorting the whole list.
    """
    return case((condition, true()), else_=false())


def _has_answerable_enrollment(scope: QueryScope) -> ColumnElement[bool]:
    in_plan_year = and_(
        PlanYear.tenant_id == Enrollment.tenant_id,
        PlanYear.employer_id == Enrollment.employer_id,
        PlanYear.id == Enrollment.plan_year_id,
    )
    return (
        select(Enrollment.id)
        .join(PlanYear, in_plan_year)
        .where(
            Enrollment.tenant_id == Employee.tenant_id,
            Enrollment.employer_id == Employee.employer_id,
            Enrollment.employee_id == Employee.id,
            is_answerable(scope),
        )
        .correlate(Employee, Employer)
        .exists()
    )


def _contains(column: InstrumentedAttribute[Any], lowered: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a word without accents, in lower case, occurs in a column, ignoring the column's case and accents.

    Decomposing a text costs much more than lowering it, so only texts that are not ASCII are decomposed.
    """
    without_accents = func.regexp_replace(
        func.normalize(column, literal_column("NFD")), *map(literal_column, (r"'[\u0300-\u036f]'", "''", "'g'"))
    )
    return or_(
        func.strpos(func.lower(column), lowered) > 0,
        and_(
            func.octet_length(column) != func.char_length(column),
            func.strpos(func.lower(without_accents), lowered) > 0,
        ),
    )


ORDERS = {
    "LAST_NAME": (Employee.last_name, Employee.id),
    "START_DATE": (Employee.hired_on, Employee.id),
    "CREATED_AT": (Employee.created_at, Employee.id),
    "UPDATED_AT": (Employee.updated_at, Employee.id),
}
by_ids = OneByKey(rows, Employee.id)
#: By the record that they were merged into.
merged_into = ManyByKey(rows, Employee.merged_into_id, (Employee.id,))
#: By the former employment that each follows.
by_previous_employment_ids = OneByKey(rows, Employee.previous_employment_id)
by_external_ids = OneByCompositeKey(rows, (Employee.employer_id, Employee.external_id))
by_subscriber_ids = OneByKey(_rows_with_subscribers, Subscriber.subscriber_id)
page = PagedRows(_unmerged_rows, None, ORDERS, apply_filter)
of_employers = PagedRows(_unmerged_rows, Employee.employer_id, ORDERS, apply_filter)


def dependent_rows(scope: QueryScope) -> Select[Any]:
    """Select the dependents that the viewer may see."""
    return select(*_readable(Dependent)).where(
        *visibility_conditions(scope, Dependent, Dependent.employer_id, Dependent.employee_id)
    )


dependents_by_ids = OneByKey(dependent_rows, Dependent.id)
dependents_of = ManyByKey(dependent_rows, Dependent.employee_id, (Dependent.id,))


async def lock_object(tx: Transaction, id: str) -> Employee | None:
    """Lock an employee and return the ORM object, whose changes the session writes; None also for a merged duplicate.

    Take this lock before the locks of the employee's enrollments; `lock_employee` returns a plain row instead.
    """
    statement = select(Employee).where(
        *visibility_conditions(tx.scope, Employee, Employee.employer_id, Employee.id),
        Employee.id == id,
        Employee.merged_into_id.is_(None),
    )
    return await tx.session.scalar(statement.with_for_update(key_share=True).execution_options(populate_existing=True))


async def lock_by_keys(
    tx: Transaction, employer_id: str, ids: Collection[str], external_ids: Collection[str]
) -> Sequence[Employee]:
    """Lock an employer's employees that have one of these IDs or external IDs, in the order of their IDs."""
    result = await tx.session.scalars(
        select(Employee)
        .where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id, Employee.id),
            Employee.employer_id == employer_id,
            or_(Employee.id == any_of(ids), Employee.external_id == any_of(external_ids)),
        )
        .order_by(Employee.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return result.all()


async def lock_employee(tx: Transaction, id: str) -> Any | None:
    """Lock an employee and return a plain row: its columns and the employer's time zone.

    Take this lock before the locks of the employee's enrollments. To change the employee, call `lock_object`.
    """
    rows = await fetch(tx, _locked_employee, {"id": id})
    return rows[0] if rows else None


def _locked_employee(scope: QueryScope) -> Select[Any]:
    columns: tuple[Any, ...] = (
        Employee.id,
        Employee.employer_id,
        Employee.employment_class,
        Employee.division_id,
        Employee.hired_on,
        Employee.class_changed_on,
        Employee.terminated_on,
        Employer.time_zone,
    )
    return (
        select(*columns)
        .join(Employer, and_(Employer.tenant_id == Employee.tenant_id, Employer.id == Employee.employer_id))
        .where(
            *visibility_conditions(scope, Employee, Employee.employer_id, Employee.id),
            Employee.id == bindparam("id"),
            Employee.merged_into_id.is_(None),
        )
        .with_for_update(key_share=True, of=Employee)
    )


async def employer_id_of(tx: Transaction, employee_id: str) -> str | None:
    """Return the ID of the employer of an employee, to be locked first."""
    return await tx.session.scalar(
        select(Employee.employer_id).where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id, Employee.id), Employee.id == employee_id
        )
    )


async def list_employed(read_session: ReadSession, employer_id: str) -> list[tuple[str, str | None]]:
    """List the ID and the external ID of each employee of an employer who is not terminated, by ID."""
    result = await read_session.session.execute(
        select(Employee.id, Employee.external_id)
        .where(
            *visibility_conditions(read_session.scope, Employee, Employee.employer_id, Employee.id),
            Employee.employer_id == employer_id,
            Employee.terminated_on.is_(None),
        )
        .order_by(Employee.id)
    )
    return [(id, external_id) for id, external_id in result]


async def find_next_employment_id(tx: Transaction, employee_id: str) -> str | None:
    """Return the ID of the employment that follows a former one. The caller holds the lock of the former one."""
    return await tx.session.scalar(
        select(Employee.id).where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id),
            Employee.previous_employment_id == employee_id,
        )
    )


async def list_employees(tx: Transaction, employer_id: str) -> Sequence[Employee]:
    """List all employees of an employer, without merged duplicates.

    The caller holds the employer's lock, so that they can't change meanwhile.
    """
    result = await tx.session.scalars(
        select(Employee)
        .where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id, Employee.id),
            Employee.employer_id == employer_id,
            Employee.merged_into_id.is_(None),
        )
        .order_by(Employee.id)
    )
    return result.all()


async def get_dependent(tx: Transaction, id: str) -> Dependent | None:
    """Return a dependent, or None. It changes only under the lock of its employee."""
    return await tx.session.scalar(
        select(Dependent)
        .where(
            *visibility_conditions(tx.scope, Dependent, Dependent.employer_id, Dependent.employee_id),
            Dependent.id == id,
        )
        .execution_options(populate_existing=True)
    )


async def list_dependents(tx: Transaction, employee_ids: Collection[str]) -> Sequence[Dependent]:
    """List all dependents of some employees, active or not."""
    result = await tx.session.scalars(
        select(Dependent)
        .where(
            *visibility_conditions(tx.scope, Dependent, Dependent.employer_id, Dependent.employee_id),
            Dependent.employee_id == any_of(employee_ids),
        )
        .order_by(Dependent.id)
    )
    return result.all()


async def find_dependent_ids(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Return which of these IDs belong to dependents that the viewer may see, of any employee."""
    result = await tx.session.scalars(
        select(Dependent.id).where(
            *visibility_conditions(tx.scope, Dependent, Dependent.employer_id, Dependent.employee_id),
            Dependent.id.in_(ids),
        )
    )
    return set(result)


async def is_ssn_taken(
    tx: Transaction, employer_id: str, indexes: Sequence[bytes], today: date, other_than: str | None
) -> bool:
    """Return whether an active employee of an employer has one of these indexes of a social security number.

    It locks the number until the transaction ends, so that two transactions can't both find that it is free.
    """
    number = f"{tx.viewer.tenant_id}|{employer_id}|{indexes[-1].hex()}"
    await tx.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(number, 0))))
    found = await tx.session.scalar(
        select(Employee.id)
        .where(
            *visibility_conditions(tx.scope, Employee, Employee.employer_id, Employee.id),
            Employee.employer_id == employer_id,
            Employee.ssn_index.in_(indexes),
            is_employed_from(today),
            true() if other_than is None else Employee.id != other_than,
        )
        .limit(1)
    )
    return found is not None


async def lock_encrypted(
    tx: Transaction, model: type[Employee | Dependent], key_id: bytes, limit: int
) -> Sequence[Any]:
    """Lock people whose social security number is encrypted with another key than this one, in the order of IDs."""
    table: Any = model
    result = await tx.session.scalars(
        select(table)
        .where(
            *visibility_conditions(tx.scope, model),
            table.ssn.is_not(None),
            func.substring(table.ssn, 1, len(key_id)) != key_id,
        )
        .order_by(table.id)
        .limit(limit)
        .with_for_update(key_share=True)
    )
    return result.all()
