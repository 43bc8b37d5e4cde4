"""GraphQL over HTTP: reads a request of either form, has it executed for its viewer, and answers with its status."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from benegraph.db.session import Database
from benegraph.domain.errors import BadInput, Forbidden, Throttled, UnknownDocument
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.errors import error_body
from benegraph.graphql.engine.execute import GraphQLRequest, MutationNotAllowed, execute
from benegraph.graphql.engine.persisted_documents import DocumentSource, PersistedDocuments, parse_document_source
from benegraph.graphql.engine.serialize import written
from benegraph.settings import GatewayConfig
from benegraph.web.auth import authenticate
from benegraph.web.request_info import REQUEST_INFO
from benegraph.web.responses import JSON, answer, cacheable, negotiate, preferred, status_of
from benegraph.web.throttle import Throttle

#: What a request pays that came to nothing: it was read, and maybe validated.
REFUSED = 10


@dataclass(slots=True)
class _Purse:
    """What one key may still spend."""

    throttle: Throttle
    key: str
    left: int | None = None

    def pay(self, cost: int) -> None:
        paid = self.throttle.pay(self.key, cost)
        self.left = paid.left
        if paid.wait:
            raise Throttled("This key has asked for much in a short time.", paid.wait)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, as it was read."""

    sent: DocumentSource
    variables: dict[str, Any]
    operation_name: str | None


class GraphQLView:
    """Answers GraphQL requests, each for its own viewer at its own instant."""

    def __init__(
        self,
        database: Database,
        documents: DocumentCache,
        config: GatewayConfig,
        throttle: Throttle,
        fixed_on: date | None,
    ) -> None:
        self._database = database
        self._documents = documents
        self._texts = PersistedDocuments(config.trusted_documents_only)
        self._config = config
        self._throttle = throttle
        self._fixed_on = fixed_on
        self._sdl: bytes | None = None

    async def post(self, request: web.Request) -> web.Response:
        if request.content_type != JSON or (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
            raise web.HTTPUnsupportedMediaType(reason="Send application/json, in UTF-8")
        _check_accept(request)
        context, purse = await self._begin(request)
        asked = _read(await _body(request))
        return answer(request, *await self._execute(request, context, asked), headers=self._headers(purse))

    async def get(self, request: web.Request) -> web.Response:
        _check_accept(request)
        context, purse = await self._begin(request)
        asked = _read(_parameters(request))
        body, status = await self._execute(request, context, asked, read_only=True)
        headers = self._headers(purse)
        if status == web.HTTPOk.status_code and "errors" not in body:
            return cacheable(request, written(body), preferred(request), headers)
        return answer(request, body, status, headers)

    async def sdl(self, request: web.Request) -> web.Response:
        """Give the schema in GraphQL's own language, to who may read it."""
        context, purse = await self._begin(request)
        if context.viewer.role not in self._config.introspection:
            raise Forbidden("The schema is not open to this key.")
        if self._sdl is None:
            self._sdl = self._documents.schema.as_str().encode()
        return cacheable(request, self._sdl, "text/plain", self._headers(purse))

    async def _begin(self, request: web.Request) -> tuple[Context, _Purse]:
        """Find out who asks, and have them pay for the asking: who has nothing left is not even read."""
        clock = Clock.at(datetime.now(UTC), self._fixed_on)
        viewer = await authenticate(request, self._database, clock)
        facts = request[REQUEST_INFO]
        facts.tenant, facts.key_id = viewer.tenant_id, viewer.key_id
        purse = _Purse(self._throttle, f"{viewer.tenant_id} {viewer.key_id}")
        purse.pay(1)
        paid = _after_the_first(purse.pay)
        context = Context(
            self._database, viewer, clock, facts.request_id, paid, self._config.introspection, operation_info=facts
        )
        return context, purse

    async def _execute(
        self, request: web.Request, context: Context, asked: _Asked, *, read_only: bool = False
    ) -> tuple[Mapping[str, Any], int]:
        """Give the body of the answer, and its status."""
        try:
            found = await self._texts.find(context, asked.sent)
            wanted = GraphQLRequest(found.text, asked.variables, asked.operation_name, read_only, found.trusted)
            body = await execute(self._documents, context, wanted)
        except MutationNotAllowed as error:
            raise web.HTTPMethodNotAllowed(request.method, ["POST"], reason=str(error).rstrip(".")) from None
        except UnknownDocument as error:
            body = error_body(error)
        finally:
            request[REQUEST_INFO].replayed = context.replayed
        if context.operation_info.cost is None:
            context.charge(REFUSED)
        elif "data" in body:
            await self._texts.persist(context, asked.sent)
        code = body["errors"][0]["extensions"]["code"] if "errors" in body else None
        request[REQUEST_INFO].code = code
        return body, 200 if code is None or "data" in body else status_of(request, code)

    def _headers(self, purse: _Purse) -> dict[str, str]:
        rate = self._config.rate_limit
        if not rate.burst:
            return {}
        window = max(1, round(rate.burst / rate.per_second))
        return {"RateLimit-Policy": f'"cost";q={rate.burst};w={window}', "RateLimit": f'"cost";r={purse.left or 0}'}


def _after_the_first(pay: Callable[[int], None]) -> Callable[[int], None]:
    """Pay what a cost is more than the one that was paid at the config."""

    def rest(cost: int) -> None:
        if cost > 1:
            pay(cost - 1)

    return rest


def _check_accept(request: web.Request) -> None:
    if negotiate(request.headers.get("Accept")) is None:
        raise web.HTTPNotAcceptable(reason="Accept application/graphql-response+json or application/json")


async def _body(request: web.Request) -> Any:
    content = request.content
    try:
        # What is small came with its headers; aiohttp's way of waiting for more takes longer than reading it.
        is_here = content.is_eof() and content.total_bytes <= request.client_max_size
        return orjson.loads(content.read_nowait() if is_here else await request.read())
    except orjson.JSONDecodeError:
        raise BadInput("The body is no JSON.") from None
    except (web.RequestPayloadError, PayloadEncodingError, ConnectionError):
        raise BadInput("The body can't be read: it is cut off, or not encoded as its headers say.") from None


def _parameters(request: web.Request) -> dict[str, Any]:
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
    return members


def _read(body: Any) -> _Asked:
    """Take the members of a request, each of its own type. Raises BadInput."""
    if isinstance(body, list):
        raise BadInput("One request at a time: batches are not offered here.")
    if not isinstance(body, dict):
        raise BadInput("The body is no JSON object.")
    variables, operation_name = body.get("variables"), body.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise BadInput("`variables` is an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadInput("`operationName` is a string.")
    extensions = body.get("extensions")
    if not isinstance(extensions, dict | None):
        raise BadInput("`extensions` is an object.")
    return _Asked(
        parse_document_source(body.get("query"), extensions, body.get("documentId")), variables or {}, operation_name
    )
