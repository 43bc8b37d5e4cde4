"""Anything is found again by its id, and an id that can't be one is refused."""

from typing import Any

import pytest
from graphql_requests import execute, fetch_data, fetch_error
from visibility_dataset import VisibilityDataset, make_visibility_dataset

from benegraph.db.session import Database
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix, new_id, prefix_of
from benegraph.domain.values import Clock
from benegraph.graphql.types.node import MAX_NODE_IDS, NODE_TYPES
from conftest import this_moment, told_once
from factories.access import administrator

ADMINISTRATOR = administrator()
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
LIST = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Nothing here changes anything: one database will do for all."""
    return shared_url


@pytest.fixture(scope="module")
def dataset(shared_url: str) -> VisibilityDataset:
    return told_once(shared_url, lambda database: make_visibility_dataset(database, this_moment()))


async def test_every_kind_is_found_and_typed(database: Database, clock: Clock, dataset: VisibilityDataset) -> None:
    one_of_each = {prefix_of(id): id for id in sorted(dataset.ids_visible_to(ADMINISTRATOR))}
    assert set(one_of_each) == set(NODE_TYPES)
    for kind, (name, _) in NODE_TYPES.items():
        data = await fetch_data(database, clock, ADMINISTRATOR, NODE, id=one_of_each[kind])
        assert data["node"] == {"__typename": name, "id": one_of_each[kind]}
    data = await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=list(one_of_each.values()))
    assert [node["id"] for node in data["nodes"]] == list(one_of_each.values())


async def test_an_id_of_nothing_is_null(database: Database, clock: Clock) -> None:
    for kind in NODE_TYPES:
        data = await fetch_data(database, clock, ADMINISTRATOR, NODE, id=new_id(kind, clock.now))
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
    "akey_01jd5w4q3ze9dbv0gpxm1c2r8k",  # keys are no nodes
    "what_01jd5w4q3ze9dbv0gpxm1c2r8k",
    "x" * 100_000,
]


@pytest.mark.parametrize("id", MALFORMED, ids=range(len(MALFORMED)))
async def test_what_is_no_id(database: Database, clock: Clock, id: str) -> None:
    for query in (NODE, "query ($id: ID!) { employee(id: $id) { id } }"):
        assert isinstance(await fetch_error(database, clock, ADMINISTRATOR, query, id=id), BadInput)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("employer", IdPrefix.EMPLOYER),
        ("employee", IdPrefix.EMPLOYEE),
        ("enrollment", IdPrefix.ENROLLMENT),
        ("planYear", IdPrefix.PLAN_YEAR),
        ("benefitProduct", IdPrefix.BENEFIT_PRODUCT),
        ("plan", IdPrefix.PLAN),
    ],
)
async def test_an_id_of_another_type(database: Database, clock: Clock, field: str, kind: IdPrefix) -> None:
    query = f"query ($id: ID!) {{ found: {field}(id: $id) {{ id }} }}"
    for other in NODE_TYPES:
        id = new_id(other, clock.now)
        if other is kind:
            assert (await fetch_data(database, clock, ADMINISTRATOR, query, id=id))["found"] is None
        else:
            assert isinstance(await fetch_error(database, clock, ADMINISTRATOR, query, id=id), BadInput)


async def test_a_plan_year_by_what_is_no_id_of_one(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    seen = sorted(dataset.ids_visible_to(ADMINISTRATOR))
    person = next(id for id in seen if prefix_of(id) is IdPrefix.EMPLOYEE)
    employer = next(thing.employer for thing in dataset.rows if thing.id == person)
    good = next(
        thing.id for thing in dataset.rows if thing.employer == employer and prefix_of(thing.id) is IdPrefix.PLAN_YEAR
    )
    query = """query ($id: ID!, $good: ID!, $bad: ID!) { employee(id: $id) {
      id good: eligibility(planYearId: $good) { eligible } bad: eligibility(planYearId: $bad) { eligible } } }"""
    for malformed in ("", "plyr_", f"{good}\0", person):
        result = await execute(database, clock, ADMINISTRATOR, query, id=person, good=good, bad=malformed)
        assert result.data == {"employee": {"id": person, "good": {"eligible": True}, "bad": None}}
        assert result.errors is not None
        (error,) = result.errors
        assert isinstance(error.original_error, BadInput)
        assert error.path == ["employee", "bad"]


async def test_many_nodes_in_the_order_asked_for(database: Database, clock: Clock, dataset: VisibilityDataset) -> None:
    mine = sorted(dataset.ids_visible_to(ADMINISTRATOR))[:3]
    theirs = next(iter(dataset.ids_visible_to(administrator("globex"))))
    ids = [mine[2], theirs, mine[0], mine[2], new_id(IdPrefix.PLAN, clock.now), mine[1]]
    data = await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=ids)
    assert [node and node["id"] for node in data["nodes"]] == [mine[2], None, mine[0], mine[2], None, mine[1]]
    assert await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=[]) == {"nodes": []}


async def test_a_malformed_id_among_many_is_an_error_of_its_own(
    database: Database, clock: Clock, dataset: VisibilityDataset
) -> None:
    mine = min(dataset.ids_visible_to(ADMINISTRATOR))
    result = await execute(database, clock, ADMINISTRATOR, LIST, ids=[mine, "x", mine, ""])
    assert result.data is not None
    assert [node and node["id"] for node in result.data["nodes"]] == [mine, None, mine, None]
    assert result.errors is not None
    assert sorted((error.path, type(error.original_error)) for error in result.errors) == [
        (["nodes", 1], BadInput),
        (["nodes", 3], BadInput),
    ]


async def test_so_many_nodes_and_no_more(database: Database, clock: Clock) -> None:
    ids: list[Any] = [new_id(IdPrefix.PLAN, clock.now) for _ in range(MAX_NODE_IDS)]
    assert (await fetch_data(database, clock, ADMINISTRATOR, LIST, ids=ids))["nodes"] == [None] * MAX_NODE_IDS
    assert isinstance(await fetch_error(database, clock, ADMINISTRATOR, LIST, ids=[*ids, ids[0]]), BadInput)
