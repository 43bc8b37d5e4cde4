"""Keys that are remembered: believed for their seconds and no longer, and never for more than was found of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import (
    ExpiringCache,
    KeyGrantCache,
    KeyScope,
    authenticate,
    hash_key,
    issue_key,
    list_keys,
    revoke_key,
)
from conftest import connect
from factories.access import administrator, make_tenant
from sent import statements

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK = Clock(NOW)
MOMENT = timedelta(microseconds=1)
SERVICE = KeyScope(Role.SERVICE, actions=frozenset({Action.ELECT}))


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hand() -> Hand:
    return Hand()


async def issued(database: Database, *, tenant: str = "acme", **options: Any) -> tuple[str, str]:
    """Issue a key that was used just now, so that its next use is not noted."""
    await make_tenant(database, CLOCK, tenant=tenant)
    id, key = await database.transact(administrator(tenant), CLOCK, lambda tx: issue_key(tx, SERVICE, "A", **options))
    await authenticate(database, Clock(NOW - MOMENT), key, tenant)
    return id, key


async def asked(database: Database, key: str, remembered: KeyGrantCache, clock: Clock = CLOCK) -> int:
    """Let a key's holder in; tell how many turns to the database it took."""
    async with statements(database) as sent:
        await authenticate(database, clock, key, None, remembered)
    return len(sent)


async def revoke(database: Database, id: str, tenant: str = "acme") -> None:
    assert await database.transact(administrator(tenant), CLOCK, lambda tx: revoke_key(tx, id))


# ---------------------------------------------------------------------------------------------------- for how long


async def test_a_remembered_key_is_asked_for_once_within_its_seconds(database: Database, hand: Hand) -> None:
    _, key = await issued(database)
    remembered, turns = KeyGrantCache(1.0, monotonic=hand), []
    for at in (0.0, 0.0, 0.5, 0.999, 1.0, 1.001, 1.999, 2.0):
        hand.at = 1000.0 + at
        turns.append(await asked(database, key, remembered))
    assert turns == [1, 0, 0, 0, 1, 0, 0, 1]


async def test_with_no_seconds_it_is_asked_for_each_time(database: Database, hand: Hand) -> None:
    _, key = await issued(database)
    remembered = KeyGrantCache(0.0, monotonic=hand)
    assert [await asked(database, key, remembered) for _ in range(3)] == [1, 1, 1]
    assert remembered._entries == {}


async def test_a_revoked_key_is_good_until_its_seconds_are_over(database: Database, hand: Hand) -> None:
    id, key = await issued(database)
    remembered = KeyGrantCache(1.0, monotonic=hand)
    await authenticate(database, CLOCK, key, None, remembered)
    await revoke(database, id)
    hand.at += 0.999
    assert await asked(database, key, remembered) == 0
    hand.at = 1001.0
    with pytest.raises(Unauthenticated):
        await authenticate(database, CLOCK, key, None, remembered)
    assert remembered._entries == {}


async def test_each_memory_is_its_own(database: Database, hand: Hand) -> None:
    id, key = await issued(database)
    here, there = KeyGrantCache(60.0, monotonic=hand), KeyGrantCache(60.0, monotonic=hand)
    await authenticate(database, CLOCK, key, None, here)
    await revoke(database, id)
    assert await asked(database, key, here) == 0
    with pytest.raises(Unauthenticated):
        await authenticate(database, CLOCK, key, None, there)


async def test_changed_rights_are_told_once_its_seconds_are_over(database: Database, hand: Hand) -> None:
    id, key = await issued(database)
    remembered = KeyGrantCache(1.0, monotonic=hand)

    async def change(tx: Transaction) -> None:
        await tx.session.execute(update(ApiKey).where(ApiKey.id == id).values(actions=["reissue"]))

    may = []
    for at in (0.0, 0.999, 1.0):
        hand.at = 1000.0 + at
        may.append((await authenticate(database, CLOCK, key, None, remembered)).actions)
        await database.transact(administrator(), CLOCK, change)
    assert may == [{Action.ELECT}, {Action.ELECT}, {Action.REISSUE}]


async def test_an_answer_is_as_old_as_its_question(hand: Hand) -> None:
    memory: ExpiringCache[str, int] = ExpiringCache(1.0, monotonic=hand)
    found = []

    async def find_slowly() -> int:
        found.append(hand.at)
        hand.at += slowly
        return 7

    slowly = 0.4
    assert await memory.get_or_load("it", find_slowly) == 7
    for at, times in ((1000.999, 1), (1001.0, 2)):
        hand.at = at
        await memory.get_or_load("it", find_slowly)
        assert len(found) == times
    hand.at, slowly = 1010.0, 1.0
    await memory.get_or_load("it", find_slowly)
    assert memory._entries == {}


