"""Keys: who holds one is let in, for as long as it is good, and into which tenants."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, RequestError, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import KeyScope, authenticate, hash_key, issue_key, list_keys, revoke_key
from benegraph.services.idempotency import run_idempotent
from factories.access import administrator, make_tenant
from factories.office import create_office

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK = Clock(NOW)
MOMENT = timedelta(microseconds=1)


async def issued(database: Database, scope: KeyScope, *, tenant: str = "acme", **options: Any) -> tuple[str, str]:
    await make_tenant(database, CLOCK, tenant=tenant)
    return await database.transact(administrator(tenant), CLOCK, lambda tx: issue_key(tx, scope, "A key", **options))


async def refused(telling: Coroutine[Any, Any, Any]) -> type[RequestError]:
    with pytest.raises(RequestError) as error:
        await telling
    return type(error.value)


async def test_a_key_makes_its_holder_the_viewer_it_says(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    scopes = [
        KeyScope(Role.ADMINISTRATOR),
        KeyScope(Role.EMPLOYER, office.employer),
        KeyScope(Role.EMPLOYEE, office.employer, ada),
        KeyScope(Role.SERVICE, actions=frozenset({Action.ELECT, Action.CREATE_EMPLOYEE})),
        KeyScope(Role.SERVICE, office.employer),
    ]
    for scope in scopes:
        id, key = await issued(database, scope)
        assert await authenticate(database, CLOCK, key, "acme") == Viewer(
            "acme", id, scope.role, scope.employer_id, scope.employee_id, scope.actions
        )
        assert await authenticate(database, CLOCK, key, None) == await authenticate(database, CLOCK, key, "acme")


async def test_the_key_itself_is_stored_nowhere(database: Database) -> None:
    id, key = await issued(database, KeyScope(Role.ADMINISTRATOR))
    assert key.startswith("bgk_")
    assert len(key) > 40

    async def story(tx: Transaction) -> Any:
        return await list_keys(tx)

    (row,) = await database.transact(administrator(), CLOCK, story)
    assert (row.id, row.prefix, row.secret_hash, row.label) == (id, key[:12], hash_key(key), "A key")


async def test_a_key_that_is_not_good_lets_nobody_in(database: Database) -> None:
    _, key = await issued(database, KeyScope(Role.ADMINISTRATOR))
    for wrong in ("", "bgk_", key[:-1], key + "x", key.upper(), "\x00"):
        assert await refused(authenticate(database, CLOCK, wrong, None)) is Unauthenticated


async def test_a_key_is_good_until_the_moment_it_expires(database: Database) -> None:
    _, key = await issued(database, KeyScope(Role.ADMINISTRATOR), expires_at=NOW)
    await authenticate(database, Clock(NOW - MOMENT), key, None)
    assert await refused(authenticate(database, CLOCK, key, None)) is Unauthenticated


async def test_a_revoked_key_is_good_no_more(database: Database) -> None:
    id, key = await issued(database, KeyScope(Role.ADMINISTRATOR))
    await make_tenant(database, CLOCK, tenant="other")
    assert not await database.transact(administrator("other"), CLOCK, lambda tx: revoke_key(tx, id))
    await authenticate(database, CLOCK, key, None)
    assert await database.transact(administrator(), CLOCK, lambda tx: revoke_key(tx, id))
    assert not await database.transact(administrator(), CLOCK, lambda tx: revoke_key(tx, id))
    assert await refused(authenticate(database, CLOCK, key, None)) is Unauthenticated


async def test_a_foreign_tenant_and_an_unknown_one_are_closed_alike(database: Database) -> None:
    _, key = await issued(database, KeyScope(Role.ADMINISTRATOR))
    await make_tenant(database, CLOCK, tenant="other")
    messages = set()
    for tenant in ("other", "unknown", "", "ACME", "\x00"):
        with pytest.raises(Forbidden) as error:
            await authenticate(database, CLOCK, key, tenant)
        messages.add(str(error.value))
    assert len(messages) == 1


async def test_one_key_may_be_good_for_several_tenants(database: Database) -> None:
    first, key = await issued(database, KeyScope(Role.ADMINISTRATOR))
    second, same = await issued(database, KeyScope(Role.SERVICE), tenant="other", key=key)
    assert same == key
    assert await refused(authenticate(database, CLOCK, key, None)) is BadInput
    found = [await authenticate(database, CLOCK, key, tenant) for tenant in ("acme", "other")]
    assert [(viewer.tenant_id, viewer.key_id, viewer.role) for viewer in found] == [
        ("acme", first, Role.ADMINISTRATOR),
        ("other", second, Role.SERVICE),
    ]
    assert await database.transact(administrator("other"), CLOCK, lambda tx: revoke_key(tx, second))
    assert (await authenticate(database, CLOCK, key, None)).tenant_id == "acme"
    assert await refused(authenticate(database, CLOCK, key, "other")) is Forbidden


async def test_the_last_use_is_noted_to_within_five_minutes(database: Database) -> None:
    _, key = await issued(database, KeyScope(Role.ADMINISTRATOR))
    noted = []
    for minutes in (0, 4, 5, 6):
        await authenticate(database, Clock(NOW + timedelta(minutes=minutes)), key, None)
        (row,) = await database.transact(administrator(), CLOCK, list_keys)
        noted.append(row.last_used_at)
    assert noted == [NOW, NOW, NOW, NOW + timedelta(minutes=6)]


async def test_an_action_that_is_no_more_is_passed_over(database: Database) -> None:
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


# ------------------------------------------------------------------------------------------- calls that count once


async def test_old_answers_are_forgotten_after_thirty_days(database: Database) -> None:
    await make_tenant(database, CLOCK)

    async def call(at: datetime) -> bool:
        async def nothing(_tx: Transaction) -> dict[str, Any]:
            return {"at": at.isoformat()}

        _, replayed = await database.transact(
            administrator(), Clock(at), lambda tx: run_idempotent(tx, Action.ELECT, "key", b"hash", nothing)
        )
        return replayed

    days = timedelta(days=30)
    assert [await call(at) for at in (NOW, NOW + days, NOW + days + MOMENT, NOW + days + days)] == [
        False,
        True,
        False,
        True,
    ]
    await database.transact(administrator(), Clock(NOW + days + days), store.access.delete_expired_idempotency_keys)
    assert await call(NOW + days + days)
    await database.transact(administrator(), Clock(NOW + 3 * days), store.access.delete_expired_idempotency_keys)
    assert not await call(NOW + days + days)
