"""What a client may keep of an answer, how it asks whether it still holds, and what is worth compressing."""

import gzip
from collections.abc import AsyncIterator

import orjson
import pytest
from calling import Caller, calling

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.web.responses import MIN_COMPRESSED_BYTES

QUERY = "{ employers { nodes { name } totalCount } }"
CREATE = "mutation($name: String!) { createEmployer(input: {name: $name}) { employer { id } } }"


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


async def test_a_query_by_get_may_be_kept_by_its_client_alone(caller: Caller) -> None:
    response = await caller.get(query=QUERY)
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert set(response.headers["Vary"].split(", ")) >= {"Accept", "Accept-Encoding", "Authorization", "X-Tenant"}
    assert response.headers["ETag"].startswith('W/"')


async def test_what_has_not_changed_is_not_sent_again(caller: Caller) -> None:
    tag = (await caller.get(query=QUERY)).headers["ETag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        headers = caller.auth | {"If-None-Match": known}
        response = await caller.client.get("/graphql", params={"query": QUERY}, headers=headers)
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["ETag"] == tag
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["X-Request-ID"]
    for unknown in ('"other"', 'W/"other"', tag.replace('W/"', 'W/"x')):
        headers = caller.auth | {"If-None-Match": unknown}
        assert (await caller.client.get("/graphql", params={"query": QUERY}, headers=headers)).status == 200


async def test_what_has_changed_is_sent_anew(caller: Caller) -> None:
    tag = (await caller.get(query=QUERY)).headers["ETag"]
    await caller.post(CREATE, {"name": "Acme"})
    headers = caller.auth | {"If-None-Match": tag}
    response = await caller.client.get("/graphql", params={"query": QUERY}, headers=headers)
    assert response.status == 200
    assert response.headers["ETag"] != tag
    assert (await response.json())["data"]["employers"]["totalCount"] == 1


async def test_a_tag_never_lets_anyone_in(caller: Caller) -> None:
    tag = (await caller.get(query=QUERY)).headers["ETag"]
    response = await caller.client.get("/graphql", params={"query": QUERY}, headers={"If-None-Match": tag})
    assert response.status == 401
    assert "ETag" not in response.headers


async def test_refusals_and_answers_by_post_are_not_kept(caller: Caller) -> None:
    for response in (
        await caller.post(QUERY),
        await caller.get(query="{"),
        await caller.get(query='{ node(id: "x") { id } }'),
        await caller.get(),
    ):
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers


async def test_a_long_answer_is_compressed_for_who_takes_it(caller: Caller) -> None:
    await caller.post(CREATE, {"name": "A" * 50})
    query = "{ " + " ".join(f"a{n}: employers {{ nodes {{ name }} }}" for n in range(20)) + " }"
    answers = {}
    async with caller.client.session as session:
        for accept in ("gzip", "br, gzip;q=0.5", "*", "identity", "gzip;q=0, *", "br"):
            headers = caller.auth | {"Accept-Encoding": accept}
            url = caller.client.make_url("/graphql")
            async with session.post(url, json={"query": query}, headers=headers, auto_decompress=False) as response:
                answers[accept] = response.headers.get("Content-Encoding"), await response.read()
                assert "Accept-Encoding" in response.headers["Vary"]
    assert {accept: encoding for accept, (encoding, _) in answers.items()} == {
        "gzip": "gzip",
        "br, gzip;q=0.5": "gzip",
        "*": "gzip",
        "identity": None,
        "gzip;q=0, *": None,
        "br": None,
    }
    plain = answers["identity"][1]
    assert len(plain) >= MIN_COMPRESSED_BYTES
    assert gzip.decompress(answers["gzip"][1]) == plain
    assert len(answers["gzip"][1]) < len(plain) / 2


async def test_a_short_answer_is_not(caller: Caller) -> None:
    response = await caller.post("{ viewer { role } }", Accept_Encoding="gzip")
    assert "Content-Encoding" not in response.headers


async def test_the_schema_is_given_in_its_own_language(caller: Caller) -> None:
    response = await caller.client.get("/schema.graphql", headers=caller.auth)
    assert (response.status, response.content_type) == (200, "text/plain")
    text = await response.text()
    assert "type Enrollment implements Node {" in text
    headers = caller.auth | {"If-None-Match": response.headers["ETag"]}
    assert (await caller.client.get("/schema.graphql", headers=headers)).status == 304
    assert (await caller.client.get("/schema.graphql")).status == 401


async def test_a_body_may_be_compressed_but_not_beyond_its_limit(caller: Caller) -> None:
    def zipped(padding: int) -> bytes:
        return gzip.compress(orjson.dumps({"query": "{ viewer { role } }", "extensions": {"x": "y" * padding}}))

    within = await caller.send(zipped(1024 * 1024), Content_Encoding="gzip")
    assert within.status == 200
    beyond = await caller.send(zipped(3 * 1024 * 1024), Content_Encoding="gzip")
    assert beyond.status == 413
