"""The shape of a document: how deep, wide and repetitive, measured before validation, whose cost that bounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)

from benegraph.domain.errors import TooComplex
from benegraph.graphql.engine.limits import Limits

#: What tools read of a schema: deeper than people's questions, as the type of an argument is wrapped again and again.
INTROSPECTION_DEPTH = 15
INTROSPECTION_LIST_DEPTH = 3
_INTROSPECTION = {"__schema", "__type"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A selection set, on the type it selects from (None where that can't be told), inside these fragments."""

    selections: SelectionSetNode
    parent: GraphQLCompositeType | None
    within: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Level:
    """How far down a place is."""

    depth: int = 0
    lists: int = 0
    most_depth: int = 0
    most_lists: int = 0


def check_shape(document: DocumentNode, graph: GraphQLSchema, limits: Limits) -> None:
    """Refuse a document that is too deep, too wide or too repetitive, whatever it means. Raises TooComplex."""
    directives = sum(_directives(definition) for definition in document.definitions)
    if directives > limits.directives:
        raise too_complex("directives", limits.directives, "A document holds at most {} directives.")
    survey = _Survey(document, graph, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            survey.measure_operation(definition)
    for fragment in survey.unreached():  # validation compares what they hold all the same
        survey.measure_fragment(fragment)


def too_complex(name: str, maximum: int, message: str) -> TooComplex:
    """Make the refusal of a request that goes past a limit, which its extensions name."""
    return TooComplex(message.format(maximum), {"limit": {"name": name, "maximum": maximum}})


@dataclass(slots=True)
class _Survey:
    document: DocumentNode
    graph: GraphQLSchema
    limits: Limits
    fields: int = 0
    aliases: int = 0
    reached: set[str] = field(default_factory=set)
    fragments: dict[str, FragmentDefinitionNode] = field(init=False)

    def __post_init__(self) -> None:
        definitions = self.document.definitions
        self.fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}

    def measure_operation(self, operation: OperationDefinitionNode) -> None:
        root = self.graph.get_root_type(operation.operation)
        groups = self._collect([_Part(operation.selection_set, root, frozenset())])
        if operation.operation is OperationType.MUTATION:
            mutations = sum(any(node.name.value != "__typename" for node, _ in group) for group in groups.values())
            if mutations > self.limits.mutations:
                raise too_complex("mutations", self.limits.mutations, "A request holds at most {} mutations.")
        if len(groups) > self.limits.root_fields:
            raise too_complex("root_fields", self.limits.root_fields, "An operation holds at most {} root fields.")
        self._go_down(groups, _Level(0, 0, self.limits.depth, self.limits.list_depth))

    def measure_fragment(self, fragment: FragmentDefinitionNode) -> None:
        parent = self._type(fragment.type_condition.name.value)
        name = fragment.name.value
        groups = self._collect([_Part(fragment.selection_set, parent, frozenset({name}))])
        self._go_down(groups, _Level(0, 0, self.limits.depth, self.limits.list_depth))

    def unreached(self) -> Iterator[FragmentDefinitionNode]:
        for name, fragment in self.fragments.items():
            if name not in self.reached:
                yield fragment

    def _collect(self, parts: Sequence[_Part]) -> dict[str, list[tuple[FieldNode, _Part]]]:
        """Gather the fields that answer to each name in one place, fragments written out."""
        groups: dict[str, list[tuple[FieldNode, _Part]]] = {}
        spread: set[str] = set()
        waiting = list(reversed(parts))
        while waiting:
            part = waiting.pop()
            for node in part.selections.selections:
                if isinstance(node, FieldNode):
                    self._count(node, part, groups)
                elif isinstance(node, InlineFragmentNode):
                    parent = self._type(node.type_condition.name.value) if node.type_condition else part.parent
                    waiting.append(_Part(node.selection_set, parent, part.within))
                elif isinstance(node, FragmentSpreadNode):
                    name = node.name.value
                    fragment = self.fragments.get(name)
                    # One that holds itself has no end; validation says so.
                    if fragment is not None and name not in spread and name not in part.within:
                        spread.add(name)
                        self.reached.add(name)
                        parent = self._type(fragment.type_condition.name.value)
                        waiting.append(_Part(fragment.selection_set, parent, part.within | {name}))
        return groups

    def _count(self, node: FieldNode, part: _Part, groups: dict[str, list[tuple[FieldNode, _Part]]]) -> None:
        limits = self.limits
        self.fields += 1
        if self.fields > limits.fields:
            raise too_complex("fields", limits.fields, "A document holds at most {} fields, fragments written out.")
        if node.alias is not None:
            self.aliases += 1
            if self.aliases > limits.aliases:
                raise too_complex("aliases", limits.aliases, "A document holds at most {} aliases.")
        group = groups.setdefault(node.alias.value if node.alias else node.name.value, [])
        group.append((node, part))
        if len(group) > limits.duplicates:
            raise too_complex("duplicates", limits.duplicates, "A name is answered to at most {} times in one place.")

    def _go_down(self, groups: dict[str, list[tuple[FieldNode, _Part]]], level: _Level) -> None:
        for group in groups.values():
            here = self._level(group, level)
            parts = [
                _Part(node.selection_set, self._led_to(node, part), part.within)
                for node, part in group
                if node.selection_set is not None
            ]
            if parts:
                self._go_down(self._collect(parts), here)

    def _level(self, group: list[tuple[FieldNode, _Part]], level: _Level) -> _Level:
        if level.depth == 0 and any(node.name.value in _INTROSPECTION for node, _ in group):
            level = _Level(0, 0, INTROSPECTION_DEPTH, INTROSPECTION_LIST_DEPTH)
        depth = level.depth + 1
        lists = level.lists + any(self._is_list(node, part) for node, part in group)
        if depth > level.most_depth:
            raise too_complex("depth", level.most_depth, "Fields lie at most {} levels deep.")
        if lists > level.most_lists:
            raise too_complex("list_depth", level.most_lists, "Lists lie at most {} levels deep.")
        return _Level(depth, lists, level.most_depth, level.most_lists)

    def _led_to(self, node: FieldNode, part: _Part) -> GraphQLCompositeType | None:
        found = self.graph.get_field(part.parent, node.name.value) if part.parent is not None else None
        named = get_named_type(found.type) if found is not None else None
        return named if is_composite_type(named) else None

    def _is_list(self, node: FieldNode, part: _Part) -> bool:
        found = self.graph.get_field(part.parent, node.name.value) if part.parent is not None else None
        kind = found.type if found is not None else None
        while is_non_null_type(kind) or is_list_type(kind):
            if is_list_type(kind):
                return True
            kind = kind.of_type
        return False

    def _type(self, name: str) -> GraphQLCompositeType | None:
        kind = self.graph.get_type(name)
        return kind if is_composite_type(kind) else None


def _directives(node: Node) -> int:
    """Count the directives that stand in a definition, each where it stands."""
    count = len(getattr(node, "directives", None) or ())
    if isinstance(node, ExecutableDefinitionNode):
        count += sum(len(variable.directives or ()) for variable in node.variable_definitions or ())
    selections = getattr(node, "selection_set", None)
    return count + sum(_directives(child) for child in selections.selections) if selections else count
