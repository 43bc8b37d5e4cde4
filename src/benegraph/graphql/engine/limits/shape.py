"""The shape of a document: its depth, width and repetitions, checked first to bound the cost of validation."""

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

from benegraph.graphql.engine.limits import Limits, limit_error

#: Tools introspect deeper than other queries go, because an argument's type is wrapped in lists and non-nulls.
MAX_INTROSPECTION_DEPTH = 15
MAX_INTROSPECTION_LIST_DEPTH = 3
_INTROSPECTION_FIELDS = {"__schema", "__type"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A selection set, its parent type (None if unknown), and the fragments that enclose it."""

    selection_set: SelectionSetNode
    parent: GraphQLCompositeType | None
    enclosing_fragments: frozenset[str]


#: The fields that share a response name, each with the selection set it stands in.
_Group = list[tuple[FieldNode, _Part]]


@dataclass(frozen=True, slots=True)
class _Level:
    """The depth of a field, and the limits that apply to it."""

    depth: int
    list_depth: int
    max_depth: int
    max_list_depth: int


def check_shape(document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> None:
    """Reject a document that is too deep, too wide or too repetitive, valid or not. Raises TooComplex."""
    directives = sum(_count_directives(definition) for definition in document.definitions)
    if directives > limits.directives:
        message = f"The document has {directives} directives, more than {limits.directives}."
        raise limit_error("directives", limits.directives, message)
    checker = _ShapeChecker(document, schema, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            checker.check_operation(definition)
    for fragment in checker.unused_fragments():  # validation compares their fields too
        checker.check_fragment(fragment)


@dataclass(slots=True)
class _ShapeChecker:
    document: DocumentNode
    schema: GraphQLSchema
    limits: Limits
    field_count: int = 0
    alias_count: int = 0
    used_fragments: set[str] = field(default_factory=set)
    fragments: dict[str, FragmentDefinitionNode] = field(init=False)

    def __post_init__(self) -> None:
        definitions = self.document.definitions
        self.fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}

    def check_operation(self, operation: OperationDefinitionNode) -> None:
        limits = self.limits
        root = self.schema.get_root_type(operation.operation)
        groups = self._collect_fields([_Part(operation.selection_set, root, frozenset())])
        if operation.operation is OperationType.MUTATION:
            mutations = sum(any(node.name.value != "__typename" for node, _ in group) for group in groups.values())
            if mutations > limits.mutations:
                message = f"The operation has {mutations} mutations, more than {limits.mutations}."
                raise limit_error("mutations", limits.mutations, message)
        if len(groups) > limits.root_fields:
            message = f"The operation has {len(groups)} root fields, more than {limits.root_fields}."
            raise limit_error("root_fields", limits.root_fields, message)
        self._check_children(groups, _Level(0, 0, limits.depth, limits.list_depth))

    def check_fragment(self, fragment: FragmentDefinitionNode) -> None:
        parent = self._find_type(fragment.type_condition.name.value)
        part = _Part(fragment.selection_set, parent, frozenset({fragment.name.value}))
        groups = self._collect_fields([part])
        self._check_children(groups, _Level(0, 0, self.limits.depth, self.limits.list_depth))

    def unused_fragments(self) -> Iterator[FragmentDefinitionNode]:
        for name, fragment in self.fragments.items():
            if name not in self.used_fragments:
                yield fragment

    def _collect_fields(self, parts: Sequence[_Part]) -> dict[str, _Group]:
        """Group the fields of merged selection sets by response name, with fragments expanded."""
        groups: dict[str, _Group] = {}
        spread: set[str] = set()
        pending = list(reversed(parts))
        while pending:
            part = pending.pop()
            for node in part.selection_set.selections:
                if isinstance(node, FieldNode):
                    self._add_field(node, part, groups)
                elif isinstance(node, InlineFragmentNode):
                    parent = self._find_type(node.type_condition.name.value) if node.type_condition else part.parent
                    pending.append(_Part(node.selection_set, parent, part.enclosing_fragments))
                elif isinstance(node, FragmentSpreadNode):
                    name = node.name.value
                    fragment = self.fragments.get(name)
                    # Expanding a fragment within itself would never end; validation reports it.
                    if fragment is not None and name not in spread and name not in part.enclosing_fragments:
                        spread.add(name)
                        self.used_fragments.add(name)
                        parent = self._find_type(fragment.type_condition.name.value)
                        pending.append(_Part(fragment.selection_set, parent, part.enclosing_fragments | {name}))
        return groups

    def _add_field(self, node: FieldNode, part: _Part, groups: dict[str, _Group]) -> None:
        limits = self.limits
        self.field_count += 1
        if self.field_count > limits.fields:
            message = f"The document has more than {limits.fields} fields, counting those of every fragment spread."
            raise limit_error("fields", limits.fields, message)
        if node.alias is not None:
            self.alias_count += 1
            if self.alias_count > limits.aliases:
                message = f"The document has more than {limits.aliases} aliases."
                raise limit_error("aliases", limits.aliases, message)
        group = groups.setdefault(node.alias.value if node.alias else node.name.value, [])
        group.append((node, part))
        if len(group) > limits.duplicates:
            message = f"A selection set selects the same response name more than {limits.duplicates} times."
            raise limit_error("duplicates", limits.duplicates, message)

    def _check_children(self, groups: dict[str, _Group], parent_level: _Level) -> None:
        for group in groups.values():
            level = self._check_level(group, parent_level)
            parts = [
                _Part(node.selection_set, self._field_type(node, part), part.enclosing_fragments)
                for node, part in group
                if node.selection_set is not None
            ]
            if parts:
                self._check_children(self._collect_fields(parts), level)

    def _check_level(self, group: _Group, parent: _Level) -> _Level:
        if parent.depth == 0 and any(node.name.value in _INTROSPECTION_FIELDS for node, _ in group):
            parent = _Level(0, 0, MAX_INTROSPECTION_DEPTH, MAX_INTROSPECTION_LIST_DEPTH)
        depth = parent.depth + 1
        list_depth = parent.list_depth + any(self._is_list(node, part) for node, part in group)
        if depth > parent.max_depth:
            message = f"Fields are nested more than {parent.max_depth} levels deep."
            raise limit_error("depth", parent.max_depth, message)
        if list_depth > parent.max_list_depth:
            message = f"Lists are nested more than {parent.max_list_depth} levels deep."
            raise limit_error("list_depth", parent.max_list_depth, message)
        return _Level(depth, list_depth, parent.max_depth, parent.max_list_depth)

    def _field_type(self, node: FieldNode, part: _Part) -> GraphQLCompositeType | None:
        definition = self.schema.get_field(part.parent, node.name.value) if part.parent is not None else None
        named = get_named_type(definition.type) if definition is not None else None
        return named if is_composite_type(named) else None

    def _is_list(self, node: FieldNode, part: _Part) -> bool:
        definition = self.schema.get_field(part.parent, node.name.value) if part.parent is not None else None
        type_ = definition.type if definition is not None else None
        while is_non_null_type(type_) or is_list_type(type_):
            if is_list_type(type_):
                return True
            type_ = type_.of_type
        return False

    def _find_type(self, name: str) -> GraphQLCompositeType | None:
        type_ = self.schema.get_type(name)
        return type_ if is_composite_type(type_) else None


def _count_directives(node: Node) -> int:
    """Count the directives in a definition, without expanding fragments."""
    count = len(getattr(node, "directives", None) or ())
    if isinstance(node, ExecutableDefinitionNode):
        count += sum(len(variable.directives or ()) for variable in node.variable_definitions or ())
    selection_set = getattr(node, "selection_set", None)
    return count + sum(_count_directives(child) for child in selection_set.selections) if selection_set else count
