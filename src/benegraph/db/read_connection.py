"""A connection for reads, and the known state of its session: settings, rights, prepared statements."""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from benegraph.db.rights import Rights, set_rights_sql

#: How many prepared statements a connection keeps.
MAX_PREPARED_STATEMENTS = 256
#: Seconds that closing a connection, and thereby cancelling its statement, may take.
CLOSE_TIMEOUT = 2.0

# Reads must never write, regardless of their statement. Custom plans would be made anew for each execution, because
# keys arrive in arrays, and planning costs more than executing.
_SESSION_SETTINGS = "SET default_transaction_read_only = on; SET plan_cache_mode = force_generic_plan"
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "


@dataclass(slots=True, eq=False)
class ReadConnection:
    """A connection of the read pool; at any time it belongs to one snapshot, to one background task, or to the pool."""

    connection: AsyncConnection
    driver: Any
    #: Whether the server's session is this connection's alone, so that it can keep settings, rights and statements.
    owns_session: bool
    #: How many times the engine had been disposed when the connection was checked out.
    disposals: int
    #: When the connection was checked out of the engine's pool, by the event loop's clock.
    checked_out_at: float
    #: The rights that the session is known to have.
    rights: Rights | None = None
    #: Whether a statement is running, or has failed and left the connection in an unknown state.
    is_busy: bool = False
    has_session_settings: bool = False
    #: Whether the connection has been idle since the pool's last check.
    was_idle_at_check: bool = False
    statements: OrderedDict[str, Any] = field(default_factory=OrderedDict)

    async def begin(self, settings: str, rights: Rights, *, in_session: bool) -> None:
        """Begin a transaction with these rights; with `in_session`, set the rights of the session instead."""
        if self.owns_session and not self.has_session_settings:
            await self.driver.execute(_SESSION_SETTINGS)
            self.has_session_settings = True
        if not in_session:
            await self.driver.execute(_BEGIN + settings + set_rights_sql(rights))
        elif self.rights != rights:
            self.rights = None
            await self.driver.execute(set_rights_sql(rights, in_session=True))
            self.rights = rights

    async def fetch(self, text: str, values: list[Any]) -> list[asyncpg.Record]:
        """Execute a statement and return its rows; it is prepared at its first use."""
        # Preparing begins a transaction that the driver does not end, and that holds locks; only the next execution
        # ends it. If preparing or executing fails or is cancelled, the connection therefore stays busy.
        self.is_busy = True
        if not self.owns_session:
            prepared = await self.driver.prepare(text, name="")
        elif (prepared := self.statements.get(text)) is None:
            prepared = self.statements[text] = await self.driver.prepare(text)
            if len(self.statements) > MAX_PREPARED_STATEMENTS:
                self.statements.popitem(last=False)
        else:
            self.statements.move_to_end(text)
        rows: list[asyncpg.Record] = await prepared.fetch(*values)
        self.is_busy = False
        return rows

    async def end_transaction(self) -> None:
        """End the read-only transaction."""
        await self.driver.execute("COMMIT")

    async def reset(self) -> None:
        """Restore the session's settings as the engine's pool expects them."""
        if self.has_session_settings:
            await self.driver.execute("RESET ALL")

    async def cancel(self) -> None:
        """Close the connection so that the server cancels a running statement instead of executing it to its end."""
        await self.driver.close(timeout=CLOSE_TIMEOUT)

    def discard(self, error: Exception | None = None) -> None:
        """Close the connection at once and remove it from the engine's pool.

        `error` is the error that revealed the loss of the connection; it is passed to the engine's pool.
        """
        self.driver.terminate()
        with suppress(Exception):
            self.connection.sync_connection.invalidate(error)  # type: ignore[union-attr] # it is open

    def detach(self) -> None:
        """Close the connection after the engine's pool was disposed. Awaits nothing: SQLAlchemy may be the caller."""
        self.driver.terminate()
        with suppress(Exception):
            self.connection.sync_connection.detach()  # type: ignore[union-attr] # it is open
