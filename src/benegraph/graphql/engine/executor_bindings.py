"""Connects the schema and the database to the breadth-first executor."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import strawberry
from graphql import GraphQLEnumType, GraphQLField, GraphQLLeafType, GraphQLObjectType
from strawberry.types.field import StrawberryField

from benegraph import execution
from benegraph.db import query_compiler
from benegraph.db.prepared_statements import PreparedStatement, prepare_statement
from benegraph.db.query_scope import ScopeShape, scope_parameters
from benegraph.db.read_pool import Snapshot
from benegraph.db.store.row_queries import PARENT_KEY, ManyByKey, OneByKey, PagedRows
from benegraph.execution import Arguments, RowQuery
from benegraph.graphql.context import Context
from benegraph.graphql.engine.input_conversion import build_argument_converter
from benegraph.graphql.engine.serialize import serialize
from benegraph.graphql.types.fields import ComputedField, ComputedInBatchField, ContextField, StoreField, same_object
from benegraph.graphql.types.node import NODE_BATCHES, LookupField, NodeField, NodeRef, find_node_type
from benegraph.graphql.types.paging import PageRequest

_SERIALIZABLE_SCALARS = {"ID", "String", "Int", "Boolean", "Date", "DateTime", "Cents", "JSON"}
#: How many compiled statements a row query caches: pages have many sizes, and filters many forms.
_MAX_CACHED_STATEMENTS = 64
_IS_PROTECTED = "protected"


def declare_field(  # noqa: PLR0911 - one return for each kind of declaration
    schema: strawberry.Schema, object_type: GraphQLObjectType, definition: GraphQLField
) -> execution.Declaration:
    """Return the executor's declaration of a field, from its Strawberry field.

    Raises UnsupportedOperation if only the field's resolver knows its value.
    """
    strawberry_field = definition.extensions.get("strawberry-definition")
    if isinstance(strawberry_field, StoreField):
        return _declare_rows(schema, strawberry_field)
    if isinstance(strawberry_field, ComputedField):
        if strawberry_field.compute is same_object:
            return execution.SameObject()
        return execution.Computed(strawberry_field.compute, strawberry_field.columns)
    if isinstance(strawberry_field, ComputedInBatchField):
        return _declare_computed_in_batch(schema, strawberry_field)
    if isinstance(strawberry_field, NodeField):
        return execution.ToOneOf(NODE_BATCHES, strawberry_field.key, find_node_type)
    if isinstance(strawberry_field, LookupField):
        return _declare_lookup(schema, strawberry_field)
    if isinstance(strawberry_field, ContextField):
        return execution.FromContext(strawberry_field.get_value)
    if isinstance(strawberry_field, StrawberryField) and strawberry_field.base_resolver is None:
        return execution.Column(strawberry_field.python_name)
    is_mutation = object_type is schema._schema.mutation_type  # noqa: SLF001 - as in DocumentCache
    if isinstance(strawberry_field, StrawberryField) and is_mutation:
        return _declare_mutation(schema, strawberry_field)
    raise execution.UnsupportedOperation("resolver")


def _declare_rows(schema: strawberry.Schema, store_field: StoreField) -> execution.Declaration:
    batch, key = store_field.batch, store_field.key
    if isinstance(batch, PagedRows):
        convert = build_argument_converter(store_field.arguments, schema)

        def build_page(arguments: Arguments) -> PageRequest:
            return store_field.build_page_request(**convert(arguments))

        return execution.ToPage(batch, key or None, build_page, store_field.default_page_size)
    if store_field.has_key_list:
        return execution.ToManyByKeys(batch, key)
    if isinstance(batch, ManyByKey):
        return execution.ToMany(batch, key)
    return execution.ToOne(batch, key)


def _declare_computed_in_batch(
    schema: strawberry.Schema, computed_field: ComputedInBatchField
) -> execution.Declaration:
    convert = build_argument_converter(computed_field.arguments, schema)

    async def load(reader: Any, parents: Sequence[Any], arguments: Arguments) -> Sequence[Any]:
        return await computed_field.load(reader, parents, **convert(arguments))

    return execution.ComputedInBatch(load, computed_field.columns)


def _declare_mutation(schema: strawberry.Schema, mutation_field: StrawberryField) -> execution.MutationCall:
    """Declare a call of the mutation's resolver. Of Strawberry's `info` such resolvers use only the context."""
    resolver = mutation_field.base_resolver
    reserved = [] if resolver is None else [*filter(None, resolver.reserved_parameters.values())]
    if resolver is None or mutation_field.extensions or reserved != [resolver.info_parameter]:
        raise execution.UnsupportedOperation("resolver")
    convert = build_argument_converter(mutation_field.arguments, schema)
    info_name = reserved[0].name

    async def call(context: Context, arguments: Mapping[str, Any]) -> Any:
        return await resolver(**convert(arguments), **{info_name: SimpleNamespace(context=context)})

    return execution.MutationCall(call)


def _declare_lookup(schema: strawberry.Schema, lookup_field: LookupField) -> execution.Declaration:
    convert = build_argument_converter(lookup_field.arguments, schema)

    def find(context: Context, arguments: Arguments) -> Any:
        return lookup_field.find_ref(context, **convert(arguments))

    if lookup_field.is_list:
        return execution.LookupMany(lookup_field.batches, lambda *request: [*map(_lookup_key, find(*request))])
    return execution.Lookup(lookup_field.batches, lambda *request: _lookup_key(find(*request)))


def _lookup_key(ref: NodeRef | Exception | None) -> Any:
    return execution.LookupKey(ref.batch_name, ref.key) if isinstance(ref, NodeRef) else ref


class BatchMetadata:
    """Metadata about the store's batches and the schema's scalars, which the executor reads while it compiles."""

    def has_column(self, source: Any, column: str) -> bool:
        return column in query_compiler.columns_of(source)

    def is_nullable(self, source: Any, column: str) -> bool:
        return query_compiler.is_nullable_column(source, column)

    def row_factory(self, source: Any, columns: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
        """Return a factory of named tuples, in which database values of enums are replaced with the enums' members."""
        row_class = NamedTuple("Row", [(name, Any) for name in columns])  # type: ignore[misc] # its columns are known at run time
        enum_columns = query_compiler.find_enum_columns(source, columns)

        def make(values: Iterable[Any]) -> Any:
            row = list(values)
            for index, members in enum_columns:
                if row[index] is not None:
                    row[index] = members[row[index]]
            return row_class._make(row)

        return make

    def is_serializable(self, leaf_type: GraphQLLeafType) -> bool:
        """Return whether the response holds a type's values as rows do; the serializer formats dates and instants."""
        if isinstance(leaf_type, GraphQLEnumType):
            return all(getattr(value.value, "value", value.value) == name for name, value in leaf_type.values.items())
        return leaf_type.name in _SERIALIZABLE_SCALARS

    def can_render_json(self, source: Any, column: str) -> bool:
        return query_compiler.can_render_json(source, column)

    def can_inline(self, source: Any) -> bool:
        return isinstance(source, OneByKey | PagedRows)

    def can_render_cursors(self, source: Any) -> bool:
        return query_compiler.can_render_cursors(source)

    def can_be_placeholder_key(self, source: Any, column: str) -> bool:
        return query_compiler.is_id_column(source, column)

    def serialize(self, value: Any) -> str:
        return serialize(value).decode()


