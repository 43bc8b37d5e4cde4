"""The ways by which data gets into the gateway, and marked data for each of them."""

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
from calling import Caller, told
from issuing import Provider, by, compact, rsa

MARK = "zqxmark"
NUMBER = 31415926
#: The mark, and what the mark becomes where it is packed as a cursor is.
TRACES_OF_IT = (MARK, base64.b64encode(MARK.encode()).decode()[:8], str(NUMBER))

HIRE = "mutation Hire($input: CreateEmployeeInput!) { createEmployee(input: $input) { userErrors { code } } }"
FOUND = """
    mutation Found($input: CreateEmployerInput!) {
      createEmployer(input: $input) { employer { id name } userErrors { code } }
    }
"""


@dataclass
class Way:
    """One way in: a caller, the owner of its database, and what was answered so far: statuses, and codes."""

    caller: Caller
    owner: asyncpg.Connection
    provider: Provider
    answers: list[Any] = field(default_factory=list)

    async def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        return await self.note(await self.caller.post(query, variables, **headers))

    async def send(self, body: bytes | dict[str, Any], **headers: str) -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        # What can't be read to its end leaves a connection that is good for nothing else.
        await self.note(await self.caller.send(content, Connection="close", **headers))

    async def note(self, response: ClientResponse) -> dict[str, Any]:
        status, codes = await told(response)
        self.answers.append((status, *sorted(set(codes))))
        body: dict[str, Any] = await response.json(content_type=None)
        return body

    async def say(self, text: bytes) -> None:
        """Send what is no HTTP, or hardly, and note the first line that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.caller.client.port)
        writer.write(text)
        line = await reader.readline()
        self.answers.append(int(line.split()[1]) if line else None)
        writer.close()
        await writer.wait_closed()


FRAGMENTS = f"""
    query($v{MARK}: Int) {{ a{MARK}: employers(first: $v{MARK}) {{ totalCount }} ...F{MARK} }}
    fragment F{MARK} on Query {{ viewer {{ b{MARK}: role }} }}
