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
    ContractKey,
    ElectedCoverage,
    RecordedCoverage,
    assign_contracts,
    reconcile_coverage,
    record_span,
)
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
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
    changes = _Changes()
    for employee in employees:
        for group_rows in context.elections.get(employee.id, {}).values():
            _sync_group(tx, context, changes, employee, group_rows)
    await changes.write(tx)


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


# --------------------------------------------------------------------------------------------------------- syncing


@dataclass(slots=True)
class _Changes:
    """The rows to write, in an order in which no two coverages ever share a day."""

    unlinked: list[Values] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    shrunk: list[Values] = field(default_factory=list)
    grown: list[Values] = field(default_factory=list)
    added: list[Values] = field(default_factory=list)
    linked: list[Values] = field(default_factory=list)
    events: list[store.history.HistoryEvent] = field(default_factory=list)

    async def write(self, tx: Transaction) -> None:
        await update_rows(tx, Enrollment, self.unlinked)
        if self.deleted:
            await store.coverage.delete_coverage(tx, self.deleted)
        await update_rows(tx, SubscriberEnrollment, self.shrunk)
        await execute_writes(
            tx,
            RowWrite.update(SubscriberEnrollment, self.grown),
            RowWrite.insert(SubscriberEnrollment, self.added),
            RowWrite.update(Enrollment, self.linked),
            store.history.build_events_insert(self.events),
        )


def _sync_group(
    tx: Transaction, context: _SyncContext, changes: _Changes, employee: Employee, rows: Sequence[Any]
) -> None:
    """Sync one employee's coverage under all contracts of one group, from the enrollments under these contracts."""
    subscriber_id = context.subscriber_ids[employee.id]
    linked_ids = {row.subscriber_enrollment_id for row in rows} - {None}
    elected = _elected_coverage(context, employee, rows)
    records = {
        record.id: record
        for record in context.records.get(subscriber_id, ())
        if record.id in linked_ids or any(_same_division(record, coverage.contract) for coverage in elected.values())
    }
    target = _reconcile_contracts(elected, records, linked_ids)
    for id in target.removed:
        changes.deleted.append(id)
        values = column_values(records[id])
        _add_event(tx, changes, employee, values, "DELETED", before=values)
    for id, last in target.shortened.items():
        _move(tx, changes, employee, records[id], record_span(records[id].start_date, last), set_term_date=False)
    coverage_by_record: dict[str, ElectedCoverage] = {}
    for coverage, record_id in target.assigned:
        if record_id is None:
            coverage_by_record[_add(tx, context, changes, employee, coverage)] = coverage
        else:
            _move(tx, changes, employee, records[record_id], coverage.span)
            coverage_by_record[record_id] = coverage
    _link_enrollments(changes, rows, elected, coverage_by_record, target.removed)


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
class _GroupChanges:
    """The changes that bring the coverage of record under all contracts of a group in line with elections.

    The same as `CoverageChanges`, which describes a single contract.
    """

    assigned: Sequence[tuple[ElectedCoverage, str | None]]
    shortened: Mapping[str, date]
    removed: set[str]


def _reconcile_contracts(
    elected: Mapping[str, ElectedCoverage], records: Mapping[str, SubscriberEnrollment], linked_ids: set[str]
) -> _GroupChanges:
    """Reconcile each contract on its own, then combine: a record of the carrier's own yields to all of them."""
    spans_by_contract: dict[ContractKey, list[DateSpan]] = defaultdict(list)
    for coverage in elected.values():
        spans_by_contract[coverage.contract].append(coverage.span)
    assigned: list[tuple[ElectedCoverage, str | None]] = []
    shortened: dict[str, date] = {}
    removed: set[str] = set()
    for contract, spans in spans_by_contract.items():
        recorded = [
            RecordedCoverage(
                id, record_span(record.start_date, record.end_date), id in linked_ids, _contract_key(record) == contract
            )
            for id, record in records.items()
            if _same_division(record, contract)
        ]
        result = reconcile_coverage(spans, recorded)
        assigned += [(ElectedCoverage(contract, span), record_id) for span, record_id in result.assigned]
        shortened |= {id: min(last, shortened.get(id, last)) for id, last in result.shortened.items()}
        removed |= result.removed
    used = {record_id for _, record_id in assigned if record_id is not None}
    removed |= linked_ids & records.keys()
    removed -= used
    return _GroupChanges(assigned, {id: last for id, last in shortened.items() if id not in removed | used}, removed)


