"""Behind PgBouncer in transaction mode, no viewer sees or changes rows outside its scope."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from pgbouncer import SESSIONS, PgBouncer, fetch_in_all_sessions, needs_pgbouncer, run_pgbouncer
from sqlalchemy import make_url, text

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import KeyLimits, Role
from benegraph.domain.plan_years import PlanYearDates
from benegraph.domain.values import Clock, add_years
from benegraph.services.access import issue_key
from conftest import connect
from factories.access import administrator
from factories.office import create_office
from gateways import Gateway, launch_gateway, run_gateway

pytestmark = [pytest.mark.conformance, needs_pgbouncer]

TENANTS = ("acme", "birch", "cedar")
ROUNDS = 12
PEOPLE = """{ employees(first: 100) { nodes {
    id employer { id } enrollments(first: 5) { nodes { id employee { id } status selectedPlan { id } } }
} } }"""
ELECT = """mutation($input: ElectInput!) { elect(input: $input) {
    enrollments { id status employee { id } selectedPlan { id } } userErrors { code }
} }"""
#: State that a client could leave in a session for the next client.
SESSION_STATE = """SELECT pg_backend_pid() AS pid, (SELECT count(*) FROM pg_prepared_statements) AS statements,
    coalesce(current_setting('app.tenant', true), '') AS tenant,
    current_setting('default_transaction_read_only') AS read_only, current_setting('plan_cache_mode') AS plans,
    current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock_timeout"""
EFFECTIVE_SETTINGS = """SELECT current_setting('statement_timeout') AS statement_timeout,
    current_setting('lock_timeout') AS lock_timeout, current_setting('jit') AS jit,
    current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('timezone') AS timezone,
    current_setting('standard_conforming_strings') AS strings, current_setting('application_name') AS name"""
EXPECTED_SETTINGS = {
    "statement_timeout": "1500ms",
    "lock_timeout": "700ms",
    "jit": "off",
    "idle": "30s",
    "timezone": "UTC",
    "strings": "on",
    "name": "benegraph",
}


@dataclass(frozen=True)
class Client:
    """A viewer's key and the employees in its scope; for an employee, the election to make.

    The election is the IDs of the employee, the enrollment and the plan.
    """

    key: str
    employees: frozenset[str]
    election: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class GatewayPair:
    """Two gateways behind one PgBouncer, one for each executor, and an HTTP session for both."""

    http: aiohttp.ClientSession
    urls: tuple[str, str]

    async def send(self, client: Client, query: str, index: int, **variables: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {client.key}"}
        body = {"query": query, "variables": variables}
        async with self.http.post(self.urls[index], json=body, headers=headers) as response:
            content: dict[str, Any] = await response.json()
            assert (response.status, "errors" in content) == (200, False), content
            return content

    async def operations_by_plan(self, index: int) -> float:
        async with self.http.get(self.urls[index].replace("/graphql", "/metrics")) as response:
            (number,) = re.findall(
                r"^benegraph_operations_answered_by_plan_total (\S+)$", await response.text(), re.MULTILINE
            )
            return float(number)


@pytest.fixture
def pgbouncer(database_url: str) -> Iterator[PgBouncer]:
    with run_pgbouncer(database_url) as pgbouncer:
        yield pgbouncer


@pytest.fixture
def gateways(tmp_path: Path, pgbouncer: PgBouncer) -> Iterator[tuple[Gateway, Gateway]]:
    environment = {"DATABASE_URL": pgbouncer.url, "BENEGRAPH_PGBOUNCER": "true", "BENEGRAPH_RATE_BURST": "0"}
    with (
        run_gateway(_create_directory(tmp_path / "one"), BENEGRAPH_EXECUTOR="compiled", **environment) as one,
        run_gateway(_create_directory(tmp_path / "other"), BENEGRAPH_EXECUTOR="strawberry", **environment) as other,
    ):
        yield one, other


@pytest.fixture
async def pair(gateways: tuple[Gateway, Gateway]) -> AsyncIterator[GatewayPair]:
    async with aiohttp.ClientSession() as http:
        yield GatewayPair(http, (gateways[0].url, gateways[1].url))


def _create_directory(path: Path) -> Path:
    path.mkdir()
    return path


async def test_viewers_of_several_tenants_share_sessions_without_leaks(
    database: Database, pgbouncer: PgBouncer, pair: GatewayPair, gateways: tuple[Gateway, Gateway]
) -> None:
    clients = [client for tenant in TENANTS for client in await create_clients(database, tenant)]
    assert len(clients) == 12
    pending = await asyncio.gather(*(read_enrollments(pair, client, index) for client in clients for index in (0, 1)))
    assert {status for enrollments in pending for status, _ in enrollments.values()} == {"PENDING"}

    reads = [read_enrollments(pair, client, index) for _ in range(ROUNDS) for client in clients for index in (0, 1)]
    elections = [elect_twice(pair, client) for client in clients if client.election]
    requests: list[Any] = [*reads, *elections]
    random.Random(7).shuffle(requests)  # noqa: S311 - not for security
    await asyncio.gather(*requests)

    elected = {client.election[1]: client.election[2] for client in clients if client.election}
    for client in clients:
        for index in (0, 1):
            enrollments = await read_enrollments(pair, client, index)
            assert enrollments == {id: ("ENROLLED", elected[id]) for id in enrollments}
            assert len(enrollments) == len(client.employees)
    by_plan = [await pair.operations_by_plan(index) for index in (0, 1)]
    assert by_plan[0] > len(clients) * ROUNDS
    assert by_plan[1] == 0
    for gateway in gateways:
        assert gateway.get_status("/readyz") == 200
        assert not re.search('Traceback|"ERROR"|A compiled plan failed', gateway.log), gateway.log
    sessions = await fetch_in_all_sessions(pgbouncer, SESSION_STATE)
    assert len({session["pid"] for session in sessions}) == SESSIONS
    fresh = {"statements": 0, "tenant": "", "read_only": "off", "plans": "auto", "timeout": "0", "lock_timeout": "0"}
    assert [{name: session[name] for name in fresh} for session in sessions] == [fresh] * SESSIONS


async def create_clients(database: Database, tenant: str) -> list[Client]:
    """Create an employer with two employees, each with a pending enrollment; return one client for each role."""
    today = datetime.now(UTC).date()
    starts = (today + timedelta(days=40)).replace(day=1)
    dates = PlanYearDates(
        starts, add_years(starts, 1) - timedelta(days=1), today - timedelta(days=9), today + timedelta(days=9)
    )
    office = await create_office(database, tenant=tenant, today=today)
    hired = [await office.hire(name) for name in ("Ada", "Bea")]
    plans = await office.plan_ids(await office.open_plan_year(dates))

    async def key_of(role: Role, employer: str | None = None, employee: str | None = None) -> str:
        limits = KeyLimits(role, employer, employee)
        _, key = await database.transact(
            administrator(tenant), office.clock(), lambda tx: issue_key(tx, limits, "test")
        )
        return key

    clients = [
        Client(await key_of(Role.ADMINISTRATOR), frozenset(hired)),
        Client(await key_of(Role.EMPLOYER, office.employer), frozenset(hired)),
    ]
    for person, plan in zip(hired, ("GOLD", "FLAT"), strict=True):
        enrollment = (await office.pending_enrollment(person)).id
        election = (person, enrollment, plans[plan])
        key = await key_of(Role.EMPLOYEE, office.employer, person)
        clients.append(Client(key, frozenset({person}), election))
    return clients


async def read_enrollments(pair: GatewayPair, client: Client, index: int) -> dict[str, tuple[str, str | None]]:
    """Check that a client sees exactly its employees; return the status and plan of their enrollments."""
    body = await pair.send(client, PEOPLE, index)
    people = body["data"]["employees"]["nodes"]
    assert {person["id"] for person in people} == client.employees
    assert len({person["employer"]["id"] for person in people}) == 1
    enrollments = {}
    for person in people:
        for enrollment in person["enrollments"]["nodes"]:
            assert enrollment["employee"]["id"] == person["id"]
            plan = enrollment["selectedPlan"]
            enrollments[enrollment["id"]] = enrollment["status"], plan and plan["id"]
    return enrollments


async def elect_twice(pair: GatewayPair, client: Client) -> None:
    """Send one election to both gateways at once, with one idempotency key: it runs once, and both return it."""
    assert client.election is not None
    person, enrollment, plan = client.election
    election = {"enrollmentId": enrollment, "decision": "ENROLLED", "selectedPlanId": plan}
    input = {"employeeId": person, "elections": [election], "idempotencyKey": "this year"}
    bodies = await asyncio.gather(*(pair.send(client, ELECT, index, input=input) for index in (0, 1)))
    elected = {"id": enrollment, "status": "ENROLLED", "employee": {"id": person}, "selectedPlan": {"id": plan}}
    for body in bodies:
        assert body["data"] == {"elect": {"enrollments": [elected], "userErrors": []}}
    replayed = ["idempotentReplay" in body["extensions"] for body in bodies]
    assert sorted(replayed) == [False, True]


async def test_settings_hold_in_every_transaction_and_end_with_it(
    owner_url: str, database_url: str, clock: Clock
) -> None:
    name = make_url(owner_url).database
    owner = await connect(owner_url)
    for other in ("timezone = 'Asia/Tokyo'", "jit = on", "standard_conforming_strings = off", "lock_timeout = '9s'"):
        await owner.execute(f"ALTER DATABASE {name} SET {other}")
    await owner.close()
    with run_pgbouncer(database_url) as pgbouncer:
        pool = PoolSettings(size=5, overflow=0, statement_timeout=1.5, lock_timeout=0.7, pgbouncer=True)
        engine = create_engine(pgbouncer.url, pool)
        database, viewer = Database(engine, pgbouncer=True), administrator()

        async def load_settings(tx: Transaction) -> tuple[dict[str, Any], dict[str, Any]]:
            by_session = (await tx.session.execute(text(EFFECTIVE_SETTINGS))).one()
            return dict(by_session._mapping), dict(await tx.driver.fetchrow(EFFECTIVE_SETTINGS))

        for _ in range(2):
            assert await database.transact(viewer, clock, load_settings) == (EXPECTED_SETTINGS, EXPECTED_SETTINGS)
            async with database.read(viewer, clock) as read_session:
                assert (
                    dict((await read_session.session.execute(text(EFFECTIVE_SETTINGS))).one()._mapping)
                    == EXPECTED_SETTINGS
                )
            async with database.read_pool.snapshot(viewer) as snapshot:
                assert snapshot._connection is not None
                assert dict(await snapshot._connection.driver.fetchrow(EFFECTIVE_SETTINGS)) == EXPECTED_SETTINGS
            async with database.unscoped_session() as session:
                assert dict((await session.execute(text(EFFECTIVE_SETTINGS))).one()._mapping) == EXPECTED_SETTINGS
        with pytest.raises(asyncpg.QueryCanceledError):
            await database.transact(viewer, clock, lambda tx: tx.driver.execute("SELECT pg_sleep(9)"))
        sessions = await fetch_in_all_sessions(pgbouncer, SESSION_STATE)
        assert {(session["timeout"], session["lock_timeout"]) for session in sessions} == {("0", "9s")}
        await engine.dispose()


def test_gateway_without_the_setting_does_not_start(tmp_path: Path, pgbouncer: PgBouncer) -> None:
    with launch_gateway(tmp_path, DATABASE_URL=pgbouncer.url) as gateway:
        assert gateway.process.wait(60) == 1
        assert "Database error: unsupported startup parameter: jit" in gateway.log
