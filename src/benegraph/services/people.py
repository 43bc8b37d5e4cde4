"""Employees and dependents: hire, update, terminate, reinstate; add and update dependents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Dependent, Employee, Enrollment, PlanYear
from benegraph.db.models.addresses import address_values
from benegraph.db.models.people import demographic_values, demographics_of
from benegraph.db.session import Transaction
from benegraph.domain.access import Role
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.employers import check_employer_active
from benegraph.domain.enrollments.birth_dates import DependentCoverageChange
from benegraph.domain.enrollments.status import CloseReason
from benegraph.domain.enrollments.tiers import DependentFacts
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import (
    UNKNOWN_DEMOGRAPHICS,
    Demographics,
    EmploymentClass,
    MaritalStatus,
    PersonalDetails,
    Relationship,
    check_demographics,
    check_dependent,
    check_person,
    check_termination,
)
from benegraph.services.birth_dates import apply_correction, prepare_correction
from benegraph.services.coverage.subscribers import (
    UNCHANGED,
    check_division,
    check_division_change,
    check_not_rehired,
    check_subscriber_number,
    link_subscriber,
    require_subscriber_link_permission,
)
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import lock_enrollments, require_employee
from benegraph.services.employers import require_active_employer
from benegraph.services.enrollments.issue import is_awaiting_answer, issue_to_employee
from benegraph.services.enrollments.offers import enrollment_facts, is_pending
from benegraph.services.enrollments.updates import EnrollmentUpdates
from benegraph.services.plan_years import renew_or_lapse
from benegraph.services.rehires import check_after_former_employment
from benegraph.services.ssn import (
    changed_ssn_columns,
    check_dependent_ssn,
    check_new_ssn,
    check_reinstated_ssn,
    ssn_columns,
)


@dataclass(frozen=True, slots=True)
class NewHire:
    """A person to hire, with employment class and hire date."""

    person: PersonalDetails
    employment_class: EmploymentClass
    hired_on: date
    #: The carrier's division ID, and the subscriber number.
    division_id: str | None = None
    subscriber_id: str | None = None
    demographics: Demographics = UNKNOWN_DEMOGRAPHICS
    marital_status: MaritalStatus | None = None
    ssn: str | None = None


@dataclass(frozen=True, slots=True)
class NewDependent:
    """A dependent to add."""

    first_name: str
    last_name: str
    date_of_birth: date
    relationship: Relationship
    disabled: bool = False
    demographics: Demographics = UNKNOWN_DEMOGRAPHICS
    ssn: str | None = None
    active: bool = True


async def hire_employee(tx: Transaction, employer_id: str, new_hire: NewHire) -> str:
    """Hire an employee, and return the ID. Raises Refused.

    An eligible employee gets a new-hire enrollment in each plan year that is opened and not over.
    """
    raise_if_any(check_subscriber_number(new_hire.subscriber_id))
    require_subscriber_link_permission(tx, new_hire.subscriber_id or UNCHANGED)
    raise_if_any(check_id(IdPrefix.EMPLOYER, employer_id, "employerId"))
    employer = await store.employers.lock(tx, employer_id, shared=True)
    if employer is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employer found with ID {employer_id}.", "employerId")
    today = tx.today(employer.time_zone)
    raise_if_any(
        [
            *check_employer_active(active=employer.active),
            *check_person(new_hire.person, new_hire.hired_on, today),
            *check_demographics(new_hire.demographics),
            *await check_new_ssn(tx, new_hire.ssn, employer_id, today),
            *await check_division(tx, employer_id, new_hire.division_id),
        ]
    )
    id = tx.new_id(IdPrefix.EMPLOYEE)
    row = {
        "id": id,
        "employer_id": employer_id,
        "external_id": new_hire.person.external_id,
        "first_name": new_hire.person.first_name,
        "last_name": new_hire.person.last_name,
        "email": new_hire.person.email,
        "date_of_birth": new_hire.person.date_of_birth,
        "marital_status": new_hire.marital_status,
        **demographic_values(new_hire.demographics),
        **ssn_columns(tx, "employees", id, new_hire.ssn),
        "employment_class": new_hire.employment_class,
        "hired_on": new_hire.hired_on,
        "division_id": new_hire.division_id,
    }
    await store.history.insert_with_events(tx, Employee, [row], "HIRED")
    employee = await _lock_row(tx, id)
    await issue_to_employee(tx, employee, today)
    if new_hire.subscriber_id is not None:
        await link_subscriber(tx, employee, new_hire.subscriber_id)
    return employee.id


async def update_employee(tx: Transaction, id: str, changes: Mapping[str, Any], expected_version: int | None) -> None:
    """Change the columns given in `changes`, and the `address`. Raises Refused.

    A new hire date or employment class can change eligibility, so unanswered enrollments may be issued, moved or
    closed. Elected coverage stays, so a hire date after its start is refused.
    """
    changes = dict(changes)
    subscriber_id = changes.pop("subscriber_id", UNCHANGED)
    ssn = changes.pop("ssn", UNCHANGED)
    raise_if_any(check_subscriber_number(subscriber_id))
    require_subscriber_link_permission(tx, subscriber_id)
    employee, today = await require_employee(tx, id)
    person = replace(
        PersonalDetails(
            employee.first_name, employee.last_name, employee.email, employee.date_of_birth, employee.external_id
        ),
        **{name: value for name, value in changes.items() if name in PersonalDetails.__dataclass_fields__},
    )
    hired_on: date = changes.get("hired_on", employee.hired_on)
    demographics, changes = _change_demographics(employee, changes)
    violations = [
        *check_version(expected_version, employee.version),
        *check_person(person, hired_on, today),
        *check_demographics(demographics),
        *([] if ssn is UNCHANGED else await check_new_ssn(tx, ssn, employee.employer_id, today, id)),
        *await check_division_change(tx, employee, changes.get("division_id", employee.division_id)),
    ]
    if employee.terminated_on is not None and hired_on > employee.terminated_on:
        message = f"The hire date must not be after the termination date, {employee.terminated_on}."
        violations.append(RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("startDate",)))
    if hired_on > employee.hired_on:
        violations += await _check_no_earlier_coverage(tx, employee, hired_on)
    violations += await check_after_former_employment(tx, employee, hired_on)
    raise_if_any(violations)
    if changes.get("employment_class", employee.employment_class) is not employee.employment_class:
        employee.class_changed_on = today
    if ssn is not UNCHANGED:
        changes |= changed_ssn_columns(tx, employee, ssn)
    for name, value in changes.items():
        setattr(employee, name, value)
    change = await store.history.record_change(tx, employee, "UPDATED")
    if change["after"]:
        await issue_to_employee(tx, employee, today)
    if "division_id" in changes:
        await sync_coverage_of_record(tx, [employee])
    if subscriber_id is not UNCHANGED:
        await link_subscriber(tx, employee, subscriber_id)


async def terminate_employee(
    tx: Transaction, id: str, terminated_on: date, reason: str | None, expected_version: int | None
) -> None:
    """Terminate an employee. Raises Refused.

    Coverage ends on the last day of the termination date's month, later coverage is cancelled, and pending enrollments
    close.
    """
    employee, today = await require_employee(tx, id)
    violations = [
        *check_version(expected_version, employee.version),
        *check_termination(
            employee.hired_on, terminated_on, today, reason, administrator=tx.viewer.role is Role.ADMINISTRATOR
        ),
    ]
    if employee.terminated_on is not None:
        message = f"The employee is already terminated, as of {employee.terminated_on}."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employeeId",)))
    raise_if_any(violations)
    await _set_termination(tx, employee, terminated_on, "TERMINATED", reason)
    rows, plan_years = await lock_enrollments(tx, employee)
    updates = EnrollmentUpdates()
    for row in rows:
        if not is_awaiting_answer(row, today):
            continue
        # An enrollment that takes effect during the employment stays open until the employment ends.
        closed_on = max(today, terminated_on) if row.effective_on < terminated_on else today
        updates.add(row, "CLOSED", reason, closed_on=closed_on, close_reason=CloseReason.TERMINATED)
    await _write_with_coverage(tx, employee, updates, rows, plan_years, terminated_on)


async def reinstate_employee(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Reverse a termination. Raises Refused.

    Coverage and enrollments that the termination ended, cancelled or closed are restored.
    """
    employee, today = await require_employee(tx, id)
    violations = [
        *check_version(expected_version, employee.version),
        *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
    ]
    violations += await check_reinstated_ssn(tx, employee, today)
    if employee.terminated_on is None:
        message = "The employee is not terminated, so there is nothing to reinstate."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("employeeId",)))
    violations += await check_not_rehired(tx, employee, "employeeId")
    raise_if_any(violations)
    await require_active_employer(tx, employee.employer_id, "employeeId")
    await _set_termination(tx, employee, None, "REINSTATED", reason)
    rows, plan_years = await lock_enrollments(tx, employee)
    updates = EnrollmentUpdates()
    _reopen_closed_by_termination(updates, rows, plan_years, today, reason)
    await _write_with_coverage(tx, employee, updates, rows, plan_years, None)
    for plan_year in plan_years.values():
        if plan_year.closed_on is not None and plan_year.coverage_ends_on >= today:
            # Closing skipped terminated employees, so this one is renewed or lapses now.
            plan_year_rows = [row for row in rows if row.plan_year_id == plan_year.id]
            await renew_or_lapse(tx, plan_year, plan_year_rows, [employee], today)
    await issue_to_employee(tx, employee, today)


