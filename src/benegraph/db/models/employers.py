"""Shapes of employers."""

from sqlalchemy.orm import Mapped

from benegraph.db.base import Base, Versioned, id_check, reference
from benegraph.domain.ids import IdPrefix


class Employer(Versioned, Base):
    """An employer; its time zone decides what day it is for everything beneath it."""

    __tablename__ = "employers"

    name: Mapped[str]
    time_zone: Mapped[str]
    active: Mapped[bool]

    __table_args__ = (id_check(IdPrefix.EMPLOYER), reference("employers_tenant", "", "tenants"))
