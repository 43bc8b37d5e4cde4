"""Tests of variable coercion: its fast path agrees with graphql-core's own coercion."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values
from graphql_requests import SCHEMA

from benegraph.graphql.engine.limits import MAX_ERRORS
from benegraph.graphql.engine.variables import OperationVariables

GRAPHQL_SCHEMA = SCHEMA._schema


@pytest.mark.parametrize(
    ("declarations", "values"),
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
def test_variables_are_coerced_as_graphql_core_coerces_them(declarations: str, values: dict[str, Any]) -> None:
    node = parse(f"query Q{declarations} {{ viewer {{ __typename }} }}").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    definitions = node.variable_definitions or ()
    for suggests_names in (False, True):
        expected = get_variable_values(
            GRAPHQL_SCHEMA, definitions, values, MAX_ERRORS, hide_suggestions=not suggests_names
        )
        coerced = OperationVariables(GRAPHQL_SCHEMA, definitions).coerce(values, suggests_names=suggests_names)
        assert _comparable(coerced) == _comparable(expected)


def _comparable(coerced: Any) -> Any:
    if isinstance(coerced, list):
        assert all(isinstance(error, GraphQLError) for error in coerced)
        return [error.formatted for error in coerced]
    return coerced.coerced, {name: source.value for name, source in coerced.sources.items()}


def test_valid_values_are_coerced_and_invalid_ones_give_errors() -> None:
    """Prove that the comparison above distinguishes valid values from invalid ones."""
    node = parse("query Q($id: ID!) { viewer { __typename } }").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    variables = OperationVariables(GRAPHQL_SCHEMA, node.variable_definitions or ())
    coerced = variables.coerce({"id": "ee_1"})
    assert not isinstance(coerced, list)
    assert coerced.coerced == {"id": "ee_1"}
    assert isinstance(variables.coerce({"id": None}), list)
