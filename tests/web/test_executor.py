"""Who executes, over real HTTP: as it is set, with one answer, and in turns that do not grow with the rows."""

import asyncio

import pytest
from calling import Caller, calling, told

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.settings import Executor, GatewayConfig
from factories.office import Office, create_office
from sent import statements

QUERY = """{ employees(first: 100) { nodes {
    id employer { name } enrollments(first: 5) { nodes { status benefitProduct { name } planYear { coverageStart } } }
} } }"""


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await office.open_plan_year()
    return office


async def turns(caller: Caller, database: Database) -> int:
    """Ask, and wait until all is done that it began; tell how many turns to the database that took, but for the key."""
    async with statements(database) as sent:
        assert await told(await caller.post(QUERY)) == (200, [])
        await asyncio.sleep(0.1)
    return len([each for each in sent if "secret_hash" not in each])


@pytest.mark.parametrize(("executor", "expected"), [("compiled", 5), ("strawberry", 20)])
async def test_turns_do_not_grow_with_the_rows(
    database: Database, clock: Clock, office: Office, executor: Executor, expected: int
) -> None:
    # People, employers, enrollments, products and plan years: between one BEGIN and its COMMIT; or each in a
    # transaction of its own, which takes on the viewer's rights first.
    async with calling(database, clock, config=GatewayConfig(executor=executor)) as caller:
        taken = []
        for staff in (3, 30):
            while len(await people(caller)) < staff:
                await office.hire()
            taken.append(await turns(caller, database))
    assert taken == [expected, expected]


async def test_both_executors_answer_the_same_bytes(database: Database, clock: Clock, office: Office) -> None:
    for _ in range(3):
        await office.hire()
    answers = []
    for executor in ("compiled", "strawberry"):
        async with calling(database, clock, config=GatewayConfig(executor=executor)) as caller:
            answers.append(await (await caller.post(QUERY)).read())
    assert answers[0] == answers[1]
    assert answers[0].count(b'"enrollments"') == 3


async def people(caller: Caller) -> list[str]:
    body = await (await caller.post("{ employees(first: 100) { nodes { id } } }")).json()
    return [person["id"] for person in body["data"]["employees"]["nodes"]]