"""


async def in_documents(way: Way) -> None:
    for query in (
        f'{{ employees(filter: {{search: "{MARK}"}}) {{ nodes {{ id }} }} }} # {MARK}',
        FRAGMENTS,
        f"query {MARK} {{ viewer {{ {MARK} }} }}",
        f"{{ viewer({MARK}: 7) {{ role @{MARK} ... on {MARK} {{ id }} }} }}",
        f"{{ employers(filter: {{{MARK}: {MARK}}}) {{ totalCount }} }}",
        f"{{ employers(first: {NUMBER}) {{ totalCount }} }}",
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
        await way.post(query)


async def in_names_of_operations(way: Way) -> None:
    await way.send({"query": "query A { viewer { role } }", "operationName": MARK})
    await way.send({"query": "query A { viewer { role } }", "operationName": [MARK]})
    await way.send({"query": f"query {MARK} {{ nope }}", "operationName": MARK})
    await way.send({"query": f"query {MARK} {{", "operationName": MARK})
    await way.send({"query": f"subscription {MARK} {{ viewer {{ role }} }}", "operationName": MARK})
    await way.note(await way.caller.get(query=f"mutation {MARK} {{ a }}", operationName=MARK))


async def in_names_of_documents(way: Way) -> None:
    for extensions in (
        {"persistedQuery": {"version": 1, "sha256Hash": MARK}},
        {"persistedQuery": {"version": MARK, "sha256Hash": "0" * 64}},
        {"persistedQuery": MARK},
        {MARK: MARK},
    ):
        await way.send({"extensions": extensions})
    await way.send({"documentId": MARK})
    await way.send({"documentId": {MARK: MARK}})


async def in_variables(way: Way) -> None:
    query = "query People($text: String, $n: Int) { employees(filter: {search: $text}, first: $n) { nodes { id } } }"
    for variables in (
        {"text": MARK},
        {"text": MARK, MARK: MARK},
        {"text": {MARK: MARK}},
        {"n": MARK},
        {"n": NUMBER},
        {"n": NUMBER * 1000},
        {"text": f"{MARK}\0"},
    ):
        await way.post(query, variables)
    for wrong in ({"input": {MARK: MARK}}, {"input": MARK}, {"input": {"name": MARK, "timeZone": [MARK]}}):
        await way.post(FOUND, wrong)


async def in_ids_and_cursors(way: Way) -> None:
    packed = base64.urlsafe_b64encode(orjson.dumps([MARK, MARK])).decode()
    for query in (
        f'{{ node(id: "{MARK}") {{ id }} }}',
        f'{{ employee(id: "empl_{MARK}") {{ id }} }}',
        f'{{ employers(after: "{MARK}") {{ nodes {{ id }} }} }}',
        f'{{ employers(after: "{packed}") {{ nodes {{ id }} }} }}',
    ):
        await way.post(query)


async def in_headers(way: Way) -> None:
    for name in (
        "X-Request-ID", "User-Agent", "Referer", "Cookie", "Origin", "Accept-Encoding", "Accept-Language", "From",
        "If-None-Match", "traceparent", "tracestate", "baggage", "X-Forwarded-For", "Forwarded", f"X-{MARK}",
        "X-Apollo-Operation-Name", "X-HTTP-Method-Override", "GraphQL-Require-Preflight",
    ):  # fmt: skip
        await way.post("{ viewer { role } }", None, **{name: f"{MARK}, {MARK}"})
    for name in ("X-Tenant", "Authorization", "Accept", "Content-Type", "Content-Encoding"):
        await way.post("{ viewer { role } }", None, **{name: MARK})
    for headers in (
        {"Authorization": f"Bearer bgk_{MARK:A<43}"},
        {"X-API-Key": MARK},
        {"Authorization": f"Basic {MARK}"},
    ):
        await way.note(await way.caller.client.post("/graphql", json={}, headers=headers))


async def in_paths(way: Way) -> None:
    for path in (f"/{MARK}", f"/graphql/{MARK}", f"/graphql?{MARK}={MARK}", f"/%7A{MARK}?{MARK}"):
        await way.note(await way.caller.client.get(path, headers=way.caller.auth))
    for path in (f"/livez?{MARK}", f"/readyz?{MARK}", f"/metrics?name[]={MARK}"):
        way.answers.append((await way.caller.client.get(path, headers={"Accept": MARK})).status)
    for method in ("PUT", "OPTIONS"):
        await way.note(await way.caller.client.request(method, f"/graphql?{MARK}", headers={"Origin": MARK}))


async def by_get(way: Way) -> None:
    for parameters in (
        {"query": f"{{ {MARK}: viewer {{ role }} }}", "variables": json.dumps({MARK: MARK})},
        {"query": MARK, "variables": MARK},
        {"query": MARK, "extensions": MARK},
        {"query": f"{{ {MARK} }}", MARK: MARK, "operationName": MARK},
        {"query": f"mutation {MARK} {{ {MARK} }}"},
    ):
        await way.note(await way.caller.get(**parameters))
    url = f"/graphql?query={MARK}&query={MARK}"
    await way.note(await way.caller.client.get(url, headers=way.caller.auth))


async def in_bodies(way: Way) -> None:
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
        await way.send(body)
    await way.send(MARK.encode() * 400_000)
    await way.send(MARK.encode(), Content_Encoding="gzip")
    await way.send(gzip.compress(MARK.encode() * 400_000), Content_Encoding="gzip")
    await way.send(MARK.encode(), Content_Encoding=MARK)
    await way.send(MARK.encode(), Content_Type=f"text/{MARK}")
    await way.send(MARK.encode(), Content_Type=f"application/json; charset={MARK}")


async def in_what_is_hardly_http(way: Way) -> None:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {MARK}\r\nX-API-Key: {way.caller.key}\r\nContent-Type: application/json\r\n"
    )
    for text in (
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
        await way.say(text.encode())
    # One that goes away in the middle of what it says.
    _, writer = await asyncio.open_connection("127.0.0.1", way.caller.client.port)
    writer.write(f"{head}Content-Length: 1000\r\n\r\n{MARK}".encode())
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.1)


async def in_mutations(way: Way) -> None:
    employer = {"name": MARK, "idempotencyKey": MARK}
    body = await way.post(FOUND, {"input": employer})
    id = body["data"]["createEmployer"]["employer"]["id"]
    await way.post(FOUND, {"input": employer})
    await way.post(FOUND, {"input": employer | {"name": f"{MARK} again"}})
    await way.post(FOUND, {"input": {"name": MARK, "timeZone": MARK}})
    await way.post(FOUND, {"input": {"name": f"{MARK}\0"}})
    await way.post(FOUND, {"input": {"name": MARK, "idempotencyKey": f"{MARK}\0"}})
    await way.post(FOUND, {"input": {"name": MARK * 1000}})
    person = {"employerId": id, "firstName": MARK, "lastName": MARK, "email": f"{MARK}@example.com", "externalId": MARK}
    person |= {"dateOfBirth": "1990-02-28", "employmentClass": "FULL_TIME", "startDate": "2026-11-20"}
    for change in ({}, {}, {"employerId": MARK}, {"email": MARK}, {"dateOfBirth": MARK}, {"employmentClass": MARK}):
        await way.post(HIRE, {"input": person | change})
    # Rows of it are read, which SQLAlchemy would log.
    found = await way.post("{ employees { nodes { firstName lastName email employer { name } } } }")
    assert found["data"]["employees"]["nodes"][0]["firstName"] == MARK


async def into_a_broken_database(way: Way) -> None:
    await way.owner.execute(f"ALTER TABLE employers ADD CONSTRAINT {MARK} CHECK (name NOT LIKE '%{MARK}%')")
    await way.post(FOUND, {"input": {"name": MARK}})
    await way.owner.execute(f"""
        CREATE FUNCTION {MARK}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{MARK}: %', NEW USING DETAIL = '{MARK}', HINT = '{MARK}'; END $$;
        CREATE TRIGGER {MARK} BEFORE INSERT ON employers FOR EACH ROW EXECUTE FUNCTION {MARK}()
    """)
    await way.post(FOUND, {"input": {"name": "Acme"}})
    await way.owner.execute(f"ALTER TABLE employees RENAME COLUMN last_name TO {MARK}")
    await way.post(f'{{ {MARK}: employees(filter: {{search: "{MARK}"}}) {{ nodes {{ id }} }} }}')
    await way.owner.execute(f"ALTER TABLE api_keys RENAME TO {MARK}")
    await way.post("{ viewer { role } }")
    await way.owner.execute(f"ALTER TABLE {MARK} RENAME TO api_keys")
    await way.owner.execute(f"ALTER TABLE alembic_version RENAME TO {MARK}_version")
    way.answers.append((await way.caller.client.get(f"/readyz?{MARK}")).status)


async def into_a_broken_graph(way: Way) -> None:
    for asked in (
        f'repeating(text: "{MARK}")',
        f'violated(name: "{MARK}")',
        f'slow(name: "{MARK}")',
        f'endless(text: "{MARK}")',
        f'unseen(text: "{MARK}")',
    ):
        await way.post(f"{{ broken {{ {MARK}: {asked} }} }}")
    gc.collect()  # of the task that failed, and whose failure nobody saw


async def in_tokens(way: Way) -> None:
    provider = way.provider
    # Its own key is the mark's, and nobody else's; so is the tenant it names, which is refused.
    for token in (
        provider.token(sub=MARK, name=MARK, email=MARK),
        provider.token(tenant=MARK, sub=MARK),
        provider.token(role=MARK),
        provider.token(employer_id=MARK, role="EMPLOYER"),
        provider.token(aud=MARK),
        provider.token(exp=MARK),
        provider.token_with(kid=MARK),
        provider.token_with(alg=MARK),
        provider.token_with(**{MARK: MARK, "crit": [MARK]}),
        compact(provider.header(), MARK.encode(), by(rsa())),
        f"eyJ{MARK}.{MARK}.{MARK}",
    ):
        headers = {"Authorization": f"Bearer {token}"}
        response = await way.caller.client.post("/graphql", json={"query": "{ viewer { role } }"}, headers=headers)
        await way.note(response)
