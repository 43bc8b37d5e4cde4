"""History: recorded changes are events with actor, instant, request, and the values before and after."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, Row, Text, any_, func, inspect, select
from sqlalchemy.orm.attributes import instance_state

from benegraph.db.base import Base, Identified
from benegraph.db.models import Employee, Employer, Enrollment, Event
from benegraph.db.models.addresses import ADDRESS_COLUMNS
from benegraph.db.query_scope import as_bind_value
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import any_of, visibility_conditions
from benegraph.db.store.row_writes import RowValues, RowWrite, execute_writes
from benegraph.domain.ids import IdPrefix

#: Columns with personal data. History keeps the names of those that change, but never a value.
PERSONAL_COLUMNS = frozenset(
    {
        *("first_name", "middle_name", "last_name", "name_suffix", "date_of_birth", "sex", "marital_status"),
        *("email", "phone", "ssn", "disabled", "external_id", "subscriber_id"),
        *ADDRESS_COLUMNS,
    }
)
_EXCLUDED_COLUMNS = {
    *("tenant_id", "id", "employer_id", "employee_id", "created_at", "updated_at", "version"),
    *("notes", "review_notes", "waiver_reason"),
    *("ssn_index", "ssn_last_four"),  # they change with the column `ssn`
    *("secret_hash", "prefix", "last_used_at"),  # of API keys
}

HistoryEvent = dict[str, Any]


def change_event(tx: Transaction, row: Identified, action: str, reason: str | None = None) -> HistoryEvent:
    """Return the event of a row's changes that the session has not flushed yet."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    withheld: list[str] = []
    for attribute in instance_state(row).attrs:
        changes = attribute.history
        if attribute.key in _EXCLUDED_COLUMNS or not changes.has_changes():
            continue
        old = changes.deleted[0] if changes.deleted else None
        if old == attribute.value:
            continue  # set to the value that it had
        if attribute.key in PERSONAL_COLUMNS:
            withheld.append(attribute.key)
        else:
            before[attribute.key], after[attribute.key] = _json_value(old), _json_value(attribute.value)
    employer_id = row.id if isinstance(row, Employer) else getattr(row, "employer_id", None)
    employee_id = row.id if isinstance(row, Employee) else getattr(row, "employee_id", None)
    event = _event(tx, employer_id, employee_id, row.id, action, before, after, reason)
    return event | {"withheld_columns": sorted(withheld)}


async def record_change(tx: Transaction, row: Identified, action: str, reason: str | None = None) -> HistoryEvent:
    """Flush the session, record the change of a row if any recorded column changed, and return its event."""
    event = change_event(tx, row, action, reason)
    await tx.flush()
    if has_changes(event):
        await insert_events(tx, [event])
    return event


def has_changes(event: HistoryEvent) -> bool:
    """Return whether an event of `change_event` names a changed column."""
    return bool(event["after"] or event["withheld_columns"])


def enrollment_event(
    tx: Transaction,
    row: Enrollment,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str | None = None,
) -> HistoryEvent:
    """Return the event of a changed enrollment, from its columns' values before and after."""
    return _event(
        tx, row.employer_id, row.employee_id, row.id, action, _recorded_values(before), _recorded_values(after), reason
    )


def creation_event(
    tx: Transaction, row: Mapping[str, Any], action: str, employee_id: str | None, reason: str | None = None
) -> HistoryEvent:
    """Return the event of an inserted row, without personal data. A new employer's row has no `employer_id`."""
    values = {
        key: _json_value(value)
        for key, value in row.items()
        if key not in _EXCLUDED_COLUMNS | PERSONAL_COLUMNS and value is not None
    }
    return _event(tx, row.get("employer_id"), employee_id, row["id"], action, None, values, reason)


