"""The table of employers."""

from sqlalchemy.orm import Mapped

from benegraph.db.base import Base, Versioned, id_format_check, tenant_foreign_key
from benegraph.domain.ids import IdPrefix


class Employer(Versioned, Base):
    """An employer; its time zone decides which day is today for its plan years, people and enrollments."""

    __tablename__ = "employers"

    name: Mapped[str]
    time_zone: Mapped[str]
    active: Mapped[bool]

    __table_args__ = (id_format_check(IdPrefix.EMPLOYER), tenant_foreign_key("employers_tenant", "", "tenants"))
