"""Draining: before a process ends, it reports that it is not ready, finishes open requests and rejects new ones."""

import asyncio
import logging
from typing import Any

from aiohttp import web

from benegraph.domain.errors import Unavailable

log = logging.getLogger(__name__)

#: The longest time that a process takes to end after it stops accepting requests.
GRACE_SECONDS = 10.0
#: The part of the grace period that is reserved for rolling back cancelled requests.
ROLLBACK_SECONDS = 1.0
#: Paths that are served until the end, so that monitoring can follow it.
PROBE_PATHS = {"/livez", "/readyz", "/metrics"}


class Draining:
    """The draining state of a process, and its open requests."""

    def __init__(self) -> None:
        #: Whether the process is about to end. It says so on /readyz and closes each connection after its response.
        self.is_draining = False
        #: Whether the process rejects new requests.
        self.is_rejecting = False
        self._open_requests: set[asyncio.Task[Any]] = set()

    def track_request(self, request: web.Request) -> None:
        """Track a request until it ends. Raises Unavailable once new requests are rejected."""
        if self.is_rejecting and request.path not in PROBE_PATHS:
            raise Unavailable("The server is shutting down; retry the request.")
        # aiohttp runs each request in a task, which ends once the response has been sent.
        if (task := asyncio.current_task()) is not None:
            self.track(task)

    def track(self, task: asyncio.Task[Any]) -> None:
        """Track a task as an open request until it is done."""
        self._open_requests.add(task)
        task.add_done_callback(self._open_requests.discard)

    async def wait_for_requests(self, timeout_seconds: float) -> None:
        """Wait until the requests that are open now have ended, or the timeout is over."""
        log.info("Draining: waiting for %d open requests", len(self._open_requests))
        if self._open_requests:
            await asyncio.wait(set(self._open_requests), timeout=timeout_seconds)

    async def cancel_requests(self) -> None:
        """Cancel the open requests, and wait for their rollbacks for at most ROLLBACK_SECONDS."""
        if tasks := set(self._open_requests):
            log.warning("Cancelled %d unfinished requests", len(tasks))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=ROLLBACK_SECONDS)


DRAINING = web.AppKey("draining", Draining)


def add_draining(app: web.Application, draining: Draining) -> None:
    """Make an application close each connection after its next response once it is draining."""
    app[DRAINING] = draining
    app.on_response_prepare.append(_close_connection_if_draining)


async def drain(site: web.BaseSite, draining: Draining, drain_seconds: float) -> None:
    """Report not ready for `drain_seconds`, then stop listening, reject new requests and wait for the open ones."""
    draining.is_draining = True
    await asyncio.sleep(drain_seconds)
    await site.stop()
    draining.is_rejecting = True
    await draining.wait_for_requests(GRACE_SECONDS - ROLLBACK_SECONDS)


async def _close_connection_if_draining(request: web.Request, response: web.StreamResponse) -> None:
    # The next request on this connection would be rejected. The client should connect to another process.
    if request.app[DRAINING].is_draining:
        response.force_close()
        response.headers["Connection"] = "close"
