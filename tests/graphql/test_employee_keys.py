"""`employeeByKey`: each key finds the employee in both executors, and exactly one key is accepted."""

from dataclasses import replace
from typing import Any

import pytest
from both_executors import ExecutorPair, make_executor_pair, run_executor
from graphql import GraphQLInputObjectType
from graphql_requests import SCHEMA, record_statements

from benegraph.db.session import Database
from benegraph.domain.access import Action
from benegraph.graphql.engine.execute import GraphQLRequest
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.coverage import make_subscriber
from factories.employers import make_employer
from factories.office import Office, create_office

BY_VARIABLE = "query($key: EmployeeKey!) { employeeByKey(key: $key) { id } }"
EXACTLY_ONE = (
    "Within OneOf Input Object type 'EmployeeKey', exactly one field must be specified, and the value for that field"
    " must be non-null."
)


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


@pytest.fixture
def pair() -> ExecutorPair:
    return make_executor_pair()


async def find(office: Office, pair: ExecutorPair, key: Any, query: str = BY_VARIABLE) -> Any:
    """Execute a query with a key by both executors. Return the data of its field, or the messages of the errors."""
    request = GraphQLRequest(query, {"key": key} if "$key" in query else {})
    body = await pair.compare_query(office.database, office.viewer, office.clock(), request)
    return [error["message"] for error in body["errors"]] if "errors" in body else body["data"]["employeeByKey"]


# ------------------------------------------------------------------------------------------------------------- keys


async def test_each_key_finds_the_employee(office: Office, pair: ExecutorPair) -> None:
    ada, bob = await office.hire("Ada", external_id="E-7"), await office.hire("Bob", external_id="e-7")
    await make_subscriber(office, "S-1", ada)
    keys: list[dict[str, Any]] = [
        {"id": ada},
        {"external": {"employerId": office.employer, "externalId": "E-7"}},
        {"subscriberId": "S-1"},
    ]
    for key in keys:
        assert await find(office, pair, key) == {"id": ada}
    assert await find(office, pair, {"external": {"employerId": office.employer, "externalId": "e-7"}}) == {"id": bob}
    literal = f'{{external: {{employerId: "{office.employer}", externalId: "E-7"}}}}'
    assert await find(office, pair, None, f"{{ employeeByKey(key: {literal}) {{ id }} }}") == {"id": ada}
    assert dict(pair.fallbacks) == {}
    assert pair.breadth_first.plan_executions == 5


async def test_selections_below_a_key_are_equal_in_both_executors(office: Office, pair: ExecutorPair) -> None:
    ada = await office.hire("Ada", external_id="E-7")
    await make_subscriber(office, "S-1", ada)
    await office.open_plan_year()
    selection = """{ firstName active employer { name } subscriber { subscriberId employee { id } }
      enrollments(first: 2) { totalCount nodes { status employee { lastName } } } dependents { firstName } }"""
    query = f"""query($external: ExternalEmployeeKey!, $number: String!, $id: ID!) {{
      external: employeeByKey(key: {{external: $external}}) {selection}
      number: employeeByKey(key: {{subscriberId: $number}}) {selection}
      id: employeeByKey(key: {{id: $id}}) {selection}
      employee(id: $id) {selection}
    }}"""
    variables = {"external": {"employerId": office.employer, "externalId": "E-7"}, "number": "S-1", "id": ada}
    request = GraphQLRequest(query, variables)
    body = await pair.compare_query(office.database, office.viewer, office.clock(), request)
    data = body["data"]
    assert data["external"] == data["number"] == data["id"] == data["employee"]
    assert data["employee"]["enrollments"]["totalCount"] == 1
    assert dict(pair.fallbacks) == {}


async def test_lookup_by_a_key_costs_and_reads_like_the_lookup_by_id(office: Office, pair: ExecutorPair) -> None:
    ada = await office.hire("Ada", external_id="E-7")
    await make_subscriber(office, "S-1", ada)
    external = {"employerId": office.employer, "externalId": "E-7"}
    for key in ({"id": ada}, {"external": external}, {"subscriberId": "S-1"}):
        request = GraphQLRequest(BY_VARIABLE.replace("{ id }", "{ id employer { name } }"), {"key": key})
        with record_statements(office.database) as statements:
            content = await run_executor(pair.strawberry, office.database, office.viewer, office.clock(), request)
        assert len(statements) == 2
        assert b'"requestedQueryCost":2' in content


