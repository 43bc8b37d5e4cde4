"""The groups of coverage sync: an employee's elections under a group's contracts, and the records that agree."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employee, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.domain.coverage import (
    ContractKey,
    DivisionChange,
    ElectedCoverage,
    RecordedCoverage,
    assign_contracts,
    divide_by_division,
    limit_to_contract,
    reconcile_coverage,
    record_span,
)
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.record_history import RecordHistories, load_record_histories

#: A group ID and the start of the group's contract.
GroupStart = tuple[str, date]


@dataclass(frozen=True, slots=True)
class SyncContext:
    """The elections, the contracts of their groups, and all coverage of the subscribers, locked."""

    #: By employee ID, then by group ID.
    elections: Mapping[str, Mapping[str, Sequence[Any]]]
    #: The subscriber number of each employee, by employee ID.
    subscriber_ids: Mapping[str, str]
    #: By employer ID and group.
    contracts: Mapping[tuple[str, GroupStart], Sequence[ContractKey]]
    policy_numbers: Mapping[ContractKey, str | None]
    #: The last day of each contract; None while open-ended.
    contract_ends: Mapping[ContractKey, date | None]
    #: By subscriber number.
    records: Mapping[str, Sequence[SubscriberEnrollment]]

    def find_contract(self, employee: Employee, group: GroupStart, division: str | None) -> ContractKey | None:
        """Find the contract of a division; without a division, the group's only contract."""
        contracts = self.contracts.get((employee.employer_id, group), ())
        if division is None:
            return contracts[0] if len(contracts) == 1 else None
        return next((contract for contract in contracts if contract.division_id == division), None)


async def load_sync_context(tx: Transaction, rows: Sequence[Any]) -> SyncContext:
    elections: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    subscriber_ids: dict[str, str] = {}
    contracts: dict[tuple[str, GroupStart], list[ContractKey]] = {}
    policy_numbers: dict[ContractKey, str | None] = {}
    contract_ends: dict[ContractKey, date | None] = {}
    records: dict[str, list[SubscriberEnrollment]] = defaultdict(list)
    for row in rows:
        group = (row.group_id, row.group_coverage_start)
        elections[row.employee_id][row.group_id].append(row)
        subscriber_ids[row.employee_id] = row.number
        contracts[row.employer_id, group] = keys = []
        for division, policy_number, coverage_end in row.contracts:
            key = ContractKey(row.group_id, division, row.group_coverage_start)
            keys.append(key)
            policy_numbers[key], contract_ends[key] = policy_number, coverage_end
    for record in await store.coverage.lock_coverage(tx, subscriber_ids.values()):
        records[record.subscriber_id].append(record)
    return SyncContext(elections, subscriber_ids, contracts, policy_numbers, contract_ends, records)


@dataclass(frozen=True, slots=True)
class SyncGroup:
    """One employee's elections under all contracts of one group, and the subscriber's coverage of record in it."""

    employee: Employee
    rows: Sequence[Any]
    #: By enrollment ID and first day: a move between divisions divides an election.
    elected: Mapping[tuple[str, date], ElectedCoverage]
    #: By record ID.
    records: Mapping[str, SubscriberEnrollment]
    #: The records that follow elections. An election is linked to the last one that holds its days.
    linked_ids: frozenset[str]
    #: The days on which the employee moves to another division.
    moved_on: frozenset[date]


def build_group(context: SyncContext, employee: Employee, rows: Sequence[Any]) -> SyncGroup:
    # Coverage of an earlier employment of the same person stays as it was.
    own = [
        record
        for record in context.records.get(context.subscriber_ids[employee.id], ())
        if record.employee_id in (None, employee.id)
    ]
    linked_ids = _add_continued_ids({row.subscriber_enrollment_id for row in rows} - {None}, own)
    records = {record.id: record for record in own if record.id in linked_ids or record.group_id == rows[0].group_id}
    moves = [DivisionChange(*move) for move in rows[0].moves]
    elected = _elected_coverage(context, employee, rows, moves, records)
    return SyncGroup(employee, rows, elected, records, linked_ids, frozenset(move.effective_on for move in moves))


def _add_continued_ids(ids: set[str], records: Sequence[SubscriberEnrollment]) -> frozenset[str]:
    """Add the records in earlier divisions that these records continue."""
    continued = {record.id: record.continues_id for record in records}
    linked_ids: set[str] = set()
    for id in ids:
        current: str | None = id
        while current is not None and current not in linked_ids:
            linked_ids.add(current)
            current = continued.get(current)
    return frozenset(linked_ids)


