"""Keys and tokens: who holds one is let in; administrators issue and revoke keys. And calls that count once."""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from benegraph.db import store
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Code, Forbidden, Unauthenticated, refuse
from benegraph.domain.ids import Kind
from benegraph.domain.values import Clock

PREFIX = "bgk_"
_SHOWN = len(PREFIX) + 8
_LAST_USE_WITHIN = timedelta(minutes=5)

#: Why a token opens no tenant; it never says more, or tokens could be used to find out what tenants there are.
NO_ENTRY = "This token may not enter that tenant."
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SEEN_WITHIN = timedelta(minutes=1)
_MOST_SEEN = 10_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key is limited to: an employer, an employee of theirs, and for a service the mutations it may call."""

    role: Role
    employer_id: str | None = None
    employee_id: str | None = None
    actions: frozenset[Action] = frozenset()


def hash_of(key: str) -> bytes:
    """Hash a key for look-up. Its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


async def authenticate(database: Database, clock: Clock, key: str, tenant_id: str | None) -> Viewer:
    """Find out who holds a key, in the tenant asked for, or in its only one.

    Raises Unauthenticated for a key that is unknown, revoked or expired; Forbidden for a tenant the key may not enter,
    whether there is such a tenant or not; BadInput where the key is good for several tenants and none was named.
    """
    async with database.at_the_door() as session:
        rows = [row for row in await store.access.keys_by_hash(session, hash_of(key)) if _is_good(row, clock.now)]
    if not rows:
        raise Unauthenticated("This key is not good.")
    if tenant_id is not None:
        rows = [row for row in rows if row.tenant_id == tenant_id]
        if not rows:
            raise Forbidden("This key may not enter that tenant.")
    if len(rows) > 1:
        raise BadInput("This key is good for several tenants: name one in X-Tenant.")
    row = rows[0]
    viewer = Viewer(
        row.tenant_id,
        row.id,
        row.role,
        row.employer_id,
        row.employee_id,
        frozenset(Action(action) for action in row.actions if action in list(Action)),
    )
    if row.last_used_at is None or row.last_used_at < clock.now - _LAST_USE_WITHIN:
        await database.transact(viewer, clock, lambda tx: store.access.touch(tx, row.id, _LAST_USE_WITHIN))
    return viewer


class Admission:
    """Lets in whom a token names, and remembers it for a minute, so that not every request has to ask."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str | None, str | None], datetime] = {}

    async def admit(self, database: Database, clock: Clock, viewer: Viewer) -> None:
        """Look that there is the viewer's tenant, and in it the employer, and the employee of theirs.

        Raises Forbidden, with the same words whatever there is not.
        """
        named = (viewer.tenant_id, viewer.employer_id, viewer.employee_id)
        seen = self._seen.get(named)
        if seen is not None and abs(clock.now - seen) < _SEEN_WITHIN:
            return
        if not _TENANT.fullmatch(viewer.tenant_id):
            raise Forbidden(NO_ENTRY)
        async with database.read(viewer, clock) as reading:
            if not await store.access.is_there(reading):
                raise Forbidden(NO_ENTRY)
        self._seen.pop(named, None)
        self._seen[named] = clock.now
        if len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]  # the one seen longest ago


async def issue_key(
    tx: Transaction, scope: Scope, label: str, *, expires_at: datetime | None = None, key: str | None = None
) -> tuple[str, str]:
    """Issue a key in the transaction's tenant; give its id and the key, which is shown this once and never stored.

    With `key`, the same key is made good for this tenant too.
    """
    key = key or PREFIX + secrets.token_urlsafe(32)
    id = tx.new_id(Kind.API_KEY)
    await store.access.add_key(
        tx,
        {
            "id": id,
            "prefix": key[:_SHOWN],
            "secret_hash": hash_of(key),
            "label": label,
            "role": scope.role,
            "employer_id": scope.employer_id,
            "employee_id": scope.employee_id,
            "actions": sorted(scope.actions),
            "expires_at": expires_at,
        },
    )
    return id, key


async def list_keys(tx: Transaction) -> Sequence[ApiKey]:
    """List a tenant's keys, oldest first, by what may be shown of them."""
    return await store.access.keys(tx)


async def revoke_key(tx: Transaction, id: str) -> bool:
    """Revoke a key of the tenant; False where there is none in force."""
    return await store.access.revoke(tx, id, tx.clock.now)


def _is_good(row: ApiKey, now: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


async def once(
    tx: Transaction,
    action: Action,
    key: str,
    input_hash: bytes,
    story: Callable[[Transaction], Awaitable[dict[str, Any]]],
    foretold: dict[str, Any] | None = None,
) -> tuple[dict[str, Any], bool]:
    """Do what a mutation does, unless its caller did it before under the same key; tell which.

    The answer is kept in the same transaction, so there is never one without the other; one that is `foretold` is
    written but once. Raises Refused where the key was used for another input.
    """
    kept = await store.access.reserve(tx, action, key, input_hash, foretold or {})
    if kept is None:
        result = await story(tx)
        if result != foretold:
            await store.access.keep(tx, action, key, result)
        if input_hash[0] == 0:  # one call in 256 sweeps for all: old answers are in nobody's way, but they add up
            await store.access.forget_old_answers(tx)
        return result, False
    if kept.input_hash != input_hash:
        raise refuse(
            Code.IDEMPOTENCY_KEY_REUSED, "This key was used for another input of this mutation.", "idempotencyKey"
        )
    return kept.result, True
