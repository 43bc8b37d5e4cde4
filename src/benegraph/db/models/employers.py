"""The table of employers."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from benegraph.db.base import Base, Versioned, id_format_check, tenant_foreign_key
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