@dataclass(slots=True)
class SnapshotReader:
    """Reads rows for one viewer from one snapshot."""

    context: Context
    snapshot: Snapshot
    _shape: ScopeShape = field(init=False)
    _scope: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._shape = ScopeShape.of(self.context.viewer, self.context.clock)
        self._scope = scope_parameters(self.context.viewer, self.context.clock)

    async def fetch_rows(
        self, query: RowQuery, keys: Sequence[Any], pages: Sequence[PageRequest | None]
    ) -> Sequence[execution.Row]:
        marks_people = self.context.tracks_accesses and _reads_protected_columns(query)
        rows = await self._fetch_rows(query, keys, pages, marks_people=marks_people)
        return query_compiler.collect_people(query, rows, pages, self.context.track_access) if marks_people else rows

    async def _fetch_rows(
        self, query: RowQuery, keys: Sequence[Any], pages: Sequence[PageRequest | None], *, marks_people: bool
    ) -> Sequence[execution.Row]:
        windows = [None if page is None else page.window for page in pages]
        statement = _get_row_statement(query, self._shape, windows, marks_people)
        rows: Sequence[execution.Row] = await self._fetch(statement, query, keys, windows)
        return rows

    async def count(self, query: RowQuery, keys: Sequence[Any], page: PageRequest) -> Mapping[Any, int]:
        build = partial(query_compiler.build_count_statement, query.source, self._shape, page.window)
        statement = _get_statement(query, _cache_key("count", self._shape, [page.window]), build)
        counts: Sequence[execution.Row] = await self._fetch(statement, query, keys, [page.window])
        return dict.fromkeys(keys, 0) | {key: count for key, count in counts}  # noqa: C416 - a record is not a pair

    async def _fetch(
        self, statement: PreparedStatement, query: RowQuery, keys: Sequence[Any], windows: Sequence[Any]
    ) -> Any:
        keys_and_windows = query_compiler.key_parameters(query.source, keys) | query_compiler.window_parameters(windows)
        return await self.snapshot.fetch(statement, self._scope | keys_and_windows)

    async def load_rows(self, batch: OneByKey, keys: Sequence[str]) -> list[Any]:
        rows = {key: row for key, row in await self._load_complete(batch, keys)}  # noqa: C416 - clearer than dict()
        return [rows.get(key) for key in keys]

    async def load_lists(self, batch: ManyByKey, keys: Sequence[str]) -> list[list[Any]]:
        lists: dict[str, list[Any]] = {key: [] for key in keys}
        for key, row in await self._load_complete(batch, keys):
            lists[key].append(row)
        return [lists[key] for key in keys]

    async def _load_complete(self, batch: OneByKey | ManyByKey, keys: Sequence[str]) -> list[tuple[str, Any]]:
        """Read rows with all their columns, each with its key."""
        distinct = list(dict.fromkeys(keys))
        if not distinct:
            return []
        query, make = _complete_row_query(batch)
        # Computed fields show no protected column.
        rows = await self._fetch_rows(query, distinct, (), marks_people=False)
        return [(row[-1], make(row[:-1])) for row in rows]