async def test_missing_and_invisible_employees_are_null(office: Office, pair: ExecutorPair) -> None:
    ada = await office.hire("Ada", external_id="E-7")
    await make_subscriber(office, "S-1", ada)
    await make_subscriber(office, "S-2")
    other = await make_employer(office.database, office.clock(), name="Other")
    for key in (
        {"id": ada[:-1] + ("0" if ada[-1] != "0" else "1")},
        {"external": {"employerId": office.employer, "externalId": "E-8"}},
        {"external": {"employerId": office.employer, "externalId": ""}},
        {"external": {"employerId": office.employer, "externalId": "\0"}},
        {"external": {"employerId": other, "externalId": "E-7"}},
        {"subscriberId": "S-2"},
        {"subscriberId": "S-3"},
        {"subscriberId": ""},
        {"subscriberId": "\0"},
        {"subscriberId": "LONGER THAN ANY"},
    ):
        assert await find(office, pair, key) is None
    keys = ({"id": ada}, {"external": {"employerId": office.employer, "externalId": "E-7"}}, {"subscriberId": "S-1"})
    bob = await office.hire("Bob")
    for viewer, is_visible in (
        (employer_viewer(office.employer), True),
        (employee_viewer(office.employer, ada), True),
        (service_viewer(actions=Action), True),
        (employer_viewer(other), False),
        (employee_viewer(office.employer, bob), False),
        (administrator("globex"), False),
    ):
        for key in keys:
            found = await find(replace(office, viewer=viewer), pair, key)
            assert found == ({"id": ada} if is_visible else None), (viewer.role, key)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"id": "E-7"}, "Invalid ID: expected an ID of type Employee, such as empl_01…."),
        ({"id": ""}, "Invalid ID: expected an ID of type Employee, such as empl_01…."),
        (
            {"external": {"employerId": "E-7", "externalId": "E-7"}},
            "Invalid ID: expected an ID of type Employer, such as empr_01….",
        ),
    ],
)
async def test_malformed_id_is_an_error(key: dict[str, Any], message: str, office: Office, pair: ExecutorPair) -> None:
    assert await find(office, pair, key) == [message]


# ------------------------------------------------------------------------------------------------------- exactly one


def test_input_is_declared_as_one_of() -> None:
    one_of = [
        type_.name
        for type_ in SCHEMA._schema.type_map.values()
        if isinstance(type_, GraphQLInputObjectType) and type_.is_one_of
    ]
    assert one_of == ["EmployeeKey"]
    assert "input EmployeeKey @oneOf {" in SCHEMA.as_str()
    assert "directive @oneOf" not in SCHEMA.as_str()


async def test_introspection_shows_that_the_input_is_one_of(office: Office, pair: ExecutorPair) -> None:
    query = '{ key: __type(name: "EmployeeKey") { isOneOf } filter: __type(name: "EmployeeFilter") { isOneOf } }'
    request = GraphQLRequest(query)
    body = await pair.compare_query(office.database, office.viewer, office.clock(), request)
    assert body["data"] == {"key": {"isOneOf": True}, "filter": {"isOneOf": False}}


@pytest.mark.parametrize(
    ("key", "positions"),
    [
        ({}, [""]),
        ({"id": None}, [" at .id"]),
        ({"id": "empl_1", "subscriberId": "S-1"}, [""]),
        ({"id": "empl_1", "subscriberId": None}, [""]),
        ({"id": None, "subscriberId": None}, ["", " at .id"]),
    ],
)
async def test_variable_with_none_or_several_keys_is_rejected(
    key: dict[str, Any], positions: list[str], office: Office, pair: ExecutorPair
) -> None:
    expected = [f"Variable '$key' has invalid value{position}: {EXACTLY_ONE}" for position in positions]
    assert await find(office, pair, key) == expected


@pytest.mark.parametrize(
    ("literal", "messages"),
    [
        ("{}", [EXACTLY_ONE]),
        ("{id: null}", [EXACTLY_ONE]),
        ('{id: "empl_1", subscriberId: "S-1"}', [EXACTLY_ONE]),
        ('{id: "empl_1", subscriberId: null}', [EXACTLY_ONE]),
        ('{id: "empl_1", id: "empl_1"}', [EXACTLY_ONE, "There can be only one input field named 'id'."]),
    ],
)
async def test_literal_with_none_or_several_keys_is_rejected(
    literal: str, messages: list[str], office: Office, pair: ExecutorPair
) -> None:
    assert await find(office, pair, None, f"{{ employeeByKey(key: {literal}) {{ id }} }}") == messages


@pytest.mark.parametrize(
    ("definition", "is_accepted"),
    [("$id: ID!", True), ('$id: ID! = "empl_1"', True), ("$id: ID", False), ('$id: ID = "empl_1"', False)],
)
async def test_variable_within_a_key_must_be_non_null(
    definition: str, *, is_accepted: bool, office: Office, pair: ExecutorPair
) -> None:
    ada = await office.hire("Ada")
    query = f"query({definition}) {{ employeeByKey(key: {{id: $id}}) {{ id }} }}"
    body = await pair.compare_query(office.database, office.viewer, office.clock(), GraphQLRequest(query, {"id": ada}))
    if is_accepted:
        assert body["data"] == {"employeeByKey": {"id": ada}}
    else:
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "VALIDATION_FAILED"
        assert error["message"] == (
            "Variable '$id' must be of a non-null type to be used in the OneOf Input Object 'EmployeeKey'."
        )
        assert [location["line"] for location in error["locations"]] == [1, 1]
