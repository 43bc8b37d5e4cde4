"""Arguments are converted as Strawberry converts them, those of every field and mutation there is."""

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

FIELDS = {
    f"{kind.name}.{name}": found
    for kind in SCHEMA._schema.type_map.values()
    if isinstance(kind, GraphQLObjectType)
    for name, found in kind.fields.items()
    if found.args and isinstance(found.extensions.get("strawberry-definition"), StrawberryField)
}
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "ID": st.sampled_from(["ee_1", "plan_2"]),
    "String": st.text(max_size=3),
    "Int": st.integers(-5, 5),
    "Boolean": st.booleans(),
    "Cents": st.integers(0, 9),
    "Date": st.sampled_from(["2026-02-28", "2028-02-29"]),
    "DateTime": st.sampled_from(["2026-02-28T10:00:00Z"]),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Make values that a client might send."""
    if isinstance(kind, GraphQLNonNull):
        return bare(kind.of_type)
    return st.none() | bare(kind)


def bare(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLList):
        return st.lists(values_of(kind.of_type), max_size=2)
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from([*kind.values])
    if isinstance(kind, GraphQLInputObjectType):
        must = {name for name, each in kind.fields.items() if is_required_input_field(each)}
        return some_of({name: each.type for name, each in kind.fields.items()}, must)
    return LEAVES[kind.name]


def some_of(kinds: dict[str, Any], must: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    strategies = {name: values_of(kind) for name, kind in kinds.items()}
    optional = {name: strategy for name, strategy in strategies.items() if name not in must}
    return st.fixed_dictionaries({name: strategies[name] for name in must}, optional=optional)


@pytest.mark.parametrize("name", FIELDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_they_are_converted_alike(name: str, data: st.DataObject) -> None:
    found: GraphQLField = FIELDS[name]
    told: StrawberryField = found.extensions["strawberry-definition"]
    must = {name for name, each in found.args.items() if is_required_argument(each)}
    sent = data.draw(some_of({name: each.type for name, each in found.args.items()}, must))
    read = {name: coerce_input_value(value, found.args[name].type) for name, value in sent.items()}
    assert not any(value is Undefined for value in read.values())
    registry = SCHEMA.schema_converter.scalar_registry
    assert build_argument_converter(told.arguments, SCHEMA)(read) == convert_arguments(
        read, told.arguments, registry, SCHEMA.config
    )


def test_every_mutation_is_among_them() -> None:
    assert SCHEMA._schema.mutation_type is not None
    assert {f"Mutation.{name}" for name in SCHEMA._schema.mutation_type.fields} <= FIELDS.keys()


def test_a_list_is_the_callers_own() -> None:
    """A default is the same list for all requests."""
    told = FIELDS["Query.nodes"].extensions["strawberry-definition"]
    given_ids = ["ee_1"]
    converted = build_argument_converter(told.arguments, SCHEMA)({"ids": given_ids})
    assert converted == {"ids": given_ids}
    assert converted["ids"] is not given_ids
