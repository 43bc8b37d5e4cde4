"""Sessions: short reads, and transactions that are retried after transient errors. Only this module commits changes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.attributes import flag_modified

from benegraph.db.base import Versioned
from benegraph.db.commit_outcome import MAX_CONNECTIONS, was_committed
from benegraph.db.constraints import refusal_of
from benegraph.db.engine import transaction_settings_sql
from benegraph.db.query_scope import QueryScope
from benegraph.db.read_pool import ReadPool
from benegraph.db.rights import rights_of, set_rights_sql
from benegraph.db.transient_errors import describe_cause, is_rolled_back, is_transient
from benegraph.domain.access import Viewer
from benegraph.domain.encryption import KeyRing
from benegraph.domain.errors import BenegraphError, OutcomeUnknown
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import Clock

T = TypeVar("T")

_MAX_ATTEMPTS = 6
_MAX_PAUSE_SECONDS = 0.5

_SET_LOCAL_RIGHTS = text(
    "SELECT set_config('app.tenant', :tenant, true), set_config('app.employer', :employer, true),"
    " set_config('app.employee', :employee, true)"
)
OUTCOME_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A session on behalf of a viewer, at one instant. It must not be shared between tasks."""

    session: AsyncSession
    viewer: Viewer
    clock: Clock
    #: The viewer's limits and the instant, for statement builders.
    scope: QueryScope = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", QueryScope.of(self.viewer, self.clock))

    def today(self, time_zone: str) -> date:
        return self.clock.today(time_zone)


@dataclass(slots=True)
class CommitEvidence:
    """What a transaction wrote by which its outcome can be found."""

    #: The first event that it inserted.
    event: Mapping[str, Any] | None = None
    #: Whether it reserved an idempotency key, so that to run it again never applies it twice.
    has_idempotency_key: bool = False


@dataclass(frozen=True, slots=True)
class Transaction(ReadSession):
    """A transaction on behalf of a viewer."""

    #: The driver's connection, which the session uses too.
    driver: Any
    request_id: str | None = None
    #: The keys that encrypt values; None if the gateway has none.
    key_ring: KeyRing | None = None
    _counter: Iterator[int] = field(default_factory=count)
    #: By what the transaction's outcome can be found if its connection is lost at the COMMIT.
    evidence: CommitEvidence = field(default_factory=CommitEvidence)

    def new_id(self, kind: IdPrefix) -> str:
        """Create an ID that sorts after the IDs that this transaction created before."""
        return new_id(kind, self.clock.now, count=next(self._counter))

    def mark_changed(self, row: Versioned) -> None:
        """Record a change of the rows that belong to this row, so that its version increments."""
        row.updated_at = self.clock.now
        flag_modified(row, "updated_at")

    async def flush(self) -> None:
        """Send the session's changes so far, for a next statement that depends on them."""
        if self.session.in_transaction():  # otherwise the session has no changes
            await self.session.flush()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo the changes made in the context if it raises an error of benegraph or violates a constraint.

        The session then forgets its objects, which stay readable. The violation of a constraint that `refusal_of` knows
        is raised as its Refused.
        """
        await self.flush()
        first_event = self.evidence.event
        await self.driver.execute("SAVEPOINT item")
        try:
            yield
            await self.flush()
        except (BenegraphError, IntegrityError) as error:
            self.session.expunge_all()
            await self.session.rollback()  # ends the session's own bookkeeping; it sends nothing
            await self.driver.execute("ROLLBACK TO SAVEPOINT item")
            self.evidence.event = first_event
            if isinstance(error, IntegrityError) and (refusal := refusal_of(error)) is not None:
                raise refusal from None
            raise
        await self.driver.execute("RELEASE SAVEPOINT item")


class _LostAtCommit(BenegraphError):
    """The connection was lost during the COMMIT, which leaves the outcome open."""


class RolledBack(BenegraphError):
    """The server rolled back a transaction at its COMMIT, because a statement in it had failed."""


def _ignore_retry(_reason: str) -> None:
    """Do nothing; commands and most tests don't count retries."""


