"""Rights: each read has its own viewer's rights, regardless of earlier reads on the connection."""

import asyncio
from collections.abc import Mapping
from random import Random
from string import ascii_letters, printable

import asyncpg
import pytest
from read_pool_helpers import (
    ALL_EMPLOYEE_IDS,
    BOTH_MODES,
    CURRENT_RIGHTS,
    create_people,
    fetch,
    fetch_visible_ids,
    make_statement,
    open_read_database,
    wait_for_background_tasks,
)

from benegraph.db import read_connection
from benegraph.db.rights import rights_of, set_rights_sql
from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from factories.access import administrator, employee_viewer, employer_viewer

SPECIAL_TEXTS = (
    "",
    "'",
    "''",
    "\\",
    "\\'",
    "a' , 'b",
    "'); DROP TABLE tenants; --",
    "$$",
    "$1",
    ":a",
    "%s",
    "\n",
    "é",
    "日本",
    "🦩",
)


@pytest.fixture
async def visible_ids(database: Database, clock: Clock) -> Mapping[Viewer, list[str]]:
    return await create_people(database, clock)


def test_rights_are_tenant_employer_and_employee_of_the_viewer() -> None:
    assert rights_of(administrator("acme")) == ("acme", "", "")
    assert rights_of(employer_viewer("empr_1", "acme")) == ("acme", "empr_1", "")
    assert rights_of(employee_viewer("empr_1", "empl_2", "acme")) == ("acme", "empr_1", "empl_2")


@pytest.mark.parametrize(("employer", "employee"), [("", None), ("empr_1", ""), ("", "empl_2")])
def test_empty_employer_or_employee_is_rejected(employer: str, employee: str | None) -> None:
    with pytest.raises(ValueError, match=r"^employer and employee IDs must not be empty$"):
        rights_of(Viewer("acme", "akey_1", Role.SERVICE, employer, employee))


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udc00'"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_text_that_postgresql_cannot_store_is_rejected(text: str, index: int) -> None:
    rights = ["acme", "empr_1", "empl_2"]
    rights[index] = text
    with pytest.raises(ValueError, match=r"U\+0000|surrogates"):
        set_rights_sql((rights[0], rights[1], rights[2]))


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_rejected_rights_leave_the_connection_usable(database_url: str, single_statement: bool) -> None:
    async with open_read_database(database_url) as database:
        for text in ("a\0b", "\ud800"):
            with pytest.raises(ValueError, match=r"U\+0000|surrogates"):
                await fetch(database, administrator(text), CURRENT_RIGHTS, single_statement=single_statement)
            assert await fetch(database, administrator("acme"), CURRENT_RIGHTS, single_statement=single_statement) == [
                ("acme", "", "")
            ]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_ids_with_special_characters_are_set_unchanged(database_url: str, single_statement: bool) -> None:
    random = Random(20)  # noqa: S311 - an order
    letters = "'\\\"$; -" + ascii_letters + printable + "äß日🦩\x01\x7f\u2028\ufeff"
    texts = [*SPECIAL_TEXTS, *("".join(random.choices(letters, k=random.randint(1, 12))) for _ in range(150))]
    async with open_read_database(database_url) as database:
        for text in texts:
            rights = (text, text[::-1] or "a", text + "'")
            viewer = Viewer(rights[0], "akey_1", Role.SERVICE, rights[1], rights[2])
            assert await fetch(database, viewer, CURRENT_RIGHTS, single_statement=single_statement) == [rights]


async def test_each_viewer_sees_their_own_rows_after_any_other_viewer(
    database_url: str, visible_ids: Mapping[Viewer, list[str]]
) -> None:
    async with open_read_database(database_url) as database:
        for before in visible_ids:
            for after in visible_ids:
                for modes in ((a, b) for a in BOTH_MODES for b in BOTH_MODES):
                    for viewer, single_statement in zip((before, after), modes, strict=True):
                        assert (
                            await fetch_visible_ids(database, viewer, single_statement=single_statement)
                            == visible_ids[viewer]
                        )


