"""Sessions: short reads, and transactions that are tried again when they fail for a passing reason. The only commit."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.attributes import flag_modified

from benegraph.db.base import Versioned
from benegraph.db.constraints import refusal_of
from benegraph.db.engine import transaction_settings_sql
from benegraph.db.query_scope import QueryScope
from benegraph.db.read_pool import ReadPool
from benegraph.db.rights import rights_of, set_rights_sql
from benegraph.domain.access import Viewer
from benegraph.domain.errors import BenegraphError
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import Clock

T = TypeVar("T")

# serialization failure, deadlock, the server going down or starting, too many connections
_PASSING = {"40001", "40P01", "57P01", "57P02", "57P03", "53300"}
_ATTEMPTS = 6
_LONGEST_PAUSE = 0.5

#: Tells the server's number of the transaction that a statement runs in; `Transaction.is_numbered` takes it.
XACT_ID_SQL = "pg_current_xact_id()::text"
_BECOME_READER = text(
    "SELECT set_config('app.tenant', :tenant, true), set_config('app.employer', :employer, true),"
    " set_config('app.employee', :employee, true)"
)
_OUTCOME = text("SELECT pg_xact_status(CAST(CAST(:number AS text) AS xid8))")


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A short read on behalf of a viewer, at one instant. Never shared between tasks."""

    session: AsyncSession
    viewer: Viewer
    clock: Clock
    #: The viewer's limits and the instant, as statement builders take them.
    scope: QueryScope = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", QueryScope.of(self.viewer, self.clock))

    def today(self, time_zone: str) -> date:
        return self.clock.today(time_zone)


@dataclass(frozen=True, slots=True)
class Transaction(ReadSession):
    """A transaction on behalf of a viewer: what it writes is there as a whole once it has ended, or not at all."""

    #: The driver's own connection, which the session's statements go through too.
    driver: Any
    request_id: str | None = None
    _counter: Iterator[int] = field(default_factory=count)
    _numbers: list[str] = field(default_factory=list)

    def new_id(self, kind: IdPrefix) -> str:
        """Make an id that sorts after those this transaction made before."""
        return new_id(kind, self.clock.now, count=next(self._counter))

    def mark_changed(self, row: Versioned) -> None:
        """Count a change of rows beneath this one as a change of it."""
        row.updated_at = self.clock.now
        flag_modified(row, "updated_at")

    async def flush(self) -> None:
        """Send the changes made so far, where the next statement depends on them."""
        if self.session.in_transaction():  # else nothing has happened in it
            await self.session.flush()

    def set_xact_id(self, number: str) -> None:
        """Learn the server's number of this transaction from a statement that tells it beside what it does."""
        self._numbers[:] = [number]

    async def xact_id(self) -> str:
        """Tell the server's number of this transaction, by which its outcome can be asked for."""
        if not self._numbers:
            self.set_xact_id(await self.driver.fetchval(f"SELECT {XACT_ID_SQL}"))
        return self._numbers[0]


class CommitOutcomeUnknown(BenegraphError):
    """Whether a transaction was committed can't be told. Never tried again: that could do it twice."""


class RolledBack(BenegraphError):
    """The server kept nothing of a transaction that was to be committed, as a statement in it had failed."""


def _tell_nobody(_reason: str) -> None:
    """Let a repetition pass unsaid: commands and tests count none."""


