"""Arguments of fields are coerced as graphql-core does, and only once where they contain no variable."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from library import make_library
from library_executor import fetch_data

from benegraph.execution.plan.arguments import FieldArguments

SCHEMA = build_schema(
    """
    enum Color { RED BLUE }
    input Filter { shelf: Int = 1 colors: [Color!] not: Filter }
    type Query {
      plain: Int
      find(
        n: Int, defaultInt: Int = 5, color: Color, defaultColor: Color = BLUE, ids: [ID!], filter: Filter,
        defaultFilter: Filter = {shelf: 3}, requiredInt: Int! = 7
      ): Int
      findRequired(id: ID!): Int
    }
    """
)
#: The values of `find` where the document omits all arguments.
DEFAULTS = {"defaultInt": 5, "defaultColor": "BLUE", "defaultFilter": {"shelf": 3}, "requiredInt": 7}


def parse_arguments(query: str, schema: GraphQLSchema = SCHEMA) -> tuple[FieldArguments, Any]:
    """Return the arguments of an operation's first field, and a function that coerces the values of variables."""
    document = parse(query)
    assert validate(schema, document) == []
    operation = get_operation_ast(document)
    assert operation is not None
    node = operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    assert schema.query_type is not None

    def coerce(inputs: Mapping[str, Any]) -> VariableValues:
        values = get_variable_values(schema, operation.variable_definitions or (), dict(inputs))
        assert isinstance(values, VariableValues), values
        return values

    return FieldArguments(schema.query_type.fields[node.name.value], node), coerce


def check_values(query: str, inputs: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Check the arguments of an operation's first field, and that graphql-core coerces them to the same values."""
    field_arguments, coerce = parse_arguments(query)
    values = coerce(inputs)
    assert field_arguments.values(values) == expected
    assert field_arguments.values(values) == get_argument_values(
        field_arguments.definition, field_arguments.node, values
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ("(n: 1)", {"n": 1}),
        ("(n: null)", {"n": None}),
        ("(defaultInt: 6, requiredInt: 8)", {"defaultInt": 6, "requiredInt": 8}),
        ("(defaultInt: null)", {"defaultInt": None}),
        ("(color: RED)", {"color": "RED"}),
        ('(ids: ["a", 1])', {"ids": ["a", "1"]}),
        ('(ids: "a")', {"ids": ["a"]}),
        ("(ids: [])", {"ids": []}),
        ("(filter: {})", {"filter": {"shelf": 1}}),
        (
            "(filter: {shelf: null, not: {colors: [RED, BLUE]}})",
            {"filter": {"shelf": None, "not": {"shelf": 1, "colors": ["RED", "BLUE"]}}},
        ),
        ("(defaultFilter: {shelf: 9})", {"defaultFilter": {"shelf": 9}}),
    ],
)
def test_literals_and_defaults_are_coerced(arguments: str, expected: Mapping[str, Any]) -> None:
    check_values(f"{{ find{arguments} }}", {}, {**DEFAULTS, **expected})


