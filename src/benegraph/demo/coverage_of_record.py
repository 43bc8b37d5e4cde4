"""The carrier's coverage of record of a subscriber, and how it follows the employee's elections."""

from dataclasses import dataclass, field
from datetime import date, datetime

from benegraph.db.models import Event, Subscriber, SubscriberEnrollment
from benegraph.demo.employees import ElectionSnapshot
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.domain.coverage import OPEN_ENDED, RecordedCoverage, reconcile_coverage
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.record_history import limit_paid_through
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS


@dataclass(slots=True)
class SubscriberState:
    """A subscriber's row, their contract's row, and the rows of their coverage of record."""

    row: Row
    contract: Row
    coverages: list[Row] = field(default_factory=list)
    #: The coverages that no election covers any more, in order of cancellation.
    cancelled: list[Row] = field(default_factory=list)
    #: The last paid-through date that the carrier set, by coverage ID, even if elections have shortened the coverage.
    paid_through: dict[str, date | None] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return str(self.row["subscriber_id"])


def add_subscriber(
    records: RecordBuffer,
    contract: Row,
    number: str,
    name: tuple[str, str],
    employee_id: str | None,
    at: datetime,
    *,
    rank: int,
) -> SubscriberState:
    """Add a subscriber, as `createSubscriber` does. Without an employee it belongs to no employer."""
    first_name, last_name = name
    row: Row = {
        "id": records.new_id(IdPrefix.SUBSCRIBER, employee_id or contract["employer_id"], rank=rank),
        "subscriber_id": number,
        "employer_id": contract["employer_id"] if employee_id else None,
        "employee_id": employee_id,
        "first_name": first_name,
        "last_name": last_name,
    }
    records.add_creation_event(Subscriber, row, "CREATED", at)
    return SubscriberState(records.add(Subscriber, row, at), contract)


def add_coverage(
    records: RecordBuffer, subscriber: SubscriberState, start: date, end: date | None, at: datetime, **columns: object
) -> Row:
    """Add a coverage of record under the subscriber's contract, with its history event."""
    contract = subscriber.contract
    row: Row = {
        "id": records.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT, subscriber.row["id"]),
        "employer_id": contract["employer_id"],
        "employee_id": subscriber.row["employee_id"],
        "subscriber_id": subscriber.number,
        "group_id": contract["group_id"],
        "division_id": contract["division_id"],
        "group_coverage_start": contract["coverage_start"],
        "start_date": start,
        **dict.fromkeys(CHANGEABLE_COLUMNS),
        "end_date": end,
        "original_enrollment_date": start,
        "policy_number": contract["policy_number"],
        **columns,
        "continues_id": None,
        "entry_user": records.user_id,
        "update_user": records.user_id,
    }
    subscriber.coverages.append(records.add(SubscriberEnrollment, row, at))
    records.add_snapshot_event(SubscriberEnrollment, row, "CREATED", at)
    return row


def sync_coverage_of_record(
    records: RecordBuffer, subscriber: SubscriberState, snapshot: ElectionSnapshot, at: datetime
) -> bool:
    """Add, restore, move and cancel a subscriber's coverages so that they match the elections, and link them.

    Returns whether any was added, restored or moved.
    """
    elections = snapshot.spans()
    linked_ids = {row["subscriber_enrollment_id"] for row, _ in elections}
    spans = [span for _, span in elections if span]
    recorded = [RecordedCoverage(row["id"], _span(row), row["id"] in linked_ids) for row in subscriber.coverages]
    layout = reconcile_coverage(spans, recorded)
    coverages = {row["id"]: row for row in subscriber.coverages}
    for id in layout.removed:
        records.add_snapshot_event(SubscriberEnrollment, coverages[id], "CANCELLED", at, deleted=True)
        records.remove(SubscriberEnrollment, coverages[id])
        subscriber.coverages.remove(coverages[id])
        subscriber.cancelled.append(coverages[id])
    if layout.shortened or any(id not in linked_ids for _, id in layout.assigned if id is not None):
        raise AssertionError("a generated coverage that follows no election overlaps an election")
    synced: list[tuple[DateSpan, str]] = []
    is_moved = False
    for span, existing_id in layout.assigned:
        if existing_id is None:
            row = _add_or_restore(records, subscriber, span, snapshot, at)
            is_moved = True
        else:
            row = coverages[existing_id]
            version = row["version"]
            records.update_with_event(
                SubscriberEnrollment, row, "MOVED", _moved_values(subscriber, row, span, snapshot.terminated_on), at
            )
            is_moved |= row["version"] > version
        synced.append((span, row["id"]))
    for row, covered in elections:
        matches = (id for span, id in synced if covered and span.overlaps(covered))
        row["subscriber_enrollment_id"] = next(matches, None)
    return is_moved


def _add_or_restore(
    records: RecordBuffer, subscriber: SubscriberState, span: DateSpan, snapshot: ElectionSnapshot, at: datetime
) -> Row:
    """Restore the last cancelled coverage that held some of these days, or add a coverage."""
    row = next((row for row in reversed(subscriber.cancelled) if _span(row).overlaps(span)), None)
    if row is None:
        dates = {"date_employed": snapshot.hired_on, "term_date": snapshot.terminated_on}
        return add_coverage(records, subscriber, span.start, span.last, at, **dates)
    subscriber.cancelled.remove(row)
    created_at, events = row["created_at"], records.tables[Event]
    version = 1 + sum(event["subject_id"] == row["id"] for event in events)
    row |= _moved_values(subscriber, row, span, snapshot.terminated_on)
    subscriber.coverages.append(records.add(SubscriberEnrollment, row, at))
    row |= {"created_at": created_at, "version": version}
    records.add_snapshot_event(SubscriberEnrollment, row, "RESTORED", at)
    return row


def _moved_values(subscriber: SubscriberState, row: Row, span: DateSpan, terminated_on: date | None) -> Row:
    return {
        "start_date": span.start,
        "end_date": span.last,
        "term_date": terminated_on,
        "paid_through": limit_paid_through(subscriber.paid_through.get(row["id"]), span),
    }


def _span(row: Row) -> DateSpan:
    end: date | None = row["end_date"]
    return DateSpan(row["start_date"], OPEN_ENDED) if end is None else DateSpan.through(row["start_date"], end)
