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
    MOST_AT_ONCE,
    ContractKey,
    Key,
    Outcome,
    check_fields,
    check_key,
    check_span,
    overlap,
)
from benegraph.domain.errors import BrokenRule, Code, refuse, refuse_if_any
from benegraph.domain.ids import Kind

#: What an input may change; a field left out stays, None clears it.
FIELDS = (
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
class Item:
    """One coverage of record to be written: its key, and the columns that are given."""

    key: Key
    changes: Changes


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one item: the coverage, or the rules that refused it."""

    outcome: Outcome
    id: str | None = None
    rules: tuple[BrokenRule, ...] = ()


async def create(tx: Transaction, item: Item) -> str:
    """Write down a coverage that is new; give its id. Raises Refused."""
    ledger = await open_ledger(tx, [item])
    if item.key in ledger.records:
        raise refuse(Code.ALREADY_EXISTS, "There is a coverage of this key already.", "key")
    refuse_if_any(ledger.check(item))
    record = ledger.add(tx, item)
    await ledger.write(tx)
    return record.id


async def update(tx: Transaction, item: Item, expected_version: int | None) -> str:
    """Change the fields given of a coverage; give its id. Raises Refused."""
    ledger, record = await _take(tx, item)
    refuse_if_any([*check_version(expected_version, record.version), *ledger.check(item)])
    ledger.change(tx, record, item.changes)
    await ledger.write(tx)
    return record.id


async def delete(tx: Transaction, key: Key, expected_version: int | None) -> str:
    """Delete a coverage; give the id it had. Raises Refused."""
    ledger, record = await _take(tx, Item(key, {}))
    broken = [*check_version(expected_version, record.version)]
    if record.id in ledger.linked:
        broken.append(BrokenRule(Code.LINKED_TO_ENROLLMENT, "This coverage follows an election.", ("key",)))
    refuse_if_any(broken)
    ledger.note(tx, record, "DELETED", before=record.values)
    await store.coverage.remove(tx, [record.id])
    await ledger.write(tx)
    return record.id


async def upsert(tx: Transaction, items: Sequence[Item]) -> list[Result]:
    """Write many coverages as if one after another: what is not there yet is created, and one bad item fails alone.

    At most 1,000, in a fixed number of statements. Raises Refused for a call that is too long.
    """
    if not 0 < len(items) <= MOST_AT_ONCE:
        raise refuse(Code.INVALID_INPUT, f"One call takes 1 to {MOST_AT_ONCE} enrollments.", "enrollments")
    ledger = await open_ledger(tx, items)
    results = []
    for index, item in enumerate(items):
        if broken := tuple(rule.under("enrollments", str(index)) for rule in ledger.check(item)):
            results.append(Result(Outcome.FAILED, rules=broken))
        elif (record := ledger.records.get(item.key)) is None:
            results.append(Result(Outcome.CREATED, ledger.add(tx, item).id))
        else:
            changed = ledger.change(tx, record, item.changes)
            results.append(Result(Outcome.UPDATED if changed else Outcome.UNCHANGED, record.id))
    await ledger.write(tx)
    return results


async def _take(tx: Transaction, item: Item) -> "tuple[Ledger, Record]":
    ledger = await open_ledger(tx, [item])
    refuse_if_any([rule.under("key") for rule in check_key(item.key)])
    if (record := ledger.records.get(item.key)) is None:
        raise refuse(Code.NOT_FOUND, "There is no coverage of this key.", "key")
    return ledger, record


# -------------------------------------------------------------------------------------------------- the ledger


@dataclass(slots=True)
class Record:
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
class Ledger:
    """All coverage of some subscribers, locked, with the contracts that items name; and what is to be written."""

    subscribers: Mapping[str, Subscriber]
    contracts: Mapping[ContractKey, GroupContract]
    records: dict[Key, Record]
    linked: set[str]
    events: list[store.history.Change] = field(default_factory=list)
    #: The keys of each subscriber's coverage in each group's division.
    beside: dict[tuple[str, str, str], list[Key]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.records:
            self.beside.setdefault(_place(key), []).append(key)

    def check(self, item: Item) -> Iterator[BrokenRule]:
        """Refuse an item that can't stand beside what is there."""
        malformed = [rule.under("key") for rule in check_key(item.key)]
        malformed += [rule.under("fields") for rule in check_fields(item.changes)]
        yield from malformed
        if malformed:
            return
        contract = self.contracts.get(item.key.contract)
        if item.key.subscriber_id not in self.subscribers:
            yield BrokenRule(Code.NOT_FOUND, "There is no such subscriber.", ("key", "subscriberId"))
        if contract is None:
            yield BrokenRule(Code.NOT_FOUND, "There is no such contract of a group.", ("key", "groupId"))
            return
        record = self.records.get(item.key)
        end = item.changes.get("end_date", record.values["end_date"] if record else None)
        if record and record.id in self.linked and end != record.values["end_date"]:
            yield BrokenRule(
                Code.LINKED_TO_ENROLLMENT, "This coverage follows an election, and ends with it.", ("fields", "endDate")
            )
            return
        broken = list(check_span(item.key.start_date, end, (contract.coverage_start, contract.coverage_end)))
        yield from broken
        if not broken and self._meets_another(item.key, end):
            yield BrokenRule(
                Code.OVERLAPPING_COVERAGE,
                "Another coverage of this subscriber shares a day with it.",
                ("key", "startDate"),
            )

    def add(self, tx: Transaction, item: Item) -> Record:
        contract = self.contracts[item.key.contract]
        values = {
            "id": tx.new_id(Kind.SUBSCRIBER_ENROLLMENT),
            "employer_id": contract.employer_id,
            "employee_id": self.subscribers[item.key.subscriber_id].employee_id,
            **asdict(item.key),
            **dict.fromkeys(FIELDS),
            **item.changes,
            "entry_user": tx.viewer.key_id,
            "update_user": tx.viewer.key_id,
            "created_at": tx.clock.now,
            "updated_at": tx.clock.now,
            "version": 1,
        }
        record = self.records[item.key] = Record(values, is_new=True)
        self.beside.setdefault(_place(item.key), []).append(item.key)
        self.note(tx, record, "CREATED", after=values)
        return record

    def change(self, tx: Transaction, record: Record, changes: Changes) -> bool:
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
        self, tx: Transaction, record: Record, action: str, before: Changes | None = None, after: Changes | None = None
    ) -> None:
        """Note for history what happens to a coverage."""
        whose = self.subscribers[record.values["subscriber_id"]]
        employee_id = employee_of(whose, record.values["employer_id"])
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

    def _meets_another(self, key: Key, end: date | None) -> bool:
        return any(
            other != key and overlap(key.start_date, end, other.start_date, self.records[other].values["end_date"])
            for other in self.beside.get(_place(key), ())
        )


