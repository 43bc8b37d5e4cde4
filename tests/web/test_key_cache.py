"""Keys that a gateway remembers, over real HTTP: what its clients see of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from calling import Caller, calling, make_key, told

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.services.access import list_keys, revoke_key
from benegraph.settings import GatewayConfig
from benegraph.web.auth import KEY_CACHE
from factories.access import administrator
from sent import statements

QUERY = "{ viewer { tenant role } }"


@pytest.fixture
async def caller(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    """Call a gateway of the usual settings, whose monotonic clock stands still."""
    async with calling(database, clock) as caller:
        turn_to(caller, 1000.0, monkeypatch)
        yield caller


def turn_to(caller: Caller, at: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller.app[KEY_CACHE], "_monotonic", lambda: at)


async def revoke(database: Database, clock: Clock, key: str) -> None:
    rows = await database.transact(administrator(), clock, list_keys)
    (id,) = (row.id for row in rows if key.startswith(row.prefix))
    assert await database.transact(administrator(), clock, lambda tx: revoke_key(tx, id))


async def questions(caller: Caller, database: Database) -> int:
    """Ask something; tell how often its key was asked for."""
    async with statements(database) as sent:
        assert await told(await caller.post(QUERY)) == (200, [])
    return len([each for each in sent if "secret_hash" in each])


async def test_a_key_is_asked_for_once_a_second(
    caller: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for at in (1000.0, 1000.5, 1000.999, 1001.0, 1001.5):
        turn_to(caller, at, monkeypatch)
        asked.append(await questions(caller, database))
    assert asked == [1, 0, 0, 1, 0]


async def test_with_no_seconds_a_key_is_asked_for_each_time_and_revoked_at_once(
    database: Database, clock: Clock
) -> None:
    async with calling(database, clock, config=GatewayConfig(key_cache_seconds=0)) as caller:
        assert [await questions(caller, database) for _ in range(3)] == [1, 1, 1]
        await revoke(database, clock, caller.key)
        assert await told(await caller.post(QUERY)) == (401, ["UNAUTHENTICATED"])


async def test_a_revoked_key_is_refused_like_an_unknown_one_once_its_second_is_over(
    caller: Caller, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await told(await caller.post(QUERY)) == (200, [])
    await revoke(database, clock, caller.key)
    turn_to(caller, 1000.999, monkeypatch)
    assert await told(await caller.post(QUERY)) == (200, [])
    turn_to(caller, 1001.0, monkeypatch)
    refused = await caller.post(QUERY)
    unknown = await caller.client.post("/graphql", json={}, headers={"X-API-Key": "bgk_" + "A" * 43})
    assert (refused.status, await refused.read()) == (unknown.status, await unknown.read())
    assert refused.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]
    assert refused.status == 401


async def test_a_remembered_key_enters_no_other_tenant(caller: Caller, database: Database, clock: Clock) -> None:
    await make_key(database, clock, tenant="globex")
    assert await told(await caller.post(QUERY)) == (200, [])
    async with statements(database) as sent:
        for tenant in ("globex", "nobody"):
            assert await told(await caller.post(QUERY, X_Tenant=tenant)) == (403, ["FORBIDDEN"])
    assert sent == []


async def test_a_key_that_was_refused_is_good_as_soon_as_it_is_issued(
    caller: Caller, database: Database, clock: Clock
) -> None:
    key = "bgk_" + "A" * 43
    headers = {"X-API-Key": key}
    assert await told(await caller.client.post("/graphql", json={"query": QUERY}, headers=headers)) == (
        401,
        ["UNAUTHENTICATED"],
    )
    await make_key(database, clock, key=key)
    assert await told(await caller.client.post("/graphql", json={"query": QUERY}, headers=headers)) == (200, [])


async def test_each_gateway_remembers_for_itself(caller: Caller, database: Database, clock: Clock) -> None:
    assert await told(await caller.post(QUERY)) == (200, [])
    await revoke(database, clock, caller.key)
    assert await told(await caller.post(QUERY)) == (200, [])
    async with calling(database, clock) as another:
        response = await another.client.post("/graphql", json={"query": QUERY}, headers=caller.auth)
        assert await told(response) == (401, ["UNAUTHENTICATED"])


async def test_many_requests_may_come_with_one_key_at_once(caller: Caller, database: Database) -> None:
    for expected in (200, 200):
        answers = await asyncio.gather(*(caller.post(QUERY) for _ in range(30)))
        assert {answer.status for answer in answers} == {expected}
    assert await questions(caller, database) == 0
