"""The outcome of a transaction whose connection was lost at its COMMIT."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from benegraph.db.engine import create_engine, pool_settings
from benegraph.db.models import Event
from benegraph.db.rights import Rights, set_rights_sql
from benegraph.db.transient_errors import is_transient
from benegraph.domain.errors import OutcomeUnknown

#: How many transactions of a process look for their outcome at a time. The connections are not the pool's.
MAX_CONNECTIONS = 2
_PAUSE_SECONDS = 0.1
_LOCK_NOT_AVAILABLE = "55P03"
_FOREIGN_KEY_VIOLATION = "23503"


async def was_committed(
    engine: AsyncEngine, connections: asyncio.Semaphore, rights: Rights, event: Mapping[str, Any], seconds: float
) -> bool:
    """Return whether a transaction was committed, by an event that it inserted.

    `connections` bounds how many connections beside the pool are open. They can't wait for the pool, whose connections
    may all belong to transactions that wait in turn. Raises OutcomeUnknown if the database can't answer in time.
    """
    deadline = time.monotonic() + seconds
    async with connections:
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(remaining):
                    return await _is_event_taken(engine, rights, event)
            except Exception as error:
                if not (is_transient(error) or _is_lock_timeout(error)):
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
    raise OutcomeUnknown


async def _is_event_taken(engine: AsyncEngine, rights: Rights, event: Mapping[str, Any]) -> bool:
    """Return whether the event is in the database, after waiting for the end of the transaction that inserts it.

    The number of a transaction is no evidence: a server that restarts, or a standby that is promoted, can assign the
    number of a lost transaction again. An event's ID is random. The insert of a second event with it waits for the
    first transaction, as a query would not; it is always rolled back.
    """
    beside_pool = create_engine(engine.url, replace(pool_settings(engine), size=1, overflow=0))
    try:
        async with beside_pool.connect() as connection:
            await connection.exec_driver_sql(set_rights_sql(rights))
            values = {"tenant_id": rights[0], "created_at": event["occurred_at"], **event}
            try:
                inserted = await connection.execute(insert(Event).values(values).on_conflict_do_nothing())
            except IntegrityError as error:
                if getattr(error.orig, "sqlstate", None) != _FOREIGN_KEY_VIOLATION:
                    raise
                return False  # a row that the event refers to was lost with it
            return inserted.rowcount == 0
    finally:
        await beside_pool.dispose()


def _is_lock_timeout(error: BaseException) -> bool:
    return getattr(getattr(error, "orig", None), "sqlstate", None) == _LOCK_NOT_AVAILABLE
