"""API keys and tokens: authenticating their holders, and issuing, listing and revoking keys."""

import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from benegraph.db import store
from benegraph.db.models import ApiKey
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, Unauthenticated
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock

KEY_PREFIX = "bgk_"
_SHOWN = len(KEY_PREFIX) + 8
_LAST_USE_WITHIN = timedelta(minutes=5)

#: Why a token opens no tenant; it never says more, or tokens could be used to find out what tenants there are.
TENANT_FORBIDDEN = "This token may not enter that tenant."
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """What was found a moment ago, believed for some seconds without looking again.

    What was not found is not remembered: what is made is there at once, and strangers fill no room.
    """

    def __init__(
        self, seconds: float, max_entries: int = 8_000, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = max_entries
        self._monotonic = monotonic
        self._kept: dict[K, tuple[float, V]] = {}

    async def get_or_load(self, named: K, find: Callable[[], Awaitable[V]]) -> V:
        """Give what is remembered under a name; else find it, and remember it unless it is nothing."""
        now = self._monotonic()
        kept = self._kept.get(named)
        if kept is not None and now < kept[0]:
            return kept[1]
        # From before it is looked for: what changes while it is looked for must not be believed for longer.
        until = now + self._seconds
        found = await find()
        self._kept.pop(named, None)
        if found and self._monotonic() < until:
            self._kept[named] = until, found
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]  # the one found longest ago
        return found


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What a key is limited to: an employer, an employee of theirs, and for a service the mutations it may call."""

    role: Role
    employer_id: str | None = None
    employee_id: str | None = None
    actions: frozenset[Action] = frozenset()


@dataclass(slots=True)
class KeyGrant:
    """What a key opens in one tenant; and when it was last used, as far as is known here."""

    viewer: Viewer
    expires_at: datetime | None
    last_used_at: datetime | None


#: The rights of keys, by their hashes. A revoked key is good for as long as they are remembered.
KeyGrantCache = ExpiringCache[bytes, Sequence[KeyGrant]]
#: Whether there is what tokens name: a tenant, an employer, an employee.
ScopeExistenceCache = ExpiringCache[tuple[str, str | None, str | None], bool]


def hash_key(key: str) -> bytes:
    """Hash a key for look-up. Its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


async def authenticate(
    database: Database, clock: Clock, key: str, tenant_id: str | None, remembered: KeyGrantCache | None = None
) -> Viewer:
    """Find out who holds a key, in the tenant asked for, or in its only one.

    Raises Unauthenticated for a key that is unknown, revoked or expired; Forbidden for a tenant the key may not enter,
    whether there is such a tenant or not; BadInput where the key is good for several tenants and none was named.
    """
    hash = hash_key(key)
    if remembered is None:
        held = await _rights_of(database, hash)
    else:
        held = await remembered.get_or_load(hash, lambda: _rights_of(database, hash))
    now = clock.now
    rights = [right for right in held if right.expires_at is None or now < right.expires_at]
    if not rights:
        raise Unauthenticated("This key is not good.")
    if tenant_id is not None:
        rights = [right for right in rights if right.viewer.tenant_id == tenant_id]
        if not rights:
            raise Forbidden("This key may not enter that tenant.")
    if len(rights) > 1:
        raise BadInput("This key is good for several tenants: name one in X-Tenant.")
    right = rights[0]
    if right.last_used_at is None or right.last_used_at < now - _LAST_USE_WITHIN:
        right.last_used_at = now  # at once, or who comes with the key meanwhile would note it too
        viewer = right.viewer
        await database.transact(viewer, clock, lambda tx: store.access.touch(tx, viewer.key_id, _LAST_USE_WITHIN))
    return right.viewer


async def _rights_of(database: Database, hash: bytes) -> Sequence[KeyGrant]:
    async with database.at_the_door() as session:
        rows = await store.access.keys_by_hash(session, hash, alone=database.named)
    return [
        KeyGrant(
            Viewer(
                row.tenant_id,
                row.id,
                row.role,
                row.employer_id,
                row.employee_id,
                frozenset(Action(action) for action in row.actions if action in list(Action)),
            ),
            row.expires_at,
            row.last_used_at,
        )
        for row in rows
    ]


async def check_scope_exists(database: Database, clock: Clock, viewer: Viewer, remembered: ScopeExistenceCache) -> None:
    """Look that there is the tenant a token names, and in it the employer, and the employee of theirs.

    Raises Forbidden, with the same words whatever there is not.
    """
    if not _TENANT.fullmatch(viewer.tenant_id):
        raise Forbidden(TENANT_FORBIDDEN)
    named = (viewer.tenant_id, viewer.employer_id, viewer.employee_id)
    if not await remembered.get_or_load(named, lambda: _is_there(database, clock, viewer)):
        raise Forbidden(TENANT_FORBIDDEN)


async def _is_there(database: Database, clock: Clock, viewer: Viewer) -> bool:
    async with database.read(viewer, clock) as reading:
        return await store.access.is_there(reading)


async def issue_key(
    tx: Transaction, scope: KeyScope, label: str, *, expires_at: datetime | None = None, key: str | None = None
) -> tuple[str, str]:
    """Issue a key in the transaction's tenant; give its id and the key, which is shown this once and never stored.

    With `key`, the same key is made good for this tenant too.
    """
    key = key or KEY_PREFIX + secrets.token_urlsafe(32)
    id = tx.new_id(IdPrefix.API_KEY)
    await store.access.add_key(
        tx,
        {
            "id": id,
            "prefix": key[:_SHOWN],
            "secret_hash": hash_key(key),
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
