"""Invalid requests: each is rejected with the right status and code, and nothing is stored or logged."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator

import asyncpg
import orjson
import pytest
from api_client import ApiClient, running_api, status_and_codes

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.settings import GatewayConfig
from conftest import connect

CREATE_EMPLOYEE = "mutation($input: CreateEmployeeInput!) { createEmployee(input: $input) { employee { id } } }"
CREATE_PRODUCT = (
    "mutation($input: CreateBenefitProductInput!) { createBenefitProduct(input: $input) { benefitProduct { id } } }"
)
EMPLOYER = "empr_01arz3ndektsv4rrffq69g5fav"
SECRET = "Sesquipedalia"


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database: rejected requests write nothing."""
    return shared_url


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(owner_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BAD_USER_INPUT"),
        (b"no JSON", "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { role } }"', "BAD_USER_INPUT"),
        (b'{"query": "\xff"}', "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { role } }", "variables": {"x": NaN}}', "BAD_USER_INPUT"),
        (b'{"query": ' + b"[" * 100_000, "BAD_USER_INPUT"),
        (b'"text"', "BAD_USER_INPUT"),
        (b"null", "BAD_USER_INPUT"),
        (b"7", "BAD_USER_INPUT"),
        (b'[{"query": "{ viewer { role } }"}]', "BAD_USER_INPUT"),
        (b"{}", "BAD_USER_INPUT"),
        (b'{"query": null}', "BAD_USER_INPUT"),
        (b'{"query": 7}', "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { role } }", "variables": []}', "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { role } }", "variables": "{}"}', "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { role } }", "operationName": 7}', "BAD_USER_INPUT"),
        (b'{"query": "{ viewer { role } }", "extensions": []}', "BAD_USER_INPUT"),
    ],
    ids=range(17),
)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_malformed_body_is_400_in_either_media_type(api: ApiClient, body: bytes, code: str, accept: str) -> None:
    response = await api.post_body(body, Accept=accept)
    assert response.content_type == accept
    assert await status_and_codes(response) == (400, [code])


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("", {}, "PARSE_FAILED"),
        ("{ viewer { role }", {}, "PARSE_FAILED"),
        ("{ viewer " * 400, {}, "PARSE_FAILED"),
        ("{" * 60_000, {}, "PARSE_FAILED"),
        ("{ viewer { salary } }", {}, "VALIDATION_FAILED"),
        ("{ viewer { ...F } } fragment F on Viewer { ...F }", {}, "VALIDATION_FAILED"),
        ('{ employers(first: "7") { totalCount } }', {}, "VALIDATION_FAILED"),
        ("{ employers(first: 99999999999) { totalCount } }", {}, "VALIDATION_FAILED"),
        ("{ employers(first: %s) { totalCount } }" % ("9" * 5000), {}, "VALIDATION_FAILED"),
        ("query($n: Int) { employers(first: $n) { totalCount } }", {"n": "7"}, "BAD_USER_INPUT"),
        ("query($n: Int) { employers(first: $n) { totalCount } }", {"n": 7.5}, "BAD_USER_INPUT"),
        ("query($n: Int!) { employers(first: $n) { totalCount } }", {}, "BAD_USER_INPUT"),
        ("query A { viewer { role } } query B { viewer { role } }", {}, "BAD_USER_INPUT"),
        ("fragment F on Viewer { role }", {}, "VALIDATION_FAILED"),
        ("subscription { viewer { role } }", {}, "BAD_USER_INPUT"),
    ],
    ids=range(15),
)
async def test_rejected_document_is_400_as_graphql_response_and_200_as_json(
    api: ApiClient, query: str, variables: dict[str, object], code: str
) -> None:
    response = await api.post(query, variables, Accept="application/graphql-response+json")
    assert await status_and_codes(response) == (400, [code])
    assert "data" not in await response.json(content_type=None)
    assert await status_and_codes(await api.post(query, variables, Accept="application/json")) == (200, [code])


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('{ node(id: "no id") { id } }', {}),
        ('{ node(id: "empl_01ARZ3NDEKTSV4RRFFQ69G5FAV") { id } }', {}),
        ('{ node(id: "empl_01arz3ndektsv4rrffq69g5fav\\u0000") { id } }', {}),
        ('{ node(id: "tenant_01arz3ndektsv4rrffq69g5fav") { id } }', {}),
        (f'{{ employee(id: "{EMPLOYER}") {{ id }} }}', {}),
        ("query($id: ID!) { employer(id: $id) { id } }", {"id": 7}),
        ("{ employers(first: -1) { totalCount nodes { id } } }", {}),
        ("{ employers(first: 10000) { totalCount nodes { id } } }", {}),
        ('{ employers(after: "b2Zmc2V0OjE=") { nodes { id } } }', {}),
        ('{ employers(after: "ü") { nodes { id } } }', {}),
    ],
    ids=range(10),
)
async def test_invalid_argument_value_is_an_error_of_its_field(
    api: ApiClient, query: str, variables: dict[str, object]
) -> None:
    response = await api.post(query, variables)
    assert await status_and_codes(response) == (200, ["BAD_USER_INPUT"])
    (error,) = (await response.json())["errors"]
    assert len(error["path"]) == 1
    assert set(error["locations"][0]) == {"line", "column"}


