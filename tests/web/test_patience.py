"""What a key may spend and how long a request may take: refused in time, and nothing half done."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from calling import Caller, calling, make_key, told

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import GatewayConfig, RateLimit
from conftest import connect

QUERY = "{ viewer { role } }"
PAGE = "{ employers(first: 50) { nodes { id } } }"
CREATE = 'mutation { createEmployer(input: {name: "Acme"}) { employer { id } } }'


@pytest.fixture
async def poor(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    """A gateway whose keys may spend 100 at once, and hardly more after."""
    config = GatewayConfig(Limits(cost=100), RateLimit(burst=100, per_second=0.01))
    async with calling(database, clock, config=config) as caller:
        yield caller


async def test_a_key_spends_what_it_has_and_is_told_when_to_come_again(poor: Caller) -> None:
    first = await poor.post(PAGE)
    assert (await first.json())["extensions"]["cost"] == {"requestedQueryCost": 51, "maximumQueryCost": 100}
    assert first.headers["RateLimit-Policy"] == '"cost";q=100;w=10000'
    assert first.headers["RateLimit"] == '"cost";r=49'
    second = await poor.post(PAGE)
    assert await told(second) == (429, ["THROTTLED"])
    # 48 are left once it is read, and the other 50 of its 51 are two too many, at a hundredth each second.
    assert int(second.headers["Retry-After"]) == pytest.approx(200, abs=2)
    assert "data" not in await second.json()
    for _ in range(48):
        assert (await poor.post(QUERY)).status == 200
    assert await told(await poor.post(QUERY)) == (429, ["THROTTLED"])


async def test_one_key_does_not_spend_anothers(poor: Caller, database: Database, clock: Clock) -> None:
    other = await make_key(database, clock)
    for _ in range(3):
        await poor.post(PAGE)
    assert (await poor.post(PAGE)).status == 429
    headers = {"Authorization": f"Bearer {other}"}
    assert (await poor.client.post("/graphql", json={"query": PAGE}, headers=headers)).status == 200


async def test_a_key_has_a_purse_in_each_tenant(poor: Caller, database: Database, clock: Clock) -> None:
    await make_key(database, clock, tenant="globex", key=poor.key)
    for tenant in ("acme", "globex"):
        assert (await poor.post(PAGE, X_Tenant=tenant)).status == 200
        assert (await poor.post(PAGE, X_Tenant=tenant)).status == 429


@pytest.mark.parametrize("text", ["{", "{ viewer { salary } }", "{ " + "viewer { role } " * 21 + "}"])
async def test_what_can_not_run_is_paid_for_too(poor: Caller, text: str) -> None:
    for _ in range(10):
        assert (await poor.post(text)).status in {200, 400}
    assert await told(await poor.post(text)) == (429, ["THROTTLED"])


async def test_who_has_nothing_left_changes_nothing(poor: Caller) -> None:
    await poor.post(PAGE)
    for _ in range(49):
        await poor.post(QUERY)
    assert await told(await poor.post(CREATE)) == (429, ["THROTTLED"])


async def test_without_a_rate_nobody_pays(database: Database, clock: Clock) -> None:
    async with calling(database, clock, config=GatewayConfig(rate_limit=RateLimit(burst=0))) as caller:
        for _ in range(150):
            response = await caller.post(QUERY)
        assert response.status == 200
        assert "RateLimit" not in response.headers


async def test_cost_is_limited_at_its_edge(database: Database, clock: Clock) -> None:
    async with calling(database, clock, config=GatewayConfig(Limits(cost=51))) as caller:
        assert (await caller.post(PAGE)).status == 200
        dear = await caller.post(PAGE.replace("50", "51"))
        assert await told(dear) == (400, ["TOO_COMPLEX"])
        (error,) = (await dear.json())["errors"]
        assert error["extensions"]["limit"] == {"name": "cost", "maximum": 51}
        assert "52" in error["message"]
        page = "query($n: Int!) { employers(first: $n) { nodes { id } } }"
        assert (await caller.post(page, {"n": 50})).status == 200
        assert await told(await caller.post(page, {"n": 51})) == (400, ["TOO_COMPLEX"])


@asynccontextmanager
async def held(owner_url: str) -> AsyncIterator[Any]:
    """Somebody else holds the table of employers."""
    connection = await connect(owner_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("LOCK TABLE employers IN ACCESS EXCLUSIVE MODE")
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def test_a_query_is_given_up_in_time(database: Database, clock: Clock, owner_url: str) -> None:
    config = GatewayConfig(Limits(query_seconds=0.3, mutation_seconds=60))
    async with calling(database, clock, config=config) as caller, held(owner_url):
        started = time.monotonic()
        response = await caller.post("{ employers { totalCount } }")
        assert await told(response) == (503, ["TIMEOUT"])
        assert 0.3 <= time.monotonic() - started < 3
        # What asks for nothing that is held is not held up.
        assert (await caller.post(QUERY)).status == 200


async def test_a_mutation_has_time_of_its_own_and_leaves_nothing(
    database: Database, clock: Clock, owner_url: str
) -> None:
    config = GatewayConfig(Limits(query_seconds=60, mutation_seconds=0.3))
    async with calling(database, clock, config=config) as caller:
        async with held(owner_url) as holder:
            response = await caller.post(CREATE)
            assert await told(response) == (503, ["TIMEOUT"])
            assert "idempotencyKey" in (await response.json())["errors"][0]["message"]
            assert await holder.fetchval("SELECT count(*) FROM employers") == 0
        counted = await (await caller.post("{ employers { totalCount } }")).json()
        assert counted["data"] == {"employers": {"totalCount": 0}}


async def test_the_database_gives_a_statement_up_before(database_url: str, clock: Clock, owner_url: str) -> None:
    engine = create_engine(database_url, PoolSettings(statement_timeout=0.2))
    config = GatewayConfig(Limits(query_seconds=5))
    try:
        async with calling(Database(engine), clock, config=config) as caller, held(owner_url):
            started = time.monotonic()
            response = await caller.post("{ viewer { role } employers { totalCount } }")
            # Once, and not by the other executor again.
            assert await told(response) == (503, ["TIMEOUT"])
            assert 0.2 <= time.monotonic() - started < 0.4
    finally:
        await engine.dispose()


async def test_many_that_are_given_up_leave_the_gateway_whole(database: Database, clock: Clock, owner_url: str) -> None:
    config = GatewayConfig(Limits(query_seconds=5, mutation_seconds=0.2))
    async with calling(database, clock, config=config) as caller:
        async with held(owner_url):
            given_up = await asyncio.gather(*(caller.post(CREATE) for _ in range(20)))
            assert {response.status for response in given_up} == {503}
        counted = await (await caller.post("{ employers { totalCount } }")).json()
        assert counted["data"] == {"employers": {"totalCount": 0}}
        assert (await (await caller.post(CREATE)).json())["data"]["createEmployer"]["employer"]["id"]
