"""The metrics endpoint for Prometheus. It names no tenant and needs no API key; a proxy should not publish it."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics

METRICS_PATH = "/metrics"
OPENMETRICS = "application/openmetrics-text"


def metrics_handler(metrics: "Metrics") -> Handler:
    """Return the request handler that renders these metrics, in OpenMetrics for clients that accept it."""

    async def handle(request: web.Request) -> web.Response:
        as_openmetrics = OPENMETRICS in request.headers.get("Accept", "").lower()
        # In a thread, because summing the files of many workers takes a while.
        body, content_type = await asyncio.to_thread(metrics.render, as_openmetrics=as_openmetrics)
        return web.Response(body=body, headers={"Content-Type": content_type, "Vary": "Accept"})

    return handle
