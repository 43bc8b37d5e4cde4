"""Health probes: liveness and readiness of this process. They need no API key."""

import asyncio
import logging

from aiohttp import web

from benegraph.db.migrations import current_revision, latest_revision
from benegraph.db.session import Database
from benegraph.graphql.engine.errors import describe_error
from benegraph.web.draining import Draining

log = logging.getLogger(__name__)

CHECK_TIMEOUT_SECONDS = 5.0
#: How long the result of a database check is reused. Anyone may send probes, so they must not load the database.
CHECK_INTERVAL_SECONDS = 1.0


class Health:
    """The handlers of /livez and /readyz."""

    def __init__(self, database: Database, draining: Draining) -> None:
        self._draining = draining
        self._url = database.engine.url.render_as_string(hide_password=False)
        self._latest_revision = latest_revision()
        self._lock = asyncio.Lock()
        #: The time of the last check on the loop's clock, and its result.
        self._last_check: tuple[float, str | None] | None = None

    async def live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(self, _request: web.Request) -> web.Response:
        reason = "draining" if self._draining.is_draining else await self._unready_reason()
        if reason is None:
            return web.json_response({"ready": True})
        return web.json_response({"ready": False, "reason": reason}, status=503)

    async def _unready_reason(self) -> str | None:
        async with self._lock:  # probes that waited here reuse the result of the one before them
            clock = asyncio.get_running_loop().time
            if self._last_check is None or clock() - self._last_check[0] >= CHECK_INTERVAL_SECONDS:
                reason = await self._check_database()
                self._last_check = clock(), reason
            return self._last_check[1]

    async def _check_database(self) -> str | None:
        # On a connection outside the pool: a busy process is not unready. Removing it would overload the others.
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                revision = await current_revision(self._url)
        except Exception as error:  # noqa: BLE001 - any failure means that the process is not ready
            log.warning("Not ready: cannot read the database's migration revision: %s", describe_error(error))
            return "database"
        return None if revision == self._latest_revision else "migrations"
