"""Statements: a source's rows, or a row of texts, with all that is nested in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count as counted
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, cast, func, literal, literal_column, null, select
from sqlalchemy.sql.selectable import Subquery

from benegraph.db.query_compiler.columns import Source
from benegraph.db.query_compiler.places import KEYS, with_places
from benegraph.db.query_compiler.texts import (
    COUNT,
    CURSOR,
    END,
    FOUND,
    GOES_ON,
    IS_LATER,
    NUMBER,
    START,
    Piece,
    cursor_of,
    either,
    listed,
    measured,
    number_of,
    together,
    value_of,
)
from benegraph.db.query_compiler.wanted import Layout, Nested, Part, Wanted, fact_of
from benegraph.db.query_scope import QueryScope, ScopeShape
from benegraph.db.store.row_queries import PARENT_KEY, OneByCompositeKey, OneByKey, PagedRows, PageWindow

# The driver asks the server about the types of columns, not about those that lie within rows: of a list there it would
# know nothing, unless a column is one.
_A_LIST: ColumnElement[Any] = literal_column("NULL::record[]")
#: What is told by the places of rows in their order.
_PLACES = {START, END, CURSOR}


def rows_of(wanted: Wanted, shape: ScopeShape, windows: Sequence[PageWindow | None]) -> Select[Any]:
    """Build the statement that reads what is wanted; the last column of each row is the key it belongs to.

    Of no source it is one row of texts, and there is no such column.
    """
    scope, source = shape.template_scope(), wanted.source
    if source is None:
        tree = _Tree(scope, windows, counted(1))
        return select(*(tree.alone(nested, number) for number, nested in enumerate(wanted.nested)))
    keys = bindparam(KEYS, type_=ARRAY(Text))
    if isinstance(source, PagedRows):
        window = windows[0]
        assert window is not None, "where no page can be, nothing is read"  # noqa: S101 - the reader sees to it
        rows = source.statement(scope, keys, with_places(source, 0, window))
        if source.key is None:
            rows = rows.add_columns(literal("").label(PARENT_KEY))
    elif isinstance(source, OneByCompositeKey):
        arrays = [bindparam(f"{KEYS}_{part.key}", type_=ARRAY(part.type)) for part in source.parts]
        rows = source.statement(scope, arrays).add_columns(func.row(*source.parts).label(PARENT_KEY))
    else:
        rows = source.statement(scope, keys)
    if not isinstance(source, PagedRows):
        rows = _of_columns(rows, [*_columns_of(wanted, None, None), PARENT_KEY])
    level = rows.subquery("rows")
    tree = _Tree(scope, windows, counted(1))
    slots = tree.slots(level, wanted, windows[0] if windows else None)
    if any(_holds_lists(nested.wanted) for nested in wanted.nested):
        slots.append(_A_LIST)
    return select(*slots, level.c[PARENT_KEY])


def _holds_lists(wanted: Wanted) -> bool:
    return any(_is_list(nested) or _holds_lists(nested.wanted) for nested in wanted.nested)


def _is_list(nested: Nested) -> bool:
    return nested.layout is None and not nested.counts and not isinstance(nested.wanted.source, OneByKey)


def count_of(source: PagedRows, shape: ScopeShape, window: PageWindow) -> Select[Any]:
    """Build the statement that counts the rows of each key under a window's filter."""
    chosen = with_places(source, 0, window).filter
    return source.count_statement(shape.template_scope(), bindparam(KEYS, type_=ARRAY(Text)), chosen)


