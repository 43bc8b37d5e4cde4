"""Enrollments, life events and history events."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from benegraph.db.models import (
    ConfirmedDependent,
    ElectionConfirmation,
    ElectionOverride,
    EnrolledDependent,
    Enrollment,
    Event,
    LifeEvent,
)
from benegraph.db.session import Database
from benegraph.domain.access import Role
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.coverage_ends import CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import AnswerSource, CloseReason, ElectionDecision, WaiverReason, WindowReason
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock
from factories.access import TENANT, insert
from factories.people import read_employer_id
from factories.plan_years import read_plan_year


async def make_enrollment(
    database: Database,
    clock: Clock,
    *,
    employee: str,
    plan_year: str,
    tenant: str = TENANT,
    reason: WindowReason = WindowReason.OPEN_ENROLLMENT,
    issued_on: date = date(2026, 11, 1),
    window: tuple[date, date] | None = None,
    effective_on: date | None = None,
    replaces: str | None = None,
    life_event: str | None = None,
    decision: ElectionDecision | None = None,
    plan: str | None = None,
    coverage_tier: CoverageTier = CoverageTier.EE,
    shares: tuple[int, int] = (10000, 40000),
    coverage: tuple[date, date | None] | None = None,
    closed_on: date | None = None,
    close_reason: CloseReason = CloseReason.LAPSED,
    covers: Mapping[str, date | None] | None = None,
    extended_through: date | None = None,
    waiver_reason: WaiverReason | None = None,
    ended: tuple[date, CoverageEndReason] | None = None,
) -> str:
    """Insert an enrollment: enrolled with a plan, waived with that decision, otherwise unanswered.

    `shares` are the contributions of employee and employer. Coverage is that of the plan year by default. `covers`
    are the IDs of the dependents, each with the last day that the age limit allows. `ended` is the last day and the
    reason of an end without an end of the employment.
    """
    year = await read_plan_year(database, clock, tenant, plan_year)
    is_enrolled = plan is not None
    decision = ElectionDecision.ENROLLED if is_enrolled else decision
    starts_on, ends_on = coverage or (year.coverage_starts_on, year.coverage_ends_on)
    row = {
        "employer_id": year.employer_id,
        "employee_id": employee,
        "benefit_product_id": year.benefit_product_id,
        "plan_year_id": plan_year,
        "reason": reason,
        "issued_on": issued_on,
        "window_opens_on": window[0] if window else None,
        "window_closes_on": window[1] if window else None,
        "effective_on": effective_on or year.coverage_starts_on,
        "replaces_id": replaces,
        "life_event_id": life_event,
        "decision": decision,
        "decided_at": clock.now if decision else None,
        "coverage_tier": coverage_tier if is_enrolled else None,
        "selected_plan_id": plan,
        "employee_contribution_cents": shares[0] if is_enrolled else None,
        "employer_contribution_cents": shares[1] if is_enrolled else None,
        "coverage_starts_on": starts_on if is_enrolled else None,
        "coverage_ends_on": ends_on if is_enrolled else None,
        "closed_on": closed_on,
        "close_reason": close_reason if closed_on else None,
        "window_extended_through": extended_through,
        "waiver_reason": waiver_reason,
        "ended_through": ended[0] if ended else None,
        "end_reason": ended[1] if ended else None,
    }
    (id,) = await insert(database, clock, tenant, Enrollment, row, prefix=IdPrefix.ENROLLMENT)
    covered = [
        {
            "enrollment_id": id,
            "dependent_id": dependent,
            "employer_id": year.employer_id,
            "employee_id": employee,
            "through": through,
        }
        for dependent, through in (covers or {}).items()
    ]
    await insert(database, clock, tenant, EnrolledDependent, *covered)
    return id


async def make_life_event(
    database: Database,
    clock: Clock,
    *,
    employee: str,
    tenant: str = TENANT,
    event_type: LifeEventType = LifeEventType.BIRTH,
    event_on: date = date(2026, 11, 10),
    reported_on: date = date(2026, 11, 12),
    status: LifeEventStatus = LifeEventStatus.PENDING,
    reviewed_on: date = date(2026, 11, 15),
    dependent: str | None = None,
    notes: str | None = None,
    review_notes: str | None = None,
) -> str:
    """Insert a life event. Unless it is pending, it was reviewed on `reviewed_on`."""
    is_reviewed = status is not LifeEventStatus.PENDING
    row = {
        "employer_id": await read_employer_id(database, clock, tenant, employee),
        "employee_id": employee,
        "dependent_id": dependent,
        "event_type": event_type,
        "event_on": event_on,
        "reported_on": reported_on,
        "status": status,
        "reviewed_on": reviewed_on if is_reviewed else None,
        "reviewed_at": datetime.combine(reviewed_on, time(12), clock.now.tzinfo) if is_reviewed else None,
        "notes": notes,
        "review_notes": review_notes,
    }
    (id,) = await insert(database, clock, tenant, LifeEvent, row, prefix=IdPrefix.LIFE_EVENT)
    return id


async def make_event(
    database: Database,
    clock: Clock,
    *,
    employee: str,
    subject: str,
    tenant: str = TENANT,
    action: str = "ISSUED",
    actor: str = "EMPLOYER akey_clerk",
    actor_role: Role = Role.EMPLOYER,
    request_id: str | None = None,
    reason: str | None = None,
    after: dict[str, Any] | None = None,
) -> str:
    """Insert a history event about one row, the subject."""
    row = {
        "employer_id": await read_employer_id(database, clock, tenant, employee),
        "employee_id": employee,
        "subject_id": subject,
        "action": action,
        "actor": actor,
        "actor_role": actor_role,
        "occurred_at": clock.now,
        "request_id": request_id,
        "reason": reason,
        "before": None,
        "after": after,
    }
    (id,) = await insert(database, clock, tenant, Event, row, prefix=IdPrefix.EVENT)
    return id


def feed_id_of(id: str) -> str:
    """Return the ID that a history event has in the event feed."""
    return id.replace(IdPrefix.EVENT, IdPrefix.FEED_EVENT, 1)


async def make_confirmation(
    database: Database,
    clock: Clock,
    *,
    employee: str,
    enrollment: str,
    tenant: str = TENANT,
    version: int = 2,
    source: AnswerSource = AnswerSource.ELECTION,
    decision: ElectionDecision = ElectionDecision.ENROLLED,
    waiver_reason: WaiverReason | None = None,
    plan: str | None = None,
    product_name: str = "Medical",
    coverage: tuple[date, date | None] = (date(2027, 1, 1), date(2027, 12, 31)),
    changeable_through: date | None = None,
    covers: Mapping[str, date | None] | None = None,
) -> str:
    """Insert a confirmation of an answer at the clock's instant: enrolled in plan "Gold", or waived."""
    employer = await read_employer_id(database, clock, tenant, employee)
    is_enrolled = decision is ElectionDecision.ENROLLED
    row = {
        "employer_id": employer,
        "employee_id": employee,
        "enrollment_id": enrollment,
        "enrollment_version": version,
        "source": source,
        "actor_role": Role.EMPLOYEE,
        "benefit_product_name": product_name,
        "decision": decision,
        "waiver_reason": waiver_reason,
        "selected_plan_id": plan,
        "plan_name": "Gold" if is_enrolled else None,
        "coverage_tier": CoverageTier.EC if is_enrolled else None,
        "employee_contribution_cents": 10_000 if is_enrolled else None,
        "employer_contribution_cents": 40_000 if is_enrolled else None,
        "effective_on": coverage[0],
        "coverage_starts_on": coverage[0] if is_enrolled else None,
        "coverage_ends_on": coverage[1] if is_enrolled else None,
        "changeable_through": changeable_through,
    }
    (id,) = await insert(database, clock, tenant, ElectionConfirmation, row, prefix=IdPrefix.ELECTION_CONFIRMATION)
    owner = {"confirmation_id": id, "employer_id": employer, "employee_id": employee}
    covered = [
        {**owner, "dependent_id": dependent, "through": through} for dependent, through in (covers or {}).items()
    ]
    await insert(database, clock, tenant, ConfirmedDependent, *covered)
    return id


async def make_override(
    database: Database,
    clock: Clock,
    *,
    employee: str,
    enrollment: str,
    tenant: str = TENANT,
    replaces: str | None = None,
    previous_effective_on: date = date(2027, 1, 1),
    effective_on: date = date(2027, 2, 1),
    reason: str = "An error of the import.",
    actor: str = "ADMINISTRATOR akey_root",
    reviewed: bool = False,
    review_notes: str | None = None,
) -> str:
    """Insert the override that answered an enrollment; the row alone, not the answer."""
    row = {
        "employer_id": await read_employer_id(database, clock, tenant, employee),
        "employee_id": employee,
        "enrollment_id": enrollment,
        "replaced_id": replaces,
        "previous_effective_on": previous_effective_on,
        "effective_on": effective_on,
        "reason": reason,
        "actor": actor,
        "actor_role": Role.ADMINISTRATOR,
        "reviewed_at": clock.now if reviewed else None,
        "reviewer": "EMPLOYER akey_clerk" if reviewed else None,
        "review_notes": review_notes,
    }
    (id,) = await insert(database, clock, tenant, ElectionOverride, row, prefix=IdPrefix.ELECTION_OVERRIDE)
    return id
