"""A cache of an issuer's signing keys."""

import asyncio
import logging
from datetime import datetime, timedelta

from aiohttp import ClientSession
from joserfc.jwk import Key

from benegraph.domain.errors import Unavailable
from benegraph.graphql.engine.errors import describe_error
from benegraph.settings import Issuer
from benegraph.web.tokens.jwks import KeySet, fetch_key_set

log = logging.getLogger(__name__)

FETCH_TIMEOUT_SECONDS = 5.0
#: The age at which keys are fetched again. A key that the issuer has revoked works for up to this long.
REFRESH_AFTER = timedelta(minutes=10)
#: The age up to which keys are used while fetching fails.
MAX_AGE = timedelta(hours=24)
#: The interval between fetches because of an unknown key ID, which any client may send, and after a failed refresh.
RETRY_INTERVAL = timedelta(minutes=1)
#: The interval between attempts while there are no keys at all.
FIRST_FETCH_INTERVAL = timedelta(seconds=1)


class KeySetCache:
    """Caches an issuer's keys. Concurrent requests share one fetch."""

    def __init__(self, issuer: Issuer, session: ClientSession) -> None:
        self.issuer = issuer
        self._session = session
        self._key_set: KeySet = {}
        self._fetched_at: datetime | None = None
        self._failed_at: datetime | None = None
        #: The last fetch because of an unknown key ID.
        self._searched_at: datetime | None = None
        self._fetch_task: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str, now: datetime) -> Key | None:
        """Return the key with this key ID (`kid`) for an algorithm; None if the issuer has no such key.

        Without a key ID, return the issuer's only key; None if it has several. Raises Unavailable if the cached keys
        are too old and fetching fails.
        """
        has_fetched = await self._refresh(now)
        key = self._key_set.get((kid, algorithm))
        if key is None and not has_fetched and self._may_search(now):
            await self._fetch(now)
            key = self._key_set.get((kid, algorithm))
        return key

    async def close(self) -> None:
        """Cancel the current fetch."""
        if self._fetch_task is not None:
            self._fetch_task.cancel()
            await asyncio.gather(self._fetch_task, return_exceptions=True)

    async def _refresh(self, now: datetime) -> bool:
        """Fetch the keys again if they are old. Return whether this waited for a fetch."""
        if _is_within(MAX_AGE, self._fetched_at, now):
            if _is_within(REFRESH_AFTER, self._fetched_at, now) or _is_within(RETRY_INTERVAL, self._failed_at, now):
                return False
            if self._failed_at is not None:  # do not wait: it may fail again, and the old keys are still valid
                self._start_fetch(now)
                return False
        await self._fetch(now)
        if not _is_within(MAX_AGE, self._fetched_at, now):
            raise Unavailable("The keys that verify tokens are temporarily unavailable; retry the request.")
        return True

    def _may_search(self, now: datetime) -> bool:
        if self._fetch_task is not None and not self._fetch_task.done():
            return True
        if _is_within(RETRY_INTERVAL, self._searched_at, now) or _is_within(RETRY_INTERVAL, self._failed_at, now):
            return False
        self._searched_at = now
        return True

    async def _fetch(self, now: datetime) -> None:
        # Shielded, because a client that disconnects must not cancel the fetch that others wait for.
        await asyncio.shield(self._start_fetch(now))

    def _start_fetch(self, now: datetime) -> asyncio.Task[None]:
        if self._fetch_task is None or self._fetch_task.done():
            self._fetch_task = asyncio.create_task(self._try_fetch(now))
        return self._fetch_task

    async def _try_fetch(self, now: datetime) -> None:
        if self._failed_at is not None and _is_within(FIRST_FETCH_INTERVAL, self._failed_at, now):
            await asyncio.sleep(FIRST_FETCH_INTERVAL.total_seconds())
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_SECONDS):
                self._key_set = await fetch_key_set(self._session, self.issuer)
        except Exception as error:  # noqa: BLE001 - any failure means that the old keys stay
            log.warning("Cannot fetch the issuer's keys: %s", describe_error(error))
            self._failed_at = now
        else:
            self._fetched_at, self._failed_at = now, None


def _is_within(period: timedelta, then: datetime | None, now: datetime) -> bool:
    # `then` may be later than `now`: requests overtake each other, and the demo's day starts again at midnight.
    return then is not None and abs(now - then) < period
