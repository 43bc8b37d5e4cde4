"""What is sent to the server, whoever sends it: each entry is one turn, be it a statement, a BEGIN or a COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from benegraph.db.read_connection import ReadConnection
from benegraph.db.session import Database

#: What a connection asks for itself when it meets a kind of value for the first time.
_LEARNING = ("typeinfo_tree", "current_setting('jit')")


@asynccontextmanager
async def record_statements(database: Database) -> AsyncIterator[list[str]]:
    """Note everything that is sent; one for many rows counts once."""
    sent: list[str] = []
    heard: set[Any] = set()

    def note(logged: Any) -> None:
        if not any(word in logged.query for word in _LEARNING):
            sent.append(logged.query)

    def hear(driver: Any) -> None:
        heard.add(driver)
        driver.add_query_logger(note)

    def taken(adapter: Any, *_: Any) -> None:
        hear(adapter.driver_connection)

    def begun(lent: ReadConnection, *arguments: Any, **options: Any) -> Any:
        hear(lent.driver)  # readers keep it, and may have done so since before we listened
        return begin(lent, *arguments, **options)

    def fetched(lent: ReadConnection, statement: str, values: list[Any]) -> Any:
        sent.append(statement)  # as below
        return fetch(lent, statement, values)

    def prepared(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)  # the driver logs none of what SQLAlchemy has it prepare

    event.listen(database.engine.sync_engine, "checkout", taken)
    event.listen(database.engine.sync_engine, "before_cursor_execute", prepared)
    begin, fetch = ReadConnection.begin, ReadConnection.fetch
    try:
        with patch.object(ReadConnection, "begin", begun), patch.object(ReadConnection, "fetch", fetched):
            yield sent
        await asyncio.sleep(0)  # the driver tells of it in the loop's next turn
    finally:
        event.remove(database.engine.sync_engine, "checkout", taken)
        event.remove(database.engine.sync_engine, "before_cursor_execute", prepared)
        for driver in heard:
            driver.remove_query_logger(note)
