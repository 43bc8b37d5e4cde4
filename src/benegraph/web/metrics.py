"""The page that Prometheus reads. It tells of no tenant and nobody, and needs no key; a proxy keeps it inside."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics

PATH = "/metrics"


def metrics_page(metrics: "Metrics") -> Handler:
    """Make the page of these metrics."""

    async def show(_request: web.Request) -> web.Response:
        body, content_type = await asyncio.to_thread(metrics.page)  # of many workers, it takes a while to add up
        return web.Response(body=body, headers={"Content-Type": content_type})

    return show
