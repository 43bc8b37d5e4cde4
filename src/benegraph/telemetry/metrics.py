"""Prometheus metrics of one process, or of all worker processes that share a directory.

Importing prometheus_client decides whether metrics are shared between processes: it reads an environment variable that
each worker process gets at its start. Therefore this module is imported late, by `telemetry.create_metrics`.
"""

from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.openmetrics import exposition as openmetrics
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from benegraph.domain.errors import Throttled
from benegraph.telemetry.process_metrics import GatewayCollector
from benegraph.telemetry.request_info import DocumentInfo, RequestInfo, short_operation_name

#: Clients choose the names of their operations. Further names are counted as OTHER, so that memory stays bounded.
MAX_OPERATION_NAMES = 200
ANONYMOUS = "anonymous"
OTHER = "other"
UNKNOWN_KIND = "none"
_SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COST_BUCKETS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)


class Metrics:
    """The metrics of an application. With a directory, the output covers all processes that use it."""

    def __init__(self, directory: Path | None = None, executor: str = "compiled") -> None:
        if directory is not None and not values.ValueClass._multiprocess:  # noqa: SLF001 - it has no public name
            raise RuntimeError("prometheus_client was imported before PROMETHEUS_MULTIPROC_DIR was set.")
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would double the size of the output
        self._registry = registry = CollectorRegistry()
        self._directory = directory
        self._operation_names: set[str] = set()
        #: The counter and the histogram for each operation name, kind and outcome.
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._documents: DocumentInfo | None = None
        #: The values of `_documents` at the last update of the counters.
        self._last_counts = (0, 0, 0)
        self._last_fallbacks: dict[str, int] = {}
        self._requests, self._seconds, self._cost = _request_metrics(registry)
        self._in_flight = _gauge(registry, "requests_in_flight", "GraphQL requests that are being executed.")
        self._throttled = _counter(registry, "throttled", "Requests rejected because of their key's rate limit.")
        self._replays = _counter(
            registry, "idempotent_replays", "Requests answered from a stored idempotent result.", "operation"
        )
        self._retries = _counter(
            registry, "transaction_retries", "Transactions retried, by SQLSTATE or exception type.", "reason"
        )
        self._deprecated_uses = _counter(
            registry, "deprecated_uses", "Requests that use a deprecated element of the schema.", "element"
        )
        documents = _counter(registry, "documents", "Documents found in the cache (hit) or parsed (miss).", "result")
        plan_executions = _counter(registry, "operations_answered_by_plan", "Operations executed by compiled plans.")
        self._document_counters = documents.labels("hit"), documents.labels("miss"), plan_executions
        self._plan_fallbacks = _counter(
            registry, "operations_fell_back", "Operations executed by Strawberry instead of a plan.", "reason"
        )
        connections = _gauge(registry, "database_connections", "Connections to the database, by state.", "state")
        self._checked_out = connections.labels("checked_out")
        self._pool_size = _gauge(registry, "database_pool_size", "Maximum number of open connections.")
        self._processes = GatewayCollector(directory, executor)
        if directory is None:
            registry.register(self._processes)

    def start_request(self) -> None:
        """Count a request as in flight."""
        self._in_flight.inc()

    def end_request(self) -> None:
        """Stop counting a request as in flight."""
        self._in_flight.dec()

    def record_request(self, request_info: RequestInfo, outcome: str, seconds: float) -> None:
        """Record a finished request: its outcome, duration and cost."""
        name, kind = self._operation_label(request_info), request_info.operation_type or UNKNOWN_KIND
        children = self._children.get((name, kind, outcome))
        if children is None:
            # `labels` takes a lock, and longer than the counting itself.
            children = self._requests.labels(name, kind, outcome), self._seconds.labels(name, kind)
            self._children[name, kind, outcome] = children
        children[0].inc()
        children[1].observe(seconds, {"trace_id": request_info.trace_id or ""} if request_info.is_sampled else None)
        if request_info.cost is not None:
            self._cost.observe(request_info.cost)
        for element in request_info.deprecated:
            self._deprecated_uses.labels(element).inc()
        if request_info.replayed:
            self._replays.labels(name).inc()
        if request_info.code == Throttled.code:
            self._throttled.inc()
        self._update_document_counters()

    def record_retry(self, reason: str) -> None:
        """Count a transaction that is retried."""
        self._retries.labels(reason).inc()

    def track_documents(self, documents: DocumentInfo) -> None:
        """Export the counters of a document cache from now on."""
        self._documents = documents
        self._last_counts = documents.hits, documents.misses, documents.plan_executions
        self._last_fallbacks = dict(documents.plan_fallbacks)

    def track_pool(self, engine: AsyncEngine) -> None:
        """Export how many of an engine's connections are checked out."""
        pool = engine.pool
        if not isinstance(pool, QueuePool):
            return

        # Read from the pool each time: a broken connection is checked in without having been checked out.
        def on_checkout(*_: object) -> None:
            self._checked_out.set(pool.checkedout())

        def on_checkin(*_: object) -> None:
            self._checked_out.set(pool.checkedout() - 1)  # the event precedes the check-in

        event.listen(engine.sync_engine, "checkout", on_checkout)
        event.listen(engine.sync_engine, "checkin", on_checkin)
        self._checked_out.set(pool.checkedout())
        self._pool_size.set(pool.size() + pool._max_overflow)  # noqa: SLF001 - only the size is public

    def render(self, *, as_openmetrics: bool = False) -> tuple[bytes, str]:
        """Return all metrics in Prometheus' text format or in OpenMetrics, and the media type.

        Only OpenMetrics has exemplars: the trace of one request for each bucket. Several processes export none.
        """
        registry = self._registry
        if self._directory is not None:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call] # no types
            registry.register(self._processes)
        if as_openmetrics:
            page: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call] # no types
            return page, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4

    def _operation_label(self, request_info: RequestInfo) -> str:
        if request_info.operation_name in self._operation_names:
            return request_info.operation_name
        name = short_operation_name(request_info)
        if name is None:
            return ANONYMOUS
        if name not in self._operation_names:
            if len(self._operation_names) >= MAX_OPERATION_NAMES:
                return OTHER
            self._operation_names.add(name)
        return name

    def _update_document_counters(self) -> None:
        # After each request, not when the metrics are rendered: the rendering process cannot read the other processes.
        documents = self._documents
        if documents is None:
            return
        counts = documents.hits, documents.misses, documents.plan_executions
        if counts != self._last_counts:
            for counter, count, last in zip(self._document_counters, counts, self._last_counts, strict=True):
                if count != last:
                    counter.inc(count - last)
            self._last_counts = counts
        if documents.plan_fallbacks != self._last_fallbacks:
            for reason, count in documents.plan_fallbacks.items():
                if count != (last := self._last_fallbacks.get(reason, 0)):
                    self._plan_fallbacks.labels(reason).inc(count - last)
                    self._last_fallbacks[reason] = count


def remove_worker(directory: Path, pid: int) -> None:
    """Remove the gauges of a worker that has ended from the sums. Its counters stay."""
    multiprocess.mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call] # no types


def _request_metrics(registry: CollectorRegistry) -> tuple[Counter, Histogram, Histogram]:
    requests = _counter(
        registry,
        "requests",
        "GraphQL requests, by outcome: ok, the code of the first error, or http_<status>.",
        "operation",
        "kind",
        "outcome",
    )
    seconds = Histogram(
        "benegraph_request_seconds",
        "Duration of GraphQL requests, until the response was ready to send.",
        ("operation", "kind"),
        buckets=_SECONDS_BUCKETS,
        registry=registry,
    )
    cost = Histogram(
        "benegraph_request_cost", "Calculated cost of operations.", buckets=_COST_BUCKETS, registry=registry
    )
    return requests, seconds, cost


def _counter(registry: CollectorRegistry, name: str, description: str, *labels: str) -> Counter:
    return Counter(f"benegraph_{name}_total", description, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, description: str, *labels: str) -> Gauge:
    return Gauge(f"benegraph_{name}", description, labels, registry=registry, multiprocess_mode="livesum")
