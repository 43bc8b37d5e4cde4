"""The metrics endpoint for Prometheus. It names no tenant and needs no API key; a proxy should not publish it."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics

METRICS_PATH = "/metrics"


def metrics_handler(metrics: "Metrics") -> Handler:
    """Return the request handler that renders these metrics."""

    async def handle(_request: web.Request) -> web.Response:
        body, content_type = await asyncio.to_thread(metrics.render)  # summing the files of many workers takes a while
        return web.Response(body=body, headers={"Content-Type": content_type})

    return handle
