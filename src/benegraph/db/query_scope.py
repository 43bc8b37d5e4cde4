"""Query scopes: the rows that a statement may read, and the instant that it takes for now."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Text, bindparam, cast, func, literal
from sqlalchemy.orm import InstrumentedAttribute

from benegraph.domain.access import Viewer
from benegraph.domain.values import Clock

_TENANT = bindparam("viewer_tenant", type_=Text)
_EMPLOYER = bindparam("viewer_employer", type_=Text)
_EMPLOYEE = bindparam("viewer_employee", type_=Text)
_NOW = bindparam("clock_now", type_=DateTime(timezone=True))
_DAY = bindparam("clock_day", type_=Date)


@dataclass(frozen=True, slots=True)
class QueryScope:
    """The tenant, employer and employee that a statement is limited to, and its instant and day.

    Each field holds the value of a live viewer or clock. In a template scope it holds a bind parameter instead.
    """

    tenant_id: Any
    #: None where the viewer is not limited to one employer.
    employer_id: Any
    #: None where the viewer is not limited to one employee.
    employee_id: Any
    now: Any
    #: The day that is today in every time zone; None where today follows from `now` and the employer's time zone.
    fixed_on: Any
    #: Whether the viewer may see API keys; never a bind parameter.
    administers_keys: bool = False

    @classmethod
    def of(cls, viewer: Viewer, clock: Clock) -> "QueryScope":
        return cls(
            viewer.tenant_id,
            viewer.employer_id,
            viewer.employee_id,
            clock.now,
            clock.fixed_on,
            viewer.administers_keys,
        )

    def today_at(self, time_zone: InstrumentedAttribute[str]) -> ColumnElement[date]:
        """Return the current day in a time zone, which is a column."""
        if self.fixed_on is not None:
            return as_bind_value(self.fixed_on, Date)
        return cast(func.timezone(time_zone, as_bind_value(self.now, DateTime(timezone=True))), Date)


@dataclass(frozen=True, slots=True)
class ScopeShape:
    """The properties of a scope that decide a statement's text.

    They are its limits, whether its day is fixed, and whether its viewer may see API keys.
    """

    of_employer: bool
    of_employee: bool
    on_fixed_day: bool
    administers_keys: bool = False

    @classmethod
    def of(cls, viewer: Viewer, clock: Clock) -> "ScopeShape":
        return cls(
            viewer.employer_id is not None,
            viewer.employee_id is not None,
            clock.fixed_on is not None,
            viewer.administers_keys,
        )

    def template_scope(self) -> QueryScope:
        """Return a template scope, with bind parameters in place of viewer and clock.

        It cannot execute: a statement built for it needs the values of `scope_parameters`.
        """
        return QueryScope(
            _TENANT,
            _EMPLOYER if self.of_employer else None,
            _EMPLOYEE if self.of_employee else None,
            _NOW,
            _DAY if self.on_fixed_day else None,
            self.administers_keys,
        )


def scope_parameters(viewer: Viewer, clock: Clock) -> dict[str, Any]:
    """Return the values of a template scope's bind parameters, by name."""
    return {
        _TENANT.key: viewer.tenant_id,
        _EMPLOYER.key: viewer.employer_id,
        _EMPLOYEE.key: viewer.employee_id,
        _NOW.key: clock.now,
        _DAY.key: clock.fixed_on,
    }


def as_bind_value(value: Any, column_type: Any) -> ColumnElement[Any]:
    """Return a value as a statement's bind value; a bind parameter of a template is returned as it is."""
    return value if isinstance(value, ColumnElement) else literal(value, column_type)