async def test_an_older_answer_that_comes_later_is_believed_for_its_own_seconds(hand: Hand) -> None:
    memory: ExpiringCache[str, str] = ExpiringCache(1.0, monotonic=hand)
    let_go = asyncio.Event()

    async def find_old() -> str:
        await let_go.wait()
        return "old"

    async def find_new() -> str:
        return "new"

    old = asyncio.create_task(memory.get_or_load("it", find_old))
    await asyncio.sleep(0)
    hand.at += 0.6
    assert await memory.get_or_load("it", find_new) == "new"
    let_go.set()
    assert await old == "old"
    hand.at = 1000.999
    assert await memory.get_or_load("it", find_new) == "old"
    hand.at = 1001.0
    assert await memory.get_or_load("it", find_new) == "new"


# ------------------------------------------------------------------------------------- judged anew at each request


async def test_a_remembered_key_expires_at_its_instant(database: Database, hand: Hand) -> None:
    _, key = await issued(database, expires_at=NOW)
    remembered = KeyGrantCache(60.0, monotonic=hand)
    assert await asked(database, key, remembered, Clock(NOW - 2 * MOMENT)) == 1
    assert await asked(database, key, remembered, Clock(NOW - MOMENT)) == 0
    async with statements(database) as sent:
        with pytest.raises(Unauthenticated):
            await authenticate(database, CLOCK, key, None, remembered)
    assert sent == []


async def test_the_tenant_is_judged_by_what_is_remembered_of_all(database: Database, hand: Hand) -> None:
    first, key = await issued(database)
    remembered = KeyGrantCache(1.0, monotonic=hand)
    await authenticate(database, CLOCK, key, None, remembered)
    second, _ = await issued(database, tenant="other", key=key)
    with pytest.raises(Forbidden):
        await authenticate(database, CLOCK, key, "other", remembered)
    hand.at += 1.0
    viewer = await authenticate(database, CLOCK, key, "other", remembered)
    assert (viewer.tenant_id, viewer.key_id) == ("other", second)
    async with statements(database) as sent:
        with pytest.raises(BadInput):
            await authenticate(database, CLOCK, key, None, remembered)
        for tenant in ("nobody", "", "ACME"):
            with pytest.raises(Forbidden):
                await authenticate(database, CLOCK, key, tenant, remembered)
        assert (await authenticate(database, CLOCK, key, "acme", remembered)).key_id == first
    assert sent == []


async def test_a_key_that_expired_in_one_tenant_is_the_others_alone(database: Database, hand: Hand) -> None:
    _, key = await issued(database, expires_at=NOW)
    await issued(database, tenant="other", key=key)
    remembered = KeyGrantCache(60.0, monotonic=hand)
    with pytest.raises(BadInput):
        await authenticate(database, Clock(NOW - MOMENT), key, None, remembered)
    assert (await authenticate(database, CLOCK, key, None, remembered)).tenant_id == "other"
    with pytest.raises(Forbidden):
        await authenticate(database, CLOCK, key, "acme", remembered)


