"""The engine: how many connections, with which timeouts, and the check that they can't step over row-level security."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from benegraph.domain.errors import BenegraphError

MIN_SERVER_VERSION = 150000
#: Has the driver and SQLAlchemy keep no statement in a session, where PgBouncer's next client would meet it.
UNNAMED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
#: The execution option of an engine that holds what `transaction_settings_sql` gives.
_AT_EACH_BEGIN = "transaction_settings_sql"


class UnfitDatabase(BenegraphError):
    """The database can't be served from: too old, not migrated, or the role is too mighty."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many connections one process holds, and how long things may take, in seconds."""

    size: int = 10
    overflow: int = 0
    wait: float = 5.0
    statement_timeout: float = 15.0
    lock_timeout: float = 5.0
    #: Whether PgBouncer stands between, which lends us a server's session for one transaction at a time.
    pgbouncer: bool = False


def create_engine(url: str, pool: PoolSettings | None = None) -> AsyncEngine:
    """Make an engine for a PostgreSQL URL of any common spelling; no connection is opened yet."""
    pool = pool or PoolSettings()
    of_session, of_transaction = _settings(pool)
    unnamed = UNNAMED if pool.pgbouncer else {}
    local = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in of_transaction.items())
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
            "server_settings": of_session,
            **unnamed,
        },
        execution_options={_AT_EACH_BEGIN: f"SELECT {local}"} if local else {},
    )
    _pass_over_the_lost(engine)
    if local:
        event.listen(engine.sync_engine, "begin", _set_again)
    return engine


def transaction_settings_sql(engine: AsyncEngine) -> str:
    """Write what is sent together with each BEGIN, behind PgBouncer: settings that no session keeps for us; else ''."""
    statement: str = engine.sync_engine.get_execution_options().get(_AT_EACH_BEGIN, "")
    return statement and f"{statement}; "


def _settings(pool: PoolSettings) -> tuple[dict[str, str], dict[str, str]]:
    """Give the server's settings that a connection begins with, and those that each transaction sets for itself."""
    known = {
        "application_name": "benegraph",
        "timezone": "UTC",
        "datestyle": "ISO",  # a role's or a database's own setting would else decide how a day is written as a text
        "standard_conforming_strings": "on",
    }
    others = {
        "jit": "off",  # it costs more than it saves on statements this short
        "statement_timeout": str(int(pool.statement_timeout * 1000)),
        "lock_timeout": str(int(pool.lock_timeout * 1000)),
        "idle_in_transaction_session_timeout": "30000",
    }
    # PgBouncer gives a client the first four in every session it lends, and lets nobody in who comes with another.
    return (known, others) if pool.pgbouncer else (known | others, {})


def _set_again(connection: Connection) -> None:
    # Where the driver's own BEGIN was sent before, the settings were sent with it.
    adapter: Any = connection.connection.dbapi_connection
    if not adapter.autocommit:
        connection.exec_driver_sql(connection.get_execution_options()[_AT_EACH_BEGIN])


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


async def check_database(engine: AsyncEngine) -> None:
    """Refuse to serve on an old server, or as a role that could step over row-level security.

    Could: a superuser, one with BYPASSRLS, the owner of a table (who may switch its policies off), or one that may
    become such a role. Raises UnfitDatabase.
    """
    async with engine.connect() as connection:
        version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
        if version < MIN_SERVER_VERSION:
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
