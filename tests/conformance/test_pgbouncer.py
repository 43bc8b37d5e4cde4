"""Behind PgBouncer, which lends a session for one transaction at a time: nobody sees or changes what is another's."""

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
from pgbouncer import SESSIONS, Bouncer, all_sessions, bouncing, needs_pgbouncer
from sqlalchemy import make_url, text

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Role
from benegraph.domain.plan_years import PlanYearDates
from benegraph.domain.values import Clock, add_years
from benegraph.services.access import KeyScope, issue_key
from conftest import connect
from factories.access import administrator
from factories.office import create_office
from gateways import Gateway, launched, serving

pytestmark = [pytest.mark.conformance, needs_pgbouncer]

TENANTS = ("acme", "birch", "cedar")
ROUNDS = 12
PEOPLE = """{ employees(first: 100) { nodes {
    id employer { id } enrollments(first: 5) { nodes { id employee { id } status selectedPlan { id } } }
} } }"""
ELECT = """mutation($input: ElectInput!) { elect(input: $input) {
    enrollments { id status employee { id } selectedPlan { id } } userErrors { code }
} }"""
#: What a client would leave behind in a session, for the next one to find.
LEFT = """SELECT pg_backend_pid() AS pid, (SELECT count(*) FROM pg_prepared_statements) AS statements,
    coalesce(current_setting('app.tenant', true), '') AS tenant,
    current_setting('default_transaction_read_only') AS read_only, current_setting('plan_cache_mode') AS plans,
    current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock_timeout"""
IN_FORCE = """SELECT current_setting('statement_timeout') AS statement_timeout,
    current_setting('lock_timeout') AS lock_timeout, current_setting('jit') AS jit,
    current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('timezone') AS timezone,
    current_setting('standard_conforming_strings') AS strings, current_setting('application_name') AS name"""
OURS = {
    "statement_timeout": "1500ms",
    "lock_timeout": "700ms",
    "jit": "off",
    "idle": "30s",
    "timezone": "UTC",
    "strings": "on",
    "name": "benegraph",
}


