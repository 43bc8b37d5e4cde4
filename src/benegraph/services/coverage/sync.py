"""The bridge: what employees elect becomes the coverage of record under their group's contract, day for day."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, PlanYear, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.writing import inserted, update_rows, updated, write
from benegraph.domain.coverage import (
    OPEN_ENDED,
    ContractKey,
    ElectedCoverage,
    RecordedCoverage,
    assign_contracts,
    reconcile_coverage,
)
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import DateSpan
from benegraph.services.coverage.records import CHANGEABLE_COLUMNS, column_values

Group = tuple[str, date]
Values = dict[str, Any]


async def sync_coverage_of_record(
    tx: Transaction, employees: Sequence[Employee], plan_years: Collection[PlanYear] | None = None
) -> None:
    """Bring the coverage of record of some employees in line with what they have elected.

    One record spans all contiguous enrolled coverage under one contract, whatever the products. Who is no subscriber,
    or has no contract for their division, has none. A fixed number of statements, however many employees; none where
    the plan years in which something has changed name no contract. The employees are locked, or their employer alone.
    """
    if not employees or (plan_years is not None and all(each.group_id is None for each in plan_years)):
        return
    rows = await store.coverage.hold_elected(tx, [employee.id for employee in employees])
    if not rows:
        return
    table = await _lay_table(tx, rows)
    changes = _Changes()
    for employee in employees:
        for rows in table.elected.get(employee.id, {}).values():
            _settle(tx, table, changes, employee, rows)
    await changes.write(tx)


# ------------------------------------------------------------------------------------------------- gathering


@dataclass(frozen=True, slots=True)
class _Table:
    """What lies on the clerk's table: elections, contracts, and all coverage of the subscribers, locked."""

    #: By employee, then by the group's code.
    elected: Mapping[str, Mapping[str, Sequence[Any]]]
    numbers: Mapping[str, str]
    contracts: Mapping[tuple[str, Group], Sequence[ContractKey]]
    policies: Mapping[ContractKey, str | None]
    records: Mapping[str, Sequence[SubscriberEnrollment]]

    def contract_of(self, employee: Employee, group: Group, recorded: str | None) -> ContractKey | None:
        """Find the contract of the division that elections are recorded under, or else of the employee's.

        Where there is but one, it needs no division. What is recorded comes first: so neither a second division nor
        another of the employee's takes away what is elected still.
        """
        contracts = self.contracts.get((employee.employer_id, group), ())
        division = recorded or employee.division_id
        if division is None:
            return contracts[0] if len(contracts) == 1 else None
        return next((each for each in contracts if each.division_id == division), None)


async def _lay_table(tx: Transaction, rows: Sequence[Any]) -> _Table:
    elected: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    numbers: dict[str, str] = {}
    contracts: dict[tuple[str, Group], Sequence[ContractKey]] = {}
    policies: dict[ContractKey, str | None] = {}
    records: dict[str, list[SubscriberEnrollment]] = defaultdict(list)
    for row in rows:
        group = (row.group_id, row.group_coverage_start)
        elected[row.employee_id][row.group_id].append(row)
        numbers[row.employee_id] = row.number
        its_own = {
            ContractKey(row.group_id, division, row.group_coverage_start): policy for division, policy in row.contracts
        }
        contracts[row.employer_id, group] = list(its_own)
        policies |= its_own
    for record in await store.coverage.lock_coverage(tx, numbers.values()):
        records[record.subscriber_id].append(record)
    return _Table(elected, numbers, contracts, policies, records)


# -------------------------------------------------------------------------------------------------- settling


@dataclass(slots=True)
class _Changes:
    """What is to be written, in the order that keeps any two coverages apart."""

    unlinked: list[Values] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    shrunk: list[Values] = field(default_factory=list)
    grown: list[Values] = field(default_factory=list)
    added: list[Values] = field(default_factory=list)
    linked: list[Values] = field(default_factory=list)
    events: list[store.history.Change] = field(default_factory=list)

    async def write(self, tx: Transaction) -> None:
        await update_rows(tx, Enrollment, self.unlinked)
        if self.removed:
            await store.coverage.remove(tx, self.removed)
        await update_rows(tx, SubscriberEnrollment, self.shrunk)
        await write(
            tx,
            updated(SubscriberEnrollment, self.grown),
            inserted(SubscriberEnrollment, self.added),
            updated(Enrollment, self.linked),
            store.history.noted(self.events),
        )


