"""Writing: what of an answer the host writes as JSON by itself, so that no object of it is made on the way.

Of objects nested in a row, however deep, a text comes with the row, as long as all that is asked of them is columns,
rows and pages; and a page of all rows is one text. What is not nested leaves a gap in it: a key behind a mark, to be
filled later. Gaps that follow one another make a run, as the same run comes many times over and is filled once. Marks
are control characters, which JSON holds but escaped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
)

from benegraph.execution import sizes
from benegraph.execution.arguments import Called
from benegraph.execution.declarations import Column, Declaration, Declare, ToMany, ToOne, ToPage, Uncovered, check_type
from benegraph.execution.making import by_key
from benegraph.execution.outcomes import Failure
from benegraph.execution.plans import Fetch, LookUp, Page
from benegraph.execution.reading import Fact, Json, Layout, Nested, Part, Reach, Sources, Wanted
from benegraph.execution.selecting import Selecting

if TYPE_CHECKING:
    from benegraph.execution.running import Run

#: Begins and ends a run; within one, gaps and what stands between them take turns.
RUN, TURN = "\x01", "\x1d"
#: What stands before a gap's key, and says which gap it is.
GAPS = [chr(number) for number in range(2, 28)]
#: Stands where a value is null that must not be.
MISSING = "\x1e"
#: What JSON has for null; of a key too, which is no key then.
_NULL = "null"
_BETWEEN = "\x1c"
_PAGE_INFO = {
    "hasNextPage": Fact.GOES_ON,
    "hasPreviousPage": Fact.IS_LATER,
    "startCursor": Fact.START,
    "endCursor": Fact.END,
}


class Unwritten(Exception):
    """What is asked for is not such that a host could write it."""


@dataclass(frozen=True, slots=True)
class Promised:
    """A gap that is to come: its name, what is to be looked up in it, and whether that must not be null."""

    name: str
    of: tuple[GraphQLObjectType, Sequence[SelectionSetNode], Any, int]
    must: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """What is to be filled in: the object of the key that stands there; whether it must not be null."""

    name: str
    look_up: LookUp
    must: bool


@dataclass(slots=True, eq=False)
class Written:
    """What came as a text; `write` writes what is filled in.

    Where it is a page itself, `page` is its number in a statement: an error of its own is the field's, and can be told.
    """

    name: str
    gaps: list[Gap]
    write: Callable[[Any], str]
    page: tuple[Fetch, int] | None = None

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        if self.page is not None:
            fetch, number = self.page
            window = run.windows(fetch)[number]
            if isinstance(window, Failure):
                return [window] * len(values)
        there = [value for value in values if value is not None]
        whole = _BETWEEN.join(there)
        if MISSING in whole:
            raise Uncovered("null")
        if self.gaps:
            whole = await self._filled(run, whole)
        texts = iter(whole.split(_BETWEEN) if len(there) > 1 else [whole])
        return [None if value is None else Json(next(texts)) for value in values]

    async def _filled(self, run: "Run", text: str) -> str:
        parts = text.split(RUN)
        runs = {each: each.split(TURN) for each in dict.fromkeys(parts[1::2])}
        keys: dict[str, list[str]] = {gap.name: [] for gap in self.gaps}
        for each in dict.fromkeys(key for turns in runs.values() for key in turns[::2]):
            if each != _NULL:
                keys[each[0]].append(each[1:])
        texts = {_NULL: _NULL}
        for gap in self.gaps:
            had_failed, run.has_failed = run.has_failed, False
            found = await by_key(run, gap.look_up, keys[gap.name])
            if run.has_failed or (gap.must and len(found) < len(keys[gap.name])):
                raise Uncovered("null")  # what is written already can't become null any more
            run.has_failed = had_failed
            for key in keys[gap.name]:
                texts[gap.name + key] = self.write(found.get(key))
        for turns in runs.values():
            turns[::2] = [texts[key] for key in turns[::2]]
        filled = {each: "".join(turns) for each, turns in runs.items()}
        parts[1::2] = [filled[each] for each in parts[1::2]]
        return "".join(parts)


@dataclass(slots=True)
class Scribe:
    """Lays out what is nested in the rows of one statement, whose `pages` it adds to."""

    declare: Declare
    sources: Sources
    selecting: Selecting
    pages: list[Page]
    promised: list[Promised] = field(default_factory=list)

    def nested(
        self, declaration: Declaration, found: GraphQLField, nodes: Sequence[FieldNode], source: Any, size: int
    ) -> Nested:
        """Lay out what a field of so many objects comes to. Raises Unwritten."""
        sets = self.selecting.beneath(nodes)
        if isinstance(declaration, ToOne | ToMany) and self._writes(source, declaration.key):
            kind, inner = _object_type(get_named_type(found.type)), declaration.source
            if isinstance(declaration, ToOne):
                return Nested(Reach.ONE, declaration.key, Wanted(inner), layout=self._layout(kind, sets, inner, size))
            layout = self._layout(kind, sets, inner, size * sizes.SHORT, "[", "]")
            return Nested(Reach.MANY, declaration.key, Wanted(inner), layout=layout)
        if isinstance(declaration, ToPage) and declaration.key and self._writes(source, declaration.key):
            return self._page(declaration, declaration.key, Called(found, nodes[0]), sets, size)
        raise Unwritten

    def _page(
        self, declaration: ToPage, key: str, called: Called, sets: Sequence[SelectionSetNode], size: int
    ) -> Nested:
        try:
            window = None if called.fixed is None else declaration.window(called.fixed)
        except Exception:  # noqa: BLE001 - whatever it is, it is told when it is run
            raise Unwritten from None
        number = len(self.pages)
        self.pages.append(Page(called, declaration.window, window, is_written=True))
        layout = self._connection(declaration, called, sets, size)
        return Nested(Reach.PAGE, key, Wanted(declaration.source), number, layout)

    def one(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode], source: Any) -> Nested:
        """Lay out the row of a key that is given. Raises Unwritten."""
        if not self.sources.nests(source):
            raise Unwritten
        return Nested(
            Reach.ONE, "", Wanted(source), layout=self._layout(kind, self.selecting.beneath(nodes), source, 1)
        )

    def page(self, declaration: ToPage, called: Called, nodes: Sequence[FieldNode]) -> Nested:
        """Lay out a page of all rows. Raises Unwritten."""
        if not self.sources.nests(declaration.source):
            raise Unwritten
        nested = self._page(declaration, "", called, self.selecting.beneath(nodes), 1)
        layout = nested.layout
        if layout is not None and layout.parts is None and all(isinstance(each, str) for each in layout.opening):
            raise Unwritten  # nothing of it is to be read
        return nested

    def _connection(self, declaration: ToPage, called: Called, sets: Sequence[SelectionSetNode], size: int) -> Layout:
        connection = _object_type(get_named_type(called.declared.type))
        source, size = declaration.source, size * sizes.size_of(declaration, called)
        text, line = _Frame(), None
        for nodes in self._members(text, connection, sets):
            found = nodes[0].name.value
            beneath = self.selecting.beneath(nodes)
            if found in {"nodes", "edges"} and line is None:
                line = _Line()
                kind = _object_type(get_named_type(connection.fields[found].type))
                (self._object if found == "nodes" else self._edge)(line, kind, beneath, source, size)
                text.open_rows()
            elif found == "pageInfo":
                self._page_info(text, _object_type(get_named_type(connection.fields[found].type)), beneath, source)
            elif found == "totalCount":
                text.say(Fact.COUNT)
            elif found == "__typename":
                text.say(f'"{connection.name}"')
            else:
                raise Unwritten
        if line is None:
            return Layout(None, "", text.pieces)
        return Layout(line.parts, line.end, text.opening, text.pieces)

    def _page_info(
        self, text: "_Frame", kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], source: Any
    ) -> None:
        for nodes in self._members(text, kind, sets):
            fact = _PAGE_INFO.get(nodes[0].name.value)
            if fact is None and nodes[0].name.value != "__typename":
                raise Unwritten
            if fact in {Fact.START, Fact.END}:
                self._check_cursors(source)
            text.say(fact or f'"{kind.name}"')

    def _edge(
        self, line: "_Line", kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], source: Any, size: int
    ) -> None:
        for nodes in self._members(line, kind, sets):
            found = nodes[0].name.value
            if found == "node":
                node = _object_type(get_named_type(kind.fields[found].type))
                self._object(line, node, self.selecting.beneath(nodes), source, size)
            elif found == "cursor":
                self._check_cursors(source)
                line.hold(Part("", Fact.CURSOR, None))
            elif found == "__typename":
                line.say(f'"{kind.name}"')
            else:
                raise Unwritten

    def _layout(
        self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], source: Any, size: int, *around: str
    ) -> Layout:
        line = _Line()
        self._object(line, kind, sets, source, size)
        return Layout(line.parts, line.end, around[:1], around[1:])

    def _object(
        self, line: "_Line", kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], source: Any, size: int
    ) -> None:
        for nodes in self._members(line, kind, sets):
            if nodes[0].name.value == "__typename":
                line.say(f'"{kind.name}"')
            else:
                line.hold(self._part(kind, nodes, source, size))

    def _members(
        self, text: "_Line | _Frame", kind: GraphQLObjectType, sets: Sequence[SelectionSetNode]
    ) -> Iterator[list[FieldNode]]:
        """Say the name of each field of an object, whose value is to follow at once, and what stands around them."""
        before = "{"
        for name, nodes in self.selecting.fields(kind, sets).items():
            text.say(f'{before}"{name}":')
            before = ","
            yield nodes
        text.say("}" if before == "," else "{}")

    def _part(self, kind: GraphQLObjectType, nodes: list[FieldNode], source: Any, size: int) -> Part:
        found = kind.fields[nodes[0].name.value]
        declaration = self.declare(kind, found)
        check_type(found, declaration)
        must = is_non_null_type(found.type)
        absent = MISSING if must else _NULL
        if isinstance(declaration, Column):
            self._check(found, source, declaration.name)
            return Part("", declaration.name, absent if self.sources.may_lack(source, declaration.name) else None)
        if isinstance(declaration, ToOne) and size > sizes.FOLDED_WITHIN:
            if not self._marks(source, declaration.key) or len(self.promised) == len(GAPS):
                raise Unwritten
            name = GAPS[len(self.promised)]
            target, sets = _object_type(get_named_type(found.type)), self.selecting.beneath(nodes)
            self.promised.append(Promised(name, (target, sets, declaration.source, size), must))
            return Part("", declaration.key, absent if self.sources.may_lack(source, declaration.key) else None, name)
        nested = self.nested(declaration, found, nodes, source, size)
        return Part("", nested, absent if nested.reach is Reach.ONE else None)

    def _check_cursors(self, source: Any) -> None:
        if not self.sources.writes_cursors(source):
            raise Unwritten

    def _check(self, found: GraphQLField, source: Any, column: str) -> None:
        leaf = get_nullable_type(found.type)
        if not (is_leaf_type(leaf) and self.sources.is_written(leaf) and self._writes(source, column)):
            raise Unwritten

    def _marks(self, source: Any, column: str) -> bool:
        return self.sources.has(source, column) and self.sources.marks(source, column)

    def _writes(self, source: Any, column: str) -> bool:
        return self.sources.has(source, column) and self.sources.writes(source, column)


@dataclass(slots=True)
class _Line:
    """One row's text, as it is put together."""

    parts: list[Part] = field(default_factory=list)
    _lead: str = ""
    _in_run: bool = False

    def say(self, text: str) -> None:
        self._lead += text

    def hold(self, part: Part) -> None:
        """Hold a value, with what was said before; gaps that follow one another are one run."""
        if part.mark is None:
            lead = RUN + self._lead if self._in_run else self._lead
        else:
            lead = TURN + self._lead + TURN if self._in_run else self._lead + RUN
        self.parts.append(replace(part, lead=lead))
        self._lead, self._in_run = "", part.mark is not None

    @property
    def end(self) -> str:
        return (RUN if self._in_run else "") + self._lead


@dataclass(slots=True)
class _Frame:
    """What stands around a page's rows, as it is put together."""

    pieces: list[str | Fact] = field(default_factory=list)
    opening: list[str | Fact] = field(default_factory=list)

    def say(self, piece: str | Fact) -> None:
        self.pieces.append(piece)

    def open_rows(self) -> None:
        """Have the rows follow on what was said, in a list."""
        self.opening, self.pieces = [*self.pieces, "["], ["]"]


def _object_type(kind: Any) -> GraphQLObjectType:
    if not isinstance(kind, GraphQLObjectType):
        raise Unwritten
    return kind
