"""Who reads the library for the executor, and notes what was asked for."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from json import dumps, loads
from types import SimpleNamespace
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from library import COLUMNS, DECLARED, GRAPH, Library, Record, Source, Window, declare_by, place_of

from benegraph.execution import (
    Declaration,
    NestedQuery,
    OperationPlan,
    PlanResult,
    Row,
    RowQuery,
    compile_operation,
    directive_variables,
    run_plan,
)
from benegraph.execution.plan.rows import Cardinality, JsonFragment, JsonLayout, JsonPart, PageField


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is known of the library's rows before any is read; it may write what is nested in them."""

    writing: bool = False
    #: Columns whose keys can't stand in a text.
    unmarked: Collection[str] = ()
    cursors: bool = True

    def has_column(self, source: Source, column: str) -> bool:
        return column in COLUMNS[source.table]

    def is_nullable(self, source: Source, column: str) -> bool:
        return COLUMNS[source.table][column]

    def row_factory(self, _source: Source, columns: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
        return lambda values: SimpleNamespace(**dict(zip(columns, values, strict=True)))

    def is_serializable(self, kind: GraphQLLeafType) -> bool:
        return isinstance(kind, GraphQLEnumType) or kind.name != "Weight"

    def can_render_json(self, _source: Source, _column: str) -> bool:
        return self.writing

    def can_inline(self, _source: Source) -> bool:
        return self.writing

    def can_render_cursors(self, _source: Source) -> bool:
        return self.writing and self.cursors

    def can_be_placeholder_key(self, _source: Source, column: str) -> bool:
        return self.writing and column not in self.unmarked

    def serialize(self, value: Any) -> str:
        return dumps(plain(value))


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """One statement that was asked for."""

    what: str
    row_query: RowQuery | None
    keys: tuple[Any, ...]
    windows: tuple[Window | None, ...]


@dataclass(slots=True, eq=False)
class Reader:
    """Reads rows as a database would: those of a key in their order, but the keys in no order that was asked for."""

    library: Library
    fetched: list[Fetched] = field(default_factory=list)

    async def fetch_rows(self, query: RowQuery, keys: Sequence[Any], pages: Sequence[Any]) -> Sequence[Row]:
        self._note("rows", query, keys, pages)
        if query.source is None:
            return [[self._nested(nested, key, pages) for nested, key in zip(query.nested, keys, strict=True)]]
        own = pages[0] if query.source.paged else None
        return [
            (*self._slots(query, row, pages), key)
            for key in reversed(keys)
            for row in self._found(query.source, key, own)
        ]

    async def count(self, query: RowQuery, keys: Sequence[Any], page: Any) -> Mapping[Any, int]:
        self._note("count", query, keys, (page,))
        return {key: self._counted(query.source, key, page) for key in reversed(keys)}

    async def known(self, what: str, ids: Sequence[str]) -> Mapping[str, Any]:
        """Give what is known of some books."""
        self.fetched.append(Fetched(what, None, tuple(ids), ()))
        return {id: known for id, known in getattr(self.library, what).items() if id in ids}

    def _note(self, what: str, wanted: RowQuery, keys: Sequence[Any], windows: Sequence[Any]) -> None:
        assert keys, "there is something to look for"
        assert wanted.source is None or None not in keys, "what is null is no key"
        assert wanted.source is None or len({*keys}) == len(keys), "each is asked for once"
        assert {*keys} != {None}, "there is something to look for"
        self.fetched.append(Fetched(what, wanted, tuple(keys), tuple(windows)))

    def _slots(self, wanted: RowQuery, row: Record, windows: Sequence[Any]) -> list[Any]:
        slots = [row[column] for column in wanted.columns]
        slots += [self._nested(nested, row[nested.key], windows) for nested in wanted.nested]
        if not slots:
            slots.append(None)
        if wanted.has_order_key:
            slots.append(place_of(row))
        return slots

    def _nested(self, nested: NestedQuery, key: Any, windows: Sequence[Any]) -> Any:
        own: Any = None if nested.page is None else windows[nested.page]
        if nested.page is not None and own is None:
            return None
        source = nested.row_query.source
        if nested.cardinality is Cardinality.COUNT:
            return self._counted(source, key, own)
        if nested.layout is not None:
            return self._text(nested.layout, nested, key, own, windows)
        rows = [tuple(self._slots(nested.row_query, row, windows)) for row in self._found(source, key, own)]
        if nested.cardinality is Cardinality.ONE:
            return rows[0] if rows else None
        return rows

    def _text(self, layout: JsonLayout, nested: NestedQuery, key: Any, own: Any, windows: Sequence[Any]) -> str | None:
        source = nested.row_query.source
        if own is not None:
            return self._page(layout, source, key, own, windows)
        written = self._written(layout, self._found(source, key, None), windows)
        if nested.cardinality is Cardinality.ONE:
            return written[0] if written else None
        return "".join([*map(str, layout.before_rows), ",".join(written), *map(str, layout.after_rows)])

    def _page(self, layout: JsonLayout, source: Source, key: Any, window: Any, windows: Sequence[Any]) -> str:
        found = self._found(source, key, window)
        shown = found[: window.first]

        def told(piece: str | PageField) -> str:
            if isinstance(piece, str):
                return piece
            ends = {PageField.START_CURSOR: shown[:1], PageField.END_CURSOR: shown[-1:]}
            if piece in ends:
                return dumps(next((window.encode_cursor(place_of(row)) for row in ends[piece]), None))
            facts = {
                PageField.HAS_NEXT_PAGE: len(found) > window.first,
                PageField.HAS_PREVIOUS_PAGE: window.has_previous_page,
            }
            return dumps(self._counted(source, key, window) if piece is PageField.TOTAL_COUNT else facts[piece])

        rows = ",".join(self._written(layout, shown, windows, window))
        return "".join([*map(told, layout.before_rows), rows, *map(told, layout.after_rows)])

    def _written(
        self, layout: JsonLayout, rows: Sequence[Record], windows: Sequence[Any], window: Any = None
    ) -> list[str]:
        if layout.parts is None:
            return []
        return [
            "".join([*(part.prefix + self._part(part, row, windows, window) for part in layout.parts), layout.suffix])
            for row in rows
        ]

    def _part(self, part: JsonPart, row: Record, windows: Sequence[Any], window: Any) -> str:
        if part.value is PageField.CURSOR:
            return dumps(window.encode_cursor(place_of(row)))
        assert not isinstance(part.value, PageField), "the others are the page's own"
        if isinstance(part.value, str):
            value = row[part.value]
            if value is not None:
                return dumps(value) if part.placeholder is None else f"{part.placeholder}{value}"
        elif (text := self._nested(part.value, row[part.value.key], windows)) is not None:
            return str(text)
        assert part.null_text is not None, "this is never null"
        return part.null_text

    def _found(self, source: Source, key: Any, window: Window | None) -> list[Record]:
        rows = rows_of(self.library, source, key)
        return rows if window is None else window.page(rows)

    def _counted(self, source: Source, key: Any, window: Window) -> int:
        return len(window.chosen(rows_of(self.library, source, key)))


def plain(made: Any) -> Any:
    """Read what is written already, within an answer."""
    if isinstance(made, JsonFragment):
        return loads(made.text)
    if isinstance(made, dict):
        return {name: plain(value) for name, value in made.items()}
    return [plain(value) for value in made] if isinstance(made, list) else made


def rows_of(library: Library, source: Source, key: Any) -> list[Record]:
    """Give the rows of a key; of none, where the key is null."""
    rows = library.tables[source.table]
    if source.by is None:
        assert not key, "all rows belong to no key"
        return rows
    return [row for row in rows if row[source.by] == key is not None]


# ------------------------------------------------------------------------------------------------------------- asking


@dataclass(frozen=True, slots=True)
class Operation:
    """A text that is valid, and the variables it is asked with."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    @classmethod
    def of(cls, text: str, variables: Mapping[str, Any] | None = None, graph: GraphQLSchema = GRAPH) -> "Operation":
        document = parse(text)
        assert validate(graph, document) == []
        node = get_operation_ast(document)
        assert node is not None
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        values = get_variable_values(graph, node.variable_definitions or (), dict(variables or {}))
        assert isinstance(values, VariableValues), values
        return cls(node, fragments, values)

    def plan(
        self,
        graph: GraphQLSchema = GRAPH,
        declared: Mapping[str, Declaration] = DECLARED,
        catalogue: Catalogue | None = None,
    ) -> OperationPlan:
        conditions = {name: self.variables.coerced.get(name) for name in directive_variables(self.node, self.fragments)}
        reading = catalogue or Catalogue()
        return compile_operation(graph, declare_by(graph, declared), reading, self.node, self.fragments, conditions)


@dataclass(slots=True)
class Asking:
    """The library as it is asked, the readers that were opened for that, and whether each was to read once at most."""

    library: Library
    graph: GraphQLSchema = GRAPH
    declared: Mapping[str, Declaration] = field(default_factory=lambda: DECLARED)
    catalogue: Catalogue = field(default_factory=Catalogue)
    readers: list[Reader] = field(default_factory=list)
    opened: list[bool] = field(default_factory=list)
    closed: int = 0

    @asynccontextmanager
    async def open_reader(self, single_statement: bool) -> AsyncIterator[Reader]:
        self.opened.append(single_statement)
        self.readers.append(Reader(deepcopy(self.library)))  # all it reads is of one moment
        try:
            yield self.readers[-1]
        finally:
            self.closed += 1

    async def run(self, plan: OperationPlan, variables: VariableValues) -> PlanResult:
        return await run_plan(plan, self.open_reader, self.library, variables)

    async def ask(self, text: str, variables: Mapping[str, Any] | None = None) -> PlanResult:
        operation = Operation.of(text, variables, self.graph)
        return await self.run(operation.plan(self.graph, self.declared, self.catalogue), operation.variables)

    @property
    def fetched(self) -> list[Fetched]:
        return [fetched for reader in self.readers for fetched in reader.fetched]

    @property
    def told(self) -> list[str]:
        return [told(fetched) for fetched in self.fetched]


def told(fetched: Fetched) -> str:
    """Tell what a statement was asked for: `rows books(title, one author_id: authors(name))`.

    Of texts that have no parent: `rows texts(page: books())`.
    """
    return fetched.what if fetched.row_query is None else f"{fetched.what} {_told(fetched.row_query)}"


def _told(wanted: RowQuery) -> str:
    parts = list(wanted.columns)
    parts += [
        f"{nested.cardinality.value} {nested.key}".rstrip() + f": {_told(nested.row_query)}" for nested in wanted.nested
    ]
    if wanted.has_order_key:
        parts.append("place")
    return f"{'texts' if wanted.source is None else wanted.source.table}({', '.join(parts)})"


async def answer(library: Library, text: str, variables: Mapping[str, Any] | None = None) -> Any:
    """Ask something that goes well; give the data."""
    outcome = await Asking(library).ask(text, variables)
    assert outcome.errors == []
    return outcome.data


async def fetches(library: Library, text: str, variables: Mapping[str, Any] | None = None) -> list[str]:
    """Ask something that goes well; tell the statements that took."""
    asking = Asking(library)
    outcome = await asking.ask(text, variables)
    assert outcome.errors == []
    return asking.told
