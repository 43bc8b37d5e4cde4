"""The record buffer: the rows to insert for one employer, with the history events of every change."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from benegraph.db.base import Base, Identified, Versioned
from benegraph.db.models import Employee, Employer, Event
from benegraph.db.store.history import PERSONAL_COLUMNS
from benegraph.domain.access import Role
from benegraph.domain.ids import IdPrefix, build_id

Row = dict[str, Any]

# Columns that history events leave out, as `db.store.history` does: IDs, timestamps, versions and free text.
_EXCLUDED_COLUMNS = {"id", "employer_id", "employee_id", "created_at", "updated_at", "version", "notes", "review_notes"}
# The times in generated IDs, in milliseconds since 1970. They begin with the year 2000, before the time in every ID
# that a service makes, and each employer has an hour. See `RecordBuffer.new_id`.
_FIRST_ID_TIME = 946_684_800_000
_RANKS_PER_EMPLOYER = 3_600_000
_MAX_CHILDREN = 1 << 12


@dataclass(slots=True)
class RecordBuffer:
    """The current state of an employer's rows, by table; `employer_number` is the employer's number in its tenant."""

    actor: str
    seed_words: tuple[object, ...]
    employer_number: int = 0
    tables: dict[type[Base], list[Row]] = field(default_factory=dict)
    _child_counts: dict[str, int] = field(default_factory=dict)
    _hash_key: bytes = field(init=False)
    _first_id_time: int = field(init=False)

    def __post_init__(self) -> None:
        words = "/".join(map(str, (*self.seed_words, self.employer_number)))
        self._hash_key = blake2b(words.encode(), digest_size=16).digest()
        self._first_id_time = _FIRST_ID_TIME + self.employer_number * _RANKS_PER_EMPLOYER

    @property
    def user_id(self) -> str:
        """The ID of the administrator's API key, which coverage of record names as its author."""
        return self.actor.split()[1]

    def new_id(self, prefix: IdPrefix, *parent_ids: str, rank: int = 0) -> str:
        """Return the next ID of a child of these rows. It depends on no date, so that it is the same on every day.

        An ID is a hash of the seed words, the parents' IDs, and the number of the child among its siblings. IDs sort
        by employer, then by `rank` (less than 3,600,000), then by that number. To sort in this way, the time in an ID
        is not the time of the row, but an invented one.
        """
        siblings = "".join((prefix, *parent_ids))
        number = self._child_counts.get(siblings, 0)
        if number >= _MAX_CHILDREN:
            raise AssertionError(f"more than {_MAX_CHILDREN} siblings of the type {prefix.entity_name}")
        self._child_counts[siblings] = number + 1
        digest = blake2b(f"{siblings}{number}".encode(), digest_size=8, key=self._hash_key).digest()
        hash = int.from_bytes(digest)  # 14 of its bits fill the counter, and 48 are the random bits
        return build_id(prefix, self._first_id_time + rank, number << 14 | hash >> 50, hash & 0xFFFF_FFFF_FFFF)

    def add(self, model: type[Base], row: Row, at: datetime) -> Row:
        """Add a row created at this instant. All rows of a table must have the same columns."""
        if issubclass(model, Identified):
            row["created_at"] = at
        if issubclass(model, Versioned):
            row["updated_at"] = at
            row["version"] = 1
        self.tables.setdefault(model, []).append(row)
        return row

    def remove(self, model: type[Base], row: Row) -> None:
        self.tables[model] = [other for other in self.tables[model] if other is not row]

    def increment_version(self, row: Row, at: datetime) -> None:
        """Increment the version of a row after a change of its child rows."""
        row.update(updated_at=at, version=row["version"] + 1)

    def update(self, row: Row, values: Row, at: datetime) -> tuple[Row, Row]:
        """Set the values that differ and increment the version; return the changed columns before and after."""
        after = {name: value for name, value in values.items() if row[name] != value}
        before = {name: row[name] for name in after}
        if after:
            row.update(after, updated_at=at, version=row["version"] + 1)
        return before, after

    def add_creation_event(
        self, model: type[Base], row: Row, action: str, at: datetime, reason: str | None = None
    ) -> None:
        """Add a history event for a new row, with its columns that are neither null nor personal."""
        hidden = _EXCLUDED_COLUMNS | PERSONAL_COLUMNS
        after = {name: value for name, value in row.items() if name not in hidden and value is not None}
        self.add_event(model, row, action, at, None, after, reason)

    def add_snapshot_event(
        self, model: type[Base], row: Row, action: str, at: datetime, *, deleted: bool = False
    ) -> None:
        """Add a history event for a new or deleted row, with all its columns."""
        snapshot = {name: value for name, value in row.items() if name not in _EXCLUDED_COLUMNS}
        before, after = (snapshot, None) if deleted else (None, snapshot)
        self.add_event(model, row, action, at, before, after, None)

    def update_with_event(
        self, model: type[Base], row: Row, action: str, values: Row, at: datetime, reason: str | None = None
    ) -> None:
        """Update a row and add a history event, or do nothing where no value differs."""
        before, after = self.update(row, values, at)
        if after:
            recorded = {name: value for name, value in after.items() if name not in _EXCLUDED_COLUMNS}
            self.add_event(model, row, action, at, {name: before[name] for name in recorded}, recorded, reason)

    def add_event(
        self,
        model: type[Base],
        row: Row,
        action: str,
        at: datetime,
        before: Row | None,
        after: Row | None,
        reason: str | None,
    ) -> None:
        """Add the history event that a service would have written for a change by the administrator."""
        event = {
            "id": self.new_id(IdPrefix.EVENT, row["id"]),
            "employer_id": row["id"] if model is Employer else row["employer_id"],
            "employee_id": row["id"] if model is Employee else row.get("employee_id"),
            "subject_id": row["id"],
            "action": action,
            "actor": self.actor,
            "actor_role": Role.ADMINISTRATOR,
            "occurred_at": at,
            "request_id": None,
            "reason": reason,
            "before": before,
            "after": after,
            "withheld_columns": [],
        }
        self.add(Event, event, at)
