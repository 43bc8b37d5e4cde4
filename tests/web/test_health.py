"""The health probes, which need no API key."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from api_client import ApiClient, running_api, schema

from benegraph.db.engine import create_engine
from benegraph.db.migrations import current_revision
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.web import health
from benegraph.web.app import create_app
from benegraph.web.draining import DRAINING
from conftest import connect

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@pytest.fixture
def revision_queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that records each query for the migration revision."""
    urls: list[str] = []

    async def record(url: str) -> str | None:
        urls.append(url)
        return await current_revision(url)

    monkeypatch.setattr(health, "current_revision", record)
    return urls


async def get_readiness(client: Client) -> tuple[int, object]:
    response = await client.get("/readyz")
    return response.status, (await response.json()).get("reason")


async def test_gateway_with_a_migrated_database_is_ready(api: ApiClient) -> None:
    assert (await api.http.get("/livez")).status == 200
    assert await get_readiness(api.http) == (200, None)


async def test_draining_gateway_is_unready_but_serves_requests(api: ApiClient) -> None:
    assert await get_readiness(api.http) == (200, None)
    api.app[DRAINING].is_draining = True
    assert await get_readiness(api.http) == (503, "draining")
    assert (await api.http.get("/livez")).status == 200
    assert (await api.post("{ viewer { role } }")).status == 200


async def test_gateway_with_another_database_revision_is_unready(
    api: ApiClient, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_INTERVAL_SECONDS", 0.0)
    connection = await connect(owner_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert await get_readiness(api.http) == (503, "migrations")
    await connection.execute("DROP TABLE alembic_version")
    assert await get_readiness(api.http) == (503, "migrations")
    await connection.close()


async def test_gateway_without_a_database_is_unready_and_gives_no_details(caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine("postgresql://nobody:secret@127.0.0.1:1/none")
    async with TestClient(TestServer(create_app(Database(engine), schema()))) as client:
        assert await get_readiness(client) == (503, "database")
        assert (await client.get("/livez")).status == 200
    assert "Not ready" in caplog.text
    assert "secret" not in caplog.text


async def test_database_is_checked_at_most_once_per_second(
    api: ApiClient, revision_queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = await asyncio.gather(*(get_readiness(api.http) for _ in range(50)))
    assert set(results) == {(200, None)}
    assert await get_readiness(api.http) == (200, None)
    assert len(revision_queries) == 1
    monkeypatch.setattr(health, "CHECK_INTERVAL_SECONDS", 0.0)
    assert await get_readiness(api.http) == (200, None)
    assert len(revision_queries) == 2


async def test_concurrent_probes_share_the_timeout_of_one_check(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = 0

    async def hang(_url: str) -> str | None:
        nonlocal queries
        queries += 1
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr(health, "current_revision", hang)
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.2)
    async with asyncio.timeout(5):
        results = await asyncio.gather(*(get_readiness(api.http) for _ in range(50)))
    assert set(results) == {(503, "database")}
    assert queries == 1


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_allow_get_and_head_only(api: ApiClient, path: str) -> None:
    assert (await api.http.head(path)).status == 200
    response = await api.http.post(path)
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