@pytest.mark.parametrize("pgbouncer", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
async def test_concurrent_viewers_see_their_own_rows_despite_cancellations(
    database_url: str, visible_ids: Mapping[Viewer, list[str]], seed: int, pgbouncer: bool
) -> None:
    random, viewers = Random(seed), list(visible_ids)  # noqa: S311 - an order
    broken = make_statement("SELECT id FROM employees ORDER BY id / 0")
    counts = {"read": 0, "cancelled": 0, "failed": 0}

    async def read(database: Database) -> None:
        for _ in range(15):
            viewer, single_statement = random.choice(viewers), random.random() < 0.5
            async with database.read_pool.snapshot(viewer, single_statement=single_statement) as snapshot:
                for _ in range(1 if single_statement else random.randint(1, 3)):
                    assert [row["id"] for row in await snapshot.fetch(ALL_EMPLOYEE_IDS, {})] == visible_ids[viewer]
            counts["read"] += 1
            if random.random() < 0.05:
                with pytest.raises(asyncpg.PostgresError):
                    await fetch(database, viewer, broken, single_statement=random.random() < 0.5)
                counts["failed"] += 1

    async def cancel_reads(database: Database) -> None:
        for _ in range(15):
            viewer = random.choice(viewers)
            read_task = asyncio.ensure_future(
                fetch_visible_ids(database, viewer, single_statement=random.random() < 0.5)
            )
            for _ in range(random.randint(0, 12)):
                await asyncio.sleep(0)
            if read_task.cancel():
                counts["cancelled"] += 1
            (result,) = await asyncio.gather(read_task, return_exceptions=True)
            assert isinstance(result, asyncio.CancelledError) or result == visible_ids[viewer]

    async with open_read_database(database_url, max_reads=3, pgbouncer=pgbouncer) as database:
        await asyncio.gather(*(work(database) for work in [read] * 24 + [cancel_reads] * 8))
    assert counts["read"] == 360
    assert min(counts["cancelled"], counts["failed"]) > 0


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_read_cancelled_at_any_step_leaves_no_rights(
    database_url: str, visible_ids: Mapping[Viewer, list[str]], single_statement: bool
) -> None:
    """Start a read and cancel it one loop iteration later each time; then read as another and as the same viewer."""
    one, other, *_ = visible_ids
    async with open_read_database(database_url, acquire_timeout=2) as database:
        for steps in range(200):
            assert await fetch_visible_ids(database, other, single_statement=single_statement) == visible_ids[other]
            read_task = asyncio.ensure_future(fetch_visible_ids(database, one, single_statement=single_statement))
            for _ in range(steps):
                await asyncio.sleep(0)
            if not read_task.cancel():
                break
            with pytest.raises(asyncio.CancelledError):
                await read_task
            assert await fetch_visible_ids(database, other, single_statement=single_statement) == visible_ids[other]
            assert await fetch_visible_ids(database, one, single_statement=single_statement) == visible_ids[one]
        else:
            raise AssertionError("the read never completed")


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_connection_is_discarded_when_setting_rights_fails(
    database_url: str, visible_ids: Mapping[Viewer, list[str]], single_statement: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, *_ = visible_ids
    async with open_read_database(database_url) as database:
        assert await fetch_visible_ids(database, other, single_statement=single_statement) == visible_ids[other]
        with monkeypatch.context() as patched:
            patched.setattr(
                read_connection,
                "set_rights_sql",
                lambda *rights, **options: f"{set_rights_sql(*rights, **options)}, 1 / 0",
            )
            with pytest.raises(asyncpg.DivisionByZeroError):
                await fetch_visible_ids(database, one, single_statement=single_statement)
        await wait_for_background_tasks(database.read_pool)
        assert database.read_pool._idle == []
        assert await fetch_visible_ids(database, other, single_statement=single_statement) == visible_ids[other]
        assert await fetch_visible_ids(database, one, single_statement=single_statement) == visible_ids[one]


async def test_rights_are_recorded_only_after_they_are_set(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = rights_of(administrator("acme")), rights_of(administrator("birch"))
    async with open_read_database(database_url) as database:
        connection = await database.read_pool.acquire(one, in_session=True)
        recorded = [connection.rights]
        with monkeypatch.context() as patched:
            patched.setattr(read_connection, "set_rights_sql", lambda *_, **__: "SELECT 1 / 0")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await connection.begin("", other, in_session=True)
        recorded.append(connection.rights)
        beginning = asyncio.ensure_future(connection.begin("", one, in_session=True))
        await asyncio.sleep(0)
        assert beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        assert [*recorded, connection.rights] == [one, None, None]
        database.read_pool.drop(connection)


async def test_transaction_does_not_change_the_rights_of_the_session(
    database_url: str, visible_ids: Mapping[Viewer, list[str]]
) -> None:
    one, other, *_ = visible_ids
    async with open_read_database(database_url) as database:
        assert await fetch_visible_ids(database, one, single_statement=True) == visible_ids[one]
        assert await fetch_visible_ids(database, other) == visible_ids[other]
        await wait_for_background_tasks(database.read_pool)
        (connection,) = database.read_pool._idle
        assert connection.rights == rights_of(one)
        assert await connection.driver.fetch(CURRENT_RIGHTS.text) == [rights_of(one)]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_snapshot_cannot_be_used_after_its_context(
    database_url: str, visible_ids: Mapping[Viewer, list[str]], single_statement: bool
) -> None:
    one, other, *_ = visible_ids
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(one, single_statement=single_statement) as snapshot:
            pass
        with pytest.raises(RuntimeError, match="This snapshot is over: its context has ended"):
            await snapshot.fetch(ALL_EMPLOYEE_IDS, {})
        async with database.read_pool.snapshot(other, single_statement=single_statement) as another:
            with pytest.raises(RuntimeError, match="This snapshot is over: its context has ended"):
                await snapshot.fetch(ALL_EMPLOYEE_IDS, {})
            assert [row["id"] for row in await another.fetch(ALL_EMPLOYEE_IDS, {})] == visible_ids[other]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
@pytest.mark.parametrize("seconds", [0, 0.1])
async def test_statement_still_running_at_the_end_of_the_context_is_cancelled(
    database_url: str, visible_ids: Mapping[Viewer, list[str]], single_statement: bool, seconds: float
) -> None:
    """The caller forgot to await the statement, which is being prepared or executed: it returns nothing."""
    one, other, *_ = visible_ids
    slow = make_statement("SELECT id FROM employees, pg_sleep(3) ORDER BY id")
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(one, single_statement=single_statement) as snapshot:
            not_awaited = asyncio.ensure_future(snapshot.fetch(slow, {}))
            await asyncio.sleep(seconds)
        async with asyncio.timeout(2):
            assert await fetch_visible_ids(database, other, single_statement=single_statement) == visible_ids[other]
            with pytest.raises(Exception):  # noqa: B017, PT011 - the driver raises different errors for it
                await not_awaited
