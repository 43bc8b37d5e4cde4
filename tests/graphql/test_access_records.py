"""Access records: who read protected columns of whom, recorded the same by both executors before the response."""

from typing import Any

import pytest
from graphql_requests import SCHEMA, fetch_data

from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.people import Relationship
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.engine.protected_reads import record_context_accesses
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import Office, create_office
from factories.people import FULL_DEMOGRAPHICS, make_dependent, make_employee
from statement_log import record_round_trips

COMPILED, RESOLVED = (DocumentCache(SCHEMA, use_compiled_plans=is_compiled) for is_compiled in (True, False))
both_executors = pytest.mark.parametrize("documents", [COMPILED, RESOLVED], ids=["compiled", "resolved"])

POINT = "query Point($id: ID!) { employee(id: $id) { firstName dateOfBirth address { city } } }"
ACCESSES = """query($id: ID!) { employee(id: $id) { accesses {
  totalCount nodes { id occurredAt actor role operation requestId fields } } } }"""


async def run(
    documents: DocumentCache, office: Office, query: str, viewer: Viewer | None = None, **variables: Any
) -> dict[str, Any]:
    """Execute an operation as the web layer does, and return its data."""
    context = Context(
        office.database, viewer or office.viewer, office.clock(), "request-7", on_accesses=record_context_accesses
    )
    response = await execute(documents, context, GraphQLRequest(query, variables))
    assert "errors" not in response, response
    data = response["data"]
    return dict(data)


async def recorded(office: Office) -> dict[tuple[str, str | None], list[str]]:
    """Return the columns of all records, by the employee and the operation."""
    rows = (await office.read_all_rows())["access_records"].values()
    by_person = {(row["employee_id"], row["operation"]): row["columns"] for row in rows}
    assert len(by_person) == len(rows)
    return by_person


async def make_staff(office: Office) -> list[str]:
    common: dict[str, Any] = {"database": office.database, "clock": office.clock()}
    ids = []
    for name in ("Adams", "Baker", "Clark"):
        id = await make_employee(**common, employer=office.employer, last_name=name, demographics=FULL_DEMOGRAPHICS)
        ids.append(id)
    for id in ids[:2]:
        await make_dependent(**common, employee=id, relationship=Relationship.CHILD)
    return ids


@both_executors
async def test_point_read_is_recorded_with_viewer_operation_and_fields(
    database: Database, documents: DocumentCache
) -> None:
    office = await create_office(database)
    ada, *_ = await make_staff(office)
    data = await run(documents, office, POINT, employer_viewer(office.employer), id=ada)
    assert data is not None
    (row,) = (await office.read_all_rows())["access_records"].values()
    assert row.pop("id").startswith("accr_")
    assert row.pop("created_at").startswith("2026-11-20T12:00:00")
    assert len(row.pop("document")) == 64
    assert row == {
        "tenant_id": "acme",
        "employer_id": office.employer,
        "employee_id": ada,
        "actor": "EMPLOYER akey_clerk",
        "actor_role": "EMPLOYER",
        "operation": "Point",
        "request_id": "request-7",
        "columns": ["address", "date_of_birth"],
    }
    nodes = (await fetch_data(database, office.clock(), office.viewer, ACCESSES, id=ada))["employee"]["accesses"]
    (node,) = nodes["nodes"]
    assert (node["operation"], node["fields"], node["role"]) == ("Point", ["address", "dateOfBirth"], "EMPLOYER")


@both_executors
async def test_read_without_protected_columns_records_nothing(database: Database, documents: DocumentCache) -> None:
    office = await create_office(database)
    ada, *_ = await make_staff(office)
    query = """query Plain($id: ID!) { employee(id: $id) { firstName lastName externalId startDate version
      dependents { firstName relationship } } employees { totalCount nodes { lastName employmentClass } } }"""
    async with record_round_trips(database) as sent:
        await run(documents, office, query, id=ada)
    assert not any("access_records" in str(statement) for statement in sent)
    assert await recorded(office) == {}