def _elected_coverage(
    context: SyncContext,
    employee: Employee,
    rows: Sequence[Any],
    moves: Sequence[DivisionChange],
    records: Mapping[str, SubscriberEnrollment],
) -> dict[tuple[str, date], ElectedCoverage]:
    """Return the days that each enrollment covers, divided at the employee's moves, and the contract of each part.

    Without a move, the recorded division comes before the employee's, so that a second contract or a change of the
    employee's division does not take away coverage that is still elected.
    """
    recorded_divisions = {
        row.group_coverage_start: records[row.subscriber_enrollment_id].division_id
        for row in rows
        if row.subscriber_enrollment_id in records
    }
    elected: dict[tuple[str, date], ElectedCoverage] = {}
    for row in rows:
        if row.coverage_ends_on is None:
            continue
        group_start = row.group_coverage_start
        last_division = employee.division_id
        if not moves:
            last_division = recorded_divisions.get(group_start) or last_division
        span = record_span(row.coverage_starts_on, row.coverage_ends_on)
        for part, division in divide_by_division(span, moves, last_division):
            contract = context.find_contract(employee, (row.group_id, group_start), division)
            days = None if contract is None else limit_to_contract(part, context.contract_ends[contract])
            if contract is not None and days is not None:
                elected[row.id, days.start] = ElectedCoverage(contract, days)
    return assign_contracts(elected)


@dataclass(frozen=True, slots=True)
class Target:
    """The coverage of record of a group that agrees with the elections."""

    #: The elected days, and the ID of the record that holds them; None if a new record is needed.
    assigned: Sequence[tuple[ElectedCoverage, str | None]]
    #: The days of each of the carrier's own records that holds no elected day.
    unassigned: Mapping[str, DateSpan]
    #: The records of elections that are no longer in force.
    removed: Collection[str]


def find_target(group: SyncGroup, histories: RecordHistories) -> Target:
    """Find the target of a group. A record of the carrier's own that no election needs any more is released."""
    released: set[str] = set()
    while True:
        linked_ids = group.linked_ids - released
        target = _reconcile_contracts(group, histories, linked_ids)
        own = {id for id in target.removed if histories.is_carriers_own(id)}
        if not own:
            return target
        released |= own


def _reconcile_contracts(group: SyncGroup, histories: RecordHistories, linked_ids: Collection[str]) -> Target:
    """Reconcile each contract on its own, then combine: a record of the carrier's own yields to all of them."""
    spans = {
        id: recorded_span(record) if id in linked_ids else carrier_span(record, histories)
        for id, record in group.records.items()
    }
    spans_by_contract: dict[ContractKey, list[DateSpan]] = defaultdict(list)
    for coverage in group.elected.values():
        spans_by_contract[coverage.contract].append(coverage.span)
    assigned: list[tuple[ElectedCoverage, str | None]] = []
    shortened: dict[str, date] = {}
    for contract, elected_spans in spans_by_contract.items():
        recorded = [
            RecordedCoverage(id, spans[id], id in linked_ids, record_contract(record) == contract)
            for id, record in group.records.items()
            if record_division(record) == (contract.group_id, contract.division_id)
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
    assigned.sort(key=lambda part: part[0].span.start)
    return Target(assigned, unassigned, removed)


def carrier_span(record: SubscriberEnrollment, histories: RecordHistories) -> DateSpan:
    """Return the days of a record as the carrier entered them, before any election."""
    values = histories.find_carrier_values(record.id)
    return record_span(values.get("start_date", record.start_date), values.get("end_date", record.end_date))


async def load_histories(tx: Transaction, groups: Sequence[SyncGroup]) -> RecordHistories:
    """Load the histories that the changes of some groups depend on, with one statement at most."""
    concerned = [group for group in groups if _depends_on_history(group)]
    if not concerned:
        return RecordHistories()
    return await load_record_histories(
        tx, {group.employee.id for group in concerned}, {id for group in concerned for id in group.records}
    )


def _depends_on_history(group: SyncGroup) -> bool:
    """Return whether a group has records of the carrier's own, or adds, removes or lengthens one by its elections."""
    target = find_target(group, RecordHistories())
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


def recorded_span(record: SubscriberEnrollment) -> DateSpan:
    return record_span(record.start_date, record.end_date)


def record_contract(record: SubscriberEnrollment) -> ContractKey:
    return ContractKey(record.group_id, record.division_id, record.group_coverage_start)


def record_division(record: SubscriberEnrollment) -> tuple[str, str]:
    """Return a record's group and division. No two records of a subscriber in one division may share a day."""
    return record.group_id, record.division_id
