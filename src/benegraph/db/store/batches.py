"""Batches: what an edge of the graph fetches. Keys of all parents in, the rows of all their children out, in one go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, any_, func, literal, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from benegraph.db.session import Reading

#: The name under which a row carries the key of the parent it belongs to.
PARENT = "parent_key"

Rows = Callable[[Reading], Select[Any]]
Key = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """At most one row a key: `plan.plan_year`, or anything by its id."""

    rows: Rows
    key: Key

    async def __call__(self, reading: Reading, keys: Sequence[str]) -> dict[str, Row[Any]]:
        found = await reading.session.execute(_of_parents(self.rows(reading), self.key, keys))
        return {row.parent_key: row for row in found}


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """All rows of each key, in order: `employee.dependents`. For lists that are short by nature."""

    rows: Rows
    key: Key
    order: tuple[ColumnElement[Any] | Key, ...]

    async def __call__(self, reading: Reading, keys: Sequence[str]) -> dict[str, list[Row[Any]]]:
        statement = _of_parents(self.rows(reading), self.key, keys).order_by(*self.order)
        found: dict[str, list[Row[Any]]] = {key: [] for key in keys}
        for row in await reading.session.execute(statement):
            found[row.parent_key].append(row)
        return found


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of each parent's list is asked for. `after` holds the order's values in the last row seen."""

    first: int
    after: tuple[Any, ...] | None = None
    order: str = "ID"
    descending: bool = False
    filter: Any = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list, and whether it goes on."""

    rows: list[Row[Any]]
    goes_on: bool


@dataclass(frozen=True, slots=True, eq=False)
class Paged:
    """The rows of each key, a window at a time: `employer.employees`. Without a key it is the viewer's whole list.

    Each order is the columns it sorts by, ending in a unique one, so that a cursor names one place (keyset paging).
    """

    rows: Rows
    key: Key | None
    orders: Mapping[str, tuple[Key, ...]]
    narrow: Callable[[Reading, Select[Any], Any], Select[Any]] | None = field(default=None)

    async def __call__(self, reading: Reading, keys: Sequence[str], window: Window) -> dict[str, Slice]:
        """Fetch one row more than asked for, to know whether the list goes on."""
        found: dict[str, list[Row[Any]]] = {key: [] for key in keys}
        for row in await reading.session.execute(self.statement(reading, keys, window)):
            found["" if self.key is None else row.parent_key].append(row)
        return {key: Slice(rows[: window.first], len(rows) > window.first) for key, rows in found.items()}

    async def count(self, reading: Reading, keys: Sequence[str], chosen: Any) -> dict[str, int]:
        """Count the rows of each key under a filter."""
        rows = self._narrowed(reading, chosen)
        if self.key is None:
            total = await reading.session.execute(select(func.count()).select_from(rows.subquery()))
            return {"": total.scalar_one()}
        counted = _of_parents(rows, self.key, keys).subquery()
        parent = counted.c[PARENT]
        found = await reading.session.execute(select(parent, func.count()).group_by(parent))
        return dict.fromkeys(keys, 0) | dict(iter(found))

    def statement(self, reading: Reading, keys: Sequence[str], window: Window) -> Select[Any]:
        columns = self.orders[window.order]
        rows = self._narrowed(reading, window.filter)
        if window.after is not None:
            place = tuple_(*(literal(value, column.type) for value, column in zip(window.after, columns, strict=True)))
            rows = rows.where(tuple_(*columns) < place if window.descending else tuple_(*columns) > place)
        rows = rows.order_by(*(column.desc() if window.descending else column for column in columns))
        rows = rows.limit(window.first + 1)
        if self.key is None:
            return rows
        parents = func.unnest(_keys(keys)).table_valued("key").render_derived("parents")
        part = rows.where(self.key == parents.c.key).lateral("part")
        sorting = [part.c[column.key] for column in columns]
        return (
            select(parents.c.key.label(PARENT), part)
            .join_from(parents, part, true())
            .order_by(PARENT, *(column.desc() if window.descending else column for column in sorting))
        )

    def _narrowed(self, reading: Reading, chosen: Any) -> Select[Any]:
        rows = self.rows(reading)
        return rows if chosen is None or self.narrow is None else self.narrow(reading, rows, chosen)


def _keys(keys: Sequence[str]) -> ColumnElement[Any]:
    return literal(list(keys), ARRAY(Text))


def _of_parents(rows: Select[Any], key: Key, keys: Sequence[str]) -> Select[Any]:
    return rows.add_columns(key.label(PARENT)).where(key == any_(_keys(keys)))
