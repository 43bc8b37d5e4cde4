"""The engine: how many connections, with which timeouts, and the check that they can't step over row-level security."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from benegraph.domain.errors import BenegraphError

OLDEST_SERVER = 150000


class UnfitDatabase(BenegraphError):
    """The database can't be served from: too old, not migrated, or the role is too mighty."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections one process holds, and how long things may take, in seconds."""

    size: int = 10
    overflow: int = 5
    wait: float = 5.0
    statement_timeout: float = 15.0
    lock_timeout: float = 5.0


def create_engine(url: str, pool: Pool | None = None) -> AsyncEngine:
    """Make an engine for a PostgreSQL URL of any common spelling; no connection is opened yet."""
    pool = pool or Pool()
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        hide_parameters=True,  # they are people's data, and errors get logged
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.wait,
        pool_recycle=1800,
        pool_use_lifo=True,
        connect_args={
            "timeout": 5,
            "command_timeout": pool.statement_timeout + 5,  # the server's own timeout should speak first
            "server_settings": {
                "application_name": "benegraph",
                "jit": "off",  # it costs more than it saves on statements this short
                "timezone": "UTC",
                "standard_conforming_strings": "on",
                "statement_timeout": str(int(pool.statement_timeout * 1000)),
                "lock_timeout": str(int(pool.lock_timeout * 1000)),
                "idle_in_transaction_session_timeout": "30000",
            },
        },
    )
    _pass_over_the_lost(engine)
    return engine


def _pass_over_the_lost(engine: AsyncEngine) -> None:
    """Have the pool give out no connection that is known to be lost, without asking the server each time.

    The driver sees a connection's end. Where one was lost unseen, as its server went without a word, so were those
    opened before it was found out.
    """
    losses = 0

    def opened(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["losses"] = losses

    def lost(_connection: Any, _record: ConnectionPoolEntry, error: BaseException | None) -> None:
        nonlocal losses
        # What was found out just now: no cancellation, and none that is passed over here.
        losses += isinstance(error, Exception) and not isinstance(error, DisconnectionError)

    def taken(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if connection.driver_connection.is_closed() or record.info["losses"] < losses:
            raise DisconnectionError

    event.listen(engine.sync_engine, "connect", opened)
    event.listen(engine.sync_engine, "invalidate", lost)
    event.listen(engine.sync_engine, "checkout", taken)


async def check_fit_to_serve(engine: AsyncEngine) -> None:
    """Refuse to serve on an old server, or as a role that could step over row-level security.

    Could: a superuser, one with BYPASSRLS, the owner of a table (who may switch its policies off), or one that may
    become such a role. Raises UnfitDatabase.
    """
    async with engine.connect() as connection:
        version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
        if version < OLDEST_SERVER:
            raise UnfitDatabase(f"PostgreSQL 15 or newer is needed; this server is {version // 10000}.")
        mighty = await connection.execute(
            text("""
                SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_roles r
                WHERE pg_has_role(session_user, r.oid, 'MEMBER')
                  AND (r.rolsuper OR r.rolbypassrls OR EXISTS (
                    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relowner = r.oid AND c.relkind = 'r' AND n.nspname = 'public' AND c.relrowsecurity))
            """)
        )
        if roles := mighty.scalar_one():
            raise UnfitDatabase(
                f"This role acts as one that could step over row-level security ({roles})."
                " Serve as a login of its own: CREATE ROLE gateway LOGIN PASSWORD '…' IN ROLE benegraph_app."
            )
