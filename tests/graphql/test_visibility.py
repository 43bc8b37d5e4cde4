"""A viewer never sees a row out of scope: not by ID, through a field, by a filter, or in a count."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_required_argument
from graphql_requests import SCHEMA, execute, fetch_data
from visibility_dataset import VisibilityDataset, make_visibility_dataset

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.ids import IdPrefix, new_id, prefix_of
from benegraph.domain.values import Clock
from benegraph.graphql.types.node import NODE_TYPES
from conftest import current_clock, run_in_database

GRAPHQL_SCHEMA = SCHEMA._schema


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database among all tests, because none of them changes it."""
    return shared_url


@pytest.fixture(scope="module")
def dataset(shared_url: str) -> VisibilityDataset:
    return run_in_database(shared_url, lambda database: make_visibility_dataset(database, current_clock()))


def select_linked(type_: GraphQLObjectType, depth: int) -> str:
    """Return selections of all fields that lead to other objects, up to this many nodes away, with IDs and counts.

    Depth 1 from every visible node is enough: the last step of a longer path starts at a visible node, too.
    """
    is_node = GRAPHQL_SCHEMA.type_map["Node"] in type_.interfaces
    if is_node and depth == 0:
        return "id"
    parts = ["id"] if is_node else []
    for name, field in type_.fields.items():
        target = get_named_type(field.type)
        if name == "totalCount":
            parts.append(name)
        if isinstance(target, GraphQLObjectType) and not any(map(is_required_argument, field.args.values())):
            arguments = "(first: 100)" if "first" in field.args else ""
            # The alias contains the type, because fields of different shapes can't share a response name.
            parts.append(f"{type_.name}_{name}: {name}{arguments} {{ {select_linked(target, depth - is_node)} }}")
    return " ".join(parts) or "__typename"


def ids_in(data: Any) -> Iterator[str]:
    """Yield every `id` in the data of a response."""
    if isinstance(data, dict):
        if isinstance(data.get("id"), str):
            yield data["id"]
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from ids_in(item)


def connections_in(data: Any) -> Iterator[dict[str, Any]]:
    """Yield every connection in the data of a response."""
    if isinstance(data, dict):
        if "totalCount" in data:
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from connections_in(item)


def viewers_of(dataset: VisibilityDataset, tenant: str) -> list[Viewer]:
    viewers = [viewer for viewer in dataset.viewers if viewer.tenant_id == tenant]
    assert len(viewers) == 10
    return viewers


def name_of(viewer: Viewer) -> str:
    return f"{viewer.tenant_id} {viewer.role} {viewer.employer_id} {viewer.employee_id}"


FRAGMENTS = " ".join(
    f"... on {name} {{ {select_linked(type_, 1)} }}"
    for name, _ in NODE_TYPES.values()
    if isinstance(type_ := GRAPHQL_SCHEMA.type_map[name], GraphQLObjectType)
)
FROM_NODES = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id {FRAGMENTS} }} }}"
FROM_ROOT = f"{{ {select_linked(GRAPHQL_SCHEMA.query_type, 0)} }}" if GRAPHQL_SCHEMA.query_type else ""


# Both tenants have the same rows, so the ordinary run checks only one.
of_each_tenant = pytest.mark.parametrize("tenant", ["acme", pytest.param("globex", marks=pytest.mark.conformance)])


