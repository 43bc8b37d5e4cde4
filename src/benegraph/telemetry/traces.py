"""Traces: one span a request to the graph, exported over OTLP as OpenTelemetry's own variables of the environment say.

Importing this needs the extra `otel`, so it is imported where traces are asked for: `telemetry.create_traces`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from benegraph.telemetry.request_info import RequestInfo, digest_of, operation_name_of

log = logging.getLogger(__name__)

#: How long the last spans may take to leave, once we are to stop.
PATIENCE = 2.0
_OUR_FAULTS = {"INTERNAL", "TIMEOUT"}
_FIRST_SERVER_FAULT = 500
_FIRST_FAULT = 400


class Traces:
    """What makes the spans, and sends them away from another thread."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("benegraph")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, facts: RequestInfo, method: str, traceparent: str | None) -> Iterator[Callable[[int], None]]:
        """Trace what is done within, as a part of the caller's trace if it names one; give what takes its status."""
        status = 0

        def answered(with_status: int) -> None:
            nonlocal status
            status = with_status

        # Only whose child it is: `tracestate` beside it is any text that a caller likes.
        parent = self._propagator.extract({"traceparent": traceparent} if traceparent else {})
        span = self._tracer.start_span("GraphQL Operation", parent, SpanKind.SERVER)
        facts.trace_id = f"{span.get_span_context().trace_id:032x}"
        try:
            # An exception's text may quote a row.
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield answered
        finally:
            if span.is_recording():
                _describe(span, facts, method, status)
            span.end()

    async def close(self, patience: float = PATIENCE) -> None:
        """Send what is still here, and give up where it does not leave in time."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # it took so long that the loop is gone
                return

        # Not one of the loop's own threads: those are waited for at the end, however long they take.
        threading.Thread(target=shut_down, name="traces", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), patience)
        except TimeoutError:
            log.warning("The last spans did not leave in time, and are lost.")


class _Exporter(SpanExporter):
    """Says once that spans don't arrive, and once that they do again; its library would say so for each batch."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            log.warning("Spans can't be exported; what does not fit the queue is dropped.")
        elif self._fails and not fails:
            log.info("Spans are exported again.")
        self._fails = fails
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


def make() -> Traces:
    """Make an exporter and what feeds it, as the environment says."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # see _Exporter
    return Traces(provide(OTLPSpanExporter()))


def provide(exporter: SpanExporter) -> TracerProvider:
    """Make what gives spans to an exporter, without ever waiting for it."""
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "benegraph"}))
    unmeasured = NoOpMeterProvider()
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, meter_provider=unmeasured)
    provider.add_span_processor(BatchSpanProcessor(_Exporter(exporter), meter_provider=unmeasured))
    return provider


def _describe(span: Span, facts: RequestInfo, method: str, status: int) -> None:
    name = operation_name_of(facts)
    if facts.operation_type is not None:
        span.update_name(f"{facts.operation_type} {name}" if name else facts.operation_type)
    attributes = {
        "graphql.operation.name": name,
        "graphql.operation.type": facts.operation_type,
        "graphql.document.hash": digest_of(facts),
        "http.request.method": method,
        "http.response.status_code": status or None,
        "benegraph.request_id": facts.request_id,
        "benegraph.cost": facts.cost,
        "error.type": facts.code or (str(status) if status >= _FIRST_FAULT else None),
    }
    span.set_attributes({name: value for name, value in attributes.items() if value is not None})
    if facts.code in _OUR_FAULTS or status >= _FIRST_SERVER_FAULT:
        span.set_status(Status(StatusCode.ERROR))