@dataclass(frozen=True, slots=True)
class Database:
    """The system of record, reached through one engine."""

    engine: AsyncEngine
    #: Told of each transaction that is tried again, and why: an SQLSTATE, or the kind of the error.
    on_retry: Callable[[str], None] = _tell_nobody
    #: Whether statements may be prepared under names, and sessions kept: not through PgBouncer.
    pgbouncer: bool = False
    #: Connections that reads share, past SQLAlchemy's own execution.
    read_pool: ReadPool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "read_pool", ReadPool(self.engine, pgbouncer=self.pgbouncer))

    @asynccontextmanager
    async def unscoped_session(self) -> AsyncIterator[AsyncSession]:
        """Open a session of nobody's, which sees no row but the keys whose hash it shows."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def read(self, viewer: Viewer, clock: Clock) -> AsyncIterator[ReadSession]:
        """Open a short read-only session scoped to the viewer."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            tenant, employer, employee = rights_of(viewer)
            given = {"tenant": tenant, "employer": employer, "employee": employee}
            await session.execute(_BECOME_READER, given)
            yield ReadSession(session, viewer, clock)

    async def transact(
        self,
        viewer: Viewer,
        clock: Clock,
        story: Callable[[Transaction], Awaitable[T]],
        *,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> T:
        """Run a story in one transaction, and the whole of it again where it failed for a passing reason.

        A dry run executes the same code and is rolled back. A violated named constraint becomes the refusal
        it stands for. Raises Refused, and whatever the story raises.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._once(viewer, clock, story, request_id, dry_run=dry_run)
            except IntegrityError as error:
                if (refusal := refusal_of(error)) is None:
                    raise
                raise refusal from None
            except Exception as error:
                if attempt == _ATTEMPTS or not is_transient(error):
                    raise
                self.on_retry(_reason(error))
                await asyncio.sleep(_pause(attempt))
        raise AssertionError("the last attempt returns or raises")

    async def _once(
        self,
        viewer: Viewer,
        clock: Clock,
        story: Callable[[Transaction], Awaitable[T]],
        request_id: str | None,
        *,
        dry_run: bool,
    ) -> T:
        async with self._begun(viewer, clock, request_id) as tx:
            result = await story(tx)
            await tx.flush()  # a rehearsal, too, meets the constraints
            if dry_run:
                await tx.driver.execute("ROLLBACK")
                return result
            number = await tx.xact_id()
            try:
                await commit(tx.driver)
            except Exception as error:
                # Lost here, a connection leaves open whether the change is there; trying again could do it twice.
                if not is_transient(error) or not await self._was_committed(number):
                    raise
            return result

    @asynccontextmanager
    async def _begun(self, viewer: Viewer, clock: Clock, request_id: str | None) -> AsyncIterator[Transaction]:
        """Begin a transaction as a viewer, in one turn; what the story leaves open is undone."""
        isolation = self.engine.sync_engine.get_execution_options().get("isolation_level")
        async with _taken(self.engine) as (connection, driver):
            session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
            session.info["clock"] = clock
            try:
                await driver.execute(
                    f"{_begin(isolation)}; {transaction_settings_sql(self.engine)}{set_rights_sql(rights_of(viewer))}"
                )
                yield Transaction(session, viewer, clock, driver, request_id)
            except Exception as error:
                await _undo(connection, driver, error)
                raise
            finally:
                if session.in_transaction():
                    await session.close()

    async def _was_committed(self, number: str) -> bool:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self.engine.connect() as connection:
                    outcome = (await connection.execute(_OUTCOME, {"number": number})).scalar_one()
            except Exception as error:
                if not is_transient(error):
                    raise
                outcome = None
            if outcome in ("committed", "aborted"):
                return bool(outcome == "committed")
            await asyncio.sleep(_pause(attempt) + 0.1)
        raise CommitOutcomeUnknown("The connection was lost at the commit, and the database could not be asked since.")


def is_transient(error: BaseException) -> bool:
    """Tell whether an error is one that goes away by trying again: a lost connection, a deadlock, a restart."""
    if isinstance(error, OSError | TimeoutError | asyncpg.PostgresConnectionError):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # that is a value no place takes, and never will
    if isinstance(error, asyncpg.InternalClientError):
        # The server has said that it ends the session, and the connection's end is not there yet.
        return "cannot switch to state" in str(error)
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in _PASSING
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) in _PASSING
        or "connection is closed" in str(error.orig)
    )


def _reason(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return getattr(cause, "sqlstate", None) or type(cause).__name__


async def commit(driver: Any) -> None:
    """Commit what the driver's connection has begun. Raises RolledBack, for which the server has no error."""
    if await driver.execute("COMMIT") != "COMMIT":
        raise RolledBack("A statement had failed, and its error was passed over.")


def _begin(isolation: str | None) -> str:
    return "BEGIN" if isolation is None else f"BEGIN ISOLATION LEVEL {isolation}"


@asynccontextmanager
async def _taken(engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, Any]]:
    """Take a connection, on which SQLAlchemy begins and ends nothing by itself, and the driver's own beneath it.

    It goes back to the pool unless it is lost, or was left in the midst of a statement, which is then called off.
    """
    pooled = await engine.raw_connection()
    adapter: Any = pooled.dbapi_connection
    driver: Any = pooled.driver_connection
    connection = AsyncConnection(engine, Connection(engine.sync_engine, pooled))
    adapter.autocommit = True
    try:
        yield connection, driver
    except Exception:
        raise
    except BaseException:
        calling_off = asyncio.ensure_future(connection.invalidate())
        while not calling_off.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(calling_off)
        raise
    finally:
        if driver.is_closed():
            await connection.invalidate()
        if not connection.invalidated:
            adapter.autocommit = False
            await connection.close()


async def _undo(connection: AsyncConnection, driver: Any, error: Exception) -> None:
    """Roll back what is open; a connection on which that can't be done is lost."""
    try:
        if not driver.is_closed():
            await driver.execute("ROLLBACK")
            return
    except Exception as another:  # noqa: BLE001 - the first is raised
        error = another
    await connection.invalidate(error)


def _pause(attempt: int) -> float:
    # Full jitter, so that two that met do not meet again.
    return secrets.SystemRandom().uniform(0, min(_LONGEST_PAUSE, 0.02 * 2**attempt))


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    # Every change of a row counts its version up and says when; here once, so that no service can forget it.
    clock: Clock | None = session.info.get("clock")
    for row in session.dirty:
        if clock is not None and hasattr(row, "version") and session.is_modified(row):
            row.version += 1
            row.updated_at = clock.now
