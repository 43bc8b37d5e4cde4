"""The cache of key grants: expiry, eviction, and the checks made again at each request."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, KeyLimits, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import (
    ExpiringCache,
    KeyGrantCache,
    authenticate,
    hash_key,
    issue_key,
    list_keys,
    revoke_key,
)
from conftest import connect
from factories.access import administrator, make_tenant
from statement_log import record_round_trips

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK = Clock(NOW)
MICROSECOND = timedelta(microseconds=1)
SERVICE = KeyLimits(Role.SERVICE, actions=frozenset({Action.ELECT}))


class ManualClock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def monotonic() -> ManualClock:
    return ManualClock()


async def issue_used_key(database: Database, *, tenant: str = "acme", **options: Any) -> tuple[str, str]:
    """Issue a key and use it, so that its next use within five minutes is not recorded."""
    await make_tenant(database, CLOCK, tenant=tenant)
    id, key = await database.transact(administrator(tenant), CLOCK, lambda tx: issue_key(tx, SERVICE, "A", **options))
    await authenticate(database, Clock(NOW - MICROSECOND), key, tenant)
    return id, key


async def count_statements(database: Database, key: str, cache: KeyGrantCache, clock: Clock = CLOCK) -> int:
    """Authenticate with a key; return how many statements that took."""
    async with record_round_trips(database) as sent:
        await authenticate(database, clock, key, None, cache)
    return len(sent)


async def revoke(database: Database, id: str, tenant: str = "acme") -> None:
    assert await database.transact(administrator(tenant), CLOCK, lambda tx: revoke_key(tx, id))


# ---------------------------------------------------------------------------------------------------------- expiry


async def test_cached_key_is_loaded_once_until_entry_expires(database: Database, monotonic: ManualClock) -> None:
    _, key = await issue_used_key(database)
    cache, counts = KeyGrantCache(1.0, monotonic=monotonic), []
    for at in (0.0, 0.0, 0.5, 0.999, 1.0, 1.001, 1.999, 2.0):
        monotonic.seconds = 1000.0 + at
        counts.append(await count_statements(database, key, cache))
    assert counts == [1, 0, 0, 0, 1, 0, 0, 1]


async def test_cache_of_zero_seconds_loads_every_time(database: Database, monotonic: ManualClock) -> None:
    _, key = await issue_used_key(database)
    cache = KeyGrantCache(0.0, monotonic=monotonic)
    assert [await count_statements(database, key, cache) for _ in range(3)] == [1, 1, 1]
    assert cache._entries == {}


async def test_revoked_key_is_valid_until_entry_expires(database: Database, monotonic: ManualClock) -> None:
    id, key = await issue_used_key(database)
    cache = KeyGrantCache(1.0, monotonic=monotonic)
    await authenticate(database, CLOCK, key, None, cache)
    await revoke(database, id)
    monotonic.seconds += 0.999
    assert await count_statements(database, key, cache) == 0
    monotonic.seconds = 1001.0
    with pytest.raises(Unauthenticated):
        await authenticate(database, CLOCK, key, None, cache)
    assert cache._entries == {}


async def test_caches_are_independent(database: Database, monotonic: ManualClock) -> None:
    id, key = await issue_used_key(database)
    first, second = KeyGrantCache(60.0, monotonic=monotonic), KeyGrantCache(60.0, monotonic=monotonic)
    await authenticate(database, CLOCK, key, None, first)
    await revoke(database, id)
    assert await count_statements(database, key, first) == 0
    with pytest.raises(Unauthenticated):
        await authenticate(database, CLOCK, key, None, second)


async def test_changed_actions_apply_when_entry_expires(database: Database, monotonic: ManualClock) -> None:
    id, key = await issue_used_key(database)
    cache = KeyGrantCache(1.0, monotonic=monotonic)

    async def change(tx: Transaction) -> None:
        await tx.session.execute(update(ApiKey).where(ApiKey.id == id).values(actions=["reissue"]))

    allowed = []
    for at in (0.0, 0.999, 1.0):
        monotonic.seconds = 1000.0 + at
        allowed.append((await authenticate(database, CLOCK, key, None, cache)).actions)
        await database.transact(administrator(), CLOCK, change)
    assert allowed == [{Action.ELECT}, {Action.ELECT}, {Action.REISSUE}]


async def test_entry_expires_counted_from_start_of_load(monotonic: ManualClock) -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(1.0, monotonic=monotonic)
    loads: list[float] = []

    async def load_slowly() -> int:
        loads.append(monotonic.seconds)
        monotonic.seconds += duration
        return 7

    duration = 0.4
    assert await cache.get_or_load("it", load_slowly) == 7
    for at, times in ((1000.999, 1), (1001.0, 2)):
        monotonic.seconds = at
        await cache.get_or_load("it", load_slowly)
        assert len(loads) == times
    monotonic.seconds, duration = 1010.0, 1.0
    await cache.get_or_load("it", load_slowly)
    assert cache._entries == {}


async def test_slow_load_expires_counted_from_its_own_start(monotonic: ManualClock) -> None:
    cache: ExpiringCache[str, str] = ExpiringCache(1.0, monotonic=monotonic)
    release = asyncio.Event()

    async def load_old() -> str:
        await release.wait()
        return "old"

    async def load_new() -> str:
        return "new"

    old = asyncio.create_task(cache.get_or_load("it", load_old))
    await asyncio.sleep(0)
    monotonic.seconds += 0.6
    assert await cache.get_or_load("it", load_new) == "new"
    release.set()
    assert await old == "old"
    monotonic.seconds = 1000.999
    assert await cache.get_or_load("it", load_new) == "old"
    monotonic.seconds = 1001.0
    assert await cache.get_or_load("it", load_new) == "new"


# ------------------------------------------------------------------------------------------ checks at each request


async def test_cached_key_expires_at_its_expiry(database: Database, monotonic: ManualClock) -> None:
    _, key = await issue_used_key(database, expires_at=NOW)
    cache = KeyGrantCache(60.0, monotonic=monotonic)
    assert await count_statements(database, key, cache, Clock(NOW - 2 * MICROSECOND)) == 1
    assert await count_statements(database, key, cache, Clock(NOW - MICROSECOND)) == 0
    async with record_round_trips(database) as sent:
        with pytest.raises(Unauthenticated):
            await authenticate(database, CLOCK, key, None, cache)
    assert sent == []


async def test_tenant_is_checked_against_cached_grants(database: Database, monotonic: ManualClock) -> None:
    first, key = await issue_used_key(database)
    cache = KeyGrantCache(1.0, monotonic=monotonic)
    await authenticate(database, CLOCK, key, None, cache)
    second, _ = await issue_used_key(database, tenant="other", key=key)
    with pytest.raises(Forbidden):
        await authenticate(database, CLOCK, key, "other", cache)
    monotonic.seconds += 1.0
    viewer = await authenticate(database, CLOCK, key, "other", cache)
    assert (viewer.tenant_id, viewer.key_id) == ("other", second)
    async with record_round_trips(database) as sent:
        with pytest.raises(BadInput):
            await authenticate(database, CLOCK, key, None, cache)
        for tenant in ("nobody", "", "ACME"):
            with pytest.raises(Forbidden):
                await authenticate(database, CLOCK, key, tenant, cache)
        assert (await authenticate(database, CLOCK, key, "acme", cache)).key_id == first
    assert sent == []


async def test_key_expired_in_one_tenant_opens_only_the_other(database: Database, monotonic: ManualClock) -> None:
    _, key = await issue_used_key(database, expires_at=NOW)
    await issue_used_key(database, tenant="other", key=key)
    cache = KeyGrantCache(60.0, monotonic=monotonic)
    with pytest.raises(BadInput):
        await authenticate(database, Clock(NOW - MICROSECOND), key, None, cache)
    assert (await authenticate(database, CLOCK, key, None, cache)).tenant_id == "other"
    with pytest.raises(Forbidden):
        await authenticate(database, CLOCK, key, "acme", cache)


async def test_last_use_of_cached_key_is_recorded_every_five_minutes(
    database: Database, monotonic: ManualClock
) -> None:
    await make_tenant(database, CLOCK)
    _, key = await database.transact(administrator(), CLOCK, lambda tx: issue_key(tx, SERVICE, "A key"))
    cache, recorded = KeyGrantCache(60.0, monotonic=monotonic), []
    for minutes in (0, 4, 5, 6, 7, 11, 12):
        now = NOW + timedelta(minutes=minutes)
        counts = await count_statements(database, key, cache, Clock(now))
        (row,) = await database.transact(administrator(), CLOCK, list_keys)
        assert row.last_used_at is not None
        recorded.append((counts > 1, (row.last_used_at - NOW) // timedelta(minutes=1)))
        assert counts == 0 or row.last_used_at == now
    assert recorded == [(True, 0), (False, 0), (False, 0), (True, 6), (False, 6), (False, 6), (True, 12)]


# -------------------------------------------------------------------------------------------------------- eviction


async def test_unknown_key_is_not_cached(database: Database, monotonic: ManualClock) -> None:
    await make_tenant(database, CLOCK)
    key, cache = "bgk_" + "A" * 43, KeyGrantCache(60.0, monotonic=monotonic)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await authenticate(database, CLOCK, key, None, cache)
    assert cache._entries == {}
    id, _ = await database.transact(administrator(), CLOCK, lambda tx: issue_key(tx, SERVICE, "A key", key=key))
    viewer = await authenticate(database, CLOCK, key, None, cache)
    assert viewer == Viewer("acme", id, Role.SERVICE, actions=frozenset({Action.ELECT}))


async def test_cache_holds_only_hash_of_key(database: Database, monotonic: ManualClock) -> None:
    _, key = await issue_used_key(database)
    cache = KeyGrantCache(60.0, monotonic=monotonic)
    await authenticate(database, CLOCK, key, None, cache)
    assert list(cache._entries) == [hash_key(key)]
    assert key not in repr(cache._entries)


async def test_oldest_entry_is_evicted_first(database: Database, monotonic: ManualClock) -> None:
    first, second, third = [(await issue_used_key(database))[1] for _ in range(3)]
    cache = KeyGrantCache(1.0, max_entries=2, monotonic=monotonic)
    assert [await count_statements(database, key, cache) for key in (first, second, first, second)] == [1, 1, 0, 0]
    assert [await count_statements(database, key, cache) for key in (third, second, third)] == [1, 0, 0]
    assert await count_statements(database, first, cache) == 1  # replaces the entry of the second key
    monotonic.seconds += 1.0
    assert [await count_statements(database, key, cache) for key in (third, first, second)] == [1, 1, 1]
    assert [await count_statements(database, key, cache) for key in (first, second, third)] == [0, 0, 1]
    assert len(cache._entries) == 2


async def test_concurrent_requests_with_one_key_succeed(database: Database, monotonic: ManualClock) -> None:
    await make_tenant(database, CLOCK)
    id, key = await database.transact(administrator(), CLOCK, lambda tx: issue_key(tx, SERVICE, "A key"))
    cache = KeyGrantCache(60.0, monotonic=monotonic)
    viewers = await asyncio.gather(*(authenticate(database, CLOCK, key, "acme", cache) for _ in range(30)))
    assert {viewer.key_id for viewer in viewers} == {id}
    async with record_round_trips(database) as sent:
        await asyncio.gather(*(authenticate(database, CLOCK, key, "acme", cache) for _ in range(30)))
    assert sent == []


# --------------------------------------------------------------------------------------------------------- loading


@pytest.mark.parametrize(("pgbouncer", "expected"), [(False, 1), (True, 3)])
async def test_key_is_loaded_in_one_statement(database: Database, *, pgbouncer: bool, expected: int) -> None:
    _, key = await issue_used_key(database)
    configured = Database(database.engine, pgbouncer=pgbouncer)
    for _ in range(2):
        assert await count_statements(configured, key, KeyGrantCache(0.0)) == expected


async def test_connection_forgets_key_after_load(database_url: str) -> None:
    engine = create_engine(database_url, PoolSettings(size=1, overflow=0))
    database = Database(engine)
    try:
        _, key = await issue_used_key(database)
        assert await count_statements(database, key, KeyGrantCache(0.0)) == 1
        async with record_round_trips(database) as sent, database.unscoped_session() as session:
            connection = await (await session.connection()).get_raw_connection()
            driver: Any = connection.driver_connection
            assert await driver.fetchval("SELECT current_setting('app.key_hash', true)") == ""
            assert await driver.fetchval("SELECT count(*) FROM api_keys") == 0
            assert not driver.is_in_transaction()
        assert len(sent) == 2
        async with record_round_trips(database) as sent, database.unscoped_session() as session:
            await session.scalar(update(ApiKey).values(label="Mine").returning(ApiKey.id))
        assert [statement for statement in sent if statement.startswith("BEGIN")]
    finally:
        await engine.dispose()


async def test_key_is_found_under_every_planner_setting(database: Database, owner_url: str) -> None:
    """The key's hash is set before the query reads it, whichever plan the server chooses."""
    keys = [(await issue_used_key(database))[1] for _ in range(3)]
    owner = await connect(owner_url)
    name = await owner.fetchval("SELECT current_database()")
    for setting in ("enable_nestloop", "enable_indexscan", "enable_bitmapscan", "enable_sort", "enable_material"):
        await owner.execute(f'ALTER DATABASE "{name}" SET {setting} = off')
    await owner.execute(f'ALTER DATABASE "{name}" SET plan_cache_mode = force_generic_plan')
    await owner.execute("ANALYZE api_keys")
    await owner.close()
    await database.engine.dispose()
    for key in keys:
        assert await count_statements(database, key, KeyGrantCache(0.0)) == 1
