"""Unexpected errors: the client gets a code and a request ID, the log gets the location, and neither gets a value."""

from collections.abc import AsyncIterator

import pytest
from api_client import ApiClient, running_api, status_and_codes
from captured_telemetry import captured_logs
from failing_schema import FAILING_SCHEMA, SECRET
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.errors import INTERNAL_MESSAGE, classify_error, describe_error


@pytest.fixture
async def api(database_url: str, clock: Clock) -> AsyncIterator[ApiClient]:
    engine = create_engine(database_url, PoolSettings(statement_timeout=0.2))
    async with running_api(Database(engine), clock, FAILING_SCHEMA) as api:
        yield api
    await engine.dispose()


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("exception", "INTERNAL"),
        ("wrongType", "INTERNAL"),
        ("missing", "INTERNAL"),
        ("graphqlError", "INTERNAL"),
        ("refused", "INTERNAL"),
        ("violation", "INTERNAL"),
        ("slowStatement", "TIMEOUT"),
        ("timeout", "TIMEOUT"),
        ("clientError", "TOO_COMPLEX"),
    ],
)
async def test_text_of_an_error_reaches_neither_client_nor_log(api: ApiClient, field: str, code: str) -> None:
    with captured_logs() as logs:
        response = await api.post(f"{{ failing {{ {field} }} }}", X_Request_ID="request-7")
    assert await status_and_codes(response) == (200, [code])
    for content in (await response.text(), logs.json.getvalue(), logs.text.getvalue()):
        assert SECRET not in content
    body = await response.json()
    assert body["data"] == {"failing": None}
    assert body["errors"][0]["path"] == ["failing", field]
    if code == "INTERNAL":
        assert body["errors"][0]["message"] == INTERNAL_MESSAGE
    if code != "TOO_COMPLEX":
        (record,) = logs.records_of("benegraph.graphql.engine.errors")
        assert record["message"].startswith(f"Failed ({code}) at {field}: ")
        assert record["request_id"] == "request-7"


async def test_database_error_is_logged_with_its_sqlstate(api: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    await api.post("{ failing { violation } }")
    assert "UniqueViolationError [23505]" in caplog.text


async def test_same_error_in_many_rows_is_logged_once(api: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    response = await api.post("{ many { exception } }")
    assert len((await response.json())["errors"]) == 100
    assert caplog.text.count("RuntimeError") == 1


async def test_unexpected_error_outside_execution_gets_a_graphql_response(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("benegraph.web.graphql_view.authenticate", fail)
    with captured_logs() as logs:
        response = await api.post("{ failing { clientError } }", X_Request_ID="request-8")
    assert await status_and_codes(response) == (500, ["INTERNAL"])
    assert SECRET not in await response.text() + logs.json.getvalue()
    (record,) = logs.records_of("benegraph.web.middleware")
    assert record["message"].startswith("Request failed (INTERNAL): builtins.RuntimeError; ")
    assert record["request_id"] == "request-8"


async def test_unreachable_database_is_a_timeout(
    api: ApiClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise TimeoutError(SECRET)

    monkeypatch.setattr("benegraph.web.graphql_view.authenticate", fail)
    assert await status_and_codes(await api.post("{ failing { clientError } }")) == (503, ["TIMEOUT"])
    assert SECRET not in caplog.text


def test_exhausted_pool_is_a_timeout() -> None:
    assert classify_error(PoolTimeout("QueuePool limit"))[0] == "TIMEOUT"


async def test_nul_character_in_the_database_is_bad_input(database: Database) -> None:
    async with database.unscoped_session() as session:
        with pytest.raises(DBAPIError) as error_info:
            await session.execute(text("SELECT CAST(:name AS text)"), {"name": f"{SECRET}\0"})
    code, message = classify_error(error_info.value)
    assert code == "BAD_USER_INPUT"
    assert SECRET not in message


def test_error_description_contains_types_and_locations() -> None:
    def fail() -> None:
        raise RuntimeError(SECRET) from ValueError(SECRET)

    with pytest.raises(RuntimeError) as error_info:
        fail()
    description = describe_error(error_info.value)
    assert description.startswith("builtins.RuntimeError from builtins.ValueError; ")
    assert "tests/web/test_error_masking.py:" in description
    assert SECRET not in description
