"""Withdrawing a life event, its review, or a reissue, while nothing rests on it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import LifeEvent
from benegraph.db.session import Transaction
from benegraph.domain.access import Role
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.enrollments.life_events import LIFE_EVENT_RULES, LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import CloseReason, WindowReason
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.services.employees import lock_employee_of_enrollment
from benegraph.services.enrollments.offers import is_pending
from benegraph.services.enrollments.updates import EnrollmentUpdates

_EVENT_FIELD = ("qualifyingLifeEventId",)


async def withdraw_life_event(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Withdraw a life event on which nothing rests; it then allows no change. Raises Refused.

    An employee can withdraw an event only until it is reviewed.
    """
    event, employee, today = await _lock_life_event(tx, id, reason)
    violations = [*check_version(expected_version, event.version)]
    if event.status is LifeEventStatus.WITHDRAWN:
        violations.append(_invalid_status("The life event was already withdrawn."))
    elif tx.viewer.role is Role.EMPLOYEE and event.status is not LifeEventStatus.PENDING:
        violations.append(_invalid_status("The life event has been reviewed; ask the employer to withdraw it."))
    raise_if_any([*violations, *await _check_nothing_rests(tx, event, employee, today)])
    event.status = LifeEventStatus.WITHDRAWN
    await _record_end_of_approval(tx, event, "WITHDRAWN", reason, today)


async def undo_life_event_review(tx: Transaction, id: str, reason: str | None, expected_version: int | None) -> None:
    """Make a reviewed life event, on which nothing rests, pending again. Raises Refused."""
    event, employee, today = await _lock_life_event(tx, id, reason)
    violations = [*check_version(expected_version, event.version)]
    if event.status not in (LifeEventStatus.APPROVED, LifeEventStatus.DENIED):
        violations.append(_invalid_status(f"The life event has no review to undo; its status is {event.status}."))
    raise_if_any([*violations, *await _check_nothing_rests(tx, event, employee, today)])
    event.status = LifeEventStatus.PENDING
    event.reviewed_on = event.reviewed_at = event.review_notes = None
    await _record_end_of_approval(tx, event, "REVIEW_UNDONE", reason, today)


async def withdraw_reissue(
    tx: Transaction, enrollment_id: str, reason: str | None, expected_version: int | None
) -> str | None:
    """Close an unanswered enrollment that a life event issued, and return the ID of the one it would have replaced.

    That one was never changed by the reissue. Raises Refused.
    """
    raise_if_any(
        [
            *check_id(IdPrefix.ENROLLMENT, enrollment_id, "enrollmentId"),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        ]
    )
    employee = await lock_employee_of_enrollment(tx, enrollment_id)
    plan_years, rows = await store.enrollments.lock_with_plan_years(tx, employee.id, [enrollment_id])
    row = next(row for row in rows if row.id == enrollment_id)
    today = tx.today(employee.time_zone)
    violations = [*check_version(expected_version, row.version)]
    message = None
    if row.reason is not WindowReason.LIFE_EVENT:
        message = "Only an enrollment that was issued for a life event can be withdrawn."
    elif row.decision is not None:
        message = "The enrollment is answered; undo the answer by `reopenElection` first."
    elif not is_pending(row, plan_years[row.plan_year_id], today):
        message = "Only a pending enrollment can be withdrawn."
    if message is not None:
        violations.append(RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, ("enrollmentId",)))
    raise_if_any(violations)
    updates = EnrollmentUpdates()
    updates.add(row, "WITHDRAWN", reason, closed_on=today, close_reason=CloseReason.WITHDRAWN)
    await updates.write(tx)
    return row.replaces_id


async def _lock_life_event(tx: Transaction, id: str, reason: str | None) -> tuple[LifeEvent, Any, date]:
    """Lock a life event and its employee; return both, and today's date at the employer."""
    raise_if_any(
        [
            *check_id(IdPrefix.LIFE_EVENT, id, *_EVENT_FIELD),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        ]
    )
    employee_id = await store.enrollments.employee_id_of_life_event(tx, id)
    employee = await store.people.lock_employee(tx, employee_id) if employee_id else None
    event = await store.enrollments.lock_life_event(tx, id, employee.id) if employee else None
    if employee is None or event is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No life event found with ID {id}.", *_EVENT_FIELD)
    return event, employee, tx.today(employee.time_zone)


def _invalid_status(message: str) -> RuleViolation:
    return RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, _EVENT_FIELD)


async def _check_nothing_rests(
    tx: Transaction, event: LifeEvent, employee: Any, today: date
) -> Sequence[RuleViolation]:
    """Check that no enrollment was answered or can be answered by an event, and that no change it applied remains."""
    if event.status is not LifeEventStatus.APPROVED:
        return []
    resting = await store.enrollments.list_resting_on_life_event(
        tx, event, today, may_end_coverage=LIFE_EVENT_RULES[event.event_type].may_waive
    )
    violations = []
    if resting:
        message = f"Enrollments rest on the life event: {', '.join(resting)}; reopen and withdraw them first."
        violations.append(_invalid_status(message))
    applied = await store.history.list_changes_at(tx, employee.id, event.reviewed_at)
    return [*violations, *_check_employment(event, employee, applied)]


def _check_employment(event: LifeEvent, employee: Any, applied: Sequence[Any]) -> Iterator[RuleViolation]:
    """Check that the change of the employment that an approval applied, if any, is undone."""
    for change in applied:
        after = change.after or {}
        is_termination = event.event_type is LifeEventType.TERMINATION and change.action == "TERMINATED"
        if is_termination and employee.terminated_on is not None:
            yield _invalid_status(
                f"Its approval ended the employment on {employee.terminated_on}; reinstate the employee first."
            )
        is_reduction = event.event_type is LifeEventType.REDUCTION_IN_HOURS and "employment_class" in after
        if is_reduction and employee.employment_class == after["employment_class"]:
            yield _invalid_status(
                f"Its approval changed the employment class to {employee.employment_class}; change it first."
            )


async def _record_end_of_approval(
    tx: Transaction, event: LifeEvent, action: str, reason: str | None, today: date
) -> None:
    """Record the event's new status, and undo the effects that its approval had without an answer.

    Its unanswered enrollments close for good, so that no extension, reinstatement or override reopens them.
    """
    changes = [store.history.change_event(tx, event, action, reason)]
    await tx.flush()
    changes += await _restore_dependent(tx, event)
    await tx.flush()
    await store.history.insert_events(tx, changes)
    updates = EnrollmentUpdates()
    for row in await store.enrollments.lock_in_plan_years(tx, event.employee_id):
        if row.life_event_id == event.id and row.decision is None and row.close_reason is not CloseReason.WITHDRAWN:
            closed_on = min(row.closed_on or today, today)
            updates.add(row, "WITHDRAWN", reason, closed_on=closed_on, close_reason=CloseReason.WITHDRAWN)
    await updates.write(tx)


async def _restore_dependent(tx: Transaction, event: LifeEvent) -> list[store.history.HistoryEvent]:
    """Make the dependent active again whom an approval made inactive, and whom no other approved event still names."""
    id = event.dependent_id
    if id is None or await store.enrollments.has_relationship_ended(tx, id):
        return []
    dependent = await store.people.get_dependent(tx, id)
    if dependent is None or dependent.active or not await store.enrollments.is_inactive_by_review(tx, id):
        return []
    dependent.active = True
    return [store.history.change_event(tx, dependent, "UPDATED")]
