"""The table of election overrides."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import Base, Id, Instant, Versioned, enum_type, id_format_check, tenant_foreign_key
from benegraph.domain.access import Role
from benegraph.domain.ids import IdPrefix


class ElectionOverride(Versioned, Base):
    """An answer that an administrator gave outside the election window, its reason, and its review.

    `enrollment_id` is the enrollment with that answer, and `replaced_id` the answered one that it replaced.
    """

    __tablename__ = "election_overrides"

    employer_id: Mapped[Id]
    employee_id: Mapped[Id]
    enrollment_id: Mapped[Id]
    replaced_id: Mapped[Id | None]
    #: The day on which an answer would have taken effect without the override.
    previous_effective_on: Mapped[date]
    effective_on: Mapped[date]
    reason: Mapped[str]
    actor: Mapped[str]
    actor_role: Mapped[Role] = mapped_column(enum_type(Role))
    reviewed_at: Mapped[Instant | None]
    reviewer: Mapped[str | None]
    review_notes: Mapped[str | None]

    __table_args__ = (
        id_format_check(IdPrefix.ELECTION_OVERRIDE),
        CheckConstraint("(reviewed_at IS NULL) = (reviewer IS NULL)", name="reviewed"),
        tenant_foreign_key(
            "election_overrides_enrollment",
            "employer_id employee_id enrollment_id",
            "enrollments",
            "employer_id employee_id id",
        ),
        tenant_foreign_key(
            "election_overrides_replaced",
            "employer_id employee_id replaced_id",
            "enrollments",
            "employer_id employee_id id",
        ),
        Index("ix_election_overrides_employer", "tenant_id", "employer_id", "id"),
        Index("ix_election_overrides_enrollment", "tenant_id", "employer_id", "employee_id", "enrollment_id"),
        Index("ix_election_overrides_replaced", "tenant_id", "employer_id", "employee_id", "replaced_id"),
        Index(
            "ix_election_overrides_unreviewed",
            "tenant_id",
            "employer_id",
            "id",
            postgresql_where=text("reviewed_at IS NULL"),
        ),
    )
