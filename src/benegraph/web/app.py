"""The application: its routes, and what every request passes on the way to them."""

from datetime import date

import strawberry
from aiohttp import web

from benegraph.db.session import Database
from benegraph.graphql.schema import build_schema
from benegraph.web.graphql_view import GraphQLView
from benegraph.web.health import HEALTH, Health
from benegraph.web.middleware import named_and_answered

LARGEST_BODY = 2 * 1024 * 1024
PATH = "/graphql"


def create_app(
    database: Database, schema: strawberry.Schema | None = None, *, fixed_on: date | None = None
) -> web.Application:
    """Make the application over a database, whose engine stays the caller's to dispose of."""
    app = web.Application(middlewares=[named_and_answered], client_max_size=LARGEST_BODY)
    app[HEALTH] = health = Health(database)
    view = GraphQLView(database, schema or build_schema(), fixed_on)
    app.router.add_post(PATH, view.post)
    app.router.add_get(PATH, view.get, allow_head=False)
    app.router.add_get("/livez", health.live)
    app.router.add_get("/readyz", health.ready)
    return app