async def test_cursor_of_another_connection_is_rejected(api: ApiClient) -> None:
    await api.post('mutation { createEmployer(input: {name: "Acme"}) { employer { id } } }')
    page = await (await api.post("{ employers { pageInfo { endCursor } } }")).json()
    cursor = page["data"]["employers"]["pageInfo"]["endCursor"]
    query = "query($after: String) { employees(after: $after) { nodes { id } } }"
    assert await status_and_codes(await api.post(query, {"after": cursor})) == (200, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "changes",
    [
        {"dateOfBirth": "1990-02-30"},
        {"dateOfBirth": "19900228"},
        {"dateOfBirth": "1990-W05-1"},
        {"dateOfBirth": "02/28/1990"},
        {"dateOfBirth": 19900228},
        {"startDate": "2026-11-20T12:00:00Z"},
        {"startDate": None},
        {"employmentClass": "full_time"},
        {"employmentClass": 1},
        {"firstName": 7},
        {"nickname": "Ada"},
    ],
    ids=lambda changes: str(next(iter(changes.items()))),
)
async def test_invalid_variable_is_rejected_and_nothing_is_stored_or_logged(
    api: ApiClient, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture, changes: dict[str, object]
) -> None:
    caplog.set_level(logging.DEBUG)
    person = {
        "employerId": EMPLOYER,
        "firstName": SECRET,
        "lastName": SECRET,
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-20",
    }
    response = await api.post(CREATE_EMPLOYEE, {"input": person | changes})
    status, codes = await status_and_codes(response)
    assert (status, set(codes)) == (200, {"BAD_USER_INPUT"})
    assert "data" not in await response.json()
    assert await owner.fetchval("SELECT count(*) FROM employees") == 0
    assert SECRET not in caplog.text
    assert "1990" not in caplog.text


@pytest.mark.parametrize(
    "cents", ["50000", 500.5, 50000.0, True, None, 2**53, -(2**63), [1, 2], {"amount": 1}], ids=str
)
async def test_cents_must_be_whole_numbers(api: ApiClient, owner: asyncpg.Connection, cents: object) -> None:
    plan = {"carrierPlanId": "P1", "name": "Gold", "monthlyPremiumCents": cents}
    product = {"name": "Medical", "category": "MEDICAL", "plans": [plan]}
    response = await api.post(CREATE_PRODUCT, {"input": product})
    assert await status_and_codes(response) == (200, ["BAD_USER_INPUT"])
    assert await owner.fetchval("SELECT count(*) FROM benefit_products") == 0


