"""The coercion of a request's variable values to the types that its operation declares."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from graphql import (
    GraphQLError,
    GraphQLInputType,
    GraphQLNamedInputType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
    is_input_object_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.utilities import coerce_input_value

from benegraph.graphql.engine.limits import MAX_ERRORS


class OperationVariables:
    """The variables of an operation. Their types are resolved once, for all requests."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self._definitions = definitions
        signatures = [
            signature
            for definition in definitions
            if _is_bounded(signature := get_variable_signature(schema, definition))
        ]
        #: None if a type is invalid or recursive. graphql-core's own coercion reports an invalid type, and an error for
        #: values of a recursive type that are nested too deeply.
        self._signatures = signatures if len(signatures) == len(definitions) else None

    def coerce(self, values: Mapping[str, Any], *, suggests_names: bool = False) -> VariableValues | list[GraphQLError]:
        """Coerce a request's values; return the first few errors if some are invalid.

        The errors suggest names of the schema only if `suggests_names` is set.
        """
        coerced = self._coerce_complete(values)
        if coerced is not None:
            return coerced
        return get_variable_values(
            self._schema, self._definitions, dict(values), MAX_ERRORS, hide_suggestions=not suggests_names
        )

    def _coerce_complete(self, values: Mapping[str, Any]) -> VariableValues | None:
        """Coerce values that are all present and valid; return None for any others."""
        if self._signatures is None:
            return None
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature in self._signatures:
            name = signature.name
            value = values.get(name)
            if value is None:
                return None
            coerced[name] = coerce_input_value(value, signature.type)
            if coerced[name] is Undefined:
                return None
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, coerced)


def _is_bounded(signature: GraphQLVariableSignature | GraphQLError) -> TypeGuard[GraphQLVariableSignature]:
    return not isinstance(signature, GraphQLError) and not _is_recursive(signature.type, ())


def _is_recursive(type_: GraphQLInputType, parents: tuple[GraphQLNamedInputType, ...]) -> bool:
    named = get_named_type(type_)
    if not is_input_object_type(named):
        return False
    return named in parents or any(_is_recursive(field.type, (*parents, named)) for field in named.fields.values())
