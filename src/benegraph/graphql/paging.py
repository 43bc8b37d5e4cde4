"""Connections: pages of a list, with cursors that name a place in its order rather than a number of rows."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from benegraph.db.store.batches import Order, Paged, Window, is_nullable
from benegraph.domain.errors import BadInput
from benegraph.domain.values import MAX_CENTS
from benegraph.graphql.context import Context, Info

N = TypeVar("N")

FIRST = 20
MOST = 100
#: How many rows a jump passes over at most: the server reads them all to throw them away.
FURTHEST = 100_000
MOST_ORDERS = 5


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether this page is not the first: `after` was given, or an `offset`."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last item: `after` of the next.")


@strawberry.type(description="An item of a list, and its place in it.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(description="The item's place, for `after`.")
    node: N = strawberry.field(description="The item itself.")


async def _count(root: strawberry.Parent[Any], info: Info) -> int:
    page: Page = root
    return await info.context.count(page.batch, page.key, page.window.filter)


@strawberry.type(description="A page of a list.")
class Connection(Generic[N]):
    nodes: list[N] = strawberry.field(description="The items of this page.")
    edges: list[Edge[N]] = strawberry.field(description="The items of this page, each with its cursor.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")

    total_count: int = strawberry.field(
        resolver=_count, description="How many items the whole list has under the same filter; counted only on demand."
    )


@dataclass(frozen=True, slots=True)
class Item:
    """An edge: a row and its cursor."""

    cursor: str
    node: Any


class Page:
    """A page as it was read; stands for any Connection."""

    def __init__(self, batch: Paged, key: str, window: Window, rows: list[Any], *, goes_on: bool) -> None:
        self.batch = batch
        self.key = key
        self.window = window
        self.nodes = rows
        self._goes_on = goes_on

    @property
    def edges(self) -> list[Item]:
        cursor = self._cursors()
        return [Item(cursor(row), row) for row in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        cursor = self._cursors()
        return PageInfo(
            has_next_page=self._goes_on,
            has_previous_page=self.window.after is not None or self.window.offset > 0,
            start_cursor=cursor(self.nodes[0]) if self.nodes else None,
            end_cursor=cursor(self.nodes[-1]) if self.nodes else None,
        )

    def _cursors(self) -> Callable[[Any], str]:
        """Make what names the place of each row."""
        name = _order_name(self.batch, self.window.order)
        places = [column.key for column, _ in self.batch.columns(self.window.order)]

        def cursor(row: Any) -> str:
            place = [getattr(row, key) for key in places]
            return urlsafe_b64encode(orjson.dumps([name, *place])).rstrip(b"=").decode()

        return cursor


async def page(
    context: Context,
    batch: Paged,
    key: str,
    first: int | None,
    after: str | None,
    chosen: Any = None,
    order: Order = (),
    offset: int | None = None,
    usual: int = FIRST,
) -> Page:
    """Read one page of a parent's list; `usual` is its size where none is asked for.

    Raises BadInput for a size, an order, a cursor or a jump that can't be.
    """
    if first is None:
        first = usual
    if not 0 <= first <= MOST:
        raise BadInput(f"`first` is 0 to {MOST}.")
    if offset is not None and not 0 <= offset <= FURTHEST:
        raise BadInput(f"`offset` is 0 to {FURTHEST}.")
    if offset is not None and after:
        raise BadInput("`after` and `offset` are two places to begin at: give one.")
    if len(order) > MOST_ORDERS or len({name for name, _ in order}) < len(order):
        raise BadInput(f"`orderBy` holds at most {MOST_ORDERS} fields, each once.")
    place = _place(batch, order, after) if after else None
    window = Window(first, place, order, chosen, offset or 0)
    found = await context.page(batch, key, window)
    return Page(batch, key, window, found.rows, goes_on=found.goes_on)


def _order_name(batch: Paged, order: Order) -> str:
    # Of which rows, too: a cursor from a list of other things would otherwise name some place in this one.
    rows = batch.columns(order)[-1][0].class_.__name__
    named = order or ((next(iter(batch.orders)), False),)
    return ",".join(f"{'-' if descending else ''}{rows}.{name}" for name, descending in named)


def _text(part: Any) -> str:
    if not isinstance(part, str) or "\0" in part:
        raise ValueError("cursors hold texts that can be stored")
    return part


def _number(part: Any) -> int:
    if isinstance(part, bool) or not isinstance(part, int) or abs(part) > MAX_CENTS:
        raise ValueError("cursors hold numbers that can be stored")
    return part


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() != timedelta(0):
        raise ValueError("cursors are made of instants in UTC")
    return instant


_PARSERS: dict[type, Callable[[Any], Any]] = {
    str: _text,
    int: _number,
    date: date.fromisoformat,
    datetime: _instant,
}


def _place(batch: Paged, order: Order, cursor: str) -> tuple[Any, ...]:
    columns = [column for column, _ in batch.columns(order)]
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, *place = orjson.loads(urlsafe_b64decode(padded))
        if name == _order_name(batch, order):
            return tuple(
                None if part is None and is_nullable(column) else _PARSERS[column.type.python_type](part)
                for column, part in zip(columns, place, strict=True)
            )
    except (ValueError, TypeError, binascii.Error):
        pass
    raise BadInput("`after` is no cursor of this list in this order.")
