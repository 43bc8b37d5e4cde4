"""A connection that is lent to readers, with what is known of its session: settings, rights, statements."""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from benegraph.db.rights import Rights, set_rights_sql

#: How many statements a connection keeps prepared.
MOST_STATEMENTS = 256
#: Seconds that calling off a statement may take.
FAREWELL = 2.0

# Reads never write, whoever sends what. Custom plans would be made anew each time, as keys come in arrays: that costs
# more than the reading.
_SET_UP = "SET default_transaction_read_only = on; SET plan_cache_mode = force_generic_plan"
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "


@dataclass(slots=True, eq=False)
class ReadConnection:
    """One alone has it at any time: a snapshot, a task that ends what was begun, or those that rest."""

    connection: AsyncConnection
    driver: Any
    #: Whether its session is ours, to keep settings, rights and statements in.
    owns_session: bool
    #: How many times the engine had been disposed of.
    disposals: int
    lent_at: float
    #: The rights that its session is known to have.
    rights: Rights | None = None
    #: Whether a statement is under way, or failed and has left who knows what.
    is_busy: bool = False
    is_set_up: bool = False
    has_rested: bool = False
    statements: OrderedDict[str, Any] = field(default_factory=OrderedDict)

    async def begin(self, settings: str, rights: Rights, *, in_session: bool) -> None:
        """Begin a transaction that has these rights; with `in_session`, have the session itself take them on."""
        if self.owns_session and not self.is_set_up:
            await self.driver.execute(_SET_UP)
            self.is_set_up = True
        if not in_session:
            await self.driver.execute(_BEGIN + settings + set_rights_sql(rights))
        elif self.rights != rights:
            self.rights = None
            await self.driver.execute(set_rights_sql(rights, in_session=True))
            self.rights = rights

    async def fetch(self, text: str, values: list[Any]) -> list[asyncpg.Record]:
        """Fetch the rows of a statement, which is prepared when it is met first."""
        # The driver prepares without ending what that begins, locks and all: only what is executed next does. What
        # fails or is cancelled before leaves it busy.
        self.is_busy = True
        if not self.owns_session:
            prepared = await self.driver.prepare(text, name="")
        elif (prepared := self.statements.get(text)) is None:
            prepared = self.statements[text] = await self.driver.prepare(text)
            if len(self.statements) > MOST_STATEMENTS:
                self.statements.popitem(last=False)
        else:
            self.statements.move_to_end(text)
        found: list[asyncpg.Record] = await prepared.fetch(*values)
        self.is_busy = False
        return found

    async def end(self) -> None:
        await self.driver.execute("COMMIT")

    async def reset(self) -> None:
        """Make its session as the pool gave it."""
        if self.is_set_up:
            await self.driver.execute("RESET ALL")

    async def call_off(self) -> None:
        """Close it so that its server learns of it, which would go on with a statement to its end."""
        await self.driver.close(timeout=FAREWELL)

    def discard(self, error: Exception | None = None) -> None:
        """Be rid of it at once; with the error by which it was found lost, for the pool to know of it."""
        self.driver.terminate()
        with suppress(Exception):
            self.connection.sync_connection.invalidate(error)  # type: ignore[union-attr] # it is open

    def detach(self) -> None:
        """Be rid of it after the pool that it came from. Nothing is awaited: this may run within SQLAlchemy."""
        self.driver.terminate()
        with suppress(Exception):
            self.connection.sync_connection.detach()  # type: ignore[union-attr] # it is open
