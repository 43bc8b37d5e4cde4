"""Bind parameters for keys and pages, and the part of a page that decides a statement's text instead."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from enum import Enum
from typing import Any

from sqlalchemy import bindparam

from benegraph.db.query_compiler.columns import Source
from benegraph.db.store.row_queries import OneByCompositeKey, PagedRows, PageWindow

KEYS = "keys"


def statement_cache_key(window: PageWindow | None) -> Any:
    """Return the parts of a page that decide the statement's text. The other parts are bind parameters."""
    if window is None:
        return None
    after, before = (
        None if position is None else tuple(value is None for value in position)
        for position in (window.after, window.before)
    )
    row_filter = window.filter
    filter_shape = row_filter and tuple(_value_shape(getattr(row_filter, each.name)) for each in fields(row_filter))
    return window.first, window.last, after, before, window.order, filter_shape, window.offset is None


def _value_shape(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_value_shape, value))
    return "" if _is_bind_value(value) else value


def _is_bind_value(value: Any) -> bool:
    """Return whether a filter's value becomes a bind parameter. An enum's does not: it selects a condition."""
    return isinstance(value, str | date) and not isinstance(value, Enum)


def key_parameters(source: Source | None, keys: Sequence[Any]) -> dict[str, Any]:
    """Return the bind parameters for keys. Without a source, each key has a parameter of its own."""
    if source is None:
        return {f"{KEYS}_{index}": key for index, key in enumerate(keys)}
    if isinstance(source, OneByCompositeKey):
        return {f"{KEYS}_{column.key}": [key[index] for key in keys] for index, column in enumerate(source.columns)}
    return {KEYS: keys}


def window_parameters(windows: Sequence[PageWindow | None]) -> dict[str, Any]:
    """Return the bind parameters for a statement's pages."""
    parameters: dict[str, Any] = {}
    for page_index, window in enumerate(windows):
        if window is None:
            continue
        for name, position in (("after", window.after), ("before", window.before)):
            for index, value in enumerate(position or ()):
                parameters[f"{name}_{page_index}_{index}"] = value
        if window.offset is not None:
            parameters[f"offset_{page_index}"] = window.offset
        for each in fields(window.filter) if window.filter is not None else ():
            value = getattr(window.filter, each.name)
            for index, item in enumerate(value if isinstance(value, tuple) else (value,)):
                parameters[f"filter_{page_index}_{each.name}_{index}"] = item
    return parameters


def parametrize_window(source: PagedRows, page_index: int, window: PageWindow) -> PageWindow:
    """Return a page in which bind parameters replace the values, under the names of `window_parameters`."""
    columns = [column for column, _ in source.sort_columns(window.order)]
    after, before = (
        position and _parametrize_position(f"{name}_{page_index}", columns, position)
        for name, position in (("after", window.after), ("before", window.before))
    )
    row_filter = window.filter
    if row_filter is not None:
        names = {each.name: f"filter_{page_index}_{each.name}" for each in fields(row_filter)}
        changes = {name: _parametrize(bind, getattr(row_filter, name)) for name, bind in names.items()}
        row_filter = replace(row_filter, **changes)
    offset: Any = None if window.offset is None else bindparam(f"offset_{page_index}")
    return replace(window, after=after, before=before, filter=row_filter, offset=offset)


def _parametrize_position(name: str, columns: Sequence[Any], position: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(
        None if value is None else bindparam(f"{name}_{index}", type_=column.type)
        for index, (column, value) in enumerate(zip(columns, position, strict=True))
    )


def _parametrize(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(bindparam(f"{name}_{index}") if _is_bind_value(item) else item for index, item in enumerate(value))
    return bindparam(f"{name}_0") if _is_bind_value(value) else value
