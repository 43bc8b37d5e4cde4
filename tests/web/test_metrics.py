"""Metrics: their values and labels, with bounded memory, in one process or several."""

import ast
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import strawberry
from api_client import ApiClient, running_api, status_and_codes
from captured_telemetry import parse_metrics, read_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus
from sqlalchemy import text
from strawberry.schema.config import StrawberryConfig

import benegraph
from benegraph import telemetry
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.domain.values import Clock
from benegraph.graphql.context import Info
from benegraph.settings import GatewayConfig, RateLimit
from benegraph.telemetry.metrics import MAX_OPERATION_NAMES, Metrics
from benegraph.telemetry.request_info import RequestInfo
from factories.access import administrator

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
QUERY = "query Whoami { viewer { role } }"
CREATE_EMPLOYER = 'mutation Hire { createEmployer(input: {name: "Acme", idempotencyKey: "k"}) { employer { name } } }'


@strawberry.type
class Gate:
    """Fields that let a test observe the gateway while it executes a request."""

    def __init__(self) -> None:
        self.is_reached = asyncio.Event()
        self.is_open = asyncio.Event()

    @strawberry.field
    async def wait(self, info: Info) -> bool:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("SELECT 1"))
            self.is_reached.set()
            await self.is_open.wait()
        return True

    @strawberry.field
    async def break_connection(self, info: Info) -> bool:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return True

    @strawberry.field
    async def fail_transaction(self, info: Info, state: str, times: int) -> bool:
        context, remaining = info.context, times

        async def change(tx: Transaction) -> None:
            nonlocal remaining
            remaining -= 1
            if remaining >= 0 and state == "reset":
                raise ConnectionResetError
            if remaining >= 0:
                await tx.session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"))

        await context.database.transact(context.viewer, context.clock, change)
        return True


@pytest.fixture
async def api(database: Database, clock: Clock) -> AsyncIterator[ApiClient]:
    async with running_api(database, clock) as api:
        yield api


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def gated_api(database_url: str, clock: Clock, gate: Gate) -> AsyncIterator[ApiClient]:
    query = strawberry.type(
        type("Query", (), {"__annotations__": {"gate": Gate}, "gate": strawberry.field(resolver=lambda: gate)})
    )
    schema = strawberry.Schema(query, config=StrawberryConfig())
    engine = create_engine(database_url, PoolSettings(size=3, overflow=4))
    async with running_api(Database(engine), clock, schema) as api:
        yield api
    await engine.dispose()


async def test_requests_are_counted_by_operation_and_outcome(api: ApiClient) -> None:
    for query in (QUERY, QUERY, "{ viewer { role } }", "query Broken { viewer { salary } }", "{", CREATE_EMPLOYER):
        await api.post(query)
    await api.post('query Seek { node(id: "no id") { id } }')
    await api.http.post("/graphql", json={"query": QUERY})
    await api.post_body(b"no JSON")
    await api.post_body(b"", Content_Type="text/plain")
    await api.http.put("/graphql")
    values = await read_metrics(api)
    counts = {name: value for name, value in values.items() if name.startswith("benegraph_requests_total")}
    assert counts == {
        "benegraph_requests_total{kind=query,operation=Whoami,outcome=ok}": 2,
        "benegraph_requests_total{kind=query,operation=anonymous,outcome=ok}": 1,
        "benegraph_requests_total{kind=mutation,operation=Hire,outcome=ok}": 1,
        "benegraph_requests_total{kind=query,operation=Seek,outcome=BAD_USER_INPUT}": 1,
        "benegraph_requests_total{kind=none,operation=anonymous,outcome=VALIDATION_FAILED}": 1,
        "benegraph_requests_total{kind=none,operation=anonymous,outcome=PARSE_FAILED}": 1,
        "benegraph_requests_total{kind=none,operation=anonymous,outcome=UNAUTHENTICATED}": 1,
        "benegraph_requests_total{kind=none,operation=anonymous,outcome=BAD_USER_INPUT}": 1,
        "benegraph_requests_total{kind=none,operation=anonymous,outcome=http_415}": 1,
        "benegraph_requests_total{kind=none,operation=anonymous,outcome=http_405}": 1,
    }


async def test_requests_to_other_paths_are_not_counted(api: ApiClient) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/nowhere"):
        await api.http.get(path)
    assert not [name for name in await read_metrics(api) if name.startswith("benegraph_requests_total")]


