"""Coverage sync: keep the carrier's coverage of record in step with employees' elections."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes, update_rows
from benegraph.domain.coverage import (
    OPEN_ENDED,
    ContractKey,
    ElectedCoverage,
    RecordedCoverage,
    assign_contracts,
    reconcile_coverage,
    record_span,
)
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.paid_through import update_paid_through
from benegraph.services.coverage.record_history import (
    RecordHistories,
    RecordHistory,
    limit_paid_through,
    load_record_histories,
)
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS, column_values

#: A group ID and the start of the group's contract.
GroupStart = tuple[str, date]
Values = dict[str, Any]


async def sync_coverage_of_record(
    tx: Transaction, employees: Sequence[Employee], plan_years: Collection[PlanYear] | None = None
) -> None:
    """Bring the coverage of record of some employees in line with their elections.

    One record spans all contiguous enrolled coverage under one contract, across products. An employee without a
    subscriber, or without a contract for the division, has no coverage of record. The number of statements does not
    grow with the number of employees; it is zero if none of the given plan years names a contract. The caller holds
    the lock of every employee, or the exclusive lock of their employer.
    """
    if not employees or (plan_years is not None and all(plan_year.group_id is None for plan_year in plan_years)):
        return
    rows = await store.coverage.lock_elected(tx, [employee.id for employee in employees])
    if not rows:
        return
    context = await _load_sync_context(tx, rows)
    groups = [
        _build_group(context, employee, group_rows)
        for employee in employees
        for group_rows in context.elections.get(employee.id, {}).values()
    ]
    histories = await _load_histories(tx, groups)
    changes = _Changes()
    for group in groups:
        _sync_group(tx, context, changes, group, histories)
    await changes.write(tx)
    if any(row.auto_paid_through for row in rows):
        for (group_id, division_id), subscriber_ids in changes.subscribers_by_division.items():
            await update_paid_through(tx, group_id, division_id, subscriber_ids, only_billed=True)


# --------------------------------------------------------------------------------------------------------- loading


@dataclass(frozen=True, slots=True)
class _SyncContext:
    """The elections, the contracts of their groups, and all coverage of the subscribers, locked."""

    #: By employee ID, then by group ID.
    elections: Mapping[str, Mapping[str, Sequence[Any]]]
    #: The subscriber number of each employee, by employee ID.
    subscriber_ids: Mapping[str, str]
    #: By employer ID and group.
    contracts: Mapping[tuple[str, GroupStart], Sequence[ContractKey]]
    policy_numbers: Mapping[ContractKey, str | None]
    #: By subscriber number.
    records: Mapping[str, Sequence[SubscriberEnrollment]]

    def find_contract(self, employee: Employee, group: GroupStart, recorded_division: str | None) -> ContractKey | None:
        """Find the contract to record elections under: that of their recorded division, else of the employee's.

        With neither, the group's only contract is taken. The recorded division comes first, so that a second contract
        or a change of the employee's division does not take away coverage that is still elected.
        """
        contracts = self.contracts.get((employee.employer_id, group), ())
        division = recorded_division or employee.division_id
        if division is None:
            return contracts[0] if len(contracts) == 1 else None
        return next((contract for contract in contracts if contract.division_id == division), None)


async def _load_sync_context(tx: Transaction, rows: Sequence[Any]) -> _SyncContext:
    elections: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    subscriber_ids: dict[str, str] = {}
    contracts: dict[tuple[str, GroupStart], Sequence[ContractKey]] = {}
    policy_numbers: dict[ContractKey, str | None] = {}
    records: dict[str, list[SubscriberEnrollment]] = defaultdict(list)
    for row in rows:
        group = (row.group_id, row.group_coverage_start)
        elections[row.employee_id][row.group_id].append(row)
        subscriber_ids[row.employee_id] = row.number
        group_policies = {
            ContractKey(row.group_id, division, row.group_coverage_start): policy for division, policy in row.contracts
        }
        contracts[row.employer_id, group] = list(group_policies)
        policy_numbers |= group_policies
    for record in await store.coverage.lock_coverage(tx, subscriber_ids.values()):
        records[record.subscriber_id].append(record)
    return _SyncContext(elections, subscriber_ids, contracts, policy_numbers, records)


# ---------------------------------------------------------------------------------------------------------- groups


@dataclass(frozen=True, slots=True)
class _Group:
    """One employee's elections under all contracts of one group, and the subscriber's coverage of record in it."""

    employee: Employee
    rows: Sequence[Any]
    #: By enrollment ID.
    elected: Mapping[str, ElectedCoverage]
    #: By record ID.
    records: Mapping[str, SubscriberEnrollment]
    linked_ids: frozenset[str]


def _build_group(context: _SyncContext, employee: Employee, rows: Sequence[Any]) -> _Group:
    linked_ids = frozenset(row.subscriber_enrollment_id for row in rows) - {None}
    records = {
        record.id: record
        for record in context.records.get(context.subscriber_ids[employee.id], ())
        if record.id in linked_ids or record.group_id == rows[0].group_id
    }
    return _Group(employee, rows, _elected_coverage(context, employee, rows), records, linked_ids)


def _elected_coverage(context: _SyncContext, employee: Employee, rows: Sequence[Any]) -> dict[str, ElectedCoverage]:
    """Return the days that each enrollment covers and the contract to record them under, by enrollment ID."""
    divisions = {
        record.id: record.division_id for record in context.records.get(context.subscriber_ids[employee.id], ())
    }
    recorded_divisions = {
        row.group_coverage_start: divisions[row.subscriber_enrollment_id]
        for row in rows
        if row.subscriber_enrollment_id in divisions
    }
    elected: dict[str, ElectedCoverage] = {}
    for row in rows:
        start = row.group_coverage_start
        contract = context.find_contract(employee, (row.group_id, start), recorded_divisions.get(start))
        if contract is not None and row.coverage_ends_on is not None:
            elected[row.id] = ElectedCoverage(contract, record_span(row.coverage_starts_on, row.coverage_ends_on))
    return assign_contracts(elected)


@dataclass(frozen=True, slots=True)
class _Target:
    """The coverage of record of a group that agrees with the elections."""

    #: The elected days, and the ID of the record that holds them; None if a new record is needed.
    assigned: Sequence[tuple[ElectedCoverage, str | None]]
    #: The days of each of the carrier's own records that holds no elected day.
    unassigned: Mapping[str, DateSpan]
    #: The records of elections that are no longer in force.
    removed: Collection[str]


def _find_target(group: _Group, histories: RecordHistories) -> _Target:
    """Find the target of a group. A record of the carrier's own that no election needs any more is released."""
    released: set[str] = set()
    while True:
        linked_ids = group.linked_ids - released
        target = _reconcile_contracts(group, histories, linked_ids)
        own = {id for id in target.removed if histories.is_carriers_own(id)}
        if not own:
            return target
        released |= own


