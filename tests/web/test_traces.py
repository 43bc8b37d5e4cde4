"""Traces: one span a request, to the collector that OpenTelemetry's variables name; a dead one is nobody's trouble."""

import asyncio
import hashlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from broken import GRAPH, SECRET
from calling import Caller, calling, told
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from watching import logging_to

from benegraph import telemetry
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.telemetry.traces import Traces

QUERY = "query Whoami { viewer { role } }"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Collector:
    """An OTLP receiver of our own."""

    resources: list[dict[str, Any]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    #: What it answers with.
    status: int = 200

    async def take(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        told = ExportTraceServiceRequest.FromString(await request.read())
        if self.status == 200:
            for resource in told.resource_spans:
                self.resources.append(plain(resource.resource.attributes))
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(status=self.status)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test sets of OpenTelemetry is as before afterwards, and what it leaves behind has ended."""
    level = logging.getLogger("opentelemetry").level
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    yield
    logging.getLogger("opentelemetry").setLevel(level)
    for thread in threading.enumerate():
        if thread.name == "traces":
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    async with TestServer(app) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", str(server.make_url("/")))
        yield collector


@asynccontextmanager
async def tracing(database: Database, clock: Clock, **options: Any) -> AsyncIterator[Caller]:
    traces = telemetry.create_traces()
    async with calling(database, clock, traces=traces, **options) as caller:
        yield caller
        await traces.close()


def plain(attributes: Any) -> dict[str, Any]:
    def value(of: AnyValue) -> Any:
        return getattr(of, of.WhichOneof("value") or "string_value")

    return {each.key: value(each.value) for each in attributes}


async def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_request_is_a_span_that_tells_of_it_what_an_engineer_asks(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with tracing(database, clock) as caller:
        await caller.post(QUERY, X_Request_ID="r1")
    (span,) = collector.spans
    assert (span.name, span.kind) == ("query Whoami", Span.SPAN_KIND_SERVER)
    assert plain(span.attributes) == {
        "graphql.operation.name": "Whoami",
        "graphql.operation.type": "query",
        "graphql.document.hash": hashlib.sha256(QUERY.encode()).hexdigest(),
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "benegraph.request_id": "r1",
        "benegraph.cost": 1,
    }
    assert not span.events
    assert not span.parent_span_id
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 10 * 10**9
    assert collector.resources[0]["service.name"] == "benegraph"


async def test_the_variables_of_the_environment_are_heeded(
    collector: Collector, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gateway")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=benefits")
    async with tracing(database, clock) as caller:
        await caller.post(QUERY)
    assert collector.resources[0].items() >= {"service.name": "gateway", "deployment.environment.name": "test"}.items()
    assert collector.headers[0]["x-team"] == "benefits"
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with tracing(database, clock) as caller:
        assert await told(await caller.post(QUERY)) == (200, [])
    assert len(collector.spans) == 1


async def test_spans_leave_while_the_gateway_runs(collector: Collector, database: Database, clock: Clock) -> None:
    async with tracing(database, clock) as caller:
        await caller.post(QUERY)
        await wait_until(lambda: len(collector.spans) == 1)


async def test_a_request_is_a_part_of_its_callers_trace_and_so_are_its_lines_of_the_log(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with tracing(database, clock, graph=GRAPH) as caller:
        with logging_to("INFO") as log:
            await caller.post("{ broken { fault } }", traceparent=PARENT, tracestate=f"{SECRET.lower()}=1")
            await caller.post("{ broken { fault } }", traceparent=SECRET)
    one, other = collector.spans
    assert (one.trace_id.hex(), one.parent_span_id.hex()) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert not other.parent_span_id
    assert not one.trace_state
    # The collector answers in this process too, and its own line of the access log is a part of no trace.
    traced = [line["trace_id"] for line in log.records if "trace_id" in line]
    assert traced == [one.trace_id.hex()] * 2 + [other.trace_id.hex()] * 2


async def test_what_a_caller_does_not_sample_is_not_exported(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with tracing(database, clock) as caller:
        with logging_to("INFO") as log:
            await caller.post(QUERY, traceparent=f"{PARENT[:-2]}00")
    assert not collector.spans
    assert log.access[0]["trace_id"] == PARENT.split("-")[1]


async def test_faults_are_told_by_their_codes_and_only_ours_are_errors(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with tracing(database, clock, graph=GRAPH) as caller:
        await caller.post("query Failing { broken { fault } }")
        await caller.post("query Refused { broken { meant } }")
        await caller.post("query Unknown { broken { unheard } }")
        await caller.client.post("/graphql", json={"query": QUERY})
        await caller.client.put("/graphql")
    told = [(span.name, plain(span.attributes).get("error.type"), span.status.code) for span in collector.spans]
    assert told == [
        ("query Failing", "INTERNAL", Status.STATUS_CODE_ERROR),
        ("query Refused", "TOO_COMPLEX", Status.STATUS_CODE_UNSET),
        ("GraphQL Operation", "VALIDATION_FAILED", Status.STATUS_CODE_UNSET),
        ("GraphQL Operation", "UNAUTHENTICATED", Status.STATUS_CODE_UNSET),
        ("GraphQL Operation", "405", Status.STATUS_CODE_UNSET),
    ]
    assert not any(span.events or span.status.message for span in collector.spans)


async def test_probes_and_pages_are_no_spans(collector: Collector, database: Database, clock: Clock) -> None:
    async with tracing(database, clock) as caller:
        for path in ("/livez", "/readyz", "/metrics", "/nowhere"):
            await caller.client.get(path)
        await caller.post("{ viewer { role } }")
    assert [span.name for span in collector.spans] == ["query"]


@pytest.mark.parametrize("dead", ["refusing", "silent", "failing"])
async def test_a_dead_collector_neither_slows_nor_breaks_nor_floods(
    collector: Collector, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    collector.status = 500
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        if dead == "refusing":
            silent.close()
        if dead != "failing":
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{host}:{port}")
        traces = telemetry.create_traces()
        with logging_to("INFO") as log:
            async with calling(database, clock, traces=traces) as caller:
                slowest = await slowest_of(caller, 60)
                began = time.monotonic()
                await traces.close(0.5)
                assert time.monotonic() - began < 2
    assert slowest < 2
    said = [line["message"] for line in log.records if not line["logger"].startswith("aiohttp")]
    assert len(said) == len(set(said))
    assert said
    assert {message.partition(";")[0] for message in said} <= {
        "Cannot export spans",
        "The last spans were lost: their export took longer than 0.5 s.",
    }


async def slowest_of(caller: Caller, requests: int) -> float:
    slowest = 0.0
    for _ in range(requests):
        began = time.monotonic()
        assert await told(await caller.post(QUERY)) == (200, [])
        slowest = max(slowest, time.monotonic() - began)
    return slowest


async def test_a_collector_that_comes_back_is_sent_to_again(
    collector: Collector, database: Database, clock: Clock
) -> None:
    collector.status = 500
    with logging_to("INFO") as log:
        async with tracing(database, clock) as caller:
            for _ in range(3):
                answered = len(collector.headers)
                await caller.post(QUERY)
                await wait_until(lambda answered=answered: len(collector.headers) > answered)  # type: ignore[misc]
            collector.status = 200
            await caller.post(QUERY)
            await wait_until(lambda: len(collector.spans) == 1)
    assert [line["message"].partition(";")[0] for line in log.of("benegraph.telemetry.traces")] == [
        "Cannot export spans",
        "The export of spans works again.",
    ]


async def test_the_last_spans_leave_before_the_end(
    collector: Collector, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    traces: Traces = telemetry.create_traces()
    async with calling(database, clock, traces=traces) as caller:
        for _ in range(20):
            await caller.post(QUERY)
        assert not collector.spans
        await traces.close()
    assert len(collector.spans) == 20


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_who_asks_for_no_traces_needs_nothing_for_them() -> None:
    script = """
import sys
import benegraph.cli.serving, benegraph.web.app, benegraph.telemetry
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
assert "prometheus_client" not in sys.modules
"""
    done = run(script)
    assert done.returncode == 0, done.stderr


def test_who_asks_for_traces_and_has_not_what_makes_them_is_told_what_to_install() -> None:
    script = """
import sys
sys.modules["opentelemetry"] = None
from benegraph import telemetry
from benegraph.cli.errors import in_one_line
in_one_line(telemetry.create_traces)()
"""
    done = run(script)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith("benegraph: OTEL_… variables request traces")
    assert "benegraph[otel]" in done.stderr.splitlines()[0]
