"""Statements: the rows of a source, or one row of JSON texts, with everything nested in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, cast, func, literal, literal_column, null, select
from sqlalchemy.sql.selectable import Subquery

from benegraph.db.query_compiler.columns import Source
from benegraph.db.query_compiler.json_text import (
    FETCHED_ROWS,
    ROW_NUMBER,
    Piece,
    coalesce_text,
    concat,
    cursor_pieces,
    is_shown,
    join_rows,
    needs_numbers,
    page_info_piece,
    value_pieces,
)
from benegraph.db.query_compiler.parameters import KEYS, parametrize_window
from benegraph.db.query_compiler.protected_reads import (
    employee_id_column,
    marker_pieces,
    protected_parts,
    protected_values,
)
from benegraph.db.query_scope import QueryScope, ScopeShape
from benegraph.db.store.row_queries import PARENT_KEY, OneByCompositeKey, OneByKey, PagedRows, PageWindow
from benegraph.execution.plan.rows import (
    ALL_ROWS_KEY,
    CURSOR_FIELDS,
    Cardinality,
    JsonLayout,
    JsonPart,
    NestedQuery,
    PageField,
    RowQuery,
)

# The driver asks the server for the types of columns, but not for those within records. It can decode a list within a
# record only if some column has that type.
_RECORD_LIST_COLUMN: ColumnElement[Any] = literal_column("NULL::record[]")


def build_row_statement(
    query: RowQuery, shape: ScopeShape, windows: Sequence[PageWindow | None], *, marks_people: bool = False
) -> Select[Any]:
    """Build the statement for a row query. The last column of each row is the key that the row belongs to.

    Without a source, the statement returns one row of JSON texts and no key. With `marks_people`, rows with protected
    columns also return their employee, as `protected_reads` describes.
    """
    scope, source = shape.template_scope(), query.source
    builder = _StatementBuilder(scope, windows, count(1), marks_people)
    if source is None:
        return select(*(builder.root_json(nested, index) for index, nested in enumerate(query.nested)))
    keys = bindparam(KEYS, type_=ARRAY(Text))
    if isinstance(source, PagedRows):
        window = windows[0]
        assert window is not None, "an invalid page is not read"  # noqa: S101 - the executor sees to it
        rows = source.statement(scope, keys, parametrize_window(source, 0, window))
        if source.key is None:
            rows = rows.add_columns(literal(ALL_ROWS_KEY).label(PARENT_KEY))
    elif isinstance(source, OneByCompositeKey):
        arrays = [bindparam(f"{KEYS}_{column.key}", type_=ARRAY(column.type)) for column in source.columns]
        rows = source.statement(scope, arrays).add_columns(func.row(*source.columns).label(PARENT_KEY))
    else:
        rows = source.statement(scope, keys)
    if not isinstance(source, PagedRows):
        rows = _with_columns(rows, [*_needed_columns(query, None, None), PARENT_KEY])
    level = rows.subquery("rows")
    columns = builder.row_columns(level, query, windows[0] if windows else None)
    if any(_contains_record_list(nested.row_query) for nested in query.nested):
        columns.append(_RECORD_LIST_COLUMN)
    return select(*columns, level.c[PARENT_KEY])


def _contains_record_list(query: RowQuery) -> bool:
    return any(_is_record_list(nested) or _contains_record_list(nested.row_query) for nested in query.nested)


def _is_record_list(nested: NestedQuery) -> bool:
    return (
        nested.layout is None
        and nested.cardinality is not Cardinality.COUNT
        and not isinstance(nested.row_query.source, OneByKey)
    )


def build_count_statement(source: PagedRows, shape: ScopeShape, window: PageWindow) -> Select[Any]:
    """Build the statement that counts the rows of each key under a page's filter."""
    row_filter = parametrize_window(source, 0, window).filter
    return source.count_statement(shape.template_scope(), bindparam(KEYS, type_=ARRAY(Text)), row_filter)


