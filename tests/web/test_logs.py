"""Logs: one line per record with the IDs of its request, and no values, whichever library logs."""

import asyncio
import gc
import hashlib
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from api_client import ApiClient, running_api, status_and_codes
from captured_telemetry import LOGGERS, captured_logs
from failing_schema import FAILING_SCHEMA, SECRET

from benegraph import telemetry
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.telemetry.request_info import RequestInfo, current_request
from benegraph.web import middleware
from benegraph.web.middleware import ErrorLog

QUERY = "query Whoami { viewer { role } }"
CREATE_EMPLOYER = 'mutation Hire { createEmployer(input: {name: "Acme", idempotencyKey: "k"}) { employer { name } } }'
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Terminal(StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@contextmanager
def configured_logging(level: str, log_format: str | None = None) -> Iterator[StringIO]:
    """Configure the logging of this process, and yield its standard error. Restore the configuration at the end."""
    root, stderr = logging.getLogger(), StringIO()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in (*LOGGERS, "alembic")}
    for handler in handlers:  # pytest's handlers, which would be closed otherwise
        root.removeHandler(handler)
    hooks = ((warnings, "showwarning"), (threading, "excepthook"), (sys, "unraisablehook"), (sys, "stderr"))
    with pytest.MonkeyPatch.context() as patch:
        for module, name in hooks:
            patch.setattr(module, name, getattr(module, name))
        sys.stderr = stderr
        telemetry.configure_logging(level, log_format)
        yield stderr
    root.handlers[:] = handlers
    for name, old_level in levels.items():
        logging.getLogger(name).setLevel(old_level)


def format_record(log_format: str, **record: Any) -> str:
    stream = StringIO()
    telemetry.create_log_handler(log_format, stream).handle(
        logging.makeLogRecord({"name": "library", "levelname": "INFO"} | record)
    )
    return stream.getvalue()


def format_message(**record: Any) -> str:
    message: str = json.loads(format_record("json", **record))["message"]
    return message


async def test_access_log_describes_a_request(api: ApiClient) -> None:
    with captured_logs("INFO") as logs:
        response = await api.post(QUERY, X_Request_ID="r1")
        size = len(await response.read())
    (line,) = logs.access_records
    assert TIMESTAMP.fullmatch(line.pop("at"))
    assert line.pop("key_id").startswith("akey_")
    assert 0 <= line.pop("ms") < 10_000
    assert size < line.pop("bytes") < size + 1000  # including the headers
    assert re.fullmatch(r"POST /graphql 200 \d+ms", line.pop("message"))
    assert line == {
        "level": "INFO",
        "logger": "aiohttp.access",
        "request_id": "r1",
        "tenant": "acme",
        "operation": "Whoami",
        "document": hashlib.sha256(QUERY.encode()).hexdigest(),
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "kind": "query",
        "cost": 1,
    }


async def test_access_log_names_deprecated_elements_that_a_request_uses(api: ApiClient) -> None:
    with captured_logs("INFO") as logs:
        for query in ("{ tenantSettings { autoPaidThrough } }", QUERY, "{ tenantSettings { unknown } }"):
            await api.post(query)
    assert [line.get("deprecated") for line in logs.access_records] == [["Query.tenantSettings"], None, None]


async def test_access_log_contains_error_codes(api: ApiClient) -> None:
    with captured_logs("INFO") as logs:
        await api.post("query Broken { viewer { salary } }")
        await api.http.post("/graphql", json={"query": QUERY})
        await api.http.put("/graphql")
        await api.http.get(f"/people/{SECRET}?name={SECRET}")
    lines = [
        {name: line.get(name) for name in ("method", "path", "status", "code", "operation")}
        for line in logs.access_records
    ]
    assert [tuple(line.values()) for line in lines] == [
        ("POST", "/graphql", 200, "VALIDATION_FAILED", None),
        ("POST", "/graphql", 401, "UNAUTHENTICATED", None),
        ("PUT", "/graphql", 405, None, None),
        ("GET", "(unknown)", 404, None, None),
    ]
    assert "key_id" in logs.access_records[0]
    assert "key_id" not in logs.access_records[1]


