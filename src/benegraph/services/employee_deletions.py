"""Deletion of an employee's record that was created by mistake."""

from dataclasses import dataclass

from benegraph.db import store
from benegraph.db.models import Dependent, Employee, Enrollment
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_REASON_LENGTH, check_text, check_version
from benegraph.domain.errors import raise_if_any
from benegraph.domain.people import check_deletion
from benegraph.services.employees import lock_enrollments, require_employee


@dataclass(frozen=True, slots=True)
class DeletedEmployee:
    """How many unanswered enrollments and dependents were deleted with an employee."""

    enrollment_count: int
    dependent_count: int


async def delete_employee(
    tx: Transaction, id: str, reason: str, expected_version: int | None = None
) -> DeletedEmployee:
    """Delete an employee on whom nothing rests, with unanswered enrollments and dependents. Raises Refused.

    History keeps an event of each deleted row.
    """
    employee, _today = await require_employee(tx, id)
    enrollments, _plan_years = await lock_enrollments(tx, employee)
    raise_if_any(
        [
            *check_version(expected_version, employee.version),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
            *check_deletion(await store.employee_deletions.list_obstacles(tx, employee.id)),
        ]
    )
    dependents = await store.people.list_dependents(tx, [employee.id])
    await store.history.insert_events(
        tx,
        [
            *(store.history.deletion_event(tx, Enrollment, row, reason) for row in enrollments),
            *(store.history.deletion_event(tx, Dependent, row, reason) for row in dependents),
            store.history.deletion_event(tx, Employee, employee, reason),
        ],
    )
    await store.employee_deletions.delete_employee(tx, employee.id)
    return DeletedEmployee(len(enrollments), len(dependents))
