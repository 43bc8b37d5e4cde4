"""Statements that are compiled once: text with numbered places, and the name of the value that each place takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Date, DateTime, Select, Text, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from benegraph.db.session import Reading
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock

_DIALECT: Any = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # it has no types

_TENANT = bindparam("viewer_tenant", type_=Text)
_EMPLOYER = bindparam("viewer_employer", type_=Text)
_EMPLOYEE = bindparam("viewer_employee", type_=Text)
_NOW = bindparam("clock_now", type_=DateTime(timezone=True))
_DAY = bindparam("clock_day", type_=Date)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement's text. `fixed` holds the values that are the same in every use."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Give the values of the places, in their order."""
        fixed = self.fixed
        return [fixed[name] if name in fixed else given[name] for name in self.names]


@dataclass(frozen=True, slots=True)
class Manner:
    """What of a viewer and a clock decides a text: what the viewer is limited to, and whether the day is fixed."""

    of_employer: bool
    of_employee: bool
    on_fixed_day: bool

    @classmethod
    def of(cls, viewer: Viewer, clock: Clock) -> "Manner":
        return cls(viewer.employer_id is not None, viewer.employee_id is not None, clock.fixed_on is not None)

    def reading(self) -> Reading:
        """Give a reading of nobody's, in which viewer and clock are named places; it can't fetch."""
        employer: Any = _EMPLOYER if self.of_employer else None
        employee: Any = _EMPLOYEE if self.of_employee else None
        tenant: Any = _TENANT
        day: Any = _DAY if self.on_fixed_day else None
        now: Any = _NOW
        nothing: Any = None
        return Reading(nothing, Viewer(tenant, "", Role.SERVICE, employer, employee), Clock(now, day))


def scope_values(viewer: Viewer, clock: Clock) -> dict[str, Any]:
    """Give the values of the places that `Manner.reading` leaves."""
    return {
        _TENANT.key: viewer.tenant_id,
        _EMPLOYER.key: viewer.employer_id,
        _EMPLOYEE.key: viewer.employee_id,
        _NOW.key: clock.now,
        _DAY.key: clock.fixed_on,
    }


def prepare(statement: Select[Any]) -> Prepared:
    """Compile a statement. Places without a value are filled at each use, by their names, with the driver's values.

    Raises ValueError for a place that takes a list of any length as `IN (…)`: its text would differ from use to use.
    """
    compiled: Any = statement.compile(dialect=_DIALECT)
    places = {name: place for name, place in compiled.binds.items() if place.required}
    if any(place.expanding for place in places.values()):
        raise ValueError("a list is one place: = ANY (…)")
    whole = compiled.construct_expanded_state(dict.fromkeys(places))
    # As its type stores it: an enumeration's member as its word.
    written = {
        **compiled._bind_processors,  # noqa: SLF001 - what SQLAlchemy's own execution writes values by
        **whole.processors,
    }
    fixed = {
        name: written[name](value) if name in written else value
        for name, value in whole.parameters.items()
        if name not in places
    }
    return Prepared(whole.statement, tuple(whole.positiontup or ()), fixed)
