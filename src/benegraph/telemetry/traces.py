"""Traces: one span for each GraphQL request, exported over OTLP as OpenTelemetry's environment variables configure.

Names and attributes follow OpenTelemetry's semantic conventions for GraphQL server spans:
https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans. The attribute `graphql.document` is left out, because
a document may contain names and birth dates as literals.

This module needs the extra `otel` or `otel-grpc`. Therefore it is imported late, by `telemetry.create_traces`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from benegraph.telemetry.request_info import RequestInfo, short_operation_name

log = logging.getLogger(__name__)

#: The OTLP protocols, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
GRPC, HTTP = "grpc", "http/protobuf"
#: How long the export of the last spans may delay the end of the process.
CLOSE_TIMEOUT_SECONDS = 2.0
_SERVER_ERROR_CODES = {"INTERNAL", "TIMEOUT"}
_MIN_SERVER_ERROR_STATUS = 500
_MIN_ERROR_STATUS = 400


class Traces:
    """Creates a span for each request. A background thread exports the spans."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("benegraph")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, request_info: RequestInfo, method: str, traceparent: str | None) -> Iterator[Callable[[int], None]]:
        """Trace a request as a child of the client's span, if the client sent one.

        Yields a function that records the status of the response.
        """
        status = 0

        def set_status(value: int) -> None:
            nonlocal status
            status = value

        # The header `tracestate` is ignored: it may contain any text.
        parent = self._propagator.extract({"traceparent": traceparent} if traceparent else {})
        span = self._tracer.start_span("GraphQL Operation", parent, SpanKind.SERVER)
        request_info.trace_id = f"{span.get_span_context().trace_id:032x}"
        request_info.is_sampled = span.is_recording()
        try:
            # The text of an exception may quote a row.
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield set_status
        finally:
            if span.is_recording():
                _set_attributes(span, request_info, method, status)
            span.end()

    async def close(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Export the remaining spans. Those that are not exported within the timeout are lost."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # the shutdown took so long that the loop is closed
                return

        # Not a thread of the loop's executor: the end of the loop waits for those without a limit.
        threading.Thread(target=shut_down, name="traces", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), timeout_seconds)
        except TimeoutError:
            log.warning("The last spans were lost: their export took longer than %g s.", timeout_seconds)


class _Exporter(SpanExporter):
    """Logs the first failed export and the first successful one after it. OpenTelemetry would log every failure."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        is_failing = result is not SpanExportResult.SUCCESS
        if is_failing and not self._is_failing:
            log.warning("Cannot export spans; once the queue is full, new spans are dropped.")
        elif self._is_failing and not is_failing:
            log.info("The export of spans works again.")
        self._is_failing = is_failing
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


def create_traces(protocol: str = HTTP) -> Traces:
    """Create traces that are exported over OTLP. The exporter reads OpenTelemetry's environment variables.

    Raises ImportError if the package with the protocol's exporter is not installed.
    """
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # `_Exporter` logs failures in its place
    if protocol not in {GRPC, HTTP}:  # OpenTelemetry's specification demands a warning, not an error
        log.warning("OTEL_EXPORTER_OTLP_PROTOCOL must be %s or %s; %s is used instead.", GRPC, HTTP, HTTP)
    return Traces(create_provider(_create_grpc_exporter() if protocol == GRPC else _create_http_exporter()))


def _create_grpc_exporter() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra

    return OTLPSpanExporter()


def _create_http_exporter() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra

    return OTLPSpanExporter()


def create_provider(exporter: SpanExporter) -> TracerProvider:
    """Create a provider that exports spans in the background, so that requests never wait for it."""
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "benegraph"}))
    no_metrics = NoOpMeterProvider()
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, meter_provider=no_metrics)
    provider.add_span_processor(BatchSpanProcessor(_Exporter(exporter), meter_provider=no_metrics))
    return provider


def _set_attributes(span: Span, request_info: RequestInfo, method: str, status: int) -> None:
    if request_info.operation_type is not None:
        span.update_name(request_info.operation_type)  # without the operation's name: clients could invent any number
    attributes = {
        "graphql.operation.name": short_operation_name(request_info),
        "graphql.operation.type": request_info.operation_type,
        "graphql.document.hash": request_info.document_digest,
        "http.request.method": method,
        "http.response.status_code": status or None,
        "benegraph.request_id": request_info.request_id,
        "benegraph.cost": request_info.cost,
        "error.type": request_info.code or (str(status) if status >= _MIN_ERROR_STATUS else None),
    }
    span.set_attributes({name: value for name, value in attributes.items() if value is not None})
    if request_info.code in _SERVER_ERROR_CODES or status >= _MIN_SERVER_ERROR_STATUS:
        span.set_status(Status(StatusCode.ERROR))
