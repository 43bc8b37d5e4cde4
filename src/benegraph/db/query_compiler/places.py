"""Places: what of keys and windows decides a statement's text, and the values that fill the rest."""

from collections.abc import Sequence
from dataclasses import fields, replace
from enum import Enum as Words
from typing import Any

from sqlalchemy import bindparam

from benegraph.db.query_compiler.columns import Source
from benegraph.db.store.row_queries import OneByCompositeKey, PagedRows, PageWindow

KEYS = "keys"


def shape_of(window: PageWindow | None) -> Any:
    """Give what of a window decides the statement's text; the rest of it fills places."""
    if window is None:
        return None
    after = None if window.after is None else tuple(value is None for value in window.after)
    chosen = window.filter
    narrowed = chosen and tuple(_shape(getattr(chosen, each.name)) for each in fields(chosen))
    return window.first, after, window.order, narrowed, window.offset is None


def _shape(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_shape, value))
    return "" if _is_placed(value) else value


def _is_placed(value: Any) -> bool:
    """Tell whether a filter's value fills a place. A word of few does not: what it narrows to depends on it."""
    return isinstance(value, str) and not isinstance(value, Words)


def key_values(source: Source | None, keys: Sequence[Any]) -> dict[str, Any]:
    """Give the values of the places that keys fill; of no source, each fills its own."""
    if source is None:
        return {f"{KEYS}_{number}": key for number, key in enumerate(keys)}
    if isinstance(source, OneByCompositeKey):
        return {f"{KEYS}_{part.key}": [key[place] for key in keys] for place, part in enumerate(source.parts)}
    return {KEYS: keys}


def window_values(windows: Sequence[PageWindow | None]) -> dict[str, Any]:
    """Give the values of the places that windows fill."""
    values: dict[str, Any] = {}
    for number, window in enumerate(windows):
        if window is None:
            continue
        for place, value in enumerate(window.after or ()):
            values[f"after_{number}_{place}"] = value
        if window.offset is not None:
            values[f"offset_{number}"] = window.offset
        for each in fields(window.filter) if window.filter is not None else ():
            value = getattr(window.filter, each.name)
            for place, part in enumerate(value if isinstance(value, tuple) else (value,)):
                values[f"filter_{number}_{each.name}_{place}"] = part
    return values


def with_places(source: PagedRows, number: int, window: PageWindow) -> PageWindow:
    """Put named places where a window's values stand."""
    after = window.after and tuple(
        None if value is None else bindparam(f"after_{number}_{place}", type_=column.type)
        for place, (value, (column, _)) in enumerate(zip(window.after, source.sort_columns(window.order), strict=True))
    )
    chosen = window.filter
    if chosen is not None:
        named = {each.name: f"filter_{number}_{each.name}" for each in fields(chosen)}
        chosen = replace(chosen, **{name: _placed(place, getattr(chosen, name)) for name, place in named.items()})
    offset: Any = None if window.offset is None else bindparam(f"offset_{number}")
    return PageWindow(window.first, after, window.order, chosen, offset)


def _placed(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(bindparam(f"{name}_{place}") if _is_placed(each) else each for place, each in enumerate(value))
    return bindparam(f"{name}_0") if _is_placed(value) else value
