"""Nobody sees what is not theirs: not by id, not along any edge, not by a filter, not in a count."""

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
from conftest import this_moment, told_once

GRAPHQL_SCHEMA = SCHEMA._schema


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Nothing here changes anything: one database will do for all."""
    return shared_url


@pytest.fixture(scope="module")
def dataset(shared_url: str) -> VisibilityDataset:
    return told_once(shared_url, lambda database: make_visibility_dataset(database, this_moment()))


def edges(type_: GraphQLObjectType, hops: int) -> str:
    """Select all that leads on from a type, as far as so many nodes away, and nothing else but ids and counts.

    One hop from everything seen is enough: whatever a longer path reaches is a hop from something seen.
    """
    is_node = GRAPHQL_SCHEMA.type_map["Node"] in type_.interfaces
    if is_node and hops == 0:
        return "id"
    parts = ["id"] if is_node else []
    for name, made in type_.fields.items():
        target = get_named_type(made.type)
        if name == "totalCount":
            parts.append(name)
        if isinstance(target, GraphQLObjectType) and not any(map(is_required_argument, made.args.values())):
            all_of_them = "(first: 100)" if "first" in made.args else ""
            # Fragments on several types may not give one name to fields of different shapes.
            parts.append(f"{type_.name}_{name}: {name}{all_of_them} {{ {edges(target, hops - is_node)} }}")
    return " ".join(parts) or "__typename"


def ids_in(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        if isinstance(data.get("id"), str):
            yield data["id"]
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from ids_in(item)


def lists_in(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if "totalCount" in data:
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from lists_in(item)


def viewers_of(dataset: VisibilityDataset, tenant: str) -> list[Viewer]:
    found = [viewer for viewer in dataset.viewers if viewer.tenant_id == tenant]
    assert len(found) == 10
    return found


def name_of(viewer: Viewer) -> str:
    return f"{viewer.tenant_id} {viewer.role} {viewer.employer_id} {viewer.employee_id}"


FRAGMENTS = " ".join(
    f"... on {name} {{ {edges(type_, 1)} }}"
    for name, _ in NODE_TYPES.values()
    if isinstance(type_ := GRAPHQL_SCHEMA.type_map[name], GraphQLObjectType)
)
FROM_NODES = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id {FRAGMENTS} }} }}"
FROM_ROOT = f"{{ {edges(GRAPHQL_SCHEMA.query_type, 0)} }}" if GRAPHQL_SCHEMA.query_type else ""


# One tenant is made as the other is.
of_each_tenant = pytest.mark.parametrize("tenant", ["acme", pytest.param("globex", marks=pytest.mark.conformance)])


@of_each_tenant
async def test_ids_and_every_edge_from_what_is_seen(
    database: Database, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    await see_that_all_and_nothing_else_is_seen(database, clock, dataset, tenant)


@of_each_tenant
async def test_the_store_says_by_itself_what_row_level_security_holds(
    owner_url: str, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    engine = create_engine(owner_url, PoolSettings(size=5, overflow=5))
    await see_that_all_and_nothing_else_is_seen(Database(engine), clock, dataset, tenant)
    await engine.dispose()


async def see_that_all_and_nothing_else_is_seen(
    database: Database, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    everything = [thing.id for thing in dataset.rows]
    assert {prefix_of(id) for id in everything} == set(NODE_TYPES)
    for viewer in viewers_of(dataset, tenant):
        seen = dataset.ids_visible_to(viewer)
        assert seen
        assert len(seen) < len(everything)
        for start in range(0, len(everything), 100):
            asked = everything[start : start + 100]
            found = (await fetch_data(database, clock, viewer, FROM_NODES, ids=asked))["nodes"]
            shown = [node and node["id"] for node in found]
            assert shown == [id if id in seen else None for id in asked], name_of(viewer)
            assert set(ids_in(found)) <= seen, name_of(viewer)
            for each in lists_in(found):
                assert each["totalCount"] == len(list(_items(each))), name_of(viewer)


async def test_every_list_is_all_that_is_seen_of_its_kind(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    lists = {
        "employers": IdPrefix.EMPLOYER,
        "employees": IdPrefix.EMPLOYEE,
        "enrollments": IdPrefix.ENROLLMENT,
        "benefitProducts": IdPrefix.BENEFIT_PRODUCT,
        "qualifyingLifeEvents": IdPrefix.LIFE_EVENT,
        "subscribers": IdPrefix.SUBSCRIBER,
    }
    for viewer in dataset.viewers:
        seen = dataset.ids_visible_to(viewer)
        data = await fetch_data(database, clock, viewer, FROM_ROOT)
        assert set(ids_in(data)) <= seen
        for name, kind in lists.items():
            listed = data[f"Query_{name}"]
            ids = {id for id in seen if prefix_of(id) is kind}
            assert set(_items(listed)) == ids, name_of(viewer)
            assert listed["totalCount"] == len(ids)


@of_each_tenant
async def test_what_is_out_of_reach_is_as_if_it_were_not(
    database: Database, clock: Clock, dataset: VisibilityDataset, tenant: str
) -> None:
    """No answer may differ between an id that is another's and one that is nobody's."""
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
    kinds = {
        "planYear": IdPrefix.PLAN_YEAR,
        "employer": IdPrefix.EMPLOYER,
        "employee": IdPrefix.EMPLOYEE,
        "enrollment": IdPrefix.ENROLLMENT,
        "product": IdPrefix.BENEFIT_PRODUCT,
        "plan": IdPrefix.PLAN,
    }
    nobodys = {name: new_id(kind, clock.now) for name, kind in kinds.items()}
    for viewer in viewers_of(dataset, tenant):
        seen = dataset.ids_visible_to(viewer)
        of_nobody = await execute(database, clock, viewer, query, **nobodys)
        assert of_nobody.errors is None
        assert of_nobody.data is not None
        assert [of_nobody.data[name] for name in ("planYear", "employer", "employee", "enrollment")] == [None] * 4
        assert of_nobody.data["enrollments"]["totalCount"] == 0
        assert of_nobody.data["qualifyingLifeEvents"]["totalCount"] == 0
        hidden = {
            name: [thing.id for thing in dataset.rows if prefix_of(thing.id) is kind and thing.id not in seen]
            for name, kind in kinds.items()
        }
        for number in range(2):  # something near, of the same employer or tenant, and something far
            others = {name: ids[number * len(ids) // 2] if ids else nobodys[name] for name, ids in hidden.items()}
            assert await execute(database, clock, viewer, query, **others) == of_nobody, name_of(viewer)


async def test_an_employee_sees_no_reviewers_notes_and_no_names_of_actors(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    query = """{
      qualifyingLifeEvents { nodes { notes reviewNotes } }
      enrollments { nodes { events { nodes { actor } } qualifyingLifeEvent { notes reviewNotes } } }
    }"""
    for viewer in dataset.viewers:
        data = await fetch_data(database, clock, viewer, query)
        is_employee = viewer.role is Role.EMPLOYEE
        expected = {"notes": "Ours", "reviewNotes": None if is_employee else "Theirs"}
        assert all(node == expected for node in data["qualifyingLifeEvents"]["nodes"])
        enrollments = data["enrollments"]["nodes"]
        assert {each["actor"] for node in enrollments for each in node["events"]["nodes"]} == {
            "EMPLOYER" if is_employee else "EMPLOYER akey_clerk"
        }
        told = [node["qualifyingLifeEvent"] for node in enrollments if node["qualifyingLifeEvent"]]
        assert told
        assert all(each == expected for each in told)


async def test_an_employee_sees_their_own_terms_and_no_drafts(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    query = """{ employers { nodes { planYears { nodes { status contributionClasses { employment } plans { id } }
                                                 totalCount } } } }"""
    for viewer in dataset.viewers:
        if viewer.employee_id is None:
            continue
        data = await fetch_data(database, clock, viewer, query)
        (of_employer,) = data["employers"]["nodes"]
        assert of_employer["planYears"]["totalCount"] == 1
        (plan_year,) = of_employer["planYears"]["nodes"]
        assert plan_year["status"] == "OPEN_ENROLLMENT"
        assert plan_year["contributionClasses"] == [{"employment": dataset.employment_classes[viewer.employee_id]}]
        assert len(plan_year["plans"]) == 1


def _items(connection: dict[str, Any]) -> Iterator[str]:
    """Give the ids on a page, under whatever alias it was asked for."""
    nodes = next(value for key, value in connection.items() if key.endswith("_nodes"))
    return (node["id"] for node in nodes)
