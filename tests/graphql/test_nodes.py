"""The queries `node` and `nodes`: every type is found by its global ID, and a malformed ID is refused."""

from typing import Any

import pytest
from graphql_requests import execute, fetch_data, fetch_error
from visibility_dataset import VisibilityDataset, make_visibility_dataset

from benegraph.db.session import Database
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix, new_id, prefix_of
from benegraph.domain.values import Clock
from benegraph.graphql.types.node import MAX_NODE_IDS, NODE_TYPES
from conftest import current_clock, run_in_database
from factories.access import administrator

ADMINISTRATOR = administrator()
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
LIST = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database among all tests, because none of them changes it."""
    return shared_url


@pytest.fixture(scope="module")
def dataset(shared_url: str) -> VisibilityDataset:
    return run_in_database(shared_url, lambda database: make_visibility_dataset(database, current_clock()))


async def test_node_finds_every_type(database: Database, clock: Clock, dataset: VisibilityDataset) -> None:
    id_by_prefix = {prefix_of(id): id for id in sorted(dataset.ids_visible_to(ADMINISTRATOR))}
    assert set(id_by_prefix) == set(NODE_TYPES)
    for prefix, (name, _) in NODE_TYPES.items():
        data = await fetch_data(database, clock, ADMINISTRATOR, NODE, id=id_by_prefix[prefix])
        assert data["node"] == {"__typename": name, "id": id_by_prefix[prefix]}
    data = await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=list(id_by_prefix.values()))
    assert [node["id"] for node in data["nodes"]] == list(id_by_prefix.values())


async def test_unknown_id_returns_null(database: Database, clock: Clock) -> None:
    for prefix in NODE_TYPES:
        data = await fetch_data(database, clock, ADMINISTRATOR, NODE, id=new_id(prefix, clock.now))
        assert data["node"] is None


MALFORMED = [
    "",
    "1",
    "empl",
    "empl_",
    "empl_01jd",
    "empl_" + "z" * 26,  # more than 128 bits
    "Empl_01jd5w4q3ze9dbv0gpxm1c2r8k",
    "empl_01JD5W4Q3ZE9DBV0GPXM1C2R8K",
    "empl_01jd5w4q3ze9dbv0gpxm1c2r8k ",
    "empl_01jd5w4q3ze9dbv0gpxm1c2r8k\n",
    "empl_01jd5w4q3ze9dbv0gpxm1c2r8\0",
    "akey_01jd5w4q3ze9dbv0gpxm1c2r8k",  # API keys are not nodes
    "what_01jd5w4q3ze9dbv0gpxm1c2r8k",
    "x" * 100_000,
]


@pytest.mark.parametrize("id", MALFORMED, ids=range(len(MALFORMED)))
async def test_malformed_id_is_refused(database: Database, clock: Clock, id: str) -> None:
    for query, expected in (
        (NODE, "a global ID such as empl_01…."),
        ("query ($id: ID!) { employee(id: $id) { id } }", "an ID of type Employee, such as empl_01…."),
    ):
        error = await fetch_error(database, clock, ADMINISTRATOR, query, id=id)
        assert isinstance(error, BadInput)
        assert str(error) == f"Invalid ID: expected {expected}"


@pytest.mark.parametrize(
    ("field", "prefix"),
    [
        ("employer", IdPrefix.EMPLOYER),
        ("employee", IdPrefix.EMPLOYEE),
        ("enrollment", IdPrefix.ENROLLMENT),
        ("planYear", IdPrefix.PLAN_YEAR),
        ("benefitProduct", IdPrefix.BENEFIT_PRODUCT),
        ("plan", IdPrefix.PLAN),
    ],
)
async def test_id_of_another_type_is_refused(database: Database, clock: Clock, field: str, prefix: IdPrefix) -> None:
    query = f"query ($id: ID!) {{ found: {field}(id: $id) {{ id }} }}"
    for other_prefix in NODE_TYPES:
        id = new_id(other_prefix, clock.now)
        if other_prefix is prefix:
            assert (await fetch_data(database, clock, ADMINISTRATOR, query, id=id))["found"] is None
        else:
            assert isinstance(await fetch_error(database, clock, ADMINISTRATOR, query, id=id), BadInput)


async def test_malformed_plan_year_id_fails_only_its_own_field(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    visible_ids = sorted(dataset.ids_visible_to(ADMINISTRATOR))
    employee_id = next(id for id in visible_ids if prefix_of(id) is IdPrefix.EMPLOYEE)
    employer = next(row.employer for row in dataset.rows if row.id == employee_id)
    good = next(row.id for row in dataset.rows if row.employer == employer and prefix_of(row.id) is IdPrefix.PLAN_YEAR)
    query = """query ($id: ID!, $good: ID!, $bad: ID!) { employee(id: $id) {
      id good: eligibility(planYearId: $good) { eligible } bad: eligibility(planYearId: $bad) { eligible } } }"""
    for malformed in ("", "plyr_", f"{good}\0", employee_id):
        result = await execute(database, clock, ADMINISTRATOR, query, id=employee_id, good=good, bad=malformed)
        assert result.data == {"employee": {"id": employee_id, "good": {"eligible": True}, "bad": None}}
        assert result.errors is not None
        (error,) = result.errors
        assert isinstance(error.original_error, BadInput)
        assert error.path == ["employee", "bad"]


async def test_nodes_are_returned_in_the_order_of_ids(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    visible = sorted(dataset.ids_visible_to(ADMINISTRATOR))[:3]
    invisible = next(iter(dataset.ids_visible_to(administrator("globex"))))
    ids = [visible[2], invisible, visible[0], visible[2], new_id(IdPrefix.PLAN, clock.now), visible[1]]
    data = await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=ids)
    assert [node and node["id"] for node in data["nodes"]] == [
        visible[2],
        None,
        visible[0],
        visible[2],
        None,
        visible[1],
    ]
    assert await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=[]) == {"nodes": []}


async def test_malformed_id_in_nodes_fails_only_its_own_item(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    visible = min(dataset.ids_visible_to(ADMINISTRATOR))
    result = await execute(database, clock, ADMINISTRATOR, LIST, ids=[visible, "x", visible, ""])
    assert result.data is not None
    assert [node and node["id"] for node in result.data["nodes"]] == [visible, None, visible, None]
    assert result.errors is not None
    assert sorted((error.path, type(error.original_error)) for error in result.errors) == [
        (["nodes", 1], BadInput),
        (["nodes", 3], BadInput),
    ]


async def test_nodes_refuses_more_than_one_hundred_ids(database: Database, clock: Clock) -> None:
    ids: list[Any] = [new_id(IdPrefix.PLAN, clock.now) for _ in range(MAX_NODE_IDS)]
    assert (await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=ids))["nodes"] == [None] * MAX_NODE_IDS
    error = await fetch_error(database, clock, ADMINISTRATOR, LIST, ids=[*ids, ids[0]])
    assert isinstance(error, BadInput)
    assert str(error) == "`ids` accepts at most 100 IDs, got 101."
