"""Row queries: the batch functions behind the relations of the graph.

Each takes the keys of all parents and returns the rows of all their children with one statement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Column,
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

#: The label of the column that holds the key of a row's parent.
PARENT_KEY = "parent_key"

#: Builds the statement of a table's visible rows, without a condition on their key.
RowsBuilder = Callable[[QueryScope], Select[Any]]
Key = InstrumentedAttribute[Any]
#: A column that a list is sorted by. Of a list without a table, a column that is named like one of its rows'.
SortColumn = InstrumentedAttribute[Any] | Column[Any]
#: The keys of all parents; in a template statement, their bind parameter.
Keys = Sequence[str] | ColumnElement[Any]
#: The names of orders, the first sort criterion first, each with whether it descends.
Order = tuple[tuple[str, bool], ...]
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True, eq=False)
class OneByKey:
    """At most one row for each key: `plan.plan_year`, or any object by its ID."""

    rows: RowsBuilder
    key: Key

    async def __call__(self, read_session: ReadSession, keys: Sequence[str]) -> dict[str, Row[Any]]:
        rows = await read_session.session.execute(self.statement(read_session.scope, keys))
        return {row.parent_key: row for row in rows}

    def statement(self, scope: QueryScope, keys: Keys) -> Select[Any]:
        return _select_of_parents(self.rows(scope), self.key, keys)

    def correlated(self, scope: QueryScope, key: ColumnElement[Any]) -> Select[Any]:
        """Select the row of a key that is a column of an outer statement."""
        return self.rows(scope).where(self.key == key)


@dataclass(frozen=True, slots=True, eq=False)
class OneByCompositeKey:
    """At most one row for each key of several columns: a contract by its group, division and coverage start."""

    rows: RowsBuilder
    columns: tuple[Key, ...]

    async def __call__(
        self, read_session: ReadSession, keys: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], Row[Any]]:
        arrays = [
            literal([key[index] for key in keys], ARRAY(column.type)) for index, column in enumerate(self.columns)
        ]
        rows = await read_session.session.execute(self.statement(read_session.scope, arrays))
        return {tuple(getattr(row, column.key) for column in self.columns): row for row in rows}

    def statement(self, scope: QueryScope, arrays: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Select the rows of keys that are passed as one array for each column."""
        names = [column.key for column in self.columns]
        keys = func.unnest(*arrays).table_valued(*names).render_derived("asked")
        return self.rows(scope).join(keys, and_(*(column == keys.c[column.key] for column in self.columns)))


@dataclass(frozen=True, slots=True, eq=False)
class ManyByKey:
    """All rows of each key, in order: `employee.dependents`. For lists that are short by nature."""

    rows: RowsBuilder
    key: Key
    order: tuple[ColumnElement[Any] | Key, ...]

    async def __call__(self, read_session: ReadSession, keys: Sequence[str]) -> dict[str, list[Row[Any]]]:
        rows_by_key: dict[str, list[Row[Any]]] = {key: [] for key in keys}
        for row in await read_session.session.execute(self.statement(read_session.scope, keys)):
            rows_by_key[row.parent_key].append(row)
        return rows_by_key

    def statement(self, scope: QueryScope, keys: Keys) -> Select[Any]:
        return _select_of_parents(self.rows(scope), self.key, keys).order_by(*self.order)

    def correlated(self, scope: QueryScope, key: ColumnElement[Any]) -> Select[Any]:
        """Select the rows of a key that is a column of an outer statement."""
        return self.rows(scope).where(self.key == key).order_by(*self.order)


@dataclass(frozen=True, slots=True)
class PageWindow:
    """The part of each parent's list that is read, sorted by `order` or, if that is empty, by the list's first order.

    Of the rows between the positions `after` and `before`, it has the first `first` and, of these, the last `last`. At
    least one of the two is set. With `last` alone, the list is read from its end. A position holds the values of the
    order's columns in a row. `offset` skips rows, and excludes `last` and `before`.

    These are the arguments of https://relay.dev/graphql/connections.htm, and its rules for the page and its neighbors.
    """

    first: int | None
    after: tuple[Any, ...] | None = None
    order: Order = ()
    filter: Any = None
    offset: int | None = None
    last: int | None = None
    before: tuple[Any, ...] | None = None
    #: The number of rows that are read beyond the page, to learn whether the list has more.
    additional_rows: int = 1

    @property
    def limit(self) -> int:
        """Return the maximum number of rows that are read."""
        return max(self.first or 0, self.last or 0) + self.additional_rows

    def select_shown(self, fetched: Sequence[RowT]) -> Sequence[RowT]:
        """Return those of the fetched rows that are on the page. All are in the list's order."""
        shown = fetched if self.first is None else fetched[: self.first]
        return shown if self.last is None else shown[max(0, len(shown) - self.last) :]

    def has_previous_page(self, fetched_count: int) -> bool:
        """Return whether the list has rows before the page, as far as the arguments and the fetched rows show."""
        if self.last is not None:
            return fetched_count > self.last
        return self.after is not None or self.offset is not None

    def has_next_page(self, fetched_count: int) -> bool:
        """Return whether the list has rows after the page, as far as the arguments and the fetched rows show."""
        return self.before is not None if self.first is None else fetched_count > self.first


