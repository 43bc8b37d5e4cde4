"""Batches: what an edge of the graph fetches. Keys of all parents in, the rows of all their children out, in one go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute

from benegraph.db.query_scope import QueryScope, as_bind_value
from benegraph.db.session import ReadSession
from benegraph.db.store.conditions import any_of

#: The name under which a row carries the key of the parent it belongs to.
PARENT_KEY = "parent_key"

Rows = Callable[[QueryScope], Select[Any]]
Key = InstrumentedAttribute[Any]
#: The keys of all parents, or in a statement that is compiled once the place that they fill.
Keys = Sequence[str] | ColumnElement[Any]
#: The names of orders, the weightiest first, each with whether it descends.
Order = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True, eq=False)
class OneByKey:
    """At most one row a key: `plan.plan_year`, or anything by its id."""

    rows: Rows
    key: Key

    async def __call__(self, read_session: ReadSession, keys: Sequence[str]) -> dict[str, Row[Any]]:
        found = await read_session.session.execute(self.statement(read_session.scope, keys))
        return {row.parent_key: row for row in found}

    def statement(self, scope: QueryScope, keys: Keys) -> Select[Any]:
        return _of_parents(self.rows(scope), self.key, keys)

    def correlated(self, scope: QueryScope, key: ColumnElement[Any]) -> Select[Any]:
        """Select the row of a key that is a column of another's row."""
        return self.rows(scope).where(self.key == key)


