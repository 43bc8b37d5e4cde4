"""Sessions: short reads, and transactions that are tried again when they fail for a passing reason. The only commit."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.attributes import flag_modified

from benegraph.db.base import Versioned
from benegraph.db.constraints import refusal_of
from benegraph.domain.access import Viewer
from benegraph.domain.errors import BenegraphError
from benegraph.domain.ids import Kind, new_id
from benegraph.domain.values import Clock

T = TypeVar("T")

# serialization failure, deadlock, the server going down or starting, too many connections
_PASSING = {"40001", "40P01", "57P01", "57P02", "57P03", "53300"}
_ATTEMPTS = 6
_LONGEST_PAUSE = 0.5

_BECOME = (
    "SELECT set_config('app.tenant', :tenant, true), set_config('app.employer', :employer, true),"
    " set_config('app.employee', :employee, true)"
)
_BECOME_READER = text(_BECOME)
_BECOME_WRITER = text(f"{_BECOME}, pg_current_xact_id()::text AS number")
_OUTCOME = text("SELECT pg_xact_status(CAST(CAST(:number AS text) AS xid8))")


@dataclass(frozen=True, slots=True)
class Reading:
    """A short read on behalf of a viewer, at one instant. Never shared between tasks."""

    session: AsyncSession
    viewer: Viewer
    clock: Clock

    def today(self, time_zone: str) -> date:
        return self.clock.today(time_zone)


@dataclass(frozen=True, slots=True)
class Transaction(Reading):
    """A transaction on behalf of a viewer: what it writes is there as a whole once it has ended, or not at all."""

    request_id: str | None = None
    _counter: Iterator[int] = field(default_factory=count)

    def new_id(self, kind: Kind) -> str:
        """Make an id that sorts after those this transaction made before."""
        return new_id(kind, self.clock.now, count=next(self._counter))

    def touch(self, row: Versioned) -> None:
        """Count a change of rows beneath this one as a change of it."""
        row.updated_at = self.clock.now
        flag_modified(row, "updated_at")

    async def flush(self) -> None:
        """Send the changes made so far, where the next statement depends on them."""
        await self.session.flush()


class OutcomeUnknown(BenegraphError):
    """Whether a transaction was committed can't be told. Never tried again: that could do it twice."""


def _tell_nobody(_reason: str) -> None:
    """Let a repetition pass unsaid: commands and tests count none."""


@dataclass(frozen=True, slots=True)
class Database:
    """The system of record, reached through one engine."""

    engine: AsyncEngine
    #: Told of each transaction that is tried again, and why: an SQLSTATE, or the kind of the error.
    retried: Callable[[str], None] = _tell_nobody

    @asynccontextmanager
    async def at_the_door(self) -> AsyncIterator[AsyncSession]:
        """Open a session of nobody's, which sees no row but the keys whose hash it shows."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def read(self, viewer: Viewer, clock: Clock) -> AsyncIterator[Reading]:
        """Open a short read-only session scoped to the viewer."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            await session.execute(_BECOME_READER, _rights(viewer))
            yield Reading(session, viewer, clock)

    async def transact(
        self,
        viewer: Viewer,
        clock: Clock,
        story: Callable[[Transaction], Awaitable[T]],
        *,
        request_id: str | None = None,
        keep: bool = True,
    ) -> T:
        """Run a story in one transaction, and the whole of it again where it failed for a passing reason.

        With `keep` false the same code runs and all is rolled back. A violated named constraint becomes the refusal
        it stands for. Raises Refused, and whatever the story raises.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._once(viewer, clock, story, request_id, keep=keep)
            except IntegrityError as error:
                if (refusal := refusal_of(error)) is None:
                    raise
                raise refusal from None
            except Exception as error:
                if attempt == _ATTEMPTS or not is_passing(error):
                    raise
                self.retried(_reason(error))
                await asyncio.sleep(_pause(attempt))
        raise AssertionError("the last attempt returns or raises")

    async def _once(
        self,
        viewer: Viewer,
        clock: Clock,
        story: Callable[[Transaction], Awaitable[T]],
        request_id: str | None,
        *,
        keep: bool,
    ) -> T:
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            session.info["clock"] = clock
            number = (await session.execute(_BECOME_WRITER, _rights(viewer))).one().number
            result = await story(Transaction(session, viewer, clock, request_id))
            await session.flush()  # a rehearsal, too, meets the constraints
            if not keep:
                await session.rollback()
                return result
            try:
                await session.commit()
            except Exception as error:
                # Lost here, a connection leaves open whether the change is there; trying again could do it twice.
                if not is_passing(error) or not await self._was_committed(number):
                    raise
            return result

    async def _was_committed(self, number: str) -> bool:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self.engine.connect() as connection:
                    outcome = (await connection.execute(_OUTCOME, {"number": number})).scalar_one()
            except Exception as error:
                if not is_passing(error):
                    raise
                outcome = None
            if outcome in ("committed", "aborted"):
                return bool(outcome == "committed")
            await asyncio.sleep(_pause(attempt) + 0.1)
        raise OutcomeUnknown("The connection was lost at the commit, and the database could not be asked since.")


def is_passing(error: BaseException) -> bool:
    """Tell whether an error is one that goes away by trying again: a lost connection, a deadlock, a restart."""
    if isinstance(error, OSError | TimeoutError | asyncpg.PostgresConnectionError | asyncpg.InterfaceError):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) in _PASSING
        or "connection is closed" in str(error.orig)
    )


def _reason(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return getattr(cause, "sqlstate", None) or type(cause).__name__


def _rights(viewer: Viewer) -> dict[str, str]:
    # Row-level security reads these; they end with the transaction, so a pooled connection carries nobody's rights on.
    return {
        "tenant": viewer.tenant_id,
        "employer": viewer.employer_id or "",
        "employee": viewer.employee_id or "",
    }


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
