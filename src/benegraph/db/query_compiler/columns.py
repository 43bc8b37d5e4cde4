"""What is known of a source's columns before anything is read."""

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

#: The types of columns whose values are written as JSON here, beside enumerations' words and instants.
_WRITTEN = {String, Text, Integer, BigInteger, SmallInteger, Boolean, Date}


@lru_cache(maxsize=512)
def columns_of(source: Source) -> Mapping[str, ColumnElement[Any]]:
    """Give the columns of a source's rows, by name."""
    scope = ScopeShape(of_employer=False, of_employee=False, on_fixed_day=False).template_scope()
    return dict(source.rows(scope).selected_columns.items())


def may_lack(source: Source, column: str) -> bool:
    """Tell whether a column of a source's rows may be null; of one that is computed, it may."""
    return bool(getattr(columns_of(source)[column], "nullable", True))


def holds_ids(source: Source, column: str) -> bool:
    """Tell whether a column holds ids, whose form the database itself checks, and no words of a client's."""
    return is_id(columns_of(source)[column])


def is_id(column: ColumnElement[Any]) -> bool:
    """Tell whether a column is one of ids, or leads to one."""
    waiting: list[Any] = [*column.base_columns]
    seen = set()
    while waiting:
        found = waiting.pop()
        if not isinstance(found, Column):
            continue
        if found.name == "id":
            return True
        if found not in seen:
            seen.add(found)
            waiting += [key.column for key in found.foreign_keys]
    return False


def words_of(source: Source, columns: Sequence[str]) -> list[tuple[int, EnumMembers]]:
    """Give which of these columns, by number, hold an enumeration's words, and the member each word stands for."""
    found = [enum_members(columns_of(source)[name]) for name in columns]
    return [(number, meanings) for number, meanings in enumerate(found) if meanings]


def writes(source: Source, column: str) -> bool:
    """Tell whether a column's values are written here as orjson writes them."""
    kind = columns_of(source)[column].type
    return type(kind) in _WRITTEN or isinstance(kind, Enum) or (type(kind) is DateTime and kind.timezone)


def writes_cursors(page: PagedRows) -> bool:
    """Tell whether the cursors of a page's rows are written here, in whatever order they come."""
    return all(writes(page, column.key) for order in page.orders.values() for column in order)
