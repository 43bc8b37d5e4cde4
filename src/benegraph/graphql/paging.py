"""Connections: pages of a list, with cursors that name a place in its order rather than a number of rows."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from benegraph.db.store.batches import Paged, Window
from benegraph.domain.errors import BadInput
from benegraph.graphql.context import Context, Info

N = TypeVar("N")

FIRST = 20
MOST = 100


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow after this page.")
    has_previous_page: bool = strawberry.field(description="Whether this page is not the first: `after` was given.")
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
        return [Item(self._cursor(row), row) for row in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self._goes_on,
            has_previous_page=self.window.after is not None,
            start_cursor=self._cursor(self.nodes[0]) if self.nodes else None,
            end_cursor=self._cursor(self.nodes[-1]) if self.nodes else None,
        )

    def _cursor(self, row: Any) -> str:
        place = [getattr(row, column.key) for column in self.batch.orders[self.window.order]]
        return urlsafe_b64encode(orjson.dumps([_order_name(self.batch, self.window), *place])).rstrip(b"=").decode()


async def page(
    context: Context,
    batch: Paged,
    key: str,
    first: int | None,
    after: str | None,
    chosen: Any = None,
    order: str | None = None,
    *,
    descending: bool = False,
) -> Page:
    """Read one page of a parent's list. Raises BadInput for a size or a cursor that can't be."""
    if first is None:
        first = FIRST
    if not 0 <= first <= MOST:
        raise BadInput(f"`first` is 0 to {MOST}.")
    window = Window(first, None, order or next(iter(batch.orders)), descending, chosen)
    if after:
        window = Window(first, _place(batch, window, after), window.order, descending, chosen)
    found = await context.page(batch, key, window)
    return Page(batch, key, window, found.rows, goes_on=found.goes_on)


def _order_name(batch: Paged, window: Window) -> str:
    # Of which rows, too: a cursor from a list of other things would otherwise name some place in this one.
    name = f"{batch.orders[window.order][-1].class_.__name__}.{window.order}"
    return f"-{name}" if window.descending else name


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() != timedelta(0):
        raise ValueError("cursors are made of instants in UTC")
    return instant


_PARSERS: dict[type, Callable[[str], Any]] = {str: str, date: date.fromisoformat, datetime: _instant}


def _place(batch: Paged, window: Window, cursor: str) -> tuple[Any, ...]:
    columns = batch.orders[window.order]
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        order, *place = orjson.loads(urlsafe_b64decode(padded))
        parsers = [_PARSERS[column.type.python_type] for column in columns]
        if order == _order_name(batch, window) and all(isinstance(part, str) and "\0" not in part for part in place):
            return tuple(parse(part) for parse, part in zip(parsers, place, strict=True))
    except (ValueError, TypeError, binascii.Error):
        pass
    raise BadInput("`after` is no cursor of this list in this order.")
