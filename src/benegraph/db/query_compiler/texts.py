"""Texts: how values, rows and what a page tells of itself are written as JSON, byte for byte as orjson does."""

from collections.abc import Sequence
from functools import reduce
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
)
from sqlalchemy.sql.selectable import Subquery

from benegraph.db.query_compiler.columns import is_id
from benegraph.db.store.row_queries import PagedRows, PageWindow, is_nullable, order_name

#: A part of a text: a word that is known now, or what the server puts there.
Piece = str | ColumnElement[Any]

#: What a page may tell of itself, and the columns by which it is known.
COUNT, GOES_ON, IS_LATER, START, END, CURSOR = "count", "goes on", "is later", "start", "end", "cursor"
NUMBER, FOUND = "row_number", "rows_found"
_INSTANT = """'YYYY-MM-DD"T"HH24:MI:SS.US'"""
#: How many arguments one call takes at most; the server's own bound is 100.
_MOST_ARGUMENTS = 90


def listed(text: ColumnElement[Any]) -> Any:
    """Put the texts of rows together, by commas."""
    return func.string_agg(text, literal_column("','"))


def number_of(number: int) -> ColumnElement[Any]:
    """Give a number of ours as the planner knows it: in the text, no value."""
    return literal_column(str(int(number)))


def measured(fact: str, level: Subquery, page: PagedRows, window: PageWindow) -> ColumnElement[Any]:
    """Write what is known of a page once its rows are numbered."""
    number, found, first = level.c[NUMBER], level.c[FOUND], number_of(window.first)
    if fact == GOES_ON:
        return case((func.max(found) > first, literal_column("'true'")), else_=literal_column("'false'"))
    ends = number == (number_of(1) if fact == START else func.least(found, first))
    cursor = func.string_agg(together(cursor_of(level, page, window)), literal_column("''")).filter(
        and_(ends, number <= first)
    )
    return func.coalesce(cursor, _text("null"))


def cursor_of(level: Subquery, page: PagedRows, window: PageWindow) -> list[Piece]:
    """Write the cursor of a row, as JSON: made of what `paging.View.cursor` makes it of, and in the same way."""
    pieces: list[Piece] = ['["', order_name(page, window.order), '"']
    for column, _ in page.sort_columns(window.order):
        there = level.c[column.key]
        value = _instant(there, "+00:00") if isinstance(there.type, DateTime) else value_of(there)
        pieces += [",", *([either(value, "null")] if is_nullable(column) else value)]
    bytes_of = func.convert_to(together([*pieces, "]"]), literal_column("'UTF8'"))
    # In the alphabet that is safe in addresses, without padding, and without the server's line breaks.
    safe = func.translate(
        func.encode(bytes_of, literal_column("'base64'")), literal_column("E'+/=\\n'"), literal_column("'-_'")
    )
    return ['"', safe, '"']


def _instant(column: ColumnElement[Any], zone: str) -> list[Piece]:
    """Write an instant in UTC: with microseconds, if it has any."""
    text = func.to_char(func.timezone(literal_column("'UTC'"), column), literal_column(_INSTANT))
    return ['"', func.replace(text, literal_column("'.000000'"), literal_column("''")), f'{zone}"']


def together(pieces: Sequence[Piece]) -> ColumnElement[Any]:
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


def either(pieces: Sequence[Piece], absent: str) -> ColumnElement[Any]:
    """Put texts together; where one is null, something else stands for the whole."""
    whole: ColumnElement[Any] = reduce(lambda one, other: one.concat(other), map(_text, pieces))
    return func.coalesce(whole, _text(absent))


def _text(piece: Piece) -> ColumnElement[Any]:
    return literal(piece, Text) if isinstance(piece, str) else piece


def value_of(column: ColumnElement[Any]) -> list[Piece]:
    """Write a column's value as JSON, or null. What has nothing to escape is quoted: to_json takes twice as long."""
    if isinstance(column.type, Integer | Boolean):
        return [cast(column, Text)]
    if is_id(column):
        return ['"', column, '"']
    if isinstance(column.type, Enum | Date):  # a day as ISO 8601 has it, which each session of the engine's is set to
        return ['"', cast(column, Text), '"']
    if isinstance(column.type, DateTime):
        return _instant(column, "Z")
    return [cast(func.to_json(column), Text)]
