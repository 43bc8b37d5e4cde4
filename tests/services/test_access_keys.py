"""API keys: authentication, expiry, revocation and tenants."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, KeyLimits, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, RequestError, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import authenticate, hash_key, issue_key, list_keys, revoke_key
from benegraph.services.idempotency import run_idempotent
from factories.access import administrator, make_tenant
from factories.office import create_office

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK = Clock(NOW)
MICROSECOND = timedelta(microseconds=1)


async def issue(database: Database, limits: KeyLimits, *, tenant: str = "acme", **options: Any) -> tuple[str, str]:
    await make_tenant(database, CLOCK, tenant=tenant)
    return await database.transact(administrator(tenant), CLOCK, lambda tx: issue_key(tx, limits, "A key", **options))


async def error_type(call: Coroutine[Any, Any, Any]) -> type[RequestError]:
    with pytest.raises(RequestError) as error:
        await call
    return type(error.value)


async def test_key_authenticates_as_its_viewer(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    all_limits = [
        KeyLimits(Role.ADMINISTRATOR),
        KeyLimits(Role.EMPLOYER, office.employer),
        KeyLimits(Role.EMPLOYEE, office.employer, ada),
        KeyLimits(Role.SERVICE, actions=frozenset({Action.ELECT, Action.CREATE_EMPLOYEE})),
        KeyLimits(Role.SERVICE, office.employer),
    ]
    for limits in all_limits:
        id, key = await issue(database, limits)
        assert await authenticate(database, CLOCK, key, "acme") == Viewer(
            "acme", id, limits.role, limits.employer_id, limits.employee_id, limits.actions
        )
        assert await authenticate(database, CLOCK, key, None) == await authenticate(database, CLOCK, key, "acme")


async def test_only_hash_and_prefix_of_key_are_stored(database: Database) -> None:
    id, key = await issue(database, KeyLimits(Role.ADMINISTRATOR))
    assert key.startswith("bgk_")
    assert len(key) > 40

    async def list_all(tx: Transaction) -> Any:
        return await list_keys(tx)

    (row,) = await database.transact(administrator(), CLOCK, list_all)
    assert (row.id, row.prefix, row.secret_hash, row.label) == (id, key[:12], hash_key(key), "A key")


async def test_unknown_key_is_unauthenticated(database: Database) -> None:
    _, key = await issue(database, KeyLimits(Role.ADMINISTRATOR))
    for unknown in ("", "bgk_", key[:-1], key + "x", key.upper(), "\x00"):
        assert await error_type(authenticate(database, CLOCK, unknown, None)) is Unauthenticated


async def test_key_is_valid_until_it_expires(database: Database) -> None:
    _, key = await issue(database, KeyLimits(Role.ADMINISTRATOR), expires_at=NOW)
    await authenticate(database, Clock(NOW - MICROSECOND), key, None)
    assert await error_type(authenticate(database, CLOCK, key, None)) is Unauthenticated


async def test_revoked_key_is_unauthenticated(database: Database) -> None:
    id, key = await issue(database, KeyLimits(Role.ADMINISTRATOR))
    await make_tenant(database, CLOCK, tenant="other")
    assert not await database.transact(administrator("other"), CLOCK, lambda tx: revoke_key(tx, id))
    await authenticate(database, CLOCK, key, None)
    assert await database.transact(administrator(), CLOCK, lambda tx: revoke_key(tx, id))
    assert not await database.transact(administrator(), CLOCK, lambda tx: revoke_key(tx, id))
    assert await error_type(authenticate(database, CLOCK, key, None)) is Unauthenticated


async def test_foreign_and_unknown_tenants_get_same_message(database: Database) -> None:
    _, key = await issue(database, KeyLimits(Role.ADMINISTRATOR))
    await make_tenant(database, CLOCK, tenant="other")
    messages = set()
    for tenant in ("other", "unknown", "", "ACME", "\x00"):
        with pytest.raises(Forbidden) as error:
            await authenticate(database, CLOCK, key, tenant)
        messages.add(str(error.value))
    assert len(messages) == 1


async def test_one_key_may_open_several_tenants(database: Database) -> None:
    first, key = await issue(database, KeyLimits(Role.ADMINISTRATOR))
    second, same = await issue(database, KeyLimits(Role.SERVICE), tenant="other", key=key)
    assert same == key
    assert await error_type(authenticate(database, CLOCK, key, None)) is BadInput
    viewers = [await authenticate(database, CLOCK, key, tenant) for tenant in ("acme", "other")]
    assert [(viewer.tenant_id, viewer.key_id, viewer.role) for viewer in viewers] == [
        ("acme", first, Role.ADMINISTRATOR),
        ("other", second, Role.SERVICE),
    ]
    assert await database.transact(administrator("other"), CLOCK, lambda tx: revoke_key(tx, second))
    assert (await authenticate(database, CLOCK, key, None)).tenant_id == "acme"
    assert await error_type(authenticate(database, CLOCK, key, "other")) is Forbidden


async def test_last_use_is_recorded_every_five_minutes(database: Database) -> None:
    _, key = await issue(database, KeyLimits(Role.ADMINISTRATOR))
    recorded = []
    for minutes in (0, 4, 5, 6):
        await authenticate(database, Clock(NOW + timedelta(minutes=minutes)), key, None)
        (row,) = await database.transact(administrator(), CLOCK, list_keys)
        recorded.append(row.last_used_at)
    assert recorded == [NOW, NOW, NOW, NOW + timedelta(minutes=6)]


async def test_unknown_stored_action_is_ignored(database: Database) -> None:
    await make_tenant(database, CLOCK)
    row = {
        "id": "akey_01h455vb4pex5vsknk084sn02q",
        "prefix": "bgk_",
        "secret_hash": hash_key("bgk_x"),
        "label": "Old",
        "role": Role.SERVICE,
        "actions": ["elect", "danceTheTango"],
    }
    await database.transact(administrator(), CLOCK, lambda tx: store.access.insert_key(tx, row))
    assert (await authenticate(database, CLOCK, "bgk_x", None)).actions == {Action.ELECT}


# --------------------------------------------------------------------------------------------- idempotency records


async def test_idempotency_records_expire_after_thirty_days(database: Database) -> None:
    await make_tenant(database, CLOCK)

    async def call(at: datetime) -> bool:
        async def return_instant(_tx: Transaction) -> dict[str, Any]:
            return {"at": at.isoformat()}

        _, replayed = await database.transact(
            administrator(), Clock(at), lambda tx: run_idempotent(tx, Action.ELECT, "key", b"hash", return_instant)
        )
        return replayed

    days = timedelta(days=30)
    assert [await call(at) for at in (NOW, NOW + days, NOW + days + MICROSECOND, NOW + days + days)] == [
        False,
        True,
        False,
        True,
    ]
    await database.transact(administrator(), Clock(NOW + days + days), store.access.delete_expired_idempotency_keys)
    assert await call(NOW + days + days)
    await database.transact(administrator(), Clock(NOW + 3 * days), store.access.delete_expired_idempotency_keys)
    assert not await call(NOW + days + days)
