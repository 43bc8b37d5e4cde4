"""Documents by name: Apollo's persisted queries, and trusted documents, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse
from calling import Caller, calling, make_key, told

from benegraph.db import store
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine import persisted_documents as texts
from benegraph.graphql.engine.documents import compute_digest
from benegraph.services import documents
from benegraph.services.documents import find_persisted, persist, trust
from benegraph.settings import GatewayConfig
from conftest import connect
from factories.access import administrator

QUERY = "{ viewer { role } }"
HASH = compute_digest(QUERY)
ROLE = {"viewer": {"role": "ADMINISTRATOR"}}
CREATE = 'mutation { createEmployer(input: {name: "Acme"}) { employer { name } } }'
UNKNOWN = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}],
}


def named(digest: str, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


async def send(caller: Caller, *, key: str | None = None, **members: Any) -> ClientResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else caller.auth
    return await caller.client.post("/graphql", json=members, headers=headers)


async def data(response: ClientResponse) -> Any:
    body = await response.json()
    assert "errors" not in body, body
    return body["data"]


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


@pytest.fixture
async def strict(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    """A gateway that runs trusted documents alone."""
    async with calling(database, clock, config=GatewayConfig(trusted_documents_only=True)) as caller:
        yield caller


async def trusting(database: Database, clock: Clock, **texts: str) -> None:
    trusted = {id: (compute_digest(text), text) for id, text in texts.items()}
    await database.transact(administrator(), clock, lambda tx: trust(tx, trusted))


async def test_a_hash_is_known_once_its_text_was_sent(caller: Caller) -> None:
    unknown = await send(caller, extensions=named(HASH))
    assert (unknown.status, await unknown.json()) == (200, UNKNOWN)
    assert await data(await send(caller, query=QUERY, extensions=named(HASH))) == ROLE
    assert await data(await send(caller, extensions=named(HASH))) == ROLE
    assert await data(await send(caller, extensions=named(HASH.upper()))) == ROLE


async def test_a_hash_is_known_to_other_processes_too(caller: Caller, database: Database, clock: Clock) -> None:
    await send(caller, query=QUERY, extensions=named(HASH))
    async with calling(database, clock) as another:
        assert await data(await send(another, extensions=named(HASH))) == ROLE


async def test_a_hash_may_come_by_get(caller: Caller) -> None:
    await send(caller, query=QUERY, extensions=named(HASH))
    response = await caller.get(extensions=orjson.dumps(named(HASH)).decode())
    assert await data(response) == ROLE
    assert response.headers["ETag"]


async def test_a_mutation_by_hash_still_never_comes_by_get(caller: Caller) -> None:
    hash = compute_digest(CREATE)
    assert await data(await send(caller, query=CREATE, extensions=named(hash)))
    assert await told(await caller.get(extensions=orjson.dumps(named(hash)).decode())) == (405, ["BAD_USER_INPUT"])
    assert await data(await caller.post("{ employers { totalCount } }")) == {"employers": {"totalCount": 1}}


async def test_the_status_of_an_unknown_hash_goes_by_the_media_type(caller: Caller) -> None:
    headers = caller.auth | {"Accept": "application/graphql-response+json"}
    response = await caller.client.post("/graphql", json={"extensions": named(HASH)}, headers=headers)
    assert (response.status, await response.json(content_type=None)) == (400, UNKNOWN)


@pytest.mark.parametrize(
    "extensions",
    [
        named("0" * 64),
        {"persistedQuery": 7},
        {"persistedQuery": {"version": 1}},
        {"persistedQuery": {"version": 1, "sha256Hash": 7}},
        named("0" * 63),
        named("g" * 64),
        named(f" {HASH}"),
        named(HASH, version=2),
        named(HASH, version=None),
    ],
    ids=range(9),
)
async def test_a_hash_that_is_none_or_of_another_text_is_refused(
    caller: Caller, database: Database, clock: Clock, extensions: dict[str, Any]
) -> None:
    assert await told(await send(caller, query=QUERY, extensions=extensions)) == (400, ["BAD_USER_INPUT"])
    assert await find_persisted(database, administrator(), clock, HASH) is None


@pytest.mark.parametrize("text", ["{", "{ viewer { salary } }", "{ " + "viewer { role } " * 21 + "}"])
async def test_only_what_can_run_is_kept(caller: Caller, database: Database, clock: Clock, text: str) -> None:
    response = await send(caller, query=text, extensions=named(compute_digest(text)))
    assert "errors" in await response.json()
    assert await find_persisted(database, administrator(), clock, compute_digest(text)) is None


async def test_a_hash_is_its_tenants(caller: Caller, database: Database, clock: Clock) -> None:
    elsewhere = await make_key(database, clock, tenant="globex")
    await send(caller, query=QUERY, extensions=named(HASH))
    assert await (await send(caller, key=elsewhere, extensions=named(HASH))).json() == UNKNOWN
    assert await data(await send(caller, key=elsewhere, query=QUERY, extensions=named(HASH))) == ROLE


async def test_a_hash_without_a_key_tells_nothing(caller: Caller) -> None:
    await send(caller, query=QUERY, extensions=named(HASH))
    response = await caller.client.post("/graphql", json={"extensions": named(HASH)})
    assert await told(response) == (401, ["UNAUTHENTICATED"])


async def test_the_oldest_go_when_a_tenant_has_too_many(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with calling(database, clock):
        pass
    monkeypatch.setattr(documents, "MAX_PERSISTED_DOCUMENTS", 2)
    digests = [f"{'ff' if n < 3 else '00'}{n:062x}" for n in range(4)]
    for n, digest in enumerate(digests):
        later = Clock(clock.now + timedelta(seconds=n))
        await persist(database, administrator(), later, digest, f"text {n}")
    kept = [await find_persisted(database, administrator(), clock, digest) for digest in digests]
    assert kept == [None, None, "text 2", "text 3"]


async def test_what_was_persisted_is_looked_up_once_a_minute(
    caller: Caller, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(caller, query=QUERY, extensions=named(HASH))
    connection = await connect(owner_url)
    await connection.execute("DELETE FROM persisted_queries")
    await connection.close()
    assert await data(await send(caller, extensions=named(HASH))) == ROLE
    monkeypatch.setattr(texts, "CACHE_TTL", timedelta(0))
    assert await (await send(caller, extensions=named(HASH))).json() == UNKNOWN


async def test_a_trusted_document_runs_by_its_id(caller: Caller, database: Database, clock: Clock) -> None:
    assert await (await send(caller, documentId="viewer-role")).json() == UNKNOWN
    await trusting(database, clock, **{"viewer-role": QUERY})
    assert await data(await send(caller, documentId="viewer-role")) == ROLE
    assert await data(await caller.get(documentId="viewer-role")) == ROLE
    assert await data(await send(caller, extensions=named(HASH))) == ROLE


@pytest.mark.parametrize("id", ["", "x" * 256, 7, ["a"]])
async def test_an_id_that_can_not_be_is_refused(caller: Caller, id: Any) -> None:
    assert await told(await send(caller, documentId=id)) == (400, ["BAD_USER_INPUT"])


async def test_a_text_and_an_id_are_one_too_many(caller: Caller, database: Database, clock: Clock) -> None:
    await trusting(database, clock, role=QUERY)
    assert await told(await send(caller, documentId="role", query=QUERY)) == (400, ["BAD_USER_INPUT"])


async def test_a_trusted_document_may_be_of_any_shape_but_not_of_any_cost(
    caller: Caller, database: Database, clock: Clock
) -> None:
    wide = "{ " + " ".join(f"a{n}: viewer {{ role }}" for n in range(100)) + " }"
    page = "nodes {{ employees(first: 100) {{ nodes {{ enrollments(first: 100) {{ nodes {{ id }} }} }} }} }}".format()
    await trusting(database, clock, wide=wide, dear="{ employers(first: 100) { " + page + " } }")
    assert await told(await caller.post(wide)) == (400, ["TOO_COMPLEX"])
    assert len(await data(await send(caller, documentId="wide"))) == 100
    assert await told(await send(caller, documentId="dear")) == (400, ["TOO_COMPLEX"])


async def test_where_only_trusted_documents_run_no_other_does(strict: Caller, database: Database, clock: Clock) -> None:
    await trusting(database, clock, role=QUERY)
    assert await data(await send(strict, documentId="role")) == ROLE
    assert await data(await send(strict, extensions=named(HASH))) == ROLE
    assert await data(await send(strict, query=QUERY)) == ROLE
    assert await data(await send(strict, query=QUERY, extensions=named(HASH))) == ROLE
    for text in ("{ viewer { tenant } }", QUERY + " ", "{ __schema { types { name } } }", CREATE, "{"):
        assert await told(await send(strict, query=text)) == (403, ["FORBIDDEN"])
        assert await told(await send(strict, query=text, extensions=named(compute_digest(text)))) == (
            403,
            ["FORBIDDEN"],
        )
        assert await (await send(strict, extensions=named(compute_digest(text)))).json() == UNKNOWN


async def test_where_only_trusted_documents_run_persisted_ones_do_not(caller: Caller, strict: Caller) -> None:
    await send(caller, query=QUERY, extensions=named(HASH))
    assert await (await send(strict, extensions=named(HASH))).json() == UNKNOWN


async def test_what_is_trusted_no_more_stops_within_a_minute(
    strict: Caller, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trusting(database, clock, role=QUERY)
    assert await data(await send(strict, documentId="role")) == ROLE
    await database.transact(administrator(), clock, lambda tx: store.documents.delete_trusted_documents(tx, None))
    assert await data(await send(strict, documentId="role")) == ROLE
    monkeypatch.setattr(texts, "CACHE_TTL", timedelta(0))
    assert await (await send(strict, documentId="role")).json() == UNKNOWN
    assert await told(await send(strict, query=QUERY)) == (403, ["FORBIDDEN"])


def test_a_gateway_remembers_only_so_many_texts(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "MAX_CACHED_TEXTS", 2)
    known, context = texts.PersistedDocuments(), Context(database, administrator(), clock, "r")
    for n in range(5):
        known._cache(context, ("acme", str(n)), texts.DocumentText(QUERY))
    assert [name for _, name in known._cached] == ["3", "4"]
