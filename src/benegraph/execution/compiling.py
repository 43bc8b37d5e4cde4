"""Compiling: from a validated operation and the host's declarations to a plan."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)

from benegraph.execution import roots, sizes, steps
from benegraph.execution.arguments import Called
from benegraph.execution.declarations import (
    Arguments,
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
    check_type,
    is_list,
    items_of,
)
from benegraph.execution.origins import FromObject, FromRow, Origin, View
from benegraph.execution.plans import (
    Asked,
    Fetch,
    LookUp,
    ObjectPlan,
    OneOf,
    Page,
    PagePart,
    PagePlan,
    Plan,
    Root,
)
from benegraph.execution.reading import Nested, Reach, Slot, Sources, Wanted
from benegraph.execution.selecting import Fields, Selecting
from benegraph.execution.writing import Gap, Scribe, Unwritten, Written

_EDGE = {"node", "cursor", "__typename"}
_PAGE_INFO = {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"}
_READ = (Batched, Find, FindEach, ToMany, ToOne, ToPage, ToSeveral)
_ROOTS = (Find, FindEach, Given, ToPage)


def compile_operation(
    graph: GraphQLSchema,
    declare: Declare,
    sources: Sources,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    conditions: Mapping[str, Any],
) -> Plan:
    """Compile an operation that is valid. `conditions` holds every variable that `conditions_of` names, or None for it.

    Raises Uncovered for what no plan is made for.
    """
    kind = graph.get_root_type(operation.operation)
    if kind is None or operation.operation is OperationType.SUBSCRIPTION:
        raise Uncovered("operation")
    is_mutation = operation.operation is OperationType.MUTATION
    compiler = _Compiler(graph, declare, sources, Selecting(graph, fragments, conditions), is_mutation)
    fields = compiler.selecting.fields(kind, [operation.selection_set])
    names = [nodes[0].name.value for nodes in fields.values()]
    declared = [None if name.startswith("__") else declare(kind, kind.fields[name]) for name in names]
    compiler.has_several = sum(isinstance(each, Find | ToPage) for each in declared) > 1
    own = [
        compiler.root(kind, name, nodes, declaration)
        for (name, nodes), declaration in zip(fields.items(), declared, strict=True)
    ]
    for place, root in enumerate(own if is_mutation else ()):
        root.asked.turns = sizes.LONG * place  # each begins when the one before is done
    for finish in compiler.unfinished:
        finish()
    return Plan(own, is_mutation, compiler.reads)


@dataclass(slots=True)
class _Compiler:
    graph: GraphQLSchema
    declare: Declare
    sources: Sources
    selecting: Selecting
    is_mutation: bool
    unfinished: list[Callable[[], None]] = field(default_factory=list)
    #: Whether several of the operation's own fields are read.
    has_several: bool = False
    texts: roots.Texts = field(default_factory=roots.Texts)
    #: Whether what is compiled at present fills gaps of a text.
    in_text: bool = False
    #: How many statements the plan takes; of two and more it only matters that they are more than one.
    reads: int = 0

    # ------------------------------------------------------------------------------------ the operation's own fields

    def root(self, kind: GraphQLObjectType, name: str, nodes: list[FieldNode], declaration: Declaration | None) -> Root:
        """Plan one of the operation's own fields; what GraphQL has itself, nobody declares."""
        field_name = nodes[0].name.value
        if field_name == "__typename":
            return roots.Constant(_asked_typename(kind, name, nodes), kind.name)
        if declaration is None:
            raise Uncovered("introspection")
        found = kind.fields[field_name]
        if not isinstance(declaration, Perform if self.is_mutation else _ROOTS):
            raise Uncovered("root")
        check_type(found, declaration)
        asked, called = _asked(kind, name, nodes, declaration), Called(found, nodes[0])
        named, listed = get_named_type(found.type), is_list(found.type)
        # One that is found takes a statement either way; with others it shares one.
        if isinstance(declaration, ToPage) or (isinstance(declaration, Find) and self.has_several):
            told = self._told(asked, called, declaration)
            if told is not None:
                return told
        if isinstance(declaration, Find | FindEach):
            choice = asked.beneath = self._one_of(declaration, named, nodes)
            return roots.Found(asked, called, _targets(declaration), choice, listed)
        if isinstance(declaration, ToPage):
            return self._whole_page(asked, called, declaration)
        assert isinstance(declaration, Given | Perform), "one of these it is"  # noqa: S101 - see _ROOTS
        plan = asked.beneath = self._object(_object_type(named), self.selecting.beneath(nodes), FromObject())
        if isinstance(declaration, Given):
            return roots.Held(asked, declaration.value, plan, listed)
        return roots.Performed(asked, called, declaration.call, plan, listed)

    def _told(self, asked: Asked, called: Called, declaration: Find | ToPage) -> Root | None:
        """Have one of the operation's own fields written, with all others that are, if the host can."""
        pages = self.texts.fetch.pages
        before = len(pages)
        scribe = Scribe(self.declare, self.sources, self.selecting, pages)
        try:
            if isinstance(declaration, ToPage):
                target, nested = None, scribe.page(declaration, called, asked.nodes)
            else:
                kind, source = _only_source(asked.kind, declaration)
                target, nested = (kind.name, declaration.target), scribe.one(kind, asked.nodes, source)
        except Unwritten:
            del pages[before:]
            return None
        if isinstance(declaration, ToPage):
            pages[before].is_written = False  # an error of its own is the field's
        self.texts.fetch.wanted.nest(nested)
        told = roots.Told(asked, called, self.texts, target, nested.window, self._text(asked.name, scribe))
        self.texts.told.append(told)
        self.reads += len(self.texts.told) == 1
        return told

    def _whole_page(self, asked: Asked, called: Called, declaration: ToPage) -> Root:
        fetch = Fetch(Wanted(declaration.source), [Page(called, declaration.window)])
        origin = FromRow(fetch, fetch.wanted, sizes.size_of(declaration, called))
        page = asked.beneath = self._page(get_named_type(asked.kind), asked.nodes, origin)
        self.reads += page.reads_rows + page.counts
        return roots.Paged(asked, fetch, page)

    def _one_of(self, declaration: Find | FindEach, named: Any, nodes: list[FieldNode]) -> OneOf:
        several = isinstance(declaration, FindEach)
        choice = OneOf()
        before, reads = self.reads, []
        for kind in self.graph.get_possible_types(named) if is_abstract_type(named) else [named]:
            if kind.name in declaration.sources:
                self.reads = 0
                sets, size = self.selecting.beneath(nodes), sizes.SHORT if several else 1
                choice.plans[kind.name] = self._look_up(kind, sets, declaration.sources[kind.name], size)
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
        check_type(found, declaration)
        asked = plan.asked[name] = _asked(kind, name, nodes, declaration)
        if isinstance(declaration, ToOne | ToMany | ToPage) and isinstance(origin, FromRow):
            place = self._written(plan, asked, found, declaration, origin)
            if place is not None:
                return place
        place = self._declared(plan, asked, found, declaration, origin)
        if is_non_null_type(items_of(found.type)) and not isinstance(declaration, ToMany):
            plan.steps.append(steps.Listed(name))
        return place

    def _declared(
        self, plan: ObjectPlan, asked: Asked, found: GraphQLField, declaration: Declaration, origin: Origin
    ) -> Any:
        name, listed = asked.name, is_list(asked.kind)
        if isinstance(declaration, Column):
            return self._column(plan, asked, declaration, origin)
        if isinstance(declaration, Derived):
            self._require(plan, asked)
            view = self._view(origin, declaration.needs)
            plan.steps.append(steps.Compute(name, view, declaration.compute, self._held(asked), listed))
            return None
        if isinstance(declaration, Itself):
            asked.beneath = beneath = self._object(
                _object_type(asked.kind), self.selecting.beneath(asked.nodes), origin
            )
            plan.steps.append(steps.Same(name, beneath))
            return None
        if isinstance(declaration, Batched):
            self._require(plan, asked)
            self.reads += 2  # nobody knows how many
            called, view = Called(found, asked.nodes[0]), self._view(origin, declaration.needs)
            plan.steps.append(steps.ComputeAtOnce(name, called, view, declaration.load, self._held(asked), listed))
            return None
        if isinstance(declaration, ToPage):
            return self._to_page(plan, asked, Called(found, asked.nodes[0]), declaration, origin)
        if isinstance(declaration, ToOne | ToMany | ToSeveral):
            return self._to_rows(plan, asked, declaration, origin)
        raise Uncovered("field")

    def _column(self, plan: ObjectPlan, asked: Asked, declaration: Column, origin: Origin) -> Any:
        place = origin.column(self.sources, declaration.name)
        if is_leaf_type(get_named_type(asked.kind)):
            self._check_leaf(asked.kind)
            if is_non_null_type(asked.kind) and origin.may_lack(self.sources, declaration.name):
                plan.required.append(asked.name)
        elif isinstance(origin, FromRow):
            raise Uncovered("column")
        else:
            self._require(plan, asked)
            held = self._held(asked)
            assert held is not None, "what is no leaf has something beneath"  # noqa: S101 - by validation
            plan.steps.append(steps.Held(asked.name, held, is_list(asked.kind)))
        return place

    def _written(
        self,
        plan: ObjectPlan,
        asked: Asked,
        found: GraphQLField,
        declaration: ToOne | ToMany | ToPage,
        origin: FromRow,
    ) -> Slot | None:
        """Have the host write what is beneath, if it can; give where its text stands."""
        within = sizes.FOLDED_WITHIN if isinstance(declaration, ToOne) else sizes.WRITTEN_WITHIN
        # What a mutation has changed can't be asked for again, so any error in its payload must be such as can be told.
        if self.is_mutation or origin.size > within:
            return None
        pages = origin.fetch.pages
        before = len(pages)
        scribe = Scribe(self.declare, self.sources, self.selecting, pages)
        try:
            nested = scribe.nested(declaration, found, asked.nodes, origin.wanted.source, origin.size)
        except Unwritten:
            del pages[before:]
            return None
        self._require(plan, asked)
        text = self._text(asked.name, scribe)
        if isinstance(declaration, ToPage) and not self.in_text:
            pages[before].is_written = False  # an error of its own is the field's
            text.page = origin.fetch, before
        plan.steps.append(text)
        return origin.nest(self.sources, nested)

    def _text(self, name: str, scribe: Scribe) -> Written:
        # Not before all is known to be written: else what is beneath would be compiled for each attempt above it.
        before, self.in_text = self.in_text, True
        gaps = [Gap(each.name, self._look_up(*each.of), each.must) for each in scribe.promised]
        self.in_text = before
        return Written(name, gaps, self.sources.written)

    def _look_up(self, kind: GraphQLObjectType, sets: Sequence[Any], source: Any, size: int) -> LookUp:
        self.reads += 1
        fetch = Fetch(Wanted(source))
        return LookUp(fetch, self._object(kind, sets, FromRow(fetch, fetch.wanted, size)))

    def _to_rows(self, plan: ObjectPlan, asked: Asked, declaration: ToOne | ToMany | ToSeveral, origin: Origin) -> Any:
        kind, sets = _object_type(asked.kind), self.selecting.beneath(asked.nodes)
        to_many = isinstance(declaration, ToMany)
        size = origin.size * (sizes.SHORT if is_list(asked.kind) else 1)
        self._require(plan, asked)
        if (
            isinstance(origin, FromRow)
            and origin.size <= sizes.FOLDED_WITHIN
            and not isinstance(declaration, ToSeveral)
        ):
            inner = Wanted(declaration.source)
            child = asked.beneath = self._object(kind, sets, FromRow(origin.fetch, inner, size))
            nested_step = steps.NestedMany if to_many else steps.NestedOne
            plan.steps.append(nested_step(asked.name, child))
            return origin.nest(self.sources, Nested(Reach.MANY if to_many else Reach.ONE, declaration.key, inner))
        look_up = self._look_up(kind, sets, declaration.source, size)
        asked.beneath = look_up.plan
        if isinstance(declaration, ToSeveral):
            plan.steps.append(steps.FetchSeveral(asked.name, look_up))
        else:
            step = steps.FetchMany if to_many else steps.FetchOne
            plan.steps.append(step(asked.name, look_up))
        return origin.column(self.sources, declaration.key)

    def _to_page(self, plan: ObjectPlan, asked: Asked, called: Called, declaration: ToPage, origin: Origin) -> Any:
        if declaration.key is None:
            raise Uncovered("page")
        page = Page(called, declaration.window)
        kind = get_named_type(asked.kind)
        size = origin.size * sizes.size_of(declaration, called)
        if isinstance(origin, FromRow) and origin.size <= sizes.FOLDED_WITHIN:
            number = len(origin.fetch.pages)
            origin.fetch.pages.append(page)
            inner = Wanted(declaration.source)
            child = self._page(kind, asked.nodes, FromRow(origin.fetch, inner, size))
            asked.beneath = child
            counted = None
            if child.counts:
                counted = origin.nest(self.sources, Nested(Reach.COUNT, declaration.key, inner, number))
            plan.steps.append(steps.NestedPage(asked.name, number, origin.fetch, child, counted))
            if not child.reads_rows:
                return None
            return origin.nest(self.sources, Nested(Reach.PAGE, declaration.key, inner, number))
        fetch = Fetch(Wanted(declaration.source), [page])
        child = self._page(kind, asked.nodes, FromRow(fetch, fetch.wanted, size))
        asked.beneath = child
        self.reads += child.reads_rows + child.counts
        plan.steps.append(steps.FetchPage(asked.name, fetch, child))
        return origin.column(self.sources, declaration.key)

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
                known = _EDGE if found == "edges" else _PAGE_INFO
                asked.beneath = self._part(_object_type(asked.kind), sets, origin, plan, known)
            elif found == "totalCount":
                plan.counts = True
            elif found != "__typename":
                raise Uncovered("connection")
            plan.parts.append((name, found, kind.name if found == "__typename" else asked.beneath))
        return plan

    def _part(
        self, kind: GraphQLObjectType, sets: Sequence[Any], origin: FromRow, page: PagePlan, known: Collection[str]
    ) -> PagePart:
        plan = PagePart()
        for name, asked, found in self._parts(kind, plan, self.selecting.fields(kind, sets)):
            if found not in known:
                raise Uncovered("connection")
            if found == "node":
                asked.beneath = self._object(_object_type(asked.kind), self.selecting.beneath(asked.nodes), origin)
            elif found in {"cursor", "startCursor", "endCursor"}:
                page.place = origin.place()
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

    def _view(self, origin: Origin, needs: tuple[str, ...]) -> View:
        view = origin.view(self.sources, needs)
        self.unfinished.append(view.finish)
        return view

    def _require(self, plan: ObjectPlan, asked: Asked) -> None:
        if is_non_null_type(asked.kind):
            plan.required.append(asked.name)

    def _check_leaf(self, kind: GraphQLOutputType) -> None:
        if not self.sources.is_written(get_named_type(kind)):  # type: ignore[arg-type] # it was found to be a leaf
            raise Uncovered("scalar")


