"""Transient failures: the whole transaction is retried a bounded number of times, and applies once."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from benegraph.db import store
from benegraph.db.engine import create_engine
from benegraph.db.models import Employee
from benegraph.db.session import Database, RolledBack, Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.db.transient_errors import is_transient
from benegraph.domain.errors import ErrorCode, OutcomeUnknown, refusal
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.services import people
from commit_proxy import at_commits, commit_proxy
from conftest import GATEWAY_ROLE, connect
from factories.office import Office, create_office, waive

MAX_ATTEMPTS = 6
NO_ENROLLMENT = "enrl_00000000000000000000000000"
#: Selects the gateway's sessions in the test's database.
GATEWAY_SESSIONS = "FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()"
NEW_HIRE = people.NewHire(
    PersonalDetails("Ada", "Adams", None, None, None), EmploymentClass.FULL_TIME, date(2026, 11, 2)
)


async def first_names(office: Office) -> list[str]:
    return [row["first_name"] for row in (await office.read_all_rows())["employees"].values()]


# ----------------------------------------------------------------------------------------------- before the commit


async def test_transaction_is_retried_when_server_ends_session(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    await office.open_plan_year()
    bystander = await connect(owner_url)
    attempts = 0

    async def change(tx: Transaction) -> str:
        nonlocal attempts
        attempts += 1
        id = await people.hire_employee(tx, office.employer, NEW_HIRE)
        if attempts < 3:
            number = (await tx.session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            assert await bystander.fetchval("SELECT pg_terminate_backend($1, 5000)", number)
        return id

    try:
        id = await office.run(change)
    finally:
        await bystander.close()
    assert attempts == 3
    tables = await office.read_all_rows()
    assert tables["employees"].keys() == {id}
    assert [row["employee_id"] for row in tables["enrollments"].values()] == [id]
    assert [event["action"] for event in await office.history(id)] == ["HIRED"]


async def test_deadlocked_transaction_is_retried(database: Database) -> None:
    office = await create_office(database)
    ada, bob = await office.hire(), await office.hire("Bob")
    both_locked = asyncio.Barrier(2)
    attempts: list[str] = []

    async def change(tx: Transaction, first: str, second: str) -> None:
        attempts.append(first)
        for id in (first, second):
            employee = await store.people.lock_object(tx, id)
            assert employee is not None
            employee.first_name += "!"
            await tx.flush()
            if id == first and len(attempts) < 3:
                await both_locked.wait()

    await asyncio.gather(office.run(change, ada, bob), office.run(change, bob, ada))
    assert len(attempts) == 3
    assert sorted(await first_names(office)) == ["Ada!!", "Bob!!"]


async def test_serialization_failure_is_retried(database_url: str) -> None:
    engine = create_engine(database_url).execution_options(isolation_level="REPEATABLE READ")
    office = await create_office(Database(engine))
    ada = await office.hire()
    both_read = asyncio.Barrier(2)
    attempts = 0

    async def change(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        employee = await tx.session.get_one(Employee, (tx.viewer.tenant_id, ada))
        if attempts < 3:
            await both_read.wait()
        employee.first_name += "!"

    await asyncio.gather(office.run(change), office.run(change))
    assert attempts == 3
    assert await first_names(office) == ["Ada!!"]
    await engine.dispose()


async def test_closed_pool_connections_are_skipped(database: Database, owner_url: str) -> None:
    office = await create_office(database)
    retried: list[str] = []
    office = replace(office, database=replace(database, on_retry=retried.append))
    await asyncio.gather(*(office.hire(name) for name in ("Ada", "Bob", "Cyd")))
    bystander = await connect(owner_url)
    assert len(await bystander.fetch(f"SELECT pg_terminate_backend(pid, 5000) {GATEWAY_SESSIONS}", GATEWAY_ROLE)) >= 2
    await bystander.close()
    await asyncio.sleep(0.05)  # lets the driver notice that they are closed
    assert sorted(await first_names(office)) == ["Ada", "Bob", "Cyd"]
    await office.hire("Dee")
    assert retried == []


async def test_cancelled_transaction_holds_no_lock(database: Database, owner_url: str) -> None:
    """A cancelled transaction releases its locks, and its connection is not reused."""
    office = await create_office(database)
    ada = await office.hire()
    bystander = await connect(owner_url)
    transaction = bystander.transaction()
    await transaction.start()
    await bystander.execute("SELECT FROM employees WHERE id = $1 FOR UPDATE", ada)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await office.elect(ada, waive(NO_ENROLLMENT))
    assert await bystander.fetchval(f"SELECT count(*) {GATEWAY_SESSIONS} AND state <> 'idle'", GATEWAY_ROLE) == 0
    await transaction.rollback()
    await bystander.close()
    assert await office.refusals(office.elect(ada, waive(NO_ENROLLMENT))) == ["NOT_FOUND elections.0.enrollmentId"]


# --------------------------------------------------------------------------------------------------- at the commit


@pytest.mark.parametrize(("action", "attempts"), [("pass", 1), ("after", 1), ("before", 2)])
async def test_connection_lost_at_commit_changes_once(
    database: Database, database_url: str, action: str, attempts: int
) -> None:
    office = await create_office(database)
    calls: list[str] = []

    async def change(tx: Transaction) -> str:
        calls.append(await people.hire_employee(tx, office.employer, NEW_HIRE))
        return calls[-1]

    async with commit_proxy(database_url, at_commits(action)) as proxied:
        id = await proxied.transact(office.viewer, office.clock(), change)

    assert len(calls) == attempts
    assert (await office.read_all_rows())["employees"].keys() == {id} == {calls[-1]}


async def test_unknown_commit_outcome_is_not_retried(database: Database, database_url: str) -> None:
    """The server cannot be asked for the outcome, and a retry could hire twice."""
    office = await create_office(database)
    attempts = 0

    async def change(tx: Transaction) -> str:
        nonlocal attempts
        attempts += 1
        return await people.hire_employee(tx, office.employer, NEW_HIRE)

    async with commit_proxy(database_url, at_commits("down")) as proxied:
        with pytest.raises(OutcomeUnknown):
            await replace(proxied, outcome_timeout=0.5).transact(office.viewer, office.clock(), change)
    assert attempts == 1
    assert await first_names(office) == ["Ada"]


# ------------------------------------------------------------------------------------------------ permanent errors


async def test_persistent_failure_stops_after_six_attempts(database: Database) -> None:
    office = await create_office(database)
    attempts = 0

    async def change(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await people.hire_employee(tx, office.employer, NEW_HIRE)
        await tx.session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DBAPIError):
        await office.run(change)
    assert attempts == MAX_ATTEMPTS
    assert await first_names(office) == []


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 / 0", DBAPIError),
        ("SELECT nothing", DBAPIError),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '55P03'; END $$", DBAPIError),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '57014'; END $$", DBAPIError),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '23505'; END $$", IntegrityError),
    ],
)
async def test_permanent_errors_are_not_retried(database: Database, statement: str, error: type[Exception]) -> None:
    office = await create_office(database)
    attempts = 0

    async def change(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await people.hire_employee(tx, office.employer, NEW_HIRE)
        await tx.session.execute(text(statement))

    with pytest.raises(error):
        await office.run(change)
    assert attempts == 1
    assert await first_names(office) == []


@pytest.mark.parametrize("error", [refusal(ErrorCode.INVALID_INPUT, "No."), ValueError("no"), KeyError("no")])
async def test_application_errors_are_not_retried(database: Database, error: Exception) -> None:
    office = await create_office(database)
    attempts = 0

    async def change(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await people.hire_employee(tx, office.employer, NEW_HIRE)
        raise error

    with pytest.raises(type(error)) as raised:
        await office.run(change)
    assert raised.value is error
    assert attempts == 1
    assert await first_names(office) == []


async def test_violated_constraint_without_rule_is_raised(database: Database) -> None:
    office = await create_office(database)
    row: dict[str, Any] = {"id": "empl_x", "employer_id": office.employer, "first_name": "Ada", "last_name": "Adams"}
    row |= {"employment_class": EmploymentClass.FULL_TIME, "hired_on": office.today}
    with pytest.raises(IntegrityError, match="ck_employees_id"):
        await office.run(insert_rows, Employee, [row])


async def test_dry_run_is_retried_and_rolled_back(database: Database) -> None:
    office = await create_office(database)
    attempts = 0

    async def change(tx: Transaction) -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await tx.session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))
        return await people.hire_employee(tx, office.employer, NEW_HIRE)

    assert (await office.dry_run(change)).startswith("empl_")
    assert attempts == 2
    assert await first_names(office) == []


async def test_commit_after_suppressed_error_raises_rolled_back(database: Database) -> None:
    """After a failed statement the server rolls back on COMMIT, without reporting an error."""
    office = await create_office(database)

    async def change(tx: Transaction) -> None:
        await people.hire_employee(tx, office.employer, NEW_HIRE)
        with suppress(DBAPIError):
            await tx.session.execute(text("SELECT 1 / 0"))

    with pytest.raises(RolledBack):
        await office.run(change)
    assert await first_names(office) == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("cannot switch to state 15; another operation (2) is in progress", True),
        ("no decoder for composite type element in position 0 of type OID 2249", False),
    ],
)
def test_driver_error_of_ending_session_is_transient(message: str, expected: bool) -> None:
    """The server has announced the end of the session, but the connection is not closed yet; rare, under load."""
    assert is_transient(asyncpg.InternalClientError(message)) is expected
