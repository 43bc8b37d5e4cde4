"""The graph as the breadth-first executor sees it: what each field is made of, and the reader of its rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import strawberry
from graphql import GraphQLEnumType, GraphQLField, GraphQLLeafType, GraphQLObjectType
from strawberry.types.field import StrawberryField

from benegraph import execution
from benegraph.db import query_compiler as trees
from benegraph.db.prepared_statements import prepare_statement
from benegraph.db.query_scope import ScopeShape, scope_parameters
from benegraph.db.read_pool import Snapshot
from benegraph.db.store.row_queries import PARENT_KEY, ManyByKey, OneByKey, PagedRows
from benegraph.execution.declarations import Arguments
from benegraph.execution.reading import Wanted
from benegraph.graphql.context import Context
from benegraph.graphql.engine.input_conversion import build_argument_converter
from benegraph.graphql.engine.serialize import written
from benegraph.graphql.types.fields import BatchedField, ContextField, DerivedField, StoreField, same_row
from benegraph.graphql.types.node import LookupField, NodeRef
from benegraph.graphql.types.paging import PageRequest

_WRITTEN = {"ID", "String", "Int", "Boolean", "Date", "DateTime", "Cents"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What the schema's fields say of themselves, in the executor's words."""

    schema: strawberry.Schema

    def __call__(  # noqa: PLR0911 - one return for each kind of declaration
        self, kind: GraphQLObjectType, found: GraphQLField
    ) -> execution.Declaration:
        """Say what a field is made of. Raises Uncovered for one whose resolver says nothing of it."""
        told = found.extensions.get("strawberry-definition")
        if isinstance(told, StoreField):
            return self._edge(told)
        if isinstance(told, DerivedField):
            return execution.Itself() if told.compute is same_row else execution.Derived(told.compute, told.columns)
        if isinstance(told, BatchedField):
            return self._batched(told)
        if isinstance(told, LookupField):
            return self._finding(told)
        if isinstance(told, ContextField):
            return execution.Given(told.get_value)
        if isinstance(told, StrawberryField) and told.base_resolver is None:
            return execution.Column(told.python_name)
        of_mutation = kind is self.schema._schema.mutation_type  # noqa: SLF001 - as in DocumentCache
        if isinstance(told, StrawberryField) and of_mutation:
            return self._perform(told)
        raise execution.Uncovered("resolver")

    def _edge(self, told: StoreField) -> execution.Declaration:
        if isinstance(told.batch, PagedRows):
            converted = build_argument_converter(told.arguments, self.schema)

            def view(arguments: Arguments) -> PageRequest:
                return told.build_page_request(**converted(arguments))

            return execution.ToPage(told.batch, told.key or None, view, told.default_page_size)
        if told.has_key_list:
            return execution.ToSeveral(told.batch, told.key)
        if isinstance(told.batch, ManyByKey):
            return execution.ToMany(told.batch, told.key)
        return execution.ToOne(told.batch, told.key)

    def _batched(self, told: BatchedField) -> execution.Declaration:
        converted = build_argument_converter(told.arguments, self.schema)

        async def load(reads: Any, parents: Sequence[Any], arguments: Arguments) -> Sequence[Any]:
            return await told.load(reads, parents, **converted(arguments))

        return execution.Batched(load, told.columns)

    def _perform(self, told: StrawberryField) -> execution.Perform:
        """Have a mutation's resolver called as Strawberry calls it; what it asks of GraphQL is the context alone."""
        resolver = told.base_resolver
        if resolver is None or resolver.self_parameter is None or resolver.info_parameter is None or told.extensions:
            raise execution.Uncovered("resolver")
        converted, info = build_argument_converter(told.arguments, self.schema), resolver.info_parameter.name

        async def call(context: Context, arguments: Mapping[str, Any]) -> Any:
            asked = SimpleNamespace(context=context)
            return await resolver(None, **converted(arguments), **{info: asked})  # type: ignore[arg-type] # it has no self

        return execution.Perform(call)

    def _finding(self, told: LookupField) -> execution.Declaration:
        converted = build_argument_converter(told.arguments, self.schema)

        def names(context: Context, arguments: Arguments) -> Any:
            return told.find_ref(context, **converted(arguments))

        if told.is_list:
            return execution.FindEach(told.batches, lambda *asked: [_target(each) for each in names(*asked)])
        return execution.Find(told.batches, lambda *asked: _target(names(*asked)))


def _target(named: NodeRef | Exception | None) -> Any:
    return execution.Target(named.type_name, named.key) if isinstance(named, NodeRef) else named


