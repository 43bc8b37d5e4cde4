"""Arguments of a field: coerced once per plan where they contain no variable, else once per request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, IntValueNode, VariableNode
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import ArgumentNode, ListValueNode, ObjectValueNode, ValueNode

NO_VARIABLES = VariableValues({}, {})


@dataclass(slots=True)
class FieldArguments:
    """The arguments of one field node. They are the same for all parents."""

    definition: GraphQLField
    node: FieldNode
    #: The coerced arguments, where none contains a variable.
    constant: Mapping[str, Any] | None = None
    #: By the host's argument names, the variables that are whole argument values. None if there is no variable, or one
    #: is inside a list or an object.
    variable_names: dict[str, str] | None = None
    _literals: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        arguments = self.node.arguments or ()
        if not any(_contains_variable(argument.value) for argument in arguments):
            self.constant = self._coerce(NO_VARIABLES)
        elif not any(_has_nested_variable(argument) for argument in arguments):
            self.variable_names = {
                self.definition.args[argument.name.value].out_name or argument.name.value: argument.value.name.value
                for argument in arguments
                if isinstance(argument.value, VariableNode)
            }
            present = {argument.name.value for argument in arguments}
            self._literals = self._coerce_defaults(present) | self._coerce_literals()

    def values(self, variables: VariableValues) -> Mapping[str, Any]:
        """Return the arguments under a request's variables. Raises GraphQLError for an invalid one."""
        if self.constant is not None:
            return self.constant
        if self.variable_names is not None:
            coerced = variables.coerced
            if all(name in coerced and coerced[name] is not None for name in self.variable_names.values()):
                return self._literals | {argument: coerced[name] for argument, name in self.variable_names.items()}
        # An omitted variable may have a default in the argument, and a null may be invalid for it.
        return self._coerce(variables)

    def int_literal(self, name: str) -> int | None:
        """Return the value of an argument that is an integer literal in the document, else None."""
        for argument in self.node.arguments or ():
            if argument.name.value == name and isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
        return None

    def _coerce(self, variables: VariableValues) -> dict[str, Any]:
        return get_argument_values(self.definition, self.node, variables)

    def _coerce_defaults(self, present: set[str]) -> dict[str, Any]:
        """Return the defaults of the arguments that the document omits."""
        node = FieldNode(name=self.node.name, arguments=())
        omitted = {name: argument for name, argument in self.definition.args.items() if name not in present}
        return get_argument_values(GraphQLField(self.definition.type, omitted), node, NO_VARIABLES)

    def _coerce_literals(self) -> dict[str, Any]:
        literals = tuple(each for each in self.node.arguments or () if not isinstance(each.value, VariableNode))
        definitions = {each.name.value: self.definition.args[each.name.value] for each in literals}
        node = FieldNode(name=self.node.name, arguments=literals)
        return get_argument_values(GraphQLField(self.definition.type, definitions), node, NO_VARIABLES)


def _contains_variable(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_contains_variable, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_contains_variable(each.value) for each in value.fields)
    return isinstance(value, VariableNode)


def _has_nested_variable(argument: ArgumentNode) -> bool:
    return not isinstance(argument.value, VariableNode) and _contains_variable(argument.value)