@dataclass(frozen=True, slots=True)
class PageRows:
    """The rows of a page, and whether the list has rows before and after them."""

    rows: Sequence[Row[Any]]
    has_previous_page: bool
    has_next_page: bool


@dataclass(frozen=True, slots=True, eq=False)
class PagedRows:
    """The rows of each key, one page at a time: `employer.employees`. Without a key, all rows that the viewer sees.

    Each order is the columns it sorts by. The last of them is unique, so that a cursor marks one position (keyset
    pagination). Several orders can be combined. Nulls sort last in both directions.
    """

    rows: RowsBuilder
    key: Key | None
    orders: Mapping[str, tuple[SortColumn, ...]]
    apply_filter: Callable[[QueryScope, Select[Any], Any], Select[Any]] | None = field(default=None)
    #: The name of a list without a table.
    name: str | None = field(default=None)

    async def __call__(self, read_session: ReadSession, keys: Sequence[str], window: PageWindow) -> dict[str, PageRows]:
        """Fetch a page for each key."""
        rows_by_key: dict[str, list[Row[Any]]] = {key: [] for key in keys}
        for row in await read_session.session.execute(self.statement(read_session.scope, keys, window)):
            rows_by_key["" if self.key is None else row.parent_key].append(row)
        return {
            key: PageRows(
                window.select_shown(rows), window.has_previous_page(len(rows)), window.has_next_page(len(rows))
            )
            for key, rows in rows_by_key.items()
        }

    async def count(self, read_session: ReadSession, keys: Sequence[str], filter: Any) -> dict[str, int]:
        """Count the rows of each key that match a filter."""
        counts = await read_session.session.execute(self.count_statement(read_session.scope, keys, filter))
        return dict.fromkeys(keys, 0) | dict(iter(counts))

    def count_statement(self, scope: QueryScope, keys: Keys, filter: Any) -> Select[Any]:
        """Select each key that has rows matching a filter, and their number."""
        rows = self._filtered_rows(scope, filter)
        if self.key is None:
            no_key: Any = literal("").label(PARENT_KEY)
            return select(no_key, func.count()).select_from(rows.subquery())
        matching = _select_of_parents(rows, self.key, keys).subquery()
        return select(matching.c[PARENT_KEY], func.count()).group_by(matching.c[PARENT_KEY])

    def correlated_count(self, scope: QueryScope, key: ColumnElement[Any] | None, filter: Any) -> Select[Any]:
        """Select the number of rows of a key that is a column of an outer statement; without a key, of all rows."""
        unique_column = self.sort_columns(())[-1][0]
        rows = self._filtered_rows(scope, filter).with_only_columns(unique_column, maintain_column_froms=True)
        if self.key is not None and key is not None:
            rows = rows.where(self.key == key).correlate(key.table)
        return select(func.count()).select_from(rows.subquery())

    def sort_columns(self, order: Order) -> list[tuple[SortColumn, bool]]:
        """Return the columns an order sorts by, each with whether it descends.

        The unique column comes once, at the end, in the direction of the last order.
        """
        order = order or ((next(iter(self.orders)), False),)
        columns = [(column, descending) for name, descending in order for column in self.orders[name][:-1]]
        last_name, last_descending = order[-1]
        return [*columns, (self.orders[last_name][-1], last_descending)]

    def statement(self, scope: QueryScope, keys: Keys, window: PageWindow) -> Select[Any]:
        """Select a page for each key, or one page of all rows where the list has no key."""
        rows = self._page(scope, window)
        if self.key is None:
            return self._in_order(rows, window)
        parents = func.unnest(as_bind_value(keys, ARRAY(Text))).table_valued("key").render_derived("parents")
        page = rows.where(self.key == parents.c.key).lateral("part")
        sorting = (
            _sort_criterion(column, page.c[column.key], down) for column, down in self.sort_columns(window.order)
        )
        parent_key = parents.c.key.label(PARENT_KEY)
        return select(parent_key, page).join_from(parents, page, true()).order_by(PARENT_KEY, *sorting)

    def correlated(self, scope: QueryScope, key: ColumnElement[Any], window: PageWindow) -> Select[Any]:
        """Select the page of a key that is a column of an outer statement."""
        assert self.key is not None, "a list without a key has no parent"  # noqa: S101
        rows = self._page(scope, window).where(self.key == key)
        return self._in_order(rows.correlate(key.table), window)

    def _in_order(self, rows: Select[Any], window: PageWindow) -> Select[Any]:
        """Sort the rows of a page that is read from the end of its list, which come in reverse."""
        if window.first is not None:
            return rows
        page = rows.subquery()
        sorting = self.sort_columns(window.order)
        return select(page).order_by(*(_sort_criterion(column, page.c[column.key], down) for column, down in sorting))

    def _page(self, scope: QueryScope, window: PageWindow) -> Select[Any]:
        sorting = self.sort_columns(window.order)
        rows = self._filtered_rows(scope, window.filter)
        if window.after is not None:
            rows = rows.where(_is_beyond(sorting, window.after, is_before=False))
        if window.before is not None:
            rows = rows.where(_is_beyond(sorting, window.before, is_before=True))
        sort = _sort_criterion if window.first is not None else _reverse_criterion
        rows = rows.order_by(*(sort(column, column, descending) for column, descending in sorting))
        # The limit is part of the text, because the planner must know whether few rows are needed or all. There are at
        # most a hundred different limits, one for each page size.
        rows = rows.limit(literal_column(str(int(window.limit))))
        return rows if window.offset is None else rows.offset(window.offset)

    def _filtered_rows(self, scope: QueryScope, filter: Any) -> Select[Any]:
        rows = self.rows(scope)
        return rows if filter is None or self.apply_filter is None else self.apply_filter(scope, rows, filter)