def _link_enrollments(
    changes: _Changes,
    rows: Sequence[Any],
    elected: Mapping[str, ElectedCoverage],
    coverage_by_record: Mapping[str, ElectedCoverage],
    removed: set[str],
) -> None:
    """Point each enrollment to the record that holds its days, or to none."""
    for row in rows:
        coverage = elected.get(row.id)
        record_id = next(
            (
                id
                for id, whole in coverage_by_record.items()
                if coverage and whole.contract == coverage.contract and whole.span.overlaps(coverage.span)
            ),
            None,
        )
        if record_id == row.subscriber_enrollment_id:
            continue
        if record_id is None or row.subscriber_enrollment_id in removed:
            changes.unlinked.append({"id": row.id, "subscriber_enrollment_id": None})
        if record_id is not None:
            changes.linked.append({"id": row.id, "subscriber_enrollment_id": record_id})


def _add(
    tx: Transaction, context: _SyncContext, changes: _Changes, employee: Employee, coverage: ElectedCoverage
) -> str:
    """Add a record for a span of elected coverage, and return its ID."""
    contract, span = coverage.contract, coverage.span
    values: Values = {
        "id": tx.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT),
        "employer_id": employee.employer_id,
        "employee_id": employee.id,
        "subscriber_id": context.subscriber_ids[employee.id],
        "group_id": contract.group_id,
        "division_id": contract.division_id,
        "group_coverage_start": contract.coverage_start,
        "start_date": span.start,
        **dict.fromkeys(CHANGEABLE_COLUMNS),
        "end_date": span.last,
        "date_employed": employee.hired_on,
        "original_enrollment_date": span.start,
        "policy_number": context.policy_numbers[contract],
        "term_date": employee.terminated_on,
        "entry_user": tx.viewer.key_id,
        "update_user": tx.viewer.key_id,
    }
    changes.added.append(values)
    _add_event(tx, changes, employee, values, "CREATED", after=values)
    return str(values["id"])


def _move(
    tx: Transaction,
    changes: _Changes,
    employee: Employee,
    record: SubscriberEnrollment,
    span: DateSpan,
    *,
    set_term_date: bool = True,
) -> None:
    """Move a record to another span, first shrinking it to the days that both spans have in common.

    That way it never overlaps another record in between. `set_term_date` is false for a record of the carrier's own.
    """
    current = record_span(record.start_date, record.end_date)
    paid = record.paid_through
    target = {
        "start_date": span.start,
        "end_date": span.last,
        "term_date": employee.terminated_on if set_term_date else record.term_date,
        "paid_through": None if paid is None or paid < span.start else min(paid, span.last),
    }
    before = {name: getattr(record, name) for name in target}
    after = {name: value for name, value in target.items() if value != before[name]}
    if not after:
        return
    stamp = {"version": record.version + 1, "updated_at": tx.clock.now, "update_user": tx.viewer.key_id}
    row = {"id": record.id, **target, **stamp}
    common = DateSpan(max(current.start, span.start), min(current.stop, span.stop))
    if common not in (current, span):
        changes.shrunk.append(row | {"start_date": common.start, "end_date": common.last})
    (changes.shrunk if common == span else changes.grown).append(row)
    before = {name: before[name] for name in after}
    _add_event(tx, changes, employee, column_values(record), "MOVED", before=before, after=after)


def _add_event(
    tx: Transaction,
    changes: _Changes,
    employee: Employee,
    values: Values,
    action: str,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    changes.events.append(
        store.history.coverage_event(tx, values, action, before=before, after=after, employee_id=employee.id)
    )


def _contract_key(record: SubscriberEnrollment) -> ContractKey:
    return ContractKey(record.group_id, record.division_id, record.group_coverage_start)


def _same_division(record: SubscriberEnrollment, contract: ContractKey) -> bool:
    """Return whether a record belongs to a contract's group and division. No two such records may share a day."""
    return (record.group_id, record.division_id) == (contract.group_id, contract.division_id)
