"""Logs in the format `ecs`: the fields of the Elastic Common Schema, with its units and without values."""

import hashlib
import json
import logging
import re
from io import StringIO
from typing import Any

import pytest
from api_client import running_api
from captured_telemetry import captured_logs
from failing_schema import FAILING_SCHEMA, SECRET

from benegraph import telemetry
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.telemetry.ecs import ECS_VERSION
from benegraph.telemetry.logs import create_record

QUERY = "query Whoami { viewer { role } }"
ALWAYS = {"ecs.version": ECS_VERSION, "service.name": "benegraph"}


def format_record(record: logging.LogRecord) -> dict[str, Any]:
    stream = StringIO()
    telemetry.create_log_handler("ecs", stream).handle(record)
    fields: dict[str, Any] = json.loads(stream.getvalue())
    return fields


async def test_access_record_has_the_fields_of_the_schema(database: Database, clock: Clock) -> None:
    async with running_api(database, clock) as api:
        with captured_logs("INFO") as logs:
            await api.post(QUERY, X_Request_ID="r1")
    (record,) = logs.ecs_records
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("@timestamp"))
    assert re.fullmatch(r"POST /graphql 200 \d+ms", record.pop("message"))
    assert record.pop("benegraph.key_id").startswith("akey_")
    assert 10_000 < record.pop("event.duration") < 10_000_000_000  # nanoseconds
    assert record.pop("http.response.bytes") > 0
    assert record == ALWAYS | {
        "log.level": "info",
        "log.logger": "aiohttp.access",
        "event.dataset": "benegraph.access",
        "event.outcome": "success",
        "http.request.id": "r1",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.path": "/graphql",
        "benegraph.tenant": "acme",
        "benegraph.operation": "Whoami",
        "benegraph.document": hashlib.sha256(QUERY.encode()).hexdigest(),
        "benegraph.kind": "query",
        "benegraph.cost": 1,
    }


async def test_outcome_of_failed_requests_is_failure(database: Database, clock: Clock) -> None:
    async with running_api(database, clock, FAILING_SCHEMA) as api:
        with captured_logs("INFO") as logs:
            await api.post("{ failing { exception } }")  # status 200 with an error
            await api.http.put("/graphql")
            await api.http.get("/livez")
    records = [record for record in logs.ecs_records if record["event.dataset"] == "benegraph.access"]
    names = ("event.outcome", "error.code", "http.response.status_code")
    assert [tuple(record.get(name) for name in names) for record in records] == [
        ("failure", "INTERNAL", 200),
        ("failure", None, 405),
        ("success", None, 200),
    ]


@pytest.mark.parametrize(
    ("seconds", "nanoseconds"), [(0.0, 0), (1e-9, 1), (0.0012345678, 1_234_568), (12.5, 12_500_000_000)]
)
def test_duration_is_in_nanoseconds(seconds: float, nanoseconds: int) -> None:
    fields = {"method": "GET", "path": "/livez", "status": 200, "ms": 1}
    record = create_record("aiohttp.access", "GET", fields, None, 0.0, seconds)
    assert format_record(record) == ALWAYS | {
        "@timestamp": "1970-01-01T00:00:00.000Z",
        "message": "GET",
        "log.level": "info",
        "log.logger": "aiohttp.access",
        "event.dataset": "benegraph.access",
        "event.outcome": "success",
        "event.duration": nanoseconds,
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.path": "/livez",
    }


def test_exception_has_a_type_and_a_stack_trace_without_its_text() -> None:
    with pytest.raises(ValueError, match=SECRET) as info:
        int(SECRET)
    record = logging.makeLogRecord(
        {
            "name": "library",
            "levelname": "ERROR",
            "msg": "Failed at %s",
            "args": (SECRET,),
            "created": 0.0,
            "exc_info": (ValueError, info.value, info.tb),
        }
    )
    formatted = format_record(record)
    assert formatted.pop("error.stack_trace").startswith("tests/web/test_logs_ecs.py:")
    assert formatted == ALWAYS | {
        "@timestamp": "1970-01-01T00:00:00.000Z",
        "message": "Failed at …",
        "log.level": "error",
        "log.logger": "library",
        "event.dataset": "benegraph.log",
        "error.type": "builtins.ValueError",
    }