@dataclass(frozen=True, slots=True)
class _Tree:
    """What one statement is put together from."""

    scope: QueryScope
    windows: Sequence[PageWindow | None]
    levels: Iterator[int]

    def slots(self, level: Subquery, wanted: Wanted, window: PageWindow | None) -> list[ColumnElement[Any]]:
        slots: list[ColumnElement[Any]] = [level.c[name] for name in wanted.columns]
        slots += [self._nested(level, nested) for nested in wanted.nested]
        if not slots:
            slots.append(null())
        if wanted.placed and window is not None:
            slots.append(func.row(*(level.c[column.key] for column, _ in wanted.source.sort_columns(window.order))))
        return slots

    def _nested(self, parent: Subquery, nested: Nested) -> ColumnElement[Any]:
        source, key, layout = nested.wanted.source, parent.c[nested.key], nested.layout
        window = None
        if nested.window is not None:
            window = self.windows[nested.window]
            if window is None:
                return null()
            window = with_places(source, nested.window, window)
            if nested.counts:
                return _within(source.correlated_count(self.scope, key, window.filter), parent)
            if layout is not None:
                return self._page(parent, key, nested.wanted, layout, window)
            rows = source.correlated(self.scope, key, window)
        else:
            rows = source.correlated(self.scope, key)
        level = self._level(rows.correlate(parent), _columns_of(nested.wanted, layout, window))
        # The order is the inner select's: nothing is done out here that could change it.
        if layout is not None:
            return self._rows(level, source, layout)
        row = select(func.row(*self.slots(level, nested.wanted, window))).select_from(level)
        return row.scalar_subquery() if isinstance(source, OneByKey) else func.array(row.scalar_subquery())

    def alone(self, nested: Nested, number: int) -> ColumnElement[Any]:
        """Write the row of a key that fills a place, or a page of all rows."""
        source, layout = nested.wanted.source, nested.layout
        assert layout is not None, "what has no parent comes as a text"  # noqa: S101 - nothing else is compiled
        if nested.window is None:
            key = bindparam(f"{KEYS}_{number}", type_=Text)
            rows = source.correlated(self.scope, key)
            return self._rows(self._level(rows, _columns_of(nested.wanted, layout, None)), source, layout)
        window = self.windows[nested.window]
        if window is None:
            return null()
        return self._page(None, None, nested.wanted, layout, with_places(source, nested.window, window))

    def _rows(self, level: Subquery, source: Source, layout: Layout) -> ColumnElement[Any]:
        text = self._row(level, layout.parts or (), layout.end)
        if isinstance(source, OneByKey):
            return select(text).select_from(level).scalar_subquery()
        whole = select(listed(text)).select_from(level).scalar_subquery()
        return together([*layout.opening, whole, *layout.closing])

    def _page(
        self,
        parent: Subquery | None,
        key: ColumnElement[Any] | None,
        wanted: Wanted,
        layout: Layout,
        window: PageWindow,
    ) -> ColumnElement[Any]:
        """Write a page, of a parent's key or of all rows."""
        source = wanted.source
        told = {fact_of(each) for each in (*layout.opening, *layout.closing)}
        is_measured = not told.isdisjoint({GOES_ON, START, END})
        if not is_measured:  # nobody looks whether the list goes on
            window = replace(window, first=window.first - 1)
        rows = source.statement(self.scope, (), window) if key is None else source.correlated(self.scope, key, window)
        names = _columns_of(wanted, layout, window)
        level = self._level(rows if parent is None else rows.correlate(parent), names)
        if is_measured:
            number, found = func.row_number().over().label(NUMBER), func.count().over().label(FOUND)
            level = select(*level.c, number, found).select_from(level).subquery(self._name())

        def piece(each: Any) -> Piece:
            fact = fact_of(each)
            if fact is None:
                return str(each)
            if fact == COUNT:
                counting = source.correlated_count(self.scope, key, window.filter)
                return cast(counting.scalar_subquery() if parent is None else _within(counting, parent), Text)
            if fact == IS_LATER:
                return "false" if window.after is None and window.offset is None else "true"
            return measured(fact, level, source, window)

        opening, closing = [*map(piece, layout.opening)], [*map(piece, layout.closing)]
        if layout.parts is None:
            text = together(opening + closing)
            return select(text).select_from(level).scalar_subquery() if is_measured else text
        whole = listed(self._row(level, layout.parts, layout.end, source, window))
        if is_measured:
            whole = whole.filter(level.c[NUMBER] <= number_of(window.first))
        return select(together([*opening, whole, *closing])).select_from(level).scalar_subquery()

    def _level(self, rows: Select[Any], names: Iterable[str]) -> Subquery:
        return _of_columns(rows, names).subquery(self._name())

    def _name(self) -> str:
        return f"level_{next(self.levels)}"

    def _row(
        self, level: Subquery, parts: Sequence[Part], end: str, source: Any = None, window: PageWindow | None = None
    ) -> ColumnElement[Any]:
        pieces: list[Piece] = []
        for part in parts:
            pieces.append(part.lead)
            if fact_of(part.what) == CURSOR:
                assert window is not None, "only a page's rows have cursors"  # noqa: S101
                pieces += cursor_of(level, source, window)
            else:
                pieces += self._value(level, part)
        return together([*pieces, end])

    def _value(self, level: Subquery, part: Part) -> list[Piece]:
        if not isinstance(part.what, str):
            pieces: list[Piece] = [self._nested(level, part.what)]
        elif part.mark is not None:
            pieces = [part.mark, level.c[part.what]]
        else:
            pieces = value_of(level.c[part.what])
        return pieces if part.absent is None else [either(pieces, part.absent)]


def _columns_of(wanted: Wanted, layout: Layout | None, window: PageWindow | None) -> Iterator[str]:
    """Name the columns of rows of which a text is written, or their slots are made."""
    facts: tuple[Any, ...] = ()
    if layout is None:
        yield from wanted.columns
        yield from (nested.key for nested in wanted.nested)
    else:
        for part in layout.parts or ():
            if fact_of(part.what) is None:
                yield part.what if isinstance(part.what, str) else part.what.key
        facts = (*layout.opening, *layout.closing, *(part.what for part in layout.parts or ()))
    if window is not None and (wanted.placed or any(fact_of(each) in _PLACES for each in facts)):
        yield from (column.key for column, _ in wanted.source.sort_columns(window.order))


def _of_columns(rows: Select[Any], names: Iterable[str]) -> Select[Any]:
    """Leave out all columns but some. So would the server, but it plans the others first, and hands up nulls."""
    columns = rows.selected_columns
    chosen = [columns[name] for name in dict.fromkeys(names)]
    return rows.with_only_columns(*(chosen or [null().label("nothing")]), maintain_column_froms=True)


def _within(statement: Select[Any], parent: Subquery) -> ColumnElement[Any]:
    return statement.correlate(parent).scalar_subquery()
