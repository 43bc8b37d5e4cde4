"""The library's reader and its metadata. The reader interprets row queries in memory, and records its statements."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps, loads
from types import SimpleNamespace
from typing import Any

from graphql import GraphQLEnumType, GraphQLLeafType
from library import COLUMNS, Library, PageRequest, Record, Source, order_key_of

from benegraph.execution import (
    Cardinality,
    JsonFragment,
    JsonLayout,
    JsonPart,
    NestedQuery,
    PageField,
    Row,
    RowQuery,
)


@dataclass(frozen=True, slots=True)
class LibraryMetadata:
    """Metadata of the library's sources. By default the library renders nothing as JSON."""

    renders_json: bool = False
    #: Columns that can't hold the keys of placeholders.
    no_placeholder_columns: Collection[str] = ()
    renders_cursors: bool = True

    def has_column(self, source: Source, column: str) -> bool:
        return column in COLUMNS[source.table]

    def is_nullable(self, source: Source, column: str) -> bool:
        return COLUMNS[source.table][column]

    def row_factory(self, _source: Source, columns: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
        return lambda values: SimpleNamespace(**dict(zip(columns, values, strict=True)))

    def is_serializable(self, leaf_type: GraphQLLeafType) -> bool:
        return isinstance(leaf_type, GraphQLEnumType) or leaf_type.name != "Weight"

    def can_render_json(self, _source: Source, _column: str) -> bool:
        return self.renders_json

    def can_inline(self, _source: Source) -> bool:
        return self.renders_json

    def can_render_cursors(self, _source: Source) -> bool:
        return self.renders_json and self.renders_cursors

    def can_be_placeholder_key(self, _source: Source, column: str) -> bool:
        return self.renders_json and column not in self.no_placeholder_columns

    def serialize(self, value: Any) -> str:
        return dumps(parse_fragments(value))


def parse_fragments(value: Any) -> Any:
    """Return a part of a response with its JSON fragments parsed."""
    if isinstance(value, JsonFragment):
        return loads(value.text)
    if isinstance(value, dict):
        return {name: parse_fragments(item) for name, item in value.items()}
    return [parse_fragments(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, eq=False)
class RecordedStatement:
    """One read. `action` is "rows", "count", or the name of a fact, which has no row query."""

    action: str
    row_query: RowQuery | None
    keys: tuple[Any, ...]
    pages: tuple[PageRequest | None, ...]

    def describe(self) -> str:
        """Describe a statement, such as `rows books(title, one author_id: authors(name))`.

        A row without a source is described as `rows json(page: books())`.
        """
        return self.action if self.row_query is None else f"{self.action} {_describe_query(self.row_query)}"


def _describe_query(query: RowQuery) -> str:
    values = list(query.columns)
    for nested in query.nested:
        heading = f"{nested.cardinality.value} {nested.key}".rstrip()
        values.append(f"{heading}: {_describe_query(nested.row_query)}")
    if query.has_order_key:
        values.append("order key")
    return f"{'json' if query.source is None else query.source.table}({', '.join(values)})"


def rows_of(library: Library, source: Source, key: Any) -> list[Record]:
    """Return the rows of a key. A null key has no rows."""
    rows = library.tables[source.table]
    if source.key_column is None:
        assert not key, "a source of all rows has no key"
        return rows
    return [row for row in rows if row[source.key_column] == key is not None]


@dataclass(slots=True, eq=False)
class LibraryReader:
    """Reads rows as a database may: the rows of a key in order, but the keys in another order than requested."""

    library: Library
    statements: list[RecordedStatement] = field(default_factory=list)

    async def fetch_rows(self, query: RowQuery, keys: Sequence[Any], pages: Sequence[Any]) -> Sequence[Row]:
        self._record("rows", query, keys, pages)
        if query.source is None:
            return [[self._nested_value(nested, key, pages) for nested, key in zip(query.nested, keys, strict=True)]]
        page = pages[0] if query.source.is_paged else None
        return [
            (*self._row_values(query, row, pages), key)
            for key in reversed(keys)
            for row in self._page_rows(query.source, key, page)
        ]

    async def count(self, query: RowQuery, keys: Sequence[Any], page: Any) -> Mapping[Any, int]:
        self._record("count", query, keys, (page,))
        return {key: self._count_rows(query.source, key, page) for key in reversed(keys)}

    async def fetch_facts(self, name: str, ids: Sequence[str]) -> Mapping[str, Any]:
        """Return a fact of each of these books that has it, by ID."""
        self.statements.append(RecordedStatement(name, None, tuple(ids), ()))
        return {id: value for id, value in getattr(self.library, name).items() if id in ids}

    def _record(self, action: str, query: RowQuery, keys: Sequence[Any], pages: Sequence[Any]) -> None:
        assert {*keys} - {None}, "a statement has at least one key"
        assert query.source is None or None not in keys, "null is not a key"
        assert query.source is None or len({*keys}) == len(keys), "keys are distinct"
        self.statements.append(RecordedStatement(action, query, tuple(keys), tuple(pages)))

    def _row_values(self, query: RowQuery, row: Record, pages: Sequence[Any]) -> list[Any]:
        values = [row[column] for column in query.columns]
        values += [self._nested_value(nested, row[nested.key], pages) for nested in query.nested]
        if not values:
            values.append(None)
        if query.has_order_key:
            values.append(order_key_of(row))
        return values

    def _nested_value(self, nested: NestedQuery, key: Any, pages: Sequence[Any]) -> Any:
        page: Any = None if nested.page is None else pages[nested.page]
        if nested.page is not None and page is None:
            return None
        source = nested.row_query.source
        if nested.cardinality is Cardinality.COUNT:
            return self._count_rows(source, key, page)
        if nested.layout is not None:
            return self._nested_json(nested.layout, nested, key, page, pages)
        rows = [tuple(self._row_values(nested.row_query, row, pages)) for row in self._page_rows(source, key, page)]
        if nested.cardinality is Cardinality.ONE:
            return rows[0] if rows else None
        return rows

    def _nested_json(
        self, layout: JsonLayout, nested: NestedQuery, key: Any, page: Any, pages: Sequence[Any]
    ) -> str | None:
        source = nested.row_query.source
        if page is not None:
            return self._page_json(layout, source, key, page, pages)
        rows = self._rows_json(layout, self._page_rows(source, key, None), pages)
        if nested.cardinality is Cardinality.ONE:
            return rows[0] if rows else None
        return "".join([*map(str, layout.before_rows), ",".join(rows), *map(str, layout.after_rows)])

    def _page_json(self, layout: JsonLayout, source: Source, key: Any, page: PageRequest, pages: Sequence[Any]) -> str:
        fetched = self._page_rows(source, key, page)
        shown = page.select_shown(fetched)

        def render(piece: str | PageField) -> str:
            if isinstance(piece, str):
                return piece
            ends = {PageField.START_CURSOR: shown[:1], PageField.END_CURSOR: shown[-1:]}
            if piece in ends:
                return dumps(next((page.encode_cursor(order_key_of(row)) for row in ends[piece]), None))
            if piece is PageField.TOTAL_COUNT:
                return dumps(self._count_rows(source, key, page))
            flags = {
                PageField.HAS_NEXT_PAGE: page.has_next_page(len(fetched)),
                PageField.HAS_PREVIOUS_PAGE: page.has_previous_page(len(fetched)),
            }
            return dumps(flags[piece])

        rows = ",".join(self._rows_json(layout, shown, pages, page))
        return "".join([*map(render, layout.before_rows), rows, *map(render, layout.after_rows)])

    def _rows_json(
        self, layout: JsonLayout, rows: Sequence[Record], pages: Sequence[Any], page: PageRequest | None = None
    ) -> list[str]:
        if layout.parts is None:
            return []
        return [
            "".join([*(part.prefix + self._part_json(part, row, pages, page) for part in layout.parts), layout.suffix])
            for row in rows
        ]

    def _part_json(self, part: JsonPart, row: Record, pages: Sequence[Any], page: PageRequest | None) -> str:
        if part.value is PageField.CURSOR:
            assert page is not None, "only the rows of a page have cursors"
            return dumps(page.encode_cursor(order_key_of(row)))
        assert not isinstance(part.value, PageField), "other page fields precede or follow the rows"
        if isinstance(part.value, str):
            value = row[part.value]
            if value is not None:
                return dumps(value) if part.placeholder is None else f"{part.placeholder}{value}"
        elif (text := self._nested_value(part.value, row[part.value.key], pages)) is not None:
            return str(text)
        assert part.null_text is not None, "a part without null_text is never null"
        return part.null_text

    def _page_rows(self, source: Source, key: Any, page: PageRequest | None) -> list[Record]:
        rows = rows_of(self.library, source, key)
        return rows if page is None else page.page_rows(rows)

    def _count_rows(self, source: Source, key: Any, page: PageRequest) -> int:
        return len(page.filter_rows(rows_of(self.library, source, key)))
