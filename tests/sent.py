"""What is sent to the server, whoever sends it: each entry is one turn, be it a statement, a BEGIN or a COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event

from benegraph.db.session import Database

#: What a connection asks for itself when it meets a kind of value for the first time.
_LEARNING = ("typeinfo_tree", "current_setting('jit')")


@asynccontextmanager
async def statements(database: Database) -> AsyncIterator[list[str]]:
    """Note everything that is sent; one for many rows counts once."""
    sent: list[str] = []
    heard: set[Any] = set()

    def note(logged: Any) -> None:
        if not any(word in logged.query for word in _LEARNING):
            sent.append(logged.query)

    def taken(adapter: Any, *_: Any) -> None:
        heard.add(adapter.driver_connection)
        adapter.driver_connection.add_query_logger(note)

    def prepared(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)  # the driver logs none of what SQLAlchemy has it prepare

    event.listen(database.engine.sync_engine, "checkout", taken)
    event.listen(database.engine.sync_engine, "before_cursor_execute", prepared)
    try:
        yield sent
        await asyncio.sleep(0)  # the driver tells of it in the loop's next turn
    finally:
        event.remove(database.engine.sync_engine, "checkout", taken)
        event.remove(database.engine.sync_engine, "before_cursor_execute", prepared)
        for driver in heard:
            driver.remove_query_logger(note)
