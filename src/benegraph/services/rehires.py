"""Rehires: a further employment of a person whose former employment has ended."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Dependent, Employee
from benegraph.db.models.people import demographic_values, demographics_of
from benegraph.db.session import Transaction
from benegraph.domain.checks import check_version
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass, PersonalDetails, check_person, check_rehire
from benegraph.domain.values import last_day_of_month
from benegraph.services.coverage.subscribers import check_division, check_not_rehired, move_subscriber
from benegraph.services.employees import lock_enrollments, require_employee
from benegraph.services.employers import employer_today, require_active_employer
from benegraph.services.enrollments.issue import is_awaiting_answer, issue_to_employee

#: The columns that an employment takes over from the former one, beside the demographic ones. A social security number
#: is entered again, because its encryption is bound to its row.
_PERSON_COLUMNS = ("first_name", "last_name", "email", "date_of_birth", "marital_status")
_DEPENDENT_COLUMNS = ("first_name", "last_name", "date_of_birth", "relationship", "active", "disabled")


@dataclass(frozen=True, slots=True)
class Rehire:
    """The terms of a further employment. What is None is taken from the former employment."""

    hired_on: date
    employment_class: EmploymentClass | None = None
    division_id: str | None = None
    external_id: str | None = None


async def rehire_employee(tx: Transaction, former_id: str, rehire: Rehire, expected_version: int | None = None) -> str:
    """Hire a former employee again, and return the ID of the new employment. Raises Refused.

    The former employment stays as it was. The employee's ID in the employer's system, unless another one is given, the
    subscriber and copies of the active dependents go to the new one, which has its own waiting periods and new-hire
    enrollments.
    """
    former, today = await require_employee(tx, former_id)
    division_id = rehire.division_id or former.division_id
    person = PersonalDetails(
        former.first_name,
        former.last_name,
        former.email,
        former.date_of_birth,
        rehire.external_id or former.external_id,
    )
    raise_if_any(
        [
            *check_version(expected_version, former.version),
            *check_rehire(former.terminated_on, rehire.hired_on),
            *await check_not_rehired(tx, former, "employeeId"),
            *check_person(person, rehire.hired_on, today),
            *await _check_division(tx, former.employer_id, division_id, rehire.hired_on),
            *await _check_coverage_over(tx, former, rehire.hired_on, today),
        ]
    )
    await require_active_employer(tx, former.employer_id, "employeeId")
    if person.external_id is not None and person.external_id == former.external_id:
        await _release_external_id(tx, former)
    id = await _insert_employment(tx, former, rehire, person, division_id)
    employee = await store.people.lock_object(tx, id)
    if employee is None:
        raise AssertionError("the employment was just inserted")
    await _copy_dependents(tx, former, employee)
    await move_subscriber(tx, former, employee)
    await issue_to_employee(tx, employee, today)
    return id


async def check_after_former_employment(tx: Transaction, employee: Employee, hired_on: date) -> list[RuleViolation]:
    """Check that a changed hire date of a rehired employee is after the end of the former employment and coverage."""
    if employee.previous_employment_id is None or hired_on >= employee.hired_on:
        return []
    former = await store.people.lock_object(tx, employee.previous_employment_id)
    if former is None or former.terminated_on is None:
        raise AssertionError("a former employment has ended, and nobody can reinstate it")
    today = await employer_today(tx, employee.employer_id)
    return list(check_rehire(former.terminated_on, hired_on)) or await _check_coverage_over(tx, former, hired_on, today)


async def _check_division(
    tx: Transaction, employer_id: str, division_id: str | None, hired_on: date
) -> list[RuleViolation]:
    if division_id is None:
        return []
    if violations := await check_division(tx, employer_id, division_id):
        return violations
    contracts = await store.coverage.list_contracts_of_division(tx, employer_id, division_id)
    if any(contract.coverage_end is None or contract.coverage_end >= hired_on for contract in contracts):
        return []
    message = f"The employer has no group contract of division {division_id} on or after {hired_on}; name another one."
    return [RuleViolation(ErrorCode.NOT_FOUND, message, ("divisionId",))]


async def _check_coverage_over(tx: Transaction, former: Employee, hired_on: date, today: date) -> list[RuleViolation]:
    """Check that no coverage of the former employment runs, or could still be elected, on or after the new start."""
    if former.terminated_on is None or hired_on <= former.terminated_on:
        return []
    last_day = last_day_of_month(former.terminated_on)
    rows, _plan_years = await lock_enrollments(tx, former)
    ids = [
        row.id
        for row in rows
        if (row.coverage_ends_on is not None and row.coverage_ends_on >= hired_on)
        or (last_day >= hired_on and is_awaiting_answer(row, today))
    ]
    if not ids:
        return []
    message = f"Coverage of the former employment runs, or can still be elected, past the new start: {', '.join(ids)}."
    return [RuleViolation(ErrorCode.OVERLAPPING_COVERAGE, message, ("startDate",))]


async def _release_external_id(tx: Transaction, former: Employee) -> None:
    """Take the ID in the employer's system from the former employment, which history keeps track of."""
    former.external_id = None
    await store.history.record_change(tx, former, "UPDATED")


async def _insert_employment(
    tx: Transaction, former: Employee, rehire: Rehire, person: PersonalDetails, division_id: str | None
) -> str:
    row: dict[str, Any] = {
        "id": tx.new_id(IdPrefix.EMPLOYEE),
        "employer_id": former.employer_id,
        **{name: getattr(former, name) for name in _PERSON_COLUMNS},
        **demographic_values(demographics_of(former)),
        "external_id": person.external_id,
        "employment_class": rehire.employment_class or former.employment_class,
        "hired_on": rehire.hired_on,
        "division_id": division_id,
        "previous_employment_id": former.id,
    }
    await store.history.insert_with_events(tx, Employee, [row], "REHIRED")
    return str(row["id"])


async def _copy_dependents(tx: Transaction, former: Employee, employee: Employee) -> None:
    rows = [
        {
            "id": tx.new_id(IdPrefix.DEPENDENT),
            "employer_id": employee.employer_id,
            "employee_id": employee.id,
            **{name: getattr(dependent, name) for name in _DEPENDENT_COLUMNS},
            **demographic_values(demographics_of(dependent)),
        }
        for dependent in await store.people.list_dependents(tx, [former.id])
        if dependent.active
    ]
    await store.history.insert_with_events(tx, Dependent, rows, "ADDED")
