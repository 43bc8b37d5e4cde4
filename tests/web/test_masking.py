"""Errors that nobody meant: a client learns a code and an id, the log learns where, and neither a value."""

from collections.abc import AsyncIterator

import pytest
from broken import GRAPH, SECRET
from calling import Caller, calling, told
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from watching import logging_to

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.errors import INTERNAL_MESSAGE, classify_error, describe_error


@pytest.fixture
async def caller(database_url: str, clock: Clock) -> AsyncIterator[Caller]:
    engine = create_engine(database_url, PoolSettings(statement_timeout=0.2))
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
    caller: Caller, field: str, code: str
) -> None:
    with logging_to() as log:
        response = await caller.post(f"{{ broken {{ {field} }} }}", X_Request_ID="request-7")
    assert await told(response) == (200, [code])
    for said in (await response.text(), log.json.getvalue(), log.text.getvalue()):
        assert SECRET not in said
    body = await response.json()
    assert body["data"] == {"broken": None}
    assert body["errors"][0]["path"] == ["broken", field]
    if code == "INTERNAL":
        assert body["errors"][0]["message"] == INTERNAL_MESSAGE
    if code != "TOO_COMPLEX":
        (record,) = log.of("benegraph.graphql.engine.errors")
        assert record["message"].startswith(f"Failed ({code}) at {field}: ")
        assert record["request_id"] == "request-7"


async def test_a_databases_error_is_told_by_its_sqlstate(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    await caller.post("{ broken { violated } }")
    assert "UniqueViolationError [23505]" in caplog.text


async def test_one_fault_in_many_rows_is_logged_once(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    response = await caller.post("{ many { fault } }")
    assert len((await response.json())["errors"]) == 100
    assert caplog.text.count("RuntimeError") == 1


async def test_the_last_resort_answers_in_the_same_shape(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("benegraph.web.graphql_view.authenticate", fail)
    with logging_to() as log:
        response = await caller.post("{ broken { meant } }", X_Request_ID="request-8")
    assert await told(response) == (500, ["INTERNAL"])
    assert SECRET not in await response.text() + log.json.getvalue()
    (record,) = log.of("benegraph.web.middleware")
    assert record["message"].startswith("Request failed (INTERNAL): builtins.RuntimeError; ")
    assert record["request_id"] == "request-8"


async def test_a_database_that_is_away_is_a_fault_like_any_other(
    caller: Caller, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise TimeoutError(SECRET)

    monkeypatch.setattr("benegraph.web.graphql_view.authenticate", fail)
    assert await told(await caller.post("{ broken { meant } }")) == (503, ["TIMEOUT"])
    assert SECRET not in caplog.text


def test_a_pool_without_a_connection_left_is_a_timeout() -> None:
    assert classify_error(PoolTimeout("QueuePool limit"))[0] == "TIMEOUT"


async def test_a_character_that_got_as_far_as_the_database_is_bad_input(database: Database) -> None:
    async with database.unscoped_session() as session:
        with pytest.raises(DBAPIError) as caught:
            await session.execute(text("SELECT CAST(:name AS text)"), {"name": f"{SECRET}\0"})
    code, message = classify_error(caught.value)
    assert code == "BAD_USER_INPUT"
    assert SECRET not in message


def test_an_error_is_described_by_its_kinds_and_places() -> None:
    def fail() -> None:
        raise RuntimeError(SECRET) from ValueError(SECRET)

    with pytest.raises(RuntimeError) as caught:
        fail()
    said = describe_error(caught.value)
    assert said.startswith("builtins.RuntimeError from builtins.ValueError; ")
    assert "tests/web/test_masking.py:" in said
    assert SECRET not in said
