"""Rights: every read is made with its viewer's, whoever read by the same connection before, and however that ended."""

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

CURIOUS = (
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
async def world(database: Database, clock: Clock) -> Mapping[Viewer, list[str]]:
    return await create_people(database, clock)


def test_a_viewer_has_the_rights_of_tenant_employer_and_employee() -> None:
    assert rights_of(administrator("acme")) == ("acme", "", "")
    assert rights_of(employer_viewer("empr_1", "acme")) == ("acme", "empr_1", "")
    assert rights_of(employee_viewer("empr_1", "empl_2", "acme")) == ("acme", "empr_1", "empl_2")


@pytest.mark.parametrize(("employer", "employee"), [("", None), ("empr_1", ""), ("", "empl_2")])
def test_a_limit_without_a_name_is_refused_as_it_would_be_none(employer: str, employee: str | None) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        rights_of(Viewer("acme", "akey_1", Role.SERVICE, employer, employee))


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udc00'"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_can_not_be_sent_is_no_right(text: str, place: int) -> None:
    rights = ["acme", "empr_1", "empl_2"]
    rights[place] = text
    with pytest.raises(ValueError, match=r"U\+0000|surrogates"):
        set_rights_sql((rights[0], rights[1], rights[2]))


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_what_can_not_be_sent_is_read_by_nobody_and_harms_nobody(
    database_url: str, single_statement: bool
) -> None:
    async with open_read_database(database_url) as database:
        for text in ("a\0b", "\ud800"):
            with pytest.raises(ValueError, match=r"U\+0000|surrogates"):
                await fetch(database, administrator(text), CURRENT_RIGHTS, single_statement=single_statement)
            assert await fetch(database, administrator("acme"), CURRENT_RIGHTS, single_statement=single_statement) == [
                ("acme", "", "")
            ]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_ids_of_any_letters_arrive_as_they_are(database_url: str, single_statement: bool) -> None:
    random = Random(20)  # noqa: S311 - an order
    letters = "'\\\"$; -" + ascii_letters + printable + "äß日🦩\x01\x7f\u2028\ufeff"
    texts = [*CURIOUS, *("".join(random.choices(letters, k=random.randint(1, 12))) for _ in range(150))]
    async with open_read_database(database_url) as database:
        for text in texts:
            rights = (text, text[::-1] or "a", text + "'")
            viewer = Viewer(rights[0], "akey_1", Role.SERVICE, rights[1], rights[2])
            assert await fetch(database, viewer, CURRENT_RIGHTS, single_statement=single_statement) == [rights]


async def test_on_one_connection_each_viewer_sees_their_own_after_each_other(
    database_url: str, world: Mapping[Viewer, list[str]]
) -> None:
    async with open_read_database(database_url) as database:
        for before in world:
            for after in world:
                for manners in ((a, b) for a in BOTH_MODES for b in BOTH_MODES):
                    for viewer, single_statement in zip((before, after), manners, strict=True):
                        assert (
                            await fetch_visible_ids(database, viewer, single_statement=single_statement)
                            == world[viewer]
                        )


@pytest.mark.parametrize("pgbouncer", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
async def test_many_viewers_at_once_see_their_own_whoever_gives_up(
    database_url: str, world: Mapping[Viewer, list[str]], seed: int, pgbouncer: bool
) -> None:
    random, viewers = Random(seed), list(world)  # noqa: S311 - an order
    broken = make_statement("SELECT id FROM employees ORDER BY id / 0")
    done = {"read": 0, "given up": 0, "failed": 0}

    async def read(database: Database) -> None:
        for _ in range(15):
            viewer, single_statement = random.choice(viewers), random.random() < 0.5
            async with database.read_pool.snapshot(viewer, single_statement=single_statement) as snapshot:
                for _ in range(1 if single_statement else random.randint(1, 3)):
                    assert [row["id"] for row in await snapshot.fetch(ALL_EMPLOYEE_IDS, {})] == world[viewer]
            done["read"] += 1
            if random.random() < 0.05:
                with pytest.raises(asyncpg.PostgresError):
                    await fetch(database, viewer, broken, single_statement=random.random() < 0.5)
                done["failed"] += 1

    async def give_up(database: Database) -> None:
        for _ in range(15):
            viewer = random.choice(viewers)
            reading = asyncio.ensure_future(fetch_visible_ids(database, viewer, single_statement=random.random() < 0.5))
            for _ in range(random.randint(0, 12)):
                await asyncio.sleep(0)
            if reading.cancel():
                done["given up"] += 1
            (ended,) = await asyncio.gather(reading, return_exceptions=True)
            assert isinstance(ended, asyncio.CancelledError) or ended == world[viewer]

    async with open_read_database(database_url, max_reads=3, pgbouncer=pgbouncer) as database:
        await asyncio.gather(*(work(database) for work in [read] * 24 + [give_up] * 8))
    assert done["read"] == 360
    assert min(done["given up"], done["failed"]) > 0


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_who_gives_up_at_any_turn_leaves_no_rights(
    database_url: str, world: Mapping[Viewer, list[str]], single_statement: bool
) -> None:
    """Begin as one viewer, and stop a turn of the loop later each time; then read as another, and as the same."""
    one, other, *_ = world
    async with open_read_database(database_url, acquire_timeout=2) as database:
        for turn in range(200):
            assert await fetch_visible_ids(database, other, single_statement=single_statement) == world[other]
            reading = asyncio.ensure_future(fetch_visible_ids(database, one, single_statement=single_statement))
            for _ in range(turn):
                await asyncio.sleep(0)
            if not reading.cancel():
                break
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await fetch_visible_ids(database, other, single_statement=single_statement) == world[other]
            assert await fetch_visible_ids(database, one, single_statement=single_statement) == world[one]
        else:
            raise AssertionError("it never came to its end")


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_rights_that_failed_to_be_taken_on_are_nobodys(
    database_url: str, world: Mapping[Viewer, list[str]], single_statement: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, *_ = world
    async with open_read_database(database_url) as database:
        assert await fetch_visible_ids(database, other, single_statement=single_statement) == world[other]
        with monkeypatch.context() as patched:
            patched.setattr(
                read_connection, "set_rights_sql", lambda *asked, **manner: f"{set_rights_sql(*asked, **manner)}, 1 / 0"
            )
            with pytest.raises(asyncpg.DivisionByZeroError):
                await fetch_visible_ids(database, one, single_statement=single_statement)
        await wait_for_background_tasks(database.read_pool)
        assert database.read_pool._idle == []
        assert await fetch_visible_ids(database, other, single_statement=single_statement) == world[other]
        assert await fetch_visible_ids(database, one, single_statement=single_statement) == world[one]


async def test_rights_are_known_once_they_are_taken_on_and_not_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = rights_of(administrator("acme")), rights_of(administrator("birch"))
    async with open_read_database(database_url) as database:
        got = await database.read_pool.acquire(one, in_session=True)
        known = [got.rights]
        with monkeypatch.context() as patched:
            patched.setattr(read_connection, "set_rights_sql", lambda *_, **__: "SELECT 1 / 0")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await got.begin("", other, in_session=True)
        known.append(got.rights)
        beginning = asyncio.ensure_future(got.begin("", one, in_session=True))
        await asyncio.sleep(0)
        assert beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        assert [*known, got.rights] == [one, None, None]
        database.read_pool.drop(got)


async def test_a_transaction_leaves_the_sessions_rights_as_they_were(
    database_url: str, world: Mapping[Viewer, list[str]]
) -> None:
    one, other, *_ = world
    async with open_read_database(database_url) as database:
        assert await fetch_visible_ids(database, one, single_statement=True) == world[one]
        assert await fetch_visible_ids(database, other) == world[other]
        await wait_for_background_tasks(database.read_pool)
        (rests,) = database.read_pool._idle
        assert rests.rights == rights_of(one)
        assert await rests.driver.fetch(CURRENT_RIGHTS.text) == [rights_of(one)]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
async def test_after_the_block_nobody_reads_on(
    database_url: str, world: Mapping[Viewer, list[str]], single_statement: bool
) -> None:
    one, other, *_ = world
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(one, single_statement=single_statement) as snapshot:
            pass
        with pytest.raises(RuntimeError, match="over"):
            await snapshot.fetch(ALL_EMPLOYEE_IDS, {})
        async with database.read_pool.snapshot(other, single_statement=single_statement) as another:
            with pytest.raises(RuntimeError, match="over"):
                await snapshot.fetch(ALL_EMPLOYEE_IDS, {})
            assert [row["id"] for row in await another.fetch(ALL_EMPLOYEE_IDS, {})] == world[other]


@pytest.mark.parametrize("single_statement", BOTH_MODES)
@pytest.mark.parametrize("seconds", [0, 0.1])
async def test_what_is_still_read_when_the_block_ends_is_called_off(
    database_url: str, world: Mapping[Viewer, list[str]], single_statement: bool, seconds: float
) -> None:
    """Someone forgot to wait, for the statement to be prepared or to be executed: nothing comes of it."""
    one, other, *_ = world
    slow = make_statement("SELECT id FROM employees, pg_sleep(3) ORDER BY id")
    async with open_read_database(database_url) as database:
        async with database.read_pool.snapshot(one, single_statement=single_statement) as snapshot:
            forgotten = asyncio.ensure_future(snapshot.fetch(slow, {}))
            await asyncio.sleep(seconds)
        async with asyncio.timeout(2):
            assert await fetch_visible_ids(database, other, single_statement=single_statement) == world[other]
            with pytest.raises(Exception):  # noqa: B017, PT011 - the driver has several words for it
                await forgotten