@pytest.mark.parametrize(
    ("slow_seconds", "logged"), [(60.0, [(401, "UNAUTHENTICATED"), (200, "VALIDATION_FAILED")]), (0.0, None)]
)
async def test_error_log_contains_failed_and_slow_requests(
    database: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    slow_seconds: float,
    logged: list[tuple[int, str]] | None,
) -> None:
    monkeypatch.setattr(middleware, "SLOW_SECONDS", slow_seconds)
    async with running_api(database, clock, access_log=ErrorLog) as api:
        with captured_logs("INFO") as logs:
            await api.post("{ viewer { role } }")
            await api.http.get("/livez")
            await api.http.post("/graphql", json={})
            await api.post("{ nothing }", Accept="application/json")
    records = [(line["status"], line.get("code")) for line in logs.access_records]
    everything = [(200, None), (200, None), (401, "UNAUTHENTICATED"), (200, "VALIDATION_FAILED")]
    assert records == (everything if logged is None else logged)


async def test_log_lines_of_a_request_contain_its_ids(database: Database, clock: Clock) -> None:
    query = "query Failing { failing { exception } }"
    async with running_api(database, clock, FAILING_SCHEMA) as api:
        with captured_logs("INFO") as logs:
            await api.post(query, X_Request_ID="r7")
    (line,) = logs.records_of("benegraph.graphql.engine.errors")
    assert (line["level"], line["request_id"], line["tenant"]) == ("ERROR", "r7", "acme")
    assert (line["operation"], line["document"]) == ("Failing", hashlib.sha256(query.encode()).hexdigest())
    assert line["key_id"] == logs.access_records[0]["key_id"]


async def test_concurrent_requests_log_their_own_ids(api: ApiClient) -> None:
    with captured_logs("INFO") as logs:
        await asyncio.gather(
            *(api.post(f"query Q{n} {{ viewer {{ role }} }}", X_Request_ID=f"r{n}") for n in range(20))
        )
    assert sorted((line["request_id"], line["operation"]) for line in logs.access_records) == sorted(
        (f"r{n}", f"Q{n}") for n in range(20)
    )


async def test_idempotent_replay_is_logged_like_its_first_call(api: ApiClient) -> None:
    with captured_logs("INFO") as logs:
        for _ in range(2):
            assert await status_and_codes(await api.post(CREATE_EMPLOYER)) == (200, [])
    assert [(line["operation"], line["kind"]) for line in logs.access_records] == [("Hire", "mutation")] * 2


