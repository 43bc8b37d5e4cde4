"""What can't be is told from what is refused: each a clear error with its code, and nothing stored or logged."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator

import asyncpg
import orjson
import pytest
from calling import Caller, calling, told

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from conftest import connect

HIRE = "mutation($input: CreateEmployeeInput!) { createEmployee(input: $input) { employee { id } } }"
PRODUCT = (
    "mutation($input: CreateBenefitProductInput!) { createBenefitProduct(input: $input) { benefitProduct { id } } }"
)
EMPLOYER = "empr_01arz3ndektsv4rrffq69g5fav"
SECRET = "Sesquipedalia"


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """What is refused changes nothing: one database will do for all."""
    return shared_url


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


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
async def test_what_is_no_request_is_refused_as_either_type(
    caller: Caller, body: bytes, code: str, accept: str
) -> None:
    response = await caller.send(body, Accept=accept)
    assert response.content_type == accept
    assert await told(response) == (400, [code])


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
async def test_a_refused_document_is_400_as_graphqls_type_and_200_as_json(
    caller: Caller, query: str, variables: dict[str, object], code: str
) -> None:
    response = await caller.post(query, variables, Accept="application/graphql-response+json")
    assert await told(response) == (400, [code])
    assert "data" not in await response.json(content_type=None)
    assert await told(await caller.post(query, variables, Accept="application/json")) == (200, [code])


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
async def test_a_value_that_means_nothing_is_an_error_of_its_field(
    caller: Caller, query: str, variables: dict[str, object]
) -> None:
    response = await caller.post(query, variables)
    assert await told(response) == (200, ["BAD_USER_INPUT"])
    (error,) = (await response.json())["errors"]
    assert len(error["path"]) == 1
    assert set(error["locations"][0]) == {"line", "column"}


async def test_a_cursor_of_another_list_is_refused(caller: Caller) -> None:
    await caller.post('mutation { createEmployer(input: {name: "Acme"}) { employer { id } } }')
    page = await (await caller.post("{ employers { pageInfo { endCursor } } }")).json()
    cursor = page["data"]["employers"]["pageInfo"]["endCursor"]
    query = "query($after: String) { employees(after: $after) { nodes { id } } }"
    assert await told(await caller.post(query, {"after": cursor})) == (200, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "wrong",
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
    ids=lambda wrong: str(next(iter(wrong.items()))),
)
async def test_a_wrong_variable_is_refused_and_nothing_is_stored_or_logged(
    caller: Caller, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture, wrong: dict[str, object]
) -> None:
    caplog.set_level(logging.DEBUG)
    person = {
        "employerId": EMPLOYER,
        "firstName": SECRET,
        "lastName": SECRET,
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-20",
    }
    response = await caller.post(HIRE, {"input": person | wrong})
    status, codes = await told(response)
    assert (status, set(codes)) == (200, {"BAD_USER_INPUT"})
    assert "data" not in await response.json()
    assert await owner.fetchval("SELECT count(*) FROM employees") == 0
    assert SECRET not in caplog.text
    assert "1990" not in caplog.text


@pytest.mark.parametrize(
    "cents", ["50000", 500.5, 50000.0, True, None, 2**53, -(2**63), [1, 2], {"amount": 1}], ids=str
)
async def test_cents_are_whole_numbers(caller: Caller, owner: asyncpg.Connection, cents: object) -> None:
    plan = {"carrierPlanId": "P1", "name": "Gold", "monthlyPremiumCents": cents}
    product = {"name": "Medical", "category": "MEDICAL", "plans": [plan]}
    response = await caller.post(PRODUCT, {"input": product})
    assert await told(response) == (200, ["BAD_USER_INPUT"])
    assert await owner.fetchval("SELECT count(*) FROM benefit_products") == 0


@pytest.mark.parametrize("tier", ["XX", "ee", 7, True])
async def test_an_unknown_tier_is_refused(caller: Caller, owner: asyncpg.Connection, tier: object) -> None:
    rate = {"coverageTier": tier, "monthlyPremiumCents": 100}
    plan = {"carrierPlanId": "P1", "name": "Gold", "monthlyPremiumCents": 100, "rates": [rate]}
    product = {"name": "Medical", "category": "MEDICAL", "plans": [plan]}
    assert await told(await caller.post(PRODUCT, {"input": product})) == (200, ["BAD_USER_INPUT"])
    assert await owner.fetchval("SELECT count(*) FROM benefit_products") == 0


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_query_of_64_kib_is_read_and_one_byte_more_is_not(caller: Caller, accept: str) -> None:
    query = "{ viewer { role } }"
    padding = "ü" * ((64 * 1024 - len(query) - 2) // 2)
    text = f"{query}#{padding}".ljust(64 * 1024 - len(padding))
    assert len(text.encode()) == 64 * 1024
    assert await told(await caller.post(text, Accept=accept)) == (200, [])
    assert await told(await caller.post(text + " ", Accept=accept)) == (400, ["TOO_COMPLEX"])


async def test_a_body_of_2_mib_is_read_and_one_byte_more_is_not(caller: Caller) -> None:
    body = orjson.dumps({"query": "{ viewer { role } }"}).ljust(2 * 1024 * 1024)
    assert await told(await caller.send(body)) == (200, [])
    assert await told(await caller.send(body + b" ")) == (413, ["TOO_COMPLEX"])


async def test_a_body_of_2_mib_is_measured_when_it_is_unpacked(caller: Caller) -> None:
    body = orjson.dumps({"query": "{ viewer { role } }"})
    assert await told(await caller.send(gzip.compress(body), Content_Encoding="gzip")) == (200, [])
    bomb = gzip.compress(body.ljust(100 * 1024 * 1024))
    assert await told(await caller.send(bomb, Content_Encoding="gzip")) == (413, ["TOO_COMPLEX"])


async def test_a_body_that_is_not_encoded_as_it_says_is_refused(caller: Caller) -> None:
    response = await caller.send(b'{"query": "{ viewer { role } }"}', Content_Encoding="gzip")
    assert await told(response) == (400, ["BAD_USER_INPUT"])


async def test_a_client_that_goes_away_is_no_fault(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _, writer = await asyncio.open_connection("127.0.0.1", caller.client.port)
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {caller.key}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_message_does_not_give_back_all_it_was_sent(caller: Caller) -> None:
    response = await caller.post(HIRE, {"input": {"employmentClass": "X" * 1_000_000}})
    assert len(await response.read()) < 10_000


async def test_no_name_of_the_schema_is_suggested_and_errors_are_few(caller: Caller) -> None:
    response = await caller.post(f"{{ viewer {{ {' '.join(f'rol{n}' for n in range(50))} }} }}")
    errors = (await response.json())["errors"]
    assert len(errors) == 6
    assert all("Did you mean" not in error["message"] for error in errors)


async def test_a_character_that_cant_be_stored_is_refused(caller: Caller, owner: asyncpg.Connection) -> None:
    answer = await (await caller.post(PRODUCT, {"input": {"name": "A\0B", "category": "MEDICAL"}})).json()
    assert answer["data"] == {"createBenefitProduct": {"benefitProduct": None}}
    query = "query($text: String) { employees(filter: {search: $text}) { nodes { id } } }"
    assert await told(await caller.post(query, {"text": "A\0B"})) == (200, ["BAD_USER_INPUT"])
    assert await owner.fetchval("SELECT count(*) FROM benefit_products") == 0
