"""The neutral representation of rows: the rows that a plan reads, the rows nested in them, and their layout as JSON.

It knows no GraphQL library and no SQL. The compiler produces it; a host's reader turns it into statements.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

Row = Sequence[Any]
#: The key of a page of all rows.
ALL_ROWS_KEY = ""


class RequestedPage(Protocol):
    """A page request: which part of each parent's list to read. Hosts implement it.

    The reader may fetch more rows than are on the page, to learn whether there is another page.
    """

    def select_shown(self, fetched: Sequence[Row]) -> Sequence[Row]:
        """Return those of the fetched rows that are on the page."""

    def has_previous_page(self, fetched_count: int) -> bool:
        """Return whether there is a previous page, where so many rows were fetched."""

    def has_next_page(self, fetched_count: int) -> bool:
        """Return whether there is a next page, where so many rows were fetched."""

    def encode_cursor(self, order_key: Row) -> str:
        """Return the cursor of the row with these values in the order's columns."""


class Cardinality(Enum):
    """How many rows belong to a key, or that they are only counted."""

    ONE = "one"
    MANY = "many"
    PAGE = "page"
    COUNT = "count"


class PageField(Enum):
    """The fields of a connection, of its edges and of its page info, by their names in GraphQL."""

    NODES = "nodes"
    EDGES = "edges"
    PAGE_INFO = "pageInfo"
    #: The number of rows in the whole list, under the page's filter.
    TOTAL_COUNT = "totalCount"
    NODE = "node"
    CURSOR = "cursor"
    HAS_NEXT_PAGE = "hasNextPage"
    HAS_PREVIOUS_PAGE = "hasPreviousPage"
    START_CURSOR = "startCursor"
    END_CURSOR = "endCursor"
    TYPENAME = "__typename"


CONNECTION_FIELDS = frozenset(
    {PageField.NODES, PageField.EDGES, PageField.PAGE_INFO, PageField.TOTAL_COUNT, PageField.TYPENAME}
)
EDGE_FIELDS = frozenset({PageField.NODE, PageField.CURSOR, PageField.TYPENAME})
PAGE_INFO_FIELDS = frozenset(
    {
        PageField.HAS_NEXT_PAGE,
        PageField.HAS_PREVIOUS_PAGE,
        PageField.START_CURSOR,
        PageField.END_CURSOR,
        PageField.TYPENAME,
    }
)
#: The fields that are computed from a row's order key.
CURSOR_FIELDS = frozenset({PageField.CURSOR, PageField.START_CURSOR, PageField.END_CURSOR})


@dataclass(slots=True, eq=False)
class RowQuery:
    """The values to read from the rows of a source.

    A row holds its columns, then its nested queries' results, then its order key if `has_order_key`. It has at least
    one value, even where nothing is selected. A query without a `source` selects one row, which holds the JSON text of
    one root field for each nested query; the keys come with the request. All requests share a query, so it does not
    change once its plan is compiled; a reader may keep its compiled statements in `cache`, of limited size.
    """

    source: Any
    columns: list[str] = field(default_factory=list)
    nested: list["NestedQuery"] = field(default_factory=list)
    has_order_key: bool = False
    cache: dict[Hashable, Any] = field(default_factory=dict)

    def add_column(self, name: str) -> "ColumnRef":
        """Select a column, unless it is selected already, and return its position."""
        if name not in self.columns:
            self.columns.append(name)
        return ColumnRef(self, name)

    def add_nested(self, nested: "NestedQuery") -> "ColumnRef":
        """Select a nested query and return the position of its result."""
        self.nested.append(nested)
        return ColumnRef(self, nested)

    def add_order_key(self) -> "ColumnRef":
        """Select the values of the order's columns, which cursors are made from, and return their position."""
        self.has_order_key = True
        return ColumnRef(self, None)


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A position in the rows of a query.

    Read `index` only after the query is complete: adding a column moves later values. `target` is a column's name, a
    nested query, or None for the order key.
    """

    row_query: RowQuery
    target: "str | NestedQuery | None"

    @property
    def index(self) -> int:
        """Return the index of the value within a row."""
        query = self.row_query
        if self.target is None:
            return max(1, len(query.columns) + len(query.nested))
        if isinstance(self.target, NestedQuery):
            return len(query.columns) + next(i for i, nested in enumerate(query.nested) if nested is self.target)
        return query.columns.index(self.target)


@dataclass(slots=True, eq=False)
class NestedQuery:
    """A read within the parent's statement: the row, rows, page or count for the key in the parent's column `key`.

    In a query without a source, `key` is empty: the key comes with the request.

    The result is a row or None, a list of rows, or a number. With a `layout` it is JSON text, or None for one missing
    row. `page` is the index of a page request in the statement; where that request is None, nothing is read.
    """

    cardinality: Cardinality
    key: str
    row_query: RowQuery
    page: int | None = None
    layout: "JsonLayout | None" = None


@dataclass(frozen=True, slots=True)
class JsonPart:
    """One value within a row's JSON, and the text that precedes it.

    The value is a column, a nested query, or the row's cursor (PageField.CURSOR). `null_text` replaces a null; it is
    None where the value cannot be null. With a `placeholder`, the value is the key of a row that is filled in later,
    and the placeholder's character precedes it.
    """

    prefix: str
    value: "str | NestedQuery | PageField"
    null_text: str | None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class JsonLayout:
    """How rows are rendered as JSON.

    Each row is its parts followed by `suffix`. Commas separate rows. `before_rows` and `after_rows` stand around the
    rows and may contain values of the page. `parts` is None for a page that selects neither nodes nor edges. A reader
    renders only the rows that are on the page.
    """

    parts: list[JsonPart] | None
    suffix: str = ""
    before_rows: "Sequence[str | PageField]" = ()
    after_rows: "Sequence[str | PageField]" = ()


class JsonFragment:
    """A part of the response that is JSON text already. A dataclass would be rendered field by field by serializers."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


# JSON text that the host renders marks its placeholders with control characters. Strings in JSON contain these only in
# escaped form, and layouts contain no whitespace.

#: Starts and ends a group of adjacent placeholders.
GROUP_DELIMITER = "\x01"
#: Separates placeholders from the text between them, within a group.
ITEM_SEPARATOR = "\x1d"
#: Precede the key of a placeholder, and say which one it is. None is whitespace in JSON.
PLACEHOLDER_CHARACTERS = [chr(number) for number in range(2, 28) if chr(number) not in "\t\n\r"]
#: Replaces a null that the schema does not allow.
FORBIDDEN_NULL = "\x1e"
#: Joins the texts of several rows. Hosts never emit it.
TEXT_SEPARATOR = "\x1c"
#: Null in JSON. It also stands in place of a placeholder whose key is null.
JSON_NULL = "null"
