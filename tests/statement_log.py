"""Recording everything that is sent to PostgreSQL: each entry is one round trip, including BEGIN and COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from benegraph.db.read_connection import ReadConnection
from benegraph.db.session import Database

#: Parts of the queries that a connection sends when it uses a type for the first time.
_TYPE_QUERIES = ("typeinfo_tree", "current_setting('jit')")


@asynccontextmanager
async def record_round_trips(database: Database) -> AsyncIterator[list[str]]:
    """Record everything that is sent while the context is open. One statement for many rows is one entry."""
    sent: list[str] = []
    observed: set[Any] = set()

    def record(logged: Any) -> None:
        if not any(part in logged.query for part in _TYPE_QUERIES):
            sent.append(logged.query)

    def observe(driver: Any) -> None:
        observed.add(driver)
        driver.add_query_logger(record)

    def on_checkout(adapter: Any, *_: Any) -> None:
        observe(adapter.driver_connection)

    def recorded_begin(connection: ReadConnection, *arguments: Any, **options: Any) -> Any:
        observe(connection.driver)  # the read pool may have checked it out before recording began
        return begin(connection, *arguments, **options)

    def recorded_fetch(connection: ReadConnection, statement: str, values: list[Any]) -> Any:
        sent.append(statement)  # a prepared statement, as below
        return fetch(connection, statement, values)

    def before_execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)  # the driver's query loggers don't see prepared statements

    event.listen(database.engine.sync_engine, "checkout", on_checkout)
    event.listen(database.engine.sync_engine, "before_cursor_execute", before_execute)
    begin, fetch = ReadConnection.begin, ReadConnection.fetch
    try:
        with (
            patch.object(ReadConnection, "begin", recorded_begin),
            patch.object(ReadConnection, "fetch", recorded_fetch),
        ):
            yield sent
        await asyncio.sleep(0)  # the driver calls its query loggers in the loop's next iteration
    finally:
        event.remove(database.engine.sync_engine, "checkout", on_checkout)
        event.remove(database.engine.sync_engine, "before_cursor_execute", before_execute)
        for driver in observed:
            driver.remove_query_logger(record)
