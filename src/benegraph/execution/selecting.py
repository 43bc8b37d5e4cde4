"""Selecting: which fields an operation asks of an object, its fragments spread and its directives decided."""

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

from benegraph.execution.declarations import Uncovered

#: By the names they answer to, the nodes of each field, in the order of the answer.
Fields = dict[str, list[FieldNode]]


@dataclass(frozen=True, slots=True)
class Selecting:
    """What decides a selection: the fragments by their names, and the values of the variables in directives.

    Where `conditions` is None, what a variable decides counts as there.
    """

    graph: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    conditions: Mapping[str, Any] | None

    def fields(self, kind: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> Fields:
        """Gather the fields that are asked of an object of a kind."""
        fields: Fields = {}
        spread: set[str] = set()
        for each in sets:
            self._gather(kind, each, fields, spread)
        return fields

    def beneath(self, nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
        """Give what is selected beneath a field that several nodes ask for."""
        return [node.selection_set for node in nodes if node.selection_set is not None]

    def _gather(self, kind: GraphQLObjectType, selections: SelectionSetNode, fields: Fields, spread: set[str]) -> None:
        for node in selections.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
                held: Any = self.fragments[node.name.value]
            else:
                held = node
            if held.type_condition is None or self._fits(kind, held.type_condition.name.value):
                self._gather(kind, held.selection_set, fields, spread)

    def _fits(self, kind: GraphQLObjectType, name: str) -> bool:
        wanted = self.graph.get_type(name)
        return wanted is kind or (is_abstract_type(wanted) and self.graph.is_sub_type(wanted, kind))

    def _is_included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name not in {"skip", "include"}:
                raise Uncovered("directive")
            value: Any = next(argument.value for argument in directive.arguments or () if argument.name.value == "if")
            if not isinstance(value, VariableNode):
                chosen = value.value
            elif self.conditions is None:
                continue
            elif (chosen := self.conditions[value.name.value]) is None:  # an error of the field above
                raise Uncovered("condition")
            if chosen is (name == "skip"):
                return False
        return True


def conditions_of(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """Name the variables that decide what of an operation is left out, sorted: their values are a plan's key."""
    return tuple(sorted({name for node in selections_of(operation, fragments) for name in _variables(node)}))


def selections_of(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[SelectionNode]:
    """Give all that an operation selects, at any depth and in no order, what a fragment holds once."""
    spread: set[str] = set()
    waiting = [operation.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            yield node
            held: Any = node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:  # fragments that spread two others each would have no end
                    continue
                spread.add(node.name.value)
                held = fragments[node.name.value]
            if held.selection_set is not None:
                waiting.append(held.selection_set)


def _variables(node: SelectionNode) -> Iterator[str]:
    for directive in node.directives or ():
        for argument in directive.arguments or ():
            if isinstance(argument.value, VariableNode):
                yield argument.value.name.value
            elif not isinstance(argument.value, BooleanValueNode):
                raise Uncovered("directive")
