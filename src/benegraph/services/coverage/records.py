"""Coverage of record as the carrier keeps it: create, update, delete, and many at once as if one after another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import GroupContract, Subscriber, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.writing import insert_rows, update_rows
from benegraph.domain.checks import check_version
from benegraph.domain.coverage import (
    MAX_BATCH_SIZE,
    BatchOutcome,
    ContractKey,
    CoverageKey,
    check_fields,
    check_key,
    check_span,
    coverages_overlap,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix

#: What an input may change; a field left out stays, None clears it.
CHANGEABLE_COLUMNS = (
    "end_date",
    "annual_max_cents",
    "lifetime_max_cents",
    "date_employed",
    "eligibility_date",
    "original_enrollment_date",
    "paid_through",
    "policy_number",
    "term_date",
)
Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CoverageItem:
    """One coverage of record to be written: its key, and the columns that are given."""

    key: CoverageKey
    changes: Changes


@dataclass(frozen=True, slots=True)
class CoverageItemResult:
    """What came of one item: the coverage, or the rules that refused it."""

    outcome: BatchOutcome
    id: str | None = None
    rules: tuple[RuleViolation, ...] = ()


async def create_coverage(tx: Transaction, item: CoverageItem) -> str:
    """Write down a coverage that is new; give its id. Raises Refused."""
    batch = await load_coverage_batch(tx, [item])
    if item.key in batch.records:
        raise refusal(ErrorCode.ALREADY_EXISTS, "There is a coverage of this key already.", "key")
    raise_if_any(batch.check(item))
    record = batch.add(tx, item)
    await batch.write(tx)
    return record.id


async def update_coverage(tx: Transaction, item: CoverageItem, expected_version: int | None) -> str:
    """Change the fields given of a coverage; give its id. Raises Refused."""
    batch, record = await _take(tx, item)
    raise_if_any([*check_version(expected_version, record.version), *batch.check(item)])
    batch.change(tx, record, item.changes)
    await batch.write(tx)
    return record.id


async def delete_coverage(tx: Transaction, key: CoverageKey, expected_version: int | None) -> str:
    """Delete a coverage; give the id it had. Raises Refused."""
    batch, record = await _take(tx, CoverageItem(key, {}))
    broken = [*check_version(expected_version, record.version)]
    if record.id in batch.linked:
        broken.append(RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, "This coverage follows an election.", ("key",)))
    raise_if_any(broken)
    batch.note(tx, record, "DELETED", before=record.values)
    await store.coverage.remove(tx, [record.id])
    await batch.write(tx)
    return record.id


async def upsert_coverage(tx: Transaction, items: Sequence[CoverageItem]) -> list[CoverageItemResult]:
    """Write many coverages as if one after another: what is not there yet is created, and one bad item fails alone.

    At most 1,000, in a fixed number of statements. Raises Refused for a call that is too long.
    """
    if not 0 < len(items) <= MAX_BATCH_SIZE:
        raise refusal(ErrorCode.INVALID_INPUT, f"One call takes 1 to {MAX_BATCH_SIZE} enrollments.", "enrollments")
    batch = await load_coverage_batch(tx, items)
    results = []
    for index, item in enumerate(items):
        if broken := tuple(rule.prefixed("enrollments", str(index)) for rule in batch.check(item)):
            results.append(CoverageItemResult(BatchOutcome.FAILED, rules=broken))
        elif (record := batch.records.get(item.key)) is None:
            results.append(CoverageItemResult(BatchOutcome.CREATED, batch.add(tx, item).id))
        else:
            changed = batch.change(tx, record, item.changes)
            results.append(CoverageItemResult(BatchOutcome.UPDATED if changed else BatchOutcome.UNCHANGED, record.id))
    await batch.write(tx)
    return results


async def _take(tx: Transaction, item: CoverageItem) -> "tuple[CoverageBatch, CoverageRow]":
    batch = await load_coverage_batch(tx, [item])
    raise_if_any([rule.prefixed("key") for rule in check_key(item.key)])
    if (record := batch.records.get(item.key)) is None:
        raise refusal(ErrorCode.NOT_FOUND, "There is no coverage of this key.", "key")
    return batch, record


# -------------------------------------------------------------------------------------------------- the batch


@dataclass(slots=True)
class CoverageRow:
    """A coverage as it stands in this transaction, written or not: the values of its columns."""

    values: dict[str, Any]
    is_new: bool = False
    #: The last day it covered in the database, if it is there and was changed here.
    ended_on: date | None = None
    is_changed: bool = False

    @property
    def id(self) -> str:
        return str(self.values["id"])

    @property
    def version(self) -> int:
        return int(self.values["version"])


@dataclass(slots=True)
class CoverageBatch:
    """All coverage of some subscribers, locked, with the contracts that items name; and what is to be written."""

    subscribers: Mapping[str, Subscriber]
    contracts: Mapping[ContractKey, GroupContract]
    records: dict[CoverageKey, CoverageRow]
    linked: set[str]
    events: list[store.history.Change] = field(default_factory=list)
    #: The keys of each subscriber's coverage in each group's division.
    beside: dict[tuple[str, str, str], list[CoverageKey]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.records:
            self.beside.setdefault(_place(key), []).append(key)

    def check(self, item: CoverageItem) -> Iterator[RuleViolation]:
        """Refuse an item that can't stand beside what is there."""
        malformed = [rule.prefixed("key") for rule in check_key(item.key)]
        malformed += [rule.prefixed("fields") for rule in check_fields(item.changes)]
        yield from malformed
        if malformed:
            return
        contract = self.contracts.get(item.key.contract)
        if item.key.subscriber_id not in self.subscribers:
            yield RuleViolation(ErrorCode.NOT_FOUND, "There is no such subscriber.", ("key", "subscriberId"))
        if contract is None:
            yield RuleViolation(ErrorCode.NOT_FOUND, "There is no such contract of a group.", ("key", "groupId"))
            return
        record = self.records.get(item.key)
        end = item.changes.get("end_date", record.values["end_date"] if record else None)
        if record and record.id in self.linked and end != record.values["end_date"]:
            yield RuleViolation(
                ErrorCode.LINKED_TO_ENROLLMENT,
                "This coverage follows an election, and ends with it.",
                ("fields", "endDate"),
            )
            return
        broken = list(check_span(item.key.start_date, end, (contract.coverage_start, contract.coverage_end)))
        yield from broken
        if not broken and self._meets_another(item.key, end):
            yield RuleViolation(
                ErrorCode.OVERLAPPING_COVERAGE,
                "Another coverage of this subscriber shares a day with it.",
                ("key", "startDate"),
            )

    def add(self, tx: Transaction, item: CoverageItem) -> CoverageRow:
        contract = self.contracts[item.key.contract]
        values = {
            "id": tx.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT),
            "employer_id": contract.employer_id,
            "employee_id": self.subscribers[item.key.subscriber_id].employee_id,
            **asdict(item.key),
            **dict.fromkeys(CHANGEABLE_COLUMNS),
            **item.changes,
            "entry_user": tx.viewer.key_id,
            "update_user": tx.viewer.key_id,
            "created_at": tx.clock.now,
            "updated_at": tx.clock.now,
            "version": 1,
        }
        record = self.records[item.key] = CoverageRow(values, is_new=True)
        self.beside.setdefault(_place(item.key), []).append(item.key)
        self.note(tx, record, "CREATED", after=values)
        return record

    def change(self, tx: Transaction, record: CoverageRow, changes: Changes) -> bool:
        """Set the columns given; tell whether any of them was another."""
        moved = {name: value for name, value in changes.items() if record.values[name] != value}
        if not moved:
            return False
        if not record.is_changed and not record.is_new:
            record.ended_on = record.values["end_date"]
        before = {name: record.values[name] for name in moved}
        record.values |= moved
        record.values |= {
            "version": record.version + 1,
            "updated_at": tx.clock.now,
            "update_user": tx.viewer.key_id,
        }
        record.is_changed = True
        self.note(tx, record, "UPDATED", before=before, after=moved)
        return True

    def note(
        self,
        tx: Transaction,
        record: CoverageRow,
        action: str,
        before: Changes | None = None,
        after: Changes | None = None,
    ) -> None:
        """Note for history what happens to a coverage."""
        whose = self.subscribers[record.values["subscriber_id"]]
        employee_id = covered_employee_id(whose, record.values["employer_id"])
        change = store.history.covered(tx, record.values, action, before=before, after=after, employee_id=employee_id)
        self.events.append(change)

    async def write(self, tx: Transaction) -> None:
        """Write what gives up days first, so that no two coverages share one even in between."""
        changed = [record for record in self.records.values() if record.is_changed and not record.is_new]
        for step in (
            [record for record in changed if not _grows(record)],
            [record for record in changed if _grows(record)],
        ):
            await update_rows(tx, SubscriberEnrollment, [_written(record) for record in step])
        await insert_rows(tx, SubscriberEnrollment, [each.values for each in self.records.values() if each.is_new])
        await store.history.record(tx, self.events)

    def _meets_another(self, key: CoverageKey, end: date | None) -> bool:
        return any(
            other != key
            and coverages_overlap(key.start_date, end, other.start_date, self.records[other].values["end_date"])
            for other in self.beside.get(_place(key), ())
        )


