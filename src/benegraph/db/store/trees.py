"""Trees: one statement for the rows of many keys, with all that is wanted within each row, however deep.

What is nested stands in the select list as a subquery of its own: `(SELECT ROW(…) …)` for one row, `ARRAY(SELECT
ROW(…) …)` for several. These come back as the driver's own values. What has a layout comes as a text instead: the JSON
of its rows, as the answer holds it. No name of a client's stands in a statement.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum as Words
from functools import lru_cache, reduce
from itertools import count as counted
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    Select,
    SmallInteger,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy.sql.selectable import Subquery

from benegraph.db.prepared import Meanings, meanings_of
from benegraph.db.session import Reading
from benegraph.db.statements import Manner
from benegraph.db.store.batches import PARENT, Many, One, OneByParts, Paged, Window, is_nullable, name_of

Source = One | OneByParts | Many | Paged
#: A part of a text: a word that is known now, or what the server puts there.
_Piece = str | ColumnElement[Any]

_KEYS = "keys"
#: What a page may tell of itself, and the columns by which it is known.
_COUNT, _GOES_ON, _IS_LATER, _START, _END, _CURSOR = "count", "goes on", "is later", "start", "end", "cursor"
_NUMBER, _FOUND = "row_number", "rows_found"
_INSTANT = """'YYYY-MM-DD"T"HH24:MI:SS.US'"""
#: How many arguments one call takes at most; the server's own bound is 100.
_MOST_ARGUMENTS = 90
#: The types of columns whose values are written as JSON here, beside enumerations' words.
_WRITTEN = {String, Text, Integer, BigInteger, SmallInteger, Boolean, Date}
# The driver asks the server about the types of columns, not about those that lie within rows: of a list there it would
# know nothing, unless a column is one.
_A_LIST: ColumnElement[Any] = literal_column("NULL::record[]")


class Nested(Protocol):
    """What is wanted within a row: the row, rows, page or count of the key in its column `key`."""

    @property
    def key(self) -> str: ...

    @property
    def counts(self) -> bool: ...

    @property
    def wanted(self) -> "Wanted": ...

    @property
    def window(self) -> int | None:
        """The number of its window, where it is a page or the count of one."""

    @property
    def layout(self) -> "Layout | None":
        """How it is written, where it is to come as a text."""


class Fact(Protocol):
    """What a page tells of itself, by a word: count, goes on, is later, start, end; of a row its cursor."""

    @property
    def value(self) -> str: ...


class Part(Protocol):
    """A value within a text, and what leads up to it; what stands there if it is null; and the mark before a key."""

    @property
    def lead(self) -> str: ...

    @property
    def what(self) -> Any: ...

    @property
    def absent(self) -> str | None: ...

    @property
    def mark(self) -> str | None: ...


class Layout(Protocol):
    """How rows are written as JSON: each in parts up to its end; rows by commas, between what opens and what closes.

    Without parts no row is. Around the rows of a page stands what it tells of itself.
    """

    @property
    def parts(self) -> Sequence[Any] | None: ...

    @property
    def end(self) -> str: ...

    @property
    def opening(self) -> Sequence[Any]: ...

    @property
    def closing(self) -> Sequence[Any]: ...


class Wanted(Protocol):
    """What is wanted of a source's rows: columns, then what is nested in them, then the place in a page's order.

    Of no source it is one row of texts, each of a key of its own.
    """

    @property
    def source(self) -> Any: ...

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def nested(self) -> Sequence[Any]: ...

    @property
    def placed(self) -> bool: ...


@lru_cache(maxsize=512)
def columns_of(source: Source) -> Mapping[str, ColumnElement[Any]]:
    """Give the columns of a source's rows, by name."""
    reading = Manner(of_employer=False, of_employee=False, on_fixed_day=False).reading()
    return dict(source.rows(reading).selected_columns.items())


def may_lack(source: Source, column: str) -> bool:
    """Tell whether a column of a source's rows may be null; of one that is computed, it may."""
    return bool(getattr(columns_of(source)[column], "nullable", True))


def holds_ids(source: Source, column: str) -> bool:
    """Tell whether a column holds ids, whose form the database itself checks, and no words of a client's."""
    waiting, seen = [*columns_of(source)[column].base_columns], set()
    while waiting:
        found = waiting.pop()
        if found.name == "id":
            return True
        if found not in seen:
            seen.add(found)
            waiting += [key.column for key in found.foreign_keys]
    return False


