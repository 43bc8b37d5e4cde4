"""The keys of an issuer as we last heard of them: when they are fetched anew, and how long old ones will do."""

import asyncio
import logging
from datetime import datetime, timedelta

from aiohttp import ClientSession
from joserfc.jwk import Key

from benegraph.domain.errors import Unavailable
from benegraph.graphql.engine.errors import describe_error
from benegraph.settings import Issuer
from benegraph.web.tokens.jwks import Published, fetch

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds
#: After this long the keys are fetched anew; what the issuer has taken back by then is good no more.
FRESH = timedelta(minutes=10)
#: While fetching fails, old keys will do for as long as this.
OLDEST = timedelta(hours=24)
#: How often we look for a key that is not there, as anybody can name one; and for fresh ones, when it failed before.
SELDOM = timedelta(minutes=1)
#: How often we try while there are no keys at all.
OFTEN = timedelta(seconds=1)


class Keys:
    """An issuer's keys. All who need them at once wait for the same fetch."""

    def __init__(self, issuer: Issuer, session: ClientSession) -> None:
        self._issuer = issuer
        self._session = session
        self._published: Published = {}
        self._fetched_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._hunted_at: datetime | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str, now: datetime) -> Key | None:
        """Find a key by its id and the algorithm it is to verify; None where the issuer has none such.

        Raises Unavailable where we have no keys that are young enough, and can't get any.
        """
        waited = await self._freshen(now)
        key = self._published.get((kid, algorithm))
        if key is None and not waited and self._may_hunt(now):
            await self._fetch(now)
            key = self._published.get((kid, algorithm))
        return key

    async def close(self) -> None:
        """Give up what is being fetched."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _freshen(self, now: datetime) -> bool:
        """Fetch the keys anew, if need be; tell whether we have waited for it."""
        if _within(OLDEST, self._fetched_at, now):
            if _within(FRESH, self._fetched_at, now) or _within(SELDOM, self._failed_at, now):
                return False
            if self._failed_at is not None:  # it may take all our patience again, and the old keys will do
                self._begin(now)
                return False
        await self._fetch(now)
        if not _within(OLDEST, self._fetched_at, now):
            raise Unavailable("The keys that tokens are verified with can't be had at the moment.")
        return True

    def _may_hunt(self, now: datetime) -> bool:
        if self._fetching is not None and not self._fetching.done():
            return True
        if _within(SELDOM, self._hunted_at, now) or _within(SELDOM, self._failed_at, now):
            return False
        self._hunted_at = now
        return True

    async def _fetch(self, now: datetime) -> None:
        # One who asked and went away takes nothing from the others who wait.
        await asyncio.shield(self._begin(now))

    def _begin(self, now: datetime) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._attempt(now))
        return self._fetching

    async def _attempt(self, now: datetime) -> None:
        if self._failed_at is not None and _within(OFTEN, self._failed_at, now):
            await asyncio.sleep(OFTEN.total_seconds())
        try:
            async with asyncio.timeout(PATIENCE):
                self._published = await fetch(self._session, self._issuer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is why there are no new keys
            log.warning("The issuer's keys can't be fetched: %s", describe_error(error))
            self._failed_at = now
        else:
            self._fetched_at, self._failed_at = now, None


def _within(span: timedelta, then: datetime | None, now: datetime) -> bool:
    # Requests overtake each other, and the day of a demo begins anew each midnight: `then` may be later than `now`.
    return then is not None and abs(now - then) < span
