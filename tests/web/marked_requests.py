"""Requests that contain marked data in every part that a client controls."""

import asyncio
import base64
import gc
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from aiohttp import ClientResponse
from api_client import ApiClient, status_and_codes
from identity_provider import IdentityProvider, encode_token, rsa_key, signer

MARK = "zqxmark"
MARK_NUMBER = 31415926
#: The forms in which the mark may appear: plain, encoded as in a cursor, and the marked number.
MARK_FORMS = (MARK, base64.b64encode(MARK.encode()).decode()[:8], str(MARK_NUMBER))

CREATE_EMPLOYEE = (
    "mutation Hire($input: CreateEmployeeInput!) { createEmployee(input: $input) { userErrors { code } } }"
)
CREATE_EMPLOYER = """
    mutation CreateEmployer($input: CreateEmployerInput!) {
      createEmployer(input: $input) { employer { id name } userErrors { code } }
    }
"""


@dataclass
class MarkedClient:
    """A client with the connection of the database's owner and an identity provider. It records each response."""

    api: ApiClient
    owner: asyncpg.Connection
    provider: IdentityProvider
    #: The status and the distinct codes of each response; of raw HTTP, the status alone.
    results: list[Any] = field(default_factory=list)

    async def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        return await self.record(await self.api.post(query, variables, **headers))

    async def post_body(self, body: bytes | dict[str, Any], **headers: str) -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        # After a body that cannot be read to its end, the connection cannot be reused.
        await self.record(await self.api.post_body(content, Connection="close", **headers))

    async def record(self, response: ClientResponse) -> dict[str, Any]:
        status, codes = await status_and_codes(response)
        self.results.append((status, *sorted(set(codes))))
        body: dict[str, Any] = await response.json(content_type=None)
        return body

    async def send_raw(self, request: bytes) -> None:
        """Send bytes that may not be valid HTTP, and record the status of the response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.api.http.port)
        writer.write(request)
        line = await reader.readline()
        self.results.append(int(line.split()[1]) if line else None)
        writer.close()
        await writer.wait_closed()


MARKED_FRAGMENTS = f"""
    query($v{MARK}: Int) {{ a{MARK}: employers(first: $v{MARK}) {{ totalCount }} ...F{MARK} }}
    fragment F{MARK} on Query {{ viewer {{ b{MARK}: role }} }}