async def add_dependent(
    tx: Transaction,
    employee_id: str,
    first_name: str,
    last_name: str,
    date_of_birth: date,
    relationship: Relationship,
    *,
    disabled: bool,
    demographics: Demographics = UNKNOWN_DEMOGRAPHICS,
    ssn: str | None = None,
) -> str:
    """Add a dependent of an employee, and return the ID. Raises Refused, also if an employee adds a disabled one."""
    employee, today = await require_employee(tx, employee_id)
    violations = [
        *check_dependent(first_name, last_name, date_of_birth, today),
        *check_demographics(demographics),
        *check_dependent_ssn(tx, ssn),
    ]
    if disabled and tx.viewer.role is Role.EMPLOYEE:
        message = "Only the employer may record that a dependent is disabled."
        violations.append(RuleViolation(ErrorCode.INVALID_INPUT, message, ("disabled",)))
    raise_if_any(violations)
    new = NewDependent(first_name, last_name, date_of_birth, relationship, disabled, demographics, ssn)
    (id,) = await insert_dependents(tx, employee.employer_id, employee.id, [new])
    return id


async def insert_dependents(
    tx: Transaction, employer_id: str, employee_id: str, dependents: Sequence[NewDependent]
) -> list[str]:
    """Insert checked dependents of an employee with one statement, and return their IDs.

    The caller holds the employee's lock, unless the employee was inserted in this transaction.
    """
    rows: list[dict[str, Any]] = []
    for new in dependents:
        id = tx.new_id(IdPrefix.DEPENDENT)
        row = {
            "id": id,
            "employer_id": employer_id,
            "employee_id": employee_id,
            "first_name": new.first_name,
            "last_name": new.last_name,
            "date_of_birth": new.date_of_birth,
            **demographic_values(new.demographics),
            **ssn_columns(tx, "dependents", id, new.ssn),
            "relationship": new.relationship,
            "active": new.active,
            "disabled": new.disabled,
        }
        rows.append(row)
    await store.history.insert_with_events(tx, Dependent, rows, "ADDED")
    return [row["id"] for row in rows]