async def test_invalid_http_is_logged_without_its_content(api: ApiClient) -> None:
    with captured_logs() as logs:
        for request in (
            f"{SECRET} / HTTP/1.1\r\n\r\n",
            f"GET /{SECRET} HTTP/{SECRET}\r\n\r\n",
            f"GET / HTTP/1.1\r\n{SECRET}",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", api.http.port)
            writer.write(request.encode() + b"\r\n\r\n")
            assert b" 400 " in await reader.readline()
            writer.close()
            await writer.wait_closed()
    assert [(line["method"], line["path"], line["status"]) for line in logs.access_records] == [
        ("_OTHER", "(unknown)", 400)
    ] * 3
    errors = logs.records_of("aiohttp.server")
    assert len(errors) == 3
    assert all("aiohttp.http_exceptions." in line["error"] for line in errors)
    assert SECRET not in logs.content


@pytest.mark.parametrize(
    ("name", "logged"),
    [("A" * 100, "A" * 64), ("_a1", "_a1"), ("1a", None), ("a b", None), ("a\n", "a"), ("ä", None), ("", None)],
)
async def test_only_names_of_valid_operations_are_logged(api: ApiClient, name: str, logged: str | None) -> None:
    with captured_logs("DEBUG") as logs:
        await api.post(f"query {name} {{ viewer {{ role }} }}")
        await api.post_body(json.dumps({"query": QUERY, "operationName": name}).encode())
        await api.post_body(json.dumps({"query": QUERY, "operationName": f"{SECRET} {name}"}).encode())
    assert [line.get("operation") for line in logs.access_records] == [logged, None, None]
    assert SECRET not in logs.content


async def test_hash_that_a_client_sent_is_not_logged(api: ApiClient) -> None:
    with captured_logs("DEBUG") as logs:
        for digest in (f"{SECRET}, by its name", hashlib.sha256(SECRET.encode()).hexdigest()):
            body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
            await api.post_body(json.dumps(body).encode())
    assert ["document" in line for line in logs.access_records] == [False, False]
    assert SECRET not in logs.content


def test_default_format_is_text_on_a_terminal_and_json_elsewhere() -> None:
    for log_format, stream, is_json in (
        (None, StringIO(), True),
        (None, Terminal(), False),
        ("json", Terminal(), True),
        ("ecs", Terminal(), True),
        ("text", StringIO(), False),
    ):
        telemetry.create_log_handler(log_format, stream).handle(logging.makeLogRecord({"msg": "Said"}))
        assert stream.getvalue().startswith("{") is is_json


def test_text_format_is_one_line_with_the_request_ids() -> None:
    token = current_request.set(RequestInfo(request_id="r7", key_id='a "b" c', tenant="acme"))
    line = format_record("text", name="benegraph.x", msg="First\nsecond\x1b[31m", created=0.0, levelname="ERROR")
    current_request.reset(token)
    assert line == (
        "1970-01-01T00:00:00.000Z ERROR benegraph.x: First\\nsecond\\u001b[31m"
        ' request_id=r7 key_id="a \\"b\\" c" tenant=acme\n'
    )


def test_arguments_of_library_records_are_redacted() -> None:
    record = {"msg": "%s took %.1f s, %d times", "args": (SECRET, 0.25, 3)}
    assert format_message(name="benegraph.cli.workers", **record) == f"{SECRET} took 0.2 s, 3 times"
    assert format_message(name="asyncio", **record) == "… took 0.2 s, 3 times"
    assert format_message(name="benegraphical", **record) == "… took 0.2 s, 3 times"
    by_name = {"msg": "%(who)r at %(port)d", "args": {"who": SECRET, "port": 80}}
    assert format_message(name="asyncio", **by_name) == "'…' at 80"
    assert format_message(name="asyncio", msg="100 %") == "100 %"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_exception_is_logged_by_type_and_location_only(log_format: str) -> None:
    with pytest.raises(ValueError, match=SECRET) as info:
        int(SECRET)
    caught = info.value
    line = format_record(log_format, msg="Error handling request", exc_info=(ValueError, caught, None), exc_text=SECRET)
    assert "builtins.ValueError; tests/web/test_logs.py:" in line
    assert line.count("\n") == 1
    as_message = format_record(log_format, msg=caught)
    assert "builtins.ValueError; tests/web/test_logs.py:" in as_message
    assert SECRET not in line + as_message


def test_any_text_can_be_logged() -> None:
    text = "\ud800 \0 \u2028 ü"
    assert format_message(name="benegraph", msg=text) == text
    assert format_record("text", name="benegraph", msg=text).isascii()


@pytest.mark.parametrize("log_format", ["json", "text", "ecs"])
def test_unformattable_record_is_reported_without_its_arguments(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = format_record(log_format, name="library", msg="%d", args=(SECRET,))
    assert "Cannot write a log record of library: builtins.TypeError; " in line
    assert line.count("\n") == 1
    assert capsys.readouterr() == ("", "")


def test_closed_stream_raises_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    stream = StringIO()
    handler = telemetry.create_log_handler("json", stream)
    stream.close()
    handler.handle(logging.makeLogRecord({"msg": SECRET}))
    assert capsys.readouterr() == ("", "")


def test_configured_process_logs_no_text_of_errors_and_warnings() -> None:
    class FailingFinalizer:
        def __del__(self) -> None:
            raise RuntimeError(SECRET)

    with configured_logging("INFO") as stderr:
        logging.getLogger("library").warning("Of %s", SECRET)
        warnings.showwarning(UserWarning(SECRET), UserWarning, "/a/b/c/d.py", 7)
        thread = threading.Thread(target=int, args=(SECRET,))
        thread.start()
        thread.join()
        FailingFinalizer()
        gc.collect()
    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    assert [line["message"].partition(";")[0] for line in lines] == [
        "Of …",
        "Python warning: UserWarning at b/c/d.py:7",
        "Uncaught error in a thread: builtins.ValueError",
        "Uncaught error in a finalizer: builtins.RuntimeError",
    ]


@pytest.mark.parametrize(("level", "statements"), [("INFO", False), ("DEBUG", True)])
def test_verbose_loggers_of_libraries_are_limited(level: str, statements: bool) -> None:
    with configured_logging(level, "text") as stderr:
        assert logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.INFO) is statements
        assert not logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("alembic").isEnabledFor(logging.INFO)
        logging.getLogger("benegraph").debug("Said")
    assert stderr.getvalue().endswith(" DEBUG benegraph: Said\n") is (level == "DEBUG")


async def test_uncaught_task_error_is_logged_without_its_text() -> None:
    loop = asyncio.get_running_loop()
    telemetry.log_task_errors(loop)
    with captured_logs() as logs:
        loop.call_exception_handler({"message": SECRET, "exception": ValueError(SECRET)})
        loop.call_exception_handler({"message": SECRET})
    assert [line["message"] for line in logs.records_of("benegraph.telemetry.logs")] == [
        "Uncaught error in a task: builtins.ValueError; nowhere",
        "Uncaught error in a task: unknown exception",
    ]
