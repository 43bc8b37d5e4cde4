"""Readers: connections of the engine's pool, lent for reads alone, which fetch by prepared statements.

SQLAlchemy builds what they send, and is then left out of the way: its own execution costs several times the driver's.
"""

import asyncio
import math
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, Self

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from benegraph.db.engine import transaction_settings_sql
from benegraph.db.prepared_statements import PreparedStatement
from benegraph.db.read_connection import ReadConnection
from benegraph.db.rights import Rights, rights_of
from benegraph.domain.access import Viewer

#: How many of the pool's connections are left to those who write: two in five, and no more than four.
LEFT_TO_WRITERS = 4
#: Seconds from one look at who rests to the next: what nobody read with in between goes back to the pool.
IDLE = 10.0
#: Seconds after which even what is read with goes back, for the pool to make it anew when it is of age.
LONGEST = 1800.0


def share_of(size: int) -> int:
    """Give how many of a pool's connections reads may hold: at least one."""
    return max(1, size - min(LEFT_TO_WRITERS, math.ceil(size * 2 / 5)))


class ReadPool:
    """The connections that reads share."""

    def __init__(self, engine: AsyncEngine, *, pgbouncer: bool = False) -> None:
        """Read through an engine; `named` is false where PgBouncer stands between, which keeps no session for us."""
        self._engine = engine
        self._pgbouncer = pgbouncer
        self._settings = transaction_settings_sql(engine)
        pool = engine.pool
        self._most = share_of(pool.size()) if isinstance(pool, QueuePool) else 1
        self._wait = pool.timeout() if isinstance(pool, QueuePool) else 5.0
        #: How many are lent, or about to be: the place of one that is dropped is handed to who waits.
        self._lent = 0
        #: Those that rest. Nobody waits while there are any.
        self._idle: list[ReadConnection] = []
        #: Until when each waits, who came first in front.
        self._waiting: deque[tuple[float, asyncio.Future[ReadConnection | None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_look: asyncio.TimerHandle | None = None
        self._next_refusal: asyncio.TimerHandle | None = None
        self._disposals = 0
        event.listen(engine.sync_engine, "engine_disposed", self._forget)

    def snapshot(self, viewer: Viewer, *, single_statement: bool = False) -> "Snapshot":
        """Read as a viewer, all from one snapshot; with `alone`, one statement at most, which is a snapshot by itself.

        A transaction begins and takes on the viewer's rights in one turn, and nobody waits for its end. A statement
        alone needs none: the session itself takes on the rights, and keeps them for the next of the same viewer.
        Raises SQLAlchemy's TimeoutError, as its pool does, where all connections are lent and none comes back in time.
        """
        return Snapshot(
            self,
            rights_of(viewer),
            single_statement=single_statement,
            in_session=single_statement and not self._pgbouncer,
        )

    async def lend(self, rights: Rights, *, in_session: bool) -> ReadConnection:
        """Lend a connection that reads with these rights; one that turns out to be lost is passed over.

        This happens once: the pool and we then know of all others of its age.
        """
        for is_last in (False, True):
            lent = self._rested(rights) or await self._another()
            try:
                await lent.begin(self._settings, rights, in_session=in_session)
            except BaseException as error:
                if not self.drop(lent, error) or is_last:
                    raise
            else:
                return lent
        raise AssertionError("the last attempt returns or raises")

    def take_back(self, lent: ReadConnection) -> None:
        """Take back a connection on which nothing is open."""
        if lent.disposals != self._disposals or lent.driver.is_closed():
            self.drop(lent)
        else:
            self._hand(lent)

    def end(self, lent: ReadConnection) -> None:
        """End the transaction on a connection, for which nobody waits, and take it back."""
        self._start(lent, self._end(lent))

    def drop(self, lent: ReadConnection, error: BaseException | None = None) -> bool:
        """Close a connection of which it is not known in what state it is; tell whether it had been lost."""
        if not lent.driver.is_closed():
            self._start(lent, self._call_off(lent))
            return False
        if not isinstance(error, Exception):
            self._discard(lent)
            return False
        # Its server may have gone without a word, and then those that rested since don't know of it either.
        idle, self._idle = self._idle, []
        for each in (lent, *idle):
            self._discard(each, error)
        return True

    def _rested(self, rights: Rights) -> ReadConnection | None:
        """Take one that rests, if it may be one whose session has these rights."""
        idle = self._idle
        while idle:
            place = len(idle) - 1
            while place and idle[place].rights != rights:
                place -= 1
            lent = idle.pop(place if idle[place].rights == rights else -1)
            if not lent.driver.is_closed():
                return lent
            self._discard(lent)
        return None

    async def _another(self) -> ReadConnection:
        """Get another of the pool's, where there may be more; else wait for one that comes back."""
        if self._lent < self._most:
            self._lent += 1
        elif (handed := await self._handed()) is not None:
            return handed
        disposals = self._disposals
        try:
            connection = await self._engine.connect()
        except BaseException:
            self._hand(None)
            raise
        assert connection.sync_connection is not None, "it was opened"  # noqa: S101
        driver = connection.sync_connection.connection.driver_connection
        return ReadConnection(connection, driver, not self._pgbouncer, disposals, asyncio.get_running_loop().time())

    async def _handed(self) -> ReadConnection | None:
        """Wait to be handed a connection, or the place of one that was dropped."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[ReadConnection | None] = loop.create_future()
        until = loop.time() + self._wait
        self._waiting.append((until, waiting))
        if self._next_refusal is None:
            self._next_refusal = loop.call_at(until, self._refuse)
        try:
            return await waiting
        except BaseException:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                handed = waiting.result()  # just then
                if handed is None:
                    self._hand(None)
                else:
                    self.take_back(handed)
            raise

    def _refuse(self) -> None:
        """Refuse who waited long enough. One timer serves all, since all wait equally long: most wait for a moment."""
        loop = asyncio.get_running_loop()
        while self._waiting and (self._waiting[0][0] <= loop.time() or self._waiting[0][1].done()):
            _, waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(
                    NoConnectionLeft("All connections for reading are lent, and none came back in time.")
                )
        self._next_refusal = loop.call_at(self._waiting[0][0], self._refuse) if self._waiting else None

    def _hand(self, lent: ReadConnection | None) -> None:
        """Hand a connection, or the place of one, to who waits longest; else it rests, or the place is free."""
        while self._waiting:
            _, waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(lent)
                return
        if lent is None:
            self._lent -= 1
            return
        lent.has_rested = False
        self._idle.append(lent)
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(IDLE, self._look)

    def _look(self) -> None:
        """Give back what rests since the last look, or is lent for long."""
        loop = asyncio.get_running_loop()
        resting, self._idle, self._next_look = self._idle, [], None
        for lent in resting:
            if lent.has_rested or loop.time() - lent.lent_at >= LONGEST:
                self._start(lent, self._give_back(lent))
            else:
                lent.has_rested = True
                self._idle.append(lent)
        if self._idle:
            self._next_look = loop.call_later(IDLE, self._look)

    async def _end(self, lent: ReadConnection) -> None:
        await lent.end()
        self.take_back(lent)

    async def _call_off(self, lent: ReadConnection) -> None:
        await lent.call_off()
        self._discard(lent)

    async def _give_back(self, lent: ReadConnection) -> None:
        await lent.reset()
        if lent.disposals == self._disposals:
            await lent.connection.close()
            self._hand(None)
        else:
            self._discard(lent)

    def _start(self, lent: ReadConnection, work: Coroutine[Any, Any, None]) -> None:
        """Do what nobody waits for. Where it fails there was nothing to keep: the connection is dropped."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                self._discard(lent)
            elif (error := task.exception()) is not None:
                self.drop(lent, error)

        task.add_done_callback(ended)

    def _discard(self, lent: ReadConnection, error: Exception | None = None) -> None:
        lent.discard(error)
        self._hand(None)

    def _forget(self, _engine: Any) -> None:
        """Close what rests, as the engine is disposed of; what is lent is closed when it comes back."""
        idle, self._idle = self._idle, []
        self._lent -= len(idle)
        self._disposals += 1
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        # The next to wait may do so in another loop, where this timer never comes.
        if self._next_refusal is not None and all(waiting.done() for _, waiting in self._waiting):
            self._next_refusal.cancel()
            self._next_refusal = None
        for lent in idle:
            lent.detach()


class Snapshot:
    """One viewer's reads, all from the same moment, while the block lasts."""

    __slots__ = ("_in_session", "_is_over", "_lent", "_readers", "_rights", "_single_statement")

    def __init__(self, readers: ReadPool, rights: Rights, *, single_statement: bool, in_session: bool) -> None:
        self._readers = readers
        self._rights = rights
        self._single_statement = single_statement
        self._in_session = in_session
        self._is_over = False
        self._lent: ReadConnection | None = None

    async def __aenter__(self) -> Self:
        self._lent = await self._readers.lend(self._rights, in_session=self._in_session)
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool | None:
        # Who fetches on must not do so on what somebody else has by then.
        lent, self._lent = self._lent, None
        if lent is None:
            return None
        if error is not None or lent.is_busy:
            self._readers.drop(lent, error)
        elif self._in_session:
            self._readers.take_back(lent)
        else:
            self._readers.end(lent)
        return None

    async def fetch(self, statement: PreparedStatement, given: Mapping[str, Any]) -> list[asyncpg.Record]:
        """Fetch the rows of a statement. Raises RuntimeError when the snapshot is over."""
        values = statement.values(given)
        lent = self._lent
        if lent is None or self._is_over:
            raise RuntimeError("This snapshot is over.")
        self._is_over = self._single_statement
        try:
            return await lent.fetch(statement.text, values)
        except Exception as error:
            if not (self._single_statement and self._in_session and lent is self._lent and lent.driver.is_closed()):
                raise
            # It may have been lost while it rested, as nothing was sent on it since; and a read can be repeated.
            self._lent = None
            self._readers.drop(lent, error)
        async with Snapshot(self._readers, self._rights, single_statement=False, in_session=True) as again:
            return await again.fetch(statement, given)
