"""Authentication by API key, checks of token scopes, and API key administration."""

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
from benegraph.domain.access import Action, KeyLimits, Viewer
from benegraph.domain.errors import BadInput, Forbidden, Unauthenticated
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import Clock

KEY_PREFIX = "bgk_"
#: How many characters of a key are stored in clear, so that an administrator can recognize it in a list.
_DISPLAYED_LENGTH = len(KEY_PREFIX) + 8
#: `last_used_at` is written at most once in this interval.
_LAST_USED_INTERVAL = timedelta(minutes=5)

#: The message for every key that is not valid, also for one of the wrong form. A more precise one would help to guess.
INVALID_KEY = "The API key is unknown, revoked or expired."
#: The message for every tenant to which a token grants no access. A more precise one would reveal which tenants exist.
TENANT_FORBIDDEN = "The token does not grant access to this tenant."
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """A bounded cache whose entries expire after some seconds.

    Empty results are not cached: a new key or tenant is found at once, and unknown ones take no space.
    """

    def __init__(
        self, seconds: float, max_entries: int = 8_000, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._max_entries = max_entries
        self._monotonic = monotonic
        self._entries: dict[K, tuple[float, V]] = {}

    async def get_or_load(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """Return the cached value of a key; otherwise load it, and cache it unless it is empty."""
        now = self._monotonic()
        entry = self._entries.get(key)
        if entry is not None and now < entry[0]:
            return entry[1]
        # The entry's lifetime starts before the load, so a change made during the load is hidden no longer than any
        # other.
        expires_at = now + self._seconds
        value = await load()
        self._entries.pop(key, None)
        if value and self._monotonic() < expires_at:
            self._entries[key] = expires_at, value
            if len(self._entries) > self._max_entries:
                del self._entries[next(iter(self._entries))]  # the oldest entry
        return value


@dataclass(slots=True)
class KeyGrant:
    """The access that a key grants in one tenant, and its last use as far as this process knows."""

    viewer: Viewer
    expires_at: datetime | None
    last_used_at: datetime | None


#: Caches key grants by the hash of the key. A revoked key keeps working until its entry expires.
KeyGrantCache = ExpiringCache[bytes, Sequence[KeyGrant]]
#: Caches whether the tenant, employer and employee named in a token exist.
ScopeExistenceCache = ExpiringCache[tuple[str, str | None, str | None], bool]


def hash_key(key: str) -> bytes:
    """Return the hash under which a key is stored. Its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


async def authenticate(
    database: Database, clock: Clock, key: str, tenant_id: str | None, cache: KeyGrantCache | None = None
) -> Viewer:
    """Return the viewer that a key stands for, in the requested tenant or in the key's only one.

    Raises Unauthenticated for a key that is unknown, revoked or expired; Forbidden for a tenant to which the key
    grants no access, whether it exists or not; BadInput if the key grants access to several tenants and the request
    names none.
    """
    hash = hash_key(key)
    if cache is None:
        grants = await _load_grants(database, hash)
    else:
        grants = await cache.get_or_load(hash, lambda: _load_grants(database, hash))
    now = clock.now
    grants = [grant for grant in grants if grant.expires_at is None or now < grant.expires_at]
    if not grants:
        raise Unauthenticated(INVALID_KEY)
    if tenant_id is not None:
        grants = [grant for grant in grants if grant.viewer.tenant_id == tenant_id]
        if not grants:
            raise Forbidden("The API key does not grant access to this tenant.")
    if len(grants) > 1:
        raise BadInput("The API key grants access to several tenants; name one in the X-Tenant header.")
    grant = grants[0]
    if grant.last_used_at is None or grant.last_used_at < now - _LAST_USED_INTERVAL:
        # Set before the write, so that concurrent requests with this key do not write it too.
        grant.last_used_at = now
        viewer = grant.viewer
        await database.transact(
            viewer, clock, lambda tx: store.access.record_key_use(tx, viewer.key_id, _LAST_USED_INTERVAL)
        )
    return grant.viewer


async def _load_grants(database: Database, hash: bytes) -> Sequence[KeyGrant]:
    async with database.unscoped_session() as session:
        rows = await store.access.find_keys_by_hash(session, hash, single_statement=not database.pgbouncer)
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


async def check_scope_exists(database: Database, clock: Clock, viewer: Viewer, cache: ScopeExistenceCache) -> None:
    """Check that the tenant named in a token exists, and in it the named employer and employee, if any.

    Raises Forbidden with one message for whichever of them is missing.
    """
    if not _TENANT.fullmatch(viewer.tenant_id):
        raise Forbidden(TENANT_FORBIDDEN)
    scope = (viewer.tenant_id, viewer.employer_id, viewer.employee_id)
    if not await cache.get_or_load(scope, lambda: _scope_exists(database, clock, viewer)):
        raise Forbidden(TENANT_FORBIDDEN)


async def _scope_exists(database: Database, clock: Clock, viewer: Viewer) -> bool:
    async with database.read(viewer, clock) as read_session:
        return await store.access.scope_exists(read_session)


async def issue_key(
    tx: Transaction, limits: KeyLimits, label: str, *, expires_at: datetime | None = None, key: str | None = None
) -> tuple[str, str]:
    """Issue a key in the transaction's tenant, and return its ID and the key itself.

    The key is never stored, so it can be shown only now. With `key`, an existing key gets access to this tenant too.
    """
    key = key or KEY_PREFIX + secrets.token_urlsafe(32)
    id = tx.new_id(IdPrefix.API_KEY)
    row = {
        "id": id,
        "prefix": key[:_DISPLAYED_LENGTH],
        "secret_hash": hash_key(key),
        "label": label,
        "role": limits.role,
        "employer_id": limits.employer_id,
        "employee_id": limits.employee_id,
        "actions": sorted(limits.actions),
        "expires_at": expires_at,
    }
    await store.access.insert_key(tx, row)
    event = store.history.creation_event(tx, row, "ISSUED", limits.employee_id)
    await store.history.insert_events(tx, [event])
    return id, key


async def list_keys(tx: Transaction) -> Sequence[ApiKey]:
    """List the API keys of a tenant, oldest first."""
    return await store.access.list_keys(tx)


async def revoke_key(tx: Transaction, id: str) -> bool:
    """Revoke a key of the tenant; return False if no active key has this ID."""
    key = await store.access.revoke_key(tx, id, tx.clock.now)
    if key is None:
        return False
    row = {"id": id, "employer_id": key.employer_id, "revoked_at": tx.clock.now}
    await store.history.insert_events(tx, [store.history.creation_event(tx, row, "REVOKED", key.employee_id)])
    return True