@dataclass(frozen=True)
class Someone:
    """Who asks, and whom alone she may see; who answers an enrollment, and with which plan."""

    key: str
    employees: frozenset[str]
    answers: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Gates:
    """Two gateways behind one PgBouncer, one by each executor, and one client of both."""

    client: aiohttp.ClientSession
    urls: tuple[str, str]

    async def ask(self, one: Someone, query: str, at: int, **variables: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {one.key}"}
        sent = {"query": query, "variables": variables}
        async with self.client.post(self.urls[at], json=sent, headers=headers) as response:
            body: dict[str, Any] = await response.json()
            assert (response.status, "errors" in body) == (200, False), body
            return body

    async def answered_by_plans(self, at: int) -> float:
        async with self.client.get(self.urls[at].replace("/graphql", "/metrics")) as response:
            (number,) = re.findall(
                r"^benegraph_operations_answered_by_plan_total (\S+)$", await response.text(), re.MULTILINE
            )
            return float(number)


@pytest.fixture
def bouncer(database_url: str) -> Iterator[Bouncer]:
    with bouncing(database_url) as bouncer:
        yield bouncer


@pytest.fixture
def gateways(tmp_path: Path, bouncer: Bouncer) -> Iterator[tuple[Gateway, Gateway]]:
    given = {"DATABASE_URL": bouncer.url, "BENEGRAPH_PGBOUNCER": "true", "BENEGRAPH_RATE_BURST": "0"}
    with (
        serving(_made(tmp_path / "one"), BENEGRAPH_EXECUTOR="compiled", **given) as one,
        serving(_made(tmp_path / "other"), BENEGRAPH_EXECUTOR="strawberry", **given) as other,
    ):
        yield one, other


@pytest.fixture
async def gates(gateways: tuple[Gateway, Gateway]) -> AsyncIterator[Gates]:
    async with aiohttp.ClientSession() as client:
        yield Gates(client, (gateways[0].url, gateways[1].url))


def _made(place: Path) -> Path:
    place.mkdir()
    return place


async def test_many_viewers_of_several_tenants_share_few_sessions_and_nothing_else(
    database: Database, bouncer: Bouncer, gates: Gates, gateways: tuple[Gateway, Gateway]
) -> None:
    everyone = [someone for tenant in TENANTS for someone in await take_on(database, tenant)]
    assert len(everyone) == 12
    pending = await asyncio.gather(*(see(gates, someone, at) for someone in everyone for at in (0, 1)))
    assert {status for seen in pending for status, _ in seen.values()} == {"PENDING"}

    asking = [see(gates, someone, at) for _ in range(ROUNDS) for someone in everyone for at in (0, 1)]
    answering = [elect_twice(gates, someone) for someone in everyone if someone.answers]
    together: list[Any] = [*asking, *answering]
    random.Random(7).shuffle(together)  # noqa: S311 - an order
    await asyncio.gather(*together)

    elected = {someone.answers[1]: someone.answers[2] for someone in everyone if someone.answers}
    for someone in everyone:
        for at in (0, 1):
            told = await see(gates, someone, at)
            assert told == {id: ("ENROLLED", elected[id]) for id in told}
            assert len(told) == len(someone.employees)
    by_plans = [await gates.answered_by_plans(at) for at in (0, 1)]
    assert by_plans[0] > len(everyone) * ROUNDS
    assert by_plans[1] == 0
    for gateway in gateways:
        assert gateway.get("/readyz") == 200
        assert not re.search('Traceback|"ERROR"|A compiled plan failed', gateway.log), gateway.log
    left = await all_sessions(bouncer, LEFT)
    assert len({session["pid"] for session in left}) == SESSIONS
    fresh = {"statements": 0, "tenant": "", "read_only": "off", "plans": "auto", "timeout": "0", "lock_timeout": "0"}
    assert [{name: session[name] for name in fresh} for session in left] == [fresh] * SESSIONS


async def take_on(database: Database, tenant: str) -> list[Someone]:
    """Take on an employer whose two employees have an enrollment to answer today; give all who ask there."""
    today = datetime.now(UTC).date()
    starts = (today + timedelta(days=40)).replace(day=1)
    dates = PlanYearDates(
        starts, add_years(starts, 1) - timedelta(days=1), today - timedelta(days=9), today + timedelta(days=9)
    )
    office = await create_office(database, tenant=tenant, today=today)
    hired = [await office.hire(name) for name in ("Ada", "Bea")]
    plans = await office.plan_ids_by_code(await office.open_plan_year(dates))

    async def key_of(role: Role, employer: str | None = None, employee: str | None = None) -> str:
        scope = KeyScope(role, employer, employee)
        _, key = await database.transact(administrator(tenant), office.clock(), lambda tx: issue_key(tx, scope, "test"))
        return key

    found = [
        Someone(await key_of(Role.ADMINISTRATOR), frozenset(hired)),
        Someone(await key_of(Role.EMPLOYER, office.employer), frozenset(hired)),
    ]
    for person, plan in zip(hired, ("GOLD", "FLAT"), strict=True):
        enrollment = (await office.pending_enrollment(person)).id
        answers = (person, enrollment, plans[plan])
        key = await key_of(Role.EMPLOYEE, office.employer, person)
        found.append(Someone(key, frozenset({person}), answers))
    return found


async def see(gates: Gates, someone: Someone, at: int) -> dict[str, tuple[str, str | None]]:
    """Look that someone sees whom she may, and none else; give where their enrollments stand."""
    body = await gates.ask(someone, PEOPLE, at)
    people = body["data"]["employees"]["nodes"]
    assert {person["id"] for person in people} == someone.employees
    assert len({person["employer"]["id"] for person in people}) == 1
    found = {}
    for person in people:
        for enrollment in person["enrollments"]["nodes"]:
            assert enrollment["employee"]["id"] == person["id"]
            plan = enrollment["selectedPlan"]
            found[enrollment["id"]] = enrollment["status"], plan and plan["id"]
    return found


async def elect_twice(gates: Gates, someone: Someone) -> None:
    """Answer an enrollment at both gateways at once, under one key: it is done once, and told twice."""
    assert someone.answers is not None
    person, enrollment, plan = someone.answers
    choice = {"enrollmentId": enrollment, "decision": "ENROLLED", "selectedPlanId": plan}
    given = {"employeeId": person, "elections": [choice], "idempotencyKey": "this year"}
    bodies = await asyncio.gather(*(gates.ask(someone, ELECT, at, input=given) for at in (0, 1)))
    elected = {"id": enrollment, "status": "ENROLLED", "employee": {"id": person}, "selectedPlan": {"id": plan}}
    for body in bodies:
        assert body["data"] == {"elect": {"enrollments": [elected], "userErrors": []}}
    replayed = ["idempotentReplay" in body["extensions"] for body in bodies]
    assert sorted(replayed) == [False, True]


async def test_settings_are_in_force_in_every_transaction_and_stay_in_none(
    owner_url: str, database_url: str, clock: Clock
) -> None:
    name = make_url(owner_url).database
    owner = await connect(owner_url)
    for other in ("timezone = 'Asia/Tokyo'", "jit = on", "standard_conforming_strings = off", "lock_timeout = '9s'"):
        await owner.execute(f"ALTER DATABASE {name} SET {other}")
    await owner.close()
    with bouncing(database_url) as bouncer:
        pool = PoolSettings(size=5, overflow=0, statement_timeout=1.5, lock_timeout=0.7, pgbouncer=True)
        engine = create_engine(bouncer.url, pool)
        database, viewer = Database(engine, pgbouncer=True), administrator()

        async def story(tx: Transaction) -> tuple[dict[str, Any], dict[str, Any]]:
            by_session = (await tx.session.execute(text(IN_FORCE))).one()
            return dict(by_session._mapping), dict(await tx.driver.fetchrow(IN_FORCE))

        for _ in range(2):
            assert await database.transact(viewer, clock, story) == (OURS, OURS)
            async with database.read(viewer, clock) as read_session:
                assert dict((await read_session.session.execute(text(IN_FORCE))).one()._mapping) == OURS
            async with database.read_pool.snapshot(viewer) as snapshot:
                assert snapshot._connection is not None
                assert dict(await snapshot._connection.driver.fetchrow(IN_FORCE)) == OURS
            async with database.unscoped_session() as session:
                assert dict((await session.execute(text(IN_FORCE))).one()._mapping) == OURS
        with pytest.raises(asyncpg.QueryCanceledError):
            await database.transact(viewer, clock, lambda tx: tx.driver.execute("SELECT pg_sleep(9)"))
        left = await all_sessions(bouncer, LEFT)
        assert {(session["timeout"], session["lock_timeout"]) for session in left} == {("0", "9s")}
        await engine.dispose()


def test_without_the_setting_a_gateway_does_not_start(tmp_path: Path, bouncer: Bouncer) -> None:
    with launched(tmp_path, DATABASE_URL=bouncer.url) as gateway:
        assert gateway.process.wait(60) == 1
        assert "The database refuses: unsupported startup parameter: jit" in gateway.log
