"""The carrier's coverage of record: create, update, delete, and upsert in batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from benegraph.db import store
from benegraph.db.models import GroupContract, Subscriber, SubscriberEnrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows, update_rows
from benegraph.domain.checks import check_version
from benegraph.domain.coverage import (
    MAX_BATCH_SIZE,
    BatchOutcome,
    ContractKey,
    CoverageKey,
    check_fields,
    check_key,
    check_paid_through,
    check_span,
    record_span,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix

#: The columns that an input may change. A column left out keeps its value; None clears it.
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

SUBSCRIBER_NOT_FOUND = "No subscriber found with this subscriberId; create the subscriber first."
_LINKED = "This coverage follows an election; change the election instead."


@dataclass(frozen=True, slots=True)
class CoverageItem:
    """One coverage of record to write: its key, and the columns to change."""

    key: CoverageKey
    changes: Changes


@dataclass(frozen=True, slots=True)
class CoverageItemResult:
    """The outcome of one item: the coverage's ID, or the rule violations."""

    outcome: BatchOutcome
    id: str | None = None
    violations: tuple[RuleViolation, ...] = ()


async def create_coverage(tx: Transaction, item: CoverageItem) -> str:
    """Create a coverage of record, and return its ID. Raises Refused."""
    batch = await load_coverage_batch(tx, [item])
    if item.key in batch.records:
        raise refusal(ErrorCode.ALREADY_EXISTS, "A coverage with this key already exists; update it instead.", "key")
    raise_if_any(batch.check(item))
    record = batch.add(tx, item)
    await batch.write(tx)
    return record.id


async def update_coverage(tx: Transaction, item: CoverageItem, expected_version: int | None) -> str:
    """Change the given columns of a coverage of record, and return its ID. Raises Refused."""
    batch, record = await _load_existing(tx, item)
    raise_if_any([*check_version(expected_version, record.version), *batch.check(item)])
    batch.change(tx, record, item.changes)
    await batch.write(tx)
    return record.id


async def delete_coverage(tx: Transaction, key: CoverageKey, expected_version: int | None) -> str:
    """Delete a coverage of record, and return the ID it had. Raises Refused."""
    batch, record = await _load_existing(tx, CoverageItem(key, {}))
    violations = [*check_version(expected_version, record.version)]
    if record.id in batch.linked_ids:
        violations.append(RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, _LINKED, ("key",)))
    raise_if_any(violations)
    batch.add_event(tx, record, "DELETED", before=record.values)
    await store.coverage.delete_coverage(tx, [record.id])
    await batch.write(tx)
    return record.id


async def upsert_coverage(tx: Transaction, items: Sequence[CoverageItem]) -> list[CoverageItemResult]:
    """Create or update up to 1,000 coverages of record, with the same results as one after another.

    An invalid item fails alone. The number of statements is fixed. Raises Refused for a call without items or with too
    many.
    """
    if not 0 < len(items) <= MAX_BATCH_SIZE:
        message = f"A batch must contain 1 to {MAX_BATCH_SIZE} enrollments; this one contains {len(items)}."
        raise refusal(ErrorCode.INVALID_INPUT, message, "enrollments")
    batch = await load_coverage_batch(tx, items)
    results = []
    for index, item in enumerate(items):
        if violations := tuple(violation.prefixed("enrollments", str(index)) for violation in batch.check(item)):
            results.append(CoverageItemResult(BatchOutcome.FAILED, violations=violations))
        elif (record := batch.records.get(item.key)) is None:
            results.append(CoverageItemResult(BatchOutcome.CREATED, batch.add(tx, item).id))
        else:
            changed = batch.change(tx, record, item.changes)
            results.append(CoverageItemResult(BatchOutcome.UPDATED if changed else BatchOutcome.UNCHANGED, record.id))
    await batch.write(tx)
    return results


async def _load_existing(tx: Transaction, item: CoverageItem) -> "tuple[CoverageBatch, CoverageRow]":
    batch = await load_coverage_batch(tx, [item])
    raise_if_any([violation.prefixed("key") for violation in check_key(item.key)])
    if (record := batch.records.get(item.key)) is None:
        raise refusal(ErrorCode.NOT_FOUND, "No coverage found with this key; create it first.", "key")
    return batch, record