def _settle(tx: Transaction, table: _Table, changes: _Changes, employee: Employee, rows: Sequence[Any]) -> None:
    """Settle one employee's coverage under all contracts of one group, from what they have elected under these."""
    number = table.numbers[employee.id]
    links = {row.subscriber_enrollment_id for row in rows} - {None}
    claims = _claims(table, employee, rows)
    records = {
        record.id: record
        for record in table.records.get(number, ())
        if record.id in links or any(_is_beside(record, claim.contract) for claim in claims.values())
    }
    laid = _lay_out_each(claims, records, links)
    for id in laid.removed:
        changes.removed.append(id)
        _note(tx, changes, employee, column_values(records[id]), "DELETED", before=column_values(records[id]))
    for id, last in laid.cut.items():
        _move(tx, changes, employee, records[id], _span(records[id].start_date, last), own=False)
    carriers: dict[str, ElectedCoverage] = {}
    for claim, carrier in laid.carried:
        if carrier is None:
            carriers[_add(tx, table, changes, employee, claim)] = claim
        else:
            _move(tx, changes, employee, records[carrier], claim.span)
            carriers[carrier] = claim
    _link(changes, rows, claims, carriers, laid.removed)


def _claims(table: _Table, employee: Employee, rows: Sequence[Any]) -> dict[str, ElectedCoverage]:
    """Find which days each enrollment covers, and under which contract of the group they are recorded."""
    divisions = {record.id: record.division_id for record in table.records.get(table.numbers[employee.id], ())}
    recorded = {
        row.group_coverage_start: divisions[row.subscriber_enrollment_id]
        for row in rows
        if row.subscriber_enrollment_id in divisions
    }
    claims: dict[str, ElectedCoverage] = {}
    for row in rows:
        start = row.group_coverage_start
        contract = table.contract_of(employee, (row.group_id, start), recorded.get(start))
        if contract is not None and row.coverage_ends_on is not None:
            claims[row.id] = ElectedCoverage(contract, _span(row.coverage_starts_on, row.coverage_ends_on))
    return assign_contracts(claims)


@dataclass(frozen=True, slots=True)
class _Laid:
    """What elections under all contracts of a group make of the coverages of record, as a `Layout` says of one."""

    carried: Sequence[tuple[ElectedCoverage, str | None]]
    cut: Mapping[str, date]
    removed: set[str]


def _lay_out_each(
    claims: Mapping[str, ElectedCoverage], records: Mapping[str, SubscriberEnrollment], links: set[str]
) -> _Laid:
    """Lay out the coverage of each contract on its own; what the carrier recorded itself gives way to them all."""
    elected: dict[ContractKey, list[DateSpan]] = defaultdict(list)
    for claim in claims.values():
        elected[claim.contract].append(claim.span)
    carried: list[tuple[ElectedCoverage, str | None]] = []
    cut: dict[str, date] = {}
    removed: set[str] = set()
    for contract, spans in elected.items():
        beside = [
            RecordedCoverage(
                id, _span(record.start_date, record.end_date), id in links, _contract_of(record) == contract
            )
            for id, record in records.items()
            if _is_beside(record, contract)
        ]
        layout = reconcile_coverage(spans, beside)
        carried += [(ElectedCoverage(contract, span), carrier) for span, carrier in layout.assigned]
        cut |= {id: min(last, cut.get(id, last)) for id, last in layout.shortened.items()}
        removed |= layout.removed
    used = {carrier for _, carrier in carried if carrier is not None}
    removed |= links & records.keys()
    removed -= used
    return _Laid(carried, {id: last for id, last in cut.items() if id not in removed | used}, removed)


