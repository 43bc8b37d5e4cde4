"""SQL expressions that render values, rows and page fields as JSON, byte for byte as orjson does."""

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

from benegraph.db.query_compiler.columns import holds_ids
from benegraph.db.store.row_queries import PagedRows, PageWindow, is_nullable, order_name
from benegraph.execution.plan.rows import PageField

#: A piece of text: known when the statement is compiled, or an expression.
Piece = str | ColumnElement[Any]

#: The columns that number the fetched rows of a page, and count them.
ROW_NUMBER, FETCHED_ROWS = "row_number", "rows_found"
_INSTANT_FORMAT = """'YYYY-MM-DD"T"HH24:MI:SS.US'"""
#: The maximum number of arguments of one function call; the server's own limit is 100.
_MAX_ARGUMENTS = 90


def join_rows(text: ColumnElement[Any]) -> Any:
    """Aggregate the texts of rows, separated by commas."""
    return func.string_agg(text, literal_column("','"))


def integer_literal(number: int) -> ColumnElement[Any]:
    """Return an integer as part of the statement's text, where the planner sees it."""
    return literal_column(str(int(number)))


def needs_numbers(page_field: Any, window: PageWindow) -> bool:
    """Return whether a field of a page's `pageInfo` is rendered from its numbered rows."""
    return (
        page_field in {PageField.START_CURSOR, PageField.END_CURSOR} or _compared_size(page_field, window) is not None
    )


def _compared_size(page_field: PageField, window: PageWindow) -> int | None:
    """Return the size that shows, if more rows are fetched, that there is a next or a previous page."""
    return {PageField.HAS_NEXT_PAGE: window.first, PageField.HAS_PREVIOUS_PAGE: window.last}.get(page_field)


def page_info_piece(page_field: PageField, level: Subquery, page: PagedRows, window: PageWindow) -> Piece:
    """Render a field of `pageInfo`, from the numbered rows of the page where it needs these."""
    if page_field in {PageField.HAS_NEXT_PAGE, PageField.HAS_PREVIOUS_PAGE}:
        size = _compared_size(page_field, window)
        if size is None:  # then no number of rows is relevant
            is_next = page_field is PageField.HAS_NEXT_PAGE
            return "true" if (window.has_next_page(0) if is_next else window.has_previous_page(0)) else "false"
        has_more = func.max(level.c[FETCHED_ROWS]) > integer_literal(size)
        return case((has_more, literal_column("'true'")), else_=literal_column("'false'"))
    end = _last_shown(level, window)
    if page_field is PageField.START_CURSOR:
        end = integer_literal(1)
        if window.last is not None:
            end = func.greatest(_last_shown(level, window) - integer_literal(window.last), integer_literal(0)) + end
    cursor = func.string_agg(concat(cursor_pieces(level, page, window)), literal_column("''")).filter(
        and_(level.c[ROW_NUMBER] == end, is_shown(level, window))
    )
    return func.coalesce(cursor, _as_text("null"))


def is_shown(level: Subquery, window: PageWindow) -> ColumnElement[bool]:
    """Return the condition that a numbered row is on the page, as `PageWindow.select_shown` does."""
    number, conditions = level.c[ROW_NUMBER], []
    if window.first is not None:
        conditions.append(number <= integer_literal(window.first))
    if window.last is not None:
        conditions.append(number > _last_shown(level, window) - integer_literal(window.last))
    return and_(*conditions)


def _last_shown(level: Subquery, window: PageWindow) -> ColumnElement[Any]:
    """Return the number of the last row on the page."""
    fetched = level.c[FETCHED_ROWS]
    return fetched if window.first is None else func.least(fetched, integer_literal(window.first))


def cursor_pieces(level: Subquery, page: PagedRows, window: PageWindow) -> list[Piece]:
    """Render the cursor of a row as the page request's `encode_cursor` does: base64 of a JSON array."""
    pieces: list[Piece] = ['["', order_name(page, window.order), '"']
    for column, _ in page.sort_columns(window.order):
        value = level.c[column.key]
        rendered = _instant_pieces(value, "+00:00") if isinstance(value.type, DateTime) else value_pieces(value)
        pieces += [",", *([coalesce_text(rendered, "null")] if is_nullable(column) else rendered)]
    content = func.convert_to(concat([*pieces, "]"]), literal_column("'UTF8'"))
    # The URL-safe alphabet, without padding and without the line breaks that the server inserts.
    url_safe = func.translate(
        func.encode(content, literal_column("'base64'")), literal_column("E'+/=\\n'"), literal_column("'-_'")
    )
    return ['"', url_safe, '"']


def _instant_pieces(column: ColumnElement[Any], offset: str) -> list[Piece]:
    """Render an instant in UTC, with microseconds if it has any."""
    text = func.to_char(func.timezone(literal_column("'UTC'"), column), literal_column(_INSTANT_FORMAT))
    return ['"', func.replace(text, literal_column("'.000000'"), literal_column("''")), f'{offset}"']


def concat(pieces: Sequence[Piece]) -> ColumnElement[Any]:
    """Concatenate pieces; a null counts as empty text. Literal pieces become bind parameters."""
    texts = [
        text
        for is_literal, group in groupby(pieces, key=lambda piece: isinstance(piece, str))
        for text in ([_as_text("".join(map(str, group)))] if is_literal else group)
    ]
    while len(texts) > _MAX_ARGUMENTS:
        texts = [func.concat(*texts[index : index + _MAX_ARGUMENTS]) for index in range(0, len(texts), _MAX_ARGUMENTS)]
    return func.concat(*texts)


def coalesce_text(pieces: Sequence[Piece], null_text: str) -> ColumnElement[Any]:
    """Concatenate pieces; if any is null, return `null_text` instead of the whole."""
    text: ColumnElement[Any] = reduce(lambda left, right: left.concat(right), map(_as_text, pieces))
    return func.coalesce(text, _as_text(null_text))


def _as_text(piece: Piece) -> ColumnElement[Any]:
    return literal(piece, Text) if isinstance(piece, str) else piece


def value_pieces(column: ColumnElement[Any]) -> list[Piece]:
    """Render a column's value as JSON text, or SQL NULL.

    Values without characters to escape are quoted by concatenation, since to_json takes twice as long.
    """
    if isinstance(column.type, Integer | Boolean):
        return [cast(column, Text)]
    if holds_ids(column):
        return ['"', column, '"']
    if isinstance(column.type, Enum | Date):  # the engine sets DateStyle to ISO in every session
        return ['"', cast(column, Text), '"']
    if isinstance(column.type, DateTime):
        return _instant_pieces(column, "Z")
    return [cast(func.to_json(column), Text)]