@dataclass(frozen=True, slots=True)
class _StatementBuilder:
    """Builds the expressions of one statement. `subquery_numbers` makes the names of its subqueries unique."""

    scope: QueryScope
    windows: Sequence[PageWindow | None]
    subquery_numbers: Iterator[int]
    marks_people: bool

    def row_columns(self, level: Subquery, query: RowQuery, window: PageWindow | None) -> list[ColumnElement[Any]]:
        """Return the values of a row in the order that RowQuery defines."""
        columns: list[ColumnElement[Any]] = [level.c[name] for name in query.columns]
        columns += [self._nested(level, nested) for nested in query.nested]
        if not columns:
            columns.append(null())
        if query.has_order_key and window is not None:
            columns.append(func.row(*(level.c[column.key] for column, _ in query.source.sort_columns(window.order))))
        if self.marks_people and (protected := protected_values(query)):
            columns.append(level.c[employee_id_column(query.source, protected)])
        return columns

    def _nested(self, parent: Subquery, nested: NestedQuery) -> ColumnElement[Any]:
        source, key, layout = nested.row_query.source, parent.c[nested.key], nested.layout
        window = None
        if nested.page is not None:
            window = self.windows[nested.page]
            if window is None:
                return null()
            window = parametrize_window(source, nested.page, window)
            if nested.cardinality is Cardinality.COUNT:
                return _correlated(source.correlated_count(self.scope, key, window.filter), parent)
            if layout is not None:
                return self._json_page(parent, key, nested.row_query, layout, window)
            rows = source.correlated(self.scope, key, window)
        else:
            rows = source.correlated(self.scope, key)
        level = self._level(rows.correlate(parent), _needed_columns(nested.row_query, layout, window))
        # The subquery is ordered; the statement around it must keep its order.
        if layout is not None:
            return self._json_rows(level, source, layout)
        row = select(func.row(*self.row_columns(level, nested.row_query, window))).select_from(level)
        return row.scalar_subquery() if isinstance(source, OneByKey) else func.array(row.scalar_subquery())

    def root_json(self, nested: NestedQuery, index: int) -> ColumnElement[Any]:
        """Render the row of a key that is a bind parameter, or a page of all rows."""
        source, layout = nested.row_query.source, nested.layout
        assert layout is not None, "rows without a parent are rendered as JSON"  # noqa: S101 - nothing else is compiled
        if nested.page is None:
            rows = source.correlated(self.scope, bindparam(f"{KEYS}_{index}", type_=Text))
            return self._json_rows(self._level(rows, _needed_columns(nested.row_query, layout, None)), source, layout)
        window = self.windows[nested.page]
        if window is None:
            return null()
        return self._json_page(None, None, nested.row_query, layout, parametrize_window(source, nested.page, window))

    def _json_rows(self, level: Subquery, source: Source, layout: JsonLayout) -> ColumnElement[Any]:
        row = self._json_row(level, layout.parts or (), layout.suffix, source)
        if isinstance(source, OneByKey):
            return select(row).select_from(level).scalar_subquery()
        rows = select(join_rows(row)).select_from(level).scalar_subquery()
        return concat([*map(_literal_piece, layout.before_rows), rows, *map(_literal_piece, layout.after_rows)])

    def _json_page(
        self,
        parent: Subquery | None,
        key: ColumnElement[Any] | None,
        query: RowQuery,
        layout: JsonLayout,
        window: PageWindow,
    ) -> ColumnElement[Any]:
        """Render a page of a parent's rows, or of all rows."""
        source = query.source
        is_numbered = any(needs_numbers(piece, window) for piece in (*layout.before_rows, *layout.after_rows))
        if layout.parts is not None and window.first is not None and window.last is not None:
            is_numbered = True  # only some of the fetched rows are on the page
        if not is_numbered:  # the additional row, which shows that there is another page, is not needed
            window = replace(window, additional_rows=0)
        rows = source.statement(self.scope, (), window) if key is None else source.correlated(self.scope, key, window)
        names = _needed_columns(query, layout, window)
        level = self._level(rows if parent is None else rows.correlate(parent), names)
        if is_numbered:
            number, fetched = func.row_number().over().label(ROW_NUMBER), func.count().over().label(FETCHED_ROWS)
            level = select(*level.c, number, fetched).select_from(level).subquery(self._name())

        def render(piece: str | PageField) -> Piece:
            if isinstance(piece, str):
                return piece
            if piece is PageField.TOTAL_COUNT:
                counting = source.correlated_count(self.scope, key, window.filter)
                return cast(counting.scalar_subquery() if parent is None else _correlated(counting, parent), Text)
            return page_info_piece(piece, level, source, window)

        before, after = [*map(render, layout.before_rows)], [*map(render, layout.after_rows)]
        if layout.parts is None:
            text = concat(before + after)
            return select(text).select_from(level).scalar_subquery() if is_numbered else text
        json_rows = join_rows(self._json_row(level, layout.parts, layout.suffix, source, window))
        if is_numbered:
            json_rows = json_rows.filter(is_shown(level, window))
        return select(concat([*before, json_rows, *after])).select_from(level).scalar_subquery()

    def _level(self, rows: Select[Any], names: Iterable[str]) -> Subquery:
        return _with_columns(rows, names).subquery(self._name())

    def _name(self) -> str:
        return f"level_{next(self.subquery_numbers)}"

    def _json_row(
        self,
        level: Subquery,
        parts: Sequence[JsonPart],
        suffix: str,
        source: Any = None,
        window: PageWindow | None = None,
    ) -> ColumnElement[Any]:
        pieces: list[Piece] = []
        for part in parts:
            pieces.append(part.prefix)
            pieces += self._part_pieces(level, part, source, window)
        if self.marks_people:
            pieces += marker_pieces(level, source, parts)
        return concat([*pieces, suffix])

    def _part_pieces(self, level: Subquery, part: JsonPart, source: Any, window: PageWindow | None) -> list[Piece]:
        if isinstance(part.value, PageField):
            assert window is not None, "only the rows of a page have cursors"  # noqa: S101 - narrows for mypy
            return cursor_pieces(level, source, window)
        if isinstance(part.value, NestedQuery):
            pieces: list[Piece] = [self._nested(level, part.value)]
        elif part.placeholder is not None:
            pieces = [part.placeholder, level.c[part.value]]
        else:
            pieces = value_pieces(level.c[part.value])
        return pieces if part.null_text is None else [coalesce_text(pieces, part.null_text)]