def words_of(source: Source, columns: Sequence[str]) -> list[tuple[int, Meanings]]:
    """Give which of these columns, by number, hold an enumeration's words, and the member each word stands for."""
    found = [meanings_of(columns_of(source)[name]) for name in columns]
    return [(number, meanings) for number, meanings in enumerate(found) if meanings]


# ---------------------------------------------------------------------------------------------------- statements


def rows_of(wanted: Wanted, manner: Manner, windows: Sequence[Window | None]) -> Select[Any]:
    """Build the statement that reads what is wanted; the last column of each row is the key it belongs to."""
    reading, source = manner.reading(), wanted.source
    if source is None:
        tree = _Tree(reading, windows, counted(1))
        return select(*(tree.alone(nested, number) for number, nested in enumerate(wanted.nested)))
    keys = bindparam(_KEYS, type_=ARRAY(Text))
    if isinstance(source, Paged):
        window = windows[0]
        assert window is not None, "where no page can be, nothing is read"  # noqa: S101 - the reader sees to it
        rows = source.statement(reading, keys, _with_places(source, 0, window))
        if source.key is None:
            rows = rows.add_columns(literal("").label(PARENT))
    elif isinstance(source, OneByParts):
        arrays = [bindparam(f"{_KEYS}_{part.key}", type_=ARRAY(part.type)) for part in source.parts]
        rows = source.statement(reading, arrays).add_columns(func.row(*source.parts).label(PARENT))
    else:
        rows = source.statement(reading, keys)
    level = rows.subquery("rows")
    tree = _Tree(reading, windows, counted(1))
    slots = tree.slots(level, wanted, windows[0] if windows else None)
    if any(_holds_lists(nested.wanted) for nested in wanted.nested):
        slots.append(_A_LIST)
    return select(*slots, level.c[PARENT])


def _holds_lists(wanted: Wanted) -> bool:
    return any(_is_list(nested) or _holds_lists(nested.wanted) for nested in wanted.nested)


def _is_list(nested: Nested) -> bool:
    return nested.layout is None and not nested.counts and not isinstance(nested.wanted.source, One)


def count_of(source: Paged, manner: Manner, window: Window) -> Select[Any]:
    """Build the statement that counts the rows of each key under a window's filter."""
    chosen = _with_places(source, 0, window).filter
    return source.counting(manner.reading(), bindparam(_KEYS, type_=ARRAY(Text)), chosen)