@lru_cache
def order_name(page: PagedRows, order: Order) -> str:
    """Return an order's name in cursors.

    It includes the table, so that a cursor of another list is not accepted as a position in this one.
    """
    unique_column = page.sort_columns(order)[-1][0]
    table = page.name or getattr(unique_column, "class_", type(page)).__name__
    names = order or ((next(iter(page.orders)), False),)
    return ",".join(f"{'-' if descending else ''}{table}.{name}" for name, descending in names)


def is_nullable(column: SortColumn) -> bool:
    return bool(column.expression.nullable)


def _select_of_parents(rows: Select[Any], key: Key, keys: Keys) -> Select[Any]:
    return rows.add_columns(key.label(PARENT_KEY)).where(key == any_of(keys))


def _sort_criterion(
    column: SortColumn, expression: ColumnElement[Any] | SortColumn, descending: bool
) -> ColumnElement[Any] | SortColumn:
    """Return the criterion that sorts by an expression of a column, with nulls last.

    That is the default in ascending order; in descending order NULLS LAST must be stated.
    """
    if not descending:
        return expression
    return expression.desc().nulls_last() if is_nullable(column) else expression.desc()


def _reverse_criterion(
    column: SortColumn, expression: ColumnElement[Any] | SortColumn, descending: bool
) -> ColumnElement[Any] | SortColumn:
    """Return the criterion that sorts in reverse to `_sort_criterion`, with nulls first.

    That is the default in descending order, which reverses the ascending one; else NULLS FIRST must be stated.
    """
    if not descending:
        return expression.desc()
    return expression.asc().nulls_first() if is_nullable(column) else expression


def _is_beyond(
    sorting: Sequence[tuple[SortColumn, bool]], position: Sequence[Any], *, is_before: bool
) -> ColumnElement[bool]:
    """Return the condition that a row comes after a position in a sorted list or, with `is_before`, before it."""
    columns = [column for column, _ in sorting]
    if len({descending for _, descending in sorting}) == 1 and not any(map(is_nullable, columns)):
        # A comparison of row values means the same as the condition below, and can use an index.
        values = tuple_(*(as_bind_value(value, column.type) for value, column in zip(position, columns, strict=True)))
        return tuple_(*columns) < values if sorting[0][1] != is_before else tuple_(*columns) > values
    condition: ColumnElement[bool] = false()
    for (column, descending), value in reversed(list(zip(sorting, position, strict=True))):
        sorts_beyond = _sorts_before if is_before else _sorts_after
        condition = or_(sorts_beyond(column, value, descending), and_(_equals(column, value), condition))
    return condition


def _sorts_before(column: SortColumn, value: Any, descending: bool) -> ColumnElement[bool]:
    if value is None:
        return column.is_not(None)
    bound = as_bind_value(value, column.type)
    return column > bound if descending else column < bound


def _sorts_after(column: SortColumn, value: Any, descending: bool) -> ColumnElement[bool]:
    if value is None:
        return false()
    bound = as_bind_value(value, column.type)
    condition = column < bound if descending else column > bound
    return or_(condition, column.is_(None)) if is_nullable(column) else condition


def _equals(column: SortColumn, value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == as_bind_value(value, column.type)
