"""A lost connection at the COMMIT: the outcome is found by the transaction's own event, beside the pool."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benegraph.cli.databases import GATEWAY_ROLE, DatabaseLocation, open_database, prepare_database
from benegraph.db.embedded import EmbeddedPostgres
from benegraph.db.session import Database, Transaction
from benegraph.domain.people import EmploymentClass, PersonalDetails
from benegraph.services import people
from commit_proxy import at_commits, commit_proxy
from conftest import connect
from factories.office import Office, create_office

WRITERS = 8
NEW_HIRE = people.NewHire(
    PersonalDetails("Ada", "Adams", None, None, None), EmploymentClass.FULL_TIME, date(2026, 11, 2)
)
#: Counts the sessions that wait to insert an event until another transaction has ended.
WAITING_INSERTS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid' AND query LIKE '%events%'"


async def test_writers_that_lose_their_connections_do_not_starve_each_other(
    database: Database, database_url: str
) -> None:
    """The pool has two connections. Were they kept, the search for the outcome would wait for its timeout of 5 s."""
    office = await create_office(database)
    attempts: list[str] = []

    async def hire(tx: Transaction) -> str:
        attempts.append(await people.hire_employee(tx, office.employer, NEW_HIRE))
        return attempts[-1]

    actions = ["before", "after"] * (WRITERS // 2)
    async with commit_proxy(database_url, at_commits(*actions)) as proxied, asyncio.timeout(4):
        ids = await asyncio.gather(*(proxied.transact(office.viewer, office.clock(), hire) for _ in range(WRITERS)))

    assert len(attempts) == WRITERS + WRITERS // 2
    assert (await office.read_all_rows())["employees"].keys() == set(ids)
    assert len(set(ids)) == WRITERS


async def test_transaction_in_progress_is_awaited(database: Database, database_url: str, owner_url: str) -> None:
    """The server may receive a COMMIT long after the client lost the connection."""
    office = await create_office(database)
    attempts = 0

    async def hire(tx: Transaction) -> str:
        nonlocal attempts
        attempts += 1
        return await people.hire_employee(tx, office.employer, NEW_HIRE)

    async def wait_for_search() -> None:
        while not await bystander.fetchval(WAITING_INSERTS):  # noqa: ASYNC110 - the server sends no signal
            await asyncio.sleep(0.01)

    bystander = await connect(owner_url)
    async with commit_proxy(database_url, at_commits("late"), wait_for_search) as proxied, asyncio.timeout(4):
        id = await proxied.transact(office.viewer, office.clock(), hire)
    await bystander.close()
    assert attempts == 1
    assert (await office.read_all_rows())["employees"].keys() == {id}


def kill_server(data: Path, number: int) -> None:
    for pid_file in data.glob("pg*/postmaster.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(pid_file.read_text().split()[0]), number)


@pytest.fixture
def data() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="benegraph-test-"))
    directory.chmod(0o711)
    yield directory
    kill_server(directory, signal.SIGQUIT)
    shutil.rmtree(directory, ignore_errors=True)


async def test_reused_transaction_number_acknowledges_nothing(data: Path) -> None:
    """A server that crashes forgets the numbers of transactions that were never flushed, and assigns them again."""
    settings = {"wal_writer_delay": "10s"}  # nothing is flushed before a COMMIT
    with EmbeddedPostgres(data, settings=settings) as server:
        location = DatabaseLocation(server.dsn(user=GATEWAY_ROLE), server.dsn())
        await prepare_database(location)
        async with open_database(location) as database:
            office = await create_office(database)
        await check_crash_before_commit(office, server, data, settings)


async def check_crash_before_commit(
    office: Office, server: EmbeddedPostgres, data: Path, settings: dict[str, str]
) -> None:
    numbers: list[int] = []
    ids: list[str] = []
    restarted: list[EmbeddedPostgres] = []

    async def hire(tx: Transaction) -> str:
        ids.append(await people.hire_employee(tx, office.employer, NEW_HIRE))
        numbers.append(int(await tx.driver.fetchval("SELECT pg_current_xact_id()::text")))
        return ids[-1]

    async def crash_and_assign_the_number_again() -> None:
        kill_server(data, signal.SIGKILL)
        restarted.append(await asyncio.to_thread(EmbeddedPostgres(data, settings=settings).start))
        bystander = await connect(server.dsn())
        assert int(await bystander.fetchval("SELECT pg_current_xact_id()::text")) <= numbers[0]
        while int(await bystander.fetchval("SELECT pg_current_xact_id()::text")) < numbers[0]:
            pass
        assert await bystander.fetchval("SELECT pg_xact_status($1::text::xid8)", str(numbers[0])) == "committed"
        await bystander.close()

    url = server.dsn(user=GATEWAY_ROLE)
    async with commit_proxy(url, at_commits("before"), crash_and_assign_the_number_again) as proxied:
        id = await proxied.transact(office.viewer, office.clock(), hire)
    assert len(restarted) == 1
    assert len(ids) == 2
    async with open_database(DatabaseLocation(url)) as database:
        office = replace(office, database=database)
        assert (await office.read_all_rows())["employees"].keys() == {id} == {ids[1]}
    await asyncio.to_thread(restarted[0].stop)
