"""A validation rule of the GraphQL specification for `@oneOf` inputs, which graphql-core does not have yet."""

from typing import Any

from graphql import (
    GraphQLError,
    NonNullTypeNode,
    ObjectFieldNode,
    ValidationRule,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_input_object_type,
)


class OneOfVariablesRule(ValidationRule):
    """Reject a nullable variable as the value of a field of a `@oneOf` input: the value must not be null."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._definitions: dict[str, VariableDefinitionNode] = {}

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self._definitions[node.variable.name.value] = node

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        parent_type = get_named_type(self.context.get_parent_input_type())
        if not isinstance(node.value, VariableNode) or not is_input_object_type(parent_type):
            return
        definition = self._definitions.get(node.value.name.value)
        if parent_type.is_one_of and definition is not None and not isinstance(definition.type, NonNullTypeNode):
            message = (
                f"Variable '${node.value.name.value}' must be of a non-null type to be used in the OneOf Input Object"
                f" '{parent_type.name}'."
            )
            self.report_error(GraphQLError(message, [definition, node]))
