"""Arguments: what a field is called with, as graphql-core reads it, and how often it has to be read."""

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
from librarian import answer
from library import library

from benegraph.execution.plan.arguments import FieldArguments

GRAPH = build_schema(
    """
    enum Colour { RED BLUE }
    input Where { shelf: Int = 1 colours: [Colour!] not: Where }
    type Query {
      plain: Int
      find(
        n: Int, usual: Int = 5, colour: Colour, default: Colour = BLUE, ids: [ID!], where: Where,
        usually: Where = {shelf: 3}, sure: Int! = 7
      ): Int
      must(id: ID!): Int
    }
    """
)
#: What stands for an argument that nobody gave.
USUAL = {"usual": 5, "default": "BLUE", "usually": {"shelf": 3}, "sure": 7}


def called(text: str, graph: GraphQLSchema = GRAPH) -> tuple[FieldArguments, Any]:
    """Read how the first field of an operation is called; give what reads its variables too."""
    document = parse(text)
    assert validate(graph, document) == []
    operation = get_operation_ast(document)
    assert operation is not None
    node = operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    assert graph.query_type is not None

    def variables(given: Mapping[str, Any]) -> VariableValues:
        values = get_variable_values(graph, operation.variable_definitions or (), dict(given))
        assert isinstance(values, VariableValues), values
        return values

    return FieldArguments(graph.query_type.fields[node.name.value], node), variables


def check(text: str, given: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """See that a field is called with what is expected, and that graphql-core says so too."""
    found, variables = called(text)
    values = variables(given)
    assert found.values(values) == expected
    assert found.values(values) == get_argument_values(found.definition, found.node, values)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ("(n: 1)", {"n": 1}),
        ("(n: null)", {"n": None}),
        ("(usual: 6, sure: 8)", {"usual": 6, "sure": 8}),
        ("(usual: null)", {"usual": None}),
        ("(colour: RED)", {"colour": "RED"}),
        ('(ids: ["a", 1])', {"ids": ["a", "1"]}),
        ('(ids: "a")', {"ids": ["a"]}),
        ("(ids: [])", {"ids": []}),
        ("(where: {})", {"where": {"shelf": 1}}),
        (
            "(where: {shelf: null, not: {colours: [RED, BLUE]}})",
            {"where": {"shelf": None, "not": {"shelf": 1, "colours": ["RED", "BLUE"]}}},
        ),
        ("(usually: {shelf: 9})", {"usually": {"shelf": 9}}),
    ],
)
def test_literals_and_defaults(arguments: str, expected: Mapping[str, Any]) -> None:
    check(f"{{ find{arguments} }}", {}, {**USUAL, **expected})


