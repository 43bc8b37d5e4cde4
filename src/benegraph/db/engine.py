"""The engine: its connections, their timeouts, and the check that its role can't bypass row-level security."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from benegraph.domain.errors import BenegraphError

MIN_SERVER_VERSION = 150000
#: Options that keep no prepared statement in a session, because PgBouncer assigns the session to another client next.
UNNAMED_STATEMENTS = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
#: The execution option of an engine that stores the statement of `transaction_settings_sql`.
_SETTINGS_OPTION = "transaction_settings_sql"
_POOL_OPTION = "pool_settings"


class UnfitDatabase(BenegraphError):
    """The database can't be used: the server is too old, the schema is not migrated, or the role is too powerful."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The number of connections of one process, and its timeouts in seconds."""

    size: int = 10
    overflow: int = 0
    acquire_timeout: float = 5.0
    statement_timeout: float = 15.0
    lock_timeout: float = 5.0
    #: Whether connections go through PgBouncer, which assigns a server's session for one transaction at a time.
    pgbouncer: bool = False


def create_engine(url: str | URL, pool: PoolSettings | None = None) -> AsyncEngine:
    """Create an engine for a PostgreSQL URL, ignoring the URL's driver; no connection is opened yet."""
    pool = pool or PoolSettings()
    session_settings, transaction_settings = _settings(pool)
    unnamed = UNNAMED_STATEMENTS if pool.pgbouncer else {}
    local = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in transaction_settings.items())
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        hide_parameters=True,  # parameters are personal data, and errors are logged
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.acquire_timeout,
        pool_recycle=1800,
        pool_use_lifo=True,
        connect_args={
            "timeout": 5,
            "command_timeout": pool.statement_timeout + 5,  # the server's own timeout should come first
            "server_settings": session_settings,
            **unnamed,
        },
        execution_options={_POOL_OPTION: pool} | ({_SETTINGS_OPTION: f"SELECT {local}"} if local else {}),
    )
    _skip_lost_connections(engine)
    if local:
        event.listen(engine.sync_engine, "begin", _set_transaction_settings)
    return engine


def pool_settings(engine: AsyncEngine) -> PoolSettings:
    """Return the settings with which an engine was created."""
    settings: PoolSettings = engine.sync_engine.get_execution_options()[_POOL_OPTION]
    return settings


def transaction_settings_sql(engine: AsyncEngine) -> str:
    """Return the SQL that sets the engine's settings in each transaction behind PgBouncer; empty without PgBouncer."""
    statement: str = engine.sync_engine.get_execution_options().get(_SETTINGS_OPTION, "")
    return statement and f"{statement}; "


def _settings(pool: PoolSettings) -> tuple[dict[str, str], dict[str, str]]:
    """Return the server settings of each session, and those that each transaction must set."""
    startup = {
        "application_name": "benegraph",
        "timezone": "UTC",
        "datestyle": "ISO",  # a setting of the role or the database would otherwise decide the text format of dates
        "standard_conforming_strings": "on",
    }
    other = {
        "jit": "off",  # it costs more than it saves on short statements
        "statement_timeout": str(int(pool.statement_timeout * 1000)),
        "lock_timeout": str(int(pool.lock_timeout * 1000)),
        "idle_in_transaction_session_timeout": "30000",
    }
    # PgBouncer applies the first four in each session that it assigns, and refuses clients that pass any other.
    return (startup, other) if pool.pgbouncer else (startup | other, {})


def _set_transaction_settings(connection: Connection) -> None:
    # In autocommit mode the caller has sent BEGIN itself, with the settings.
    adapter: Any = connection.connection.dbapi_connection
    if not adapter.autocommit:
        connection.exec_driver_sql(connection.get_execution_options()[_SETTINGS_OPTION])


def _skip_lost_connections(engine: AsyncEngine) -> None:
    """Keep the pool from handing out connections that are known to be lost, without a query for each checkout.

    The driver notices a closed connection. If a use reveals a loss that the driver had missed, the server has vanished:
    all connections opened earlier are discarded too.
    """
    losses = 0

    def on_connect(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["losses"] = losses

    def on_invalidate(_connection: Any, _record: ConnectionPoolEntry, error: BaseException | None) -> None:
        nonlocal losses
        # Counts only newly found losses: no cancellation, and no connection that on_checkout skips.
        losses += isinstance(error, Exception) and not isinstance(error, DisconnectionError)

    def on_checkout(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if connection.driver_connection.is_closed() or record.info["losses"] < losses:
            raise DisconnectionError

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "invalidate", on_invalidate)
    event.listen(engine.sync_engine, "checkout", on_checkout)


async def check_database(engine: AsyncEngine) -> None:
    """Check that the server is new enough, and that the role can't bypass row-level security.

    Raises UnfitDatabase if the role is, or is a member of, a superuser, a role with BYPASSRLS, or an owner of protected
    tables, because an owner can disable the policies.
    """
    async with engine.connect() as connection:
        version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
        if version < MIN_SERVER_VERSION:
            raise UnfitDatabase(f"PostgreSQL 15 or newer is required; this server is version {version // 10000}.")
        privileged = await connection.execute(
            text("""
                SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_roles r
                WHERE pg_has_role(session_user, r.oid, 'MEMBER')
                  AND (r.rolsuper OR r.rolbypassrls OR EXISTS (
                    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relowner = r.oid AND c.relkind = 'r' AND n.nspname = 'public' AND c.relrowsecurity))
            """)
        )
        if roles := privileged.scalar_one():
            raise UnfitDatabase(
                f"The database role can bypass row-level security, as a member of: {roles}."
                " Connect as a role without such rights: CREATE ROLE gateway LOGIN PASSWORD '…' IN ROLE benegraph_app."
            )
