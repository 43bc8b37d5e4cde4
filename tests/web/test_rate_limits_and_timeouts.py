"""Rate limits, cost limits and timeouts: rejected requests change nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from api_client import ApiClient, create_key, running_api, status_and_codes

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import GatewayConfig, RateLimit
from conftest import connect

QUERY = "{ viewer { role } }"
PAGE = "{ employers(first: 50) { nodes { id } } }"
CREATE_EMPLOYER = 'mutation { createEmployer(input: {name: "Acme"}) { employer { id } } }'


@pytest.fixture
async def limited_api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    """Run a gateway with a burst of 100 and a very slow refill."""
    config = GatewayConfig(Limits(cost=100), RateLimit(burst=100, per_second=0.01))
    async with running_api(database, clock, config=config) as api:
        yield api


async def test_exceeding_the_rate_limit_gets_retry_after(limited_api: ApiClient) -> None:
    first = await limited_api.post(PAGE)
    assert (await first.json())["extensions"]["cost"] == {"requestedQueryCost": 51, "maximumQueryCost": 100}
    assert first.headers["RateLimit-Policy"] == '"cost";q=100;w=10000'
    assert first.headers["RateLimit"] == '"cost";r=49'
    second = await limited_api.post(PAGE)
    assert await status_and_codes(second) == (429, ["THROTTLED"])
    # Of 49 units, the request itself takes one. The remaining 50 of its 51 exceed the 48 left by 2, at 0.01 per second.
    assert int(second.headers["Retry-After"]) == pytest.approx(200, abs=2)
    body = await second.json()
    assert "data" not in body
    assert body["errors"][0]["message"] == f"Rate limit exceeded; retry after {second.headers['Retry-After']} s."
    for _ in range(48):
        assert (await limited_api.post(QUERY)).status == 200
    assert await status_and_codes(await limited_api.post(QUERY)) == (429, ["THROTTLED"])


async def test_each_key_has_its_own_rate_limit(limited_api: ApiClient, database: Database, clock: Clock) -> None:
    other = await create_key(database, clock)
    for _ in range(3):
        await limited_api.post(PAGE)
    assert (await limited_api.post(PAGE)).status == 429
    headers = {"Authorization": f"Bearer {other}"}
    assert (await limited_api.http.post("/graphql", json={"query": PAGE}, headers=headers)).status == 200


async def test_key_has_a_rate_limit_in_each_tenant(limited_api: ApiClient, database: Database, clock: Clock) -> None:
    await create_key(database, clock, tenant="globex", key=limited_api.key)
    for tenant in ("acme", "globex"):
        assert (await limited_api.post(PAGE, X_Tenant=tenant)).status == 200
        assert (await limited_api.post(PAGE, X_Tenant=tenant)).status == 429


@pytest.mark.parametrize("text", ["{", "{ viewer { salary } }", "{ " + "viewer { role } " * 21 + "}"])
async def test_rejected_operations_are_charged(limited_api: ApiClient, text: str) -> None:
    for _ in range(10):
        assert (await limited_api.post(text)).status in {200, 400}
    assert await status_and_codes(await limited_api.post(text)) == (429, ["THROTTLED"])


async def test_throttled_mutation_is_not_executed(limited_api: ApiClient) -> None:
    await limited_api.post(PAGE)
    for _ in range(49):
        await limited_api.post(QUERY)
    assert await status_and_codes(await limited_api.post(CREATE_EMPLOYER)) == (429, ["THROTTLED"])


async def test_burst_of_zero_disables_the_rate_limit(database: Database, clock: Clock) -> None:
    async with running_api(database, clock, config=GatewayConfig(rate_limit=RateLimit(burst=0))) as api:
        for _ in range(150):
            response = await api.post(QUERY)
        assert response.status == 200
        assert "RateLimit" not in response.headers


async def test_cost_limit_is_exact(database: Database, clock: Clock) -> None:
    async with running_api(database, clock, config=GatewayConfig(Limits(cost=51))) as api:
        assert (await api.post(PAGE)).status == 200
        expensive = await api.post(PAGE.replace("50", "51"))
        assert await status_and_codes(expensive) == (400, ["TOO_COMPLEX"])
        (error,) = (await expensive.json())["errors"]
        assert error["extensions"]["limit"] == {"name": "cost", "maximum": 51}
        assert "52" in error["message"]
        page = "query($n: Int!) { employers(first: $n) { nodes { id } } }"
        assert (await api.post(page, {"n": 50})).status == 200
        assert await status_and_codes(await api.post(page, {"n": 51})) == (400, ["TOO_COMPLEX"])


@asynccontextmanager
async def locked_employers(owner_url: str) -> AsyncIterator[Any]:
    """Lock the table of employers in another transaction."""
    connection = await connect(owner_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("LOCK TABLE employers IN ACCESS EXCLUSIVE MODE")
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def test_query_times_out(database: Database, clock: Clock, owner_url: str) -> None:
    config = GatewayConfig(Limits(query_seconds=0.3, mutation_seconds=60))
    async with running_api(database, clock, config=config) as api, locked_employers(owner_url):
        started_at = time.monotonic()
        response = await api.post("{ employers { totalCount } }")
        assert await status_and_codes(response) == (503, ["TIMEOUT"])
        assert 0.3 <= time.monotonic() - started_at < 3
        # A query of other tables is not delayed.
        assert (await api.post(QUERY)).status == 200


async def test_mutation_times_out_and_is_rolled_back(database: Database, clock: Clock, owner_url: str) -> None:
    config = GatewayConfig(Limits(query_seconds=60, mutation_seconds=0.3))
    async with running_api(database, clock, config=config) as api:
        async with locked_employers(owner_url) as connection:
            response = await api.post(CREATE_EMPLOYER)
            assert await status_and_codes(response) == (503, ["TIMEOUT"])
            assert "idempotencyKey" in (await response.json())["errors"][0]["message"]
            assert await connection.fetchval("SELECT count(*) FROM employers") == 0
        body = await (await api.post("{ employers { totalCount } }")).json()
        assert body["data"] == {"employers": {"totalCount": 0}}


async def test_statement_timeout_precedes_the_query_timeout(database_url: str, clock: Clock, owner_url: str) -> None:
    engine = create_engine(database_url, PoolSettings(statement_timeout=0.2))
    config = GatewayConfig(Limits(query_seconds=5))
    try:
        async with running_api(Database(engine), clock, config=config) as api, locked_employers(owner_url):
            started_at = time.monotonic()
            response = await api.post("{ viewer { role } employers { totalCount } }")
            # The operation is not executed again by the other executor.
            assert await status_and_codes(response) == (503, ["TIMEOUT"])
            assert 0.2 <= time.monotonic() - started_at < 0.4
    finally:
        await engine.dispose()


async def test_gateway_works_after_many_timeouts(database: Database, clock: Clock, owner_url: str) -> None:
    config = GatewayConfig(Limits(query_seconds=5, mutation_seconds=0.2))
    async with running_api(database, clock, config=config) as api:
        async with locked_employers(owner_url):
            responses = await asyncio.gather(*(api.post(CREATE_EMPLOYER) for _ in range(20)))
            assert {response.status for response in responses} == {503}
        body = await (await api.post("{ employers { totalCount } }")).json()
        assert body["data"] == {"employers": {"totalCount": 0}}
        assert (await (await api.post(CREATE_EMPLOYER)).json())["data"]["createEmployer"]["employer"]["id"]
