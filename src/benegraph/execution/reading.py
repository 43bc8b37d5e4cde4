"""Reading: what a plan wants of its host's rows, and what the host must be able to fetch."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from graphql import GraphQLLeafType

Row = Sequence[Any]


class Window(Protocol):
    """Which page of each parent's list is wanted."""

    @property
    def first(self) -> int: ...

    @property
    def has_previous_page(self) -> bool:
        """Tell whether rows lie before the page."""

    def encode_cursor(self, values: Row) -> str:
        """Name the place of a row in the list's order, given the values it is sorted by."""


class Reach(Enum):
    """How many rows belong to a key."""

    ONE = "one"
    MANY = "many"
    PAGE = "page"
    COUNT = "count"


class Fact(Enum):
    """What a page tells of itself, as JSON."""

    #: How many rows there are in all, under the window's filter.
    COUNT = "count"
    #: Whether the list goes on behind the page, and whether rows lie before it.
    GOES_ON = "goes on"
    IS_LATER = "is later"
    #: The cursors of the first row and of the last, or null; and within a row the row's own.
    START = "start"
    END = "end"
    CURSOR = "cursor"


@dataclass(slots=True, eq=False)
class Wanted:
    """What is wanted of a source's rows. A row holds the columns, then what is nested, then its place, if `placed`.

    It has at least one slot, even where nothing is wanted. Where `source` is None it is one row of nothing but what is
    nested, each of a key of its own. It is shared by all requests, and changes no more once its plan is made; what a
    reader makes of it, such as a statement, may be `kept` in it.
    """

    source: Any
    columns: list[str] = field(default_factory=list)
    nested: list["Nested"] = field(default_factory=list)
    placed: bool = False
    kept: dict[Hashable, Any] = field(default_factory=dict)

    def column(self, name: str) -> "Slot":
        """Give the slot of a column, wanted from now on."""
        if name not in self.columns:
            self.columns.append(name)
        return Slot(self, name)

    def nest(self, nested: "Nested") -> "Slot":
        self.nested.append(nested)
        return Slot(self, nested)

    def place(self) -> "Slot":
        self.placed = True
        return Slot(self, None)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the rows of what is wanted; its number is known once all is."""

    wanted: Wanted
    what: Any

    @property
    def number(self) -> int:
        wanted = self.wanted
        if self.what is None:
            return max(1, len(wanted.columns) + len(wanted.nested))
        if isinstance(self.what, Nested):
            return len(wanted.columns) + next(n for n, each in enumerate(wanted.nested) if each is self.what)
        return wanted.columns.index(self.what)


@dataclass(slots=True, eq=False)
class Nested:
    """What is read within the parent's own statement: the row, rows, page or count of the key in its column `key`.

    It is a row or None, a list of rows, or a number; with a `layout` a text, or None for one row that is not there.
    `window` is the number of a page's window among the statement's; where that window is None, nothing is to be read.
    """

    reach: Reach
    key: str
    wanted: Wanted
    window: int | None = None
    layout: "Layout | None" = None

    @property
    def counts(self) -> bool:
        return self.reach is Reach.COUNT


@dataclass(frozen=True, slots=True)
class Part:
    """A value within a text, and what leads up to it: a column's, as JSON, what is nested, or the row's cursor.

    Where it is null, `absent` stands in its place; it is None for a column that never is. With a `mark` it is a key,
    which stands as it is, right behind the mark.
    """

    lead: str
    what: "str | Nested | Fact"
    absent: str | None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are written as JSON: each in parts up to its end; rows by commas, between what opens and what closes.

    Of a page no row more is written than its window's `first`, and none at all where `parts` is None. What it tells of
    itself stands around its rows.
    """

    parts: list[Part] | None
    end: str = ""
    opening: "Sequence[str | Fact]" = ()
    closing: "Sequence[str | Fact]" = ()


class Json:
    """A part of the answer that is written already. No dataclass, as some serialisers write one by its fields."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Reader(Protocol):
    """Fetches rows. All that one reader fetches, it fetches from one snapshot."""

    async def rows(self, wanted: Wanted, keys: Sequence[Any], windows: Sequence[Any]) -> Sequence[Row]:
        """Fetch the rows of all keys, in order within each; the last slot of each, beyond what is wanted, is its key.

        There is at least one key, none is None, and none comes twice. The keys' own order is free; the key in a row
        equals the one it was asked by. For what is looked up by a `ToOne`, `ToSeveral`, `Find` or `FindEach` a key has
        one row at most; of several the last counts.

        There is a window for each page in the statement, None for one that can't be. Of a page, also of one that is
        nested, it fetches one row more than the window's `first`, where there is one: that is how it is known whether
        the list goes on. Where the rows themselves are a page, which their source tells, the first window is theirs,
        and the others are those of pages nested in them; a page of all rows has the key "". Rows that are nested have
        no slot for a key, and of a key that is null there are none.

        Where what is wanted has no source there is one row, without a slot for a key. What is nested in it, rows of one
        or pages, is each of the key that has the same number; such a key may be None, and may come twice.
        """

    async def count(self, wanted: Wanted, keys: Sequence[Any], window: Any) -> Mapping[Any, int]:
        """Count the rows of each key under a window's filter: for every key a number, if it is 0."""


class Sources(Protocol):
    """What a host must be able to say of its sources and values, besides fetching them."""

    def has(self, source: Any, column: str) -> bool:
        """Tell whether a source's rows have a column."""

    def may_lack(self, source: Any, column: str) -> bool:
        """Tell whether a column may be null."""

    def seen(self, source: Any, columns: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
        """Give a function that makes an object with these attributes of the values of these columns."""

    def is_written(self, kind: GraphQLLeafType) -> bool:
        """Tell whether values of a scalar or an enumeration can be written into the answer as they are."""

    def writes(self, source: Any, column: str) -> bool:
        """Tell whether the host writes a column's values as JSON, where a layout asks for it; else none ever does."""

    def nests(self, source: Any) -> bool:
        """Tell whether what a source has of a key, or a page of all it has, can be a text in a row of no source."""

    def writes_cursors(self, source: Any) -> bool:
        """Tell whether the host writes the cursors of a page's rows, in any order, as its window names them."""

    def marks(self, source: Any, column: str) -> bool:
        """Tell whether the keys in a column can stand in a text behind a mark.

        They can if they are texts without control characters, each the same text as the key in the row it leads to.
        """

    def written(self, made: Any) -> str:
        """Write an object of the answer, in which there may be Json, or None, as JSON."""
