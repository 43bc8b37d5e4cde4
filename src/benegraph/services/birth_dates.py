"""Corrections of a dependent's date of birth, and of the coverage that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.models import Dependent, Employee, Enrollment
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import RowWrite, execute_writes
from benegraph.domain.access import Role
from benegraph.domain.enrollments.birth_dates import (
    DependentCoverageChange,
    DependentSpan,
    check_birth_date_correction,
    list_coverage_changes,
)
from benegraph.domain.enrollments.life_events import check_event_dependent
from benegraph.domain.enrollments.tiers import DependentFacts, covered_through
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.services.employees import lock_enrollments


@dataclass(frozen=True, slots=True)
class BirthDateCorrection:
    """A corrected date of birth: the rules that it violates, the new age limit, and the coverage that changes."""

    violations: Sequence[RuleViolation]
    through: date | None
    enrollments: Sequence[Enrollment]
    changes: Sequence[DependentCoverageChange]


async def prepare_correction(
    tx: Transaction, employee: Employee, dependent: Dependent, facts: DependentFacts, today: date, reason: str | None
) -> BirthDateCorrection:
    """Find what a corrected date of birth changes. `facts` are those after the change. Locks the enrollments."""
    rows, _plan_years = await lock_enrollments(tx, employee)
    rows_by_id = {row.id: row for row in rows}
    covered = await store.enrollments.list_enrollments_of_dependent(tx, dependent.id)
    spans = [
        DependentSpan(row.id, row.coverage_starts_on, row.coverage_ends_on, enrolled.through)
        for enrolled in covered
        if (row := rows_by_id[enrolled.enrollment_id]).coverage_starts_on is not None
    ]
    through = covered_through(facts)
    violations = [
        *await _check_life_events(tx, dependent.id, facts),
        *check_birth_date_correction(
            spans, facts.date_of_birth, through, today, reason, administrator=tx.viewer.role is Role.ADMINISTRATOR
        ),
    ]
    changes = list_coverage_changes(spans, through)
    return BirthDateCorrection(violations, through, [rows_by_id[change.enrollment_id] for change in changes], changes)


async def apply_correction(
    tx: Transaction, dependent: Dependent, correction: BirthDateCorrection, reason: str | None
) -> None:
    """Set the new age limit in every election that covers the dependent, and record the coverage that changes."""
    await store.enrollments.update_covered_through(tx, dependent.id, correction.through)
    events = [
        store.history.enrollment_event(
            tx,
            row,
            "DEPENDENT_COVERAGE_MOVED",
            {"dependent_id": dependent.id, "dependent_coverage_ends_on": change.previous_ends_on},
            {"dependent_id": dependent.id, "dependent_coverage_ends_on": change.ends_on},
            reason,
        )
        for row, change in zip(correction.enrollments, correction.changes, strict=True)
    ]
    versions = [{"id": row.id} for row in correction.enrollments]
    await execute_writes(tx, RowWrite.versioned_update(Enrollment, versions), store.history.build_events_insert(events))


async def _check_life_events(tx: Transaction, dependent_id: str, facts: DependentFacts) -> list[RuleViolation]:
    """Check that the life events that name the dependent still fit. The message leaves out their dates."""
    return [
        RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"Life event {event.id} does not fit this date of birth. {violation.message}",
            ("dateOfBirth",),
        )
        for event in await store.enrollments.list_life_events_naming(tx, dependent_id)
        for violation in check_event_dependent(
            event.event_type, event.event_on, facts.relationship, facts.date_of_birth
        )
    ]