async def update_dependent(
    tx: Transaction, id: str, changes: Mapping[str, Any], expected_version: int | None, reason: str | None = None
) -> Sequence[DependentCoverageChange]:
    """Change the columns given in `changes`, and the `address`; return the changes of coverage. Raises Refused.

    A corrected date of birth changes how long elections cover a child. Elections already made stay otherwise.
    """
    raise_if_any(check_id(IdPrefix.DEPENDENT, id, "dependentId"))
    unlocked = await store.people.get_dependent(tx, id)
    if unlocked is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No dependent found with ID {id}.", "dependentId")
    employee, today = await require_employee(tx, unlocked.employee_id)
    dependent = await store.people.get_dependent(tx, id)  # read again, now under the employee's lock
    if dependent is None:
        raise AssertionError("a dependent is deleted only with its employee")
    violations = [*check_version(expected_version, dependent.version)]
    if tx.viewer.role is Role.EMPLOYEE:
        violations += await _check_employee_changes(tx, dependent, changes)
    if changes.get("active") and not dependent.active and await store.enrollments.has_relationship_ended(tx, id):
        message = "An approved divorce or death names this dependent, who therefore stays inactive."
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("active",)))
    demographics, changes = _change_demographics(dependent, changes)
    ssn = changes.pop("ssn", UNCHANGED)
    facts = DependentFacts(
        id, *(changes.get(name, getattr(dependent, name)) for name in ("relationship", "date_of_birth", "disabled"))
    )
    personal = [
        *check_dependent(
            changes.get("first_name", dependent.first_name),
            changes.get("last_name", dependent.last_name),
            facts.date_of_birth,
            today,
        )
    ]
    correction = None
    if facts.date_of_birth != dependent.date_of_birth and not personal:
        correction = await prepare_correction(tx, employee, dependent, facts, today, reason)
    raise_if_any(
        [
            *violations,
            *check_demographics(demographics),
            *([] if ssn is UNCHANGED else check_dependent_ssn(tx, ssn)),
            *personal,
            *(
                correction.violations
                if correction
                else check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True)
            ),
        ]
    )
    if ssn is not UNCHANGED:
        changes |= changed_ssn_columns(tx, dependent, ssn)
    for name, value in changes.items():
        setattr(dependent, name, value)
    await store.history.record_change(tx, dependent, "UPDATED", reason)
    if correction is None:
        return []
    await apply_correction(tx, dependent, correction, reason)
    return correction.changes


