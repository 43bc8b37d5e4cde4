"""Readers: connections of the engine's pool, lent for reads alone, which fetch by prepared statements.

SQLAlchemy builds what they send, and is then left out of the way: its own execution costs several times the driver's.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from benegraph.db.rights import Rights, become, rights_of
from benegraph.domain.access import Viewer

if TYPE_CHECKING:
    from benegraph.db.statements import Prepared

#: How many of the pool's connections are left to those who write.
LEFT_TO_WRITERS = 4
#: Seconds after which connections that nobody reads with go back to the pool.
IDLE = 10.0
#: How many statements a connection keeps prepared.
MOST_STATEMENTS = 256

# Reads never write, whoever sends what. Custom plans would be made anew each time, as keys come in arrays: that costs
# more than the reading.
_LEND = "SET default_transaction_read_only = on; SET plan_cache_mode = force_generic_plan"
_GIVE_BACK = "RESET ALL"
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
_END = "COMMIT"


@dataclass(slots=True, eq=False)
class _Lent:
    """A connection that is lent, and whose rights its session has."""

    connection: AsyncConnection
    driver: Any
    rights: Rights | None = None
    statements: OrderedDict[str, Any] = field(default_factory=OrderedDict)


class Readers:
    """The connections that reads share."""

    def __init__(self, engine: AsyncEngine, *, named: bool = True) -> None:
        """Read through an engine; `named` is false where PgBouncer stands between, which keeps no session for us."""
        self._engine = engine
        self._named = named
        pool = engine.pool
        self._most = max(1, pool.size() - LEFT_TO_WRITERS) if isinstance(pool, QueuePool) else 1
        self._wait = pool.timeout() if isinstance(pool, QueuePool) else 5.0
        self._lent = 0
        self._idle: list[_Lent] = []
        self._waiting: deque[asyncio.Future[_Lent | None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._going_back: asyncio.TimerHandle | None = None
        event.listen(engine.sync_engine, "engine_disposed", self._forget)

    @asynccontextmanager
    async def snapshot(self, viewer: Viewer, *, alone: bool = False) -> AsyncIterator["Snapshot"]:
        """Read as a viewer, all from one snapshot; with `alone`, one statement at most, which is a snapshot by itself.

        A transaction begins and takes on the viewer's rights in one turn, and nobody waits for its end. A statement
        alone needs none: the session itself takes on the rights, and keeps them for the next of the same viewer.
        """
        rights = rights_of(viewer)
        in_session = alone and self._named
        lent = await self._take(rights)
        ended = False
        try:
            if not in_session:
                await lent.driver.execute(_BEGIN + become(rights))
            elif lent.rights != rights:
                lent.rights = None
                await lent.driver.execute(become(rights, in_session=True))
                lent.rights = rights
            yield Snapshot(lent, named=self._named)
            ended = True
        finally:
            if not ended:
                self._drop(lent)
            elif in_session:
                self._put(lent)
            else:
                self._start(self._end(lent))

    async def _take(self, rights: Rights) -> _Lent:
        while self._idle:
            place = next((n for n in range(len(self._idle) - 1, -1, -1) if self._idle[n].rights == rights), -1)
            lent = self._idle.pop(place)
            if not lent.driver.is_closed():
                return lent
            self._drop(lent)
        if self._lent < self._most:
            return await self._borrow()
        waiting: asyncio.Future[_Lent | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(self._wait):
                found = await waiting
        except BaseException:
            # It may have been handed over just then.
            if waiting.done() and not waiting.cancelled() and (handed := waiting.result()) is not None:
                self._put(handed)
            raise
        return found if found is not None else await self._take(rights)

    async def _borrow(self) -> _Lent:
        self._lent += 1
        connection: AsyncConnection | None = None
        try:
            connection = await self._engine.connect()
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(_LEND)
        except BaseException:
            self._lent -= 1
            if connection is not None:
                self._start(_discard(connection))
            self._wake()
            raise
        return _Lent(connection, driver)

    def _put(self, lent: _Lent) -> None:
        if lent.driver.is_closed():
            self._drop(lent)
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(lent)
                return
        self._idle.append(lent)
        if self._going_back is not None:
            return
        self._going_back = asyncio.get_running_loop().call_later(IDLE, self._give_back)

    def _drop(self, lent: _Lent) -> None:
        """Close a connection of which it is not known in what state it is."""
        self._lent -= 1
        lent.driver.terminate()
        self._start(_discard(lent.connection))
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)  # there is room for another connection
                return

    async def _end(self, lent: _Lent) -> None:
        try:
            await lent.driver.execute(_END)
        except Exception:  # noqa: BLE001 - there was nothing to keep: it is enough that nobody reads with it again
            self._drop(lent)
        else:
            self._put(lent)

    def _give_back(self) -> None:
        self._going_back = None
        idle, self._idle = self._idle, []
        self._lent -= len(idle)
        for lent in idle:
            self._start(_return(lent))

    def _forget(self, _engine: Any) -> None:
        """Close what is idle, as the engine is disposed of."""
        idle, self._idle = self._idle, []
        self._lent -= len(idle)
        if self._going_back is not None:
            self._going_back.cancel()
            self._going_back = None
        for lent in idle:
            lent.driver.terminate()
            with suppress(Exception):
                lent.connection.sync_connection.detach()  # type: ignore[union-attr]

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Snapshot:
    """One viewer's reads, all from the same moment."""

    __slots__ = ("_lent", "_named")

    def __init__(self, lent: _Lent, *, named: bool) -> None:
        self._lent = lent
        self._named = named

    async def fetch(self, statement: "Prepared", given: Mapping[str, Any]) -> list[asyncpg.Record]:
        """Fetch the rows of a statement."""
        values = statement.values(given)
        lent = self._lent
        if not self._named:
            rows: list[asyncpg.Record] = await lent.driver.fetch(statement.text, *values)
            return rows
        prepared = lent.statements.get(statement.text)
        if prepared is None:
            prepared = lent.statements[statement.text] = await lent.driver.prepare(statement.text)
            if len(lent.statements) > MOST_STATEMENTS:
                lent.statements.popitem(last=False)
        else:
            lent.statements.move_to_end(statement.text)
        found: list[asyncpg.Record] = await prepared.fetch(*values)
        return found


async def _return(lent: _Lent) -> None:
    try:
        await lent.driver.execute(_GIVE_BACK)
        await lent.connection.close()
    except Exception:  # noqa: BLE001 - it is lost, and the pool makes another
        await _discard(lent.connection)


async def _discard(connection: AsyncConnection) -> None:
    with suppress(Exception):
        await connection.invalidate()
    with suppress(Exception):
        await connection.close()