@pytest.mark.parametrize("tier", ["XX", "ee", 7, True])
async def test_unknown_coverage_tier_is_rejected(api: ApiClient, owner: asyncpg.Connection, tier: object) -> None:
    rate = {"coverageTier": tier, "monthlyPremiumCents": 100}
    plan = {"carrierPlanId": "P1", "name": "Gold", "monthlyPremiumCents": 100, "rates": [rate]}
    product = {"name": "Medical", "category": "MEDICAL", "plans": [plan]}
    assert await status_and_codes(await api.post(CREATE_PRODUCT, {"input": product})) == (200, ["BAD_USER_INPUT"])
    assert await owner.fetchval("SELECT count(*) FROM benefit_products") == 0


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_query_of_64_kib_is_accepted_and_one_byte_more_is_rejected(api: ApiClient, accept: str) -> None:
    query = "{ viewer { role } }"
    padding = "ü" * ((64 * 1024 - len(query) - 2) // 2)
    text = f"{query}#{padding}".ljust(64 * 1024 - len(padding))
    assert len(text.encode()) == 64 * 1024
    assert await status_and_codes(await api.post(text, Accept=accept)) == (200, [])
    assert await status_and_codes(await api.post(text + " ", Accept=accept)) == (400, ["TOO_COMPLEX"])


async def test_body_of_2_mib_is_accepted_and_one_byte_more_is_rejected(api: ApiClient) -> None:
    body = orjson.dumps({"query": "{ viewer { role } }"}).ljust(2 * 1024 * 1024)
    assert await status_and_codes(await api.post_body(body)) == (200, [])
    response = await api.post_body(body + b" ")
    assert await status_and_codes(response) == (413, ["TOO_COMPLEX"])
    assert (await response.json())["errors"][0]["message"] == "The request body exceeds 2097152 bytes."


async def test_body_limit_applies_to_the_decompressed_body(api: ApiClient) -> None:
    body = orjson.dumps({"query": "{ viewer { role } }"})
    assert await status_and_codes(await api.post_body(gzip.compress(body), Content_Encoding="gzip")) == (200, [])
    bomb = gzip.compress(body.ljust(100 * 1024 * 1024))
    assert await status_and_codes(await api.post_body(bomb, Content_Encoding="gzip")) == (413, ["TOO_COMPLEX"])


async def test_body_with_wrong_content_encoding_is_rejected(api: ApiClient) -> None:
    response = await api.post_body(b'{"query": "{ viewer { role } }"}', Content_Encoding="gzip")
    assert await status_and_codes(response) == (400, ["BAD_USER_INPUT"])


async def test_disconnected_client_logs_no_warning(api: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _, writer = await asyncio.open_connection("127.0.0.1", api.http.port)
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {api.key}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_error_message_does_not_echo_a_long_value(api: ApiClient) -> None:
    response = await api.post(CREATE_EMPLOYEE, {"input": {"employmentClass": "X" * 1_000_000}})
    assert len(await response.read()) < 10_000


async def test_errors_suggest_no_schema_names_without_introspection_and_are_limited(
    database: Database, clock: Clock
) -> None:
    async with running_api(database, clock, config=GatewayConfig(introspection=frozenset())) as api:
        response = await api.post(f"{{ viewer {{ {' '.join(f'rol{n}' for n in range(50))} }} }}")
        errors = (await response.json())["errors"]
        assert len(errors) == 6
        assert all("Did you mean" not in error["message"] for error in errors)


async def test_nul_character_is_rejected(api: ApiClient, owner: asyncpg.Connection) -> None:
    body = await (await api.post(CREATE_PRODUCT, {"input": {"name": "A\0B", "category": "MEDICAL"}})).json()
    assert body["data"] == {"createBenefitProduct": {"benefitProduct": None}}
    query = "query($text: String) { employees(filter: {search: $text}) { nodes { id } } }"
    assert await status_and_codes(await api.post(query, {"text": "A\0B"})) == (200, ["BAD_USER_INPUT"])
    assert await owner.fetchval("SELECT count(*) FROM benefit_products") == 0