async def test_latency_and_cost_are_measured(api: ApiClient) -> None:
    await api.post(QUERY)
    await api.post("query People { employees(first: 50) { nodes { id } } }")
    await api.post("{")
    values = await read_metrics(api)
    assert values["benegraph_request_seconds_count{kind=query,operation=Whoami}"] == 1
    assert 0 < values["benegraph_request_seconds_sum{kind=query,operation=Whoami}"] < 10
    assert values["benegraph_request_seconds_bucket{kind=query,le=10.0,operation=Whoami}"] == 1
    assert values["benegraph_request_cost_count"] == 2
    assert values["benegraph_request_cost_sum"] >= 50
    assert values["benegraph_request_cost_bucket{le=1.0}"] == 1


async def test_replays_documents_and_throttling_are_counted(database: Database, clock: Clock) -> None:
    async with running_api(
        database, clock, config=GatewayConfig(rate_limit=RateLimit(burst=10_000, per_second=0.001))
    ) as api:
        for query in (CREATE_EMPLOYER, CREATE_EMPLOYER, QUERY):
            assert await status_and_codes(await api.post(query)) == (200, [])
        before = await read_metrics(api)
        many = "query Many { employers(first: 100) { nodes { employees(first: 90) { nodes { id } } } } }"
        assert await status_and_codes(await api.post(many)) == (200, [])
        assert await status_and_codes(await api.post(many)) == (429, ["THROTTLED"])
        after = await read_metrics(api)
    assert before["benegraph_idempotent_replays_total{operation=Hire}"] == 1
    assert (before["benegraph_documents_total{result=hit}"], before["benegraph_documents_total{result=miss}"]) == (1, 2)
    assert (after["benegraph_documents_total{result=hit}"], after["benegraph_documents_total{result=miss}"]) == (2, 3)
    assert (before["benegraph_throttled_total"], after["benegraph_throttled_total"]) == (0, 1)
    assert after["benegraph_requests_total{kind=query,operation=Many,outcome=THROTTLED}"] == 1


async def test_executions_by_plan_and_fallbacks_are_counted(api: ApiClient, gated_api: ApiClient) -> None:
    for query in (
        QUERY,
        CREATE_EMPLOYER,
        CREATE_EMPLOYER,
        "{ __schema { queryType { name } } }",
        "{",
        "{ viewer { salary } }",
    ):
        await api.post(query)
    values = await read_metrics(api)
    assert values["benegraph_operations_answered_by_plan_total"] == 3
    assert fallbacks(values) == {"introspection": 1}
    for _ in range(2):
        assert await status_and_codes(await gated_api.post("{ gate { breakConnection } }")) == (200, ["INTERNAL"])
    values = await read_metrics(gated_api)
    assert values["benegraph_operations_answered_by_plan_total"] == 0
    assert fallbacks(values) == {"resolver": 2}


async def test_uses_of_deprecated_elements_are_counted(api: ApiClient) -> None:
    deprecated, current = "{ tenantSettings { autoPaidThrough } }", "{ viewer { tenantSettings { autoPaidThrough } } }"
    for query in (deprecated, current, f"# again\n{deprecated}", deprecated):
        assert await status_and_codes(await api.post(query)) == (200, [])
    values = await read_metrics(api)
    uses = {name: count for name, count in values.items() if name.startswith("benegraph_deprecated_uses_total")}
    assert uses == {"benegraph_deprecated_uses_total{element=Query.tenantSettings}": 3}


async def test_strawberry_executor_counts_no_fallbacks(database: Database, clock: Clock) -> None:
    async with running_api(database, clock, config=GatewayConfig(executor="strawberry")) as api:
        assert await status_and_codes(await api.post(QUERY)) == (200, [])
        values = await read_metrics(api)
    assert values["benegraph_operations_answered_by_plan_total"] == 0
    assert fallbacks(values) == {}


