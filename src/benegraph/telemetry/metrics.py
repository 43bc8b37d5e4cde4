"""Metrics: what Prometheus reads of a gateway, whether one process answers or several.

Importing this imports prometheus_client, which decides thereby, by a variable of the environment that each worker is
given, whether numbers are kept for several processes. So it is imported when an app is made:
`telemetry.create_metrics`.
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
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from benegraph.domain.errors import Throttled
from benegraph.telemetry.request_info import DocumentInfo, RequestInfo, operation_name_of

#: Clients name their operations; past so many names they all count as one, or a client could fill our memory.
MAX_OPERATION_NAMES = 200
ANONYMOUS = "anonymous"
OTHER = "other"
NO_KIND = "none"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COSTS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)


class Metrics:
    """The numbers of one app. With a directory, those of all processes that keep theirs in it are told."""

    def __init__(self, registry: CollectorRegistry | None = None, directory: Path | None = None) -> None:
        if directory is not None and not values.ValueClass._multiprocess:  # noqa: SLF001 - it has no public word for it
            raise RuntimeError("prometheus_client was imported before PROMETHEUS_MULTIPROC_DIR was set.")
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would double the page
        self._registry = registry = registry or CollectorRegistry()
        self._directory = directory
        self._names: set[str] = set()
        #: Of each name, kind and outcome, what counts it and its seconds.
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._documents: DocumentInfo | None = None
        #: What of it is counted already.
        self._counted = (0, 0, 0)
        self._counted_reasons: dict[str, int] = {}
        self._requests, self._seconds, self._cost = _of_requests(registry)
        self._in_flight = _gauge(registry, "requests_in_flight", "Requests to the graph that are being answered.")
        self._throttled = _counter(registry, "throttled", "Requests refused: their key had spent what it may.")
        self._replays = _counter(
            registry, "idempotent_replays", "Mutations answered again under the same idempotency key.", "operation"
        )
        self._retries = _counter(
            registry, "transaction_retries", "Transactions tried again, by SQLSTATE or kind of error.", "reason"
        )
        documents = _counter(registry, "documents", "Documents known from before (hit), or read anew (miss).", "result")
        by_plan = _counter(registry, "operations_answered_by_plan", "Operations that compiled plans answered.")
        self._of_documents = documents.labels("hit"), documents.labels("miss"), by_plan
        self._fell_back = _counter(
            registry, "operations_fell_back", "Operations left to Strawberry's executor, by the reason.", "reason"
        )
        connections = _gauge(registry, "database_connections", "Connections to the database, by their state.", "state")
        self._checked_out = connections.labels("checked_out")
        self._pool_size = _gauge(registry, "database_pool_size", "How many connections may be open at most.")

    def begin(self) -> None:
        """Count a request in."""
        self._in_flight.inc()

    def end(self) -> None:
        """Count a request out, however it ended."""
        self._in_flight.dec()

    def count(self, facts: RequestInfo, outcome: str, seconds: float) -> None:
        """Count a request that was answered."""
        name, kind = self._name(facts), facts.operation_type or NO_KIND
        counted = self._children.get((name, kind, outcome))
        if counted is None:
            # The metric's own way to a child takes a lock, and longer than counting does.
            counted = self._requests.labels(name, kind, outcome), self._seconds.labels(name, kind)
            self._children[name, kind, outcome] = counted
        counted[0].inc()
        counted[1].observe(seconds)
        if facts.cost is not None:
            self._cost.observe(facts.cost)
        if facts.replayed:
            self._replays.labels(name).inc()
        if facts.code == Throttled.code:
            self._throttled.inc()
        self._count_documents()

    def retried(self, reason: str) -> None:
        """Count a transaction that is tried again."""
        self._retries.labels(reason).inc()

    def follow_documents(self, documents: DocumentInfo) -> None:
        """Follow what a store of documents tells of itself from now on."""
        self._documents = documents
        self._counted = documents.hits, documents.misses, documents.plan_executions
        self._counted_reasons = dict(documents.fallbacks)

    def follow_pool(self, engine: AsyncEngine) -> None:
        """Follow how many of an engine's connections are in use."""
        pool = engine.pool
        if not isinstance(pool, QueuePool):
            return

        # Asked of the pool each time, not counted along: a connection that breaks is given back without being taken.
        def taken(*_: object) -> None:
            self._checked_out.set(pool.checkedout())

        def given_back(*_: object) -> None:
            self._checked_out.set(pool.checkedout() - 1)  # it is told just before it is so

        event.listen(engine.sync_engine, "checkout", taken)
        event.listen(engine.sync_engine, "checkin", given_back)
        self._checked_out.set(pool.checkedout())
        self._pool_size.set(pool.size() + pool._max_overflow)  # noqa: SLF001 - it tells its size alone

    def page(self) -> tuple[bytes, str]:
        """Write all numbers as Prometheus reads them; give the text and its media type."""
        registry = self._registry
        if self._directory is not None:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call] # no types
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4

    def _name(self, facts: RequestInfo) -> str:
        if facts.operation_name in self._names:
            return facts.operation_name
        name = operation_name_of(facts)
        if name is None:
            return ANONYMOUS
        if name not in self._names:
            if len(self._names) >= MAX_OPERATION_NAMES:
                return OTHER
            self._names.add(name)
        return name

    def _count_documents(self) -> None:
        # Pushed, not asked for: the process that writes the page can't ask the others.
        documents = self._documents
        if documents is None:
            return
        now = documents.hits, documents.misses, documents.plan_executions
        if now != self._counted:
            for counter, number, before in zip(self._of_documents, now, self._counted, strict=True):
                if number != before:
                    counter.inc(number - before)
            self._counted = now
        if documents.fallbacks != self._counted_reasons:
            for reason, times in documents.fallbacks.items():
                if times != (before := self._counted_reasons.get(reason, 0)):
                    self._fell_back.labels(reason).inc(times - before)
                    self._counted_reasons[reason] = times


def remove_worker(directory: Path, pid: int) -> None:
    """Take the present state of a worker that has ended out of the sums; what it counted stays."""
    multiprocess.mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call] # no types


def _of_requests(registry: CollectorRegistry) -> tuple[Counter, Histogram, Histogram]:
    requests = _counter(
        registry,
        "requests",
        "Requests to the graph, by how they ended: ok, the code of the first error, or http_<status>.",
        "operation",
        "kind",
        "outcome",
    )
    seconds = Histogram(
        "benegraph_request_seconds",
        "How long requests to the graph took, until their answer could be sent.",
        ("operation", "kind"),
        buckets=_SECONDS,
        registry=registry,
    )
    cost = Histogram(
        "benegraph_request_cost", "What operations were reckoned to cost.", buckets=_COSTS, registry=registry
    )
    return requests, seconds, cost


def _counter(registry: CollectorRegistry, name: str, says: str, *labels: str) -> Counter:
    return Counter(f"benegraph_{name}_total", says, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"benegraph_{name}", says, labels, registry=registry, multiprocess_mode="livesum")
