"""Reviews of life events that end eligibility: the approval can change the employment in the same transaction."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action, require_permission
from benegraph.domain.checks import check_id
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.errors import ErrorCode, Refused, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass
from benegraph.services import people
from benegraph.services.enrollments import review_life_event

#: Fields of a review's input by those of the services that it calls.
_REVIEW_FIELDS = {"employeeId": "qualifyingLifeEventId", "reason": "reviewNotes"}


@dataclass(frozen=True, slots=True)
class EmploymentChange:
    """The change of the employment that an approval applies: a class after fewer hours, or the termination date."""

    employment_class: EmploymentClass | None = None
    terminated_on: date | None = None


async def review_with_employment_change(
    tx: Transaction,
    id: str,
    status: LifeEventStatus,
    review_notes: str | None,
    expected_version: int | None,
    change: EmploymentChange,
) -> None:
    """Review a life event, and with an approval apply a change of the employment. Raises Refused and Forbidden.

    The viewer needs the permission to make that change by itself. The notes are the reason for a termination.
    """
    if change.employment_class is not None:
        require_permission(tx.viewer, Action.UPDATE_EMPLOYEE)
    if change.terminated_on is not None:
        require_permission(tx.viewer, Action.TERMINATE_EMPLOYEE)
    violations: list[RuleViolation] = []
    if change != EmploymentChange():
        raise_if_any(check_id(IdPrefix.LIFE_EVENT, id, "qualifyingLifeEventId"))
        event = (await store.enrollments.life_events_by_ids(tx, [id])).get(id)
        if event is None:
            raise refusal(ErrorCode.NOT_FOUND, f"No life event found with ID {id}.", "qualifyingLifeEventId")
        violations += _check_change(change, event.event_type, status)
        # The change comes first, because it locks the employer, and the review only the employee.
        if not violations and change.employment_class is not None:
            columns = {"employment_class": change.employment_class}
            violations += await _violations_of(people.update_employee(tx, event.employee_id, columns, None))
        if not violations and change.terminated_on is not None:
            violations += await _violations_of(
                people.terminate_employee(tx, event.employee_id, change.terminated_on, review_notes, None)
            )
    violations += await _violations_of(review_life_event(tx, id, status, review_notes, expected_version))
    raise_if_any(violations)


def _check_change(change: EmploymentChange, event_type: LifeEventType, status: LifeEventStatus) -> list[RuleViolation]:
    violations = []
    for field, value, required in (
        ("employmentClass", change.employment_class, LifeEventType.REDUCTION_IN_HOURS),
        ("terminationDate", change.terminated_on, LifeEventType.TERMINATION),
    ):
        if value is None or (event_type == required and status is LifeEventStatus.APPROVED):
            continue
        message = f"Only the approval of an event of type {required} can set this field."
        violations.append(RuleViolation(ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT, message, (field,)))
    return violations


async def _violations_of(call: Awaitable[None]) -> list[RuleViolation]:
    """Return the violations for which a service refuses a call, at the fields of a review's input."""
    try:
        await call
    except Refused as refused:
        return [
            RuleViolation(
                violation.code,
                violation.message,
                violation.field and tuple(_REVIEW_FIELDS.get(name, name) for name in violation.field),
            )
            for violation in refused.violations
        ]
    return []
