"""Variables: a request's values, read as the types of its operation's variables say."""

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

MOST_ERRORS = 5


class Variables:
    """The variables of an operation. What is known of their types is found out once."""

    def __init__(self, graph: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._graph = graph
        self._definitions = definitions
        found = [get_variable_signature(graph, each) for each in definitions]
        signatures = [each for each in found if _is_bounded(each)]
        #: Where no value can be nested without end, for which graphql-core looks through each beforehand.
        self._signatures = signatures if len(signatures) == len(definitions) else None

    def read(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """Read what a request gives; the first few errors where it can't be."""
        read = self._read_good(given)
        if read is not None:
            return read
        return get_variable_values(self._graph, self._definitions, dict(given), MOST_ERRORS, hide_suggestions=True)

    def _read_good(self, given: Mapping[str, Any]) -> VariableValues | None:
        """Read values that are all there, and good; None for any others."""
        if self._signatures is None:
            return None
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature in self._signatures:
            name = signature.name
            value = given.get(name)
            if value is None:
                return None
            coerced[name] = coerce_input_value(value, signature.type)
            if coerced[name] is Undefined:
                return None
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, coerced)


def _is_bounded(signature: GraphQLVariableSignature | GraphQLError) -> TypeGuard[GraphQLVariableSignature]:
    return not isinstance(signature, GraphQLError) and _ends(signature.type, ())


def _ends(kind: GraphQLInputType, within: tuple[GraphQLNamedInputType, ...]) -> bool:
    named = get_named_type(kind)
    if not is_input_object_type(named):
        return True
    return named not in within and all(_ends(field.type, (*within, named)) for field in named.fields.values())
