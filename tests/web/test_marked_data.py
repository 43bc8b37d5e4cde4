"""Marked data goes in by every way there is; none of it comes out in a log, on the metrics' page or in a span.

Each way tells what it was answered, so that it is known to have got as far as it should.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import marked
import pytest
import strawberry
from broken import GRAPH
from calling import calling, schema
from issuing import providing
from marked import MARK, TRACES_OF_IT, Way
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from watching import Log, logging_to

from benegraph import telemetry
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import GatewayConfig
from benegraph.telemetry.traces import Traces, create_provider
from conftest import connect

INVALID, BAD = "VALIDATION_FAILED", "BAD_USER_INPUT"

Feed = Callable[[Way], Awaitable[None]]


@dataclass(frozen=True)
class Watched:
    """A gateway, and all that its engineers are told."""

    way: Way
    log: Log
    exporter: InMemorySpanExporter
    traces: Traces

    async def all_that_was_told(self) -> list[str]:
        response = await self.way.caller.client.get("/metrics")
        await self.traces.close()
        spans = [span.to_json() for span in self.exporter.get_finished_spans()]
        return [self.log.json.getvalue(), self.log.text.getvalue(), await response.text(), "\n".join(spans)]


@asynccontextmanager
async def watching(owner_url: str, database_url: str, graph: strawberry.Schema) -> AsyncIterator[Watched]:
    engine = create_engine(database_url, PoolSettings(statement_timeout=0.3))
    exporter = InMemorySpanExporter()
    traces = Traces(create_provider(exporter))
    owner = await connect(owner_url)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)  # for it to tell of all that takes more than a moment
    loop.slow_callback_duration = 0.001
    telemetry.log_task_errors(loop)
    async with providing() as provider:
        config = GatewayConfig(
            Limits(query_seconds=0.6), issuer=provider.issuer, key_cache_seconds=0
        )  # keys are broken, too
        with logging_to("DEBUG") as log:
            async with calling(
                Database(engine), Clock.at(datetime.now(UTC)), graph, traces=traces, config=config
            ) as caller:
                yield Watched(Way(caller, owner, provider), log, exporter, traces)
    await owner.close()
    await engine.dispose()


#: Some of what is answered, which shows how far what was fed got.
WAYS: dict[Feed, set[Any]] = {
    marked.in_documents: {(200,), (200, INVALID), (200, "PARSE_FAILED"), (400, "TOO_COMPLEX")},
    marked.in_names_of_operations: {(200, BAD), (200, INVALID), (400, BAD), (405, BAD)},
    marked.in_names_of_documents: {(200, "PERSISTED_QUERY_NOT_FOUND"), (400, BAD)},
    marked.in_variables: {(200,), (200, BAD)},
    marked.in_ids_and_cursors: {(200, BAD)},
    marked.in_headers: {(200,), (401, "UNAUTHENTICATED"), (403, "FORBIDDEN"), (406, BAD), (415, BAD)},
    marked.in_paths: {200, (404, BAD), (405, BAD)},
    marked.by_get: {(200,), (200, INVALID), (400, BAD), (405, BAD)},
    marked.in_bodies: {(400, BAD), (413, "TOO_COMPLEX"), (415, BAD)},
    marked.in_what_is_hardly_http: {400},
    marked.in_mutations: {(200,), (200, BAD)},
    marked.into_a_broken_database: {(200, "INTERNAL"), (500, "INTERNAL"), 503},
    marked.into_a_broken_graph: {(200,), (200, "INTERNAL"), (200, "TIMEOUT"), (503, "TIMEOUT")},
    marked.in_tokens: {(200,), (401, "UNAUTHENTICATED"), (403, "FORBIDDEN")},
}


@pytest.mark.parametrize("feed", WAYS, ids=lambda feed: feed.__name__)
async def test_nothing_that_is_marked_is_told(
    owner_url: str, database_url: str, capfd: pytest.CaptureFixture[str], feed: Feed
) -> None:
    graph = GRAPH if feed is marked.into_a_broken_graph else schema()
    async with watching(owner_url, database_url, graph) as watched:
        await feed(watched.way)
        told = await watched.all_that_was_told()
    assert WAYS[feed] <= set(watched.way.answers), watched.way.answers
    assert all(told)
    for each in (*told, *capfd.readouterr()):
        assert not [trace for trace in TRACES_OF_IT if trace in each]


async def test_what_engineers_are_told_is_all_searched_and_what_is_marked_would_be_found(
    owner_url: str, database_url: str
) -> None:
    async with watching(owner_url, database_url, schema()) as watched:
        # The one text of a client that is told: the name of an operation that was found valid.
        await watched.way.post(f"query {MARK} {{ viewer {{ role }} }}")
        told = await watched.all_that_was_told()
    assert [MARK in each for each in told] == [True] * 4
    messages = {(record["logger"], record["message"]) for record in watched.log.records}
    assert ("sqlalchemy.engine.Engine", "Row '…'") in messages
    assert any(logger == "asyncio" and message.startswith("Executing … took 0.") for logger, message in messages)
    with logging_to() as log:
        logging.getLogger("benegraph.planted").warning("Of %s", MARK)
    assert MARK in log.json.getvalue()
    assert MARK in log.text.getvalue()
