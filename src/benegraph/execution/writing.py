"""Writing: what of an answer the host writes as JSON by itself, so that no object of it is made on the way.

Of objects nested in a row, however deep, a text comes with the row, as long as all that is asked of them is columns,
rows and plain pages. What is not nested leaves a gap in the text: a key behind a mark, to be filled later. Gaps that
follow one another make a run, as the same run comes many times over and is filled once. Marks are control characters,
which JSON holds but escaped.
"""

from collections.abc import Callable, Sequence
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

from benegraph.execution.arguments import Called
from benegraph.execution.declarations import Column, Declaration, Declare, ToMany, ToOne, ToPage, Uncovered
from benegraph.execution.plans import Fetch, ObjectPlan, Page
from benegraph.execution.reading import Json, Layout, Nested, Part, Reach, Reading, Wanted
from benegraph.execution.selecting import Selecting
from benegraph.execution.steps import by_key

if TYPE_CHECKING:
    from benegraph.execution.running import Run

#: Begins and ends a run; within one, gaps and what stands between them take turns.
RUN, TURN = "\x01", "\x1d"
#: What stands before a gap's key, and says which gap it is.
GAPS = [chr(number) for number in range(2, 28)]
#: Stands where a value is null that must not be.
MISSING = "\x1e"
_BETWEEN = "\x1c"


class Unwritten(Exception):
    """What is asked for is not such that a host could write it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is to be filled in: the object of the key that stands there; whether it must not be null."""

    name: str
    fetch: Fetch
    plan: ObjectPlan
    must: bool