def _change_demographics(row: Employee | Dependent, changes: Mapping[str, Any]) -> tuple[Demographics, dict[str, Any]]:
    """Return the demographic data after a change, and the changes with the columns of an address in place of it."""
    names = {declared.name for declared in fields(Demographics)}
    demographics = replace(demographics_of(row), **{name: value for name, value in changes.items() if name in names})
    columns = {name: value for name, value in changes.items() if name != "address"}
    return demographics, columns | (address_values(demographics.address) if "address" in changes else {})


async def _check_employee_changes(
    tx: Transaction, dependent: Dependent, changes: Mapping[str, Any]
) -> list[RuleViolation]:
    """Check that an employee changes nothing that decides how long a child is covered; the employer reviews that."""
    fields = []
    if changes.get("disabled", dependent.disabled) is not dependent.disabled:
        fields.append(("disabled", "whether the dependent is disabled"))
    date_of_birth = changes.get("date_of_birth", dependent.date_of_birth)
    if date_of_birth != dependent.date_of_birth and await store.enrollments.is_dependent_enrolled(tx, dependent.id):
        fields.append(("dateOfBirth", "the date of birth of a covered dependent"))
    return [
        RuleViolation(ErrorCode.INVALID_INPUT, f"Only the employer may change {change}.", (field,))
        for field, change in fields
    ]


async def _check_no_earlier_coverage(tx: Transaction, employee: Employee, hired_on: date) -> list[RuleViolation]:
    """Check that no elected coverage would start before the employment.

    The message names no start: after a birth, it is the date of birth.
    """
    ids = await store.enrollments.list_covered_before(tx, employee.id, hired_on)
    if not ids:
        return []
    enrollments = "enrollment" if len(ids) == 1 else "enrollments"
    message = f"Elected coverage starts before this hire date: {enrollments} {', '.join(ids)}."
    return [RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("startDate",))]


# ---------------------------------------------------------------------------------------------------- shared steps


async def _lock_row(tx: Transaction, id: str) -> Employee:
    employee = await store.people.lock_object(tx, id)
    if employee is None:
        raise AssertionError("the employee was just inserted")
    return employee


async def _set_termination(
    tx: Transaction, employee: Employee, terminated_on: date | None, action: str, reason: str | None
) -> None:
    employee.terminated_on = terminated_on
    await store.history.record_change(tx, employee, action, reason)


def _reopen_closed_by_termination(
    updates: EnrollmentUpdates,
    rows: Sequence[Enrollment],
    plan_years: Mapping[str, PlanYear],
    today: date,
    reason: str | None,
) -> None:
    """Reopen the unanswered enrollments that a termination closed, at most one open answer in each plan year.

    Of several the newest is reopened, but no reissue of an answer that was reopened itself and can still be given: only
    that answer covers the days before the reissue. The others count as replaced.
    """
    closed = [row for row in rows if row.decision is None and row.close_reason is CloseReason.TERMINATED]
    open_plan_years = {
        row.plan_year_id for row in rows if row not in closed and is_pending(row, plan_years[row.plan_year_id], today)
    }
    in_window = {row.id for row in closed if today <= enrollment_facts(row, plan_years[row.plan_year_id]).window.last}
    # The newest comes first, and reissues of other closed ones last.
    for row in sorted(closed, key=lambda row: (row.replaces_id not in in_window, row.id), reverse=True):
        if row.plan_year_id in open_plan_years:
            closed_on = min(row.closed_on or today, today)
            updates.add(row, "CLOSED", reason, closed_on=closed_on, close_reason=CloseReason.REISSUED)
            continue
        updates.add(row, "REOPENED", reason, closed_on=None, close_reason=None)
        if row.id in in_window:
            open_plan_years.add(row.plan_year_id)


async def _write_with_coverage(
    tx: Transaction,
    employee: Employee,
    updates: EnrollmentUpdates,
    rows: Sequence[Enrollment],
    plan_years: Mapping[str, PlanYear],
    terminated_on: date | None,
) -> None:
    """Write the updates with the recomputed ends of coverage, then sync the coverage of record."""
    for id, plan_year in plan_years.items():
        updates.recompute_coverage(
            [row for row in rows if row.plan_year_id == id], plan_year.coverage_ends_on, terminated_on
        )
    await updates.write(tx)
    await sync_coverage_of_record(tx, [employee], plan_years.values())
