"""The schema keeps what was promised, says what everything is, and stands in `schema.graphql` as it is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
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

from benegraph.domain.access import Action
from benegraph.graphql import schema as ours
from benegraph.graphql.types.fields import DerivedField, StoreField
from benegraph.graphql.types.node import NODE_TYPES, LookupField, NodeRef

ROOT = Path(__file__).parents[2]
CONTRACT = Path(__file__).with_name("contract.graphql")


@pytest.fixture(scope="module")
def graph() -> GraphQLSchema:
    return ours.build_schema()._schema


def test_the_printed_schema_is_up_to_date() -> None:
    assert (ROOT / "schema.graphql").read_text() == ours.print_sdl(), "run `benegraph export-schema > schema.graphql`"


def test_the_printed_schema_can_be_read_back(graph: GraphQLSchema) -> None:
    assert find_breaking_changes(graph, build_schema(ours.print_sdl())) == []


def test_the_contract_is_kept(graph: GraphQLSchema) -> None:
    promised = build_schema(CONTRACT.read_text())
    assert [change.description for change in find_breaking_changes(promised, graph)] == []


def test_the_comparison_would_notice(graph: GraphQLSchema) -> None:
    narrower = build_schema(ours.print_sdl().replace("  issuedOn: Date!\n", "  madeOn: Date!\n"))
    noticed = [change.description for change in find_breaking_changes(graph, narrower)]
    assert len(noticed) == 1
    assert "Enrollment.issuedOn was removed" in noticed[0]


def test_every_mutation_is_an_action_with_its_rights(graph: GraphQLSchema) -> None:
    assert graph.mutation_type is not None
    assert set(graph.mutation_type.fields) == set(Action)


def test_everything_has_a_description(graph: GraphQLSchema) -> None:
    silent = [name for name, thing in _everything(graph) if not (thing.description or "").strip()]
    assert silent == []


def test_descriptions_are_sentences(graph: GraphQLSchema) -> None:
    described = [(name, thing.description) for name, thing in _everything(graph) if thing.description]
    ours_alone = [(name, said) for name, said in described if name not in specified_scalar_types]
    assert [name for name, said in ours_alone if not re.match(r"[A-Z`]", said) or not said.endswith(".")] == []


def test_every_node_has_a_kind_of_id(graph: GraphQLSchema) -> None:
    interface = graph.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert {type_.name for type_ in graph.get_possible_types(interface)} == {name for name, _ in NODE_TYPES.values()}


def test_edges_can_be_found_by_another_executor(graph: GraphQLSchema) -> None:
    enrollment, query = graph.type_map["Enrollment"], graph.type_map["Query"]
    assert isinstance(enrollment, GraphQLObjectType)
    assert isinstance(query, GraphQLObjectType)
    plan = enrollment.fields["selectedPlan"].extensions["strawberry-definition"]
    window = enrollment.fields["electionWindow"].extensions["strawberry-definition"]
    employees = query.fields["employees"].extensions["strawberry-definition"]
    employee = query.fields["employee"].extensions["strawberry-definition"]
    subscriber = query.fields["subscriber"].extensions["strawberry-definition"]
    assert isinstance(plan, StoreField)
    assert plan.key == "selected_plan_id"
    assert isinstance(window, DerivedField)
    assert isinstance(employees, StoreField)
    assert employees.filter_argument is not None
    assert employees.filter_argument.name == "filter"
    assert isinstance(employee, LookupField)
    assert isinstance(subscriber, LookupField)
    batch = subscriber.batches["Subscriber"]
    assert subscriber.find_ref(None, "S-1") == NodeRef("Subscriber", batch, "S-1")


# ---------------------------------------------------------------------------------------------------- helpers


def _everything(graph: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    for name, type_ in graph.type_map.items():
        if name.startswith("__"):
            continue
        yield name, type_
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", each) for value, each in type_.values.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", field
                for argument_name, argument in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument_name})", argument