@pytest.mark.parametrize(
    ("declared", "arguments", "given", "expected"),
    [
        ("$v: Int", "n: $v", {"v": 4}, {"n": 4}),
        ("$v: Int", "n: $v", {"v": 0}, {"n": 0}),
        ("$v: Int", "n: $v", {"v": None}, {"n": None}),
        ("$v: Int", "n: $v", {}, {}),
        ("$v: Int = 2", "n: $v", {}, {"n": 2}),
        ("$v: Int = 2", "n: $v", {"v": None}, {"n": None}),
        ("$v: Int", "usual: $v", {"v": 4}, {"usual": 4}),
        ("$v: Int", "usual: $v", {}, {}),  # its own default
        ("$v: Int", "usual: $v", {"v": None}, {"usual": None}),
        ("$v: Int = null", "usual: $v", {}, {"usual": None}),
        ("$v: Int", "sure: $v", {"v": 4}, {"sure": 4}),
        ("$v: Int", "sure: $v", {}, {}),
        ("$v: Int", "n: $v, usual: $v", {"v": 4}, {"n": 4, "usual": 4}),
        ("$v: Int, $w: Int", "n: $v, usual: $w", {"v": 4}, {"n": 4}),
        ("$v: Int, $w: Int", "usual: $v, n: $w", {"v": 4, "w": None}, {"usual": 4, "n": None}),
        ("$v: Int", 'n: $v, colour: RED, ids: "a"', {"v": 4}, {"n": 4, "colour": "RED", "ids": ["a"]}),
        ("$v: Colour", "colour: $v, default: RED", {"v": "BLUE"}, {"colour": "BLUE", "default": "RED"}),
        ("$v: [ID!]", "ids: $v", {"v": "a"}, {"ids": ["a"]}),
        ("$v: Where", "where: $v", {"v": {"not": {}}}, {"where": {"shelf": 1, "not": {"shelf": 1}}}),
    ],
)
def test_variables_as_arguments(
    declared: str, arguments: str, given: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    check(f"query ({declared}) {{ find({arguments}) }}", given, {**USUAL, **expected})


@pytest.mark.parametrize(
    ("declared", "arguments", "given", "expected"),
    [
        ("$v: ID!", 'ids: ["a", $v]', {"v": "b"}, {"ids": ["a", "b"]}),
        ('$v: ID = "z"', "ids: [$v]", {}, {"ids": ["z"]}),
        ("$v: Int", "where: {shelf: $v}", {"v": 2}, {"where": {"shelf": 2}}),
        ("$v: Int", "where: {shelf: $v}", {"v": None}, {"where": {"shelf": None}}),
        ("$v: Int", "where: {shelf: $v}", {}, {"where": {"shelf": 1}}),  # as if it were not there
        ("$v: Where", "where: {not: $v}", {}, {"where": {"shelf": 1}}),
        ("$v: Where", "where: {not: $v}", {"v": {}}, {"where": {"shelf": 1, "not": {"shelf": 1}}}),
        (
            "$v: Colour!, $n: Int",
            "n: $n, where: {not: {not: {colours: [RED, $v]}}}",
            {"v": "BLUE", "n": 3},
            {"n": 3, "where": {"shelf": 1, "not": {"shelf": 1, "not": {"shelf": 1, "colours": ["RED", "BLUE"]}}}},
        ),
    ],
)
def test_variables_deep_in_lists_and_objects(
    declared: str, arguments: str, given: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    check(f"query ({declared}) {{ find({arguments}) }}", given, {**USUAL, **expected})


@pytest.mark.parametrize(
    ("text", "place", "kind"),
    [
        ('query ($v: ID = "a") { must(id: $v) }', "'id' has invalid value", "ID!"),
        ('query ($v: ID = "a") { find(ids: [$v]) }', "'ids' has invalid value at [0]", "ID!"),
        (
            "query ($v: Colour = RED) { find(where: {not: {colours: [$v]}}) }",
            "'where' has invalid value at .not.colours[0]",
            "Colour!",
        ),
    ],
)
def test_null_where_it_may_not_be_is_an_error(text: str, place: str, kind: str) -> None:
    found, variables = called(text)
    assert found.values(variables({}))
    with pytest.raises(GraphQLError) as raised:
        found.values(variables({"v": None}))
    expected = f"Expected variable '$v' provided to non-null type '{kind}' not to be None."
    assert raised.value.message == f"Argument {place}: {expected}"


def test_a_field_without_arguments_is_called_with_none() -> None:
    check("{ plain }", {}, {})


@pytest.mark.parametrize(("text", "is_fixed"), [("{ find(n: 1) }", True), ("query ($v: Int) { find(n: $v) }", False)])
def test_without_variables_arguments_are_read_once(text: str, is_fixed: bool) -> None:
    found, variables = called(text)
    assert (found.values(variables({"v": 1})) is found.values(variables({"v": 2}))) == is_fixed
    assert found.values(variables({"v": 1}))["n"] == 1


@pytest.mark.parametrize(
    ("arguments", "number"),
    [("(n: 3)", 3), ("(n: -1)", -1), ("(n: null)", None), ("(n: $v)", None), ("(usual: 3)", None), ("", None)],
)
def test_a_number_is_known_beforehand_where_it_stands_in_the_text(arguments: str, number: int | None) -> None:
    head = "query ($v: Int)" if "$v" in arguments else ""
    found, _ = called(f"{head} {{ find{arguments} }}")
    assert found.int_literal("n") == number


@pytest.mark.parametrize("text", ["{ find(theNumber: 3) }", "query ($v: Int) { find(theNumber: $v) }"])
def test_an_argument_may_have_another_name_in_python(text: str) -> None:
    arguments = {"theNumber": GraphQLArgument(GraphQLInt, out_name="the_number")}
    graph = GraphQLSchema(GraphQLObjectType("Query", {"find": GraphQLField(GraphQLInt, arguments)}))
    found, variables = called(text, graph)
    assert found.values(variables({"v": 3})) == {"the_number": 3}


async def test_arguments_of_a_field_beneath_are_those_of_the_request() -> None:
    text = """
    query ($first: Int, $genre: Genre, $since: Int) {
      authors(first: 2) {
        nodes { works(first: $first, which: {genres: [POEMS, $genre], since: $since}) { nodes { id } totalCount } }
      }
    }
    """
    both = [{"nodes": [{"id": "b6"}], "totalCount": 1}, {"nodes": [{"id": "b2"}], "totalCount": 3}]
    assert await answer(library(), text, {"first": 1, "genre": "NOVEL"}) == {
        "authors": {"nodes": [{"works": works} for works in both]}
    }
    both = [{"nodes": [{"id": "b6"}], "totalCount": 1}, {"nodes": [{"id": "b1"}, {"id": "b3"}], "totalCount": 2}]
    assert await answer(library(), text, {"genre": "NOVEL", "since": 1816}) == {
        "authors": {"nodes": [{"works": works} for works in both]}
    }
