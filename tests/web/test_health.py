"""What probes are told, without a key."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from calling import Caller, calling, schema

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
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List each time that the database is asked for its revision."""
    urls: list[str] = []

    async def listed(url: str) -> str | None:
        urls.append(url)
        return await current_revision(url)

    monkeypatch.setattr(health, "current_revision", listed)
    return urls


async def ready(client: Client) -> tuple[int, object]:
    response = await client.get("/readyz")
    return response.status, (await response.json()).get("reason")


async def test_a_gateway_over_a_migrated_database_is_ready(caller: Caller) -> None:
    assert (await caller.client.get("/livez")).status == 200
    assert await ready(caller.client) == (200, None)


async def test_one_that_is_to_end_says_so_at_once_and_still_answers(caller: Caller) -> None:
    assert await ready(caller.client) == (200, None)
    caller.app[DRAINING].is_draining = True
    assert await ready(caller.client) == (503, "draining")
    assert (await caller.client.get("/livez")).status == 200
    assert (await caller.post("{ viewer { role } }")).status == 200


async def test_one_over_another_revision_is_not_ready(
    caller: Caller, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_INTERVAL_SECONDS", 0.0)
    connection = await connect(owner_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert await ready(caller.client) == (503, "migrations")
    await connection.execute("DROP TABLE alembic_version")
    assert await ready(caller.client) == (503, "migrations")
    await connection.close()


async def test_one_without_a_database_is_not_ready_and_says_no_more(caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine("postgresql://nobody:secret@127.0.0.1:1/none")
    async with TestClient(TestServer(create_app(Database(engine), schema()))) as client:
        assert await ready(client) == (503, "database")
        assert (await client.get("/livez")).status == 200
    assert "Not ready" in caplog.text
    assert "secret" not in caplog.text


async def test_however_many_ask_the_database_is_asked_once_a_second(
    caller: Caller, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = await asyncio.gather(*(ready(caller.client) for _ in range(50)))
    assert set(answers) == {(200, None)}
    assert await ready(caller.client) == (200, None)
    assert len(asked) == 1
    monkeypatch.setattr(health, "CHECK_INTERVAL_SECONDS", 0.0)
    assert await ready(caller.client) == (200, None)
    assert len(asked) == 2


async def test_those_who_ask_while_a_database_hangs_wait_as_long_as_one(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def hangs(_url: str) -> str | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr(health, "current_revision", hangs)
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.2)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(ready(caller.client) for _ in range(50)))
    assert set(answers) == {(503, "database")}
    assert asked == 1


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_are_read_alone(caller: Caller, path: str) -> None:
    assert (await caller.client.head(path)).status == 200
    response = await caller.client.post(path)
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
