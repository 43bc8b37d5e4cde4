"""Apollo's automatic persisted queries and trusted documents, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse
from api_client import ApiClient, create_key, running_api, status_and_codes

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
ROLE_DATA = {"viewer": {"role": "ADMINISTRATOR"}}
CREATE_EMPLOYER = 'mutation { createEmployer(input: {name: "Acme"}) { employer { name } } }'
NOT_FOUND_BODY = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}],
}


def persisted_query(digest: str, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


async def post(api: ApiClient, *, key: str | None = None, **members: Any) -> ClientResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else api.auth
    return await api.http.post("/graphql", json=members, headers=headers)


async def data_of(response: ClientResponse) -> Any:
    body = await response.json()
    assert "errors" not in body, body
    return body["data"]


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@pytest.fixture
async def trusted_only_api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    """Run a gateway that accepts trusted documents only."""
    async with running_api(database, clock, config=GatewayConfig(trusted_documents_only=True)) as api:
        yield api


async def add_trusted_documents(database: Database, clock: Clock, **texts: str) -> None:
    documents = {id: (compute_digest(text), text) for id, text in texts.items()}
    await database.transact(administrator(), clock, lambda tx: trust(tx, documents))


async def test_persisted_query_is_found_after_its_text_was_sent(api: ApiClient) -> None:
    unknown = await post(api, extensions=persisted_query(HASH))
    assert (unknown.status, await unknown.json()) == (200, NOT_FOUND_BODY)
    assert await data_of(await post(api, query=QUERY, extensions=persisted_query(HASH))) == ROLE_DATA
    assert await data_of(await post(api, extensions=persisted_query(HASH))) == ROLE_DATA
    assert await data_of(await post(api, extensions=persisted_query(HASH.upper()))) == ROLE_DATA


async def test_persisted_query_is_shared_between_processes(api: ApiClient, database: Database, clock: Clock) -> None:
    await post(api, query=QUERY, extensions=persisted_query(HASH))
    async with running_api(database, clock) as another:
        assert await data_of(await post(another, extensions=persisted_query(HASH))) == ROLE_DATA


async def test_persisted_query_works_by_get(api: ApiClient) -> None:
    await post(api, query=QUERY, extensions=persisted_query(HASH))
    response = await api.get(extensions=orjson.dumps(persisted_query(HASH)).decode())
    assert await data_of(response) == ROLE_DATA
    assert response.headers["ETag"]


async def test_get_rejects_a_persisted_mutation(api: ApiClient) -> None:
    hash = compute_digest(CREATE_EMPLOYER)
    assert await data_of(await post(api, query=CREATE_EMPLOYER, extensions=persisted_query(hash)))
    assert await status_and_codes(await api.get(extensions=orjson.dumps(persisted_query(hash)).decode())) == (
        405,
        ["BAD_USER_INPUT"],
    )
    assert await data_of(await api.post("{ employers { totalCount } }")) == {"employers": {"totalCount": 1}}


async def test_unknown_hash_is_400_as_graphql_response(api: ApiClient) -> None:
    headers = api.auth | {"Accept": "application/graphql-response+json"}
    response = await api.http.post("/graphql", json={"extensions": persisted_query(HASH)}, headers=headers)
    assert (response.status, await response.json(content_type=None)) == (400, NOT_FOUND_BODY)


@pytest.mark.parametrize(
    "extensions",
    [
        persisted_query("0" * 64),
        {"persistedQuery": 7},
        {"persistedQuery": {"version": 1}},
        {"persistedQuery": {"version": 1, "sha256Hash": 7}},
        persisted_query("0" * 63),
        persisted_query("g" * 64),
        persisted_query(f" {HASH}"),
        persisted_query(HASH, version=2),
        persisted_query(HASH, version=None),
    ],
    ids=range(9),
)
async def test_invalid_or_mismatched_hash_is_rejected(
    api: ApiClient, database: Database, clock: Clock, extensions: dict[str, Any]
) -> None:
    assert await status_and_codes(await post(api, query=QUERY, extensions=extensions)) == (400, ["BAD_USER_INPUT"])
    assert await find_persisted(database, administrator(), clock, HASH) is None


@pytest.mark.parametrize("text", ["{", "{ viewer { salary } }", "{ " + "viewer { role } " * 21 + "}"])
async def test_invalid_document_is_not_persisted(api: ApiClient, database: Database, clock: Clock, text: str) -> None:
    response = await post(api, query=text, extensions=persisted_query(compute_digest(text)))
    assert "errors" in await response.json()
    assert await find_persisted(database, administrator(), clock, compute_digest(text)) is None


async def test_persisted_query_belongs_to_its_tenant(api: ApiClient, database: Database, clock: Clock) -> None:
    foreign_key = await create_key(database, clock, tenant="globex")
    await post(api, query=QUERY, extensions=persisted_query(HASH))
    assert await (await post(api, key=foreign_key, extensions=persisted_query(HASH))).json() == NOT_FOUND_BODY
    assert await data_of(await post(api, key=foreign_key, query=QUERY, extensions=persisted_query(HASH))) == ROLE_DATA


async def test_persisted_query_requires_authentication(api: ApiClient) -> None:
    await post(api, query=QUERY, extensions=persisted_query(HASH))
    response = await api.http.post("/graphql", json={"extensions": persisted_query(HASH)})
    assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])


async def test_oldest_persisted_queries_are_deleted_beyond_the_limit(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_api(database, clock):
        pass
    monkeypatch.setattr(documents, "MAX_PERSISTED_DOCUMENTS", 2)
    digests = [f"{'ff' if n < 3 else '00'}{n:062x}" for n in range(4)]
    for n, digest in enumerate(digests):
        later = Clock(clock.now + timedelta(seconds=n))
        await persist(database, administrator(), later, digest, f"text {n}")
    found = [await find_persisted(database, administrator(), clock, digest) for digest in digests]
    assert found == [None, None, "text 2", "text 3"]


async def test_persisted_query_is_cached_for_its_ttl(
    api: ApiClient, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(api, query=QUERY, extensions=persisted_query(HASH))
    connection = await connect(owner_url)
    await connection.execute("DELETE FROM persisted_queries")
    await connection.close()
    assert await data_of(await post(api, extensions=persisted_query(HASH))) == ROLE_DATA
    monkeypatch.setattr(texts, "CACHE_TTL", timedelta(0))
    assert await (await post(api, extensions=persisted_query(HASH))).json() == NOT_FOUND_BODY


async def test_trusted_document_is_executed_by_id(api: ApiClient, database: Database, clock: Clock) -> None:
    assert await (await post(api, documentId="viewer-role")).json() == NOT_FOUND_BODY
    await add_trusted_documents(database, clock, **{"viewer-role": QUERY})
    assert await data_of(await post(api, documentId="viewer-role")) == ROLE_DATA
    assert await data_of(await api.get(documentId="viewer-role")) == ROLE_DATA
    assert await data_of(await post(api, extensions=persisted_query(HASH))) == ROLE_DATA


@pytest.mark.parametrize("id", ["", "x" * 256, 7, ["a"]])
async def test_invalid_document_id_is_rejected(api: ApiClient, id: Any) -> None:
    assert await status_and_codes(await post(api, documentId=id)) == (400, ["BAD_USER_INPUT"])


async def test_document_text_and_id_together_are_rejected(api: ApiClient, database: Database, clock: Clock) -> None:
    await add_trusted_documents(database, clock, role=QUERY)
    assert await status_and_codes(await post(api, documentId="role", query=QUERY)) == (400, ["BAD_USER_INPUT"])


async def test_trusted_document_is_exempt_from_shape_limits_but_not_from_the_cost_limit(
    api: ApiClient, database: Database, clock: Clock
) -> None:
    wide = "{ " + " ".join(f"a{n}: viewer {{ role }}" for n in range(100)) + " }"
    page = "nodes {{ employees(first: 100) {{ nodes {{ enrollments(first: 100) {{ nodes {{ id }} }} }} }} }}".format()
    await add_trusted_documents(database, clock, wide=wide, expensive="{ employers(first: 100) { " + page + " } }")
    assert await status_and_codes(await api.post(wide)) == (400, ["TOO_COMPLEX"])
    assert len(await data_of(await post(api, documentId="wide"))) == 100
    assert await status_and_codes(await post(api, documentId="expensive")) == (400, ["TOO_COMPLEX"])


async def test_trusted_only_gateway_rejects_other_documents(
    trusted_only_api: ApiClient, database: Database, clock: Clock
) -> None:
    await add_trusted_documents(database, clock, role=QUERY)
    assert await data_of(await post(trusted_only_api, documentId="role")) == ROLE_DATA
    assert await data_of(await post(trusted_only_api, extensions=persisted_query(HASH))) == ROLE_DATA
    assert await data_of(await post(trusted_only_api, query=QUERY)) == ROLE_DATA
    assert await data_of(await post(trusted_only_api, query=QUERY, extensions=persisted_query(HASH))) == ROLE_DATA
    for text in ("{ viewer { tenant } }", QUERY + " ", "{ __schema { types { name } } }", CREATE_EMPLOYER, "{"):
        assert await status_and_codes(await post(trusted_only_api, query=text)) == (403, ["FORBIDDEN"])
        assert await status_and_codes(
            await post(trusted_only_api, query=text, extensions=persisted_query(compute_digest(text)))
        ) == (
            403,
            ["FORBIDDEN"],
        )
        assert (
            await (await post(trusted_only_api, extensions=persisted_query(compute_digest(text)))).json()
            == NOT_FOUND_BODY
        )


async def test_trusted_only_gateway_ignores_persisted_queries(api: ApiClient, trusted_only_api: ApiClient) -> None:
    await post(api, query=QUERY, extensions=persisted_query(HASH))
    assert await (await post(trusted_only_api, extensions=persisted_query(HASH))).json() == NOT_FOUND_BODY


async def test_deleted_trusted_document_is_rejected_after_the_cache_ttl(
    trusted_only_api: ApiClient, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_trusted_documents(database, clock, role=QUERY)
    assert await data_of(await post(trusted_only_api, documentId="role")) == ROLE_DATA
    await database.transact(administrator(), clock, lambda tx: store.documents.delete_trusted_documents(tx, None))
    assert await data_of(await post(trusted_only_api, documentId="role")) == ROLE_DATA
    monkeypatch.setattr(texts, "CACHE_TTL", timedelta(0))
    assert await (await post(trusted_only_api, documentId="role")).json() == NOT_FOUND_BODY
    assert await status_and_codes(await post(trusted_only_api, query=QUERY)) == (403, ["FORBIDDEN"])


def test_number_of_cached_documents_is_limited(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "MAX_CACHED_TEXTS", 2)
    cache, context = texts.PersistedDocuments(), Context(database, administrator(), clock, "r")
    for n in range(5):
        cache._cache(context, ("acme", str(n)), texts.ResolvedDocument(QUERY))
    assert [name for _, name in cache._cached] == ["3", "4"]