@dataclass(slots=True, eq=False)
class Written:
    """What came as a text."""

    name: str
    gaps: list[Gap]

    async def fill(self, run: "Run", _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        there = [value for value in values if value is not None]
        whole = _BETWEEN.join(there)
        if MISSING in whole:
            raise Uncovered("null")
        if self.gaps:
            whole = await _filled(run, self.gaps, whole)
        texts = iter(whole.split(_BETWEEN) if len(there) > 1 else [whole])
        return [None if value is None else Json(next(texts)) for value in values]


async def _filled(run: "Run", gaps: Sequence[Gap], text: str) -> str:
    parts = text.split(RUN)
    runs = {each: each.split(TURN) for each in set(parts[1::2])}
    named = {key for turns in runs.values() for key in turns[::2]}
    texts: dict[str, str] = {}
    for gap in gaps:
        own = [each[1:] for each in named if each[0] == gap.name]
        had_failed, run.has_failed = run.has_failed, False
        found = await by_key(run, gap.fetch, gap.plan, own)
        if run.has_failed or (gap.must and len(found) < len(own)):
            raise Uncovered("null")  # what is written already can't become null any more
        run.has_failed = had_failed
        for key in own:
            texts[gap.name + key] = run.reader.written(found.get(key))
    # What is no gap stands for itself: what is between two, and a null in the place of one.
    filled = {each: "".join(map(texts.get, turns, turns)) for each, turns in runs.items()}
    parts[1::2] = [filled[each] for each in parts[1::2]]
    return "".join(parts)


@dataclass(slots=True)
class Scribe:
    """Lays out what is nested in one statement's rows; `look_up` compiles what fills a gap."""

    declare: Declare
    reading: Reading
    selecting: Selecting
    look_up: Callable[[GraphQLObjectType, Sequence[SelectionSetNode], Any, int], tuple[Fetch, ObjectPlan]]
    size_of: Callable[[ToPage, Called], int]
    pages: list[Page]
    #: Up to so many parents, a row beneath each is written within; beyond that it is a gap.
    within: int
    #: How long a short list is reckoned to be.
    short: int
    gaps: list[Gap] = field(default_factory=list)

    def nested(
        self, declaration: Declaration, found: GraphQLField, nodes: Sequence[FieldNode], source: Any, size: int
    ) -> Nested:
        """Lay out what a field of so many objects comes to. Raises Unwritten."""
        sets = self.selecting.beneath(nodes)
        if isinstance(declaration, ToOne | ToMany) and self._writes(source, declaration.key):
            kind, inner = _object_type(get_named_type(found.type)), declaration.source
            if isinstance(declaration, ToOne):
                return Nested(Reach.ONE, declaration.key, Wanted(inner), layout=self._layout(kind, sets, inner, size))
            layout = self._layout(kind, sets, inner, size * self.short, "[", "]")
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
        connection = _object_type(get_named_type(called.declared.type))
        opening, closing, before, inner = "", "", "{", None
        for name, nodes in self.selecting.fields(connection, sets).items():
            found = nodes[0].name.value
            if found == "nodes" and inner is None:
                opening, closing, inner = f'{closing}{before}"{name}":[', "]", nodes
            elif found == "__typename":
                closing += f'{before}"{name}":"{connection.name}"'
            else:
                raise Unwritten
            before = ","
        if inner is None:
            raise Unwritten
        kind = _object_type(get_named_type(connection.fields["nodes"].type))
        number = len(self.pages)
        self.pages.append(Page(called, declaration.window, window, is_written=True))
        sets, size = self.selecting.beneath(inner), size * self.size_of(declaration, called)
        layout = self._layout(kind, sets, declaration.source, size, opening, closing + "}")
        return Nested(Reach.PAGE, key, Wanted(declaration.source), number, layout)

    def _layout(
        self,
        kind: GraphQLObjectType,
        sets: Sequence[SelectionSetNode],
        source: Any,
        size: int,
        opening: str = "",
        closing: str = "",
    ) -> Layout:
        parts, lead, before, in_run = [], "", "{", False
        for name, nodes in self.selecting.fields(kind, sets).items():
            lead += f'{before}"{name}":'
            before = ","
            if nodes[0].name.value == "__typename":
                lead += f'"{kind.name}"'
                continue
            part = self._part(kind, nodes, source, size)
            if part.mark is None:
                lead = RUN + lead if in_run else lead
            else:
                lead = TURN + lead + TURN if in_run else lead + RUN
            parts.append(replace(part, lead=lead))
            lead, in_run = "", part.mark is not None
        end = (RUN if in_run else "") + lead + ("}" if before == "," else "{}")
        return Layout(parts, end, opening, closing)

    def _part(self, kind: GraphQLObjectType, nodes: list[FieldNode], source: Any, size: int) -> Part:
        found = kind.fields[nodes[0].name.value]
        declaration = self.declare(kind, found)
        must = is_non_null_type(found.type)
        absent = MISSING if must else "null"
        if isinstance(declaration, Column):
            self._check(found, source, declaration.name)
            return Part("", declaration.name, absent if self.reading.may_lack(source, declaration.name) else None)
        if isinstance(declaration, ToOne) and size > self.within:
            if not self._writes(source, declaration.key) or len(self.gaps) == len(GAPS):
                raise Unwritten
            name = GAPS[len(self.gaps)]
            target, sets = _object_type(get_named_type(found.type)), self.selecting.beneath(nodes)
            self.gaps.append(Gap(name, *self.look_up(target, sets, declaration.source, size), must))
            return Part("", declaration.key, absent if self.reading.may_lack(source, declaration.key) else None, name)
        nested = self.nested(declaration, found, nodes, source, size)
        return Part("", nested, absent if nested.reach is Reach.ONE else None)

    def _check(self, found: GraphQLField, source: Any, column: str) -> None:
        leaf = get_nullable_type(found.type)
        if not (is_leaf_type(leaf) and self.reading.is_written(leaf) and self._writes(source, column)):
            raise Unwritten

    def _writes(self, source: Any, column: str) -> bool:
        return self.reading.has(source, column) and self.reading.writes(source, column)


def _object_type(kind: Any) -> GraphQLObjectType:
    if not isinstance(kind, GraphQLObjectType):
        raise Unwritten
    return kind
