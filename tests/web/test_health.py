"""What probes are told, without a key."""

from collections.abc import AsyncIterator

import pytest
from calling import Caller, calling

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.web.health import HEALTH, Health
from conftest import connect


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


async def ready(caller: Caller) -> tuple[int, object]:
    response = await caller.client.get("/readyz")
    return response.status, (await response.json()).get("reason")


async def test_a_gateway_over_a_migrated_database_is_ready(caller: Caller) -> None:
    assert (await caller.client.get("/livez")).status == 200
    assert await ready(caller) == (200, None)


async def test_one_that_drains_lives_but_is_not_ready_and_still_answers(caller: Caller) -> None:
    caller.app[HEALTH].draining = True
    assert await ready(caller) == (503, "draining")
    assert (await caller.client.get("/livez")).status == 200
    assert (await caller.post("{ viewer { role } }")).status == 200


async def test_one_over_another_revision_is_not_ready(caller: Caller, owner_url: str) -> None:
    connection = await connect(owner_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert await ready(caller) == (503, "migrations")
    await connection.execute("DROP TABLE alembic_version")
    assert await ready(caller) == (503, "migrations")
    await connection.close()


async def test_one_without_a_database_is_not_ready_and_says_no_more(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_engine("postgresql://nobody:secret@127.0.0.1:1/none")
    caller.app[HEALTH]._url = Health(Database(engine))._url
    assert await ready(caller) == (503, "database")
    assert (await caller.client.get("/livez")).status == 200
    assert "secret" not in caplog.text
