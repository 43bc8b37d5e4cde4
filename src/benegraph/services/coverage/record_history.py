"""The history of coverage of record: the carrier's own values, and the records that can be restored."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date

from benegraph.db import store
from benegraph.db.employee_limit import without_employee_limit
from benegraph.db.models import SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.domain.coverage import ContractKey, record_span
from benegraph.domain.values import DateSpan

#: The actions by which coverage sync changes a record; all others are the carrier's.
_SYNC_ACTIONS = {"MOVED", "LINKED", "CANCELLED"}
_DATE_COLUMNS = {
    column.key for column in SubscriberEnrollment.__table__.columns if isinstance(column.type, Date) and column.key
}


@dataclass(slots=True, eq=False)
class RecordHistory:
    """What history says of one record, which may no longer exist."""

    id: str
    #: The latest known value of each column.
    values: dict[str, Any] = field(default_factory=dict)
    #: The same, without the changes by which the record followed elections.
    carrier_values: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    #: Whether the carrier entered the record, and an election took it over.
    is_carriers_own: bool = False
    #: Whether the record was removed because no election covers any of its days.
    is_cancelled: bool = False
    #: At least the record's version, because every new version has its event.
    event_count: int = 0

    @property
    def contract(self) -> ContractKey:
        values = self.values
        return ContractKey(values["group_id"], values["division_id"], values["group_coverage_start"])

    @property
    def span(self) -> DateSpan:
        return record_span(self.values["start_date"], self.values["end_date"])

    def add(self, event: Any) -> None:
        """Add the next event of the record."""
        before, after = _column_values(event.before), _column_values(event.after)
        self.event_count += 1
        self.created_at = self.created_at or event.occurred_at
        self.is_carriers_own |= event.action == "LINKED"
        self.is_cancelled = event.action == "CANCELLED"
        self.values |= before | after
        if event.action in _SYNC_ACTIONS:
            self.carrier_values = before | self.carrier_values
        elif event.action != "RESTORED":
            self.carrier_values |= after


@dataclass(frozen=True, slots=True)
class RecordHistories:
    """The histories of some records."""

    by_id: Mapping[str, RecordHistory] = field(default_factory=dict)
    #: The records that were cancelled, by subscriber number; the last one cancelled comes first.
    cancelled: Mapping[str, Sequence[RecordHistory]] = field(default_factory=dict)

    def find_carrier_values(self, id: str) -> Mapping[str, Any]:
        """Return the column values of a record that the carrier entered; empty if its history is not loaded."""
        return self.by_id[id].carrier_values if id in self.by_id else {}

    def is_carriers_own(self, id: str) -> bool:
        """Return whether the carrier entered a record that elections determine now."""
        return id in self.by_id and self.by_id[id].is_carriers_own


async def load_record_histories(
    tx: Transaction, employee_ids: Collection[str], record_ids: Collection[str]
) -> RecordHistories:
    """Load the histories of these records, and of the records of these employees that were cancelled."""
    async with without_employee_limit(tx) as reader:  # the carrier's own events may name no employee
        events = await store.history.list_coverage_events(reader, employee_ids, record_ids)
    by_id: dict[str, RecordHistory] = {}
    for event in events:
        by_id.setdefault(event.subject_id, RecordHistory(event.subject_id)).add(event)
    cancelled: dict[str, list[RecordHistory]] = defaultdict(list)
    for event in reversed(events):
        history = by_id[event.subject_id]
        if history.is_cancelled and history not in cancelled[history.values["subscriber_id"]]:
            cancelled[history.values["subscriber_id"]].append(history)
    return RecordHistories(by_id, cancelled)


def limit_paid_through(day: date | None, span: DateSpan) -> date | None:
    """Return a paid-through date within the days of a coverage; None if none of its days is paid."""
    return None if day is None or day < span.start else min(day, span.last)


def _column_values(recorded: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: date.fromisoformat(value) if name in _DATE_COLUMNS and value is not None else value
        for name, value in (recorded or {}).items()
    }
