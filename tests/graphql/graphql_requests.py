"""Run GraphQL operations as a viewer, without HTTP. Shared by the tests of queries and mutations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.types import ExecutionResult

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import RequestError
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.schema import build_schema

SCHEMA = build_schema()
# Tests send the same document as many viewers, so each document is parsed and validated once.
SCHEMA.extensions = (ParserCache, ValidationCache)


async def execute(database: Database, clock: Clock, viewer: Viewer, query: str, **variables: Any) -> ExecutionResult:
    context = Context(database, viewer, clock, "request")
    result = await SCHEMA.execute(query, variable_values=variables, context_value=context)
    assert isinstance(result, ExecutionResult)
    return result


async def fetch_data(database: Database, clock: Clock, viewer: Viewer, query: str, **variables: Any) -> dict[str, Any]:
    """Execute an operation that must succeed, and return its data."""
    result = await execute(database, clock, viewer, query, **variables)
    assert result.errors is None, result.errors
    assert result.data is not None
    return result.data


async def fetch_error(database: Database, clock: Clock, viewer: Viewer, query: str, **variables: Any) -> RequestError:
    """Execute an operation that must fail with exactly one error, and return the error that caused it."""
    result = await execute(database, clock, viewer, query, **variables)
    assert result.errors is not None
    (error,) = result.errors
    assert isinstance(error.original_error, RequestError), error.original_error
    return error.original_error


@contextmanager
def record_statements(database: Database) -> Iterator[list[str]]:
    """Record every SQL statement that is sent, except those that set the viewer's settings."""
    recorded: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "set_config" not in statement:
            recorded.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", record)
    try:
        yield recorded
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", record)
