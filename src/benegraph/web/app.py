"""The application: its routes, and what every request passes on the way to them."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import strawberry
from aiohttp import web

from benegraph.db.session import Database
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.schema import build_schema
from benegraph.services.access import KeyGrantCache
from benegraph.settings import GatewayConfig
from benegraph.telemetry import create_metrics
from benegraph.web.auth import RIGHTS
from benegraph.web.cors import cors_middleware
from benegraph.web.draining import Draining, add_draining
from benegraph.web.explorer import Explorer
from benegraph.web.graphql_view import GraphQLView
from benegraph.web.health import Health
from benegraph.web.metrics import PATH as METRICS_PATH
from benegraph.web.metrics import metrics_page
from benegraph.web.middleware import request_middleware
from benegraph.web.throttle import Throttle
from benegraph.web.tokens import token_authentication

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

LARGEST_BODY = 2 * 1024 * 1024
GRAPHQL_PATH = "/graphql"


def create_app(
    database: Database,
    schema: strawberry.Schema | None = None,
    *,
    config: GatewayConfig | None = None,
    fixed_on: date | None = None,
    throttle: Throttle | None = None,
    explorer: Explorer | None = None,
    metrics: "Metrics | None" = None,
    traces: "Traces | None" = None,
) -> web.Application:
    """Make the application over a database, whose engine stays the caller's to dispose of.

    `throttle` where workers share one; else the application has its own.
    """
    config = config or GatewayConfig()
    metrics = metrics or create_metrics()
    metrics.follow_pool(database.engine)
    database = replace(database, on_retry=metrics.retried)
    draining = Draining()
    middlewares = [request_middleware(GRAPHQL_PATH, draining, metrics, traces)]
    if config.origins:
        middlewares.insert(0, cors_middleware(config.origins, GRAPHQL_PATH))
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
    app[RIGHTS] = KeyGrantCache(config.key_cache_seconds)
    add_draining(app, draining)
    health = Health(database, draining)
    documents = DocumentCache(schema or build_schema(), config.limits, compiled=config.executor == "compiled")
    metrics.follow_documents(documents)
    view = GraphQLView(database, documents, config, throttle or Throttle(config.rate_limit), fixed_on)
    app.router.add_post(GRAPHQL_PATH, view.post)
    app.router.add_get(GRAPHQL_PATH, view.get, allow_head=False)
    app.router.add_get("/schema.graphql", view.sdl, allow_head=False)
    app.router.add_get("/livez", health.live)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get(METRICS_PATH, metrics_page(metrics), allow_head=False)
    if config.issuer is not None:
        app.cleanup_ctx.append(token_authentication(config.issuer))
    if explorer is not None:
        explorer.add_to(app, GRAPHQL_PATH)
    return app