@dataclass(frozen=True, slots=True)
class _Tree:
    """What one statement is put together from."""

    reading: Reading
    windows: Sequence[Window | None]
    levels: Iterator[int]

    def slots(self, level: Subquery, wanted: Wanted, window: Window | None) -> list[ColumnElement[Any]]:
        slots: list[ColumnElement[Any]] = [level.c[name] for name in wanted.columns]
        slots += [self._nested(level, nested) for nested in wanted.nested]
        if not slots:
            slots.append(null())
        if wanted.placed and window is not None:
            slots.append(func.row(*(level.c[column.key] for column, _ in wanted.source.columns(window.order))))
        return slots

    def _nested(self, parent: Subquery, nested: Nested) -> ColumnElement[Any]:
        source, key, layout = nested.wanted.source, parent.c[nested.key], nested.layout
        window = None
        if nested.window is not None:
            window = self.windows[nested.window]
            if window is None:
                return null()
            window = _with_places(source, nested.window, window)
            if nested.counts:
                return _within(source.counting_within(self.reading, key, window.filter), parent)
            if layout is not None:
                return self._page(parent, key, source, layout, window)
            rows = source.within(self.reading, key, window)
        else:
            rows = source.within(self.reading, key)
        level = self._level(rows.correlate(parent))
        # The order is the inner select's: nothing is done out here that could change it.
        if layout is not None:
            return self._rows(level, source, layout)
        row = select(func.row(*self.slots(level, nested.wanted, window))).select_from(level)
        return row.scalar_subquery() if isinstance(source, One) else func.array(row.scalar_subquery())

    def alone(self, nested: Nested, number: int) -> ColumnElement[Any]:
        """Write the row of a key that fills a place, or a page of all rows."""
        source, layout = nested.wanted.source, nested.layout
        assert layout is not None, "what has no parent comes as a text"  # noqa: S101 - nothing else is compiled
        if nested.window is None:
            key = bindparam(f"{_KEYS}_{number}", type_=Text)
            return self._rows(self._level(source.within(self.reading, key)), source, layout)
        window = self.windows[nested.window]
        if window is None:
            return null()
        return self._page(None, None, source, layout, _with_places(source, nested.window, window))

    def _rows(self, level: Subquery, source: Source, layout: Layout) -> ColumnElement[Any]:
        text = self._row(level, layout.parts or (), layout.end)
        if isinstance(source, One):
            return select(text).select_from(level).scalar_subquery()
        whole = select(_listed(text)).select_from(level).scalar_subquery()
        return _together([*layout.opening, whole, *layout.closing])

    def _page(
        self, parent: Subquery | None, key: ColumnElement[Any] | None, source: Paged, layout: Layout, window: Window
    ) -> ColumnElement[Any]:
        """Write a page, of a parent's key or of all rows."""
        told = {each.value for each in (*layout.opening, *layout.closing) if not isinstance(each, str)}
        is_measured = not told.isdisjoint({_GOES_ON, _START, _END})
        if not is_measured:  # nobody looks whether the list goes on
            window = replace(window, first=window.first - 1)
        rows = source.statement(self.reading, (), window) if key is None else source.within(self.reading, key, window)
        level = self._level(rows if parent is None else rows.correlate(parent))
        if is_measured:
            number, found = func.row_number().over().label(_NUMBER), func.count().over().label(_FOUND)
            level = self._level(select(*level.c, number, found).select_from(level))

        def piece(each: Any) -> _Piece:
            if isinstance(each, str):
                return each
            if each.value == _COUNT:
                counting = source.counting_within(self.reading, key, window.filter)
                return cast(counting.scalar_subquery() if parent is None else _within(counting, parent), Text)
            if each.value == _IS_LATER:
                return "false" if window.after is None and window.offset is None else "true"
            return _measured(each.value, level, source, window)

        opening, closing = [*map(piece, layout.opening)], [*map(piece, layout.closing)]
        if layout.parts is None:
            text = _together(opening + closing)
            return select(text).select_from(level).scalar_subquery() if is_measured else text
        whole = _listed(self._row(level, layout.parts, layout.end, source, window))
        if is_measured:
            whole = whole.filter(level.c[_NUMBER] <= _number(window.first))
        return select(_together([*opening, whole, *closing])).select_from(level).scalar_subquery()

    def _level(self, rows: Select[Any]) -> Subquery:
        return rows.subquery(f"level_{next(self.levels)}")

    def _row(
        self, level: Subquery, parts: Sequence[Part], end: str, source: Any = None, window: Window | None = None
    ) -> ColumnElement[Any]:
        pieces: list[_Piece] = []
        for part in parts:
            pieces.append(part.lead)
            if getattr(part.what, "value", None) == _CURSOR:
                assert window is not None, "only a page's rows have cursors"  # noqa: S101
                pieces.append(_cursor(level, source, window))
            else:
                pieces += self._value(level, part)
        return _together([*pieces, end])

    def _value(self, level: Subquery, part: Part) -> list[_Piece]:
        if not isinstance(part.what, str):
            pieces: list[_Piece] = [self._nested(level, part.what)]
        elif part.mark is not None:
            pieces = [part.mark, level.c[part.what]]
        else:
            pieces = _json(level.c[part.what])
        return pieces if part.absent is None else [_or(pieces, part.absent)]


def _listed(text: ColumnElement[Any]) -> Any:
    return func.string_agg(text, literal_column("','"))


def _number(number: int) -> ColumnElement[Any]:
    return literal_column(str(int(number)))


def _measured(fact: str, level: Subquery, page: Paged, window: Window) -> ColumnElement[Any]:
    """Write what is known of a page once its rows are numbered."""
    number, found, first = level.c[_NUMBER], level.c[_FOUND], _number(window.first)
    if fact == _GOES_ON:
        return case((func.max(found) > first, literal_column("'true'")), else_=literal_column("'false'"))
    ends = number == (_number(1) if fact == _START else func.least(found, first))
    cursor = func.string_agg(_cursor(level, page, window), literal_column("''")).filter(and_(ends, number <= first))
    return func.coalesce(cursor, _text("null"))


