"""Shapes of enrollments: the enrollment, who it covers, life events, and the append-only history."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Cents, Id, Identified, Instant, Tenanted, Versioned, id_check, reference, words
from benegraph.domain.access import Role
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WindowReason
from benegraph.domain.ids import IdPrefix


class LifeEvent(Versioned, Base):
    """Something that happened in an employee's life, as reported, and how it was judged."""

    __tablename__ = "life_events"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    dependent_id: Mapped[Id | None]
    event_type: Mapped[LifeEventType] = mapped_column(words(LifeEventType))
    event_on: Mapped[date]
    reported_on: Mapped[date]
    status: Mapped[LifeEventStatus] = mapped_column(words(LifeEventStatus))
    reviewed_on: Mapped[date | None]
    reviewed_at: Mapped[Instant | None]
    notes: Mapped[str | None]
    review_notes: Mapped[str | None]

    __table_args__ = (
        id_check(IdPrefix.LIFE_EVENT),
        CheckConstraint("event_on <= reported_on", name="reported_after_event"),
        CheckConstraint("(status = 'PENDING') = (reviewed_on IS NULL)", name="reviewed"),
        UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_life_events_of_employee"),
        reference("life_events_employee", "employer_id employee_id", "employees", "employer_id id"),
        reference(
            "life_events_dependent", "employer_id employee_id dependent_id", "dependents", "employer_id employee_id id"
        ),
        Index("ix_life_events_employee", "tenant_id", "employee_id", "id"),
        Index("ix_life_events_employer", "tenant_id", "employer_id", "id"),
        Index("ix_life_events_dependent", "tenant_id", "employer_id", "employee_id", "dependent_id"),
    )


class Enrollment(Versioned, Base):
    """One employee's enrollment in one plan year: why it was issued, the answer, what it covers, and its closing.

    Its status is derived from these facts and the day. `window_*` are null for open enrollment: the plan year's dates
    hold then, and may still be moved.
    """

    __tablename__ = "enrollments"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    benefit_product_id: Mapped[Id]
    plan_year_id: Mapped[Id]
    reason: Mapped[WindowReason] = mapped_column(words(WindowReason))
    issued_on: Mapped[date]
    window_opens_on: Mapped[date | None]
    window_closes_on: Mapped[date | None]
    #: The day the answer takes effect, whatever it will be.
    effective_on: Mapped[date]
    replaces_id: Mapped[Id | None]
    life_event_id: Mapped[Id | None]
    reissue_reason: Mapped[str | None]

    decision: Mapped[ElectionDecision | None] = mapped_column(words(ElectionDecision))
    decided_at: Mapped[Instant | None]
    coverage_tier: Mapped[CoverageTier | None] = mapped_column(words(CoverageTier))
    selected_plan_id: Mapped[Id | None]
    employee_contribution_cents: Mapped[Cents | None]
    employer_contribution_cents: Mapped[Cents | None]
    coverage_starts_on: Mapped[date | None]
    coverage_ends_on: Mapped[date | None]
    #: The coverage of record that this answer is a part of.
    subscriber_enrollment_id: Mapped[Id | None]

    closed_on: Mapped[date | None]
    close_reason: Mapped[CloseReason | None] = mapped_column(words(CloseReason))

    __table_args__ = (
        id_check(IdPrefix.ENROLLMENT),
        CheckConstraint(
            "(reason = 'OPEN_ENROLLMENT') = (window_opens_on IS NULL)"
            " AND (reason = 'OPEN_ENROLLMENT') = (window_closes_on IS NULL) AND window_opens_on <= window_closes_on",
            name="window",
        ),
        CheckConstraint(
            "(reason = 'LIFE_EVENT') = (life_event_id IS NOT NULL)"
            " AND (reason = 'LIFE_EVENT') = (replaces_id IS NOT NULL)",
            name="life_event",
        ),
        CheckConstraint(
            "CASE WHEN decision = 'ENROLLED' THEN selected_plan_id IS NOT NULL AND coverage_tier <> 'UNSPECIFIED'"
            " AND coverage_tier IS NOT NULL AND employee_contribution_cents >= 0 AND employer_contribution_cents >= 0"
            " AND employee_contribution_cents IS NOT NULL AND employer_contribution_cents IS NOT NULL"
            " AND coverage_starts_on IS NOT NULL"
            " ELSE num_nonnulls(selected_plan_id, coverage_tier, employee_contribution_cents,"
            " employer_contribution_cents, coverage_starts_on, coverage_ends_on) = 0 END",
            name="answer",
        ),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("coverage_starts_on <= coverage_ends_on", name="coverage"),
        CheckConstraint("(closed_on IS NULL) = (close_reason IS NULL)", name="closed"),
        UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_enrollments_of_employee"),
        reference("enrollments_employee", "employer_id employee_id", "employees", "employer_id id"),
        reference(
            "enrollments_plan_year",
            "employer_id benefit_product_id plan_year_id",
            "plan_years",
            "employer_id benefit_product_id id",
        ),
        reference(
            "enrollments_plan", "employer_id plan_year_id selected_plan_id", "plans", "employer_id plan_year_id id"
        ),
        reference(
            "enrollments_replaces", "employer_id employee_id replaces_id", "enrollments", "employer_id employee_id id"
        ),
        reference(
            "enrollments_life_event",
            "employer_id employee_id life_event_id",
            "life_events",
            "employer_id employee_id id",
        ),
        reference("enrollments_subscriber_enrollment", "subscriber_enrollment_id", "subscriber_enrollments", "id"),
        Index(
            "ix_enrollments_subscriber_enrollment",
            "tenant_id",
            "subscriber_enrollment_id",
            postgresql_where=text("subscriber_enrollment_id IS NOT NULL"),
        ),
        Index("ix_enrollments_employee", "tenant_id", "employee_id", "id"),
        Index("ix_enrollments_employer", "tenant_id", "employer_id", "id"),
        Index("ix_enrollments_plan_year", "tenant_id", "plan_year_id", "id"),
        Index("ix_enrollments_of_product", "tenant_id", "employer_id", "benefit_product_id", "plan_year_id"),
        Index("ix_enrollments_plan", "tenant_id", "employer_id", "plan_year_id", "selected_plan_id"),
        Index("ix_enrollments_replaces", "tenant_id", "employer_id", "employee_id", "replaces_id"),
        Index("ix_enrollments_life_event", "tenant_id", "employer_id", "employee_id", "life_event_id"),
        # One issue an employee and plan year, however many requests race to make it; a second needs the first closed.
        Index(
            "uq_enrollments_issued_once",
            "tenant_id",
            "employee_id",
            "plan_year_id",
            unique=True,
            postgresql_where=text("replaces_id IS NULL AND (close_reason IS NULL OR close_reason <> 'NOT_ELIGIBLE')"),
        ),
    )


