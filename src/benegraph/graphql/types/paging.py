"""Connections: pages of a list, with cursors that name a place in its order rather than a number of rows."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from benegraph.db.store.batches import Order, Paged, Window, is_nullable, name_of
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

    def __init__(self, view: "View", key: str, rows: list[Any], *, goes_on: bool) -> None:
        self.batch = view.batch
        self.key = key
        self.window = view.window
        self.nodes = rows
        self._view = view
        self._goes_on = goes_on

    @property
    def edges(self) -> list[Item]:
        return [*map(Item, self._cursors(self.nodes), self.nodes)]

    @property
    def page_info(self) -> PageInfo:
        start, end = self._cursors([self.nodes[0], self.nodes[-1]]) if self.nodes else (None, None)
        return PageInfo(
            has_next_page=self._goes_on,
            has_previous_page=self._view.is_later,
            start_cursor=start,
            end_cursor=end,
        )

    def _cursors(self, rows: Sequence[Any]) -> list[str]:
        names = [column.key for column, _ in self.batch.columns(self.window.order)]
        return [self._view.cursor([getattr(row, name) for name in names]) for row in rows]


@dataclass(frozen=True, slots=True)
class View:
    """A window on a list, and how places in the list are named."""

    batch: Paged
    window: Window

    @property
    def first(self) -> int:
        return self.window.first

    @property
    def is_later(self) -> bool:
        """Tell whether rows lie before the page."""
        return self.window.after is not None or bool(self.window.offset)

    def cursor(self, place: Sequence[Any]) -> str:
        """Name a row's place, given the values of the order's columns."""
        name = name_of(self.batch, self.window.order)
        return urlsafe_b64encode(orjson.dumps([name, *place])).rstrip(b"=").decode()


async def page(context: Context, view: View, key: str) -> Page:
    """Read one page of a parent's list."""
    found = await context.page(view.batch, key, view.window)
    return Page(view, key, found.rows, goes_on=found.goes_on)


def view_of(
    batch: Paged,
    first: int | None,
    after: str | None,
    chosen: Any = None,
    order: Order = (),
    offset: int | None = None,
    usual: int = FIRST,
) -> View:
    """Tell which page of a list is asked for; `usual` is its size where none is.

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
    return View(batch, Window(first, place, order, chosen, offset or None))


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
        if name == name_of(batch, order):
            return tuple(
                None if part is None and is_nullable(column) else _PARSERS[column.type.python_type](part)
                for column, part in zip(columns, place, strict=True)
            )
    except (ValueError, TypeError, binascii.Error):
        pass
    raise BadInput("`after` is no cursor of this list in this order.")