def _link(
    changes: _Changes,
    rows: Sequence[Any],
    claims: Mapping[str, ElectedCoverage],
    carriers: Mapping[str, ElectedCoverage],
    removed: set[str],
) -> None:
    for row in rows:
        claim = claims.get(row.id)
        carrier = next(
            (
                id
                for id, whole in carriers.items()
                if claim and whole.contract == claim.contract and whole.span.overlaps(claim.span)
            ),
            None,
        )
        if carrier == row.subscriber_enrollment_id:
            continue
        if carrier is None or row.subscriber_enrollment_id in removed:
            changes.unlinked.append({"id": row.id, "subscriber_enrollment_id": None})
        if carrier is not None:
            changes.linked.append({"id": row.id, "subscriber_enrollment_id": carrier})


def _add(tx: Transaction, table: _Table, changes: _Changes, employee: Employee, claim: ElectedCoverage) -> str:
    contract, span = claim.contract, claim.span
    values: Values = {
        "id": tx.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT),
        "employer_id": employee.employer_id,
        "employee_id": employee.id,
        "subscriber_id": table.numbers[employee.id],
        "group_id": contract.group_id,
        "division_id": contract.division_id,
        "group_coverage_start": contract.coverage_start,
        "start_date": span.start,
        **dict.fromkeys(CHANGEABLE_COLUMNS),
        "end_date": span.last,
        "date_employed": employee.hired_on,
        "original_enrollment_date": span.start,
        "policy_number": table.policies[contract],
        "term_date": employee.terminated_on,
        "entry_user": tx.viewer.key_id,
        "update_user": tx.viewer.key_id,
    }
    changes.added.append(values)
    _note(tx, changes, employee, values, "CREATED", after=values)
    return str(values["id"])


def _move(
    tx: Transaction,
    changes: _Changes,
    employee: Employee,
    record: SubscriberEnrollment,
    span: DateSpan,
    *,
    own: bool = True,
) -> None:
    """Move a record to a span, by way of the days it has and will have: so it never meets another in between.

    Of one that is not `own`, but the carrier's, nothing else changes.
    """
    now = _span(record.start_date, record.end_date)
    paid = record.paid_through
    wanted = {
        "start_date": span.start,
        "end_date": span.last,
        "term_date": employee.terminated_on if own else record.term_date,
        "paid_through": None if paid is None or paid < span.start else min(paid, span.last),
    }
    before = {name: getattr(record, name) for name in wanted}
    moved = {name: value for name, value in wanted.items() if value != before[name]}
    if not moved:
        return
    stamp = {"version": record.version + 1, "updated_at": tx.clock.now, "update_user": tx.viewer.key_id}
    written = {"id": record.id, **wanted, **stamp}
    kept = DateSpan(max(now.start, span.start), min(now.stop, span.stop))
    if kept not in (now, span):
        changes.shrunk.append(written | {"start_date": kept.start, "end_date": kept.last})
    (changes.shrunk if kept == span else changes.grown).append(written)
    _note(
        tx,
        changes,
        employee,
        column_values(record),
        "MOVED",
        before={name: before[name] for name in moved},
        after=moved,
    )


def _note(
    tx: Transaction,
    changes: _Changes,
    employee: Employee,
    values: Values,
    action: str,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    changes.events.append(
        store.history.covered(tx, values, action, before=before, after=after, employee_id=employee.id)
    )


def _contract_of(record: SubscriberEnrollment) -> ContractKey:
    return ContractKey(record.group_id, record.division_id, record.group_coverage_start)


def _is_beside(record: SubscriberEnrollment, contract: ContractKey) -> bool:
    """Tell whether a record is of a contract's group and division: no two of these share a day."""
    return (record.group_id, record.division_id) == (contract.group_id, contract.division_id)


def _span(first: date, last: date | None) -> DateSpan:
    # Carriers write the last day there is for none.
    return DateSpan(first, OPEN_ENDED) if last in (None, OPEN_ENDED) else DateSpan.through(first, last)
