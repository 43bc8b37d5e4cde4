"""The read pool: connections of the engine's pool that execute only reads, by prepared statements.

SQLAlchemy builds the statements but does not execute them: its own execution costs several times the driver's.
"""

import asyncio
import math
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, Self

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from benegraph.db.engine import transaction_settings_sql
from benegraph.db.prepared_statements import PreparedStatement
from benegraph.db.read_connection import ReadConnection
from benegraph.db.rights import Rights, rights_of
from benegraph.domain.access import Viewer

#: How many of the engine's connections are kept free of compiled reads: two in five, and at most four.
MAX_WRITE_CONNECTIONS = 4
#: Seconds between two checks of the idle connections; one that was idle all the time returns to the engine's pool.
IDLE_CHECK_SECONDS = 10.0
#: Seconds after which a connection in use returns too, so that the engine's pool can renew it when it has aged.
MAX_CHECKOUT_SECONDS = 1800.0


def max_read_connections(pool_size: int) -> int:
    """Return how many connections of an engine's pool compiled reads may hold: at least one."""
    return max(1, pool_size - min(MAX_WRITE_CONNECTIONS, math.ceil(pool_size * 2 / 5)))


class ReadPool:
    """The connections that compiled plans share, checked out of the engine's pool for a while.

    Each connection is idle, in use by a snapshot, or in a background task that ends its transaction or closes it.
    """

    def __init__(self, engine: AsyncEngine, *, pgbouncer: bool = False) -> None:
        """Read through an engine; `pgbouncer` says that its connections keep no session between transactions."""
        self._engine = engine
        self._pgbouncer = pgbouncer
        self._settings = transaction_settings_sql(engine)
        pool = engine.pool
        self._max_connections = max_read_connections(pool.size()) if isinstance(pool, QueuePool) else 1
        self._timeout = pool.timeout() if isinstance(pool, QueuePool) else 5.0
        #: How many connections are checked out or about to be. A waiter may inherit the slot of a closed one.
        self._slots_in_use = 0
        #: The idle connections. While there are any, there are no waiters.
        self._idle: list[ReadConnection] = []
        #: The waiters for a connection, the first in front: the deadline of each, and the future of its connection.
        self._waiters: deque[tuple[float, asyncio.Future[ReadConnection | None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle_check: asyncio.TimerHandle | None = None
        self._timeout_check: asyncio.TimerHandle | None = None
        #: How many times the engine was disposed. A connection from before the last time is not used again.
        self._disposals = 0
        event.listen(engine.sync_engine, "engine_disposed", self._detach_idle)

    def snapshot(self, viewer: Viewer, *, single_statement: bool = False) -> "Snapshot":
        """Return a context in which all reads of a viewer see one snapshot of the data.

        A transaction begins and receives the viewer's rights in one round trip; it ends in the background. With
        `single_statement` at most one statement is executed, which is a snapshot by itself. It needs no transaction:
        the rights are set on the session, which keeps them for the next read of the same viewer.

        Entering the context raises SQLAlchemy's TimeoutError, like its own pool, if no connection becomes free in time.
        """
        in_session = single_statement and not self._pgbouncer
        return Snapshot(self, rights_of(viewer), single_statement=single_statement, in_session=in_session)

    async def acquire(self, rights: Rights, *, in_session: bool) -> ReadConnection:
        """Acquire a connection that reads with these rights, and replace it once if it turns out to be lost.

        Once is enough: after the first loss, both pools discard all other connections of its age.
        """
        for is_last in (False, True):
            connection = self._take_idle(rights) or await self._open_or_wait()
            try:
                await connection.begin(self._settings, rights, in_session=in_session)
            except BaseException as error:
                if not self.drop(connection, error) or is_last:
                    raise
            else:
                return connection
        raise AssertionError("the last attempt returns or raises")

    def release(self, connection: ReadConnection) -> None:
        """Take back a connection that has no open transaction."""
        if connection.disposals != self._disposals or connection.driver.is_closed():
            self.drop(connection)
        else:
            self._pass_on(connection)

    def end_and_release(self, connection: ReadConnection) -> None:
        """End the transaction of a connection in the background, and take the connection back."""
        self._start(connection, self._end_and_release(connection))

    def drop(self, connection: ReadConnection, error: BaseException | None = None) -> bool:
        """Close a connection in an unknown state; return whether the connection had already been lost."""
        if not connection.driver.is_closed():
            self._start(connection, self._cancel(connection))
            return False
        if not isinstance(error, Exception):
            self._discard(connection)
            return False
        # The server may have vanished without closing its sockets. Then the idle connections are lost unnoticed too.
        idle, self._idle = self._idle, []
        for lost in (connection, *idle):
            self._discard(lost, error)
        return True

    def _take_idle(self, rights: Rights) -> ReadConnection | None:
        """Return an idle connection, preferably one with these rights in its session already."""
        idle = self._idle
        while idle:
            index = len(idle) - 1
            while index and idle[index].rights != rights:
                index -= 1
            connection = idle.pop(index if idle[index].rights == rights else -1)
            if not connection.driver.is_closed():
                return connection
            self._discard(connection)
        return None

    async def _open_or_wait(self) -> ReadConnection:
        """Check out a connection of the engine's pool, or at the limit wait for a connection or its slot."""
        if self._slots_in_use < self._max_connections:
            self._slots_in_use += 1
        elif (received := await self._wait()) is not None:
            return received
        disposals = self._disposals
        try:
            connection = await self._engine.connect()
        except BaseException:
            self._pass_on(None)
            raise
        assert connection.sync_connection is not None, "it was opened"  # noqa: S101
        driver = connection.sync_connection.connection.driver_connection
        now = asyncio.get_running_loop().time()
        return ReadConnection(connection, driver, not self._pgbouncer, disposals, now)

    async def _wait(self) -> ReadConnection | None:
        """Wait for a released connection; None is the slot of a connection that was closed."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[ReadConnection | None] = loop.create_future()
        deadline = loop.time() + self._timeout
        self._waiters.append((deadline, waiter))
        if self._timeout_check is None:
            self._timeout_check = loop.call_at(deadline, self._time_out_waiters)
        try:
            return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # The wait was cancelled in the moment in which the waiter received something: pass it on.
                received = waiter.result()
                if received is None:
                    self._pass_on(None)
                else:
                    self.release(received)
            raise

    def _time_out_waiters(self) -> None:
        """Fail the waiters past their deadline.

        One timer serves all waiters, because all wait equally long, and most only for a moment.
        """
        loop = asyncio.get_running_loop()
        while self._waiters and (self._waiters[0][0] <= loop.time() or self._waiters[0][1].done()):
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(
                    PoolTimeoutError("All connections for reads are in use, and none became free in time.")
                )
        self._timeout_check = loop.call_at(self._waiters[0][0], self._time_out_waiters) if self._waiters else None

    def _pass_on(self, connection: ReadConnection | None) -> None:
        """Pass a connection to the first waiter, or keep it idle; None passes on or frees a slot."""
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is None:
            self._slots_in_use -= 1
            return
        connection.was_idle_at_check = False
        self._idle.append(connection)
        if self._idle_check is None:
            self._idle_check = asyncio.get_running_loop().call_later(IDLE_CHECK_SECONDS, self._check_idle)

    def _check_idle(self) -> None:
        """Return connections to the engine's pool that were idle since the last check, or checked out for too long."""
        loop = asyncio.get_running_loop()
        idle, self._idle, self._idle_check = self._idle, [], None
        for connection in idle:
            if connection.was_idle_at_check or loop.time() - connection.checked_out_at >= MAX_CHECKOUT_SECONDS:
                self._start(connection, self._return_to_engine(connection))
            else:
                connection.was_idle_at_check = True
                self._idle.append(connection)
        if self._idle:
            self._idle_check = loop.call_later(IDLE_CHECK_SECONDS, self._check_idle)

    async def _end_and_release(self, connection: ReadConnection) -> None:
        await connection.end_transaction()
        self.release(connection)

    async def _cancel(self, connection: ReadConnection) -> None:
        await connection.cancel()
        self._discard(connection)

    async def _return_to_engine(self, connection: ReadConnection) -> None:
        await connection.reset()
        if connection.disposals == self._disposals:
            await connection.connection.close()
            self._pass_on(None)
        else:
            self._discard(connection)

    def _start(self, connection: ReadConnection, work: Coroutine[Any, Any, None]) -> None:
        """Run work on a connection in the background; if it fails, drop the connection, which loses nothing."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def on_done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                self._discard(connection)
            elif (error := task.exception()) is not None:
                self.drop(connection, error)

        task.add_done_callback(on_done)

    def _discard(self, connection: ReadConnection, error: Exception | None = None) -> None:
        connection.discard(error)
        self._pass_on(None)

    def _detach_idle(self, _engine: Any) -> None:
        """Close the idle connections, because the engine is disposed; others are closed when they are released."""
        idle, self._idle = self._idle, []
        self._slots_in_use -= len(idle)
        self._disposals += 1
        if self._idle_check is not None:
            self._idle_check.cancel()
            self._idle_check = None
        # The next waiter may run in another event loop, in which this timer would never fire.
        if self._timeout_check is not None and all(waiter.done() for _, waiter in self._waiters):
            self._timeout_check.cancel()
            self._timeout_check = None
        for connection in idle:
            connection.detach()


class Snapshot:
    """One viewer's reads from one snapshot of the data, while the context is open."""

    __slots__ = ("_connection", "_in_session", "_is_over", "_pool", "_rights", "_single_statement")

    def __init__(self, pool: ReadPool, rights: Rights, *, single_statement: bool, in_session: bool) -> None:
        self._pool = pool
        self._rights = rights
        self._single_statement = single_statement
        self._in_session = in_session
        self._is_over = False
        self._connection: ReadConnection | None = None

    async def __aenter__(self) -> Self:
        self._connection = await self._pool.acquire(self._rights, in_session=self._in_session)
        return self

    async def __aexit__(self, _type: object, error: BaseException | None, _traceback: object) -> bool | None:
        # A later fetch must not use the connection, which may belong to another snapshot by then.
        connection, self._connection = self._connection, None
        if connection is None:
            return None
        if error is not None or connection.is_busy:
            self._pool.drop(connection, error)
        elif self._in_session:
            self._pool.release(connection)
        else:
            self._pool.end_and_release(connection)
        return None

    async def fetch(self, statement: PreparedStatement, parameters: Mapping[str, Any]) -> list[asyncpg.Record]:
        """Execute a statement and return its rows. Raises RuntimeError once the snapshot is over."""
        values = statement.values(parameters)
        connection = self._connection
        if connection is None or self._is_over:
            raise RuntimeError("This snapshot is over: its context has ended, or its single statement was executed.")
        self._is_over = self._single_statement
        try:
            return await connection.fetch(statement.text, values)
        except Exception as error:
            is_own = connection is self._connection
            if not (self._single_statement and self._in_session and is_own and connection.driver.is_closed()):
                raise
            # The connection may have been lost while it was idle, because nothing was sent on it since. A read can be
            # repeated.
            self._connection = None
            self._pool.drop(connection, error)
        async with Snapshot(self._pool, self._rights, single_statement=False, in_session=True) as retry:
            return await retry.fetch(statement, parameters)
