"""Facts about the columns of a source, taken from its table definitions."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    SmallInteger,
    String,
    Text,
)

from benegraph.db.prepared_statements import EnumMembers, enum_members
from benegraph.db.query_scope import ScopeShape
from benegraph.db.store.row_queries import ManyByKey, OneByCompositeKey, OneByKey, PagedRows

Source = OneByKey | OneByCompositeKey | ManyByKey | PagedRows

#: The types of columns that can be rendered as JSON, in addition to enums and instants with a time zone.
_RENDERED_TYPES = {String, Text, Integer, BigInteger, SmallInteger, Boolean, Date}


@lru_cache(maxsize=512)
def columns_of(source: Source) -> Mapping[str, ColumnElement[Any]]:
    """Return the columns of a source's rows, by name."""
    scope = ScopeShape(of_employer=False, of_employee=False, on_fixed_day=False).template_scope()
    return dict(source.rows(scope).selected_columns.items())


def is_nullable_column(source: Source, column: str) -> bool:
    """Return whether a column may be null. A computed column may."""
    return bool(getattr(columns_of(source)[column], "nullable", True))


def is_id_column(source: Source, column: str) -> bool:
    """Return whether a column of a source holds IDs. A check constraint guarantees their form."""
    return holds_ids(columns_of(source)[column])


def holds_ids(column: ColumnElement[Any]) -> bool:
    """Return whether a column is named `id`, or refers to such a column by foreign keys."""
    pending: list[Any] = [*column.base_columns]
    visited = set()
    while pending:
        base = pending.pop()
        if not isinstance(base, Column):
            continue
        if base.name == "id":
            return True
        if base not in visited:
            visited.add(base)
            pending += [foreign_key.column for foreign_key in base.foreign_keys]
    return False


def find_enum_columns(source: Source, columns: Sequence[str]) -> list[tuple[int, EnumMembers]]:
    """Return the indexes of the enum columns among these, each with its members by database value."""
    members_by_column = [enum_members(columns_of(source)[name]) for name in columns]
    return [(index, members) for index, members in enumerate(members_by_column) if members]


def can_render_json(source: Source, column: str) -> bool:
    """Return whether SQL can render a column's values as orjson does."""
    column_type = columns_of(source)[column].type
    return (
        type(column_type) in _RENDERED_TYPES
        or isinstance(column_type, Enum)
        or (type(column_type) is DateTime and column_type.timezone)
    )


def can_render_cursors(page: PagedRows) -> bool:
    """Return whether SQL can render the cursors of a page's rows, in any of its orders."""
    return all(can_render_json(page, column.key) for order in page.orders.values() for column in order)