def deletion_event(
    tx: Transaction, model: type[Identified], row: Any, reason: str | None = None, action: str = "DELETED"
) -> HistoryEvent:
    """Return the event of a deleted row of a table, without personal data."""
    before = {
        column.key: _json_value(getattr(row, column.key))
        for column in inspect(model).columns
        if column.key not in _EXCLUDED_COLUMNS | PERSONAL_COLUMNS and getattr(row, column.key) is not None
    }
    employee_id = row.id if model is Employee else getattr(row, "employee_id", None)
    return _event(tx, row.employer_id, employee_id, row.id, action, before, None, reason)


def merge_event(tx: Transaction, subject_id: str, kept: Employee, duplicate_id: str, reason: str) -> HistoryEvent:
    """Return the event of a row that a merge moved from a duplicate to the kept record of its employee."""
    after = {"merged_from_id": duplicate_id}
    return _event(tx, kept.employer_id, kept.id, subject_id, "MERGED", {}, after, reason)


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
    """Return the event of a changed coverage of record or invoice, from its columns' values.

    `employee_id` must belong to the row's own employer, because the two columns refer to an employee together.
    """
    return _event(
        tx,
        row["employer_id"],
        employee_id,
        row["id"],
        action,
        _recorded_values(before),
        _recorded_values(after),
        reason,
    )


async def list_coverage_events(
    tx: Transaction, employee_ids: Collection[str], record_ids: Collection[str]
) -> Sequence[Row[Any]]:
    """List the events of these coverages of record, and of the cancelled ones of these employees, oldest first.

    The employees include the duplicates that were merged into them: an event keeps the record that it was recorded for.
    """
    merged = select(Employee.id).where(
        *visibility_conditions(tx.scope, Employee, Employee.employer_id),
        Employee.merged_into_id == any_of(employee_ids),
    )
    recorded_for = as_bind_value(list(employee_ids), ARRAY(Text)) + func.array(merged.scalar_subquery())
    cancelled = (
        select(Event.subject_id)
        .where(
            *visibility_conditions(tx.scope, Event, Event.employer_id),
            Event.employee_id == any_(recorded_for),
            Event.action == "CANCELLED",
            Event.subject_id.startswith(IdPrefix.SUBSCRIBER_ENROLLMENT + "_", autoescape=True),
        )
        .scalar_subquery()
    )
    subjects = as_bind_value(list(record_ids), ARRAY(Text)) + func.array(cancelled)
    result = await tx.session.execute(
        select(Event.subject_id, Event.action, Event.occurred_at, Event.before, Event.after)
        .where(*visibility_conditions(tx.scope, Event), Event.subject_id == any_(subjects))
        .order_by(Event.occurred_at, Event.id)
    )
    return result.all()


async def list_changes_at(tx: Transaction, subject_id: str, at: datetime | None) -> Sequence[Row[Any]]:
    """List the changes of a row that one transaction recorded at an instant: action, and values after."""
    result = await tx.session.execute(
        select(Event.action, Event.after)
        .where(*visibility_conditions(tx.scope, Event), Event.subject_id == subject_id, Event.occurred_at == at)
        .order_by(Event.id)
    )
    return result.all()


async def insert_with_events(tx: Transaction, model: type[Base], rows: Sequence[RowValues], action: str) -> None:
    """Insert rows and the events of their creation with one statement."""
    events = []
    for row in rows:
        employer_id = {"employer_id": row["id"]} if model is Employer else {}
        employee_id = row["id"] if model is Employee else row.get("employee_id")
        events.append(creation_event(tx, row, action, employee_id) | employer_id)
    await execute_writes(tx, RowWrite.insert(model, rows), build_events_insert(events))


async def insert_events(tx: Transaction, events: Sequence[HistoryEvent]) -> None:
    """Insert events with one statement."""
    await execute_writes(tx, build_events_insert(events))


def build_events_insert(events: Sequence[HistoryEvent]) -> RowWrite:
    """Return the insert of events, for execution together with other writes."""
    return RowWrite.insert(Event, events)


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
        "withheld_columns": [],
    }


def _recorded_values(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: _json_value(value) for name, value in values.items() if name not in _EXCLUDED_COLUMNS}


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
