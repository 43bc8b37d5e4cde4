"""Variables are read as graphql-core reads them, by whichever way."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values
from graphql_requests import SCHEMA

from benegraph.graphql.engine.variables import MOST_ERRORS, Variables

GRAPHQL_SCHEMA = SCHEMA._schema


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ("", {}),
        ("", {"left": "over"}),
        ("($id: ID!)", {"id": "ee_1"}),
        ("($id: ID!)", {"id": 7}),
        ("($id: ID!)", {"id": "ee_1", "left": "over"}),
        ("($id: ID!)", {"id": None}),
        ("($id: ID!)", {"id": ["ee_1"]}),
        ("($id: ID!)", {}),
        ("($id: ID)", {"id": None}),
        ("($id: ID)", {}),
        ('($id: ID = "ee_2")', {}),
        ('($id: ID = "ee_2")', {"id": "ee_1"}),
        ("($first: Int, $active: Boolean!)", {"first": 20, "active": False}),
        ("($first: Int, $active: Boolean!)", {"active": False}),
        ("($first: Int, $active: Boolean!)", {"first": True, "active": 1}),
        ("($first: Int)", {"first": 2.0}),
        ("($first: Int)", {"first": 2.5}),
        ("($first: Int)", {"first": 2**31}),
        ("($tier: CoverageTier!)", {"tier": "FAMILY"}),
        ("($tier: CoverageTier!)", {"tier": "FAMILIES"}),
        ("($on: Date!)", {"on": "2026-02-28"}),
        ("($on: Date!)", {"on": "2026-02-29"}),
        ("($ids: [ID!]!)", {"ids": ["ee_1", "ee_2"]}),
        ("($ids: [ID!]!)", {"ids": "ee_1"}),
        ("($input: ElectInput!)", {"input": {"employeeId": "ee_1", "elections": [], "idempotencyKey": "k"}}),
        ("($input: ElectInput!)", {"input": {"elections": 7}}),
        ("($input: ElectInput!)", {"input": {"employeeId": "ee_1", "elections": {"enrollmentId": "en_1"}}}),
        ("($input: ElectInput!)", {"input": {"employeeId": "ee_1", "elections": [], "left": "over"}}),
        ("($input: ElectInput!)", {"input": {"employeeId": None, "elections": []}}),
        ("($input: ElectInput!)", {"input": []}),
        (
            "($input: ElectInput!)",
            {
                "input": {
                    "employeeId": "ee_1",
                    "elections": [{"enrollmentId": "en_1", "decision": "WAIVED", "selectedPlanId": None}],
                }
            },
        ),
    ],
)
def test_they_are_read_as_graphql_core_reads_them(declared: str, given: dict[str, Any]) -> None:
    node = parse(f"query Q{declared} {{ viewer {{ __typename }} }}").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    definitions = node.variable_definitions or ()
    expected = get_variable_values(GRAPHQL_SCHEMA, definitions, given, MOST_ERRORS, hide_suggestions=True)
    read = Variables(GRAPHQL_SCHEMA, definitions).read(given)
    assert _told(read) == _told(expected)


def _told(read: Any) -> Any:
    if isinstance(read, list):
        assert all(isinstance(each, GraphQLError) for each in read)
        return [each.formatted for each in read]
    return read.coerced, {name: source.value for name, source in read.sources.items()}


def test_a_value_that_can_t_be_is_no_value() -> None:
    """The table above holds both kinds."""
    node = parse("query Q($id: ID!) { viewer { __typename } }").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    variables = Variables(GRAPHQL_SCHEMA, node.variable_definitions or ())
    read = variables.read({"id": "ee_1"})
    assert not isinstance(read, list)
    assert read.coerced == {"id": "ee_1"}
    assert isinstance(variables.read({"id": None}), list)