@dataclass(frozen=True, slots=True, eq=False)
class OneByCompositeKey:
    """At most one row a key of several columns: a contract by its group, division and start."""

    rows: Rows
    parts: tuple[Key, ...]

    async def __call__(
        self, read_session: ReadSession, keys: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], Row[Any]]:
        columns = [literal([key[place] for key in keys], ARRAY(part.type)) for place, part in enumerate(self.parts)]
        found = await read_session.session.execute(self.statement(read_session.scope, columns))
        return {tuple(getattr(row, part.key) for part in self.parts): row for row in found}

    def statement(self, scope: QueryScope, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Select the rows of keys that come part by part, an array for each."""
        names = [part.key for part in self.parts]
        asked = func.unnest(*columns).table_valued(*names).render_derived("asked")
        return self.rows(scope).join(asked, and_(*(part == asked.c[part.key] for part in self.parts)))


@dataclass(frozen=True, slots=True, eq=False)
class ManyByKey:
    """All rows of each key, in order: `employee.dependents`. For lists that are short by nature."""

    rows: Rows
    key: Key
    order: tuple[ColumnElement[Any] | Key, ...]

    async def __call__(self, read_session: ReadSession, keys: Sequence[str]) -> dict[str, list[Row[Any]]]:
        found: dict[str, list[Row[Any]]] = {key: [] for key in keys}
        for row in await read_session.session.execute(self.statement(read_session.scope, keys)):
            found[row.parent_key].append(row)
        return found

    def statement(self, scope: QueryScope, keys: Keys) -> Select[Any]:
        return _of_parents(self.rows(scope), self.key, keys).order_by(*self.order)

    def correlated(self, scope: QueryScope, key: ColumnElement[Any]) -> Select[Any]:
        """Select the rows of a key that is a column of another's row."""
        return self.rows(scope).where(self.key == key).order_by(*self.order)


@dataclass(frozen=True, slots=True)
class PageWindow:
    """Which part of each parent's list is asked for, in an order: the list's own, by default.

    `after` holds the values of the order's columns in the last row seen; `offset` passes over so many rows, if any.
    """

    first: int
    after: tuple[Any, ...] | None = None
    order: Order = ()
    filter: Any = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class PageRows:
    """A part of a list, and whether it goes on."""

    rows: list[Row[Any]]
    has_more: bool


@dataclass(frozen=True, slots=True, eq=False)
class PagedRows:
    """The rows of each key, a window at a time: `employer.employees`. Without a key it is the viewer's whole list.

    Each order is the columns it sorts by, ending in a unique one, so that a cursor names one place (keyset paging).
    Several orders one after another make another. Nulls come last from both ends.
    """

    rows: Rows
    key: Key | None
    orders: Mapping[str, tuple[Key, ...]]
    apply_filter: Callable[[QueryScope, Select[Any], Any], Select[Any]] | None = field(default=None)

    async def __call__(self, read_session: ReadSession, keys: Sequence[str], window: PageWindow) -> dict[str, PageRows]:
        """Fetch one row more than asked for, to know whether the list goes on."""
        found: dict[str, list[Row[Any]]] = {key: [] for key in keys}
        for row in await read_session.session.execute(self.statement(read_session.scope, keys, window)):
            found["" if self.key is None else row.parent_key].append(row)
        return {key: PageRows(rows[: window.first], len(rows) > window.first) for key, rows in found.items()}

    async def count(self, read_session: ReadSession, keys: Sequence[str], filter: Any) -> dict[str, int]:
        """Count the rows of each key under a filter."""
        found = await read_session.session.execute(self.count_statement(read_session.scope, keys, filter))
        return dict.fromkeys(keys, 0) | dict(iter(found))

    def count_statement(self, scope: QueryScope, keys: Keys, filter: Any) -> Select[Any]:
        """Select each key that has rows under a filter, and how many."""
        rows = self._filtered(scope, filter)
        if self.key is None:
            whole: Any = literal("").label(PARENT_KEY)
            return select(whole, func.count()).select_from(rows.subquery())
        counted = _of_parents(rows, self.key, keys).subquery()
        return select(counted.c[PARENT_KEY], func.count()).group_by(counted.c[PARENT_KEY])

    def correlated_count(self, scope: QueryScope, key: ColumnElement[Any] | None, filter: Any) -> Select[Any]:
        """Select how many rows a key has, which is a column of another's row; without one, how many there are."""
        rows = self._filtered(scope, filter).with_only_columns(self.sort_columns(())[-1][0], maintain_column_froms=True)
        if self.key is not None and key is not None:
            rows = rows.where(self.key == key).correlate(key.table)
        return select(func.count()).select_from(rows.subquery())

    def sort_columns(self, order: Order) -> list[tuple[Key, bool]]:
        """Give what an order sorts by, each with whether it descends; the unique column goes as the last order does."""
        order = order or ((next(iter(self.orders)), False),)
        sorting = [(column, descending) for name, descending in order for column in self.orders[name][:-1]]
        last, descending = order[-1]
        return [*sorting, (self.orders[last][-1], descending)]

    def statement(self, scope: QueryScope, keys: Keys, window: PageWindow) -> Select[Any]:
        rows = self._page(scope, window)
        if self.key is None:
            return rows
        parents = func.unnest(as_bind_value(keys, ARRAY(Text))).table_valued("key").render_derived("parents")
        part = rows.where(self.key == parents.c.key).lateral("part")
        sorting = (_sorted(column, part.c[column.key], down) for column, down in self.sort_columns(window.order))
        return (
            select(parents.c.key.label(PARENT_KEY), part)
            .join_from(parents, part, true())
            .order_by(PARENT_KEY, *sorting)
        )

    def correlated(self, scope: QueryScope, key: ColumnElement[Any], window: PageWindow) -> Select[Any]:
        """Select the window of a key that is a column of another's row."""
        assert self.key is not None, "who has no key has no parent"  # noqa: S101
        return self._page(scope, window).where(self.key == key)

    def _page(self, scope: QueryScope, window: PageWindow) -> Select[Any]:
        sorting = self.sort_columns(window.order)
        rows = self._filtered(scope, window.filter)
        if window.after is not None:
            rows = rows.where(_beyond(sorting, window.after))
        rows = rows.order_by(*(_sorted(column, column, descending) for column, descending in sorting))
        # In the text, as the planner must know whether few are wanted or all; a page has a hundred sizes.
        rows = rows.limit(literal_column(str(int(window.first) + 1)))
        return rows if window.offset is None else rows.offset(window.offset)

    def _filtered(self, scope: QueryScope, filter: Any) -> Select[Any]:
        rows = self.rows(scope)
        return rows if filter is None or self.apply_filter is None else self.apply_filter(scope, rows, filter)


@lru_cache
def order_name(page: PagedRows, order: Order) -> str:
    """Name an order as cursors do: of which rows, too, or one from a list of others would name some place in this."""
    rows = page.sort_columns(order)[-1][0].class_.__name__
    named = order or ((next(iter(page.orders)), False),)
    return ",".join(f"{'-' if descending else ''}{rows}.{name}" for name, descending in named)


def _of_parents(rows: Select[Any], key: Key, keys: Keys) -> Select[Any]:
    return rows.add_columns(key.label(PARENT_KEY)).where(key == any_of(keys))


def is_nullable(column: Key) -> bool:
    return bool(column.expression.nullable)


def _sorted(column: Key, shown: ColumnElement[Any] | Key, descending: bool) -> ColumnElement[Any] | Key:
    """Sort by a column as it shows: upwards nulls come last by themselves, downwards they must be told to."""
    if not descending:
        return shown
    return shown.desc().nulls_last() if is_nullable(column) else shown.desc()


def _beyond(sorting: Sequence[tuple[Key, bool]], place: Sequence[Any]) -> ColumnElement[bool]:
    """Limit a list to what comes after a place in it."""
    columns = [column for column, _ in sorting]
    if len({descending for _, descending in sorting}) == 1 and not any(map(is_nullable, columns)):
        # The same, in the words that an index understands.
        values = tuple_(*(as_bind_value(value, column.type) for value, column in zip(place, columns, strict=True)))
        return tuple_(*columns) < values if sorting[0][1] else tuple_(*columns) > values
    beyond: ColumnElement[bool] = false()
    for (column, descending), value in reversed(list(zip(sorting, place, strict=True))):
        beyond = or_(_comes_after(column, value, descending), and_(_is(column, value), beyond))
    return beyond


def _comes_after(column: Key, value: Any, descending: bool) -> ColumnElement[bool]:
    if value is None:
        return false()
    there = as_bind_value(value, column.type)
    further = column < there if descending else column > there
    return or_(further, column.is_(None)) if is_nullable(column) else further


def _is(column: Key, value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == as_bind_value(value, column.type)
