"""GraphQL over HTTP: methods, media types, request IDs and response headers."""

import logging
from collections.abc import AsyncIterator

import pytest
from api_client import ApiClient, running_api, status_and_codes
from graphql import get_introspection_query

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.web.responses import negotiate_media_type

QUERY = "{ viewer { role } }"
CREATE_EMPLOYER = 'mutation { createEmployer(input: {name: "Acme", idempotencyKey: "k"}) { employer { name } } }'
ROLE_BODY = {
    "data": {"viewer": {"role": "ADMINISTRATOR"}},
    "extensions": {"cost": {"requestedQueryCost": 1, "maximumQueryCost": 20_000}},
}


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@pytest.mark.parametrize(
    ("accept", "media_type"),
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
def test_media_type_is_negotiated(accept: str | None, media_type: str | None) -> None:
    assert negotiate_media_type(accept) == media_type


async def test_response_has_the_negotiated_media_type(api: ApiClient) -> None:
    for accept in ("application/json", "application/graphql-response+json"):
        response = await api.post(QUERY, Accept=accept)
        assert response.headers["Content-Type"] == f"{accept}; charset=utf-8"
        assert await response.json(content_type=None) == ROLE_BODY


async def test_client_that_accepts_neither_media_type_gets_406(api: ApiClient) -> None:
    assert await status_and_codes(await api.post(QUERY, Accept="text/html")) == (406, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/graphql", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_other_content_types_are_rejected(api: ApiClient, content_type: str) -> None:
    response = await api.post_body(b'{"query": "{ viewer { role } }"}', Content_Type=content_type)
    assert await status_and_codes(response) == (415, ["BAD_USER_INPUT"])


async def test_get_executes_a_query(api: ApiClient) -> None:
    assert await (await api.get(query=QUERY)).json() == ROLE_BODY
    query = "query A($n: Int) { employers(first: $n) { totalCount } } query B { viewer { role } }"
    response = await api.get(query=query, operationName="A", variables='{"n": 1}', extensions="{}")
    assert (await response.json())["data"] == {"employers": {"totalCount": 0}}


async def test_introspection_query_returns_the_schema(api: ApiClient) -> None:
    body = await (await api.post(get_introspection_query())).json()
    assert "errors" not in body
    assert body["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": QUERY, "variables": "{"}, {"query": QUERY, "variables": "[]"}, {"query": QUERY, "extensions": "7"}],
)
async def test_get_parameters_are_validated(api: ApiClient, parameters: dict[str, str]) -> None:
    assert await status_and_codes(await api.get(**parameters)) == (400, ["BAD_USER_INPUT"])


async def test_repeated_parameter_is_rejected(api: ApiClient) -> None:
    response = await api.http.get("/graphql?query={a}&query={b}", headers=api.auth)
    assert await status_and_codes(response) == (400, ["BAD_USER_INPUT"])


async def test_get_rejects_mutations(api: ApiClient) -> None:
    for parameters in (
        {"query": CREATE_EMPLOYER},
        {"query": f"query Q {QUERY} {CREATE_EMPLOYER.replace('n {', 'n M {', 1)}", "operationName": "M"},
    ):
        response = await api.get(**parameters)
        assert await status_and_codes(response) == (405, ["BAD_USER_INPUT"])
        assert response.headers["Allow"] == "POST"
    response = await api.post("{ employers { totalCount } }")
    assert (await response.json())["data"] == {"employers": {"totalCount": 0}}


async def test_idempotent_replay_is_marked_in_extensions(api: ApiClient) -> None:
    first = await (await api.post(CREATE_EMPLOYER)).json()
    replay = await (await api.post(CREATE_EMPLOYER)).json()
    assert first["data"] == replay["data"] == {"createEmployer": {"employer": {"name": "Acme"}}}
    assert replay["extensions"] == first["extensions"] | {"idempotentReplay": True}
    assert "idempotentReplay" not in first["extensions"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_get_the_allow_header(api: ApiClient, method: str) -> None:
    response = await api.http.request(method, "/graphql", headers=api.auth)
    assert (response.status, response.headers["Allow"]) == (405, "GET,POST")
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", ["/", "/graphql/", "/employees/7", "/%2e%2e/etc/passwd"])
async def test_unknown_path_gets_a_graphql_error(api: ApiClient, path: str) -> None:
    assert await status_and_codes(await api.http.get(path)) == (404, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    ("method", "path", "headers", "message"),
    [
        ("GET", "/nowhere", {}, "There is nothing at this path."),
        ("PUT", "/graphql", {}, "This path does not support the method; use GET or POST."),
        (
            "POST",
            "/graphql",
            {"Content-Type": "text/plain"},
            "Unsupported Content-Type; send application/json in UTF-8.",
        ),
        (
            "GET",
            "/graphql",
            {"Accept": "text/html"},
            "Unsupported Accept header; accept application/graphql-response+json or application/json.",
        ),
    ],
)
async def test_http_error_says_how_to_correct_the_request(
    api: ApiClient, method: str, path: str, headers: dict[str, str], message: str
) -> None:
    response = await api.http.request(method, path, headers=api.auth | headers)
    assert [error["message"] for error in (await response.json())["errors"]] == [message]


async def test_well_formed_request_id_is_kept(api: ApiClient) -> None:
    for valid in ("a", "A-Z_0.9", "x" * 64):
        assert (await api.post(QUERY, X_Request_ID=valid)).headers["X-Request-ID"] == valid
    for invalid in ("", "x" * 65, "a b", "a,b", "ü", "<script>"):
        generated = (await api.post(QUERY, X_Request_ID=invalid)).headers["X-Request-ID"]
        assert generated != invalid
        assert len(generated) == 24


async def test_every_response_has_the_common_headers(api: ApiClient) -> None:
    for response in (
        await api.post(QUERY),
        await api.post("{"),
        await api.http.get("/graphql"),
        await api.http.get("/nowhere"),
        await api.http.get("/livez"),
    ):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Server"] == "benegraph"
        assert response.headers["X-Request-ID"]


async def test_access_log_contains_no_client_data(api: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await api.http.get("/graphql?query={employee(name:%22Lovelace%22)}", headers={"X-Request-ID": "r1"})
    await api.http.get("/people/Lovelace", headers={"X-Request-ID": "r2"})
    lines = [record.getMessage() for record in caplog.records if record.name == "aiohttp.access"]
    assert [line.rpartition(" ")[0] for line in lines] == ["GET /graphql 401", "GET (unknown) 404"]
    assert "Lovelace" not in caplog.text
