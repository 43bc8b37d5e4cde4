"""Health: whether this process lives, and whether it should be sent requests. Neither needs a key."""

import asyncio
import logging

from aiohttp import web
from alembic.script import ScriptDirectory

from benegraph.db.migrations import config, current_revision
from benegraph.db.session import Database
from benegraph.graphql.engine.errors import describe_error
from benegraph.web.draining import Draining

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds
#: Anyone may ask, so the database is asked no more often than this, however many do.
FRESH = 1.0


class Health:
    """What probes are told."""

    def __init__(self, database: Database, draining: Draining) -> None:
        self._draining = draining
        self._url = database.engine.url.render_as_string(hide_password=False)
        self._head = latest_revision()
        self._turn = asyncio.Lock()
        self._known: tuple[float, str | None] | None = None

    async def live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(self, _request: web.Request) -> web.Response:
        reason = "draining" if self._draining.is_draining else await self._reason()
        if reason is None:
            return web.json_response({"ready": True})
        return web.json_response({"ready": False, "reason": reason}, status=503)

    async def _reason(self) -> str | None:
        async with self._turn:  # those who waited here are told what the one before them found out
            clock = asyncio.get_running_loop().time
            if self._known is None or clock() - self._known[0] >= FRESH:
                reason = await self._found_out()
                self._known = clock(), reason
            return self._known[1]

    async def _found_out(self) -> str | None:
        # Past the pool: busy is not unready, and to be taken out for it would make the others busier.
        try:
            async with asyncio.timeout(PATIENCE):
                revision = await current_revision(self._url)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is why we are not ready
            log.warning("Not ready: %s", describe_error(error))
            return "database"
        return None if revision == self._head else "migrations"


def latest_revision() -> str | None:
    """Tell the newest revision these sources know."""
    return ScriptDirectory.from_config(config()).get_current_head()
