"""Ending one elected coverage without ending the employment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.db import store
from benegraph.db.models import Enrollment, LifeEvent, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.access import Role
from benegraph.domain.checks import check_id, check_version
from benegraph.domain.enrollments.coverage_ends import CoverageEnd, check_coverage_end, compute_last_day
from benegraph.domain.enrollments.life_events import LIFE_EVENT_RULES
from benegraph.domain.enrollments.status import (
    CloseReason,
    ElectionDecision,
    EnrollmentStatus,
    derive_enrollment_status,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any
from benegraph.domain.ids import IdPrefix
from benegraph.services.coverage.subscribers import check_not_rehired
from benegraph.services.coverage.sync import sync_coverage_of_record
from benegraph.services.employees import lock_employee_of_enrollment
from benegraph.services.enrollments.offers import enrollment_facts, find_covered_since, is_pending
from benegraph.services.enrollments.reissue import check_event, compute_event_effective_date
from benegraph.services.enrollments.updates import EnrollmentUpdates, sort_answered


@dataclass(frozen=True, slots=True)
class CoverageOutcome:
    """The status and coverage of an enrollment after a change, as seen in the transaction that makes it."""

    enrollment_id: str
    status: EnrollmentStatus
    coverage_starts_on: date | None
    coverage_ends_on: date | None


async def end_coverage(
    tx: Transaction, enrollment_id: str, end: CoverageEnd, expected_version: int | None
) -> list[CoverageOutcome]:
    """End the coverage of an employee's latest answer in a plan year; return the outcome of each changed enrollment.

    No earlier answer covers the days after the last one either, and unanswered enrollments that would take effect later
    close. Coverage that has not begun by the last day is cancelled. Raises Refused.
    """
    raise_if_any(
        [
            *check_id(IdPrefix.ENROLLMENT, enrollment_id, "enrollmentId"),
            *check_id(IdPrefix.LIFE_EVENT, end.life_event_id, "qualifyingLifeEventId"),
        ]
    )
    employee = await lock_employee_of_enrollment(tx, enrollment_id)
    plan_years, rows = await store.enrollments.lock_with_plan_years(tx, employee.id, [enrollment_id])
    (plan_year,) = plan_years.values()
    row = next(row for row in rows if row.id == enrollment_id)
    today = tx.today(employee.time_zone)
    event = await store.enrollments.lock_life_event(tx, end.life_event_id, employee.id) if end.life_event_id else None
    event_effective_on = (
        compute_event_effective_date(event, employee, plan_year, find_covered_since(rows, today)) if event else None
    )
    last_day = compute_last_day(end, today, event_effective_on)
    raise_if_any(
        [
            *check_version(expected_version, row.version),
            *await check_not_rehired(tx, employee, "enrollmentId"),
            *(_check_event(event, event_effective_on, plan_year, today) if end.life_event_id else ()),
            *check_coverage_end(end, today, event_effective_on, administrator=tx.viewer.role is Role.ADMINISTRATOR),
            *_check_endable(row, rows, plan_year, last_day, today),
        ]
    )
    updates = EnrollmentUpdates()
    updates.add(row, "ENDED", end.history_reason, ended_through=last_day, end_reason=end.reason)
    for other in rows:
        if is_pending(other, plan_year, today):
            updates.add(other, "CLOSED", end.history_reason, closed_on=today, close_reason=CloseReason.ENDED)
    updates.recompute_coverage(rows, plan_year.coverage_ends_on, employee.terminated_on)
    await updates.write(tx)
    await sync_coverage_of_record(tx, [employee], [plan_year])
    return [build_coverage_outcome(changed, plan_year, today) for changed in rows if changed.id in updates.by_id]


def build_coverage_outcome(row: Enrollment, plan_year: PlanYear, today: date) -> CoverageOutcome:
    """Return an enrollment's status and coverage, from the row after its update."""
    return CoverageOutcome(
        row.id,
        derive_enrollment_status(enrollment_facts(row, plan_year), today),
        row.coverage_starts_on,
        row.coverage_ends_on,
    )


def _check_event(
    event: LifeEvent | None, effective_on: date | None, plan_year: PlanYear, today: date
) -> Iterator[RuleViolation]:
    violations = list(check_event(event, today))
    yield from violations
    if event is None or violations:
        return
    if not LIFE_EVENT_RULES[event.event_type].may_waive:
        yield RuleViolation(
            ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT,
            f"A life event of type {event.event_type} does not allow waiving coverage.",
            ("qualifyingLifeEventId",),
        )
    if effective_on is None:
        message = f"The change would take effect after the plan year ends on {plan_year.coverage_ends_on}."
        yield RuleViolation(ErrorCode.NOT_REISSUABLE, message, ("qualifyingLifeEventId",))


def _check_endable(
    row: Enrollment, rows: Sequence[Enrollment], plan_year: PlanYear, last_day: date, today: date
) -> Iterator[RuleViolation]:
    field = ("enrollmentId",)
    answered = sort_answered(rows)
    if row.decision is not ElectionDecision.ENROLLED or row.coverage_ends_on is None:
        message = "Only elected coverage that is not cancelled can be ended."
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, field)
    elif answered[-1].id != row.id:
        message = f"The answer was replaced by {answered[-1].id}; end the coverage of that one."
        yield RuleViolation(ErrorCode.INVALID_STATUS_TRANSITION, message, field)
    elif last_day >= row.coverage_ends_on:
        message = f"The coverage already ends on {row.coverage_ends_on}; the last day must be earlier."
        yield RuleViolation(ErrorCode.DATES_OUT_OF_ORDER, message, ("lastDay",))
    # A reissue that takes effect by the last day may cover a newborn from the day of birth, so it is not closed.
    elif any(is_pending(other, plan_year, today) and other.effective_on <= last_day for other in rows):
        message = "A reissue that takes effect by the last day is open; answer that enrollment first."
        yield RuleViolation(ErrorCode.REISSUE_ALREADY_OPEN, message, field)
