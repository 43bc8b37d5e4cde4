"""Updates of enrollments: collected first, then written in the order that keeps any two coverages apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from benegraph.db import store
from benegraph.db.models import Enrollment
from benegraph.db.session import Transaction
from benegraph.db.store.writing import Write, changed, write
from benegraph.domain.enrollments.status import Answer, compute_ends


@dataclass(slots=True)
class EnrollmentUpdate:
    """What is to change of one enrollment, and what history is to say of it."""

    row: Enrollment
    values: dict[str, Any]
    action: str
    reason: str | None = None

    def make(self, tx: Transaction) -> store.history.Change:
        """Change the row as it is held here; give what history is to say."""
        self.values = {name: value for name, value in self.values.items() if value != getattr(self.row, name)}
        before = {name: getattr(self.row, name) for name in self.values}
        for name, value in self.values.items():
            setattr(self.row, name, value)
        return store.history.edited(tx, self.row, self.action, before, self.values, self.reason)

    @property
    def shortens(self) -> bool:
        """Whether coverage gives up days, so that others may take them; to be asked before the update is made."""
        now = self.row.coverage_ends_on
        then: date | None = self.values.get("coverage_ends_on", now)
        return now is not None and (then is None or then < now)


@dataclass(slots=True)
class EnrollmentUpdates:
    """All updates of one transaction, at most one an enrollment."""

    by_id: dict[str, EnrollmentUpdate] = field(default_factory=dict)

    def add(self, row: Enrollment, action: str, reason: str | None = None, **values: Any) -> None:
        self.by_id[row.id] = EnrollmentUpdate(row, values, action, reason)

    def value(self, row: Enrollment, name: str) -> Any:
        """Give what a column will hold."""
        update = self.by_id.get(row.id)
        return update.values[name] if update and name in update.values else getattr(row, name)

    def resettle(self, rows: Sequence[Enrollment], plan_year_ends_on: date, terminated_on: date | None) -> None:
        """Lay out anew what the answers of one employee in one plan year cover, with the updates so far applied.

        The rows are all of that employee's enrollments in the plan year, oldest first.
        """
        answered = in_order(rows, lambda row: self.value(row, "decided_at"))
        answers = [Answer(self.value(row, "decision"), row.effective_on) for row in answered]
        for row, standing in zip(answered, compute_ends(answers, plan_year_ends_on, terminated_on), strict=True):
            laid_out = {
                "coverage_ends_on": standing.coverage_ends_on,
                "closed_on": standing.closed_on,
                "close_reason": standing.close_reason,
            }
            moved = {name: value for name, value in laid_out.items() if self.value(row, name) != value}
            if moved:
                self.by_id.setdefault(row.id, EnrollmentUpdate(row, {}, "COVERAGE_MOVED")).values.update(moved)

    async def write(self, tx: Transaction, *beside: Write) -> None:
        """Write what shortens first, so that no two coverages share a day even in between; then the rest, and history.

        What is given beside is written in the same turn as the rest.
        """
        shortening = [update for update in self.by_id.values() if update.shortens]
        others = [update for update in self.by_id.values() if not update.shortens]
        changes = [update.make(tx) for update in (*shortening, *others)]
        await write(tx, _written(shortening))
        await write(tx, _written(others), store.history.noted(changes), *beside)


def _written(updates: Sequence[EnrollmentUpdate]) -> Write:
    # All rows name all columns that any of them changes.
    names = dict.fromkeys(name for update in updates for name in update.values)
    rows = [{name: getattr(update.row, name) for name in ("id", *names)} for update in updates if update.values]
    return changed(Enrollment, rows)


def in_order(
    rows: Sequence[Enrollment], decided_at: Callable[[Enrollment], datetime | None] = lambda row: row.decided_at
) -> list[Enrollment]:
    """Put what is answered in the order in which the answers hold: as they were given, none after what replaced it.

    The rows are all of one employee's enrollments in a plan year, oldest first. A renewal, or an answer in a window
    that was opened again, comes late, and yet before the answer to a life event that replaced it.
    """
    counts_at: dict[str, datetime] = {}
    for row in reversed(rows):
        moments = [moment for moment in (decided_at(row), counts_at.get(row.id)) if moment is not None]
        if not moments:
            continue
        counts_at[row.id] = min(moments)
        if row.replaces_id is not None:
            counts_at[row.replaces_id] = min(counts_at[row.id], counts_at.get(row.replaces_id, counts_at[row.id]))
    return sorted((row for row in rows if decided_at(row) is not None), key=lambda row: counts_at[row.id])
