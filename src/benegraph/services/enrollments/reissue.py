"""Reissuing an enrollment after a life event; the old answer stays in force until the new one takes effect."""

from collections.abc import Iterator, Sequence
from datetime import date

from benegraph.db import store
from benegraph.db.models import Employee, Enrollment, LifeEvent, PlanYear
from benegraph.db.session import Transaction
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text, check_version
from benegraph.domain.enrollments.life_events import (
    LIFE_EVENT_RULES,
    LifeEventStatus,
    change_window,
    compute_effective_date,
)
from benegraph.domain.enrollments.status import (
    CloseReason,
    EnrollmentStatus,
    WindowReason,
    build_close_values,
    derive_status_in_plan_year,
)
from benegraph.domain.errors import ErrorCode, RuleViolation, raise_if_any
from benegraph.domain.ids import IdPrefix
from benegraph.domain.plan_years import compute_eligibility_date
from benegraph.services.coverage.subscribers import check_not_rehired
from benegraph.services.employees import lock_employee_of_enrollment
from benegraph.services.enrollments.offers import (
    build_terms,
    coverage_span,
    employee_eligibility,
    employment_of,
    enrollment_facts,
    find_covered_since,
    is_pending,
    waiting_period,
)
from benegraph.services.enrollments.updates import sort_answered


async def reissue_enrollment(
    tx: Transaction, enrollment_id: str, life_event_id: str, reason: str | None, expected_version: int | None
) -> str:
    """Issue a pending enrollment that replaces one that is enrolled, waived, lapsed or ended, and return its ID.

    The old enrollment stays unchanged until the new one is answered. Raises Refused.
    """
    raise_if_any(
        [
            *check_id(IdPrefix.ENROLLMENT, enrollment_id, "enrollmentId"),
            *check_id(IdPrefix.LIFE_EVENT, life_event_id, "qualifyingLifeEventId"),
            *check_text(reason, "reason", max_length=MAX_REASON_LENGTH, multiline=True),
        ]
    )
    employee = await lock_employee_of_enrollment(tx, enrollment_id)
    plan_years, rows = await store.enrollments.lock_with_plan_years(tx, employee.id, [enrollment_id])
    (plan_year,) = plan_years.values()
    old = next(row for row in rows if row.id == enrollment_id)
    event = await store.enrollments.lock_life_event(tx, life_event_id, employee.id)
    today = tx.today(employee.time_zone)
    covered_since = find_covered_since(rows, today)
    effective_on = compute_event_effective_date(event, employee, plan_year, covered_since) if event else None
    violations = [
        *check_version(expected_version, old.version),
        *await check_not_rehired(tx, employee, "enrollmentId"),
        *check_event(event, today),
        *_check_reissuable(old, rows, plan_year, today),
    ]
    if event is not None and LIFE_EVENT_RULES[event.event_type].allows_reissue:
        violations += _check_effective(effective_on, employee, plan_year, covered_since)
    raise_if_any(violations)
    if event is None or effective_on is None:
        raise AssertionError("a missing event, or one that takes effect after the plan year, was refused above")
    return await _issue(tx, old, event, effective_on, reason, today, employee.terminated_on)


async def _issue(
    tx: Transaction,
    old: Enrollment,
    event: LifeEvent,
    effective_on: date,
    reason: str | None,
    today: date,
    terminated_on: date | None,
) -> str:
    window = change_window(event.event_type, event.event_on, event.reviewed_on)
    row = {
        "id": tx.new_id(IdPrefix.ENROLLMENT),
        "employer_id": old.employer_id,
        "employee_id": old.employee_id,
        "benefit_product_id": old.benefit_product_id,
        "plan_year_id": old.plan_year_id,
        "reason": WindowReason.LIFE_EVENT,
        "issued_on": today,
        "window_opens_on": window.start,
        "window_closes_on": window.last,
        "effective_on": effective_on,
        "replaces_id": old.id,
        "life_event_id": event.id,
        "reissue_reason": reason,
        **build_close_values(terminated_on, today),
    }
    await store.enrollments.insert_enrollments(tx, [row])
    await store.history.insert_events(tx, [store.history.creation_event(tx, row, "REISSUED", old.employee_id, reason)])
    return str(row["id"])


