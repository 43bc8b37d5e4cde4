"""Qualifying life events: an employee reports one, and the employer reviews it."""

from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.models import LifeEvent
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_NOTE_LENGTH, check_id, check_text, check_version
from benegraph.domain.enrollments.life_events import (
    LIFE_EVENT_RULES,
    LifeEventStatus,
    LifeEventType,
    check_event_dependent,
    check_life_event_report,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.employers import employer_today


@dataclass(frozen=True, slots=True)
class LifeEventReport:
    """The details of a life event that an employee reports."""

    event_type: LifeEventType
    event_on: date
    dependent_id: str | None
    notes: str | None


async def report_life_event(tx: Transaction, employee_id: str, report: LifeEventReport) -> str:
    """Record a reported life event for review, and return its ID. Raises Refused."""
    raise_if_any(
        [
            *check_id(IdPrefix.EMPLOYEE, employee_id, "employeeId"),
            *check_id(IdPrefix.DEPENDENT, report.dependent_id, "dependentId"),
            *check_text(report.notes, "notes", max_length=MAX_NOTE_LENGTH, multiline=True),
        ]
    )
    employee = await store.people.lock_object(tx, employee_id)
    if employee is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employee found with ID {employee_id}.", "employeeId")
    today = await employer_today(tx, employee.employer_id)
    violations = [*check_life_event_report(report.event_type, report.event_on, employee.hired_on, today)]
    if report.dependent_id is not None:
        dependent = await store.people.get_dependent(tx, report.dependent_id)
        if dependent is None or dependent.employee_id != employee.id:
            violations.append(
                RuleViolation(
                    ErrorCode.NOT_FOUND,
                    f"The employee has no dependent with ID {report.dependent_id}.",
                    ("dependentId",),
                )
            )
        else:
            violations += check_event_dependent(
                report.event_type, report.event_on, dependent.relationship, dependent.date_of_birth
            )
    raise_if_any(violations)
    row = {
        "id": tx.new_id(IdPrefix.LIFE_EVENT),
        "employer_id": employee.employer_id,
        "employee_id": employee.id,
        "dependent_id": report.dependent_id,
        "event_type": report.event_type,
        "event_on": report.event_on,
        "reported_on": today,
        "status": LifeEventStatus.PENDING,
        "notes": report.notes,
    }
    await store.history.insert_with_events(tx, LifeEvent, [row], "REPORTED")
    return str(row["id"])


async def review_life_event(
    tx: Transaction, id: str, status: LifeEventStatus, review_notes: str | None, expected_version: int | None
) -> None:
    """Approve or deny a pending life event. Raises Refused, also if it was reviewed before.

    The dependent whom an approved divorce or death names becomes inactive.
    """
    raise_if_any(
        [
            *check_id(IdPrefix.LIFE_EVENT, id, "qualifyingLifeEventId"),
            *check_text(review_notes, "reviewNotes", max_length=MAX_NOTE_LENGTH, multiline=True),
        ]
    )
    employee_id = await store.enrollments.employee_id_of_life_event(tx, id)
    employee = await store.people.lock_object(tx, employee_id) if employee_id else None
    event = await store.enrollments.lock_life_event(tx, id, employee.id) if employee else None
    if employee is None or event is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No life event found with ID {id}.", "qualifyingLifeEventId")
    violations = [*check_version(expected_version, event.version)]
    if event.status is not LifeEventStatus.PENDING:
        violations.append(
            RuleViolation(
                ErrorCode.INVALID_STATUS_TRANSITION,
                f"The life event was already reviewed; its status is {event.status}.",
                ("qualifyingLifeEventId",),
            )
        )
    raise_if_any(violations)
    event.status = status
    event.reviewed_on = await employer_today(tx, employee.employer_id)
    event.reviewed_at = tx.clock.now
    event.review_notes = review_notes
    changes = [store.history.change_event(tx, event, status.value)]
    ends_relationship = status is LifeEventStatus.APPROVED and LIFE_EVENT_RULES[event.event_type].ends_relationship
    if ends_relationship and event.dependent_id is not None:
        changes.append(await _deactivate_dependent(tx, event.dependent_id))
    await tx.flush()
    await store.history.insert_events(tx, [change for change in changes if store.history.has_changes(change)])


async def _deactivate_dependent(tx: Transaction, id: str) -> store.history.HistoryEvent:
    """Deactivate a dependent, and return the history event of the change."""
    dependent = await store.people.get_dependent(tx, id)
    if dependent is None:
        raise AssertionError("dependents are never deleted")
    dependent.active = False
    return store.history.change_event(tx, dependent, "UPDATED")
