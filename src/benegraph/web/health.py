"""Health: whether this process lives, and whether it should be sent requests. Neither needs a key."""

import asyncio
import logging

from aiohttp import web
from alembic.script import ScriptDirectory

from benegraph.db.migrations import config, revision_of
from benegraph.db.session import Database
from benegraph.graphql.errors import describe

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds


class Health:
    """What probes are told. `draining` once the process is about to end."""

    def __init__(self, database: Database) -> None:
        self.draining = False
        self._url = database.engine.url.render_as_string(hide_password=False)
        self._head = head()
        self._turn = asyncio.Lock()  # anyone may ask: one connection at a time is what they get

    async def live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(self, _request: web.Request) -> web.Response:
        reason = "draining" if self.draining else await self._reason()
        if reason is None:
            return web.json_response({"ready": True})
        return web.json_response({"ready": False, "reason": reason}, status=503)

    async def _reason(self) -> str | None:
        # Past the pool: busy is not unready, and to be taken out for it would make the others busier.
        try:
            async with asyncio.timeout(PATIENCE), self._turn:
                revision = await revision_of(self._url)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is why we are not ready
            log.warning("Not ready: %s", describe(error))
            return "database"
        return None if revision == self._head else "migrations"


HEALTH = web.AppKey("health", Health)


def head() -> str | None:
    """Tell the newest revision these sources know."""
    return ScriptDirectory.from_config(config()).get_current_head()
