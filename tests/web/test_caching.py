"""Cache headers, conditional requests and the compression of responses."""

import gzip
from collections.abc import AsyncIterator

import orjson
import pytest
from api_client import ApiClient, running_api

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.web.responses import MIN_COMPRESSED_BYTES

QUERY = "{ employers { nodes { name } totalCount } }"
CREATE = "mutation($name: String!) { createEmployer(input: {name: $name}) { employer { id } } }"


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


async def test_get_response_is_cacheable_by_its_client_only(api: ApiClient) -> None:
    response = await api.get(query=QUERY)
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert set(response.headers["Vary"].split(", ")) >= {"Accept", "Accept-Encoding", "Authorization", "X-Tenant"}
    assert response.headers["ETag"].startswith('W/"')


async def test_unchanged_response_is_304(api: ApiClient) -> None:
    tag = (await api.get(query=QUERY)).headers["ETag"]
    for matching in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        headers = api.auth | {"If-None-Match": matching}
        response = await api.http.get("/graphql", params={"query": QUERY}, headers=headers)
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["ETag"] == tag
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["X-Request-ID"]
    for other in ('"other"', 'W/"other"', tag.replace('W/"', 'W/"x')):
        headers = api.auth | {"If-None-Match": other}
        assert (await api.http.get("/graphql", params={"query": QUERY}, headers=headers)).status == 200


async def test_changed_response_is_sent_with_a_new_etag(api: ApiClient) -> None:
    tag = (await api.get(query=QUERY)).headers["ETag"]
    await api.post(CREATE, {"name": "Acme"})
    headers = api.auth | {"If-None-Match": tag}
    response = await api.http.get("/graphql", params={"query": QUERY}, headers=headers)
    assert response.status == 200
    assert response.headers["ETag"] != tag
    assert (await response.json())["data"]["employers"]["totalCount"] == 1


async def test_etag_does_not_authenticate(api: ApiClient) -> None:
    tag = (await api.get(query=QUERY)).headers["ETag"]
    response = await api.http.get("/graphql", params={"query": QUERY}, headers={"If-None-Match": tag})
    assert response.status == 401
    assert "ETag" not in response.headers


async def test_errors_and_post_responses_are_not_cacheable(api: ApiClient) -> None:
    for response in (
        await api.post(QUERY),
        await api.get(query="{"),
        await api.get(query='{ node(id: "x") { id } }'),
        await api.get(),
    ):
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers


async def test_long_response_is_compressed_if_the_client_accepts_gzip(api: ApiClient) -> None:
    await api.post(CREATE, {"name": "A" * 50})
    query = "{ " + " ".join(f"a{n}: employers {{ nodes {{ name }} }}" for n in range(20)) + " }"
    responses = {}
    async with api.http.session as session:
        for accept in ("gzip", "br, gzip;q=0.5", "*", "identity", "gzip;q=0, *", "br"):
            headers = api.auth | {"Accept-Encoding": accept}
            url = api.http.make_url("/graphql")
            async with session.post(url, json={"query": query}, headers=headers, auto_decompress=False) as response:
                responses[accept] = response.headers.get("Content-Encoding"), await response.read()
                assert "Accept-Encoding" in response.headers["Vary"]
    assert {accept: encoding for accept, (encoding, _) in responses.items()} == {
        "gzip": "gzip",
        "br, gzip;q=0.5": "gzip",
        "*": "gzip",
        "identity": None,
        "gzip;q=0, *": None,
        "br": None,
    }
    plain = responses["identity"][1]
    assert len(plain) >= MIN_COMPRESSED_BYTES
    assert gzip.decompress(responses["gzip"][1]) == plain
    assert len(responses["gzip"][1]) < len(plain) / 2


async def test_short_response_is_not_compressed(api: ApiClient) -> None:
    response = await api.post("{ viewer { role } }", Accept_Encoding="gzip")
    assert "Content-Encoding" not in response.headers


async def test_schema_route_returns_cacheable_sdl(api: ApiClient) -> None:
    response = await api.http.get("/schema.graphql", headers=api.auth)
    assert (response.status, response.content_type) == (200, "text/plain")
    text = await response.text()
    assert "type Enrollment implements Node {" in text
    headers = api.auth | {"If-None-Match": response.headers["ETag"]}
    assert (await api.http.get("/schema.graphql", headers=headers)).status == 304
    assert (await api.http.get("/schema.graphql")).status == 401


async def test_compressed_body_is_limited_by_its_decompressed_size(api: ApiClient) -> None:
    def compressed(padding: int) -> bytes:
        return gzip.compress(orjson.dumps({"query": "{ viewer { role } }", "extensions": {"x": "y" * padding}}))

    allowed = await api.post_body(compressed(1024 * 1024), Content_Encoding="gzip")
    assert allowed.status == 200
    too_large = await api.post_body(compressed(3 * 1024 * 1024), Content_Encoding="gzip")
    assert too_large.status == 413