class EnrolledDependent(Tenanted, Base):
    """A dependent within an election; `through` is the last day its age allows, null where age ends nothing."""

    __tablename__ = "enrolled_dependents"

    enrollment_id: Mapped[Id] = mapped_column(primary_key=True)
    dependent_id: Mapped[Id] = mapped_column(primary_key=True)
    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    through: Mapped[date | None]

    __table_args__ = (
        reference(
            "enrolled_dependents_enrollment",
            "employer_id employee_id enrollment_id",
            "enrollments",
            "employer_id employee_id id",
        ),
        reference(
            "enrolled_dependents_dependent",
            "employer_id employee_id dependent_id",
            "dependents",
            "employer_id employee_id id",
        ),
        Index("ix_enrolled_dependents_enrollment", "tenant_id", "employer_id", "employee_id", "enrollment_id"),
        Index("ix_enrolled_dependents_dependent", "tenant_id", "employer_id", "employee_id", "dependent_id"),
    )


class Event(Identified, Base):
    """One change, for ever: who, when, by which request, what was and what is. Rows are never changed or deleted."""

    __tablename__ = "events"

    #: None where the carrier keeps a group that is no employer's here.
    employer_id: Mapped[Id | None]
    employee_id: Mapped[Id | None]
    #: The row that changed: an enrollment, a plan year, an employee, a life event.
    subject_id: Mapped[Id]
    action: Mapped[str]
    actor: Mapped[str]
    actor_role: Mapped[Role] = mapped_column(words(Role))
    occurred_at: Mapped[Instant] = mapped_column(DateTime(timezone=True))
    request_id: Mapped[str | None]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = (
        id_check(IdPrefix.EVENT),
        reference("events_employer", "employer_id", "employers", "id"),
        reference("events_employee", "employer_id employee_id", "employees", "employer_id id"),
        Index("ix_events_subject", "tenant_id", "subject_id", "id"),
        Index("ix_events_employee", "tenant_id", "employer_id", "employee_id"),
    )