def _cache_key(purpose: str, shape: ScopeShape, windows: Sequence[Any]) -> Hashable:
    return (purpose, shape, *map(query_compiler.statement_cache_key, windows))


def _get_row_statement(
    query: RowQuery, shape: ScopeShape, windows: Sequence[Any], marks_people: bool
) -> PreparedStatement:
    build = partial(query_compiler.build_row_statement, query, shape, windows, marks_people=marks_people)
    return _get_statement(query, _rows_cache_key(shape, windows, marks_people), build)


def _rows_cache_key(shape: ScopeShape, windows: Sequence[Any], marks_people: bool) -> Hashable:
    return _cache_key("marked rows" if marks_people else "rows", shape, windows)


def _reads_protected_columns(query: RowQuery) -> bool:
    """Return whether a query returns protected columns; the answer is cached with its statements."""
    is_protected: bool | None = query.cache.get(_IS_PROTECTED)
    if is_protected is None:
        is_protected = query.cache[_IS_PROTECTED] = query_compiler.reads_protected_columns(query)
    return is_protected


def _get_statement(query: RowQuery, key: Hashable, build: Callable[[], Any]) -> PreparedStatement:
    """Return a statement, which is compiled once for each shape of scope and pages."""
    statement: PreparedStatement | None = query.cache.get(key)
    if statement is None:
        statement = prepare_statement(build())
        if len(query.cache) >= _MAX_CACHED_STATEMENTS:
            query.cache.pop([*query.cache][0], None)  # noqa: RUF015 - unlike an iterator, safe beside another thread
        query.cache[key] = statement
    return statement


def statement_preparer(context: Context, worker: Executor) -> execution.Prepare:
    """Return the function that compiles the large statements of a request, in a worker thread."""
    shape = ScopeShape.of(context.viewer, context.clock)

    async def prepare(query: RowQuery, pages: Sequence[PageRequest | None]) -> None:
        windows = [None if page is None else page.window for page in pages]
        reads_no_row = isinstance(query.source, PagedRows) and windows[0] is None
        marks_people = context.tracks_accesses and _reads_protected_columns(query)
        if not reads_no_row and _rows_cache_key(shape, windows, marks_people) not in query.cache:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(worker, _get_row_statement, query, shape, windows, marks_people)

    return prepare


@cache
def _complete_row_query(batch: OneByKey | ManyByKey) -> tuple[RowQuery, Callable[[Iterable[Any]], Any]]:
    columns = [name for name in query_compiler.columns_of(batch) if name != PARENT_KEY]
    return RowQuery(batch, columns), BatchMetadata().row_factory(batch, columns)


def reader_opener(context: Context) -> execution.OpenReader:
    """Return the function that opens a reader for a request."""
    return partial(_ReaderContext, context)


class _ReaderContext:
    """A context manager for a reader. It is a class because contextlib's generators take longer than the read."""

    __slots__ = ("_context", "_snapshot")

    def __init__(self, context: Context, *, single_statement: bool) -> None:
        self._context = context
        self._snapshot = context.database.read_pool.snapshot(context.viewer, single_statement=single_statement)

    async def __aenter__(self) -> SnapshotReader:
        return SnapshotReader(self._context, await self._snapshot.__aenter__())

    async def __aexit__(self, *error: object) -> bool | None:
        return await self._snapshot.__aexit__(*error)  # type: ignore[arg-type] # passed on unchanged
