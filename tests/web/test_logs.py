"""Logs: one line a record, with the facts of its request; and no value in any of them, whoever logs it."""

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
from broken import GRAPH, SECRET
from calling import Caller, calling, told
from watching import LOGGERS, logging_to

from benegraph import telemetry
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.telemetry.request_info import RequestInfo, current_request

QUERY = "query Whoami { viewer { role } }"
CREATE = 'mutation Hire { createEmployer(input: {name: "Acme", idempotencyKey: "k"}) { employer { name } } }'
AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Terminal(StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


@contextmanager
def configured(level: str, form: str | None = None) -> Iterator[StringIO]:
    """Set this process up to log, and give what it writes on standard error; afterwards it is as it was."""
    root, stderr = logging.getLogger(), StringIO()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in (*LOGGERS, "alembic")}
    for handler in handlers:  # else they would be closed, and they are pytest's
        root.removeHandler(handler)
    hooks = ((warnings, "showwarning"), (threading, "excepthook"), (sys, "unraisablehook"), (sys, "stderr"))
    with pytest.MonkeyPatch.context() as patch:
        for module, name in hooks:
            patch.setattr(module, name, getattr(module, name))
        sys.stderr = stderr
        telemetry.configure_logging(level, form)
        yield stderr
    root.handlers[:] = handlers
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)


def written(form: str, **record: Any) -> str:
    stream = StringIO()
    telemetry.create_log_handler(form, stream).handle(
        logging.makeLogRecord({"name": "library", "levelname": "INFO"} | record)
    )
    return stream.getvalue()


def message(**record: Any) -> str:
    said: str = json.loads(written("json", **record))["message"]
    return said


async def test_the_access_line_tells_of_a_request_what_an_engineer_asks(caller: Caller) -> None:
    with logging_to("INFO") as log:
        response = await caller.post(QUERY, X_Request_ID="r1")
        size = len(await response.read())
    (line,) = log.access
    assert AT.fullmatch(line.pop("at"))
    assert line.pop("key_id").startswith("akey_")
    assert 0 <= line.pop("ms") < 10_000
    assert size < line.pop("bytes") < size + 1000  # its headers counted
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


async def test_the_access_line_tells_of_refusals_by_their_codes(caller: Caller) -> None:
    with logging_to("INFO") as log:
        await caller.post("query Broken { viewer { salary } }")
        await caller.client.post("/graphql", json={"query": QUERY})
        await caller.client.put("/graphql")
        await caller.client.get(f"/people/{SECRET}?name={SECRET}")
    told = [{name: line.get(name) for name in ("method", "path", "status", "code", "operation")} for line in log.access]
    assert [tuple(line.values()) for line in told] == [
        ("POST", "/graphql", 200, "VALIDATION_FAILED", None),
        ("POST", "/graphql", 401, "UNAUTHENTICATED", None),
        ("PUT", "/graphql", 405, None, None),
        ("GET", "(unknown)", 404, None, None),
    ]
    assert "key_id" in log.access[0]
    assert "key_id" not in log.access[1]


async def test_what_is_logged_while_a_request_is_answered_carries_its_facts(database: Database, clock: Clock) -> None:
    query = "query Failing { broken { fault } }"
    async with calling(database, clock, GRAPH) as caller:
        with logging_to("INFO") as log:
            await caller.post(query, X_Request_ID="r7")
    (line,) = log.of("benegraph.graphql.engine.errors")
    assert (line["level"], line["request_id"], line["tenant"]) == ("ERROR", "r7", "acme")
    assert (line["operation"], line["document"]) == ("Failing", hashlib.sha256(query.encode()).hexdigest())
    assert line["key_id"] == log.access[0]["key_id"]


async def test_requests_that_overlap_keep_their_facts_apart(caller: Caller) -> None:
    with logging_to("INFO") as log:
        await asyncio.gather(
            *(caller.post(f"query Q{n} {{ viewer {{ role }} }}", X_Request_ID=f"r{n}") for n in range(20))
        )
    assert sorted((line["request_id"], line["operation"]) for line in log.access) == sorted(
        (f"r{n}", f"Q{n}") for n in range(20)
    )


async def test_a_replay_and_its_first_call_are_told_alike(caller: Caller) -> None:
    with logging_to("INFO") as log:
        for _ in range(2):
            assert await told(await caller.post(CREATE)) == (200, [])
    assert [(line["operation"], line["kind"]) for line in log.access] == [("Hire", "mutation")] * 2