def _reconcile_contracts(group: _Group, histories: RecordHistories, linked_ids: Collection[str]) -> _Target:
    """Reconcile each contract on its own, then combine: a record of the carrier's own yields to all of them."""
    spans = {
        id: _recorded_span(record) if id in linked_ids else _carrier_span(record, histories)
        for id, record in group.records.items()
    }
    spans_by_contract: dict[ContractKey, list[DateSpan]] = defaultdict(list)
    for coverage in group.elected.values():
        spans_by_contract[coverage.contract].append(coverage.span)
    assigned: list[tuple[ElectedCoverage, str | None]] = []
    shortened: dict[str, date] = {}
    for contract, elected_spans in spans_by_contract.items():
        recorded = [
            RecordedCoverage(id, spans[id], id in linked_ids, _contract_key(record) == contract)
            for id, record in group.records.items()
            if _division(record) == (contract.group_id, contract.division_id)
        ]
        result = reconcile_coverage(elected_spans, recorded)
        assigned += [(ElectedCoverage(contract, span), record_id) for span, record_id in result.assigned]
        shortened |= {id: min(last, shortened.get(id, last)) for id, last in result.shortened.items()}
    used = {record_id for _, record_id in assigned}
    unassigned = {
        id: record_span(span.start, shortened[id]) if id in shortened else span
        for id, span in spans.items()
        if id not in used and id not in linked_ids
    }
    removed = [id for id in group.records if id in linked_ids and id not in used]
    return _Target(assigned, unassigned, removed)


def _carrier_span(record: SubscriberEnrollment, histories: RecordHistories) -> DateSpan:
    """Return the days of a record as the carrier entered them, before any election."""
    values = histories.find_carrier_values(record.id)
    return record_span(values.get("start_date", record.start_date), values.get("end_date", record.end_date))


async def _load_histories(tx: Transaction, groups: Sequence[_Group]) -> RecordHistories:
    """Load the histories that the changes of some groups depend on, with one statement at most."""
    concerned = [group for group in groups if _depends_on_history(group)]
    if not concerned:
        return RecordHistories()
    return await load_record_histories(
        tx, {group.employee.id for group in concerned}, {id for group in concerned for id in group.records}
    )


