"""Protocols that a host implements: a reader of rows, and metadata about its sources and values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from graphql import GraphQLLeafType

from benegraph.execution.plan.rows import Row, RowQuery


class Reader(Protocol):
    """Reads rows. All reads of one reader see the same snapshot."""

    async def fetch_rows(self, query: RowQuery, keys: Sequence[Any], pages: Sequence[Any]) -> Sequence[Row]:
        """Fetch the rows of all keys; the last value of each row, after those of the query, is its key.

        There is at least one key; none is None, and none occurs twice. Rows of the same key come in order; keys may
        come in any order. The key in a row equals the requested one. A `ToOne`, `ToManyByKeys`, `Lookup` or
        `LookupMany` key has at most one row; if there are several, the last is used.

        `pages` holds one page request for each page in the statement, None for one with invalid arguments. Of a page,
        also of a nested one, the reader fetches the rows that the methods of the request expect: those on the page, and
        where there are more, enough of them to show that there is another page. Where the source is itself a page,
        `pages[0]` is the request for the source, and the others are for the nested pages; a page of all rows has the
        key ALL_ROWS_KEY. Nested rows carry no key. A null key has no nested rows.

        A query without a source has one row without a key. Its nested queries, of cardinality one or page, are each
        for the key with the same index; such a key may be None and may occur twice.
        """

    async def count(self, query: RowQuery, keys: Sequence[Any], page: Any) -> Mapping[Any, int]:
        """Count the rows of each key under a page request's filter. Every key has a number, even if it is 0."""


class OpenReader(Protocol):
    """Opens a reader; `single_statement` where at most one statement will be read."""

    def __call__(self, *, single_statement: bool) -> AbstractAsyncContextManager[Reader]: ...


class Prepare(Protocol):
    """Compiles a large statement for these pages, unless the host has it already.

    The executor calls it before it opens a reader, so that no reader is kept open meanwhile.
    """

    async def __call__(self, query: RowQuery, pages: Sequence[Any]) -> None: ...


class SourceMetadata(Protocol):
    """Facts about sources and values that the host knows without reading rows."""

    def has_column(self, source: Any, column: str) -> bool:
        """Return whether the rows of a source have a column."""

    def is_nullable(self, source: Any, column: str) -> bool:
        """Return whether a column may be null."""

    def row_factory(self, source: Any, columns: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
        """Return a function that makes an object with these attributes from the values of these columns."""

    def is_serializable(self, leaf_type: GraphQLLeafType) -> bool:
        """Return whether column values of a scalar or enum type go into the response unchanged."""

    def can_render_json(self, source: Any, column: str) -> bool:
        """Return whether the host can render a column as JSON within a layout. If it can't, no layout contains it."""

    def can_inline(self, source: Any) -> bool:
        """Return whether a source's row, or a page of all its rows, can be JSON text in a row without a source."""

    def can_render_cursors(self, source: Any) -> bool:
        """Return whether the host can render cursors, in every order of a page, exactly as `encode_cursor` does."""

    def can_be_placeholder_key(self, source: Any, column: str) -> bool:
        """Return whether the keys in a column can follow a placeholder's character.

        They can if they are texts without control characters, and equal the keys in the rows that they refer to.
        """

    def serialize(self, value: Any) -> str:
        """Serialize an object of the response, which may contain JsonFragment values, or None as JSON."""
