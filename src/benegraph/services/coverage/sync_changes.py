"""The changes of coverage sync: the records to add, move and cancel, in an order in which no two share a day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benegraph.db import store
from benegraph.db.models import Enrollment, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes, update_rows
from benegraph.domain.coverage import OPEN_ENDED, ElectedCoverage
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.record_history import RecordHistories, RecordHistory, limit_paid_through
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS, column_values
from benegraph.services.coverage.sync_groups import (
    SyncContext,
    SyncGroup,
    carrier_span,
    find_target,
    record_division,
    recorded_span,
)

Values = dict[str, Any]
#: The columns that coverage keeps when it continues in another division. The policy number is that of the contract.
CONTINUED_COLUMNS = ("date_employed", "eligibility_date", "original_enrollment_date")


@dataclass(slots=True)
class SyncChanges:
    """The rows to write, in an order in which no two coverages ever share a day."""

    unlinked: list[Values] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    shrunk: list[Values] = field(default_factory=list)
    grown: list[Values] = field(default_factory=list)
    #: By ID.
    added: dict[str, Values] = field(default_factory=dict)
    linked: list[Values] = field(default_factory=list)
    events: list[store.history.HistoryEvent] = field(default_factory=list)
    #: The subscribers whose coverage is added or moved, by group and division.
    subscribers_by_division: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    async def write(self, tx: Transaction) -> None:
        await update_rows(tx, Enrollment, self.unlinked)
        if self.deleted:
            await store.coverage.delete_coverage(tx, self.deleted)
        await update_rows(tx, SubscriberEnrollment, self.shrunk)
        await execute_writes(
            tx,
            RowWrite.update(SubscriberEnrollment, self.grown),
            RowWrite.insert(SubscriberEnrollment, [*self.added.values()]),
            RowWrite.update(Enrollment, self.linked),
            store.history.build_events_insert(self.events),
        )


def sync_group(
    tx: Transaction,
    context: SyncContext,
    changes: SyncChanges,
    group: SyncGroup,
    histories: RecordHistories,
) -> None:
    """Add the changes that bring one group in line with its elections."""
    target = find_target(group, histories)
    writer = _GroupWriter(tx, context, changes, group, histories)
    for id in target.removed:
        writer.cancel(id)
    occupied: dict[tuple[str, str], list[DateSpan]] = defaultdict(list)
    for coverage, _ in target.assigned:
        occupied[coverage.contract.group_id, coverage.contract.division_id].append(coverage.span)
    coverage_by_record: dict[str, ElectedCoverage] = {}
    # A later record keeps its days: one that is lengthened again ends the day before.
    for id, span in sorted(target.unassigned.items(), key=lambda item: item[1].start, reverse=True):
        spans = occupied[record_division(group.records[id])]
        free = _free_part(span, spans)
        if free is None:
            writer.cancel(id)
            continue
        spans.append(free)
        writer.move(id, free, is_assigned=False)
    for coverage, record_id in target.assigned:
        continues_id = _find_continued_id(group, coverage, coverage_by_record)
        if record_id is None:
            coverage_by_record[writer.add(coverage, continues_id)] = coverage
        else:
            writer.move(record_id, coverage.span, is_assigned=True, continues_id=continues_id)
            coverage_by_record[record_id] = coverage
    _link_enrollments(changes, group, coverage_by_record)


def _free_part(span: DateSpan, occupied: Sequence[DateSpan]) -> DateSpan | None:
    """Return the days of a span before the first occupied one; None if the first day is occupied."""
    if any(span.start in other for other in occupied):
        return None
    return DateSpan(span.start, min([span.stop, *(other.start for other in occupied if other.start > span.start)]))


def _find_continued_id(
    group: SyncGroup, coverage: ElectedCoverage, coverage_by_record: Mapping[str, ElectedCoverage]
) -> str | None:
    """Find the record in the division that the employee leaves on the day on which this coverage starts."""
    if coverage.span.start not in group.moved_on:
        return None
    return next((id for id, other in coverage_by_record.items() if coverage.continues(other)), None)


def _link_enrollments(
    changes: SyncChanges, group: SyncGroup, coverage_by_record: Mapping[str, ElectedCoverage]
) -> None:
    """Point each enrollment to the record that holds its days, after a move to the last of them, or to none."""
    parts_by_enrollment: dict[str, list[ElectedCoverage]] = defaultdict(list)
    for (id, _), part in group.elected.items():
        parts_by_enrollment[id].append(part)
    for row in group.rows:
        parts = sorted(parts_by_enrollment[row.id], key=lambda part: part.span.start, reverse=True)
        record_id = next(
            (
                id
                for part in parts
                for id, recorded in coverage_by_record.items()
                if recorded.contract == part.contract and recorded.span.overlaps(part.span)
            ),
            None,
        )
        is_deleted = row.subscriber_enrollment_id in changes.deleted
        if record_id == row.subscriber_enrollment_id and not is_deleted:
            continue
        if row.subscriber_enrollment_id is not None and (record_id is None or is_deleted):
            changes.unlinked.append({"id": row.id, "subscriber_enrollment_id": None})
        if record_id is not None:
            changes.linked.append({"id": row.id, "subscriber_enrollment_id": record_id})


@dataclass(frozen=True, slots=True)
class _GroupWriter:
    """Adds the changes of one group's records, each with its history event."""

    tx: Transaction
    context: SyncContext
    changes: SyncChanges
    group: SyncGroup
    histories: RecordHistories

    def cancel(self, id: str) -> None:
        """Remove a record; history keeps it, so that it can be restored."""
        values = column_values(self.group.records[id])
        self.changes.deleted.add(id)
        self._add_event(values, "CANCELLED", before=values)

    def add(self, coverage: ElectedCoverage, continues_id: str | None) -> str:
        """Add a record for a span of elected coverage, or restore the record that was cancelled; return its ID.

        A new record that continues another one keeps its dates of employment, eligibility and first enrollment.
        """
        employee, span = self.group.employee, coverage.span
        history = self._find_cancelled(coverage)
        values: Values = {
            "id": self.tx.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT) if history is None else history.id,
            "employer_id": employee.employer_id,
            "employee_id": employee.id,
            "subscriber_id": self.context.subscriber_ids[employee.id],
            "group_id": coverage.contract.group_id,
            "division_id": coverage.contract.division_id,
            "group_coverage_start": coverage.contract.coverage_start,
            "start_date": span.start,
            **dict.fromkeys(CHANGEABLE_COLUMNS),
            "date_employed": employee.hired_on,
            "original_enrollment_date": span.start,
            "policy_number": self.context.policy_numbers[coverage.contract],
            "entry_user": self.tx.viewer.key_id,
        }
        if continues_id is not None:
            continued = self._current_values(continues_id)
            values |= {name: continued[name] for name in CONTINUED_COLUMNS if continued[name] is not None}
        if history is not None:
            restored = (*CHANGEABLE_COLUMNS, "entry_user")
            values |= {name: history.values[name] for name in restored if name in history.values}
            values["paid_through"] = limit_paid_through(history.carrier_values.get("paid_through"), span)
        values |= {
            "end_date": span.last,
            "term_date": employee.terminated_on,
            "continues_id": continues_id,
            "update_user": self.tx.viewer.key_id,
            "created_at": self.tx.clock.now if history is None else history.created_at,
            "version": 1 if history is None else history.event_count + 1,
        }
        self._insert(values)
        self._add_event(values, "CREATED" if history is None else "RESTORED", after=values)
        return str(values["id"])

    def _current_values(self, id: str) -> Values:
        """Return the values of a record of the group, whether it is already written or not."""
        return self.changes.added.get(id) or column_values(self.group.records[id])

    def _find_cancelled(self, coverage: ElectedCoverage) -> RecordHistory | None:
        """Find the cancelled record of the same subscriber and contract that last held some of the elected days."""
        return next(
            (
                history
                for history in self.histories.cancelled.get(self.context.subscriber_ids[self.group.employee.id], ())
                if history.id not in self.changes.added
                and history.contract == coverage.contract
                and history.span.overlaps(coverage.span)
            ),
            None,
        )

    def move(self, id: str, span: DateSpan, *, is_assigned: bool, continues_id: str | None = None) -> None:
        """Move a record to another span, first shrinking it to the days that both spans have in common.

        That way it never overlaps another record in between. One without a common day is deleted and inserted again.
        A record of the carrier's own is linked with its first elected days.
        """
        record, carrier_values = self.group.records[id], self.histories.find_carrier_values(id)
        paid_through = carrier_values.get("paid_through", record.paid_through)
        target = {
            "start_date": span.start,
            "end_date": None if span.stop == OPEN_ENDED else span.last,
            "paid_through": limit_paid_through(paid_through, span),
            "term_date": carrier_values.get("term_date", record.term_date),
            "continues_id": continues_id,
        }
        if is_assigned:
            target |= {"term_date": self.group.employee.terminated_on}
        elif carrier_span(record, self.histories) == span:  # the carrier may write an open end as `OPEN_ENDED`
            target["end_date"] = carrier_values.get("end_date", record.end_date)
        before = {name: getattr(record, name) for name in target}
        after = {name: value for name, value in target.items() if value != before[name]}
        before = {name: before[name] for name in after}
        is_taken_over = is_assigned and id not in self.group.linked_ids and not self.histories.is_carriers_own(id)
        if not after and not is_taken_over:
            return
        self._add_event(column_values(record), "LINKED" if is_taken_over else "MOVED", before=before, after=after)
        if after:
            self._update(record, target, span)

    def _update(self, record: SubscriberEnrollment, target: Values, span: DateSpan) -> None:
        current = recorded_span(record)
        stamp = {"version": record.version + 1, "update_user": self.tx.viewer.key_id}
        if not current.overlaps(span):
            self.changes.deleted.add(record.id)
            values = column_values(record)
            del values["tenant_id"], values["updated_at"]
            self._insert(values | target | stamp)
            return
        row = {"id": record.id, **target, **stamp, "updated_at": self.tx.clock.now}
        common = DateSpan(max(current.start, span.start), min(current.stop, span.stop))
        if common not in (current, span):
            self.changes.shrunk.append(row | {"start_date": common.start, "end_date": common.last})
        (self.changes.shrunk if common == span else self.changes.grown).append(row)
        self._mark_moved(row | {"group_id": record.group_id, "division_id": record.division_id})

    def _insert(self, values: Values) -> None:
        self.changes.added[values["id"]] = values
        self._mark_moved(values)

    def _mark_moved(self, values: Values) -> None:
        subscriber_id = self.context.subscriber_ids[self.group.employee.id]
        self.changes.subscribers_by_division[values["group_id"], values["division_id"]].add(subscriber_id)

    def _add_event(
        self, values: Values, action: str, before: Values | None = None, after: Values | None = None
    ) -> None:
        event = store.history.coverage_event(
            self.tx, values, action, before=before, after=after, employee_id=self.group.employee.id
        )
        self.changes.events.append(event)
