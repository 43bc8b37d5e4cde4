"""GraphQL over HTTP: methods, media types, ids of requests, and answers' headers."""

import logging
from collections.abc import AsyncIterator

import pytest
from calling import Caller, calling, told
from graphql import get_introspection_query

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.web.responses import negotiate_media_type

QUERY = "{ viewer { role } }"
CREATE = 'mutation { createEmployer(input: {name: "Acme", idempotencyKey: "k"}) { employer { name } } }'
ROLE = {
    "data": {"viewer": {"role": "ADMINISTRATOR"}},
    "extensions": {"cost": {"requestedQueryCost": 1, "maximumQueryCost": 20_000}},
}


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("APPLICATION/GraphQL-Response+JSON", "application/graphql-response+json"),
        ("application/graphql-response+json, application/json", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json;q=0.9", "application/json"),
        (
            "application/graphql-response+json;q=0.5, application/json;q=0.4, */*;q=0.1",
            "application/graphql-response+json",
        ),
        ("application/graphql-response+json, */*;q=0.9", "application/graphql-response+json"),
        ("text/html, */*;q=0.8", "application/json"),
        ("application/json;q=0, */*", "application/graphql-response+json"),
        ("application/json;q=0", None),
        ("text/html", None),
        ("*/*;q=0", None),
    ],
)
def test_the_media_type_is_the_one_the_client_prefers(accept: str | None, media: str | None) -> None:
    assert negotiate_media_type(accept) == media


async def test_the_answers_type_is_the_negotiated_one(caller: Caller) -> None:
    for accept in ("application/json", "application/graphql-response+json"):
        response = await caller.post(QUERY, Accept=accept)
        assert response.headers["Content-Type"] == f"{accept}; charset=utf-8"
        assert await response.json(content_type=None) == ROLE


async def test_a_client_that_takes_neither_type_is_told(caller: Caller) -> None:
    assert await told(await caller.post(QUERY, Accept="text/html")) == (406, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/graphql", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_other_content_types_are_refused(caller: Caller, content_type: str) -> None:
    response = await caller.send(b'{"query": "{ viewer { role } }"}', Content_Type=content_type)
    assert await told(response) == (415, ["BAD_USER_INPUT"])


async def test_a_query_may_come_by_get(caller: Caller) -> None:
    assert await (await caller.get(query=QUERY)).json() == ROLE
    query = "query A($n: Int) { employers(first: $n) { totalCount } } query B { viewer { role } }"
    counted = await caller.get(query=query, operationName="A", variables='{"n": 1}', extensions="{}")
    assert (await counted.json())["data"] == {"employers": {"totalCount": 0}}


async def test_tools_may_read_the_schema(caller: Caller) -> None:
    answer = await (await caller.post(get_introspection_query())).json()
    assert "errors" not in answer
    assert answer["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": QUERY, "variables": "{"}, {"query": QUERY, "variables": "[]"}, {"query": QUERY, "extensions": "7"}],
)
async def test_a_get_is_read_as_strictly(caller: Caller, parameters: dict[str, str]) -> None:
    assert await told(await caller.get(**parameters)) == (400, ["BAD_USER_INPUT"])


async def test_a_parameter_stands_there_once(caller: Caller) -> None:
    response = await caller.client.get("/graphql?query={a}&query={b}", headers=caller.auth)
    assert await told(response) == (400, ["BAD_USER_INPUT"])


async def test_a_mutation_never_comes_by_get(caller: Caller) -> None:
    for parameters in (
        {"query": CREATE},
        {"query": f"query Q {QUERY} {CREATE.replace('n {', 'n M {', 1)}", "operationName": "M"},
    ):
        response = await caller.get(**parameters)
        assert await told(response) == (405, ["BAD_USER_INPUT"])
        assert response.headers["Allow"] == "POST"
    counted = await caller.post("{ employers { totalCount } }")
    assert (await counted.json())["data"] == {"employers": {"totalCount": 0}}


async def test_a_replay_is_told_beside_the_answer(caller: Caller) -> None:
    first = await (await caller.post(CREATE)).json()
    again = await (await caller.post(CREATE)).json()
    assert first["data"] == again["data"] == {"createEmployer": {"employer": {"name": "Acme"}}}
    assert again["extensions"] == first["extensions"] | {"idempotentReplay": True}
    assert "idempotentReplay" not in first["extensions"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_are_told_which_are_right(caller: Caller, method: str) -> None:
    response = await caller.client.request(method, "/graphql", headers=caller.auth)
    assert (response.status, response.headers["Allow"]) == (405, "GET,POST")
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", ["/", "/graphql/", "/employees/7", "/%2e%2e/etc/passwd"])
async def test_an_unknown_path_is_answered_in_the_same_shape(caller: Caller, path: str) -> None:
    assert await told(await caller.client.get(path)) == (404, ["BAD_USER_INPUT"])


async def test_a_requests_id_is_kept_where_it_is_well_formed(caller: Caller) -> None:
    for given in ("a", "A-Z_0.9", "x" * 64):
        assert (await caller.post(QUERY, X_Request_ID=given)).headers["X-Request-ID"] == given
    for given in ("", "x" * 65, "a b", "a,b", "ü", "<script>"):
        made = (await caller.post(QUERY, X_Request_ID=given)).headers["X-Request-ID"]
        assert made != given
        assert len(made) == 24


async def test_every_answer_carries_the_same_headers(caller: Caller) -> None:
    for response in (
        await caller.post(QUERY),
        await caller.post("{"),
        await caller.client.get("/graphql"),
        await caller.client.get("/nowhere"),
        await caller.client.get("/livez"),
    ):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Server"] == "benegraph"
        assert response.headers["X-Request-ID"]


async def test_the_access_log_names_nobody(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await caller.client.get("/graphql?query={employee(name:%22Lovelace%22)}", headers={"X-Request-ID": "r1"})
    await caller.client.get("/people/Lovelace", headers={"X-Request-ID": "r2"})
    lines = [record.getMessage() for record in caplog.records if record.name == "aiohttp.access"]
    assert [line.rpartition(" ")[0] for line in lines] == ["GET /graphql 401", "GET (unknown) 404"]
    assert "Lovelace" not in caplog.text
