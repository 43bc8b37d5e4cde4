"""Selection sets: which fields an operation selects on an object, with fragments spread and directives applied."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from benegraph.execution.plan.declarations import UnsupportedOperation

#: The nodes of each selected field by its response name, in the order of the response.
SelectedFields = dict[str, list[FieldNode]]


@dataclass(frozen=True, slots=True)
class SelectionContext:
    """The context in which fields are collected: the fragments, and the values of the variables in directives.

    Where `condition_values` is None, a field with a variable in its directive counts as selected.
    """

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    condition_values: Mapping[str, Any] | None

    def collect_fields(
        self, object_type: GraphQLObjectType, selection_sets: Iterable[SelectionSetNode]
    ) -> SelectedFields:
        """Collect the fields that are selected on an object of a type."""
        fields: SelectedFields = {}
        visited_fragments: set[str] = set()
        for selection_set in selection_sets:
            self._collect(object_type, selection_set, fields, visited_fragments)
        return fields

    def _collect(
        self,
        object_type: GraphQLObjectType,
        selection_set: SelectionSetNode,
        fields: SelectedFields,
        visited_fragments: set[str],
    ) -> None:
        for node in selection_set.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in visited_fragments:
                    continue
                visited_fragments.add(node.name.value)
                fragment: Any = self.fragments[node.name.value]
            else:
                fragment = node
            if fragment.type_condition is None or self._matches(object_type, fragment.type_condition.name.value):
                self._collect(object_type, fragment.selection_set, fields, visited_fragments)

    def _matches(self, object_type: GraphQLObjectType, condition: str) -> bool:
        condition_type = self.schema.get_type(condition)
        return condition_type is object_type or (
            is_abstract_type(condition_type) and self.schema.is_sub_type(condition_type, object_type)
        )

    def _is_included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name not in {"skip", "include"}:
                raise UnsupportedOperation("directive")
            value: Any = next(argument.value for argument in directive.arguments or () if argument.name.value == "if")
            if not isinstance(value, VariableNode):
                condition = value.value
            elif self.condition_values is None:
                continue
            elif (condition := self.condition_values[value.name.value]) is None:
                # Null for `if: Boolean!` is an error of the parent field, which a plan cannot report.
                raise UnsupportedOperation("condition")
            if condition is (name == "skip"):
                return False
        return True


def child_selection_sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    """Return the selection sets beneath a field that several nodes may select."""
    return [node.selection_set for node in nodes if node.selection_set is not None]


def directive_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """Return the sorted names of the variables in `@skip` and `@include`. Their values are the key of a plan.

    Raises UnsupportedOperation for a directive with any other argument.
    """
    selections = iter_selections(operation, fragments)
    return tuple(sorted({name for node in selections for name in _directive_variables(node)}))


def iter_selections(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[SelectionNode]:
    """Iterate over all selections of an operation, at any depth and in no order; each fragment's occur once."""
    visited_fragments: set[str] = set()
    pending = [operation.selection_set]
    while pending:
        for node in pending.pop().selections:
            yield node
            parent: Any = node
            if isinstance(node, FragmentSpreadNode):
                # Otherwise, fragments that each spread the next one twice would take exponential time.
                if node.name.value in visited_fragments:
                    continue
                visited_fragments.add(node.name.value)
                parent = fragments[node.name.value]
            if parent.selection_set is not None:
                pending.append(parent.selection_set)


def _directive_variables(node: SelectionNode) -> Iterator[str]:
    for directive in node.directives or ():
        for argument in directive.arguments or ():
            if isinstance(argument.value, VariableNode):
                yield argument.value.name.value
            elif not isinstance(argument.value, BooleanValueNode):
                raise UnsupportedOperation("directive")
