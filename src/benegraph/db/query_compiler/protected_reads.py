"""Protected reads: the employees whose protected columns a statement returns.

A row with protected columns also holds the ID of its employee, after its other values. Where the row is JSON text, a
marker with the columns' names and the ID stands in the text. `collect_people` reads the IDs and removes the markers.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.selectable import Subquery

from benegraph.db.protected_columns import EMPLOYEE_ID_COLUMNS, PROTECTED_COLUMNS
from benegraph.db.query_compiler.columns import Source, columns_of
from benegraph.db.query_compiler.json_text import Piece
from benegraph.db.store.row_queries import OneByKey, PagedRows
from benegraph.execution.plan.rows import Cardinality, JsonLayout, JsonPart, NestedQuery, RequestedPage, Row, RowQuery

#: Takes the ID of an employee and the names of the protected columns that were read.
RecordAccess = Callable[[str, Iterable[str]], None]

# JSON contains this control character only in escaped form, and layouts don't use it.
_DELIMITER = "\x1f"
_MARKER = re.compile(f"{_DELIMITER}([^{_DELIMITER}]*){_DELIMITER}([^{_DELIMITER}]*){_DELIMITER}")


@lru_cache(maxsize=512)
def _protected_columns_of(source: Source | None) -> dict[str, str]:
    """Return the protected columns of a source's rows, each with the column that holds the employee's ID."""
    if source is None:
        return {}
    tables = {
        name: base.table.name
        for name, column in columns_of(source).items()
        for base in column.base_columns
        if isinstance(base, Column) and base.name in PROTECTED_COLUMNS.get(getattr(base.table, "name", ""), ())
    }
    return {name: EMPLOYEE_ID_COLUMNS[table] for name, table in tables.items()}


def reads_protected_columns(query: RowQuery, layout: JsonLayout | None = None) -> bool:
    """Return whether a query, or one nested in it, returns protected columns."""
    if layout is None:
        return bool(protected_values(query)) or any(map(_is_protected, query.nested))
    parts = layout.parts or ()
    return bool(protected_parts(query.source, parts)) or any(
        _is_protected(part.value) for part in parts if isinstance(part.value, NestedQuery)
    )


def _is_protected(nested: NestedQuery) -> bool:
    return nested.cardinality is not Cardinality.COUNT and reads_protected_columns(nested.row_query, nested.layout)


def protected_values(query: RowQuery) -> list[str]:
    """Return the names of the protected columns among a row's values."""
    protected = _protected_columns_of(query.source)
    return [name for name in query.columns if name in protected]


def protected_parts(source: Source | None, parts: Sequence[JsonPart]) -> list[str]:
    """Return the names of the protected columns that a row's JSON contains."""
    protected = _protected_columns_of(source)
    return [part.value for part in parts if isinstance(part.value, str) and part.value in protected]


def employee_id_column(source: Source, protected: Sequence[str]) -> str:
    """Return the name of the column with the ID of the employee to whom these columns of a row belong."""
    return _protected_columns_of(source)[protected[0]]


def marker_pieces(level: Subquery, source: Source, parts: Sequence[JsonPart]) -> list[Piece]:
    """Return the marker of a row's JSON text; nothing if the row has no protected columns."""
    protected = protected_parts(source, parts)
    if not protected:
        return []
    employee_id = level.c[employee_id_column(source, protected)]
    return [f"{_DELIMITER}{','.join(dict.fromkeys(protected))}{_DELIMITER}", employee_id, _DELIMITER]


def collect_people(
    query: RowQuery, rows: Sequence[Row], pages: Sequence[RequestedPage | None], record: RecordAccess
) -> list[Row]:
    """Record the employees of the rows that are shown, and return the rows without markers."""
    shown = range(len(rows))
    page = pages[0] if isinstance(query.source, PagedRows) and pages else None
    is_shown = set(shown)
    if page is not None:
        indexes_by_key: dict[Any, list[int]] = {}
        for index, row in enumerate(rows):
            indexes_by_key.setdefault(row[-1], []).append(index)
        is_shown = {index for indexes in indexes_by_key.values() for index in _shown_items(page, indexes)}
    return [_collect_row(query, row, pages, record if index in is_shown else _ignore) for index, row in enumerate(rows)]


def _collect_row(
    query: RowQuery, row: Row, pages: Sequence[RequestedPage | None], record: RecordAccess
) -> tuple[Any, ...]:
    values = list(row)
    if protected := protected_values(query):
        has_order_key = query.has_order_key and isinstance(query.source, PagedRows)
        record(values[len(query.columns) + len(query.nested) + has_order_key], protected)
    for index, nested in enumerate(query.nested, len(query.columns)):
        if values[index] is not None and _is_protected(nested):
            values[index] = _collect_nested(nested, values[index], pages, record)
    return tuple(values)


def _collect_nested(
    nested: NestedQuery, value: Any, pages: Sequence[RequestedPage | None], record: RecordAccess
) -> Any:
    query = nested.row_query
    if nested.layout is not None:
        for columns, employee_id in _MARKER.findall(value):
            record(employee_id, columns.split(","))
        return _MARKER.sub("", value)
    if isinstance(query.source, OneByKey):
        return _collect_row(query, value, pages, record)
    page = None if nested.page is None else pages[nested.page]
    indexes = list(range(len(value)))
    is_shown = set(indexes if page is None else _shown_items(page, indexes))
    return [
        _collect_row(query, row, pages, record if index in is_shown else _ignore) for index, row in enumerate(value)
    ]


def _shown_items(page: RequestedPage, indexes: Sequence[Any]) -> Sequence[Any]:
    return page.select_shown(indexes)


def _ignore(_employee_id: str, _columns: Iterable[str]) -> None:
    """Record nothing: the row was only read to learn whether there is another page."""
