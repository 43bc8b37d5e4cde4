"""The application: its routes, and what every request passes on the way to them."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import strawberry
from aiohttp import web

from benegraph.db.session import Database
from benegraph.graphql.engine.documents import Documents
from benegraph.graphql.schema import build_schema
from benegraph.services.access import KeyGrantCache
from benegraph.settings import Door
from benegraph.telemetry import make_metrics
from benegraph.web.auth import RIGHTS
from benegraph.web.draining import Draining, add_draining
from benegraph.web.explorer import Explorer
from benegraph.web.graphql_view import GraphQLView
from benegraph.web.health import Health
from benegraph.web.metrics import PATH as METRICS_PATH
from benegraph.web.metrics import metrics_page
from benegraph.web.middleware import named_and_answered
from benegraph.web.origins import named_origins
from benegraph.web.throttle import Throttle
from benegraph.web.tokens import taking_tokens

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

LARGEST_BODY = 2 * 1024 * 1024
PATH = "/graphql"


def create_app(
    database: Database,
    schema: strawberry.Schema | None = None,
    *,
    door: Door | None = None,
    fixed_on: date | None = None,
    throttle: Throttle | None = None,
    explorer: Explorer | None = None,
    metrics: "Metrics | None" = None,
    traces: "Traces | None" = None,
) -> web.Application:
    """Make the application over a database, whose engine stays the caller's to dispose of.

    `throttle` where workers share one; else the application has its own.
    """
    door = door or Door()
    metrics = metrics or make_metrics()
    metrics.follow_pool(database.engine)
    database = replace(database, retried=metrics.retried)
    draining = Draining()
    middlewares = [named_and_answered(PATH, draining, metrics, traces)]
    if door.origins:
        middlewares.insert(0, named_origins(door.origins, PATH))
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
    app[RIGHTS] = KeyGrantCache(door.key_cache_seconds)
    add_draining(app, draining)
    health = Health(database, draining)
    documents = Documents(schema or build_schema(), door.limits, compiled=door.executor == "compiled")
    metrics.follow_documents(documents)
    view = GraphQLView(database, documents, door, throttle or Throttle(door.rate), fixed_on)
    app.router.add_post(PATH, view.post)
    app.router.add_get(PATH, view.get, allow_head=False)
    app.router.add_get("/schema.graphql", view.sdl, allow_head=False)
    app.router.add_get("/livez", health.live)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get(METRICS_PATH, metrics_page(metrics), allow_head=False)
    if door.issuer is not None:
        app.cleanup_ctx.append(taking_tokens(door.issuer))
    if explorer is not None:
        explorer.add_to(app, PATH)
    return app