@dataclass(frozen=True, slots=True)
class Database:
    """The system of record: its engine, its sessions and transactions, and its pool of read connections."""

    engine: AsyncEngine
    #: Called before each retry of a transaction, with the reason: an SQLSTATE or the name of the error's class.
    on_retry: Callable[[str], None] = _ignore_retry
    #: Whether the engine connects through PgBouncer, which keeps neither sessions nor named prepared statements.
    pgbouncer: bool = False
    #: The keys that encrypt values in it; None if the process has none.
    key_ring: KeyRing | None = None
    #: Seconds within which the outcome of a transaction must be found whose connection was lost at its COMMIT.
    outcome_timeout: float = OUTCOME_TIMEOUT_SECONDS
    #: Connections that execute reads without SQLAlchemy.
    read_pool: ReadPool = field(init=False)
    _outcome_connections: asyncio.Semaphore = field(
        init=False, repr=False, default_factory=lambda: asyncio.Semaphore(MAX_CONNECTIONS)
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "read_pool", ReadPool(self.engine, pgbouncer=self.pgbouncer))

    @asynccontextmanager
    async def unscoped_session(self) -> AsyncIterator[AsyncSession]:
        """Open a session without a viewer. Row-level security shows it only the API key with the hash that it sets."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def read(self, viewer: Viewer, clock: Clock) -> AsyncIterator[ReadSession]:
        """Open a short read-only session scoped to the viewer."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            tenant, employer, employee = rights_of(viewer)
            rights = {"tenant": tenant, "employer": employer, "employee": employee}
            await session.execute(_SET_LOCAL_RIGHTS, rights)
            yield ReadSession(session, viewer, clock)

    async def transact(
        self,
        viewer: Viewer,
        clock: Clock,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> T:
        """Run `work` in one transaction and commit it; after a transient error, run all of it again.

        A dry run executes the same code and rolls back. The violation of a constraint that `refusal_of` knows is
        raised as its Refused. Errors of `work` are raised unchanged.
        """
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return await self._attempt(viewer, clock, work, request_id, dry_run=dry_run)
            except IntegrityError as error:
                if (refusal := refusal_of(error)) is None:
                    raise
                raise refusal from None
            except Exception as error:
                if attempt == _MAX_ATTEMPTS or not is_transient(error):
                    raise
                self.on_retry(describe_cause(error))
                await asyncio.sleep(_pause(attempt))
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self,
        viewer: Viewer,
        clock: Clock,
        work: Callable[[Transaction], Awaitable[T]],
        request_id: str | None,
        *,
        dry_run: bool,
    ) -> T:
        try:
            async with self._begin(viewer, clock, request_id) as tx:
                result = await work(tx)
                await tx.flush()  # a dry run must meet the constraints too
                if dry_run:
                    await tx.driver.execute("ROLLBACK")
                else:
                    await _commit(tx.driver)
        except _LostAtCommit as lost:
            # The pool has its place back already. A retry without the outcome could apply the change twice.
            if await self._was_committed(tx):
                return result
            raise lost.__cause__ or lost from None
        return result

    @asynccontextmanager
    async def _begin(self, viewer: Viewer, clock: Clock, request_id: str | None) -> AsyncIterator[Transaction]:
        """Begin a transaction with the viewer's rights in one round trip; roll it back after an exception."""
        isolation = self.engine.sync_engine.get_execution_options().get("isolation_level")
        async with _exclusive_connection(self.engine) as (connection, driver):
            session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
            session.info["clock"] = clock
            try:
                rights_sql = set_rights_sql(rights_of(viewer))
                await driver.execute(f"{_begin_sql(isolation)}; {transaction_settings_sql(self.engine)}{rights_sql}")
                yield Transaction(session, viewer, clock, driver, request_id, self.key_ring)
            except _LostAtCommit as lost:
                await connection.invalidate(lost.__cause__)
                raise
            except Exception as error:
                await _roll_back(connection, driver, error)
                raise
            finally:
                if session.in_transaction():
                    await session.close()

    async def _was_committed(self, tx: Transaction) -> bool:
        """Return whether a transaction was committed whose connection was lost. Raises OutcomeUnknown."""
        event, rights = tx.evidence.event, rights_of(tx.viewer)
        if event is not None:
            return await was_committed(self.engine, self._outcome_connections, rights, event, self.outcome_timeout)
        if tx.evidence.has_idempotency_key:
            return False
        raise OutcomeUnknown


async def _commit(driver: Any) -> None:
    """Commit the transaction of a driver's connection.

    Raises _LostAtCommit if the connection is lost, with its error as the cause; and RolledBack if the server rolled
    back instead, which it reports without an error.
    """
    try:
        status = await driver.execute("COMMIT")
    except Exception as error:
        if is_rolled_back(error) or not is_transient(error):
            raise
        raise _LostAtCommit from error
    if status != "COMMIT":
        raise RolledBack(
            "A statement in the transaction had failed, and its error was ignored; the server rolled back."
        )


def _begin_sql(isolation: str | None) -> str:
    return "BEGIN" if isolation is None else f"BEGIN ISOLATION LEVEL {isolation}"


@asynccontextmanager
async def _exclusive_connection(engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, Any]]:
    """Check out a connection on which SQLAlchemy itself begins and ends no transaction; yield it with its driver's.

    It returns to the pool unless it is lost or the task is cancelled. After a cancellation a statement may still be
    running, so the connection is closed, which cancels the statement.
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
        closing = asyncio.ensure_future(connection.invalidate())
        while not closing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(closing)
        raise
    finally:
        if driver.is_closed():
            await connection.invalidate()
        if not connection.invalidated:
            adapter.autocommit = False
            await connection.close()


async def _roll_back(connection: AsyncConnection, driver: Any, error: Exception) -> None:
    """Roll back the open transaction; invalidate the connection if that fails."""
    try:
        if not driver.is_closed():
            await driver.execute("ROLLBACK")
            return
    except Exception as rollback_error:  # noqa: BLE001 - the caller raises the first error
        error = rollback_error
    await connection.invalidate(error)


def _pause(attempt: int) -> float:
    # Full jitter, so that two transactions that collided do not collide again.
    return secrets.SystemRandom().uniform(0, min(_MAX_PAUSE_SECONDS, 0.02 * 2**attempt))


@event.listens_for(Session, "before_flush")
def _increment_versions(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    # Each change of a row increments its version and sets its `updated_at`; done here, so that no service forgets it.
    clock: Clock | None = session.info.get("clock")
    for row in session.dirty:
        if clock is not None and hasattr(row, "version") and session.is_modified(row):
            row.version += 1
            row.updated_at = clock.now
