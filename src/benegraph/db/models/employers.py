"""Tables of employers and their divisions."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from benegraph.db.base import Base, Id, Versioned, id_format_check, tenant_foreign_key
from benegraph.db.models.addresses import Addressed, address_check
from benegraph.domain.ids import IdPrefix


class Employer(Addressed, Versioned, Base):
    """An employer; its time zone decides which day is today for its plan years, people and enrollments."""

    __tablename__ = "employers"

    name: Mapped[str]
    legal_name: Mapped[str | None]
    #: The federal employer identification number, nine digits.
    ein: Mapped[str | None]
    time_zone: Mapped[str]
    active: Mapped[bool]

    __table_args__ = (
        id_format_check(IdPrefix.EMPLOYER),
        CheckConstraint("ein ~ '^[0-9]{9}$'", name="ein"),
        address_check(),
        tenant_foreign_key("employers_tenant", "", "tenants"),
    )


class Division(Versioned, Base):
    """A part of an employer, such as a location, by the code that its group contracts and employees name.

    There is no foreign key to it: a carrier's contract may belong to no employer.
    """

    __tablename__ = "divisions"

    employer_id: Mapped[Id]
    #: `division_id` of group contracts, coverage of record and employees.
    code: Mapped[Id]
    name: Mapped[str]
    #: Whether employees and new contracts may be assigned to it.
    active: Mapped[bool]

    __table_args__ = (
        id_format_check(IdPrefix.DIVISION),
        CheckConstraint("char_length(code) BETWEEN 1 AND 20", name="code"),
        UniqueConstraint("tenant_id", "employer_id", "code", name="uq_divisions_code"),
        tenant_foreign_key("divisions_employer", "employer_id", "employers", "id"),
    )
