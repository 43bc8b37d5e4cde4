"""The carrier's coverage of record of a subscriber, and how it follows the employee's elections."""

from dataclasses import dataclass, field
from datetime import date, datetime

from benegraph.db.models import Subscriber, SubscriberEnrollment
from benegraph.demo.employees import ElectionSnapshot
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.domain.coverage import OPEN_ENDED, RecordedCoverage, reconcile_coverage
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS


@dataclass(slots=True)
class SubscriberState:
    """A subscriber's row, their contract's row, and the rows of their coverage of record."""

    row: Row
    contract: Row
    coverages: list[Row] = field(default_factory=list)

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
        "entry_user": records.user_id,
        "update_user": records.user_id,
    }
    subscriber.coverages.append(records.add(SubscriberEnrollment, row, at))
    records.add_snapshot_event(SubscriberEnrollment, row, "CREATED", at)
    return row


def sync_coverage_of_record(
    records: RecordBuffer, subscriber: SubscriberState, snapshot: ElectionSnapshot, at: datetime
) -> None:
    """Add, move and delete a subscriber's coverages so that they match the elections, and link them."""
    elections = snapshot.spans()
    linked_ids = {row["subscriber_enrollment_id"] for row, _ in elections}
    spans = [span for _, span in elections if span]
    recorded = [RecordedCoverage(row["id"], _span(row), row["id"] in linked_ids) for row in subscriber.coverages]
    layout = reconcile_coverage(spans, recorded)
    coverages = {row["id"]: row for row in subscriber.coverages}
    for id in layout.removed:
        records.add_snapshot_event(SubscriberEnrollment, coverages[id], "DELETED", at, deleted=True)
        records.remove(SubscriberEnrollment, coverages[id])
        subscriber.coverages.remove(coverages[id])
    if layout.shortened:
        raise AssertionError("a generated coverage that follows no election overlaps an election")
    synced: list[tuple[DateSpan, str]] = []
    for span, existing_id in layout.assigned:
        if existing_id is None:
            row = add_coverage(
                records,
                subscriber,
                span.start,
                span.last,
                at,
                date_employed=snapshot.hired_on,
                term_date=snapshot.terminated_on,
            )
        else:
            row = coverages[existing_id]
            _move(records, row, span, snapshot.terminated_on, at)
        synced.append((span, row["id"]))
    for row, covered in elections:
        matches = (id for span, id in synced if covered and span.overlaps(covered))
        row["subscriber_enrollment_id"] = next(matches, None)


def _move(records: RecordBuffer, row: Row, span: DateSpan, terminated_on: date | None, at: datetime) -> None:
    paid_through: date | None = row["paid_through"]
    values: Row = {
        "start_date": span.start,
        "end_date": span.last,
        "term_date": terminated_on,
        "paid_through": None if paid_through is None or paid_through < span.start else min(paid_through, span.last),
    }
    records.update_with_event(SubscriberEnrollment, row, "MOVED", values, at)


def _span(row: Row) -> DateSpan:
    end: date | None = row["end_date"]
    return DateSpan(row["start_date"], OPEN_ENDED) if end is None else DateSpan.through(row["start_date"], end)