async def test_the_last_use_is_noted_to_within_five_minutes_from_memory_too(database: Database, hand: Hand) -> None:
    await make_tenant(database, CLOCK)
    _, key = await database.transact(administrator(), CLOCK, lambda tx: issue_key(tx, SERVICE, "A key"))
    remembered, noted = KeyGrantCache(60.0, monotonic=hand), []
    for minutes in (0, 4, 5, 6, 7, 11, 12):
        now = NOW + timedelta(minutes=minutes)
        turns = await asked(database, key, remembered, Clock(now))
        (row,) = await database.transact(administrator(), CLOCK, list_keys)
        assert row.last_used_at is not None
        noted.append((turns > 1, (row.last_used_at - NOW) // timedelta(minutes=1)))
        assert turns == 0 or row.last_used_at == now
    assert noted == [(True, 0), (False, 0), (False, 0), (True, 6), (False, 6), (False, 6), (True, 12)]


# ---------------------------------------------------------------------------------------------- what is remembered


async def test_an_unknown_key_is_not_remembered_as_unknown(database: Database, hand: Hand) -> None:
    await make_tenant(database, CLOCK)
    key, remembered = "bgk_" + "A" * 43, KeyGrantCache(60.0, monotonic=hand)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await authenticate(database, CLOCK, key, None, remembered)
    assert remembered._entries == {}
    id, _ = await database.transact(administrator(), CLOCK, lambda tx: issue_key(tx, SERVICE, "A key", key=key))
    viewer = await authenticate(database, CLOCK, key, None, remembered)
    assert viewer == Viewer("acme", id, Role.SERVICE, actions=frozenset({Action.ELECT}))


async def test_a_key_is_remembered_by_its_hash_alone(database: Database, hand: Hand) -> None:
    _, key = await issued(database)
    remembered = KeyGrantCache(60.0, monotonic=hand)
    await authenticate(database, CLOCK, key, None, remembered)
    assert list(remembered._entries) == [hash_key(key)]
    assert key not in repr(remembered._entries)


async def test_so_many_keys_are_remembered_and_the_one_found_longest_ago_goes_first(
    database: Database, hand: Hand
) -> None:
    first, second, third = [(await issued(database))[1] for _ in range(3)]
    remembered = KeyGrantCache(1.0, max_entries=2, monotonic=hand)
    assert [await asked(database, key, remembered) for key in (first, second, first, second)] == [1, 1, 0, 0]
    assert [await asked(database, key, remembered) for key in (third, second, third)] == [1, 0, 0]
    assert await asked(database, first, remembered) == 1  # in the second's place
    hand.at += 1.0
    assert [await asked(database, key, remembered) for key in (third, first, second)] == [1, 1, 1]
    assert [await asked(database, key, remembered) for key in (first, second, third)] == [0, 0, 1]
    assert len(remembered._entries) == 2


async def test_many_may_come_with_one_key_at_once(database: Database, hand: Hand) -> None:
    await make_tenant(database, CLOCK)
    id, key = await database.transact(administrator(), CLOCK, lambda tx: issue_key(tx, SERVICE, "A key"))
    remembered = KeyGrantCache(60.0, monotonic=hand)
    found = await asyncio.gather(*(authenticate(database, CLOCK, key, "acme", remembered) for _ in range(30)))
    assert {viewer.key_id for viewer in found} == {id}
    async with statements(database) as sent:
        await asyncio.gather(*(authenticate(database, CLOCK, key, "acme", remembered) for _ in range(30)))
    assert sent == []


# ------------------------------------------------------------------------------------------------------ the asking


@pytest.mark.parametrize(("pgbouncer", "turns"), [(False, 1), (True, 3)])
async def test_a_key_is_found_in_one_statement(database: Database, *, pgbouncer: bool, turns: int) -> None:
    _, key = await issued(database)
    door = Database(database.engine, pgbouncer=pgbouncer)
    for _ in range(2):
        assert await asked(door, key, KeyGrantCache(0.0)) == turns


async def test_a_connection_that_found_a_key_holds_it_no_longer(database_url: str) -> None:
    engine = create_engine(database_url, PoolSettings(size=1, overflow=0))
    database = Database(engine)
    try:
        _, key = await issued(database)
        assert await asked(database, key, KeyGrantCache(0.0)) == 1
        async with statements(database) as sent, database.unscoped_session() as session:
            connection = await (await session.connection()).get_raw_connection()
            driver: Any = connection.driver_connection
            assert await driver.fetchval("SELECT current_setting('app.key_hash', true)") == ""
            assert await driver.fetchval("SELECT count(*) FROM api_keys") == 0
            assert not driver.is_in_transaction()
        assert len(sent) == 2
        async with statements(database) as sent, database.unscoped_session() as session:
            await session.scalar(update(ApiKey).values(label="Mine").returning(ApiKey.id))
        assert [each for each in sent if each.startswith("BEGIN")]
    finally:
        await engine.dispose()


async def test_a_key_is_found_whatever_way_the_server_prefers(database: Database, owner_url: str) -> None:
    """It is shown before it is looked for, which is no matter of what the planner thinks of the table."""
    keys = [(await issued(database))[1] for _ in range(3)]
    owner = await connect(owner_url)
    name = await owner.fetchval("SELECT current_database()")
    for setting in ("enable_nestloop", "enable_indexscan", "enable_bitmapscan", "enable_sort", "enable_material"):
        await owner.execute(f'ALTER DATABASE "{name}" SET {setting} = off')
    await owner.execute(f'ALTER DATABASE "{name}" SET plan_cache_mode = force_generic_plan')
    await owner.execute("ANALYZE api_keys")
    await owner.close()
    await database.engine.dispose()
    for key in keys:
        assert await asked(database, key, KeyGrantCache(0.0)) == 1
