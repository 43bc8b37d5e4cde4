"""Connections: pages of a list by keyset pagination. A cursor holds the sort values of a row, not a row number.

Arguments and `pageInfo` follow Relay's specification, https://relay.dev/graphql/connections.htm.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from benegraph.db.store.row_queries import Order, PagedRows, PageRows, PageWindow, RowT, is_nullable, order_name
from benegraph.domain.errors import BadInput
from benegraph.domain.values import MAX_CENTS
from benegraph.graphql.context import Context, Info

NodeT = TypeVar("NodeT")

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
#: PostgreSQL reads all skipped rows before it drops them, so the offset has a limit.
MAX_OFFSET = 100_000
MAX_ORDER_FIELDS = 5


class DefaultPageSize(int):
    """The default value of an argument `first`: an integer that differs from the same one passed by a client.

    It doesn't count if the client passes `last`: `last: 5` means the last items of the list, not of the first page.
    """


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description=(
            "Whether the list has items after this page, as Relay defines it: more than `first` between `after` and"
            " `before`; with `last` alone, whether `before` was passed."
        )
    )
    has_previous_page: bool = strawberry.field(
        description=(
            "Whether the list has items before this page, as Relay defines it: with `last`, more than `last` between"
            " `after` and `before`; else whether `after` or a positive `offset` was passed."
        )
    )
    start_cursor: str | None = strawberry.field(
        description="The cursor of the page's first item: pass it as `before` to go back. Null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the page's last item: pass it as `after` to continue. Null if the page is empty."
    )


@strawberry.type(description="An item of a list, with its cursor.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(description="The item's cursor, to pass as `after` or `before` with the same order.")
    node: NodeT = strawberry.field(description="The item.")


async def _load_total_count(root: strawberry.Parent[Any], info: Info) -> int:
    page: LoadedPage = root
    return await info.context.load_count(page.batch, page.key, page.window.filter)


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeT]):
    nodes: list[NodeT] = strawberry.field(description="The items of this page.")
    edges: list[Edge[NodeT]] = strawberry.field(description="The items of this page, each with its cursor.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the list.")

    total_count: int = strawberry.field(
        resolver=_load_total_count,
        description=(
            "The number of items in the whole list under the same filter. Selecting it requires an additional database"
            " query."
        ),
    )


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """The value of an edge: a row and its cursor."""

    cursor: str
    node: Any


class LoadedPage:
    """The rows of one page; the value of every Connection type."""

    def __init__(self, request: "PageRequest", key: str, page: PageRows) -> None:
        self.batch = request.batch
        self.key = key
        self.window = request.window
        self.nodes = page.rows
        self._request = request
        self._page = page

    @property
    def edges(self) -> list[EdgeRow]:
        return [*map(EdgeRow, self._cursors(self.nodes), self.nodes)]

    @property
    def page_info(self) -> PageInfo:
        start, end = self._cursors([self.nodes[0], self.nodes[-1]]) if self.nodes else (None, None)
        return PageInfo(
            has_next_page=self._page.has_next_page,
            has_previous_page=self._page.has_previous_page,
            start_cursor=start,
            end_cursor=end,
        )

    def _cursors(self, rows: Sequence[Any]) -> list[str]:
        names = [column.key for column, _ in self.batch.sort_columns(self.window.order)]
        return [self._request.encode_cursor([getattr(row, name) for name in names]) for row in rows]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page to read: the list, and the part of it. Encodes the cursors of the page's rows."""

    batch: PagedRows
    window: PageWindow

    def select_shown(self, fetched: Sequence[RowT]) -> Sequence[RowT]:
        return self.window.select_shown(fetched)

    def has_previous_page(self, fetched_count: int) -> bool:
        return self.window.has_previous_page(fetched_count)

    def has_next_page(self, fetched_count: int) -> bool:
        return self.window.has_next_page(fetched_count)

    def encode_cursor(self, values: Sequence[Any]) -> str:
        """Return the cursor of a row with these values of the sort columns."""
        name = order_name(self.batch, self.window.order)
        return urlsafe_b64encode(orjson.dumps([name, *values])).rstrip(b"=").decode()


async def load_page(context: Context, request: PageRequest, key: str) -> LoadedPage:
    """Read one page of the list that belongs to a parent's key."""
    return LoadedPage(request, key, await context.load_page(request.batch, key, request.window))


def build_page_request(
    batch: PagedRows,
    filter: Any = None,
    order: Order = (),
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    offset: int | None = None,
    default_page_size: int = DEFAULT_PAGE_SIZE,
) -> PageRequest:
    """Check a connection's arguments and return the page that they request.

    A `first` that is a DefaultPageSize counts only without `last`. An empty cursor counts as omitted.

    Raises BadInput for a size or an offset out of range, an offset with an argument that excludes it, an invalid order,
    and a cursor of another list or order.
    """
    if last is None:
        first = default_page_size if first is None else first
    elif isinstance(first, DefaultPageSize):
        first = None
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAX_PAGE_SIZE:
            raise BadInput(f"Invalid `{name}`: expected 0 to {MAX_PAGE_SIZE}, got {size}.")
    if offset is not None and not 0 <= offset <= MAX_OFFSET:
        raise BadInput(f"Invalid `offset`: expected 0 to {MAX_OFFSET}, got {offset}.")
    for name, is_passed in (("after", after), ("last", last is not None), ("before", before)):
        if offset is not None and is_passed:
            raise BadInput(f"`{name}` and `offset` can't be combined; pass only one of them.")
    if len(order) > MAX_ORDER_FIELDS or len({name for name, _ in order}) < len(order):
        raise BadInput(f"Invalid `orderBy`: expected at most {MAX_ORDER_FIELDS} fields, each at most once.")
    start, end = (
        _decode_cursor(batch, order, name, cursor) if cursor else None
        for name, cursor in (("after", after), ("before", before))
    )
    return PageRequest(batch, PageWindow(first, start, order, filter, offset or None, last, end))


def _parse_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("expected a string without U+0000")
    return value


def _parse_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_CENTS:
        raise ValueError("expected an integer within ±(2^53-1)")
    return value


def _parse_utc_instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() != timedelta(0):
        raise ValueError("expected a date-time in UTC")
    return instant


#: For each type of a sort column, the function that reads its value from a cursor. They raise ValueError or TypeError.
_PARSERS: dict[type, Callable[[Any], Any]] = {
    str: _parse_text,
    int: _parse_int,
    date: date.fromisoformat,
    datetime: _parse_utc_instant,
}


def _decode_cursor(batch: PagedRows, order: Order, argument: str, cursor: str) -> tuple[Any, ...]:
    """Return a cursor's values of the sort columns. Clients can forge cursors, so each value is checked."""
    columns = [column for column, _ in batch.sort_columns(order)]
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, *values = orjson.loads(urlsafe_b64decode(padded))
        if name == order_name(batch, order):
            return tuple(
                None if value is None and is_nullable(column) else _PARSERS[column.type.python_type](value)
                for column, value in zip(columns, values, strict=True)
            )
    except (ValueError, TypeError, binascii.Error):
        pass
    raise BadInput(f"Invalid `{argument}`: expected a cursor that this list returned in the same order.")
