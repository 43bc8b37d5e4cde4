"""Input conversion agrees with Strawberry's own, for the arguments of every field and mutation."""

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    Undefined,
    is_required_argument,
    is_required_input_field,
)
from graphql.utilities import coerce_input_value
from graphql_requests import SCHEMA
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from benegraph.graphql.engine.input_conversion import build_argument_converter

#: Every field that has arguments, by `Type.field`.
FIELDS = {
    f"{type_.name}.{name}": field
    for type_ in SCHEMA._schema.type_map.values()
    if isinstance(type_, GraphQLObjectType)
    for name, field in type_.fields.items()
    if field.args and isinstance(field.extensions.get("strawberry-definition"), StrawberryField)
}
SCALAR_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "ID": st.sampled_from(["ee_1", "plan_2"]),
    "String": st.text(max_size=3),
    "Int": st.integers(-5, 5),
    "Boolean": st.booleans(),
    "Cents": st.integers(0, 9),
    "Date": st.sampled_from(["2026-02-28", "2028-02-29"]),
    "DateTime": st.sampled_from(["2026-02-28T10:00:00Z"]),
}


def values_of(type_: Any) -> st.SearchStrategy[Any]:
    """Generate values of an input type that a client might send."""
    if isinstance(type_, GraphQLNonNull):
        return non_null_values_of(type_.of_type)
    return st.none() | non_null_values_of(type_)


def non_null_values_of(type_: Any) -> st.SearchStrategy[Any]:
    if isinstance(type_, GraphQLList):
        return st.lists(values_of(type_.of_type), max_size=2)
    if isinstance(type_, GraphQLEnumType):
        return st.sampled_from([*type_.values])
    if isinstance(type_, GraphQLInputObjectType):
        if type_.is_one_of:
            members = type_.fields.items()
            return st.one_of(
                *(st.fixed_dictionaries({name: non_null_values_of(field.type)}) for name, field in members)
            )
        required = {name for name, field in type_.fields.items() if is_required_input_field(field)}
        return objects_of({name: field.type for name, field in type_.fields.items()}, required)
    return SCALAR_VALUES[type_.name]


def objects_of(types: dict[str, Any], required: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Generate objects with all required fields and some of the optional ones."""
    strategies = {name: values_of(type_) for name, type_ in types.items()}
    optional = {name: strategy for name, strategy in strategies.items() if name not in required}
    return st.fixed_dictionaries({name: strategies[name] for name in required}, optional=optional)


@pytest.mark.parametrize("name", FIELDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_arguments_are_converted_as_strawberry_converts_them(name: str, data: st.DataObject) -> None:
    field: GraphQLField = FIELDS[name]
    definition: StrawberryField = field.extensions["strawberry-definition"]
    required = {name for name, argument in field.args.items() if is_required_argument(argument)}
    values = data.draw(objects_of({name: argument.type for name, argument in field.args.items()}, required))
    coerced = {name: coerce_input_value(value, field.args[name].type) for name, value in values.items()}
    assert not any(value is Undefined for value in coerced.values())
    registry = SCHEMA.schema_converter.scalar_registry
    expected = convert_arguments(coerced, definition.arguments, registry, SCHEMA.config)
    assert build_argument_converter(definition.arguments, SCHEMA)(coerced) == expected


def test_every_mutation_is_compared() -> None:
    assert SCHEMA._schema.mutation_type is not None
    assert {f"Mutation.{name}" for name in SCHEMA._schema.mutation_type.fields} <= FIELDS.keys()


def test_list_is_copied() -> None:
    """A default value is one list for all requests, so a resolver must get its own copy."""
    definition = FIELDS["Query.nodes"].extensions["strawberry-definition"]
    ids = ["ee_1"]
    converted = build_argument_converter(definition.arguments, SCHEMA)({"ids": ids})
    assert converted == {"ids": ids}
    assert converted["ids"] is not ids