def test_fallback_reasons_are_constants() -> None:
    reasons = [
        node.args
        for path in Path(benegraph.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "UnsupportedOperation"
    ]
    assert len(reasons) > 5
    for reason in reasons:
        match reason:
            case [ast.Constant(value=str(word))]:
                assert re.fullmatch("[a-z]+", word)
            case _:
                pytest.fail(f"{ast.unparse(reason[0])} is not a constant")


async def test_requests_in_flight_are_reported(gated_api: ApiClient, gate: Gate) -> None:
    tasks = [asyncio.ensure_future(gated_api.post("{ gate { wait } }")) for _ in range(2)]
    await gate.is_reached.wait()
    await asyncio.sleep(0.2)
    during = await read_metrics(gated_api)
    gate.is_open.set()
    for task in tasks:
        assert await status_and_codes(await task) == (200, [])
    after = await read_metrics(gated_api)
    assert [values["benegraph_requests_in_flight"] for values in (during, after)] == [2, 0]
    assert [values["benegraph_database_connections{state=checked_out}"] for values in (during, after)] == [2, 0]
    assert during["benegraph_database_pool_size"] == 7


async def test_broken_connection_is_not_counted_as_checked_out(gated_api: ApiClient) -> None:
    for _ in range(5):
        status, codes = await status_and_codes(await gated_api.post("{ gate { breakConnection } }"))
        assert (status, len(codes)) == (200, 1)
    assert (await read_metrics(gated_api))["benegraph_database_connections{state=checked_out}"] == 0


@pytest.mark.parametrize(("state", "reason"), [("40001", "40001"), ("reset", "ConnectionResetError")])
async def test_retried_transactions_are_counted_by_reason(gated_api: ApiClient, state: str, reason: str) -> None:
    query = f'{{ gate {{ failTransaction(state: "{state}", times: 2) }} }}'
    assert await status_and_codes(await gated_api.post(query)) == (200, [])
    assert (await read_metrics(gated_api))[f"benegraph_transaction_retries_total{{reason={reason}}}"] == 2


async def test_last_attempt_is_not_counted_as_a_retry(database: Database, clock: Clock) -> None:
    reasons: list[str] = []
    recording_database = replace(database, on_retry=reasons.append)

    async def change(_tx: Transaction) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await recording_database.transact(administrator(), clock, change)
    assert reasons == ["ConnectionResetError"] * 5


async def test_metrics_page_contains_only_own_metrics(api: ApiClient) -> None:
    page = await (await api.http.get("/metrics")).text()
    assert all(name.startswith(("benegraph_", "process_")) for name in parse_metrics(page))
    assert "_created" not in page
    for method in ("POST", "HEAD"):
        assert (await api.http.request(method, "/metrics")).status == 405


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPENMETRICS),
        ("application/openmetrics-text; version=x", OPENMETRICS),
        ("Application/OpenMetrics-Text", OPENMETRICS),
        ("text/plain;version=0.0.4", PLAIN),
        ("*/*", PLAIN),
        (None, PLAIN),
    ],
)
async def test_clients_that_accept_openmetrics_receive_it(
    api: ApiClient, accept: str | None, content_type: str
) -> None:
    await api.post(QUERY)
    response = await api.http.get("/metrics", headers={"Accept": accept} if accept else {})
    page = await response.text()
    assert (response.status, response.headers["Content-Type"]) == (200, content_type)
    assert response.headers["Vary"] == "Accept"
    parse = parse_openmetrics if content_type == OPENMETRICS else parse_prometheus
    samples = {sample.name: sample.value for family in parse(page) for sample in family.samples}
    assert samples["benegraph_requests_total"] == samples["benegraph_build_info"] == 1
    assert page.endswith("# EOF\n") is (content_type == OPENMETRICS)


async def test_build_info_names_versions_and_executor(database: Database, clock: Clock) -> None:
    for executor in ("compiled", "strawberry"):
        async with running_api(database, clock, config=GatewayConfig(executor=executor)) as api:
            values = await read_metrics(api)
        (name,) = (name for name in values if name.startswith("benegraph_build_info"))
        python = platform.python_version()
        assert name == f"benegraph_build_info{{executor={executor},python={python},version={version('benegraph')}}}"
        assert values[name] == 1


def fallbacks(values: dict[str, float]) -> dict[str, float]:
    reasons = (re.fullmatch(r"benegraph_operations_fell_back_total\{reason=(\w+)\}", name) for name in values)
    return {reason[1]: values[reason[0]] for reason in reasons if reason is not None}


def record(metrics: Metrics, *operations: str | None, **fields: Any) -> None:
    for operation in operations:
        metrics.record_request(
            RequestInfo(request_id="r", operation_name=operation, operation_type="query", **fields), "ok", 0.01
        )


def render_and_parse(metrics: Metrics) -> dict[str, float]:
    return parse_metrics(metrics.render()[0].decode())


def test_number_of_operation_names_is_limited() -> None:
    metrics = telemetry.create_metrics()
    record(metrics, "Known")
    record(metrics, *(f"First{n}" for n in range(10 * MAX_OPERATION_NAMES)))
    size = len(metrics.render()[0])
    record(metrics, "Known", *(f"Other{n}" for n in range(10 * MAX_OPERATION_NAMES)))
    counts = {
        name: value for name, value in render_and_parse(metrics).items() if name.startswith("benegraph_requests_total")
    }
    assert len(counts) == MAX_OPERATION_NAMES + 1
    assert counts["benegraph_requests_total{kind=query,operation=Known,outcome=ok}"] == 2
    assert counts["benegraph_requests_total{kind=query,operation=other,outcome=ok}"] == 19 * MAX_OPERATION_NAMES + 1
    assert len(metrics.render()[0]) - size < 100  # only the digits of the counts grow


