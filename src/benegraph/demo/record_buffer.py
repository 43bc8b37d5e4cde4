"""The record buffer: the rows to insert for one employer, with the history events of every change."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

from benegraph.db.base import Base, Identified, Versioned
from benegraph.db.models import Employee, Event, PlanYear, PremiumInvoice
from benegraph.domain.access import Role
from benegraph.domain.ids import IdPrefix, new_id

Row = dict[str, Any]

# Columns that history events leave out, as `db.store.history` does: IDs, timestamps, versions and free text.
_EXCLUDED_COLUMNS = {"id", "employer_id", "employee_id", "created_at", "updated_at", "version", "notes", "review_notes"}
# IDs from a second ID source sort after all IDs of the first for the same instant.
_SECOND_SOURCE_OFFSET = 1 << 25


@dataclass(slots=True)
class RecordBuffer:
    """The current state of an employer's rows, by table. IDs come from a random source of their own, `id_random`."""

    actor: str
    id_random: Random
    tables: dict[type[Base], list[Row]] = field(default_factory=dict)
    _id_counter: Iterator[int] = field(default_factory=count)

    def with_id_source(self, id_random: Random) -> "RecordBuffer":
        """Return a buffer of the same tables with a second ID source, so that neither source shifts the other's IDs."""
        return RecordBuffer(self.actor, id_random, self.tables, count(_SECOND_SOURCE_OFFSET))

    @property
    def user_id(self) -> str:
        """The ID of the administrator's API key, which coverage of record names as its author."""
        return self.actor.split()[1]

    def new_id(self, prefix: IdPrefix, at: datetime) -> str:
        """Return an ID that sorts after all earlier IDs of the same instant."""
        return new_id(prefix, at, self.id_random.getrandbits, count=next(self._id_counter) & 0x3FFFFFF)

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
        """Add a history event for a new row, with its columns that are not null."""
        after = {name: value for name, value in row.items() if name not in _EXCLUDED_COLUMNS and value is not None}
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
            "id": self.new_id(IdPrefix.EVENT, at),
            "employer_id": row["employer_id"],
            "employee_id": _employee_id_of(model, row),
            "subject_id": row["id"],
            "action": action,
            "actor": self.actor,
            "actor_role": Role.ADMINISTRATOR,
            "occurred_at": at,
            "request_id": None,
            "reason": reason,
            "before": before,
            "after": after,
        }
        self.add(Event, event, at)


def _employee_id_of(model: type[Base], row: Row) -> str | None:
    if model in (PlanYear, PremiumInvoice):
        return None
    employee_id: str | None = row["id"] if model is Employee else row["employee_id"]
    return employee_id
