"""The schema matches `schema.graphql`, keeps the client contract, and describes every element."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from both_executors import make_executor_pair
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    specified_scalar_types,
)

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import DESCRIPTION, print_sdl
from benegraph.graphql.schema import build_schema as build_strawberry_schema
from benegraph.graphql.types.fields import ComputedField, StoreField
from benegraph.graphql.types.node import NODE_TYPES, LookupField, NodeRef

ROOT = Path(__file__).parents[2]
CONTRACT = Path(__file__).with_name("contract.graphql")
#: Introspection reads no row.
NO_DATABASE = Database(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none"))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_strawberry_schema()._schema


def test_schema_file_is_up_to_date() -> None:
    assert (ROOT / "schema.graphql").read_text() == print_sdl(), "run `benegraph export-schema > schema.graphql`"


def test_printed_schema_parses_to_the_same_schema(schema: GraphQLSchema) -> None:
    assert find_breaking_changes(schema, build_schema(print_sdl())) == []


def test_schema_has_no_breaking_changes_against_the_contract(schema: GraphQLSchema) -> None:
    contract = build_schema(CONTRACT.read_text())
    assert [change.description for change in find_breaking_changes(contract, schema)] == []


async def test_introspection_shows_description_and_formats_of_scalars() -> None:
    query = "{ __schema { description types { name specifiedByURL } } }"
    documents = make_executor_pair()
    viewer = Viewer("acme", "key_x", Role.ADMINISTRATOR)
    for executor in (documents.strawberry, documents.breadth_first):
        context = Context(NO_DATABASE, viewer, Clock(datetime(2026, 11, 20, tzinfo=UTC)), "request-1")
        response = await execute(executor, context, GraphQLRequest(query))
        introspected = response["data"]["__schema"]
        assert introspected["description"] == DESCRIPTION
        assert {each["name"]: each["specifiedByURL"] for each in introspected["types"] if each["specifiedByURL"]} == {
            "Cents": "https://www.rfc-editor.org/rfc/rfc8259#section-6",
            "Date": "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
            "DateTime": "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        }


def test_printed_schema_begins_with_its_description() -> None:
    printed = build_schema(print_sdl())
    assert printed.description == DESCRIPTION
    assert print_sdl().startswith('"""\nBenefits enrollment. Employers offer')
    assert 'scalar Cents @specifiedBy(url: "https://www.rfc-editor.org/rfc/rfc8259#section-6")' in print_sdl()


def test_schema_description_names_fields_that_exist(schema: GraphQLSchema) -> None:
    names = {name for type_ in schema.type_map.values() for name in getattr(type_, "fields", ())}
    mentioned = set(re.findall(r"`([a-zA-Z]+)`", DESCRIPTION))
    assert mentioned - {"errors"} <= names  # a member of the response
    assert len(mentioned) > 5


def test_comparison_detects_a_removed_field(schema: GraphQLSchema) -> None:
    changed = build_schema(print_sdl().replace("  issuedOn: Date!\n", "  madeOn: Date!\n"))
    changes = [change.description for change in find_breaking_changes(schema, changed)]
    assert len(changes) == 1
    assert "Enrollment.issuedOn was removed" in changes[0]


def test_every_mutation_has_an_action(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    assert set(schema.mutation_type.fields) == set(Action)


def test_every_element_has_a_description(schema: GraphQLSchema) -> None:
    undescribed = [name for name, element in _elements(schema) if not (element.description or "").strip()]
    assert undescribed == []


def test_descriptions_are_sentences(schema: GraphQLSchema) -> None:
    descriptions = [
        (name, element.description)
        for name, element in _elements(schema)
        if element.description and name not in specified_scalar_types
    ]
    assert [name for name, text in descriptions if not re.match(r"[A-Z`]", text) or not text.endswith(".")] == []


def test_every_node_type_has_an_id_prefix(schema: GraphQLSchema) -> None:
    interface = schema.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert {type_.name for type_ in schema.get_possible_types(interface)} == {name for name, _ in NODE_TYPES.values()}


def test_field_declarations_are_available_to_the_breadth_first_executor(schema: GraphQLSchema) -> None:
    enrollment, query = schema.type_map["Enrollment"], schema.type_map["Query"]
    assert isinstance(enrollment, GraphQLObjectType)
    assert isinstance(query, GraphQLObjectType)
    plan = enrollment.fields["selectedPlan"].extensions["strawberry-definition"]
    window = enrollment.fields["electionWindow"].extensions["strawberry-definition"]
    employees = query.fields["employees"].extensions["strawberry-definition"]
    employee = query.fields["employee"].extensions["strawberry-definition"]
    subscriber = query.fields["subscriber"].extensions["strawberry-definition"]
    assert isinstance(plan, StoreField)
    assert plan.key == "selected_plan_id"
    assert isinstance(window, ComputedField)
    assert isinstance(employees, StoreField)
    assert [argument.name for argument in employees.filter_arguments] == ["filter"]
    assert isinstance(employee, LookupField)
    assert isinstance(subscriber, LookupField)
    batch = subscriber.batches["Subscriber"]
    assert subscriber.find_ref(None, "S-1") == NodeRef("Subscriber", batch, "S-1")


def _elements(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name, type_
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value_name}", value) for value_name, value in type_.values.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", field
                for argument_name, argument in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument_name})", argument
