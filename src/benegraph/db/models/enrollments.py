"""Tables of enrollments: life events, enrollments, covered dependents, and the append-only history."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import (
    Base,
    Cents,
    Id,
    Instant,
    TenantScoped,
    Versioned,
    enum_type,
    id_format_check,
    tenant_foreign_key,
)
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.coverage_ends import CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import CloseReason, ElectionDecision, WaiverReason, WindowReason
from benegraph.domain.ids import IdPrefix


class LifeEvent(Versioned, Base):
    """A life event of an employee as it was reported, and the outcome of its review."""

    __tablename__ = "life_events"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    dependent_id: Mapped[Id | None]
    event_type: Mapped[LifeEventType] = mapped_column(enum_type(LifeEventType))
    event_on: Mapped[date]
    reported_on: Mapped[date]
    status: Mapped[LifeEventStatus] = mapped_column(enum_type(LifeEventStatus))
    reviewed_on: Mapped[date | None]
    reviewed_at: Mapped[Instant | None]
    notes: Mapped[str | None]
    review_notes: Mapped[str | None]

    __table_args__ = (
        id_format_check(IdPrefix.LIFE_EVENT),
        CheckConstraint("event_on <= reported_on", name="reported_after_event"),
        CheckConstraint("status = 'WITHDRAWN' OR (status = 'PENDING') = (reviewed_on IS NULL)", name="reviewed"),
        UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_life_events_of_employee"),
        tenant_foreign_key("life_events_employee", "employer_id employee_id", "employees", "employer_id id"),
        tenant_foreign_key(
            "life_events_dependent", "employer_id employee_id dependent_id", "dependents", "employer_id employee_id id"
        ),
        Index("ix_life_events_employee", "tenant_id", "employee_id", "id"),
        Index("ix_life_events_employer", "tenant_id", "employer_id", "id"),
        Index("ix_life_events_dependent", "tenant_id", "employer_id", "employee_id", "dependent_id"),
        Index(
            "ix_life_events_unreviewed",
            "tenant_id",
            "employer_id",
            "id",
            postgresql_where=text("status = 'PENDING'"),
        ),
    )


class Enrollment(Versioned, Base):
    """One employee's enrollment in one plan year: why it was issued, the answer, its coverage, and its closing.

    Its status is derived from these columns and today's date. `window_*` are null for open enrollment, whose window is
    the plan year's own; its dates can still be changed.
    """

    __tablename__ = "enrollments"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    benefit_product_id: Mapped[Id]
    plan_year_id: Mapped[Id]
    reason: Mapped[WindowReason] = mapped_column(enum_type(WindowReason))
    issued_on: Mapped[date]
    window_opens_on: Mapped[date | None]
    window_closes_on: Mapped[date | None]
    #: The last day of the window if it was extended; a window that ends later anyway is not shortened by it.
    window_extended_through: Mapped[date | None]
    #: The day on which the answer takes effect, for an election and for a waiver.
    effective_on: Mapped[date]
    replaces_id: Mapped[Id | None]
    life_event_id: Mapped[Id | None]
    reissue_reason: Mapped[str | None]

    decision: Mapped[ElectionDecision | None] = mapped_column(enum_type(ElectionDecision))
    decided_at: Mapped[Instant | None]
    coverage_tier: Mapped[CoverageTier | None] = mapped_column(enum_type(CoverageTier))
    #: Only of a waiver, and only if the employee states one.
    waiver_reason: Mapped[WaiverReason | None] = mapped_column(enum_type(WaiverReason))
    selected_plan_id: Mapped[Id | None]
    employee_contribution_cents: Mapped[Cents | None]
    employer_contribution_cents: Mapped[Cents | None]
    coverage_starts_on: Mapped[date | None]
    coverage_ends_on: Mapped[date | None]
    #: The last day of coverage if `endCoverage` ended it; before the first day if that cancelled it.
    ended_through: Mapped[date | None]
    end_reason: Mapped[CoverageEndReason | None] = mapped_column(enum_type(CoverageEndReason))
    #: The carrier's coverage of record that contains this election.
    subscriber_enrollment_id: Mapped[Id | None]

    closed_on: Mapped[date | None]
    close_reason: Mapped[CloseReason | None] = mapped_column(enum_type(CloseReason))

    __table_args__ = (
        id_format_check(IdPrefix.ENROLLMENT),
        CheckConstraint(
            "(reason = 'OPEN_ENROLLMENT') = (window_opens_on IS NULL)"
            " AND (reason = 'OPEN_ENROLLMENT') = (window_closes_on IS NULL) AND window_opens_on <= window_closes_on",
            name="window",
        ),
        CheckConstraint(
            "(reason = 'LIFE_EVENT') = (life_event_id IS NOT NULL)"
            " AND (reason IN ('LIFE_EVENT', 'OVERRIDE')) = (replaces_id IS NOT NULL)",
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
        CheckConstraint("waiver_reason IS NULL OR decision IS NOT DISTINCT FROM 'WAIVED'", name="waiver"),
        CheckConstraint("coverage_starts_on <= coverage_ends_on", name="coverage"),
        CheckConstraint("(closed_on IS NULL) = (close_reason IS NULL)", name="closed"),
        CheckConstraint(
            "(ended_through IS NULL) = (end_reason IS NULL)"
            " AND (ended_through IS NULL OR decision IS NOT DISTINCT FROM 'ENROLLED')",
            name="ended",
        ),
        UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_enrollments_of_employee"),
        tenant_foreign_key("enrollments_employee", "employer_id employee_id", "employees", "employer_id id"),
        tenant_foreign_key(
            "enrollments_plan_year",
            "employer_id benefit_product_id plan_year_id",
            "plan_years",
            "employer_id benefit_product_id id",
        ),
        tenant_foreign_key(
            "enrollments_plan", "employer_id plan_year_id selected_plan_id", "plans", "employer_id plan_year_id id"
        ),
        tenant_foreign_key(
            "enrollments_replaces", "employer_id employee_id replaces_id", "enrollments", "employer_id employee_id id"
        ),
        tenant_foreign_key(
            "enrollments_life_event",
            "employer_id employee_id life_event_id",
            "life_events",
            "employer_id employee_id id",
        ),
        tenant_foreign_key(
            "enrollments_subscriber_enrollment", "subscriber_enrollment_id", "subscriber_enrollments", "id"
        ),
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
        Index("ix_enrollments_product", "tenant_id", "benefit_product_id", "id"),
        Index("ix_enrollments_effective_on", "tenant_id", "effective_on", "id"),
        Index("ix_enrollments_updated_at", "tenant_id", "updated_at", "id"),
        Index("ix_enrollments_employer_updated_at", "tenant_id", "employer_id", "updated_at", "id"),
        Index(
            "ix_enrollments_unanswered",
            "tenant_id",
            "employer_id",
            "employee_id",
            postgresql_where=text("decision IS NULL"),
        ),
        # One original enrollment for each employee and plan year, even if several requests issue it at the same time.
        # A second one requires that the first was closed as NOT_ELIGIBLE.
        Index(
            "uq_enrollments_issued_once",
            "tenant_id",
            "employee_id",
            "plan_year_id",
            unique=True,
            postgresql_where=text("replaces_id IS NULL AND (close_reason IS NULL OR close_reason <> 'NOT_ELIGIBLE')"),
        ),
    )


class EnrolledDependent(TenantScoped, Base):
    """A dependent covered by an election; `through` is the last day that its age allows, null without an age limit."""

    __tablename__ = "enrolled_dependents"

    enrollment_id: Mapped[Id] = mapped_column(primary_key=True)
    dependent_id: Mapped[Id] = mapped_column(primary_key=True)
    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    through: Mapped[date | None]

    __table_args__ = (
        tenant_foreign_key(
            "enrolled_dependents_enrollment",
            "employer_id employee_id enrollment_id",
            "enrollments",
            "employer_id employee_id id",
        ),
        tenant_foreign_key(
            "enrolled_dependents_dependent",
            "employer_id employee_id dependent_id",
            "dependents",
            "employer_id employee_id id",
        ),
        Index("ix_enrolled_dependents_enrollment", "tenant_id", "employer_id", "employee_id", "enrollment_id"),
        Index("ix_enrolled_dependents_dependent", "tenant_id", "employer_id", "employee_id", "dependent_id"),
        Index(
            "ix_enrolled_dependents_through",
            "tenant_id",
            "employer_id",
            "through",
            postgresql_where=text("through IS NOT NULL"),
        ),
    )
