"""What of a table a viewer may see, and what day it is there: conditions that every read begins with."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Date, DateTime, Text, any_, cast, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from benegraph.db.base import Tenanted
from benegraph.db.models import Employer
from benegraph.db.session import Reading

Column = InstrumentedAttribute[Any]


def visible(
    reading: Reading, table: type[Tenanted], employer: Column | None = None, employee: Column | None = None
) -> Iterator[ColumnElement[bool]]:
    """Limit a table to the viewer's tenant, and by the columns given to its employer and employee.

    Row-level security holds the same beneath. Here it lets indexes be used, and says it where it is read.
    """
    viewer = reading.viewer
    yield table.tenant_id == viewer.tenant_id
    if employer is not None and viewer.employer_id is not None:
        yield employer == viewer.employer_id
    if employee is not None and viewer.employee_id is not None:
        yield employee == viewer.employee_id


def given(value: Any, kind: Any) -> ColumnElement[Any]:
    """Give a value as a statement takes it; in one that is compiled once, it is the place of a value already."""
    return value if isinstance(value, ColumnElement) else literal(value, kind)


def among(ids: Collection[str] | ColumnElement[Any]) -> ColumnElement[Any]:
    """Give what an id is compared with to be one of these; as one array, as the driver takes so many arguments only."""
    return any_(given(ids if isinstance(ids, ColumnElement) else list(ids), ARRAY(Text)))


def listing(columns: Sequence[Column], *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """Give the rows of another table as one column: a list of tuples."""
    return func.array(select(func.row(*columns)).where(*conditions).scalar_subquery())


def today_at(reading: Reading) -> ColumnElement[date]:
    """Give the day it is in the joined employer's time zone, at the request's instant."""
    clock = reading.clock
    if clock.fixed_on is not None:
        return given(clock.fixed_on, Date)
    return cast(func.timezone(Employer.time_zone, given(clock.now, DateTime(timezone=True))), Date)