# --------------------------------------------------------------------------------------------------------- batches


@dataclass(slots=True)
class CoverageRow:
    """The column values of a coverage as of now in this transaction, whether already written or not."""

    values: dict[str, Any]
    is_new: bool = False
    #: The end date in the database, for a row that exists there and is changed in this batch.
    stored_end_date: date | None = None
    is_changed: bool = False

    @property
    def id(self) -> str:
        return str(self.values["id"])

    @property
    def version(self) -> int:
        return int(self.values["version"])


@dataclass(slots=True)
class CoverageBatch:
    """All coverage of some subscribers, locked, with the contracts named by the items; collects the changes."""

    subscribers: Mapping[str, Subscriber]
    contracts: Mapping[ContractKey, GroupContract]
    records: dict[CoverageKey, CoverageRow]
    linked_ids: set[str]
    events: list[store.history.HistoryEvent] = field(default_factory=list)
    #: The keys of all coverage of one subscriber in one group and division.
    keys_by_division: dict[tuple[str, str, str], list[CoverageKey]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.records:
            self.keys_by_division.setdefault(_division_of(key), []).append(key)

    def check(self, item: CoverageItem) -> Iterator[RuleViolation]:
        """Check an item against the subscribers, the contracts and the existing coverage."""
        invalid = [violation.prefixed("key") for violation in check_key(item.key)]
        invalid += [violation.prefixed("fields") for violation in check_fields(item.changes)]
        yield from invalid
        if invalid:
            return
        contract = self.contracts.get(item.key.contract)
        if item.key.subscriber_id not in self.subscribers:
            yield RuleViolation(ErrorCode.NOT_FOUND, SUBSCRIBER_NOT_FOUND, ("key", "subscriberId"))
        if contract is None:
            message = "No group contract found with this groupId, divisionId and groupCoverageStart."
            yield RuleViolation(ErrorCode.NOT_FOUND, message, ("key", "groupId"))
            return
        record = self.records.get(item.key)
        end = item.changes.get("end_date", record.values["end_date"] if record else None)
        if record and record.id in self.linked_ids and end != record.values["end_date"]:
            yield RuleViolation(ErrorCode.LINKED_TO_ENROLLMENT, _LINKED, ("fields", "endDate"))
            return
        violations = list(check_span(item.key.start_date, end, (contract.coverage_start, contract.coverage_end)))
        yield from violations or check_paid_through(item.changes.get("paid_through"), end)
        other = None if violations else self._find_overlapping(item.key, end)
        if other is not None:
            message = (
                "The coverage overlaps other coverage of this subscriber in the same group and division,"
                f" which starts on {other.start_date}."
            )
            yield RuleViolation(ErrorCode.OVERLAPPING_COVERAGE, message, ("key", "startDate"))

    def add(self, tx: Transaction, item: CoverageItem) -> CoverageRow:
        contract = self.contracts[item.key.contract]
        values = {
            "id": tx.new_id(IdPrefix.SUBSCRIBER_ENROLLMENT),
            "employer_id": contract.employer_id,
            "employee_id": self.subscribers[item.key.subscriber_id].employee_id,
            **asdict(item.key),
            **dict.fromkeys(CHANGEABLE_COLUMNS),
            **item.changes,
            "continues_id": None,
            "entry_user": tx.viewer.key_id,
            "update_user": tx.viewer.key_id,
            "created_at": tx.clock.now,
            "updated_at": tx.clock.now,
            "version": 1,
        }
        record = self.records[item.key] = CoverageRow(values, is_new=True)
        self.keys_by_division.setdefault(_division_of(item.key), []).append(item.key)
        self.add_event(tx, record, "CREATED", after=values)
        return record

    def change(self, tx: Transaction, record: CoverageRow, changes: Changes) -> bool:
        """Set the given columns, and return whether any value changed.

        Coverage that ends before the day through which it is paid is paid through its end.
        """
        end, paid_through = changes.get("end_date"), record.values["paid_through"]
        if end is not None and paid_through is not None and end < paid_through:
            changes = {"paid_through": end, **changes}
        changed_values = {name: value for name, value in changes.items() if record.values[name] != value}
        if not changed_values:
            return False
        if not record.is_changed and not record.is_new:
            record.stored_end_date = record.values["end_date"]
        before = {name: record.values[name] for name in changed_values}
        record.values |= changed_values
        record.values |= {
            "version": record.version + 1,
            "updated_at": tx.clock.now,
            "update_user": tx.viewer.key_id,
        }
        record.is_changed = True
        self.add_event(tx, record, "UPDATED", before=before, after=changed_values)
        return True

    def add_event(
        self,
        tx: Transaction,
        record: CoverageRow,
        action: str,
        before: Changes | None = None,
        after: Changes | None = None,
    ) -> None:
        """Add an event about a coverage, to be recorded in history."""
        subscriber = self.subscribers[record.values["subscriber_id"]]
        employee_id = covered_employee_id(subscriber, record.values["employer_id"])
        change = store.history.coverage_event(
            tx, record.values, action, before=before, after=after, employee_id=employee_id
        )
        self.events.append(change)

    async def write(self, tx: Transaction) -> None:
        """Write the changes; shortened coverage comes first, so that no two coverages ever share a day."""
        changed = [record for record in self.records.values() if record.is_changed and not record.is_new]
        for rows in (
            [record for record in changed if not _is_extended(record)],
            [record for record in changed if _is_extended(record)],
        ):
            await update_rows(tx, SubscriberEnrollment, [_row_to_update(record) for record in rows])
        await insert_rows(
            tx, SubscriberEnrollment, [record.values for record in self.records.values() if record.is_new]
        )
        await store.history.insert_events(tx, self.events)

    def _find_overlapping(self, key: CoverageKey, end: date | None) -> CoverageKey | None:
        span = record_span(key.start_date, end)
        return next(
            (
                other
                for other in self.keys_by_division.get(_division_of(key), ())
                if other != key and span.overlaps(record_span(other.start_date, self.records[other].values["end_date"]))
            ),
            None,
        )


async def load_coverage_batch(tx: Transaction, items: Sequence[CoverageItem]) -> CoverageBatch:
    """Lock the contracts named by the items, shared, then the subscribers, then all their coverage.

    An end of a contract locks it before the coverage that it ends, so the contracts come first here too.
    """
    keys = [item.key for item in items if not list(check_key(item.key))]
    contracts = await store.coverage.find_contracts(tx, {key.contract for key in keys})
    subscribers = await store.coverage.lock_subscribers(tx, {key.subscriber_id for key in keys})
    rows = await store.coverage.lock_coverage(tx, subscribers)
    linked_ids = await store.coverage.find_linked_ids(tx, [row.id for row in rows])
    return CoverageBatch(
        subscribers, contracts, {coverage_key(row): CoverageRow(column_values(row)) for row in rows}, linked_ids
    )


def column_values(row: SubscriberEnrollment) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in SubscriberEnrollment.__table__.columns}


def covered_employee_id(subscriber: Subscriber, employer_id: str | None) -> str | None:
    """Return the subscriber's employee ID if the coverage belongs to that employee's employer, else None."""
    return subscriber.employee_id if subscriber.employer_id == employer_id else None


def _division_of(key: CoverageKey) -> tuple[str, str, str]:
    return key.subscriber_id, key.group_id, key.division_id


def coverage_key(row: SubscriberEnrollment) -> CoverageKey:
    return CoverageKey(row.subscriber_id, row.group_id, row.division_id, row.group_coverage_start, row.start_date)


def _row_to_update(record: CoverageRow) -> dict[str, Any]:
    names = ("id", *CHANGEABLE_COLUMNS, "update_user", "updated_at", "version")
    return {name: record.values[name] for name in names}


def _is_extended(record: CoverageRow) -> bool:
    end = record.values["end_date"]
    return record.stored_end_date is not None and (end is None or end > record.stored_end_date)
