"""Other sites' pages: what their browsers may ask, and that they can't act for anybody without being asked."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from calling import Caller, calling, told

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.settings import GatewayConfig

APP = "https://app.example"
OTHER = "https://evil.example"
QUERY = "{ viewer { role } }"
CREATE = b'{"query": "mutation { createEmployer(input: {name: \\"Acme\\"}) { employer { id } } }"}'
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Nothing here changes anything: one database will do for all."""
    return shared_url


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


@pytest.fixture
async def open_to_app(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock, config=GatewayConfig(origins=frozenset({APP}))) as caller:
        yield caller


def allowed(response: ClientResponse) -> list[str]:
    return [name for name in response.headers if name.startswith("Access-Control-")]


async def preflight(caller: Caller, origin: str) -> ClientResponse:
    return await caller.client.options("/graphql", headers={"Origin": origin} | PREFLIGHT)


async def test_no_origin_is_let_in_until_it_is_named(caller: Caller) -> None:
    for origin in (APP, OTHER, "null"):
        assert (asked := await preflight(caller, origin)).status == 405
        assert allowed(asked) == allowed(await caller.post(QUERY, Origin=origin)) == []


async def test_a_named_origin_may_call(open_to_app: Caller) -> None:
    asked = await preflight(open_to_app, APP)
    assert (asked.status, await asked.read()) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == APP
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, POST"
    granted = {name.strip().lower() for name in asked.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "x-api-key", "x-tenant", "x-request-id"} <= granted
    response = await open_to_app.post(QUERY, Origin=APP)
    assert (await response.json())["data"] == {"viewer": {"role": "ADMINISTRATOR"}}
    assert response.headers["Access-Control-Allow-Origin"] == APP
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
    assert "Origin" in response.headers["Vary"]
    # Keys come in headers: no cookie is ever asked for.
    assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_named_origin_reads_refusals_too(open_to_app: Caller) -> None:
    for response in (
        await open_to_app.client.post("/graphql", headers={"Origin": APP}),
        await open_to_app.post("{", Origin=APP),
        await open_to_app.client.put("/graphql", headers={"Origin": APP}),
    ):
        assert response.status >= 400 or "errors" in await response.json()
        assert response.headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://app.example", f"{APP}:8443", f"{APP}.evil.example", f"{APP}/", "", "*"]
)
async def test_an_origin_is_the_named_one_or_none(open_to_app: Caller, origin: str) -> None:
    assert allowed(await preflight(open_to_app, origin)) == []
    assert allowed(await open_to_app.post(QUERY, Origin=origin)) == []


@pytest.mark.parametrize("path", ["/", "/livez", "/metrics", "/schema.graphql", "/explorer/config.json"])
async def test_only_the_graph_is_open_to_other_origins(open_to_app: Caller, path: str) -> None:
    response = await open_to_app.client.get(path, headers=open_to_app.auth | {"Origin": APP})
    assert allowed(response) == []


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
async def test_what_a_page_may_send_without_asking_is_refused(caller: Caller, content_type: str) -> None:
    """A browser sends these without a preflight, whatever the server thinks of the page's origin."""
    simple = {"Content-Type": content_type, "Origin": OTHER}
    response = await caller.client.post("/graphql", data=CREATE, headers=simple)
    assert (await told(response))[0] in {401, 415}
    # Nor with a key, were some proxy to add it.
    response = await caller.client.post("/graphql", data=CREATE, headers=caller.auth | simple)
    assert await told(response) == (415, ["BAD_USER_INPUT"])
    count = await caller.post("{ employers { totalCount } }")
    assert (await count.json())["data"] == {"employers": {"totalCount": 0}}


async def test_a_get_without_a_header_that_needs_asking_is_refused(caller: Caller) -> None:
    response = await caller.client.get("/graphql", params={"query": QUERY}, headers={"Origin": OTHER})
    assert await told(response) == (401, ["UNAUTHENTICATED"])


async def test_no_cookie_and_no_parameter_stands_for_a_key(caller: Caller) -> None:
    for name in ("Authorization", "X-API-Key", "key", "access_token", "session"):
        response = await caller.client.get(
            "/graphql", params={"query": QUERY, name: caller.key}, headers={"Cookie": f"{name}={caller.key}"}
        )
        assert response.status == 401
