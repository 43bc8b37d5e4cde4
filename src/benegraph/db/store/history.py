"""History: every change leaves a row that says who, when, by which request, what was and what is."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import instance_state

from benegraph.db.models import Employee, Enrollment, Event, LifeEvent, PlanYear
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes
from benegraph.domain.ids import IdPrefix

# What history keeps of an employee: the employment, never who it is.
_STATUS_OF_EMPLOYEE = {"employment_class", "hired_on", "class_changed_on", "terminated_on"}
_LEFT_OUT = {
    *("tenant_id", "id", "employer_id", "employee_id", "created_at", "updated_at", "version"),
    *("notes", "review_notes"),
}

HistoryEvent = dict[str, Any]


def update_event(
    tx: Transaction, row: PlanYear | Employee | LifeEvent, action: str, reason: str | None = None
) -> HistoryEvent:
    """Describe what a transaction has changed of a row and not flushed yet."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in instance_state(row).attrs:
        changed = attribute.history
        kept = attribute.key in _STATUS_OF_EMPLOYEE if isinstance(row, Employee) else attribute.key not in _LEFT_OUT
        if kept and changed.has_changes():
            before[attribute.key] = _plain(changed.deleted[0] if changed.deleted else None)
            after[attribute.key] = _plain(attribute.value)
    employee_id = row.id if isinstance(row, Employee) else getattr(row, "employee_id", None)
    return _event(tx, row.employer_id, employee_id, row.id, action, before, after, reason)


def enrollment_event(
    tx: Transaction,
    row: Enrollment,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str | None = None,
) -> HistoryEvent:
    """Describe a change of an enrollment, from what its columns held and hold."""
    return _event(tx, row.employer_id, row.employee_id, row.id, action, _kept(before), _kept(after), reason)


def insert_event(
    tx: Transaction, row: Mapping[str, Any], action: str, employee_id: str | None, reason: str | None = None
) -> HistoryEvent:
    """Describe a row that a transaction inserts."""
    kept = {key: _plain(value) for key, value in row.items() if key not in _LEFT_OUT and value is not None}
    return _event(tx, row["employer_id"], employee_id, row["id"], action, None, kept, reason)


def hire_event(tx: Transaction, row: Mapping[str, Any]) -> HistoryEvent:
    """Describe a hire, without who it is."""
    kept = {key: _plain(row[key]) for key in sorted(_STATUS_OF_EMPLOYEE) if row.get(key) is not None}
    return _event(tx, row["employer_id"], row["id"], row["id"], "HIRED", None, kept, None)


def deletion_event(tx: Transaction, row: PlanYear) -> HistoryEvent:
    """Describe the deletion of a draft."""
    before = {
        column.key: _plain(getattr(row, column.key))
        for column in inspect(PlanYear).columns
        if column.key not in _LEFT_OUT
    }
    return _event(tx, row.employer_id, None, row.id, "DELETED", before, None, None)


def coverage_event(
    tx: Transaction,
    row: Mapping[str, Any],
    action: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    employee_id: str | None = None,
    reason: str | None = None,
) -> HistoryEvent:
    """Describe a change of a coverage of record or of an invoice, from the values of its columns.

    `employee_id` is of the row's own employer: of another, the two would name nobody.
    """
    return _event(tx, row["employer_id"], employee_id, row["id"], action, _kept(before), _kept(after), reason)


async def insert_events(tx: Transaction, changes: Sequence[HistoryEvent]) -> None:
    """Write changes down for ever, in one statement."""
    await execute_writes(tx, events_insert(changes))


def events_insert(changes: Sequence[HistoryEvent]) -> RowWrite:
    """Give changes to be written down for ever, in one turn with what else is."""
    return RowWrite.insert(Event, changes)


def _event(
    tx: Transaction,
    employer_id: str | None,
    employee_id: str | None,
    subject_id: str,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str | None,
) -> HistoryEvent:
    return {
        "id": tx.new_id(IdPrefix.EVENT),
        "employer_id": employer_id,
        "employee_id": employee_id,
        "subject_id": subject_id,
        "action": action,
        "actor": tx.viewer.actor,
        "actor_role": tx.viewer.role,
        "occurred_at": tx.clock.now,
        "request_id": tx.request_id,
        "reason": reason,
        "before": before,
        "after": after,
    }


def _kept(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: _plain(value) for name, value in values.items() if name not in _LEFT_OUT}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
