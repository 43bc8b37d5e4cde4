"""Metrics: what is counted, by names that can't fill the memory, in one process or several."""

import ast
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import strawberry
from calling import Caller, calling, told
from sqlalchemy import text
from strawberry.schema.config import StrawberryConfig
from watching import numbers, samples

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

QUERY = "query Whoami { viewer { role } }"
CREATE = 'mutation Hire { createEmployer(input: {name: "Acme", idempotencyKey: "k"}) { employer { name } } }'


@strawberry.type
class Gate:
    """Lets a test look at the gateway while it answers."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    @strawberry.field
    async def wait(self, info: Info) -> bool:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("SELECT 1"))
            self.reached.set()
            await self.opened.wait()
        return True

    @strawberry.field
    async def breaks(self, info: Info) -> bool:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return True

    @strawberry.field
    async def stumbles(self, info: Info, state: str, times: int) -> bool:
        context, left = info.context, times

        async def story(tx: Transaction) -> None:
            nonlocal left
            left -= 1
            if left >= 0 and state == "reset":
                raise ConnectionResetError
            if left >= 0:
                await tx.session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"))

        await context.database.transact(context.viewer, context.clock, story)
        return True


@pytest.fixture
async def caller(database: Database, clock: Clock) -> AsyncIterator[Caller]:
    async with calling(database, clock) as caller:
        yield caller


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def gated(database_url: str, clock: Clock, gate: Gate) -> AsyncIterator[Caller]:
    query = strawberry.type(
        type("Query", (), {"__annotations__": {"gate": Gate}, "gate": strawberry.field(resolver=lambda: gate)})
    )
    graph = strawberry.Schema(query, config=StrawberryConfig())
    engine = create_engine(database_url, PoolSettings(size=3, overflow=4))
    async with calling(Database(engine), clock, graph) as caller:
        yield caller
    await engine.dispose()


async def test_requests_are_counted_by_operation_and_outcome(caller: Caller) -> None:
    for query in (QUERY, QUERY, "{ viewer { role } }", "query Broken { viewer { salary } }", "{", CREATE):
        await caller.post(query)
    await caller.post('query Seek { node(id: "no id") { id } }')
    await caller.client.post("/graphql", json={"query": QUERY})
    await caller.send(b"no JSON")
    await caller.send(b"", Content_Type="text/plain")
    await caller.client.put("/graphql")
    told = await numbers(caller)
    counted = {name: value for name, value in told.items() if name.startswith("benegraph_requests_total")}
    assert counted == {
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


async def test_what_is_no_request_to_the_graph_is_not_counted(caller: Caller) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/nowhere"):
        await caller.client.get(path)
    assert not [name for name in await numbers(caller) if name.startswith("benegraph_requests_total")]


async def test_latency_and_cost_are_measured(caller: Caller) -> None:
    await caller.post(QUERY)
    await caller.post("query People { employees(first: 50) { nodes { id } } }")
    await caller.post("{")
    told = await numbers(caller)
    assert told["benegraph_request_seconds_count{kind=query,operation=Whoami}"] == 1
    assert 0 < told["benegraph_request_seconds_sum{kind=query,operation=Whoami}"] < 10
    assert told["benegraph_request_seconds_bucket{kind=query,le=10.0,operation=Whoami}"] == 1
    assert told["benegraph_request_cost_count"] == 2
    assert told["benegraph_request_cost_sum"] >= 50
    assert told["benegraph_request_cost_bucket{le=1.0}"] == 1


async def test_replays_documents_and_throttling_are_counted(database: Database, clock: Clock) -> None:
    async with calling(
        database, clock, config=GatewayConfig(rate_limit=RateLimit(burst=10_000, per_second=0.001))
    ) as caller:
        for query in (CREATE, CREATE, QUERY):
            assert await told(await caller.post(query)) == (200, [])
        before = await numbers(caller)
        many = "query Many { employers(first: 100) { nodes { employees(first: 90) { nodes { id } } } } }"
        assert await told(await caller.post(many)) == (200, [])
        assert await told(await caller.post(many)) == (429, ["THROTTLED"])
        after = await numbers(caller)
    assert before["benegraph_idempotent_replays_total{operation=Hire}"] == 1
    assert (before["benegraph_documents_total{result=hit}"], before["benegraph_documents_total{result=miss}"]) == (1, 2)
    assert (after["benegraph_documents_total{result=hit}"], after["benegraph_documents_total{result=miss}"]) == (2, 3)
    assert (before["benegraph_throttled_total"], after["benegraph_throttled_total"]) == (0, 1)
    assert after["benegraph_requests_total{kind=query,operation=Many,outcome=THROTTLED}"] == 1


async def test_who_executed_is_counted_and_why_it_was_strawberry(caller: Caller, gated: Caller) -> None:
    for query in (QUERY, CREATE, CREATE, "{ __schema { queryType { name } } }", "{", "{ viewer { salary } }"):
        await caller.post(query)
    counted = await numbers(caller)
    assert counted["benegraph_operations_answered_by_plan_total"] == 3
    assert fell_back(counted) == {"introspection": 1}
    for _ in range(2):
        assert await told(await gated.post("{ gate { breaks } }")) == (200, ["INTERNAL"])
    counted = await numbers(gated)
    assert counted["benegraph_operations_answered_by_plan_total"] == 0
    assert fell_back(counted) == {"resolver": 2}


async def test_where_strawberry_alone_executes_nothing_falls_back(database: Database, clock: Clock) -> None:
    async with calling(database, clock, config=GatewayConfig(executor="strawberry")) as caller:
        assert await told(await caller.post(QUERY)) == (200, [])
        counted = await numbers(caller)
    assert counted["benegraph_operations_answered_by_plan_total"] == 0
    assert fell_back(counted) == {}


def test_the_reasons_are_words_of_ours_and_no_clients() -> None:
    given = [
        node.args
        for path in Path(benegraph.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Uncovered"
    ]
    assert len(given) > 5
    for reason in given:
        match reason:
            case [ast.Constant(value=str(word))]:
                assert re.fullmatch("[a-z]+", word)
            case _:
                pytest.fail(f"{ast.unparse(reason[0])} may be anything")


async def test_what_is_under_way_shows_while_it_is(gated: Caller, gate: Gate) -> None:
    asked = [asyncio.ensure_future(gated.post("{ gate { wait } }")) for _ in range(2)]
    await gate.reached.wait()
    await asyncio.sleep(0.2)
    during = await numbers(gated)
    gate.opened.set()
    for each in asked:
        assert await told(await each) == (200, [])
    after = await numbers(gated)
    assert [each["benegraph_requests_in_flight"] for each in (during, after)] == [2, 0]
    assert [each["benegraph_database_connections{state=checked_out}"] for each in (during, after)] == [2, 0]
    assert during["benegraph_database_pool_size"] == 7


async def test_a_connection_that_breaks_is_not_counted_for_ever(gated: Caller) -> None:
    for _ in range(5):
        status, codes = await told(await gated.post("{ gate { breaks } }"))
        assert (status, len(codes)) == (200, 1)
    assert (await numbers(gated))["benegraph_database_connections{state=checked_out}"] == 0


@pytest.mark.parametrize(("state", "reason"), [("40001", "40001"), ("reset", "ConnectionResetError")])
async def test_transactions_tried_again_are_counted_by_their_reason(gated: Caller, state: str, reason: str) -> None:
    query = f'{{ gate {{ stumbles(state: "{state}", times: 2) }} }}'
    assert await told(await gated.post(query)) == (200, [])
    assert (await numbers(gated))[f"benegraph_transaction_retries_total{{reason={reason}}}"] == 2


async def test_what_is_given_up_is_no_repetition(database: Database, clock: Clock) -> None:
    reasons: list[str] = []
    telling = replace(database, on_retry=reasons.append)

    async def story(_tx: Transaction) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await telling.transact(administrator(), clock, story)
    assert reasons == ["ConnectionResetError"] * 5


async def test_it_is_the_graphs_own_page(caller: Caller) -> None:
    page = await (await caller.client.get("/metrics")).text()
    assert all(name.startswith("benegraph_") for name in samples(page))
    assert "_created" not in page
    for method in ("POST", "HEAD"):
        assert (await caller.client.request(method, "/metrics")).status == 405


def fell_back(counted: dict[str, float]) -> dict[str, float]:
    reasons = (re.fullmatch(r"benegraph_operations_fell_back_total\{reason=(\w+)\}", name) for name in counted)
    return {reason[1]: counted[reason[0]] for reason in reasons if reason is not None}


def count(metrics: Metrics, *operations: str | None, **facts: Any) -> None:
    for operation in operations:
        metrics.record_request(
            RequestInfo(request_id="r", operation_name=operation, operation_type="query", **facts), "ok", 0.01
        )


def read(metrics: Metrics) -> dict[str, float]:
    return samples(metrics.render()[0].decode())


def test_a_client_that_makes_up_names_fills_no_memory() -> None:
    metrics = telemetry.create_metrics()
    count(metrics, "Known")
    count(metrics, *(f"Made{n}" for n in range(10 * MAX_OPERATION_NAMES)))
    size = len(metrics.render()[0])
    count(metrics, "Known", *(f"Other{n}" for n in range(10 * MAX_OPERATION_NAMES)))
    counted = {name: value for name, value in read(metrics).items() if name.startswith("benegraph_requests_total")}
    assert len(counted) == MAX_OPERATION_NAMES + 1
    assert counted["benegraph_requests_total{kind=query,operation=Known,outcome=ok}"] == 2
    assert counted["benegraph_requests_total{kind=query,operation=other,outcome=ok}"] == 19 * MAX_OPERATION_NAMES + 1
    assert len(metrics.render()[0]) - size < 100  # digits


@pytest.mark.parametrize("name", [None, "", "a b", 'a"', "ä", "x\n"])
def test_what_is_no_name_is_anonymous(name: str | None) -> None:
    metrics = telemetry.create_metrics()
    count(metrics, name)
    assert read(metrics)["benegraph_requests_total{kind=query,operation=anonymous,outcome=ok}"] == 1


def test_each_app_has_its_own_numbers() -> None:
    one, other = telemetry.create_metrics(), telemetry.create_metrics()
    count(one, "Mine")
    assert "benegraph_requests_total{kind=query,operation=Mine,outcome=ok}" in read(one)
    assert "benegraph_requests_total{kind=query,operation=Mine,outcome=ok}" not in read(other)


def test_what_several_processes_share_is_decided_before_anything_is_counted(tmp_path: Path) -> None:
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
documents = SimpleNamespace(hits=1, misses=1, plan_executions=1, fallbacks=Counter(resolver=1))
metrics.track_documents(documents)
documents.hits = documents.misses = documents.plan_executions = 4
documents.fallbacks.update({"resolver": 3, sys.argv[2].lower(): 3})
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
def worker(directory: Path, operation: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}  # noqa: TID251 - its own
    process = subprocess.Popen(  # noqa: S603 - our own words
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


def page_of(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("page\n")
    process.stdin.flush()
    return samples("".join(iter(process.stdout.readline, "# EOF\n")))


def test_any_of_several_workers_tells_of_all_and_of_the_dead_what_they_counted(tmp_path: Path) -> None:
    with worker(tmp_path, "One") as one:
        with worker(tmp_path, "Two") as two:
            both = page_of(two)
            assert page_of(one) == both
        left = page_of(one)
        telemetry.remove_worker(tmp_path, two.pid)
        forgotten = page_of(one)
    for each in (both, left, forgotten):
        assert each["benegraph_requests_total{kind=query,operation=One,outcome=ok}"] == 1
        assert each["benegraph_requests_total{kind=query,operation=Two,outcome=ok}"] == 1
        assert each["benegraph_request_cost_sum"] == 14
        assert each["benegraph_transaction_retries_total{reason=40001}"] == 2
        assert each["benegraph_documents_total{result=hit}"] == 6
        assert each["benegraph_operations_answered_by_plan_total"] == 6
        assert fell_back(each) == {"resolver": 6, "one": 3, "two": 3}
    assert [each["benegraph_requests_in_flight"] for each in (both, left, forgotten)] == [2, 2, 1]