def _object_type(kind: GraphQLOutputType) -> GraphQLObjectType:
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType):
        raise Uncovered("abstract")
    return named


def _asked(kind: GraphQLObjectType, name: str, nodes: list[FieldNode], declaration: Declaration | None = None) -> Asked:
    found = nodes[0].name.value
    turns = int(isinstance(declaration, _READ))
    return Asked(name, kind.fields[found].type, nodes, f"{kind.name}.{found}", turns=turns)


def _asked_typename(kind: GraphQLObjectType, name: str, nodes: list[FieldNode]) -> Asked:
    return Asked(name, GraphQLNonNull(GraphQLString), nodes, f"{kind.name}.__typename")


def _only_source(kind: GraphQLOutputType, declaration: Find) -> tuple[GraphQLObjectType, Any]:
    """Give the type that a field finds, and where. Raises Unwritten where there are several."""
    named = get_named_type(kind)
    source = declaration.sources.get(named.name)
    if not isinstance(named, GraphQLObjectType) or source is None:
        raise Unwritten
    return named, source


def _targets(declaration: Find | FindEach) -> Callable[[Any, Arguments], roots.Targets]:
    if isinstance(declaration, FindEach):
        return declaration.targets
    target = declaration.target
    return lambda context, arguments: [target(context, arguments)]
