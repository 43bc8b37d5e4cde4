"""Client data never appears in logs, metrics or spans: requests contain marked data, which telemetry must not contain.

The results of the requests show that they reached the intended code.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import marked_requests
import pytest
import strawberry
from api_client import running_api, schema
from captured_telemetry import CapturedLogs, captured_logs
from failing_schema import FAILING_SCHEMA
from identity_provider import running_provider
from marked_requests import MARK, MARK_FORMS, MarkedClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from benegraph import telemetry
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import GatewayConfig
from benegraph.telemetry.traces import Traces, create_provider
from conftest import connect
from factories.keys import KEY_RING

INVALID, BAD = "VALIDATION_FAILED", "BAD_USER_INPUT"

SendMarked = Callable[[MarkedClient], Awaitable[None]]


@dataclass(frozen=True)
class ObservedGateway:
    """A gateway, and all its telemetry."""

    client: MarkedClient
    logs: CapturedLogs
    exporter: InMemorySpanExporter
    traces: Traces

    async def collect_telemetry(self) -> list[str]:
        pages = [
            await (await self.client.api.http.get("/metrics", headers={"Accept": media_type})).text()
            for media_type in ("text/plain", "application/openmetrics-text")
        ]
        await self.traces.close()
        spans = [span.to_json() for span in self.exporter.get_finished_spans()]
        logs = [page.getvalue() for page in (self.logs.json, self.logs.text, self.logs.ecs)]
        return [*logs, *pages, "\n".join(spans)]


@asynccontextmanager
async def observed_gateway(
    owner_url: str, database_url: str, graphql_schema: strawberry.Schema
) -> AsyncIterator[ObservedGateway]:
    engine = create_engine(database_url, PoolSettings(statement_timeout=0.3))
    exporter = InMemorySpanExporter()
    traces = Traces(create_provider(exporter))
    owner = await connect(owner_url)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)  # asyncio then logs every slow callback
    loop.slow_callback_duration = 0.001
    telemetry.log_task_errors(loop)
    async with running_provider() as provider:
        # Without a key cache, because a test breaks the table of keys.
        config = GatewayConfig(Limits(query_seconds=0.6), issuers=(provider.issuer,), key_cache_seconds=0)
        with captured_logs("DEBUG") as logs:
            async with running_api(
                Database(engine, key_ring=KEY_RING),
                Clock.at(datetime.now(UTC)),
                graphql_schema,
                traces=traces,
                config=config,
            ) as api:
                yield ObservedGateway(MarkedClient(api, owner, provider), logs, exporter, traces)
    await owner.close()
    await engine.dispose()


#: Results that each kind of request must have, among others.
EXPECTED_RESULTS: dict[SendMarked, set[Any]] = {
    marked_requests.in_documents: {(200,), (200, INVALID), (200, "PARSE_FAILED"), (400, "TOO_COMPLEX")},
    marked_requests.in_names_of_operations: {(200, BAD), (200, INVALID), (400, BAD), (405, BAD)},
    marked_requests.in_names_of_documents: {(200, "PERSISTED_QUERY_NOT_FOUND"), (400, BAD)},
    marked_requests.in_variables: {(200,), (200, BAD)},
    marked_requests.in_ids_and_cursors: {(200, BAD)},
    marked_requests.in_headers: {(200,), (401, "UNAUTHENTICATED"), (403, "FORBIDDEN"), (406, BAD), (415, BAD)},
    marked_requests.in_paths: {200, (404, BAD), (405, BAD)},
    marked_requests.by_get: {(200,), (200, INVALID), (400, BAD), (405, BAD)},
    marked_requests.in_bodies: {(400, BAD), (413, "TOO_COMPLEX"), (415, BAD)},
    marked_requests.in_invalid_http: {400},
    marked_requests.in_mutations: {(200,), (200, BAD)},
    marked_requests.in_personal_data: {(200,), (200, BAD)},
    marked_requests.into_a_broken_database: {(200, "INTERNAL"), (500, "INTERNAL"), 503},
    marked_requests.into_a_failing_schema: {(200,), (200, "INTERNAL"), (200, "TIMEOUT"), (503, "TIMEOUT")},
    marked_requests.in_tokens: {(200,), (401, "UNAUTHENTICATED"), (403, "FORBIDDEN")},
}


@pytest.mark.parametrize("send", EXPECTED_RESULTS, ids=lambda send: send.__name__)
async def test_marked_data_never_appears_in_telemetry(
    owner_url: str, database_url: str, capfd: pytest.CaptureFixture[str], send: SendMarked
) -> None:
    graphql_schema = FAILING_SCHEMA if send is marked_requests.into_a_failing_schema else schema()
    async with observed_gateway(owner_url, database_url, graphql_schema) as gateway:
        await send(gateway.client)
        telemetry_texts = await gateway.collect_telemetry()
    assert EXPECTED_RESULTS[send] <= set(gateway.client.results), gateway.client.results
    assert all(telemetry_texts)
    for text in (*telemetry_texts, *capfd.readouterr()):
        assert not [form for form in MARK_FORMS if form in text]


async def test_mark_would_be_found_in_all_telemetry(owner_url: str, database_url: str) -> None:
    async with observed_gateway(owner_url, database_url, schema()) as gateway:
        # The only client text that telemetry contains: the name of a valid operation.
        await gateway.client.post(f"query {MARK} {{ viewer {{ role }} }}")
        telemetry_texts = await gateway.collect_telemetry()
    assert [MARK in text for text in telemetry_texts] == [True] * 6
    messages = {(record["logger"], record["message"]) for record in gateway.logs.records}
    assert ("sqlalchemy.engine.Engine", "Row '…'") in messages
    assert any(logger == "asyncio" and message.startswith("Executing … took 0.") for logger, message in messages)
    with captured_logs() as logs:
        logging.getLogger("benegraph.test").warning("Of %s", MARK)
    assert MARK in logs.json.getvalue()
    assert MARK in logs.text.getvalue()
    assert MARK in logs.ecs.getvalue()