async def open_ledger(tx: Transaction, items: Sequence[Item]) -> Ledger:
    """Lock the subscribers that items name, then all their coverage, and find the contracts."""
    keys = [item.key for item in items if not list(check_key(item.key))]
    subscribers = await store.coverage.lock_subscribers(tx, {key.subscriber_id for key in keys})
    contracts = await store.coverage.contracts_by_key(tx, {key.contract for key in keys})
    rows = await store.coverage.lock_coverage(tx, subscribers)
    linked = await store.coverage.linked(tx, [row.id for row in rows])
    return Ledger(subscribers, contracts, {_key(row): Record(values_of(row)) for row in rows}, linked)


def values_of(row: SubscriberEnrollment) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in SubscriberEnrollment.__table__.columns}


def employee_of(subscriber: Subscriber, employer_id: str | None) -> str | None:
    """Tell which employee coverage concerns: the subscriber's, where it is recorded with their own employer."""
    return subscriber.employee_id if subscriber.employer_id == employer_id else None


def _place(key: Key) -> tuple[str, str, str]:
    return key.subscriber_id, key.group_id, key.division_id


def _key(row: SubscriberEnrollment) -> Key:
    return Key(row.subscriber_id, row.group_id, row.division_id, row.group_coverage_start, row.start_date)


def _written(record: Record) -> dict[str, Any]:
    names = ("id", *FIELDS, "update_user", "updated_at", "version")
    return {name: record.values[name] for name in names}


def _grows(record: Record) -> bool:
    end = record.values["end_date"]
    return record.ended_on is not None and (end is None or end > record.ended_on)
