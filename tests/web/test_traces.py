"""Traces: one span per request, exported to the configured collector; an unreachable one affects no request."""

import asyncio
import hashlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from api_client import ApiClient, running_api, status_and_codes
from captured_telemetry import captured_logs
from failing_schema import FAILING_SCHEMA, SECRET
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from benegraph import telemetry
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.telemetry.traces import Traces

QUERY = "query Whoami { viewer { role } }"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Collector:
    """An OTLP collector that records the spans it receives."""

    resources: list[dict[str, Any]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    #: The status of its responses.
    status: int = 200

    async def receive(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        export_request = ExportTraceServiceRequest.FromString(await request.read())
        if self.status == 200:
            for resource in export_request.resource_spans:
                self.resources.append(attributes_of(resource.resource.attributes))
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(status=self.status)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore OpenTelemetry's log level after a test, and wait for its export threads."""
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
    app.router.add_post("/v1/traces", collector.receive)
    async with TestServer(app) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", str(server.make_url("/")))
        yield collector


@asynccontextmanager
async def running_traced_api(database: Database, clock: Clock, **options: Any) -> AsyncIterator[ApiClient]:
    traces = telemetry.create_traces()
    async with running_api(database, clock, traces=traces, **options) as api:
        yield api
        await traces.close()


def attributes_of(attributes: Any) -> dict[str, Any]:
    def value_of(value: AnyValue) -> Any:
        return getattr(value, value.WhichOneof("value") or "string_value")

    return {attribute.key: value_of(attribute.value) for attribute in attributes}


async def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_span_describes_a_request(collector: Collector, database: Database, clock: Clock) -> None:
    async with running_traced_api(database, clock) as api:
        await api.post(QUERY, X_Request_ID="r1")
    (span,) = collector.spans
    assert (span.name, span.kind) == ("query", Span.SPAN_KIND_SERVER)
    assert attributes_of(span.attributes) == {
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


async def test_opentelemetry_variables_are_respected(
    collector: Collector, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gateway")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=benefits")
    async with running_traced_api(database, clock) as api:
        await api.post(QUERY)
    assert collector.resources[0].items() >= {"service.name": "gateway", "deployment.environment.name": "test"}.items()
    assert collector.headers[0]["x-team"] == "benefits"
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with running_traced_api(database, clock) as api:
        assert await status_and_codes(await api.post(QUERY)) == (200, [])
    assert len(collector.spans) == 1


async def test_spans_are_exported_while_the_gateway_runs(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with running_traced_api(database, clock) as api:
        await api.post(QUERY)
        await wait_until(lambda: len(collector.spans) == 1)


async def test_request_and_its_log_lines_belong_to_the_clients_trace(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with running_traced_api(database, clock, graphql_schema=FAILING_SCHEMA) as api:
        with captured_logs("INFO") as logs:
            await api.post("{ failing { exception } }", traceparent=PARENT, tracestate=f"{SECRET.lower()}=1")
            await api.post("{ failing { exception } }", traceparent=SECRET)
    child, root = collector.spans
    assert (child.trace_id.hex(), child.parent_span_id.hex()) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert not root.parent_span_id
    assert not child.trace_state
    # The collector runs in this process, too. The lines of its access log belong to no trace.
    trace_ids = [line["trace_id"] for line in logs.records if "trace_id" in line]
    assert trace_ids == [child.trace_id.hex()] * 2 + [root.trace_id.hex()] * 2


async def test_trace_that_the_client_does_not_sample_is_not_exported(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with running_traced_api(database, clock) as api:
        with captured_logs("INFO") as logs:
            await api.post(QUERY, traceparent=f"{PARENT[:-2]}00")
    assert not collector.spans
    assert logs.access_records[0]["trace_id"] == PARENT.split("-")[1]


async def test_only_server_errors_set_the_error_status(collector: Collector, database: Database, clock: Clock) -> None:
    async with running_traced_api(database, clock, graphql_schema=FAILING_SCHEMA) as api:
        await api.post("query Failing { failing { exception } }")
        await api.post("query Refused { failing { clientError } }")
        await api.post("query Unknown { failing { unknown } }")
        await api.http.post("/graphql", json={"query": QUERY})
        await api.http.put("/graphql")
    spans = [
        (
            span.name,
            attributes_of(span.attributes).get("graphql.operation.name"),
            attributes_of(span.attributes).get("error.type"),
            span.status.code,
        )
        for span in collector.spans
    ]
    assert spans == [
        ("query", "Failing", "INTERNAL", Status.STATUS_CODE_ERROR),
        ("query", "Refused", "TOO_COMPLEX", Status.STATUS_CODE_UNSET),
        ("GraphQL Operation", None, "VALIDATION_FAILED", Status.STATUS_CODE_UNSET),
        ("GraphQL Operation", None, "UNAUTHENTICATED", Status.STATUS_CODE_UNSET),
        ("GraphQL Operation", None, "405", Status.STATUS_CODE_UNSET),
    ]
    assert not any(span.events or span.status.message for span in collector.spans)


async def test_other_paths_create_no_spans(collector: Collector, database: Database, clock: Clock) -> None:
    async with running_traced_api(database, clock) as api:
        for path in ("/livez", "/readyz", "/metrics", "/nowhere"):
            await api.http.get(path)
        await api.post("{ viewer { role } }")
    assert [span.name for span in collector.spans] == ["query"]


async def test_span_name_is_the_operation_type_whatever_its_name(
    collector: Collector, database: Database, clock: Clock
) -> None:
    async with running_traced_api(database, clock) as api:
        await api.post("query One { viewer { role } }")
        await api.post("query Two { viewer { role } }")
        await api.post('mutation Hire { createEmployer(input: {name: "Acme"}) { employer { name } } }')
    spans = [(span.name, attributes_of(span.attributes)["graphql.operation.name"]) for span in collector.spans]
    assert spans == [("query", "One"), ("query", "Two"), ("mutation", "Hire")]
    assert not any("graphql.document" in attributes_of(span.attributes) for span in collector.spans)


async def test_latency_has_the_trace_as_its_exemplar(collector: Collector, database: Database, clock: Clock) -> None:
    async with running_traced_api(database, clock) as api:
        await api.post(QUERY, traceparent=PARENT)
        await api.post("query Unsampled { viewer { role } }", traceparent=f"{PARENT[:-2]}00")
        page = await (await api.http.get("/metrics", headers={"Accept": "application/openmetrics-text"})).text()
    exemplars = [
        (sample.labels["operation"], sample.exemplar.labels)
        for family in text_string_to_metric_families(page)  # type: ignore[no-untyped-call] # no types
        for sample in family.samples
        if sample.exemplar
    ]
    assert exemplars == [("Whoami", {"trace_id": PARENT.split("-")[1]})]
    assert len(collector.spans) == 1


@pytest.mark.parametrize("failure", ["refusing", "silent", "failing"])
async def test_failing_collector_does_not_affect_requests(
    collector: Collector, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    collector.status = 500
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        if failure == "refusing":
            silent.close()
        if failure != "failing":
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{host}:{port}")
        traces = telemetry.create_traces()
        with captured_logs("INFO") as logs:
            async with running_api(database, clock, traces=traces) as api:
                slowest = await slowest_request(api, 60)
                started_at = time.monotonic()
                await traces.close(0.5)
                assert time.monotonic() - started_at < 2
    assert slowest < 2
    messages = [line["message"] for line in logs.records if not line["logger"].startswith("aiohttp")]
    assert len(messages) == len(set(messages))
    assert messages
    assert {message.partition(";")[0] for message in messages} <= {
        "Cannot export spans",
        "The last spans were lost: their export took longer than 0.5 s.",
    }


async def slowest_request(api: ApiClient, requests: int) -> float:
    slowest = 0.0
    for _ in range(requests):
        started_at = time.monotonic()
        assert await status_and_codes(await api.post(QUERY)) == (200, [])
        slowest = max(slowest, time.monotonic() - started_at)
    return slowest


async def test_recovered_collector_receives_spans_again(collector: Collector, database: Database, clock: Clock) -> None:
    collector.status = 500
    with captured_logs("INFO") as logs:
        async with running_traced_api(database, clock) as api:
            for _ in range(3):
                received = len(collector.headers)
                await api.post(QUERY)
                await wait_until(lambda received=received: len(collector.headers) > received)  # type: ignore[misc]
            collector.status = 200
            await api.post(QUERY)
            await wait_until(lambda: len(collector.spans) == 1)
    assert [line["message"].partition(";")[0] for line in logs.records_of("benegraph.telemetry.traces")] == [
        "Cannot export spans",
        "The export of spans works again.",
    ]


async def test_close_exports_the_last_spans(
    collector: Collector, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    traces: Traces = telemetry.create_traces()
    async with running_api(database, clock, traces=traces) as api:
        for _ in range(20):
            await api.post(QUERY)
        assert not collector.spans
        await traces.close()
    assert len(collector.spans) == 20


class GrpcCollector(TraceServiceServicer):
    """An OTLP collector that speaks gRPC."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def Export(self, request: ExportTraceServiceRequest, _context: Any) -> ExportTraceServiceResponse:  # noqa: N802 - the service's name
        self.spans += [span for part in request.resource_spans for scope in part.scope_spans for span in scope.spans]
        return ExportTraceServiceResponse()


async def test_spans_are_exported_over_grpc(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    collector, server = GrpcCollector(), grpc.server(ThreadPoolExecutor(1))
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call] # generated without types
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    traces = telemetry.create_traces("grpc")
    try:
        async with running_api(database, clock, traces=traces) as api:
            assert await status_and_codes(await api.post(QUERY)) == (200, [])
            await traces.close(10)
    finally:
        server.stop(None).wait()
    (span,) = collector.spans
    assert (span.name, attributes_of(span.attributes)["graphql.operation.name"]) == ("query", "Whoami")


async def test_unknown_protocol_is_reported_and_http_is_used(
    collector: Collector, database: Database, clock: Clock
) -> None:
    with captured_logs("INFO") as logs:
        traces = telemetry.create_traces("http/json")
    async with running_api(database, clock, traces=traces) as api:
        await api.post(QUERY)
        await traces.close()
    assert [(line["level"], line["message"]) for line in logs.records_of("benegraph.telemetry.traces")] == [
        ("WARNING", "OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf; http/protobuf is used instead.")
    ]
    assert len(collector.spans) == 1


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603 - a constant script


def test_telemetry_libraries_are_not_imported_without_traces() -> None:
    script = """
import sys
import benegraph.cli.serving, benegraph.web.app, benegraph.telemetry
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
assert "prometheus_client" not in sys.modules
"""
    process = run(script)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(
    ("protocol", "missing", "name", "extra"),
    [
        ("grpc", "opentelemetry.exporter.otlp.proto.grpc", "gRPC", "otel-grpc"),
        ("grpc", "opentelemetry", "gRPC", "otel-grpc"),
        ("http/protobuf", "opentelemetry", "HTTP", "otel"),
    ],
)
def test_missing_exporter_is_reported_with_the_package_to_install(
    protocol: str, missing: str, name: str, extra: str
) -> None:
    script = f"""
import sys
sys.modules["{missing}"] = None
from benegraph import telemetry
try:
    telemetry.create_traces("{protocol}")
except telemetry.TracingNotInstalled as error:
    print(error)
"""
    process = run(script)
    assert process.returncode == 0, process.stderr
    assert process.stdout == (
        f"OTEL_… variables request traces over {name}, but the exporter is not installed: install benegraph[{extra}]."
        " The gateway runs without traces.\n"
    )