def _needed_columns(query: RowQuery, layout: JsonLayout | None, window: PageWindow | None) -> Iterator[str]:
    """Iterate over the columns that a level needs for its rows' values or JSON."""
    page_fields: set[Any] = set()
    protected = protected_values(query) if layout is None else protected_parts(query.source, layout.parts or ())
    if protected:
        yield employee_id_column(query.source, protected)
    if layout is None:
        yield from query.columns
        yield from (nested.key for nested in query.nested)
    else:
        for part in layout.parts or ():
            if isinstance(part.value, NestedQuery):
                yield part.value.key
            elif isinstance(part.value, PageField):
                page_fields.add(part.value)
            else:
                yield part.value
        page_fields.update((*layout.before_rows, *layout.after_rows))
    if window is not None and (query.has_order_key or not CURSOR_FIELDS.isdisjoint(page_fields)):
        yield from (column.key for column, _ in query.source.sort_columns(window.order))


def _with_columns(rows: Select[Any], names: Iterable[str]) -> Select[Any]:
    """Select only some columns. The server would drop the others too, but only after planning them."""
    columns = rows.selected_columns
    selected = [columns[name] for name in dict.fromkeys(names)]
    return rows.with_only_columns(*(selected or [null().label("nothing")]), maintain_column_froms=True)


def _literal_piece(piece: str | PageField) -> Piece:
    assert isinstance(piece, str), "only pages contain page fields"  # noqa: S101 - narrows for mypy
    return piece


def _correlated(statement: Select[Any], parent: Subquery) -> ColumnElement[Any]:
    return statement.correlate(parent).scalar_subquery()
