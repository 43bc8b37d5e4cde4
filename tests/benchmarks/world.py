"""The world: one seeded database that every contender serves as the same low-privilege role, built once and kept."""

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
from benegraph.demo import seed
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from benegraph.services.access import KeyScope, issue_key

from .additions import PENDING, Wanted, add

HERE = Path(__file__).parent
TENANT = "benchmark"
#: What every contender logs in as: in the application's role, which owns nothing and cannot bypass row-level security.
LOGIN = "benegraph_benchmark"
#: Everything fits in memory, statements are too short to be worth compiling, and no checkpoint falls into a turn of
#: one contender and not of another's. Commits wait for the disk, as in production.
SERVER = {
    "checkpoint_timeout": "1h",
    "jit": "off",
    "max_connections": "200",
    "max_wal_size": "8GB",
    "shared_buffers": "1GB",
}
_SEED = 1

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """A database ready to be served, and the key that opens its tenant at the gateway."""

    owner_url: str
    url: str
    tenant: str
    key: str

    def connect(self) -> Any:
        """Open a connection as the owner, who bypasses row-level security: for checks and resets, never in a turn."""
        return asyncpg.connect(self.owner_url)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """One tenant to be seeded: its name, and how many employees it has."""

    name: str
    employees: int


@contextmanager
def server(url: str | None, data: Path) -> Iterator[str]:
    """Give the URL of a PostgreSQL whose superuser we are: the given one, or an embedded one over a directory."""
    if url is not None:
        yield plain(url)
        return
    with EmbeddedPostgres(data, settings=SERVER) as embedded:
        yield plain(embedded.dsn())


def build(server_url: str, employees: int, *, pending: int = PENDING) -> World:
    """Build the database of the workloads, or find it built: seeded, added to, and analyzed."""
    wanted = Wanted(pending=pending)

    async def fill(url: str) -> None:
        await _seed(url, [Tenancy(TENANT, employees)])
        await _as_benchmark(url, lambda tx: add(tx, wanted))

    return asyncio.run(_world(server_url, _name(f"world_{employees}", wanted, datetime.now(UTC).year), fill, TENANT))


def build_tenants(server_url: str, tenancies: list[Tenancy]) -> list[World]:
    """Build a database of several tenants, or find it built; give it once for each of them, with its key."""

    async def whole() -> list[World]:
        name = _name(f"tenants_{len(tenancies)}", tenancies)
        owner_url, url = await _database(server_url, name, lambda url: _seed(url, tenancies))
        return [World(owner_url, url, each.name, await _issue(url, each.name)) for each in tenancies]

    return asyncio.run(whole())


async def _world(server_url: str, name: str, fill: Callable[[str], Awaitable[None]], tenant: str) -> World:
    owner_url, url = await _database(server_url, name, fill)
    return World(owner_url, url, tenant, await _issue(url, tenant))


async def _database(server_url: str, name: str, fill: Callable[[str], Awaitable[None]]) -> tuple[str, str]:
    """Make a database under another name until it is whole; give its URLs, as its owner and as contenders."""
    connection = await asyncpg.connect(server_url)
    try:
        for role, is_login in (
            ("benegraph_app", "NOLOGIN"),
            (LOGIN, f"LOGIN PASSWORD '{LOGIN}' IN ROLE benegraph_app"),
        ):
            if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {role} {is_login} NOSUPERUSER NOBYPASSRLS")
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            kind, unfinished = name.rpartition("_")[0], f"{name}_unfinished"
            for old in await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", kind):
                await connection.execute(f"DROP DATABASE {old['datname']} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {unfinished}")
            Console(stderr=True).print(f"Building the database {name}: once, some 4 ms an employee …")
            await migrate(at(server_url, unfinished))
            await fill(at(server_url, unfinished, LOGIN))
            await _run(at(server_url, unfinished), "VACUUM (FREEZE, ANALYZE)")
            await connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
            await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    await migrate(at(server_url, name))  # it may have been built before the newest revision
    await _run(at(server_url, name), (HERE / "peers/postgraphile.sql").read_text())
    return at(server_url, name), at(server_url, name, LOGIN)


async def _seed(url: str, tenancies: list[Tenancy]) -> None:
    async with _opened(url) as database:
        for tenancy in tenancies:
            clock = Clock.at(datetime.now(UTC))
            await seed(database, clock, tenancy.name, tenancy.employees, _SEED, lambda *_: None)


async def _as_benchmark(url: str, story: Callable[[Transaction], Awaitable[None]], tenant: str = TENANT) -> None:
    async with _opened(url) as database:
        await database.transact(_viewer(tenant), Clock.at(datetime.now(UTC)), story)


async def _issue(url: str, tenant: str) -> str:
    async with _opened(url) as database:
        clock, scope = Clock.at(datetime.now(UTC)), KeyScope(Role.ADMINISTRATOR)
        _, key = await database.transact(_viewer(tenant), clock, lambda tx: issue_key(tx, scope, "benchmark"))
    return key


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    engine = create_engine(url, PoolSettings(statement_timeout=600))
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _viewer(tenant: str) -> Viewer:
    return Viewer(tenant, "benchmark", Role.ADMINISTRATOR)


def _name(kind: str, *facts: object) -> str:
    """Name a database by what it is made of, so that one of other makings is never taken for it."""
    sources = b"".join((HERE / name).read_bytes() for name in ("additions.py", "offers.py"))
    digest = hashlib.sha256(sources + repr(facts).encode()).hexdigest()
    return f"benchmark_{kind}_{digest[:10]}"


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def at(url: str, database: str, login: str | None = None) -> str:
    """Give the address of another database of the same server, and perhaps as somebody else."""
    address = make_url(url).set(database=database)
    if login is not None:
        address = address.set(username=login, password=login)
    return address.render_as_string(hide_password=False)