def _cursor(level: Subquery, page: Paged, window: Window) -> ColumnElement[Any]:
    """Write the cursor of a row, as JSON: made of what `paging.View.cursor` makes it of, and in the same way."""
    pieces: list[_Piece] = ['["', name_of(page, window.order), '"']
    for column, _ in page.columns(window.order):
        there = level.c[column.key]
        value = _instant(there, "+00:00") if isinstance(there.type, DateTime) else _json(there)
        pieces += [",", _or(value, "null") if is_nullable(column) else _together(value)]
    bytes_of = func.convert_to(_together([*pieces, "]"]), literal_column("'UTF8'"))
    # In the alphabet that is safe in addresses, without padding, and without the server's line breaks.
    safe = func.translate(
        func.encode(bytes_of, literal_column("'base64'")), literal_column("E'+/=\\n'"), literal_column("'-_'")
    )
    return _together(['"', safe, '"'])


def _instant(column: ColumnElement[Any], zone: str) -> list[_Piece]:
    """Write an instant in UTC: with microseconds, if it has any."""
    text = func.to_char(func.timezone(literal_column("'UTC'"), column), literal_column(_INSTANT))
    return ['"', func.replace(text, literal_column("'.000000'"), literal_column("''")), f'{zone}"']


def _together(pieces: Sequence[_Piece]) -> ColumnElement[Any]:
    """Put texts together; a null is as good as an empty one. Names and all that is a client's word come as values."""
    texts = [
        text
        for is_given, group in groupby(pieces, key=lambda piece: isinstance(piece, str))
        for text in ([_text("".join(map(str, group)))] if is_given else group)
    ]
    while len(texts) > _MOST_ARGUMENTS:
        texts = [
            func.concat(*texts[place : place + _MOST_ARGUMENTS]) for place in range(0, len(texts), _MOST_ARGUMENTS)
        ]
    return func.concat(*texts)


def _or(pieces: Sequence[_Piece], absent: str) -> ColumnElement[Any]:
    """Put texts together; where one is null, something else stands for the whole."""
    whole: ColumnElement[Any] = reduce(lambda one, other: one.concat(other), map(_text, pieces))
    return func.coalesce(whole, _text(absent))


def _text(piece: _Piece) -> ColumnElement[Any]:
    return literal(piece, Text) if isinstance(piece, str) else piece


def writes(source: Source, column: str) -> bool:
    """Tell whether a column's values are written here as orjson writes them."""
    kind = columns_of(source)[column].type
    return type(kind) in _WRITTEN or isinstance(kind, Enum) or (type(kind) is DateTime and kind.timezone)


def writes_cursors(page: Paged) -> bool:
    """Tell whether the cursors of a page's rows are written here, in whatever order they come."""
    return all(writes(page, column.key) for order in page.orders.values() for column in order)


def _json(column: ColumnElement[Any]) -> list[_Piece]:
    """Write a column's value as JSON, or null. What has nothing to escape is quoted: to_json takes twice as long."""
    if isinstance(column.type, Integer | Boolean):
        return [cast(column, Text)]
    if isinstance(column.type, Enum | Date):  # a day as ISO 8601 has it, which each session of the engine's is set to
        return ['"', cast(column, Text), '"']
    if isinstance(column.type, DateTime):
        return _instant(column, "Z")
    return [cast(func.to_json(column), Text)]


def _within(statement: Select[Any], parent: Subquery) -> ColumnElement[Any]:
    return statement.correlate(parent).scalar_subquery()


# ------------------------------------------------------------------------------------------------ windows' values


def shape_of(window: Window | None) -> Any:
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
        return {f"{_KEYS}_{number}": key for number, key in enumerate(keys)}
    if isinstance(source, OneByParts):
        return {f"{_KEYS}_{part.key}": [key[place] for key in keys] for place, part in enumerate(source.parts)}
    return {_KEYS: keys}


def window_values(windows: Sequence[Window | None]) -> dict[str, Any]:
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


def _with_places(source: Paged, number: int, window: Window) -> Window:
    """Put named places where a window's values stand."""
    after = window.after and tuple(
        None if value is None else bindparam(f"after_{number}_{place}", type_=column.type)
        for place, (value, (column, _)) in enumerate(zip(window.after, source.columns(window.order), strict=True))
    )
    chosen = window.filter
    if chosen is not None:
        named = {each.name: f"filter_{number}_{each.name}" for each in fields(chosen)}
        chosen = replace(chosen, **{name: _placed(place, getattr(chosen, name)) for name, place in named.items()})
    offset: Any = None if window.offset is None else bindparam(f"offset_{number}")
    return Window(window.first, after, window.order, chosen, offset)


def _placed(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(bindparam(f"{name}_{place}") if _is_placed(each) else each for place, each in enumerate(value))
    return bindparam(f"{name}_0") if _is_placed(value) else value
