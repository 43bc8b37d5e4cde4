"""Employees and dependents."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from benegraph.db.models import AccessRecord, Dependent, Employee
from benegraph.db.models.addresses import address_values
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Role
from benegraph.domain.addresses import PostalAddress
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass, Relationship, Sex
from benegraph.domain.values import Clock
from factories.access import TENANT, administrator, insert

#: The columns of a person of whom everything is known.
FULL_DEMOGRAPHICS = {
    "middle_name": "Maria",
    "name_suffix": "Jr.",
    "sex": Sex.FEMALE,
    "phone": "+12175550100",
    **address_values(PostalAddress("1 Main Street", "Apt. 4", "Springfield", "IL", "62701-1234")),
}


async def make_employee(
    database: Database,
    clock: Clock,
    *,
    employer: str,
    tenant: str = TENANT,
    first_name: str = "Ada",
    last_name: str = "Adams",
    email: str | None = None,
    external_id: str | None = None,
    date_of_birth: date | None = date(1990, 5, 17),
    employment_class: EmploymentClass = EmploymentClass.FULL_TIME,
    hired_on: date = date(2020, 1, 6),
    class_changed_on: date | None = None,
    terminated_on: date | None = None,
    created_at: datetime | None = None,
    demographics: Mapping[str, Any] | None = None,
    previous_employment: str | None = None,
    merged_into: str | None = None,
) -> str:
    """Insert an employee, by default hired in 2020 and still employed."""
    row = {
        "employer_id": employer,
        "external_id": external_id,
        "first_name": first_name,
        "last_name": last_name,
        "email": email,
        "date_of_birth": date_of_birth,
        "employment_class": employment_class,
        "hired_on": hired_on,
        "class_changed_on": class_changed_on,
        "terminated_on": terminated_on,
        "previous_employment_id": previous_employment,
        "merged_into_id": merged_into,
        "created_at": created_at or clock.now,
        **(demographics or {}),
    }
    (id,) = await insert(database, clock, tenant, Employee, row, prefix=IdPrefix.EMPLOYEE)
    return id


async def make_dependent(
    database: Database,
    clock: Clock,
    *,
    employee: str,
    tenant: str = TENANT,
    first_name: str = "Ben",
    last_name: str = "Adams",
    date_of_birth: date = date(2015, 8, 30),
    relationship: Relationship = Relationship.CHILD,
    active: bool = True,
    disabled: bool = False,
    demographics: Mapping[str, Any] | None = None,
) -> str:
    """Insert a dependent of an employee, by default a child."""
    row = {
        "employer_id": await read_employer_id(database, clock, tenant, employee),
        "employee_id": employee,
        "first_name": first_name,
        "last_name": last_name,
        "date_of_birth": date_of_birth,
        "relationship": relationship,
        "active": active,
        "disabled": disabled,
        **(demographics or {}),
    }
    (id,) = await insert(database, clock, tenant, Dependent, row, prefix=IdPrefix.DEPENDENT)
    return id


async def read_employer_id(database: Database, clock: Clock, tenant: str, employee: str) -> str:
    """Return the employer ID of an employee, which every row that belongs to the employee repeats."""

    async def transaction(tx: Transaction) -> Any:
        return (await tx.session.get_one(Employee, (tenant, employee))).employer_id

    return str(await database.transact(administrator(tenant), clock, transaction))


async def make_access_record(
    database: Database, clock: Clock, *, employee: str, tenant: str = TENANT, **columns: Any
) -> str:
    """Insert a record that a clerk read an employee's e-mail address and phone number."""

    async def find_employer(tx: Transaction) -> str:
        return await tx.session.scalar(select(Employee.employer_id).where(Employee.id == employee)) or ""

    row = {
        "employer_id": await database.transact(administrator(tenant), clock, find_employer),
        "employee_id": employee,
        "actor": "EMPLOYER akey_clerk",
        "actor_role": Role.EMPLOYER,
        "operation": "Staff",
        "document": "0" * 64,
        "request_id": "request-1",
        "columns": ["email", "phone"],
        **columns,
    }
    (id,) = await insert(database, clock, tenant, AccessRecord, row, prefix=IdPrefix.ACCESS_RECORD)
    return id
