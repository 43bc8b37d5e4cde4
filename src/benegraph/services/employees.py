"""Locks of employees and of all their enrollments, in the order that every change takes them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.checks import check_id
from benegraph.domain.errors import ErrorCode, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.employers import employer_today


async def lock_employee(tx: Transaction, id: str) -> Employee | None:
    """Lock an employee, after a shared lock of the employer: a renewal takes only the employer's exclusive lock."""
    employer_id = await store.people.employer_id_of(tx, id)
    if employer_id is None:
        return None
    await store.employers.lock(tx, employer_id, shared=True)
    return await store.people.lock_object(tx, id)


async def require_employee(tx: Transaction, id: str) -> tuple[Employee, date]:
    """Lock an employee as `lock_employee` does; also return the employer's current date. Raises Refused."""
    raise_if_any(check_id(IdPrefix.EMPLOYEE, id, "employeeId"))
    employee = await lock_employee(tx, id)
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employee found with ID {id}.", "employeeId")
    return employee, await employer_today(tx, employee.employer_id)


async def lock_employee_of_enrollment(tx: Transaction, enrollment_id: str) -> Any:
    """Lock the employee of an enrollment, and return the row with the employer's time zone. Raises Refused."""
    employee_id = await store.enrollments.employee_id_of(tx, enrollment_id)
    employee = await store.people.lock_employee(tx, employee_id) if employee_id else None
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No enrollment found with ID {enrollment_id}.", "enrollmentId")
    return employee


async def lock_enrollments(tx: Transaction, employee: Employee) -> tuple[Sequence[Enrollment], Mapping[str, PlanYear]]:
    """Lock the plan years of an employee's enrollments, shared, then these enrollments."""
    ids = await store.enrollments.list_plan_year_ids(tx, employee.id)
    plan_years = await store.plan_years.lock(tx, ids, shared=True)
    return await store.enrollments.lock_in_plan_years(tx, employee.id), plan_years