class Sources:
    """What the executor asks of batches and values when it makes a plan."""

    def has(self, source: Any, column: str) -> bool:
        return column in trees.columns_of(source)

    def may_lack(self, source: Any, column: str) -> bool:
        return trees.may_lack(source, column)

    def seen(self, source: Any, columns: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
        """Make rows of values that are to be computed with: words become the enumeration's members again."""
        shape = NamedTuple("Row", [(name, Any) for name in columns])  # type: ignore[misc] # its columns are known now
        words = trees.words_of(source, columns)

        def make(values: Iterable[Any]) -> Any:
            row = list(values)
            for place, meanings in words:
                if row[place] is not None:
                    row[place] = meanings[row[place]]
            return shape._make(row)

        return make

    def is_written(self, kind: GraphQLLeafType) -> bool:
        """Tell whether the answer holds values of a kind as rows do; days and instants are written as JSON is."""
        if isinstance(kind, GraphQLEnumType):
            return all(getattr(value.value, "value", value.value) == name for name, value in kind.values.items())
        return kind.name in _WRITTEN

    def writes(self, source: Any, column: str) -> bool:
        return trees.writes(source, column)

    def nests(self, source: Any) -> bool:
        return isinstance(source, OneByKey | PagedRows)

    def writes_cursors(self, source: Any) -> bool:
        return trees.writes_cursors(source)

    def marks(self, source: Any, column: str) -> bool:
        return trees.holds_ids(source, column)

    def written(self, made: Any) -> str:
        return written(made).decode()


@dataclass(slots=True)
class Reader:
    """Reads rows for one viewer from one snapshot."""

    context: Context
    snapshot: Snapshot
    _shape: ScopeShape = field(init=False)
    _scope: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._shape = ScopeShape.of(self.context.viewer, self.context.clock)
        self._scope = scope_parameters(self.context.viewer, self.context.clock)

    async def rows(
        self, wanted: Wanted, keys: Sequence[Any], views: Sequence[PageRequest | None]
    ) -> Sequence[execution.Row]:
        windows = [None if view is None else view.window for view in views]
        build = partial(trees.rows_of, wanted, self._shape, windows)
        found: Sequence[execution.Row] = await self._fetch("rows", wanted, keys, windows, build)
        return found

    async def count(self, wanted: Wanted, keys: Sequence[Any], view: PageRequest) -> Mapping[Any, int]:
        build = partial(trees.count_of, wanted.source, self._shape, view.window)
        counted: Sequence[execution.Row] = await self._fetch("count", wanted, keys, [view.window], build)
        return dict.fromkeys(keys, 0) | {key: number for key, number in counted}  # noqa: C416 - a record is no pair

    async def _fetch(
        self, what: str, wanted: Wanted, keys: Sequence[Any], windows: Sequence[Any], build: Callable[[], Any]
    ) -> Any:
        """Fetch by a statement that is built once for each form of what is wanted."""
        shape = (what, self._shape, *map(trees.shape_of, windows))
        statement = wanted.kept.get(shape)
        if statement is None:
            statement = _keep(wanted, shape, prepare_statement(build()))
        given = self._scope | trees.key_values(wanted.source, keys) | trees.window_values(windows)
        return await self.snapshot.fetch(statement, given)

    async def load_rows(self, batch: OneByKey, keys: Sequence[str]) -> list[Any]:
        found = {key: row for key, row in await self._whole(batch, keys)}  # noqa: C416 - as they are
        return [found.get(key) for key in keys]

    async def load_lists(self, batch: ManyByKey, keys: Sequence[str]) -> list[list[Any]]:
        found: dict[str, list[Any]] = {key: [] for key in keys}
        for key, row in await self._whole(batch, keys):
            found[key].append(row)
        return [found[key] for key in keys]

    async def _whole(self, batch: OneByKey | ManyByKey, keys: Sequence[str]) -> list[tuple[str, Any]]:
        """Read rows with all their columns."""
        distinct = list(dict.fromkeys(keys))
        if not distinct:
            return []
        wanted, make = _whole_rows(batch)
        rows = await self.rows(wanted, distinct, ())
        return [(row[-1], make(row[:-1])) for row in rows]


_MOST_STATEMENTS = 64


@cache
def _whole_rows(batch: OneByKey | ManyByKey) -> tuple[Wanted, Callable[[Iterable[Any]], Any]]:
    columns = [name for name in trees.columns_of(batch) if name != PARENT_KEY]
    return Wanted(batch, columns), Sources().seen(batch, columns)


def _keep(wanted: Wanted, shape: Any, statement: Any) -> Any:
    if len(wanted.kept) >= _MOST_STATEMENTS:  # pages have sizes, and filters many forms
        del wanted.kept[next(iter(wanted.kept))]
    wanted.kept[shape] = statement
    return statement


def opening(context: Context) -> execution.Open:
    """Give what opens a reader for a request."""
    return partial(_Opening, context)


class _Opening:
    """A reader that is open while the block lasts. Written out: contextlib's way takes longer than the reading."""

    __slots__ = ("_context", "_snapshot")

    def __init__(self, context: Context, *, alone: bool) -> None:
        self._context = context
        self._snapshot = context.database.read_pool.snapshot(context.viewer, single_statement=alone)

    async def __aenter__(self) -> Reader:
        return Reader(self._context, await self._snapshot.__aenter__())

    async def __aexit__(self, *error: object) -> bool | None:
        return await self._snapshot.__aexit__(*error)  # type: ignore[arg-type] # as they come
