"""Tables of election confirmations, which never change."""

from datetime import date

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Cents, Id, Identified, TenantScoped, enum_type, id_format_check, tenant_foreign_key
from benegraph.domain.access import Role
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.status import AnswerSource, ElectionDecision, WaiverReason
from benegraph.domain.ids import IdPrefix


class ElectionConfirmation(Identified, Base):
    """A confirmation of an answer as it was given: the names of plan and product, both shares, and the dates.

    Names of people are not stored; `ConfirmedDependent` holds the IDs of the dependents.
    """

    __tablename__ = "election_confirmations"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    enrollment_id: Mapped[Id]
    #: The enrollment's version after the answer.
    enrollment_version: Mapped[int]
    source: Mapped[AnswerSource] = mapped_column(enum_type(AnswerSource))
    actor_role: Mapped[Role] = mapped_column(enum_type(Role))
    benefit_product_name: Mapped[str]
    decision: Mapped[ElectionDecision] = mapped_column(enum_type(ElectionDecision))
    waiver_reason: Mapped[WaiverReason | None] = mapped_column(enum_type(WaiverReason))
    selected_plan_id: Mapped[Id | None]
    plan_name: Mapped[str | None]
    coverage_tier: Mapped[CoverageTier | None] = mapped_column(enum_type(CoverageTier))
    employee_contribution_cents: Mapped[Cents | None]
    employer_contribution_cents: Mapped[Cents | None]
    effective_on: Mapped[date]
    coverage_starts_on: Mapped[date | None]
    coverage_ends_on: Mapped[date | None]
    #: The last day on which the employee could change the answer; None if the window was over.
    changeable_through: Mapped[date | None]

    __table_args__ = (
        id_format_check(IdPrefix.ELECTION_CONFIRMATION),
        UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_election_confirmations_of_employee"),
        UniqueConstraint(
            "tenant_id", "enrollment_id", "enrollment_version", name="uq_election_confirmations_enrollment_version"
        ),
        tenant_foreign_key(
            "election_confirmations_enrollment",
            "employer_id employee_id enrollment_id",
            "enrollments",
            "employer_id employee_id id",
        ),
        tenant_foreign_key("election_confirmations_plan", "selected_plan_id", "plans", "id"),
        Index("ix_election_confirmations_enrollment", "tenant_id", "employer_id", "employee_id", "enrollment_id"),
        Index("ix_election_confirmations_plan", "tenant_id", "selected_plan_id"),
    )


class ConfirmedDependent(TenantScoped, Base):
    """A dependent covered by a confirmed answer; `through` is the last day that its age allowed, if there is one."""

    __tablename__ = "confirmed_dependents"

    confirmation_id: Mapped[Id] = mapped_column(primary_key=True)
    dependent_id: Mapped[Id] = mapped_column(primary_key=True)
    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    through: Mapped[date | None]

    __table_args__ = (
        tenant_foreign_key(
            "confirmed_dependents_confirmation",
            "employer_id employee_id confirmation_id",
            "election_confirmations",
            "employer_id employee_id id",
        ),
        tenant_foreign_key(
            "confirmed_dependents_dependent",
            "employer_id employee_id dependent_id",
            "dependents",
            "employer_id employee_id id",
        ),
        Index("ix_confirmed_dependents_confirmation", "tenant_id", "employer_id", "employee_id", "confirmation_id"),
        Index("ix_confirmed_dependents_dependent", "tenant_id", "employer_id", "employee_id", "dependent_id"),
    )
