"""Compiling: from a validated operation and the host's declarations to a plan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from benegraph.execution import steps
from benegraph.execution.arguments import Called
from benegraph.execution.declarations import (
    Batched,
    Column,
    Declaration,
    Declare,
    Derived,
    Find,
    FindEach,
    Given,
    Itself,
    Perform,
    ToMany,
    ToOne,
    ToPage,
    ToSeveral,
    Uncovered,
)
from benegraph.execution.origins import FromObject, FromRow, Origin
from benegraph.execution.plans import (
    Asked,
    Fetch,
    Found,
    ObjectPlan,
    OneOf,
    Page,
    PagePart,
    PagePlan,
    Plan,
    Root,
)
from benegraph.execution.reading import Nested, Reach, Reading, Slot, Wanted
from benegraph.execution.selecting import Fields, Selecting, conditions_of
from benegraph.execution.writing import Scribe, Unwritten, Written

#: Up to so many parents, what is beneath them is read within their own statement: an index look-up each then costs
#: less than another turn to the database.
FOLDED_WITHIN = 32
#: Up to so many parents, lists beneath them that the host can write are written within their own statement.
WRITTEN_WITHIN = 1000
#: How long a short list is reckoned to be, and how many things are looked up at once.
SHORT = 5
#: What a change may take in turns to the store, reading included: more than any does.
LONG = 1000
_READ = (Batched, Find, FindEach, ToMany, ToOne, ToPage, ToSeveral)


def compile_operation(
    graph: GraphQLSchema,
    declare: Declare,
    reading: Reading,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    conditions: Mapping[str, Any],
) -> Plan:
    """Compile an operation that is valid. `conditions` holds the variables that `conditions_of` names.

    Raises Uncovered for what no plan is made for.
    """
    kind = graph.get_root_type(operation.operation)
    if kind is None or operation.operation is OperationType.SUBSCRIPTION:
        raise Uncovered("operation")
    changes = operation.operation is OperationType.MUTATION
    # What a mutation has changed can't be asked for again, so its payload must be such that any error can be told.
    compiler = _Compiler(graph, declare, reading, Selecting(graph, fragments, conditions), writes=not changes)
    roots = [
        compiler.root(kind, name, nodes)
        for name, nodes in compiler.selecting.fields(kind, [operation.selection_set]).items()
    ]
    for place, root in enumerate(roots if changes else ()):
        root.asked.turns = LONG * place  # each begins when the one before is done
    for finish in compiler.unfinished:
        finish()
    return Plan(roots, changes, compiler.reads)


@dataclass(slots=True)
class _Compiler:
    graph: GraphQLSchema
    declare: Declare
    reading: Reading
    selecting: Selecting
    #: Whether what the host can write is left to it.
    writes: bool
    unfinished: list[Callable[[], None]] = field(default_factory=list)
    #: How many statements the plan takes at most.
    reads: int = 0

    # ------------------------------------------------------------------------------------ the operation's own fields

    def root(self, kind: GraphQLObjectType, name: str, nodes: list[FieldNode]) -> Root:
        field_name = nodes[0].name.value
        if field_name == "__typename":
            return Root(_asked_typename(kind, name, nodes), constant=kind.name)
        if field_name.startswith("__"):
            raise Uncovered("introspection")
        found = kind.fields[field_name]
        declaration = self.declare(kind, found)
        asked = _asked(kind, name, nodes, declaration)
        called = Called(found, nodes[0])
        root = Root(asked, called, declaration)
        sets = self.selecting.beneath(nodes)
        named = get_named_type(found.type)
        if isinstance(declaration, ToPage):
            fetch = Fetch(Wanted(declaration.source), [Page(called, declaration.window)])
            origin = FromRow(fetch, fetch.wanted, _size(declaration, called))
            asked.beneath = page = self._page(named, nodes, origin)
            root.fetch = fetch
            self.reads += page.reads_rows + page.counts
        elif isinstance(declaration, Find | FindEach):
            asked.beneath = self._one_of(declaration, named, sets)
        elif isinstance(declaration, Given | Perform):
            asked.beneath = self._object(_object_type(named), sets, FromObject())
        else:
            raise Uncovered("root")
        return root

    def _one_of(self, declaration: Find | FindEach, named: Any, sets: Sequence[Any]) -> OneOf:
        several = isinstance(declaration, FindEach)
        choice = OneOf()
        before, reads = self.reads, []
        for kind in self.graph.get_possible_types(named) if is_abstract_type(named) else [named]:
            self.reads = 1
            fetch = Fetch(Wanted(declaration.sources[kind.name]))
            origin = FromRow(fetch, fetch.wanted, SHORT if several else 1)
            choice.plans[kind.name] = Found(fetch, self._object(kind, sets, origin))
            reads.append(self.reads)
        self.reads = before + (sum(reads) if several else max(reads, default=0))
        return choice

    # ------------------------------------------------------------------------------------------------------- objects

    def _object(self, kind: GraphQLObjectType, sets: Sequence[Any], origin: Origin) -> ObjectPlan:
        fields = self.selecting.fields(kind, sets)
        plan = ObjectPlan(names=tuple(fields))
        places = [self._field(kind, plan, name, nodes, origin) for name, nodes in fields.items()]

        def finish() -> None:
            plan.values = origin.taker(places)

        self.unfinished.append(finish)
        return plan

    def _field(
        self, kind: GraphQLObjectType, plan: ObjectPlan, name: str, nodes: list[FieldNode], origin: Origin
    ) -> Any:
        """Add one field to an object's plan; give where its value, or what a step makes it of, stands in the row."""
        field_name = nodes[0].name.value
        if field_name == "__typename":
            plan.asked[name] = _asked_typename(kind, name, nodes)
            plan.steps.append(steps.Constant(name, kind.name))
            return None
        found = kind.fields[field_name]
        declaration = self.declare(kind, found)
        asked = plan.asked[name] = _asked(kind, name, nodes, declaration)
        called = Called(found, nodes[0])
        if isinstance(declaration, ToOne | ToMany | ToPage) and isinstance(origin, FromRow):
            place = self._written(plan, asked, called, declaration, origin)
            if place is not None:
                return place
        place = self._declared(plan, asked, called, declaration, origin)
        if _is_list(found.type):
            if _is_list(get_nullable_type(found.type).of_type):
                raise Uncovered("list")
            if not isinstance(declaration, ToMany):
                plan.steps.append(steps.Listed(name))
        return place

    def _declared(
        self, plan: ObjectPlan, asked: Asked, called: Called, declaration: Declaration, origin: Origin
    ) -> Any:
        name = asked.name
        if isinstance(declaration, Column):
            return self._column(plan, asked, declaration, origin)
        if isinstance(declaration, Derived):
            self._require(plan, asked)
            see = self._see(origin, declaration.needs)
            plan.steps.append(steps.Compute(name, see, declaration.compute, self._held(asked)))
            return None
        if isinstance(declaration, Itself):
            asked.beneath = beneath = self._object(
                _object_type(asked.kind), self.selecting.beneath(asked.nodes), origin
            )
            plan.steps.append(steps.Same(name, beneath))
            return None
        if isinstance(declaration, Batched):
            self._require(plan, asked)
            self.reads += SHORT
            see = self._see(origin, declaration.needs)
            plan.steps.append(steps.ComputeAtOnce(name, called, see, declaration.load, self._held(asked)))
            return None
        if isinstance(declaration, ToPage):
            return self._to_page(plan, asked, called, declaration, origin)
        if isinstance(declaration, ToOne | ToMany | ToSeveral):
            return self._to_rows(plan, asked, declaration, origin)
        raise Uncovered("field")

    def _column(self, plan: ObjectPlan, asked: Asked, declaration: Column, origin: Origin) -> Any:
        place = origin.column(self.reading, declaration.name)
        if is_leaf_type(get_named_type(asked.kind)):
            self._check_leaf(asked.kind)
            if is_non_null_type(asked.kind) and origin.may_lack(self.reading, declaration.name):
                plan.required.append(asked.name)
        elif isinstance(origin, FromRow):
            raise Uncovered("column")
        else:
            self._require(plan, asked)
            held = self._held(asked)
            assert held is not None, "what is no leaf has something beneath"  # noqa: S101 - by validation
            plan.steps.append(steps.Held(asked.name, held))
        return place

    def _written(
        self, plan: ObjectPlan, asked: Asked, called: Called, declaration: ToOne | ToMany | ToPage, origin: FromRow
    ) -> Slot | None:
        """Have the host write what is beneath, if it can; give where its text stands."""
        within = FOLDED_WITHIN if isinstance(declaration, ToOne) else WRITTEN_WITHIN
        if not self.writes or origin.size > within:
            return None
        pages = origin.fetch.pages
        before = len(pages), len(self.unfinished), self.reads
        scribe = Scribe(self.declare, self.reading, self.selecting, self._look_up, _size, pages, FOLDED_WITHIN, SHORT)
        try:
            nested = scribe.nested(declaration, called.declared, asked.nodes, origin.wanted.source, origin.size)
        except Unwritten:
            del pages[before[0] :], self.unfinished[before[1] :]
            self.reads = before[2]
            return None
        self._require(plan, asked)
        plan.steps.append(Written(asked.name, scribe.gaps))
        return origin.nest(self.reading, nested)

    def _look_up(
        self, kind: GraphQLObjectType, sets: Sequence[Any], source: Any, size: int
    ) -> tuple[Fetch, ObjectPlan]:
        self.reads += 1
        fetch = Fetch(Wanted(source))
        return fetch, self._object(kind, sets, FromRow(fetch, fetch.wanted, size))

    def _to_rows(self, plan: ObjectPlan, asked: Asked, declaration: ToOne | ToMany | ToSeveral, origin: Origin) -> Any:
        kind = _object_type(asked.kind)
        reach = Reach.MANY if isinstance(declaration, ToMany) else Reach.ONE
        length = SHORT if _is_list(asked.kind) else 1
        sets = self.selecting.beneath(asked.nodes)
        self._require(plan, asked)
        if isinstance(origin, FromRow) and origin.size <= FOLDED_WITHIN and not isinstance(declaration, ToSeveral):
            inner = Wanted(declaration.source)
            nested = Nested(reach, declaration.key, inner)
            child = self._object(kind, sets, FromRow(origin.fetch, inner, origin.size * length))
            step: Any = steps.NestedOne if reach is Reach.ONE else steps.NestedMany
            asked.beneath = child
            plan.steps.append(step(asked.name, child))
            return origin.nest(self.reading, nested)
        fetch, asked.beneath = self._look_up(kind, sets, declaration.source, origin.size * length)
        if isinstance(declaration, ToSeveral):
            plan.steps.append(steps.FetchSeveral(asked.name, fetch, asked.beneath))
        else:
            step = steps.FetchOne if reach is Reach.ONE else steps.FetchMany
            plan.steps.append(step(asked.name, fetch, asked.beneath))
        return origin.column(self.reading, declaration.key)

    def _to_page(self, plan: ObjectPlan, asked: Asked, called: Called, declaration: ToPage, origin: Origin) -> Any:
        if declaration.key is None:
            raise Uncovered("page")
        page = Page(called, declaration.window)
        kind = get_named_type(asked.kind)
        size = origin.size * _size(declaration, called)
        if isinstance(origin, FromRow) and origin.size <= FOLDED_WITHIN:
            number = len(origin.fetch.pages)
            origin.fetch.pages.append(page)
            inner = Wanted(declaration.source)
            child = self._page(kind, asked.nodes, FromRow(origin.fetch, inner, size))
            asked.beneath = child
            counted = None
            if child.counts:
                counted = origin.nest(self.reading, Nested(Reach.COUNT, declaration.key, inner, number))
            plan.steps.append(steps.NestedPage(asked.name, number, origin.fetch, child, counted))
            if not child.reads_rows:
                return None
            return origin.nest(self.reading, Nested(Reach.PAGE, declaration.key, inner, number))
        fetch = Fetch(Wanted(declaration.source), [page])
        child = self._page(kind, asked.nodes, FromRow(fetch, fetch.wanted, size))
        asked.beneath = child
        self.reads += child.reads_rows + child.counts
        plan.steps.append(steps.FetchPage(asked.name, fetch, child))
        return origin.column(self.reading, declaration.key)

    # ----------------------------------------------------------------------------------------------------- connections

    def _page(self, kind: Any, nodes: list[FieldNode], origin: FromRow) -> PagePlan:
        plan = PagePlan()
        fields = self.selecting.fields(kind, self.selecting.beneath(nodes))
        for name, asked, found in self._parts(kind, plan, fields):
            sets = self.selecting.beneath(asked.nodes)
            plan.reads_rows |= found in {"nodes", "edges", "pageInfo"}
            if found == "nodes":
                asked.beneath = self._object(_object_type(asked.kind), sets, origin)
            elif found in {"edges", "pageInfo"}:
                asked.beneath = self._part(_object_type(asked.kind), sets, origin, plan)
            elif found == "totalCount":
                plan.counts = True
            elif found != "__typename":
                raise Uncovered("connection")
            plan.parts.append((name, found, kind.name if found == "__typename" else asked.beneath))
        return plan

    def _part(self, kind: GraphQLObjectType, sets: Sequence[Any], origin: FromRow, page: PagePlan) -> PagePart:
        plan = PagePart()
        for name, asked, found in self._parts(kind, plan, self.selecting.fields(kind, sets)):
            if found == "node":
                asked.beneath = self._object(_object_type(asked.kind), self.selecting.beneath(asked.nodes), origin)
            elif found in {"cursor", "startCursor", "endCursor"}:
                page.place = origin.place()
            elif found not in {"hasNextPage", "hasPreviousPage", "__typename"}:
                raise Uncovered("connection")
            plan.parts.append((name, found, kind.name if found == "__typename" else asked.beneath))
        return plan

    def _parts(self, kind: GraphQLObjectType, plan: Any, fields: Fields) -> Any:
        for name, nodes in fields.items():
            found = nodes[0].name.value
            asked = _asked_typename(kind, name, nodes) if found == "__typename" else _asked(kind, name, nodes)
            plan.asked[name] = asked
            yield name, asked, found

    # --------------------------------------------------------------------------------------------------------- details

    def _held(self, asked: Asked) -> ObjectPlan | None:
        """Give what makes the answer of an object that is held or computed; None for a leaf."""
        named = get_named_type(asked.kind)
        if is_leaf_type(named):
            self._check_leaf(asked.kind)
            return None
        held = self._object(_object_type(asked.kind), self.selecting.beneath(asked.nodes), FromObject())
        asked.beneath = held
        return held

    def _see(self, origin: Origin, needs: tuple[str, ...]) -> Any:
        view = origin.view(self.reading, needs)
        self.unfinished.append(view.finish)
        return view

    def _require(self, plan: ObjectPlan, asked: Asked) -> None:
        if is_non_null_type(asked.kind):
            plan.required.append(asked.name)

    def _check_leaf(self, kind: GraphQLOutputType) -> None:
        if not self.reading.is_written(get_named_type(kind)):  # type: ignore[arg-type] # it was found to be a leaf
            raise Uncovered("scalar")


def _object_type(kind: GraphQLOutputType) -> GraphQLObjectType:
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType):
        raise Uncovered("abstract")
    return named


def _is_list(kind: GraphQLOutputType) -> bool:
    return is_list_type(get_nullable_type(kind))


def _asked(kind: GraphQLObjectType, name: str, nodes: list[FieldNode], declaration: Declaration | None = None) -> Asked:
    found = nodes[0].name.value
    turns = int(isinstance(declaration, _READ))
    return Asked(name, kind.fields[found].type, nodes, f"{kind.name}.{found}", turns=turns)


def _asked_typename(kind: GraphQLObjectType, name: str, nodes: list[FieldNode]) -> Asked:
    return Asked(name, GraphQLNonNull(GraphQLString), nodes, f"{kind.name}.__typename")


def _size(declaration: ToPage, called: Called) -> int:
    size = called.number("first")
    return declaration.usual if size is None else size


__all__ = ["compile_operation", "conditions_of"]
