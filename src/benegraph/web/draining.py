"""The end of a process: it stops being ready, lets what is under way finish, and refuses what still comes."""

import asyncio
import logging
from typing import Any

from aiohttp import web

from benegraph.domain.errors import Unavailable

log = logging.getLogger(__name__)

#: Seconds from the first refusal to the end of the process, and how many of them are kept for rolling back.
GRACE_SECONDS = 10.0
ROLLBACK = 1.0
#: What is answered to the end: whoever asks these wants to know how it is going.
PROBES = {"/livez", "/readyz", "/metrics"}


class Draining:
    """How far a process is on its way to its end, and the requests under way."""

    def __init__(self) -> None:
        #: It is to end, and says so on /readyz and on every connection.
        self.is_draining = False
        #: It takes no request any more.
        self.is_refusing = False
        self._under_way: set[asyncio.Task[Any]] = set()

    def admit(self, request: web.Request) -> None:
        """Count a request as under way. Raises Unavailable once none is taken any more."""
        if self.is_refusing and request.path not in PROBES:
            raise Unavailable("This server is about to end. Ask again: another takes it.")
        # aiohttp makes a task for each request, which ends once the answer is sent.
        if (task := asyncio.current_task()) is not None:
            self.count(task)

    def count(self, task: asyncio.Task[Any]) -> None:
        """Take a task as a request under way, until it is done."""
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self, seconds: float) -> None:
        """Wait for the requests that are under way by now, and no longer than this."""
        log.info("Draining: %d requests under way", len(self._under_way))
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=seconds)

    async def cancel_requests(self) -> None:
        """Cancel what is still under way, and wait until it is rolled back, within reason."""
        if late := set(self._under_way):
            log.warning("Requests cut off unfinished: %d", len(late))
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=ROLLBACK)


DRAINING = web.AppKey("draining", Draining)


def add_draining(app: web.Application, draining: Draining) -> None:
    """Have an application say to each client when it is about to end."""
    app[DRAINING] = draining
    app.on_response_prepare.append(_hang_up_in_the_end)


async def drain(site: web.BaseSite, draining: Draining, seconds: float) -> None:
    """End the taking of requests: say so for some seconds, then stop listening, and wait for those under way."""
    draining.is_draining = True
    await asyncio.sleep(seconds)
    await site.stop()
    draining.is_refusing = True
    await draining.finish(GRACE_SECONDS - ROLLBACK)


async def _hang_up_in_the_end(request: web.Request, response: web.StreamResponse) -> None:
    # What comes next on this connection would be refused, so its client had better open one to another process.
    if request.app[DRAINING].is_draining:
        response.force_close()
        response.headers["Connection"] = "close"