@of_each_tenant
async def test_ids_and_linked_objects_are_limited_to_the_scope(
    database: Database, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    await check_visible_rows(database, clock, dataset, tenant)


@of_each_tenant
async def test_store_limits_rows_without_row_level_security(
    owner_url: str, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    engine = create_engine(owner_url, PoolSettings(size=5, overflow=5))
    await check_visible_rows(Database(engine), clock, dataset, tenant)
    await engine.dispose()


async def check_visible_rows(database: Database, clock: Clock, dataset: VisibilityDataset, tenant: str) -> None:
    all_ids = [row.id for row in dataset.rows]
    assert {prefix_of(id) for id in all_ids} == set(NODE_TYPES)
    for viewer in viewers_of(dataset, tenant):
        visible_ids = dataset.ids_visible_to(viewer)
        assert visible_ids
        assert len(visible_ids) < len(all_ids)
        for start in range(0, len(all_ids), 100):
            ids = all_ids[start : start + 100]
            nodes = (await fetch_data(database, clock, viewer, FROM_NODES, ids=ids))["nodes"]
            returned_ids = [node and node["id"] for node in nodes]
            assert returned_ids == [id if id in visible_ids else None for id in ids], name_of(viewer)
            assert set(ids_in(nodes)) <= visible_ids, name_of(viewer)
            for connection in connections_in(nodes):
                assert connection["totalCount"] == len(list(_node_ids(connection))), name_of(viewer)


async def test_root_lists_return_all_visible_rows_of_their_type(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    lists = {
        "employers": IdPrefix.EMPLOYER,
        "employees": IdPrefix.EMPLOYEE,
        "enrollments": IdPrefix.ENROLLMENT,
        "benefitProducts": IdPrefix.BENEFIT_PRODUCT,
        "qualifyingLifeEvents": IdPrefix.LIFE_EVENT,
        "electionOverrides": IdPrefix.ELECTION_OVERRIDE,
        "subscribers": IdPrefix.SUBSCRIBER,
        "planYears": IdPrefix.PLAN_YEAR,
        "groupContracts": IdPrefix.GROUP_CONTRACT,
        "divisions": IdPrefix.DIVISION,
    }
    for viewer in dataset.viewers:
        visible_ids = dataset.ids_visible_to(viewer)
        data = await fetch_data(database, clock, viewer, FROM_ROOT)
        assert set(ids_in(data)) <= visible_ids
        for name, prefix in lists.items():
            connection = data[f"Query_{name}"]
            ids = {id for id in visible_ids if prefix_of(id) is prefix}
            assert set(_node_ids(connection)) == ids, name_of(viewer)
            assert connection["totalCount"] == len(ids)
        events = {id for id in visible_ids if prefix_of(id) is IdPrefix.FEED_EVENT}
        assert set(_node_ids(data["Query_events"])) == events, name_of(viewer)


@of_each_tenant
async def test_invisible_id_gives_the_same_response_as_an_unknown_id(
    database: Database, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    query = """
      query ($planYear: ID!, $employer: ID!, $employee: ID!, $enrollment: ID!, $product: ID!, $plan: ID!) {
        planYear(id: $planYear) { id } employer(id: $employer) { id } employee(id: $employee) { id }
        enrollment(id: $enrollment) { id } benefitProduct(id: $product) { id } plan(id: $plan) { id }
        enrollments(filter: {planYearId: $planYear}) { nodes { id } totalCount }
        qualifyingLifeEvents(filter: {employerId: $employer}) { nodes { id } totalCount }
        employers { nodes {
          enrollments(filter: {planYearId: $planYear}) { nodes { id } totalCount }
          employees { nodes {
            eligibility(planYearId: $planYear) { eligible }
            enrollments(filter: {planYearId: $planYear}) { nodes { id } totalCount }
          } }
        } }
      }
    """
    prefixes = {
        "planYear": IdPrefix.PLAN_YEAR,
        "employer": IdPrefix.EMPLOYER,
        "employee": IdPrefix.EMPLOYEE,
        "enrollment": IdPrefix.ENROLLMENT,
        "product": IdPrefix.BENEFIT_PRODUCT,
        "plan": IdPrefix.PLAN,
    }
    unknown_ids = {name: new_id(prefix, clock.now) for name, prefix in prefixes.items()}
    for viewer in viewers_of(dataset, tenant):
        visible_ids = dataset.ids_visible_to(viewer)
        expected = await execute(database, clock, viewer, query, **unknown_ids)
        assert expected.errors is None
        assert expected.data is not None
        assert [expected.data[name] for name in ("planYear", "employer", "employee", "enrollment")] == [None] * 4
        assert expected.data["enrollments"]["totalCount"] == 0
        assert expected.data["qualifyingLifeEvents"]["totalCount"] == 0
        hidden = {
            name: [row.id for row in dataset.rows if prefix_of(row.id) is prefix and row.id not in visible_ids]
            for name, prefix in prefixes.items()
        }
        for number in range(2):  # one ID of the same tenant, and one of the other tenant
            invisible_ids = {
                name: ids[number * len(ids) // 2] if ids else unknown_ids[name] for name, ids in hidden.items()
            }
            assert await execute(database, clock, viewer, query, **invisible_ids) == expected, name_of(viewer)


async def test_employee_sees_no_review_notes_no_keys_of_actors_and_no_reasons_of_the_employer(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    query = """{
      qualifyingLifeEvents { nodes { notes reviewNotes } }
      enrollments { nodes { events { nodes { actor reason } } qualifyingLifeEvent { notes reviewNotes } } }
    }"""
    for viewer in dataset.viewers:
        data = await fetch_data(database, clock, viewer, query)
        is_employee = viewer.role is Role.EMPLOYEE
        expected = {"notes": "Ours", "reviewNotes": None if is_employee else "Theirs"}
        assert all(node == expected for node in data["qualifyingLifeEvents"]["nodes"])
        enrollments = data["enrollments"]["nodes"]
        assert {(event["actor"], event["reason"]) for node in enrollments for event in node["events"]["nodes"]} == {
            ("EMPLOYER", None) if is_employee else ("EMPLOYER akey_clerk", "Theirs")
        }
        life_events = [node["qualifyingLifeEvent"] for node in enrollments if node["qualifyingLifeEvent"]]
        assert life_events
        assert all(life_event == expected for life_event in life_events)


async def test_employee_sees_their_own_contribution_class_and_no_drafts(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    query = """{ employers { nodes { planYears { nodes { status contributionClasses { employment } plans { id } }
                                                 totalCount } } } }"""
    for viewer in dataset.viewers:
        if viewer.employee_id is None:
            continue
        data = await fetch_data(database, clock, viewer, query)
        (employer,) = data["employers"]["nodes"]
        assert employer["planYears"]["totalCount"] == 1
        (plan_year,) = employer["planYears"]["nodes"]
        assert plan_year["status"] == "OPEN_ENROLLMENT"
        assert plan_year["contributionClasses"] == [{"employment": dataset.employment_classes[viewer.employee_id]}]
        assert len(plan_year["plans"]) == 1


def _node_ids(connection: dict[str, Any]) -> Iterator[str]:
    """Return the IDs on a page. The alias of its `nodes` starts with the name of the connection type."""
    nodes = next(value for key, value in connection.items() if key.endswith("_nodes"))
    return (node["id"] for node in nodes)
