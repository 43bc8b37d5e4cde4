"""Deprecated elements: each names its successor, introspection shows them, and their use in documents is found."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from both_executors import make_executor_pair
from graphql import build_schema, parse, validate
from graphql_requests import SCHEMA

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.deprecations import find_deprecated_elements
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
#: The deprecated elements of the schema, each with its successor.
SUCCESSORS = {"Query.tenantSettings": "Viewer.tenantSettings"} | {
    f"{type_name}.{payer}ContributionCents": f"{type_name}.{payer}Cents"
    for type_name in ("PlanYearParticipation", "TierParticipation", "PlanParticipation")
    for payer in ("employee", "employer")
}
EXAMPLE = build_schema("""
    directive @old(by: Tier, key: Key) on FIELD
    enum Tier { GOLD LEAD @deprecated(reason: "Use `Tier.GOLD`.") }
    input Key { id: ID, number: String @deprecated(reason: "Use `Key.id`."), nested: [Key!], tiers: [Tier!] }
    type Plan { name(short: Boolean, long: Boolean @deprecated(reason: "Omit it.")): String, plan: Plan }
    type Query { plan(key: Key): Plan, old(name: String): Plan @deprecated(reason: "Use `Query.plan`.") }
""")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ plan(key: {id: 1}) { name(short: true) } }", []),
        ("{ old { name } }", ["Query.old"]),
        ('{ alias: old(name: "LEAD") { plan { name } } }', ["Query.old"]),
        ("{ plan { name(long: true) } }", ["Plan.name(long:)"]),
        ('{ plan(key: {number: "1"}) { name } }', ["Key.number"]),
        ("{ plan(key: {nested: [{nested: {tiers: [GOLD, LEAD]}}]}) { name } }", ["Tier.LEAD"]),
        ("{ plan { ...F } } fragment F on Plan { plan { ... { name(long: true) } } }", ["Plan.name(long:)"]),
        ('query($key: Key = {number: "1"}) { plan(key: $key) { name } }', ["Key.number"]),
        ("query($key: Key) { plan(key: $key) { name } }", []),
        ("{ plan { name @old(by: LEAD) } }", ["Tier.LEAD"]),
        (
            '{ plan { name(short: true) @old(key: {number: "1"}) plan { name(long: true) } } }',
            ["Key.number", "Plan.name(long:)"],
        ),
        ("{ b: old { name } a: old { name } plan { name(long: false) } }", ["Plan.name(long:)", "Query.old"]),
        ("{ __typename __schema { queryType { name } } plan { __typename } }", []),
    ],
)
def test_deprecated_elements_of_a_document_are_found(text: str, expected: list[str]) -> None:
    document = parse(text)
    assert validate(EXAMPLE, document) == []
    assert list(find_deprecated_elements(EXAMPLE, document)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ tenantSettings { autoPaidThrough } }", ("Query.tenantSettings",)),
        ("{ viewer { tenantSettings { autoPaidThrough } } }", ()),
    ],
)
def test_operation_of_a_document_knows_its_deprecated_elements(text: str, expected: tuple[str, ...]) -> None:
    documents = DocumentCache(SCHEMA)
    document = documents.parse(text)
    documents.validate(text, document)
    operation = document.find_operation(None)
    assert operation is not None
    assert operation.deprecated == expected


async def introspect(*, include: bool) -> dict[str, Any]:
    """Return each field of the query type with the reason of its deprecation. Both executors return the same."""
    query = """query($include: Boolean!) {
      __type(name: "Query") { fields(includeDeprecated: $include) { name isDeprecated deprecationReason } }
    }"""
    no_database = Database(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none"))
    pair = make_executor_pair()
    responses = []
    for documents in (pair.strawberry, pair.breadth_first):
        context = Context(no_database, Viewer("acme", "key_x", Role.ADMINISTRATOR), Clock(NOW), "request-1")
        response = await execute(documents, context, GraphQLRequest(query, {"include": include}))
        responses.append(response["data"]["__type"]["fields"])
    assert responses[0] == responses[1]
    return {field["name"]: field for field in responses[0]}


async def test_introspection_shows_deprecated_fields_on_request() -> None:
    with_deprecated, without = await introspect(include=True), await introspect(include=False)
    assert set(with_deprecated) - set(without) == {"tenantSettings"}
    assert with_deprecated["tenantSettings"] == {
        "name": "tenantSettings",
        "isDeprecated": True,
        "deprecationReason": "Use `Viewer.tenantSettings`, which has the same value.",
    }


def test_each_deprecated_element_names_its_successor() -> None:
    schema = SCHEMA._schema
    reasons = {}
    for type_ in schema.type_map.values():
        elements = dict(getattr(type_, "fields", {})) | dict(getattr(type_, "values", {}))
        for name, element in elements.items():
            reasons[f"{type_.name}.{name}"] = element.deprecation_reason
            for argument_name, argument in getattr(element, "args", {}).items():
                reasons[f"{type_.name}.{name}({argument_name}:)"] = argument.deprecation_reason
    deprecated = {
        coordinate: reason for coordinate, reason in reasons.items() if reason and not coordinate.startswith("__")
    }
    named = {coordinate: re.match(r"Use `([\w.]+)`", reason) for coordinate, reason in deprecated.items()}
    assert {coordinate: match and match[1] for coordinate, match in named.items()} == SUCCESSORS
    assert set(SUCCESSORS.values()) <= {coordinate for coordinate, reason in reasons.items() if reason is None}
