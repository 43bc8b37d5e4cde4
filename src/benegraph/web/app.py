"""The web application: its routes and middlewares."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

import strawberry
from aiohttp import web

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.schema import build_schema
from benegraph.services.access import KeyGrantCache
from benegraph.settings import GatewayConfig
from benegraph.telemetry import create_metrics
from benegraph.web.auth import KEY_CACHE
from benegraph.web.cors import cors_middleware
from benegraph.web.draining import Draining, add_draining
from benegraph.web.graphql_view import GraphQLView
from benegraph.web.health import Health
from benegraph.web.metrics import METRICS_PATH, metrics_handler
from benegraph.web.middleware import request_middleware
from benegraph.web.pages import GRAPHIQL_PATH, Pages
from benegraph.web.throttle import Throttle
from benegraph.web.tokens import token_authentication

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

MAX_BODY_BYTES = 2 * 1024 * 1024
GRAPHQL_PATH = "/graphql"


def create_app(
    database: Database,
    schema: strawberry.Schema | None = None,
    *,
    config: GatewayConfig | None = None,
    fixed_on: date | None = None,
    real_time: bool = False,
    throttle: Throttle | None = None,
    pages: Pages | None = None,
    metrics: "Metrics | None" = None,
    traces: "Traces | None" = None,
) -> web.Application:
    """Create the application over a database. The caller disposes of the database's engine.

    `fixed_on` and `real_time` are those of `Clock.at`.
    Pass a `throttle` if workers share one. By default the application has its own.
    """
    config = config or GatewayConfig()
    metrics = metrics or create_metrics(executor=config.executor)
    metrics.track_pool(database.engine)
    database = replace(database, on_retry=metrics.record_retry)
    draining = Draining()
    middlewares = [request_middleware(GRAPHQL_PATH, draining, metrics, traces)]
    if config.origins:
        middlewares.insert(0, cors_middleware(config.origins, GRAPHQL_PATH))
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY_BYTES)
    app[KEY_CACHE] = KeyGrantCache(config.key_cache_seconds)
    add_draining(app, draining)
    health = Health(database, draining)
    documents = DocumentCache(schema or build_schema(), config.limits, use_compiled_plans=config.executor == "compiled")
    metrics.track_documents(documents)
    page_path = None if pages is None else GRAPHIQL_PATH
    read_clock = partial(_read_clock, fixed_on, real_time=real_time)
    view = GraphQLView(database, documents, config, throttle or Throttle(config.rate_limit), read_clock, page_path)
    app.router.add_post(GRAPHQL_PATH, view.post)
    app.router.add_get(GRAPHQL_PATH, view.get, allow_head=False)
    app.router.add_get("/schema.graphql", view.schema, allow_head=False)
    app.router.add_get("/livez", health.live)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get(METRICS_PATH, metrics_handler(metrics), allow_head=False)
    if config.issuers:
        app.cleanup_ctx.append(token_authentication(config.issuers))
    if pages is not None:
        pages.add_routes(app, GRAPHQL_PATH)
    return app


def _read_clock(fixed_on: date | None, *, real_time: bool) -> Clock:
    return Clock.at(datetime.now(UTC), fixed_on, real_time=real_time)
