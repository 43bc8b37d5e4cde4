"""The ledger: rows as they stand after all that happened to them, and the history of how they came to it."""

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

# What history leaves out, as `db.store.history` does: who a row is of, when it changed, and what people wrote.
_LEFT_OUT = {"id", "employer_id", "employee_id", "created_at", "updated_at", "version", "notes", "review_notes"}
# What is told beside comes after what was told at the same instant.
_AFTER_ALL_ELSE = 1 << 25


@dataclass(slots=True)
class Ledger:
    """What one employer's rows will be, table by table, with ids from dice of its own."""

    actor: str
    bits: Random
    tables: dict[type[Base], list[Row]] = field(default_factory=dict)
    _count: Iterator[int] = field(default_factory=count)

    def beside(self, bits: Random) -> "Ledger":
        """Give a ledger of the same tables whose ids are made apart, so that neither moves the other's."""
        return Ledger(self.actor, bits, self.tables, count(_AFTER_ALL_ELSE))

    @property
    def user(self) -> str:
        """Who the carrier's records say has written them: the administrator's key."""
        return self.actor.split()[1]

    def new_id(self, kind: IdPrefix, at: datetime) -> str:
        """Make an id that sorts after those made before for the same instant."""
        return new_id(kind, at, self.bits.getrandbits, count=next(self._count) & 0x3FFFFFF)

    def add(self, model: type[Base], row: Row, at: datetime) -> Row:
        """Enter a row that was made at an instant; all of one table name the same columns."""
        if issubclass(model, Identified):
            row["created_at"] = at
        if issubclass(model, Versioned):
            row["updated_at"] = at
            row["version"] = 1
        self.tables.setdefault(model, []).append(row)
        return row

    def drop(self, model: type[Base], row: Row) -> None:
        """Take out a row that is deleted again."""
        self.tables[model] = [each for each in self.tables[model] if each is not row]

    def touch(self, row: Row, at: datetime) -> None:
        """Count a change of what lies beneath a row as a change of it."""
        row.update(updated_at=at, version=row["version"] + 1)

    def change(self, row: Row, values: Row, at: datetime) -> tuple[Row, Row]:
        """Change what differs of a row, counting its version up; give what was and what is."""
        after = {name: value for name, value in values.items() if row[name] != value}
        before = {name: row[name] for name in after}
        if after:
            row.update(after, updated_at=at, version=row["version"] + 1)
        return before, after

    def note_issue(self, model: type[Base], row: Row, action: str, at: datetime, reason: str | None = None) -> None:
        """Note in history that a row was made."""
        kept = {name: value for name, value in row.items() if name not in _LEFT_OUT and value is not None}
        self.note(model, row, action, at, None, kept, reason)

    def note_whole(self, model: type[Base], row: Row, action: str, at: datetime, *, gone: bool = False) -> None:
        """Note in history that a row was made, or is gone, with all its columns, whatever they hold."""
        kept = {name: value for name, value in row.items() if name not in _LEFT_OUT}
        self.note(model, row, action, at, kept if gone else None, None if gone else kept, None)

    def note_change(
        self, model: type[Base], row: Row, action: str, values: Row, at: datetime, reason: str | None = None
    ) -> None:
        """Change a row, and note it in history; nothing is noted where nothing differs."""
        before, after = self.change(row, values, at)
        if after:
            kept = {name: value for name, value in after.items() if name not in _LEFT_OUT}
            self.note(model, row, action, at, {name: before[name] for name in kept}, kept, reason)

    def note(
        self,
        model: type[Base],
        row: Row,
        action: str,
        at: datetime,
        before: Row | None,
        after: Row | None,
        reason: str | None,
    ) -> None:
        """Enter what a service would have written to history of a change by our administrator."""
        event = {
            "id": self.new_id(IdPrefix.EVENT, at),
            "employer_id": row["employer_id"],
            "employee_id": _whose(model, row),
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


def _whose(model: type[Base], row: Row) -> str | None:
    if model in (PlanYear, PremiumInvoice):
        return None
    whose: str | None = row["id"] if model is Employee else row["employee_id"]
    return whose
