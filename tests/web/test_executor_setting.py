"""The executor setting, over real HTTP: both executors give the same response, in a constant number of round trips."""

import asyncio

import pytest
from api_client import ApiClient, running_api, status_and_codes

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.settings import Executor, GatewayConfig
from factories.office import Office, create_office
from statement_log import record_round_trips

QUERY = """{ employees(first: 100) { nodes {
    id employer { name } enrollments(first: 5) { nodes { status benefitProduct { name } planYear { coverageStart } } }
} } }"""


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await office.open_plan_year()
    return office


async def count_round_trips(api: ApiClient, database: Database) -> int:
    """Post the query and return the number of round trips to the database, without the lookup of the API key."""
    async with record_round_trips(database) as sent:
        assert await status_and_codes(await api.post(QUERY)) == (200, [])
        await asyncio.sleep(0.1)
    return len([statement for statement in sent if "secret_hash" not in statement])


@pytest.mark.parametrize(("executor", "expected"), [("compiled", 5), ("strawberry", 20)])
async def test_round_trips_do_not_grow_with_the_rows(
    database: Database, clock: Clock, office: Office, executor: Executor, expected: int
) -> None:
    # One statement each for employees, employers, enrollments, products and plan years. The compiled executor runs them
    # in one transaction. With Strawberry, each runs in a transaction of its own, which first sets the viewer's rights.
    async with running_api(database, clock, config=GatewayConfig(executor=executor)) as api:
        counts = []
        for employees in (3, 30):
            while len(await list_employees(api)) < employees:
                await office.hire()
            counts.append(await count_round_trips(api, database))
    assert counts == [expected, expected]


async def test_both_executors_respond_with_the_same_bytes(database: Database, clock: Clock, office: Office) -> None:
    for _ in range(3):
        await office.hire()
    bodies = []
    for executor in ("compiled", "strawberry"):
        async with running_api(database, clock, config=GatewayConfig(executor=executor)) as api:
            bodies.append(await (await api.post(QUERY)).read())
    assert bodies[0] == bodies[1]
    assert bodies[0].count(b'"enrollments"') == 3


async def list_employees(api: ApiClient) -> list[str]:
    body = await (await api.post("{ employees(first: 100) { nodes { id } } }")).json()
    return [employee["id"] for employee in body["data"]["employees"]["nodes"]]