"""


async def in_documents(client: MarkedClient) -> None:
    for query in (
        f'{{ employees(filter: {{search: "{MARK}"}}) {{ nodes {{ id }} }} }} # {MARK}',
        MARKED_FRAGMENTS,
        f"query {MARK} {{ viewer {{ {MARK} }} }}",
        f"{{ viewer({MARK}: 7) {{ role @{MARK} ... on {MARK} {{ id }} }} }}",
        f"{{ employers(filter: {{{MARK}: {MARK}}}) {{ totalCount }} }}",
        f"{{ employers(first: {MARK_NUMBER}) {{ totalCount }} }}",
        f'{{ __type(name: "{MARK}") {{ name }} }}',
        f"{{ {MARK}",
        f'"{MARK}',
        f"{{ viewer {{ role }} }} }} {MARK}",
        f'{{ a(b: "{MARK}\n") }}',
        f"{MARK} {{",
        f"{{ {MARK} " * 20 + "}" * 20,
        f"# {MARK}\n" * 10_000,
        f"{{ {f'a{MARK} ' * 5000} }}",
    ):
        await client.post(query)


async def in_names_of_operations(client: MarkedClient) -> None:
    await client.post_body({"query": "query A { viewer { role } }", "operationName": MARK})
    await client.post_body({"query": "query A { viewer { role } }", "operationName": [MARK]})
    await client.post_body({"query": f"query {MARK} {{ nope }}", "operationName": MARK})
    await client.post_body({"query": f"query {MARK} {{", "operationName": MARK})
    await client.post_body({"query": f"subscription {MARK} {{ viewer {{ role }} }}", "operationName": MARK})
    await client.record(await client.api.get(query=f"mutation {MARK} {{ a }}", operationName=MARK))


async def in_names_of_documents(client: MarkedClient) -> None:
    for extensions in (
        {"persistedQuery": {"version": 1, "sha256Hash": MARK}},
        {"persistedQuery": {"version": MARK, "sha256Hash": "0" * 64}},
        {"persistedQuery": MARK},
        {MARK: MARK},
    ):
        await client.post_body({"extensions": extensions})
    await client.post_body({"documentId": MARK})
    await client.post_body({"documentId": {MARK: MARK}})


async def in_variables(client: MarkedClient) -> None:
    query = "query People($text: String, $n: Int) { employees(filter: {search: $text}, first: $n) { nodes { id } } }"
    for variables in (
        {"text": MARK},
        {"text": MARK, MARK: MARK},
        {"text": {MARK: MARK}},
        {"n": MARK},
        {"n": MARK_NUMBER},
        {"n": MARK_NUMBER * 1000},
        {"text": f"{MARK}\0"},
    ):
        await client.post(query, variables)
    for invalid in ({"input": {MARK: MARK}}, {"input": MARK}, {"input": {"name": MARK, "timeZone": [MARK]}}):
        await client.post(CREATE_EMPLOYER, invalid)


async def in_ids_and_cursors(client: MarkedClient) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps([MARK, MARK])).decode()
    for query in (
        f'{{ node(id: "{MARK}") {{ id }} }}',
        f'{{ employee(id: "empl_{MARK}") {{ id }} }}',
        f'{{ employers(after: "{MARK}") {{ nodes {{ id }} }} }}',
        f'{{ employers(after: "{cursor}") {{ nodes {{ id }} }} }}',
    ):
        await client.post(query)


async def in_headers(client: MarkedClient) -> None:
    for name in (
        "X-Request-ID", "User-Agent", "Referer", "Cookie", "Origin", "Accept-Encoding", "Accept-Language", "From",
        "If-None-Match", "traceparent", "tracestate", "baggage", "X-Forwarded-For", "Forwarded", f"X-{MARK}",
        "X-Apollo-Operation-Name", "X-HTTP-Method-Override", "GraphQL-Require-Preflight",
    ):  # fmt: skip
        await client.post("{ viewer { role } }", None, **{name: f"{MARK}, {MARK}"})
    for name in ("X-Tenant", "Authorization", "Accept", "Content-Type", "Content-Encoding"):
        await client.post("{ viewer { role } }", None, **{name: MARK})
    for headers in (
        {"Authorization": f"Bearer bgk_{MARK:A<43}"},
        {"X-API-Key": MARK},
        {"Authorization": f"Basic {MARK}"},
    ):
        await client.record(await client.api.http.post("/graphql", json={}, headers=headers))


async def in_paths(client: MarkedClient) -> None:
    for path in (f"/{MARK}", f"/graphql/{MARK}", f"/graphql?{MARK}={MARK}", f"/%7A{MARK}?{MARK}"):
        await client.record(await client.api.http.get(path, headers=client.api.auth))
    for path in (f"/livez?{MARK}", f"/readyz?{MARK}", f"/metrics?name[]={MARK}"):
        client.results.append((await client.api.http.get(path, headers={"Accept": MARK})).status)
    for method in ("PUT", "OPTIONS"):
        await client.record(await client.api.http.request(method, f"/graphql?{MARK}", headers={"Origin": MARK}))


async def by_get(client: MarkedClient) -> None:
    for parameters in (
        {"query": f"{{ {MARK}: viewer {{ role }} }}", "variables": json.dumps({MARK: MARK})},
        {"query": MARK, "variables": MARK},
        {"query": MARK, "extensions": MARK},
        {"query": f"{{ {MARK} }}", MARK: MARK, "operationName": MARK},
        {"query": f"mutation {MARK} {{ {MARK} }}"},
    ):
        await client.record(await client.api.get(**parameters))
    url = f"/graphql?query={MARK}&query={MARK}"
    await client.record(await client.api.http.get(url, headers=client.api.auth))


async def in_bodies(client: MarkedClient) -> None:
    for body in (
        MARK.encode(),
        f'{{"query": "{MARK}'.encode(),
        f'["{MARK}"]'.encode(),
        f'"{MARK}"'.encode(),
        f'{{"query": "{MARK}\\ud800"}}'.encode(),
        MARK.encode() + b"\xff",
        {"query": {MARK: MARK}},
        {"query": MARK, "variables": MARK},
        {"query": MARK, "variables": [MARK]},
    ):
        await client.post_body(body)
    await client.post_body(MARK.encode() * 400_000)
    await client.post_body(MARK.encode(), Content_Encoding="gzip")
    await client.post_body(gzip.compress(MARK.encode() * 400_000), Content_Encoding="gzip")
    await client.post_body(MARK.encode(), Content_Encoding=MARK)
    await client.post_body(MARK.encode(), Content_Type=f"text/{MARK}")
    await client.post_body(MARK.encode(), Content_Type=f"application/json; charset={MARK}")


async def in_invalid_http(client: MarkedClient) -> None:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {MARK}\r\nX-API-Key: {client.api.key}\r\nContent-Type: application/json\r\n"
    )
    for request in (
        f"{MARK} /graphql HTTP/1.1\r\n\r\n",
        f"{MARK}\r\n\r\n",
        f"GET /{MARK} HTTP/{MARK}\r\n\r\n",
        f"GET /graphql HTTP/1.1\r\n{MARK}\r\n\r\n",
        f"GET /graphql HTTP/1.1\r\n{MARK}\0: {MARK}\r\n\r\n",
        f"GET /graphql HTTP/1.1\r\nX-{MARK}: {MARK * 10_000}\r\n\r\n",
        f"GET /{MARK * 10_000} HTTP/1.1\r\n\r\n",
        f"{head}Content-Length: {MARK}\r\n\r\n{{",
        f"{head}Transfer-Encoding: chunked\r\n\r\n{MARK}\r\n{MARK}",
        f"{head}Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n{MARK}",
    ):
        await client.send_raw(request.encode())
    # A client that disconnects in the middle of its body.
    _, writer = await asyncio.open_connection("127.0.0.1", client.api.http.port)
    writer.write(f"{head}Content-Length: 1000\r\n\r\n{MARK}".encode())
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.1)


async def in_mutations(client: MarkedClient) -> None:
    employer = {"name": MARK, "idempotencyKey": MARK}
    body = await client.post(CREATE_EMPLOYER, {"input": employer})
    id = body["data"]["createEmployer"]["employer"]["id"]
    await client.post(CREATE_EMPLOYER, {"input": employer})
    await client.post(CREATE_EMPLOYER, {"input": employer | {"name": f"{MARK} again"}})
    await client.post(CREATE_EMPLOYER, {"input": {"name": MARK, "timeZone": MARK}})
    await client.post(CREATE_EMPLOYER, {"input": {"name": f"{MARK}\0"}})
    await client.post(CREATE_EMPLOYER, {"input": {"name": MARK, "idempotencyKey": f"{MARK}\0"}})
    await client.post(CREATE_EMPLOYER, {"input": {"name": MARK * 1000}})
    employee = {
        "employerId": id,
        "firstName": MARK,
        "lastName": MARK,
        "email": f"{MARK}@example.com",
        "externalId": MARK,
    }
    employee |= {"dateOfBirth": "1990-02-28", "employmentClass": "FULL_TIME", "startDate": "2026-11-20"}
    for change in ({}, {}, {"employerId": MARK}, {"email": MARK}, {"dateOfBirth": MARK}, {"employmentClass": MARK}):
        await client.post(CREATE_EMPLOYEE, {"input": employee | change})
    # Read rows with the mark, which SQLAlchemy would log.
    body = await client.post("{ employees { nodes { firstName lastName email employer { name } } } }")
    assert body["data"]["employees"]["nodes"][0]["firstName"] == MARK


async def in_personal_data(client: MarkedClient) -> None:
    body = await client.post(CREATE_EMPLOYER, {"input": {"name": "Acme"}})
    employee = {
        "employerId": body["data"]["createEmployer"]["employer"]["id"],
        "firstName": "Ada",
        "lastName": "Adams",
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-20",
        "middleName": MARK,
        "nameSuffix": MARK,
        "phone": f"+1{MARK_NUMBER}",
        "ssn": f"{MARK_NUMBER}5",
        "address": {"line1": MARK, "line2": MARK, "city": MARK, "state": "IL", "postalCode": "62701"},
    }
    for change in ({}, {}, {"ssn": f"{MARK_NUMBER}"}, {"ssn": MARK_NUMBER}, {"phone": MARK}, {"address": MARK}):
        await client.post(CREATE_EMPLOYEE, {"input": employee | change})
    query = "{ employees { nodes { id middleName phone ssnLastFour address { line1 city } } } }"
    body = await client.post(query)
    (node,) = body["data"]["employees"]["nodes"]
    assert (node["phone"], node["address"]["city"]) == (f"+1{MARK_NUMBER}", MARK)
    reveal = "mutation Reveal($input: RevealSsnInput!) { revealSsn(input: $input) { ssn userErrors { code } } }"
    body = await client.post(reveal, {"input": {"personId": node["id"], "reason": MARK}})
    assert body["data"]["revealSsn"]["ssn"] == f"{MARK_NUMBER}5"
    await client.post(reveal, {"input": {"personId": MARK, "reason": MARK}})


async def into_a_broken_database(client: MarkedClient) -> None:
    await client.owner.execute(f"ALTER TABLE employers ADD CONSTRAINT {MARK} CHECK (name NOT LIKE '%{MARK}%')")
    await client.post(CREATE_EMPLOYER, {"input": {"name": MARK}})
    await client.owner.execute(f"""
        CREATE FUNCTION {MARK}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{MARK}: %', NEW USING DETAIL = '{MARK}', HINT = '{MARK}'; END $$;
        CREATE TRIGGER {MARK} BEFORE INSERT ON employers FOR EACH ROW EXECUTE FUNCTION {MARK}()
    """)
    await client.post(CREATE_EMPLOYER, {"input": {"name": "Acme"}})
    await client.owner.execute(f"ALTER TABLE employees RENAME COLUMN last_name TO {MARK}")
    await client.post(f'{{ {MARK}: employees(filter: {{search: "{MARK}"}}) {{ nodes {{ id }} }} }}')
    await client.owner.execute(f"ALTER TABLE api_keys RENAME TO {MARK}")
    await client.post("{ viewer { role } }")
    await client.owner.execute(f"ALTER TABLE {MARK} RENAME TO api_keys")
    await client.owner.execute(f"ALTER TABLE alembic_version RENAME TO {MARK}_version")
    client.results.append((await client.api.http.get(f"/readyz?{MARK}")).status)


async def into_a_failing_schema(client: MarkedClient) -> None:
    for selection in (
        f'echo(text: "{MARK}")',
        f'violation(name: "{MARK}")',
        f'slowStatement(name: "{MARK}")',
        f'endless(text: "{MARK}")',
        f'failingTask(text: "{MARK}")',
    ):
        await client.post(f"{{ failing {{ {MARK}: {selection} }} }}")
    gc.collect()  # the failed task reports its error when it is collected


async def in_tokens(client: MarkedClient) -> None:
    provider = client.provider
    # Subjects, tenants, roles, IDs and headers of tokens contain the mark.
    for token in (
        provider.token(sub=MARK, name=MARK, email=MARK),
        provider.token(tenant=MARK, sub=MARK),
        provider.token(role=MARK),
        provider.token(employer_id=MARK, role="EMPLOYER"),
        provider.token(aud=MARK),
        provider.token(exp=MARK),
        provider.token_with_header(kid=MARK),
        provider.token_with_header(alg=MARK),
        provider.token_with_header(**{MARK: MARK, "crit": [MARK]}),
        encode_token(provider.header(), MARK.encode(), signer(rsa_key())),
        f"eyJ{MARK}.{MARK}.{MARK}",
    ):
        headers = {"Authorization": f"Bearer {token}"}
        response = await client.api.http.post("/graphql", json={"query": "{ viewer { role } }"}, headers=headers)
        await client.record(response)
