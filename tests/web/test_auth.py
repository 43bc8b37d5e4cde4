"""Who is let in; and nobody else learns more than that they are not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from calling import Caller, calling, make_key, told

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.services.access import list_keys, revoke_key
from factories.access import administrator

QUERY = "{ viewer { tenant role } }"


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Each test has keys of its own: one database will do for all."""
    return shared_url


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


async def ask(caller: Caller, headers: dict[str, str]) -> tuple[int, list[str], str | None]:
    response = await caller.client.post("/graphql", json={"query": QUERY}, headers=headers)
    return (*await told(response), response.headers.get("WWW-Authenticate"))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_key_is_taken_as_a_bearers(caller: Caller, scheme: str) -> None:
    response = await caller.client.post(
        "/graphql", json={"query": QUERY}, headers={"Authorization": scheme + caller.key}
    )
    assert (await response.json())["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}


async def test_a_key_is_taken_as_an_api_key(caller: Caller) -> None:
    assert await ask(caller, {"X-API-Key": caller.key}) == (200, [], None)


async def test_without_a_key_nobody_is_let_in(caller: Caller) -> None:
    assert await ask(caller, {}) == (401, ["UNAUTHENTICATED"], 'Bearer realm="benegraph"')


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer bgk_" + "A" * 43},
        {"X-API-Key": "bgk_" + "A" * 43},
        {"Authorization": "Bearer bgk_short"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dTpw"},
        {"Authorization": "bgk_" + "A" * 43},
        {"Authorization": ""},
        {"X-API-Key": ""},
        {"X-API-Key": "bgk_' OR 1=1 --"},
    ],
)
async def test_a_bad_key_is_refused_whatever_is_bad_about_it(caller: Caller, headers: dict[str, str]) -> None:
    assert await ask(caller, headers) == (
        401,
        ["UNAUTHENTICATED"],
        'Bearer realm="benegraph", error="invalid_token"',
    )


async def test_a_good_key_under_a_wrong_scheme_is_refused(caller: Caller) -> None:
    for authorization in (caller.key, f"Basic {caller.key}", f"Bearer{caller.key}", f"Bearer {caller.key} x"):
        status, codes, _ = await ask(caller, {"Authorization": authorization})
        assert (status, codes) == (401, ["UNAUTHENTICATED"]), authorization


async def test_revoked_and_expired_keys_are_refused_like_unknown_ones(
    caller: Caller, database: Database, clock: Clock
) -> None:
    """Revoked before its first use: what is remembered of one that was used stands in `test_key_cache`."""
    expired = await make_key(database, clock, expires_at=datetime(2026, 11, 19, tzinfo=UTC))
    rows = await database.transact(administrator(), clock, list_keys)
    (id,) = (row.id for row in rows if caller.key.startswith(row.prefix))
    await database.transact(administrator(), clock, lambda tx: revoke_key(tx, id))
    unknown = await caller.client.post("/graphql", json={}, headers={"X-API-Key": "bgk_" + "A" * 43})
    for key in (caller.key, expired):
        response = await caller.client.post("/graphql", json={"query": QUERY}, headers={"X-API-Key": key})
        assert (response.status, await response.read()) == (401, await unknown.read())


async def test_a_key_that_is_still_to_expire_is_good(caller: Caller, database: Database, clock: Clock) -> None:
    key = await make_key(database, clock, expires_at=datetime(2026, 11, 22, tzinfo=UTC))
    assert await ask(caller, {"X-API-Key": key}) == (200, [], None)


async def test_a_key_stands_in_one_header(caller: Caller) -> None:
    assert await ask(caller, {"X-API-Key": caller.key, **caller.auth}) == (400, ["BAD_USER_INPUT"], None)


@pytest.mark.parametrize(("name", "value"), [("Authorization", "Bearer {}"), ("X-API-Key", "{}"), ("X-Tenant", "acme")])
async def test_a_header_stands_there_once(caller: Caller, name: str, value: str) -> None:
    twice = [(name, value.format(caller.key))] * 2
    key = [("X-API-Key", caller.key)] if name == "X-Tenant" else []
    response = await caller.client.post("/graphql", json={"query": QUERY}, headers=twice + key)
    assert await told(response) == (400, ["BAD_USER_INPUT"])


async def test_a_key_of_one_tenant_needs_none_named_and_takes_its_own(caller: Caller) -> None:
    answers = [await (await post).json() for post in (caller.post(QUERY), caller.post(QUERY, X_Tenant="acme"))]
    assert answers[0]["data"] == answers[1]["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}


async def test_a_foreign_tenant_and_one_that_is_none_look_the_same(
    caller: Caller, database: Database, clock: Clock
) -> None:
    await make_key(database, clock, tenant="globex")
    answers = []
    for tenant in ("globex", "nobody", "", "NOT A TENANT", "acme2"):
        response = await caller.post(QUERY, X_Tenant=tenant)
        assert await told(response) == (403, ["FORBIDDEN"])
        answers.append(await response.read())
    assert len(set(answers)) == 1


async def test_a_key_of_several_tenants_says_which(caller: Caller, database: Database, clock: Clock) -> None:
    await make_key(database, clock, tenant="globex", key=caller.key)
    assert await told(await caller.post(QUERY)) == (400, ["BAD_USER_INPUT"])
    for tenant in ("acme", "globex"):
        answer = await (await caller.post(QUERY, X_Tenant=tenant)).json()
        assert answer["data"]["viewer"]["tenant"] == tenant
    assert await told(await caller.post(QUERY, X_Tenant="initech")) == (403, ["FORBIDDEN"])


async def test_nobody_learns_of_a_body_before_showing_a_key(caller: Caller) -> None:
    for body in (b"no JSON", b"[]", b"{}", b'{"query": "{"}'):
        response = await caller.client.post("/graphql", data=body, headers={"Content-Type": "application/json"})
        assert await told(response) == (401, ["UNAUTHENTICATED"])