@pytest.mark.parametrize(
    ("definitions", "arguments", "inputs", "expected"),
    [
        ("$v: Int", "n: $v", {"v": 4}, {"n": 4}),
        ("$v: Int", "n: $v", {"v": 0}, {"n": 0}),
        ("$v: Int", "n: $v", {"v": None}, {"n": None}),
        ("$v: Int", "n: $v", {}, {}),
        ("$v: Int = 2", "n: $v", {}, {"n": 2}),
        ("$v: Int = 2", "n: $v", {"v": None}, {"n": None}),
        ("$v: Int", "defaultInt: $v", {"v": 4}, {"defaultInt": 4}),
        ("$v: Int", "defaultInt: $v", {}, {}),  # the argument's default
        ("$v: Int", "defaultInt: $v", {"v": None}, {"defaultInt": None}),
        ("$v: Int = null", "defaultInt: $v", {}, {"defaultInt": None}),
        ("$v: Int", "requiredInt: $v", {"v": 4}, {"requiredInt": 4}),
        ("$v: Int", "requiredInt: $v", {}, {}),
        ("$v: Int", "n: $v, defaultInt: $v", {"v": 4}, {"n": 4, "defaultInt": 4}),
        ("$v: Int, $w: Int", "n: $v, defaultInt: $w", {"v": 4}, {"n": 4}),
        ("$v: Int, $w: Int", "defaultInt: $v, n: $w", {"v": 4, "w": None}, {"defaultInt": 4, "n": None}),
        ("$v: Int", 'n: $v, color: RED, ids: "a"', {"v": 4}, {"n": 4, "color": "RED", "ids": ["a"]}),
        ("$v: Color", "color: $v, defaultColor: RED", {"v": "BLUE"}, {"color": "BLUE", "defaultColor": "RED"}),
        ("$v: [ID!]", "ids: $v", {"v": "a"}, {"ids": ["a"]}),
        ("$v: Filter", "filter: $v", {"v": {"not": {}}}, {"filter": {"shelf": 1, "not": {"shelf": 1}}}),
    ],
)
def test_variables_as_whole_arguments_are_coerced(
    definitions: str, arguments: str, inputs: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    check_values(f"query ({definitions}) {{ find({arguments}) }}", inputs, {**DEFAULTS, **expected})


@pytest.mark.parametrize(
    ("definitions", "arguments", "inputs", "expected"),
    [
        ("$v: ID!", 'ids: ["a", $v]', {"v": "b"}, {"ids": ["a", "b"]}),
        ('$v: ID = "z"', "ids: [$v]", {}, {"ids": ["z"]}),
        ("$v: Int", "filter: {shelf: $v}", {"v": 2}, {"filter": {"shelf": 2}}),
        ("$v: Int", "filter: {shelf: $v}", {"v": None}, {"filter": {"shelf": None}}),
        ("$v: Int", "filter: {shelf: $v}", {}, {"filter": {"shelf": 1}}),  # counts as an omitted field
        ("$v: Filter", "filter: {not: $v}", {}, {"filter": {"shelf": 1}}),
        ("$v: Filter", "filter: {not: $v}", {"v": {}}, {"filter": {"shelf": 1, "not": {"shelf": 1}}}),
        (
            "$v: Color!, $n: Int",
            "n: $n, filter: {not: {not: {colors: [RED, $v]}}}",
            {"v": "BLUE", "n": 3},
            {"n": 3, "filter": {"shelf": 1, "not": {"shelf": 1, "not": {"shelf": 1, "colors": ["RED", "BLUE"]}}}},
        ),
    ],
)
def test_variables_within_lists_and_objects_are_coerced(
    definitions: str, arguments: str, inputs: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    check_values(f"query ({definitions}) {{ find({arguments}) }}", inputs, {**DEFAULTS, **expected})


@pytest.mark.parametrize(
    ("query", "position", "type_name"),
    [
        ('query ($v: ID = "a") { findRequired(id: $v) }', "'id' has invalid value", "ID!"),
        ('query ($v: ID = "a") { find(ids: [$v]) }', "'ids' has invalid value at [0]", "ID!"),
        (
            "query ($v: Color = RED) { find(filter: {not: {colors: [$v]}}) }",
            "'filter' has invalid value at .not.colors[0]",
            "Color!",
        ),
    ],
)
def test_null_variable_in_non_null_position_is_an_error(query: str, position: str, type_name: str) -> None:
    field_arguments, coerce = parse_arguments(query)
    assert field_arguments.values(coerce({}))
    with pytest.raises(GraphQLError) as raised:
        field_arguments.values(coerce({"v": None}))
    expected = f"Expected variable '$v' provided to non-null type '{type_name}' not to be None."
    assert raised.value.message == f"Argument {position}: {expected}"


def test_field_without_arguments_has_no_values() -> None:
    check_values("{ plain }", {}, {})


@pytest.mark.parametrize(
    ("query", "is_constant"), [("{ find(n: 1) }", True), ("query ($v: Int) { find(n: $v) }", False)]
)
def test_arguments_without_variables_are_coerced_once(query: str, is_constant: bool) -> None:
    field_arguments, coerce = parse_arguments(query)
    assert (field_arguments.values(coerce({"v": 1})) is field_arguments.values(coerce({"v": 2}))) == is_constant
    assert field_arguments.values(coerce({"v": 1}))["n"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("(n: 3)", 3), ("(n: -1)", -1), ("(n: null)", None), ("(n: $v)", None), ("(defaultInt: 3)", None), ("", None)],
)
def test_int_literal_is_known_without_coerce(arguments: str, expected: int | None) -> None:
    header = "query ($v: Int)" if "$v" in arguments else ""
    field_arguments, _ = parse_arguments(f"{header} {{ find{arguments} }}")
    assert field_arguments.int_literal("n") == expected


@pytest.mark.parametrize("query", ["{ find(theNumber: 3) }", "query ($v: Int) { find(theNumber: $v) }"])
def test_out_name_of_an_argument_is_used(query: str) -> None:
    arguments = {"theNumber": GraphQLArgument(GraphQLInt, out_name="the_number")}
    schema = GraphQLSchema(GraphQLObjectType("Query", {"find": GraphQLField(GraphQLInt, arguments)}))
    field_arguments, coerce = parse_arguments(query, schema)
    assert field_arguments.values(coerce({"v": 3})) == {"the_number": 3}


async def test_nested_fields_use_the_variables_of_the_request() -> None:
    query = """
    query ($first: Int, $genre: Genre, $since: Int) {
      authors(first: 2) {
        nodes { works(first: $first, filter: {genres: [POEMS, $genre], since: $since}) { nodes { id } totalCount } }
      }
    }
    """
    works = [{"nodes": [{"id": "b6"}], "totalCount": 1}, {"nodes": [{"id": "b2"}], "totalCount": 3}]
    assert await fetch_data(make_library(), query, {"first": 1, "genre": "NOVEL"}) == {
        "authors": {"nodes": [{"works": page} for page in works]}
    }
    works = [{"nodes": [{"id": "b6"}], "totalCount": 1}, {"nodes": [{"id": "b1"}, {"id": "b3"}], "totalCount": 2}]
    assert await fetch_data(make_library(), query, {"genre": "NOVEL", "since": 1816}) == {
        "authors": {"nodes": [{"works": page} for page in works]}
    }