@pytest.mark.parametrize("name", [None, ""])
def test_missing_operation_name_is_anonymous(name: str | None) -> None:
    metrics = telemetry.create_metrics()
    record(metrics, name)
    assert render_and_parse(metrics)["benegraph_requests_total{kind=query,operation=anonymous,outcome=ok}"] == 1


@pytest.mark.parametrize("name", ["", "a b", 'a"', "ä", "x\n", "Unknown"])
async def test_name_that_is_no_operation_of_the_document_is_anonymous(api: ApiClient, name: str) -> None:
    await api.post_body(json.dumps({"query": QUERY, "operationName": name}).encode())
    counts = {name: value for name, value in (await read_metrics(api)).items() if "benegraph_requests_total" in name}
    assert counts == {"benegraph_requests_total{kind=none,operation=anonymous,outcome=BAD_USER_INPUT}": 1}


def test_each_application_has_its_own_metrics() -> None:
    one, other = telemetry.create_metrics(), telemetry.create_metrics()
    record(one, "Mine")
    assert "benegraph_requests_total{kind=query,operation=Mine,outcome=ok}" in render_and_parse(one)
    assert "benegraph_requests_total{kind=query,operation=Mine,outcome=ok}" not in render_and_parse(other)


def test_shared_directory_requires_the_environment_variable_before_import(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="PROMETHEUS_MULTIPROC_DIR"):
        telemetry.create_metrics(tmp_path)


WORKER = """
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from benegraph import telemetry
from benegraph.telemetry.request_info import RequestInfo
assert "prometheus_client" not in sys.modules
metrics = telemetry.create_metrics(Path(sys.argv[1]))
documents = SimpleNamespace(hits=1, misses=1, plan_executions=1, plan_fallbacks=Counter(resolver=1))
metrics.track_documents(documents)
documents.hits = documents.misses = documents.plan_executions = 4
documents.plan_fallbacks.update({"resolver": 3, sys.argv[2].lower(): 3})
metrics.start_request()
info = RequestInfo(request_id="r", operation_name=sys.argv[2], operation_type="query", cost=7, replayed=True)
metrics.record_request(info, "ok", 0.02)
metrics.record_retry("40001")
print("ready", flush=True)
for line in sys.stdin:
    sys.stdout.write(metrics.render()[0].decode() + "# EOF\\n")
    sys.stdout.flush()
"""


@contextmanager
def running_worker(directory: Path, operation: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}  # noqa: TID251 - the environment of a subprocess
    process = subprocess.Popen(  # noqa: S603 - a constant script
        [sys.executable, "-c", WORKER, str(directory), operation],
        env=environment | {"PROMETHEUS_MULTIPROC_DIR": str(directory)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def get_page(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("page\n")
    process.stdin.flush()
    return parse_metrics("".join(iter(process.stdout.readline, "# EOF\n")))


def without_processes(values: dict[str, float]) -> dict[str, float]:
    """Leave out the measurements of the processes, which change all the time."""
    return {name: value for name, value in values.items() if not name.startswith("process_")}


def test_each_worker_reports_all_workers_and_ended_ones_keep_their_counters(tmp_path: Path) -> None:
    with running_worker(tmp_path, "One") as one:
        with running_worker(tmp_path, "Two") as two:
            both = get_page(two)
            assert without_processes(get_page(one)) == without_processes(both)
        ended = get_page(one)
        telemetry.remove_worker(tmp_path, two.pid)
        removed = get_page(one)
    pids = [
        {name for name in values if name.startswith("process_start_time_seconds")} for values in (both, ended, removed)
    ]
    series = [f"process_start_time_seconds{{pid={process.pid}}}" for process in (one, two)]
    assert pids == [set(series), {series[0]}, {series[0]}]
    for values in (both, ended, removed):
        assert values["benegraph_requests_total{kind=query,operation=One,outcome=ok}"] == 1
        assert values["benegraph_requests_total{kind=query,operation=Two,outcome=ok}"] == 1
        assert values["benegraph_request_cost_sum"] == 14
        assert values["benegraph_transaction_retries_total{reason=40001}"] == 2
        assert values["benegraph_documents_total{result=hit}"] == 6
        assert values["benegraph_operations_answered_by_plan_total"] == 6
        assert fallbacks(values) == {"resolver": 6, "one": 3, "two": 3}
    assert [values["benegraph_requests_in_flight"] for values in (both, ended, removed)] == [2, 2, 1]