def compute_event_effective_date(
    event: LifeEvent, employee: Employee, plan_year: PlanYear, covered_since: date | None
) -> date | None:
    """Return the day a change for a life event takes effect in a plan year; None if that is after the plan year."""
    eligible_on = compute_eligibility_date(employment_of(employee), waiting_period(plan_year))
    return compute_effective_date(
        event.event_type,
        event.event_on,
        event.reported_on,
        coverage_span(plan_year),
        min(eligible_on, covered_since or eligible_on),
    )


def check_event(event: LifeEvent | None, today: date) -> Iterator[RuleViolation]:
    """Check that a life event is approved, and that its type and its period allow a change today."""
    field = ("qualifyingLifeEventId",)
    if event is None:
        yield RuleViolation(ErrorCode.NOT_FOUND, "The employee has no life event with this ID.", field)
    elif event.status is not LifeEventStatus.APPROVED:
        yield RuleViolation(
            ErrorCode.LIFE_EVENT_NOT_APPROVED, f"The life event is not approved; its status is {event.status}.", field
        )
    elif not LIFE_EVENT_RULES[event.event_type].allows_reissue:
        yield RuleViolation(
            ErrorCode.NOT_REISSUABLE,
            f"A life event of type {event.event_type} ends eligibility and allows no reissue.",
            field,
        )
    elif today not in change_window(event.event_type, event.event_on, event.reviewed_on):
        # Without the last day, from which the event date could be computed: it may be a date of birth.
        yield RuleViolation(
            ErrorCode.LIFE_EVENT_WINDOW_CLOSED, "The period for changes after this life event is over.", field
        )


def _check_reissuable(
    old: Enrollment, rows: Sequence[Enrollment], plan_year: PlanYear, today: date
) -> Iterator[RuleViolation]:
    field = ("enrollmentId",)
    if any(is_pending(row, plan_year, today) for row in rows if row.id != old.id):
        yield RuleViolation(
            ErrorCode.REISSUE_ALREADY_OPEN,
            "A reissue in this plan year is already open; answer that enrollment.",
            field,
        )
    elif old.close_reason is CloseReason.REISSUED:
        latest = sort_answered(rows)[-1]
        yield RuleViolation(
            ErrorCode.NOT_REISSUABLE, f"The enrollment was replaced by {latest.id}; reissue that one.", field
        )
    elif not _is_reissuable(old, plan_year, today):
        message = "Only an enrollment that is enrolled, waived, lapsed, or ended by `endCoverage` can be reissued."
        yield RuleViolation(ErrorCode.NOT_REISSUABLE, message, field)


def _is_reissuable(old: Enrollment, plan_year: PlanYear, today: date) -> bool:
    status = derive_status_in_plan_year(enrollment_facts(old, plan_year), today)
    if status in (EnrollmentStatus.ENROLLED, EnrollmentStatus.WAIVED):
        return True
    lapsed = old.decision is None and old.close_reason in (None, CloseReason.LAPSED)
    return status is EnrollmentStatus.INACTIVE and (lapsed or old.ended_through is not None)


def _check_effective(
    effective_on: date | None, employee: Employee, plan_year: PlanYear, covered_since: date | None
) -> Iterator[RuleViolation]:
    if effective_on is None:
        message = f"The change would take effect after the plan year ends on {plan_year.coverage_ends_on}."
        yield RuleViolation(ErrorCode.NOT_REISSUABLE, message, ("qualifyingLifeEventId",))
    elif not employee_eligibility(employee, plan_year, build_terms(plan_year), effective_on, covered_since).eligible:
        message = "The employee is not eligible on the day the change would take effect."
        yield RuleViolation(ErrorCode.NOT_ELIGIBLE, message, ("enrollmentId",))