async def test_what_is_no_http_is_told_without_what_was_sent(caller: Caller) -> None:
    with logging_to() as log:
        for sent in (
            f"{SECRET} / HTTP/1.1\r\n\r\n",
            f"GET /{SECRET} HTTP/{SECRET}\r\n\r\n",
            f"GET / HTTP/1.1\r\n{SECRET}",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", caller.client.port)
            writer.write(sent.encode() + b"\r\n\r\n")
            assert b" 400 " in await reader.readline()
            writer.close()
            await writer.wait_closed()
    assert [(line["method"], line["path"], line["status"]) for line in log.access] == [("_OTHER", "(unknown)", 400)] * 3
    errors = log.of("aiohttp.server")
    assert len(errors) == 3
    assert all("aiohttp.http_exceptions." in line["error"] for line in errors)
    assert SECRET not in log.json.getvalue() + log.text.getvalue()


@pytest.mark.parametrize(
    ("operation", "logged"),
    [("A" * 100, "A" * 64), ("_a1", "_a1"), ("1a", None), ("a b", None), ("a\n", None), ("ä", None), ("", None)],
)
def test_only_what_graphql_takes_for_a_name_is_logged_as_one(operation: str, logged: str | None) -> None:
    token = current_request.set(
        RequestInfo(request_id="r", operation_name=operation, document_digest=f"{SECRET}, by its name")
    )
    line = json.loads(written("json", msg="Said"))
    current_request.reset(token)
    assert line.get("operation") == logged
    assert "document" not in line


def test_it_is_text_where_somebody_looks_and_json_where_a_program_does() -> None:
    for form, stream, is_json in (
        (None, StringIO(), True),
        (None, Terminal(), False),
        ("json", Terminal(), True),
        ("text", StringIO(), False),
    ):
        telemetry.create_log_handler(form, stream).handle(logging.makeLogRecord({"msg": "Said"}))
        assert stream.getvalue().startswith("{") is is_json


def test_text_is_one_line_too_and_names_the_request() -> None:
    token = current_request.set(RequestInfo(request_id="r7", key_id='a "b" c', tenant="acme"))
    line = written("text", name="benegraph.x", msg="First\nsecond\x1b[31m", created=0.0, levelname="ERROR")
    current_request.reset(token)
    assert line == (
        "1970-01-01T00:00:00.000Z ERROR benegraph.x: First\\nsecond\\u001b[31m"
        ' request_id=r7 key_id="a \\"b\\" c" tenant=acme\n'
    )


def test_ours_is_written_with_its_values_and_a_librarys_without() -> None:
    said = {"msg": "%s took %.1f s, %d times", "args": (SECRET, 0.25, 3)}
    assert message(name="benegraph.cli.workers", **said) == f"{SECRET} took 0.2 s, 3 times"
    assert message(name="asyncio", **said) == "… took 0.2 s, 3 times"
    assert message(name="benegraphical", **said) == "… took 0.2 s, 3 times"
    by_name = {"msg": "%(who)r at %(port)d", "args": {"who": SECRET, "port": 80}}
    assert message(name="asyncio", **by_name) == "'…' at 80"
    assert message(name="asyncio", msg="100 %") == "100 %"


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_told_by_its_kind_and_place_alone(form: str) -> None:
    with pytest.raises(ValueError, match=SECRET) as info:
        int(SECRET)
    caught = info.value
    line = written(form, msg="Error handling request", exc_info=(ValueError, caught, None), exc_text=SECRET)
    assert "builtins.ValueError; tests/web/test_logs.py:" in line
    assert line.count("\n") == 1
    as_message = written(form, msg=caught)
    assert "builtins.ValueError; tests/web/test_logs.py:" in as_message
    assert SECRET not in line + as_message


def test_no_text_is_too_odd_to_be_written() -> None:
    odd = "\ud800 \0 \u2028 ü"
    assert message(name="benegraph", msg=odd) == odd
    assert written("text", name="benegraph", msg=odd).isascii()


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_record_that_cant_be_written_says_so_without_its_arguments(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = written(form, name="library", msg="%d", args=(SECRET,))
    assert "Cannot write a log record of library: builtins.TypeError; " in line
    assert line.count("\n") == 1
    assert capsys.readouterr() == ("", "")


def test_nobody_who_reads_is_no_reason_to_fail(capsys: pytest.CaptureFixture[str]) -> None:
    stream = StringIO()
    handler = telemetry.create_log_handler("json", stream)
    stream.close()
    handler.handle(logging.makeLogRecord({"msg": SECRET}))
    assert capsys.readouterr() == ("", "")


def test_a_process_that_is_set_up_tells_nobodys_text() -> None:
    class Stubborn:
        def __del__(self) -> None:
            raise RuntimeError(SECRET)

    with configured("INFO") as stderr:
        logging.getLogger("library").warning("Of %s", SECRET)
        warnings.showwarning(UserWarning(SECRET), UserWarning, "/a/b/c/d.py", 7)
        thread = threading.Thread(target=int, args=(SECRET,))
        thread.start()
        thread.join()
        Stubborn()
        gc.collect()
    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    assert [line["message"].partition(";")[0] for line in lines] == [
        "Of …",
        "Python warning: UserWarning at b/c/d.py:7",
        "Uncaught error in a thread: builtins.ValueError",
        "Uncaught error in a finalizer: builtins.RuntimeError",
    ]


@pytest.mark.parametrize(("level", "statements"), [("INFO", False), ("DEBUG", True)])
def test_libraries_that_talk_of_rows_and_revisions_are_held_back(level: str, statements: bool) -> None:
    with configured(level, "text") as stderr:
        assert logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.INFO) is statements
        assert not logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("alembic").isEnabledFor(logging.INFO)
        logging.getLogger("benegraph").debug("Said")
    assert stderr.getvalue().endswith(" DEBUG benegraph: Said\n") is (level == "DEBUG")


async def test_a_task_that_fails_unseen_is_told_without_its_text() -> None:
    loop = asyncio.get_running_loop()
    telemetry.log_task_errors(loop)
    with logging_to() as log:
        loop.call_exception_handler({"message": SECRET, "exception": ValueError(SECRET)})
        loop.call_exception_handler({"message": SECRET})
    assert [line["message"] for line in log.of("benegraph.telemetry.logs")] == [
        "Uncaught error in a task: builtins.ValueError; nowhere",
        "Uncaught error in a task: unknown exception",
    ]
