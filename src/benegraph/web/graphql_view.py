"""GraphQL over HTTP: reads a request of either form, has it executed for its viewer, and answers with its status."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson
import strawberry
from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from benegraph.db.session import Database
from benegraph.domain.errors import BadInput
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.execute import Documents, GraphQLRequest, MutationNotAllowed, execute
from benegraph.web.answers import JSON, answer, negotiate
from benegraph.web.auth import authenticate
from benegraph.web.middleware import request_id_of

# Under plain JSON these are answers like any other; what is no GraphQL at all is 400 under both.
_WELL_FORMED = {"PARSE_FAILED", "VALIDATION_FAILED", "BAD_USER_INPUT"}


class GraphQLView:
    """Answers GraphQL requests, each for its own viewer at its own instant."""

    def __init__(self, database: Database, schema: strawberry.Schema, fixed_on: date | None) -> None:
        self._database = database
        self._documents = Documents(schema)
        self._fixed_on = fixed_on

    async def post(self, request: web.Request) -> web.Response:
        context = await self._context(request)
        if request.content_type != JSON or (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
            raise web.HTTPUnsupportedMediaType(reason="Send application/json, in UTF-8")
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            raise BadInput("The body is no JSON.") from None
        except (web.RequestPayloadError, PayloadEncodingError, ConnectionError):
            raise BadInput("The body can't be read: it is cut off, or not encoded as its headers say.") from None
        return await self._answer(request, context, _read(body))

    async def get(self, request: web.Request) -> web.Response:
        context = await self._context(request)
        members: dict[str, Any] = {}
        for name, value in request.query.items():
            if name in members:
                raise BadInput("A parameter stands here more than once.")
            members[name] = value
        for name in ("variables", "extensions"):
            if name in members:
                try:
                    members[name] = orjson.loads(members[name])
                except orjson.JSONDecodeError:
                    raise BadInput(f"`{name}` is no JSON.") from None
        return await self._answer(request, context, _read(members, read_only=True))

    async def _context(self, request: web.Request) -> Context:
        if negotiate(request.headers.get("Accept")) is None:
            raise web.HTTPNotAcceptable(reason="Accept application/graphql-response+json or application/json")
        clock = Clock.at(datetime.now(UTC), self._fixed_on)
        viewer = await authenticate(request, self._database, clock)
        return Context(self._database, viewer, clock, request_id_of(request))

    async def _answer(self, request: web.Request, context: Context, asked: GraphQLRequest) -> web.Response:
        try:
            body = await execute(self._documents.schema, context, asked, self._documents)
        except MutationNotAllowed as error:
            raise web.HTTPMethodNotAllowed(request.method, ["POST"], reason=str(error).rstrip(".")) from None
        return answer(request, body, _status(request, body))


def _read(body: Any, *, read_only: bool = False) -> GraphQLRequest:
    """Take the members of a request, each of its own type. Raises BadInput."""
    if not isinstance(body, Mapping):
        raise BadInput("The body is no JSON object.")
    query, variables, operation_name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str):
        raise BadInput("`query` is the text of a document, and always needed.")
    if variables is not None and not isinstance(variables, dict):
        raise BadInput("`variables` is an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadInput("`operationName` is a string.")
    if not isinstance(body.get("extensions"), dict | None):
        raise BadInput("`extensions` is an object.")
    return GraphQLRequest(query, variables or {}, operation_name, read_only)


def _status(request: web.Request, body: Mapping[str, Any]) -> int:
    if "data" in body:
        return 200
    code = body["errors"][0]["extensions"]["code"]
    return 200 if code in _WELL_FORMED and negotiate(request.headers.get("Accept")) == JSON else 400
