"""Requests from other sites' pages: CORS for configured origins, and no cross-site request forgery."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from api_client import ApiClient, running_api, status_and_codes

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.settings import GatewayConfig

APP = "https://app.example"
OTHER = "https://evil.example"
QUERY = "{ viewer { role } }"
CREATE_EMPLOYER = b'{"query": "mutation { createEmployer(input: {name: \\"Acme\\"}) { employer { id } } }"}'
PREFLIGHT_HEADERS = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database: these tests write nothing."""
    return shared_url


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@pytest.fixture
async def cors_api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock, config=GatewayConfig(origins=frozenset({APP}))) as api:
        yield api


def cors_headers(response: ClientResponse) -> list[str]:
    return [name for name in response.headers if name.startswith("Access-Control-")]


async def preflight(api: ApiClient, origin: str) -> ClientResponse:
    return await api.http.options("/graphql", headers={"Origin": origin} | PREFLIGHT_HEADERS)


async def test_no_origin_is_allowed_by_default(api: ApiClient) -> None:
    for origin in (APP, OTHER, "null"):
        assert (preflight_response := await preflight(api, origin)).status == 405
        assert cors_headers(preflight_response) == cors_headers(await api.post(QUERY, Origin=origin)) == []


async def test_configured_origin_is_allowed(cors_api: ApiClient) -> None:
    preflight_response = await preflight(cors_api, APP)
    assert (preflight_response.status, await preflight_response.read()) == (204, b"")
    assert preflight_response.headers["Access-Control-Allow-Origin"] == APP
    assert preflight_response.headers["Access-Control-Allow-Methods"] == "GET, POST"
    allowed_headers = {
        name.strip().lower() for name in preflight_response.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert {"authorization", "content-type", "x-api-key", "x-tenant", "x-request-id"} <= allowed_headers
    response = await cors_api.post(QUERY, Origin=APP)
    assert (await response.json())["data"] == {"viewer": {"role": "ADMINISTRATOR"}}
    assert response.headers["Access-Control-Allow-Origin"] == APP
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
    assert "Origin" in response.headers["Vary"]
    # API keys travel in headers, so cookies are not allowed.
    assert "Access-Control-Allow-Credentials" not in response.headers


async def test_configured_origin_may_read_errors(cors_api: ApiClient) -> None:
    for response in (
        await cors_api.http.post("/graphql", headers={"Origin": APP}),
        await cors_api.post("{", Origin=APP),
        await cors_api.http.put("/graphql", headers={"Origin": APP}),
    ):
        assert response.status >= 400 or "errors" in await response.json()
        assert response.headers["Access-Control-Allow-Origin"] == APP


async def test_headers_that_browser_clients_send_are_allowed(cors_api: ApiClient) -> None:
    headers = (
        *("accept", "authorization", "content-type", "x-api-key", "x-tenant", "x-request-id", "idempotency-key"),
        *("apollographql-client-name", "apollographql-client-version", "apollo-require-preflight"),
        *("graphql-client-name", "graphql-client-version", "graphql-require-preflight", "x-apollo-operation-name"),
        *("traceparent", "tracestate", "baggage", "sentry-trace"),
    )
    request_headers = {
        "Origin": APP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(headers),
    }
    response = await cors_api.http.options("/graphql", headers=request_headers)
    allowed = [name.strip().lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")]
    assert sorted(allowed) == sorted(headers)


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://app.example", f"{APP}:8443", f"{APP}.evil.example", f"{APP}/", "", "*"]
)
async def test_other_origins_are_not_allowed(cors_api: ApiClient, origin: str) -> None:
    assert cors_headers(await preflight(cors_api, origin)) == []
    assert cors_headers(await cors_api.post(QUERY, Origin=origin)) == []


@pytest.mark.parametrize("path", ["/", "/livez", "/metrics", "/schema.graphql", "/pages/config.json"])
async def test_only_the_graphql_path_allows_origins(cors_api: ApiClient, path: str) -> None:
    response = await cors_api.http.get(path, headers=cors_api.auth | {"Origin": APP})
    assert cors_headers(response) == []


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; charset=utf-8",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ],
)
async def test_requests_without_preflight_are_rejected(api: ApiClient, content_type: str) -> None:
    """Browsers send these content types to any origin without a preflight request."""
    headers = {"Content-Type": content_type, "Origin": OTHER}
    response = await api.http.post("/graphql", data=CREATE_EMPLOYER, headers=headers)
    assert (await status_and_codes(response))[0] in {401, 415}
    # The same holds with an API key, which a proxy could add.
    response = await api.http.post("/graphql", data=CREATE_EMPLOYER, headers=api.auth | headers)
    assert await status_and_codes(response) == (415, ["BAD_USER_INPUT"])
    response = await api.post("{ employers { totalCount } }")
    assert (await response.json())["data"] == {"employers": {"totalCount": 0}}


async def test_get_without_credentials_header_is_rejected(api: ApiClient) -> None:
    response = await api.http.get("/graphql", params={"query": QUERY}, headers={"Origin": OTHER})
    assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])


async def test_cookies_and_parameters_do_not_authenticate(api: ApiClient) -> None:
    for name in ("Authorization", "X-API-Key", "key", "access_token", "session"):
        response = await api.http.get(
            "/graphql", params={"query": QUERY, name: api.key}, headers={"Cookie": f"{name}={api.key}"}
        )
        assert response.status == 401
