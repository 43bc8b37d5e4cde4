"""Errors that nobody meant: a client learns a code and an id, the log learns where, and neither a value."""

import asyncio
import logging
from collections.abc import AsyncIterator
from io import StringIO

import pytest
import strawberry
from calling import Caller, calling, told
from graphql import GraphQLError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.schema.config import StrawberryConfig

from benegraph import telemetry
from benegraph.db.engine import Pool, create_engine
from benegraph.db.session import Database
from benegraph.domain.errors import Code, TooComplex, refuse
from benegraph.domain.values import Clock
from benegraph.graphql.context import Info
from benegraph.graphql.errors import UNEXPECTED, describe, judge

SECRET = "Sesquipedalia"


@strawberry.type
class Broken:
    """Fails in every way there is."""

    @strawberry.field
    def fault(self) -> str:
        raise RuntimeError(f"{SECRET} is broken")

    @strawberry.field
    def wrong(self) -> int:
        return SECRET  # type: ignore[return-value]

    @strawberry.field
    def missing(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def quoting(self) -> str:
        raise GraphQLError(f"a row of {SECRET}")

    @strawberry.field
    def refused(self) -> str:
        raise refuse(Code.NOT_FOUND, SECRET)

    @strawberry.field
    def meant(self) -> str:
        raise TooComplex("Ask for less.")

    @strawberry.field
    async def violated(self, info: Info) -> str:
        async with info.context.database.at_the_door() as session:
            await session.execute(text("CREATE TEMPORARY TABLE t (name text PRIMARY KEY)"))
            for _ in range(2):
                await session.execute(text("INSERT INTO t VALUES (:name)"), {"name": SECRET})
        return ""

    @strawberry.field
    async def slow(self, info: Info) -> str:
        async with info.context.database.at_the_door() as session:
            await session.execute(text("SELECT pg_sleep(5)"))
        return ""

    @strawberry.field
    async def late(self) -> str:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
        return ""


@strawberry.type
class Query:
    @strawberry.field
    def broken(self) -> Broken | None:
        return Broken()

    @strawberry.field
    def many(self) -> list[Broken | None]:
        return [Broken()] * 100


GRAPH = strawberry.Schema(Query, config=StrawberryConfig())


@pytest.fixture
async def caller(database_url: str, clock: Clock) -> AsyncIterator[Caller]:
    engine = create_engine(database_url, Pool(statement_timeout=0.2))
    async with calling(Database(engine), clock, GRAPH) as caller:
        yield caller
    await engine.dispose()


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("fault", "INTERNAL"),
        ("wrong", "INTERNAL"),
        ("missing", "INTERNAL"),
        ("quoting", "INTERNAL"),
        ("refused", "INTERNAL"),
        ("violated", "INTERNAL"),
        ("slow", "TIMEOUT"),
        ("late", "TIMEOUT"),
        ("meant", "TOO_COMPLEX"),
    ],
)
async def test_no_text_of_an_error_leaves_the_server_or_stands_in_its_log(
    caller: Caller, caplog: pytest.LogCaptureFixture, field: str, code: str
) -> None:
    caplog.set_level(logging.DEBUG)
    response = await caller.post(f"{{ broken {{ {field} }} }}", X_Request_ID="request-7")
    assert await told(response) == (200, [code])
    assert SECRET not in await response.text()
    assert SECRET not in caplog.text
    body = await response.json()
    assert body["data"] == {"broken": None}
    assert body["errors"][0]["path"] == ["broken", field]
    if code == "INTERNAL":
        assert body["errors"][0]["message"] == UNEXPECTED
    if code != "TOO_COMPLEX":
        (line,) = [record.getMessage() for record in caplog.records if record.name == "benegraph.graphql.errors"]
        assert line.startswith(f"Request request-7 failed ({code}) at {field}: ")


async def test_a_databases_error_is_told_by_its_sqlstate(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    await caller.post("{ broken { violated } }")
    assert "UniqueViolationError [23505]" in caplog.text


async def test_one_fault_in_many_rows_is_logged_once(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    response = await caller.post("{ many { fault } }")
    assert len((await response.json())["errors"]) == 100
    assert caplog.text.count("RuntimeError") == 1


async def test_the_last_resort_answers_in_the_same_shape(
    caller: Caller, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("benegraph.web.graphql_view.authenticate", fail)
    response = await caller.post("{ broken { meant } }", X_Request_ID="request-8")
    assert await told(response) == (500, ["INTERNAL"])
    assert SECRET not in await response.text() + caplog.text
    assert "Request request-8 failed (INTERNAL): builtins.RuntimeError; " in caplog.text


async def test_a_database_that_is_away_is_a_fault_like_any_other(
    caller: Caller, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise TimeoutError(SECRET)

    monkeypatch.setattr("benegraph.web.graphql_view.authenticate", fail)
    assert await told(await caller.post("{ broken { meant } }")) == (503, ["TIMEOUT"])
    assert SECRET not in caplog.text


def test_a_pool_without_a_connection_left_is_a_timeout() -> None:
    assert judge(PoolTimeout("QueuePool limit"))[0] == "TIMEOUT"


async def test_a_character_that_got_as_far_as_the_database_is_bad_input(database: Database) -> None:
    async with database.at_the_door() as session:
        with pytest.raises(DBAPIError) as caught:
            await session.execute(text("SELECT CAST(:name AS text)"), {"name": f"{SECRET}\0"})
    code, message = judge(caught.value)
    assert code == "BAD_USER_INPUT"
    assert SECRET not in message


def test_an_error_is_described_by_its_kinds_and_places() -> None:
    def fail() -> None:
        raise RuntimeError(SECRET) from ValueError(SECRET)

    with pytest.raises(RuntimeError) as caught:
        fail()
    said = describe(caught.value)
    assert said.startswith("builtins.RuntimeError from builtins.ValueError; ")
    assert "tests/web/test_masking.py:" in said
    assert SECRET not in said


def test_a_librarys_traceback_loses_its_text() -> None:
    handler = telemetry.make_handler()
    stream = StringIO()
    handler.setStream(stream)
    error = ValueError(SECRET)
    handler.handle(logging.makeLogRecord({"msg": "Error handling request", "exc_info": (ValueError, error, None)}))
    said = stream.getvalue()
    assert said.endswith("Error handling request\nbuiltins.ValueError; nowhere\n")
    assert SECRET not in said


async def test_a_task_that_fails_unseen_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    telemetry.watch(loop)
    loop.call_exception_handler({"message": SECRET, "exception": ValueError(SECRET)})
    assert "A task failed unseen: builtins.ValueError" in caplog.text
    assert SECRET not in caplog.text