@both_executors
async def test_lists_record_only_the_people_shown_each_with_its_own_fields(
    database: Database, documents: DocumentCache
) -> None:
    office = await create_office(database)
    ada, bob, cy = await make_staff(office)
    queries = {
        "First": "employees(first: 2) { nodes { phone } pageInfo { hasNextPage } }",
        "Last": "employees(last: 1) { nodes { sex } }",
        "Both": "employees(first: 2, last: 1) { edges { cursor node { phone } } }",
        "Counted": "employees(first: 0) { totalCount nodes { phone } }",
        "Family": "employees { nodes { dependents { disabled dateOfBirth } } }",
        "Nested": "employers { nodes { employees(first: 1) { nodes { phone address { city } } } } }",
        "Aliased": "employees(first: 1) { nodes { a: phone b: phone born: dateOfBirth } }",
    }
    for name, selection in queries.items():
        await run(documents, office, f"query {name} {{ {selection} }}")
    assert await recorded(office) == {
        (ada, "First"): ["phone"],
        (bob, "First"): ["phone"],
        (cy, "Last"): ["sex"],
        (bob, "Both"): ["phone"],
        (ada, "Family"): ["date_of_birth", "disabled"],
        (bob, "Family"): ["date_of_birth", "disabled"],
        (ada, "Nested"): ["address", "phone"],
        (ada, "Aliased"): ["date_of_birth", "phone"],
    }


@both_executors
async def test_skipped_fields_and_missing_people_are_not_recorded(database: Database, documents: DocumentCache) -> None:
    office = await create_office(database)
    ada, *_ = await make_staff(office)
    query = "query Skip($id: ID!, $yes: Boolean!) { employee(id: $id) { id phone @include(if: $yes) } }"
    await run(documents, office, query, id=ada, yes=False)
    await run(documents, office, POINT, id="empl_01h455vb4pex5vsknk084sn02q")
    assert await recorded(office) == {}
    await run(documents, office, query, id=ada, yes=True)
    assert await recorded(office) == {(ada, "Skip"): ["phone"]}


@both_executors
async def test_own_reads_are_not_recorded_and_reads_by_services_are(
    database: Database, documents: DocumentCache
) -> None:
    office = await create_office(database)
    ada, *_ = await make_staff(office)
    await run(documents, office, POINT, employee_viewer(office.employer, ada), id=ada)
    assert await recorded(office) == {}
    await run(documents, office, POINT, service_viewer(), id=ada)
    assert await recorded(office) == {(ada, "Point"): ["address", "date_of_birth"]}


@both_executors
async def test_payload_of_a_mutation_is_recorded(database: Database, documents: DocumentCache) -> None:
    office = await create_office(database)
    ada, *_ = await make_staff(office)
    mutation = """mutation Rename($input: UpdateEmployeeInput!) {
      updateEmployee(input: $input) { employee { firstName maritalStatus } userErrors { code } } }"""
    data = await run(documents, office, mutation, input={"employeeId": ada, "firstName": "Ida"})
    assert data is not None
    assert await recorded(office) == {(ada, "Rename"): ["marital_status"]}


async def test_accesses_are_shown_to_the_person_the_employer_and_administrators(database: Database) -> None:
    office, other = await create_office(database), await create_office(database)
    ada, bob, _ = await make_staff(office)
    await run(COMPILED, office, "{ employees { nodes { phone } } }")
    for viewer in (
        administrator(),
        employer_viewer(office.employer),
        employee_viewer(office.employer, ada),
        Viewer("acme", "akey_1", Role.SERVICE),
    ):
        data = await fetch_data(database, office.clock(), viewer, ACCESSES, id=ada)
        (node,) = data["employee"]["accesses"]["nodes"]
        assert (node["operation"], node["actor"], node["fields"]) == (
            None,
            "ADMINISTRATOR akey_administrator",
            ["phone"],
        )
        assert node["requestId"] == "request-7"
    for viewer in (employee_viewer(office.employer, bob), employer_viewer(other.employer), administrator("globex")):
        assert (await fetch_data(database, office.clock(), viewer, ACCESSES, id=ada))["employee"] is None
        node_query = "query($id: ID!) { node(id: $id) { id } }"
        assert (await fetch_data(database, office.clock(), viewer, node_query, id=node["id"]))["node"] is None or (
            viewer.employee_id == bob
        )
