"""Arguments: what a field is called with, read from its node once where no variable stands in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, IntValueNode, VariableNode
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import ArgumentNode, ListValueNode, ObjectValueNode, ValueNode

NO_VARIABLES = VariableValues({}, {})


@dataclass(slots=True)
class Called:
    """How one field is called. Its arguments are the same for all parents, and computed once a run."""

    declared: GraphQLField
    node: FieldNode
    #: The arguments, where no variable stands in them.
    fixed: Mapping[str, Any] | None = None
    #: The variables that are arguments as they are, by the names the host gives these; None where one stands deeper.
    direct: dict[str, str] | None = field(default=None)
    _constant: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.node.arguments or ()
        if not any(_holds_variable(argument.value) for argument in given):
            self.fixed = self._read(NO_VARIABLES)
        elif not any(_is_deep(argument) for argument in given):
            self.direct = {
                self.declared.args[argument.name.value].out_name or argument.name.value: argument.value.name.value
                for argument in given
                if isinstance(argument.value, VariableNode)
            }
            self._constant = self._usual({argument.name.value for argument in given}) | self._literals()

    def arguments(self, variables: VariableValues) -> Mapping[str, Any]:
        """Give the arguments under a request's variables. Raises GraphQLError where one can't be."""
        if self.fixed is not None:
            return self.fixed
        if self.direct is not None:
            coerced = variables.coerced
            if all(name in coerced and coerced[name] is not None for name in self.direct.values()):
                return self._constant | {argument: coerced[name] for argument, name in self.direct.items()}
        # One that was not given may have a default, and null may be no value for it.
        return self._read(variables)

    def number(self, name: str) -> int | None:
        """Give a whole number that stands in the text itself."""
        for argument in self.node.arguments or ():
            if argument.name.value == name and isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
        return None

    def _read(self, variables: VariableValues) -> dict[str, Any]:
        return get_argument_values(self.declared, self.node, variables)

    def _usual(self, given: set[str]) -> dict[str, Any]:
        """Give the defaults of the arguments that stand not in the text."""
        node = FieldNode(name=self.node.name, arguments=())
        optional = {name: argument for name, argument in self.declared.args.items() if name not in given}
        return get_argument_values(GraphQLField(self.declared.type, optional), node, NO_VARIABLES)

    def _literals(self) -> dict[str, Any]:
        fixed = tuple(each for each in self.node.arguments or () if not isinstance(each.value, VariableNode))
        named = {each.name.value: self.declared.args[each.name.value] for each in fixed}
        node = FieldNode(name=self.node.name, arguments=fixed)
        return get_argument_values(GraphQLField(self.declared.type, named), node, NO_VARIABLES)


def _holds_variable(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_holds_variable, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_holds_variable(each.value) for each in value.fields)
    return isinstance(value, VariableNode)


def _is_deep(argument: ArgumentNode) -> bool:
    return not isinstance(argument.value, VariableNode) and _holds_variable(argument.value)
