"""The world: one seeded database for all contenders, with the same restricted role; built once and kept."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from sqlalchemy import make_url

from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.migrations import migrate
from benegraph.db.session import Database, Transaction
from benegraph.demo import seed_tenant
from benegraph.domain.access import KeyLimits, Role, Viewer
from benegraph.domain.values import Clock
from benegraph.services.access import issue_key

from .additions import PENDING, AdditionSizes, add

HERE = Path(__file__).parent
TENANT = "benchmark"
#: The login of every contender: a member of the application's role, which cannot bypass row-level security.
LOGIN = "benegraph_benchmark"
#: All data fits in memory, statements are too short for JIT compilation, and checkpoints are so rare that none
#: falls into a turn. Commits wait for the disk, as in production.
SERVER = {
    "checkpoint_timeout": "1h",
    "jit": "off",
    "max_connections": "200",
    "max_wal_size": "8GB",
    "shared_buffers": "1GB",
}
_SEED = 1


@dataclass(frozen=True, slots=True)
class World:
    """A database by the URLs of its owner and of the contenders, and a tenant in it with its API key."""

    owner_url: str
    url: str
    tenant: str
    key: str

    def connect(self) -> Any:
        """Open a connection as the owner, past row-level security: for checks and resets, never during a turn."""
        return asyncpg.connect(self.owner_url)


@dataclass(frozen=True, slots=True)
class TenantSize:
    """A tenant to seed: its name, and its number of employees."""

    name: str
    employees: int


@contextmanager
def postgres_server(url: str | None, data: Path) -> Iterator[str]:
    """Yield the URL of a superuser: the `url`, or that of an embedded PostgreSQL over the directory `data`."""
    if url is not None:
        yield driver_url(url)
        return
    with EmbeddedPostgres(data, settings=SERVER) as embedded:
        yield driver_url(embedded.dsn())


def build_world(server_url: str, employees: int, *, pending: int = PENDING) -> World:
    """Build the database of the workloads (seed, additions, statistics), or reuse it."""
    additions = AdditionSizes(pending=pending)

    async def fill(url: str) -> None:
        await _seed_tenants(url, [TenantSize(TENANT, employees)])
        await _transact(url, lambda tx: add(tx, additions))

    return asyncio.run(
        _build(server_url, _database_name(f"world_{employees}", additions, datetime.now(UTC).year), fill, TENANT)
    )


def build_tenant_worlds(server_url: str, sizes: list[TenantSize]) -> list[World]:
    """Build a database with several tenants, or reuse it; return a world for each tenant."""

    async def build() -> list[World]:
        name = _database_name(f"tenants_{len(sizes)}", sizes)
        owner_url, url = await _build_database(server_url, name, lambda url: _seed_tenants(url, sizes))
        return [World(owner_url, url, each.name, await _issue_key(url, each.name)) for each in sizes]

    return asyncio.run(build())


async def _build(server_url: str, name: str, fill: Callable[[str], Awaitable[None]], tenant: str) -> World:
    owner_url, url = await _build_database(server_url, name, fill)
    return World(owner_url, url, tenant, await _issue_key(url, tenant))


async def _build_database(server_url: str, name: str, fill: Callable[[str], Awaitable[None]]) -> tuple[str, str]:
    """Build a database under a temporary name, then rename it; return the URLs of its owner and of contenders."""
    connection = await asyncpg.connect(server_url)
    try:
        for role, is_login in (
            ("benegraph_app", "NOLOGIN"),
            (LOGIN, f"LOGIN PASSWORD '{LOGIN}' IN ROLE benegraph_app"),
        ):
            if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {role} {is_login} NOSUPERUSER NOBYPASSRLS")
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            prefix, unfinished = name.rpartition("_")[0], f"{name}_unfinished"
            for old in await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix):
                await connection.execute(f"DROP DATABASE {old['datname']} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {unfinished}")
            Console(stderr=True).print(f"Building the database {name}, once; about 4 ms an employee …")
            await migrate(database_url(server_url, unfinished))
            await fill(database_url(server_url, unfinished, LOGIN))
            await _execute(database_url(server_url, unfinished), "VACUUM (FREEZE, ANALYZE)")
            await connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
            await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    await migrate(database_url(server_url, name))  # the kept database may be older than the newest migration
    await _execute(database_url(server_url, name), (HERE / "peers/postgraphile.sql").read_text())
    return database_url(server_url, name), database_url(server_url, name, LOGIN)


async def _seed_tenants(url: str, sizes: list[TenantSize]) -> None:
    async with _open_database(url) as database:
        for size in sizes:
            clock = Clock.at(datetime.now(UTC))
            await seed_tenant(database, clock, size.name, size.employees, _SEED, lambda *_: None)


async def _transact(url: str, change: Callable[[Transaction], Awaitable[None]], tenant: str = TENANT) -> None:
    async with _open_database(url) as database:
        await database.transact(_viewer(tenant), Clock.at(datetime.now(UTC)), change)


async def _issue_key(url: str, tenant: str) -> str:
    async with _open_database(url) as database:
        clock, limits = Clock.at(datetime.now(UTC)), KeyLimits(Role.ADMINISTRATOR)
        _, key = await database.transact(_viewer(tenant), clock, lambda tx: issue_key(tx, limits, "benchmark"))
    return key


@asynccontextmanager
async def _open_database(url: str) -> AsyncIterator[Database]:
    engine = create_engine(url, PoolSettings(statement_timeout=600))
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _viewer(tenant: str) -> Viewer:
    return Viewer(tenant, "benchmark", Role.ADMINISTRATOR)


def _database_name(label: str, *parameters: object) -> str:
    """Return a name with a digest of the parameters and sources, so that an outdated database is never reused."""
    sources = b"".join((HERE / name).read_bytes() for name in ("additions.py", "offers.py"))
    digest = hashlib.sha256(sources + repr(parameters).encode()).hexdigest()
    return f"benchmark_{label}_{digest[:10]}"


def driver_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def database_url(url: str, database: str, login: str | None = None) -> str:
    """Return the URL of another database of the same server, optionally with another login."""
    address = make_url(url).set(database=database)
    if login is not None:
        address = address.set(username=login, password=login)
    return address.render_as_string(hide_password=False)