async def load_coverage_batch(tx: Transaction, items: Sequence[CoverageItem]) -> CoverageBatch:
    """Lock the subscribers that items name, then all their coverage, and find the contracts."""
    keys = [item.key for item in items if not list(check_key(item.key))]
    subscribers = await store.coverage.lock_subscribers(tx, {key.subscriber_id for key in keys})
    contracts = await store.coverage.contracts_by_key(tx, {key.contract for key in keys})
    rows = await store.coverage.lock_coverage(tx, subscribers)
    linked = await store.coverage.linked(tx, [row.id for row in rows])
    return CoverageBatch(subscribers, contracts, {_key(row): CoverageRow(column_values(row)) for row in rows}, linked)


def column_values(row: SubscriberEnrollment) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in SubscriberEnrollment.__table__.columns}


def covered_employee_id(subscriber: Subscriber, employer_id: str | None) -> str | None:
    """Tell which employee coverage concerns: the subscriber's, where it is recorded with their own employer."""
    return subscriber.employee_id if subscriber.employer_id == employer_id else None


def _place(key: CoverageKey) -> tuple[str, str, str]:
    return key.subscriber_id, key.group_id, key.division_id


def _key(row: SubscriberEnrollment) -> CoverageKey:
    return CoverageKey(row.subscriber_id, row.group_id, row.division_id, row.group_coverage_start, row.start_date)


def _written(record: CoverageRow) -> dict[str, Any]:
    names = ("id", *CHANGEABLE_COLUMNS, "update_user", "updated_at", "version")
    return {name: record.values[name] for name in names}


def _grows(record: CoverageRow) -> bool:
    end = record.values["end_date"]
    return record.ended_on is not None and (end is None or end > record.ended_on)
