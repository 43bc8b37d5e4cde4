"""Authentication with API keys; and rejected requests learn nothing beyond the rejection."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from api_client import ApiClient, create_key, running_api, status_and_codes

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.services.access import list_keys, revoke_key
from factories.access import administrator

QUERY = "{ viewer { tenant role } }"


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database: each test has its own API keys."""
    return shared_url


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


async def authenticate(api: ApiClient, headers: dict[str, str]) -> tuple[int, list[str], str | None]:
    response = await api.http.post("/graphql", json={"query": QUERY}, headers=headers)
    return (*await status_and_codes(response), response.headers.get("WWW-Authenticate"))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_bearer_key_is_accepted(api: ApiClient, scheme: str) -> None:
    response = await api.http.post("/graphql", json={"query": QUERY}, headers={"Authorization": scheme + api.key})
    assert (await response.json())["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}


async def test_x_api_key_header_is_accepted(api: ApiClient) -> None:
    assert await authenticate(api, {"X-API-Key": api.key}) == (200, [], None)


async def test_request_without_key_is_unauthenticated(api: ApiClient) -> None:
    assert await authenticate(api, {}) == (401, ["UNAUTHENTICATED"], 'Bearer realm="benegraph"')


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
async def test_invalid_credentials_are_rejected_alike(api: ApiClient, headers: dict[str, str]) -> None:
    assert await authenticate(api, headers) == (
        401,
        ["UNAUTHENTICATED"],
        'Bearer realm="benegraph", error="invalid_token"',
    )


async def test_valid_key_with_wrong_scheme_is_rejected(api: ApiClient) -> None:
    for authorization in (api.key, f"Basic {api.key}", f"Bearer{api.key}", f"Bearer {api.key} x"):
        status, codes, _ = await authenticate(api, {"Authorization": authorization})
        assert (status, codes) == (401, ["UNAUTHENTICATED"]), authorization


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic dTpw", "bgk_" + "A" * 43, "Bearer a b"])
async def test_malformed_authorization_header_is_rejected_with_its_form(api: ApiClient, authorization: str) -> None:
    response = await api.http.post("/graphql", json={"query": QUERY}, headers={"Authorization": authorization})
    assert response.status == 401
    assert await response.json() == {
        "errors": [
            {
                "message": "The Authorization header must have the form: Bearer <API key or token>.",
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
    }


async def test_revoked_and_expired_keys_are_rejected_like_unknown_ones(
    api: ApiClient, database: Database, clock: Clock
) -> None:
    """The key is revoked before its first use; `test_key_cache` covers keys that were used before."""
    expired = await create_key(database, clock, expires_at=datetime(2026, 11, 19, tzinfo=UTC))
    rows = await database.transact(administrator(), clock, list_keys)
    (id,) = (row.id for row in rows if api.key.startswith(row.prefix))
    await database.transact(administrator(), clock, lambda tx: revoke_key(tx, id))
    unknown = await api.http.post("/graphql", json={}, headers={"X-API-Key": "bgk_" + "A" * 43})
    for key in (api.key, expired):
        response = await api.http.post("/graphql", json={"query": QUERY}, headers={"X-API-Key": key})
        assert (response.status, await response.read()) == (401, await unknown.read())


async def test_key_is_valid_before_its_expiry(api: ApiClient, database: Database, clock: Clock) -> None:
    key = await create_key(database, clock, expires_at=datetime(2026, 11, 22, tzinfo=UTC))
    assert await authenticate(api, {"X-API-Key": key}) == (200, [], None)


async def test_credentials_in_two_headers_are_rejected(api: ApiClient) -> None:
    assert await authenticate(api, {"X-API-Key": api.key, **api.auth}) == (400, ["BAD_USER_INPUT"], None)


@pytest.mark.parametrize(("name", "value"), [("Authorization", "Bearer {}"), ("X-API-Key", "{}"), ("X-Tenant", "acme")])
async def test_repeated_header_is_rejected(api: ApiClient, name: str, value: str) -> None:
    repeated = [(name, value.format(api.key))] * 2
    key = [("X-API-Key", api.key)] if name == "X-Tenant" else []
    response = await api.http.post("/graphql", json={"query": QUERY}, headers=repeated + key)
    assert await status_and_codes(response) == (400, ["BAD_USER_INPUT"])


async def test_tenant_header_is_optional_for_a_key_of_one_tenant(api: ApiClient) -> None:
    bodies = [await (await post).json() for post in (api.post(QUERY), api.post(QUERY, X_Tenant="acme"))]
    assert bodies[0]["data"] == bodies[1]["data"] == {"viewer": {"tenant": "acme", "role": "ADMINISTRATOR"}}


async def test_foreign_and_unknown_tenants_get_the_same_response(
    api: ApiClient, database: Database, clock: Clock
) -> None:
    await create_key(database, clock, tenant="globex")
    bodies = []
    for tenant in ("globex", "nobody", "", "NOT A TENANT", "acme2"):
        response = await api.post(QUERY, X_Tenant=tenant)
        assert await status_and_codes(response) == (403, ["FORBIDDEN"])
        bodies.append(await response.read())
    assert len(set(bodies)) == 1


async def test_key_of_several_tenants_requires_the_tenant_header(
    api: ApiClient, database: Database, clock: Clock
) -> None:
    await create_key(database, clock, tenant="globex", key=api.key)
    assert await status_and_codes(await api.post(QUERY)) == (400, ["BAD_USER_INPUT"])
    for tenant in ("acme", "globex"):
        body = await (await api.post(QUERY, X_Tenant=tenant)).json()
        assert body["data"]["viewer"]["tenant"] == tenant
    assert await status_and_codes(await api.post(QUERY, X_Tenant="initech")) == (403, ["FORBIDDEN"])


async def test_body_is_not_parsed_before_authentication(api: ApiClient) -> None:
    for body in (b"no JSON", b"[]", b"{}", b'{"query": "{"}'):
        response = await api.http.post("/graphql", data=body, headers={"Content-Type": "application/json"})
        assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])
