"""The cache of API keys, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from api_client import ApiClient, create_key, running_api, status_and_codes

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.services.access import list_keys, revoke_key
from benegraph.settings import GatewayConfig
from benegraph.web.auth import KEY_CACHE
from factories.access import administrator
from statement_log import record_round_trips

QUERY = "{ viewer { tenant role } }"


@pytest.fixture
async def api(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiClient]:
    """Run a gateway with the default settings, whose monotonic clock stands still."""
    async with running_api(database, clock) as api:
        set_time(api, 1000.0, monkeypatch)
        yield api


def set_time(api: ApiClient, at: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.app[KEY_CACHE], "_monotonic", lambda: at)


async def revoke(database: Database, clock: Clock, key: str) -> None:
    rows = await database.transact(administrator(), clock, list_keys)
    (id,) = (row.id for row in rows if key.startswith(row.prefix))
    assert await database.transact(administrator(), clock, lambda tx: revoke_key(tx, id))


async def count_key_lookups(api: ApiClient, database: Database) -> int:
    """Post a query and return how often its API key was looked up in the database."""
    async with record_round_trips(database) as sent:
        assert await status_and_codes(await api.post(QUERY)) == (200, [])
    return len([statement for statement in sent if "secret_hash" in statement])


async def test_key_is_looked_up_once_per_second(
    api: ApiClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = []
    for at in (1000.0, 1000.5, 1000.999, 1001.0, 1001.5):
        set_time(api, at, monkeypatch)
        lookups.append(await count_key_lookups(api, database))
    assert lookups == [1, 0, 0, 1, 0]


async def test_without_cache_a_key_is_looked_up_each_time_and_revoked_at_once(database: Database, clock: Clock) -> None:
    async with running_api(database, clock, config=GatewayConfig(key_cache_seconds=0)) as api:
        assert [await count_key_lookups(api, database) for _ in range(3)] == [1, 1, 1]
        await revoke(database, clock, api.key)
        assert await status_and_codes(await api.post(QUERY)) == (401, ["UNAUTHENTICATED"])


async def test_revoked_key_is_rejected_like_an_unknown_one_after_one_second(
    api: ApiClient, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await status_and_codes(await api.post(QUERY)) == (200, [])
    await revoke(database, clock, api.key)
    set_time(api, 1000.999, monkeypatch)
    assert await status_and_codes(await api.post(QUERY)) == (200, [])
    set_time(api, 1001.0, monkeypatch)
    revoked = await api.post(QUERY)
    unknown = await api.http.post("/graphql", json={}, headers={"X-API-Key": "bgk_" + "A" * 43})
    assert (revoked.status, await revoked.read()) == (unknown.status, await unknown.read())
    assert revoked.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]
    assert revoked.status == 401


async def test_cached_key_gives_no_access_to_other_tenants(api: ApiClient, database: Database, clock: Clock) -> None:
    await create_key(database, clock, tenant="globex")
    assert await status_and_codes(await api.post(QUERY)) == (200, [])
    async with record_round_trips(database) as sent:
        for tenant in ("globex", "nobody"):
            assert await status_and_codes(await api.post(QUERY, X_Tenant=tenant)) == (403, ["FORBIDDEN"])
    assert sent == []


async def test_rejected_key_is_valid_as_soon_as_it_is_issued(api: ApiClient, database: Database, clock: Clock) -> None:
    key = "bgk_" + "A" * 43
    headers = {"X-API-Key": key}
    assert await status_and_codes(await api.http.post("/graphql", json={"query": QUERY}, headers=headers)) == (
        401,
        ["UNAUTHENTICATED"],
    )
    await create_key(database, clock, key=key)
    assert await status_and_codes(await api.http.post("/graphql", json={"query": QUERY}, headers=headers)) == (200, [])


async def test_each_gateway_has_its_own_cache(api: ApiClient, database: Database, clock: Clock) -> None:
    assert await status_and_codes(await api.post(QUERY)) == (200, [])
    await revoke(database, clock, api.key)
    assert await status_and_codes(await api.post(QUERY)) == (200, [])
    async with running_api(database, clock) as another:
        response = await another.http.post("/graphql", json={"query": QUERY}, headers=api.auth)
        assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])


async def test_concurrent_requests_with_one_key_succeed(api: ApiClient, database: Database) -> None:
    for expected in (200, 200):
        responses = await asyncio.gather(*(api.post(QUERY) for _ in range(30)))
        assert {response.status for response in responses} == {expected}
    assert await count_key_lookups(api, database) == 0
