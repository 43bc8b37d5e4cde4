"""Enrollment updates: collected first, then written in an order in which no two coverages ever share a day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from benegraph.db import store
from benegraph.db.models import Enrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes
from benegraph.domain.enrollments.status import Answer, compute_ends


@dataclass(slots=True)
class EnrollmentUpdate:
    """New column values for one enrollment, and the action and reason that history records."""

    row: Enrollment
    values: dict[str, Any]
    action: str
    reason: str | None = None

    def apply(self, tx: Transaction) -> store.history.HistoryEvent:
        """Set the values on the row in memory, and return the change for history."""
        self.values = {name: value for name, value in self.values.items() if value != getattr(self.row, name)}
        before = {name: getattr(self.row, name) for name in self.values}
        for name, value in self.values.items():
            setattr(self.row, name, value)
        return store.history.enrollment_event(tx, self.row, self.action, before, self.values, self.reason)

    @property
    def shortens_coverage(self) -> bool:
        """Whether coverage gives up days, which another row may then take. Valid only before `apply`."""
        current_end = self.row.coverage_ends_on
        new_end: date | None = self.values.get("coverage_ends_on", current_end)
        return current_end is not None and (new_end is None or new_end < current_end)


@dataclass(slots=True)
class EnrollmentUpdates:
    """All enrollment updates of one transaction, at most one for each enrollment."""

    by_id: dict[str, EnrollmentUpdate] = field(default_factory=dict)

    def add(self, row: Enrollment, action: str, reason: str | None = None, **values: Any) -> None:
        self.by_id[row.id] = EnrollmentUpdate(row, values, action, reason)

    def value(self, row: Enrollment, name: str) -> Any:
        """Return the value that a column will hold after the update."""
        update = self.by_id.get(row.id)
        return update.values[name] if update and name in update.values else getattr(row, name)

    def recompute_coverage(
        self, rows: Sequence[Enrollment], plan_year_ends_on: date, terminated_on: date | None
    ) -> None:
        """Recompute the coverage ends of one employee in one plan year, from the answers and the updates so far.

        `rows` are all enrollments of that employee in the plan year, oldest first.
        """
        answered = sort_answered(rows, lambda row: self.value(row, "decided_at"))
        answers = [
            Answer(*(self.value(row, name) for name in ("decision", "effective_on", "ended_through")))
            for row in answered
        ]
        for row, end in zip(answered, compute_ends(answers, plan_year_ends_on, terminated_on), strict=True):
            values = {
                "coverage_ends_on": end.coverage_ends_on,
                "closed_on": end.closed_on,
                "close_reason": end.close_reason,
            }
            changes = {name: value for name, value in values.items() if self.value(row, name) != value}
            if changes:
                self.by_id.setdefault(row.id, EnrollmentUpdate(row, {}, "COVERAGE_MOVED")).values.update(changes)

    async def write(self, tx: Transaction, *other_writes: RowWrite) -> None:
        """Write the updates that shorten coverage first, then the others together with history and `other_writes`.

        So no two coverages share a day, even between two statements.
        """
        shortening = [update for update in self.by_id.values() if update.shortens_coverage]
        others = [update for update in self.by_id.values() if not update.shortens_coverage]
        changes = [update.apply(tx) for update in (*shortening, *others)]
        await execute_writes(tx, _build_write(shortening))
        await execute_writes(tx, _build_write(others), store.history.build_events_insert(changes), *other_writes)


def _build_write(updates: Sequence[EnrollmentUpdate]) -> RowWrite:
    # One statement updates all rows, so each row carries every column that any of them changes.
    names = dict.fromkeys(name for update in updates for name in update.values)
    rows = [{name: getattr(update.row, name) for name in ("id", *names)} for update in updates if update.values]
    return RowWrite.versioned_update(Enrollment, rows)


def sort_answered(
    rows: Sequence[Enrollment], decided_at: Callable[[Enrollment], datetime | None] = lambda row: row.decided_at
) -> list[Enrollment]:
    """Return the answered enrollments in the order in which their answers supersede each other.

    That is by time of decision, but never after an enrollment that replaces it: a renewal, or an answer in a reopened
    window, may come later than the answer to the reissue. `rows` are all enrollments of one employee in a plan year,
    oldest first.
    """
    sort_keys: dict[str, datetime] = {}
    for row in reversed(rows):
        instants = [instant for instant in (decided_at(row), sort_keys.get(row.id)) if instant is not None]
        if not instants:
            continue
        sort_keys[row.id] = min(instants)
        if row.replaces_id is not None:
            sort_keys[row.replaces_id] = min(sort_keys[row.id], sort_keys.get(row.replaces_id, sort_keys[row.id]))
    return sorted((row for row in rows if decided_at(row) is not None), key=lambda row: sort_keys[row.id])