def _depends_on_history(group: _Group) -> bool:
    """Return whether a group has records of the carrier's own, or adds, removes or lengthens one by its elections."""
    target = _find_target(group, RecordHistories())
    return (
        bool(target.removed)
        or len(group.linked_ids) < len(group.records)
        or any(id is None or _may_gain_paid_days(group.records[id], coverage.span) for coverage, id in target.assigned)
    )


def _may_gain_paid_days(record: SubscriberEnrollment, span: DateSpan) -> bool:
    """Return whether paid days that an earlier move cut off may be among the record's days again."""
    if record.paid_through is None:
        return span.start < record.start_date
    return record.paid_through == record.end_date and record.paid_through < span.last


# --------------------------------------------------------------------------------------------------------- syncing


@dataclass(slots=True)
class _Changes:
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


def _sync_group(
    tx: Transaction,
    context: _SyncContext,
    changes: _Changes,
    group: _Group,
    histories: RecordHistories,
) -> None:
    """Add the changes that bring one group in line with its elections."""
    target = _find_target(group, histories)
    writer = _GroupWriter(tx, context, changes, group, histories)
    for id in target.removed:
        writer.cancel(id)
    occupied: dict[tuple[str, str], list[DateSpan]] = defaultdict(list)
    for coverage, _ in target.assigned:
        occupied[coverage.contract.group_id, coverage.contract.division_id].append(coverage.span)
    coverage_by_record: dict[str, ElectedCoverage] = {}
    # A later record keeps its days: one that is lengthened again ends the day before.
    for id, span in sorted(target.unassigned.items(), key=lambda item: item[1].start, reverse=True):
        spans = occupied[_division(group.records[id])]
        free = _free_part(span, spans)
        if free is None:
            writer.cancel(id)
            continue
        spans.append(free)
        writer.move(id, free, is_assigned=False)
    for coverage, record_id in target.assigned:
        if record_id is None:
            coverage_by_record[writer.add(coverage)] = coverage
        else:
            writer.move(record_id, coverage.span, is_assigned=True)
            coverage_by_record[record_id] = coverage
    _link_enrollments(changes, group, coverage_by_record)


def _free_part(span: DateSpan, occupied: Sequence[DateSpan]) -> DateSpan | None:
    """Return the days of a span before the first occupied one; None if the first day is occupied."""
    if any(span.start in other for other in occupied):
        return None
    return DateSpan(span.start, min([span.stop, *(other.start for other in occupied if other.start > span.start)]))


def _link_enrollments(changes: _Changes, group: _Group, coverage_by_record: Mapping[str, ElectedCoverage]) -> None:
    """Point each enrollment to the record that holds its days, or to none."""
    for row in group.rows:
        coverage = group.elected.get(row.id)
        record_id = next(
            (
                id
                for id, part in coverage_by_record.items()
                if coverage and part.contract == coverage.contract and part.span.overlaps(coverage.span)
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
    context: _SyncContext
    changes: _Changes
    group: _Group
    histories: RecordHistories

    def cancel(self, id: str) -> None:
        """Remove a record; history keeps it, so that it can be restored."""
        values = column_values(self.group.records[id])
        self.changes.deleted.add(id)
        self._add_event(values, "CANCELLED", before=values)

    def add(self, coverage: ElectedCoverage) -> str:
        """Add a record for a span of elected coverage, or restore the record that was cancelled; return its ID."""
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
        if history is not None:
            restored = (*CHANGEABLE_COLUMNS, "entry_user")
            values |= {name: history.values[name] for name in restored if name in history.values}
            values["paid_through"] = limit_paid_through(history.carrier_values.get("paid_through"), span)
        values |= {
            "end_date": span.last,
            "term_date": employee.terminated_on,
            "update_user": self.tx.viewer.key_id,
            "created_at": self.tx.clock.now if history is None else history.created_at,
            "version": 1 if history is None else history.event_count + 1,
        }
        self._insert(values)
        self._add_event(values, "CREATED" if history is None else "RESTORED", after=values)
        return str(values["id"])

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

    def move(self, id: str, span: DateSpan, *, is_assigned: bool) -> None:
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
        }
        if is_assigned:
            target |= {"term_date": self.group.employee.terminated_on}
        elif _carrier_span(record, self.histories) == span:  # the carrier may write an open end as `OPEN_ENDED`
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
        current = _recorded_span(record)
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


def _recorded_span(record: SubscriberEnrollment) -> DateSpan:
    return record_span(record.start_date, record.end_date)


def _contract_key(record: SubscriberEnrollment) -> ContractKey:
    return ContractKey(record.group_id, record.division_id, record.group_coverage_start)


def _division(record: SubscriberEnrollment) -> tuple[str, str]:
    """Return a record's group and division. No two records of a subscriber in one division may share a day."""
    return record.group_id, record.division_id
