"""GraphQL over HTTP: parse a request, execute it for its viewer, and return the response with its status."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from benegraph.graphql.engine.protected_reads import record_context_accesses
from benegraph.graphql.engine.serialize import serialize
from benegraph.settings import GatewayConfig
from benegraph.web.auth import authenticate
from benegraph.web.middleware import REQUEST_INFO
from benegraph.web.pages import accepts_html
from benegraph.web.responses import (
    JSON,
    cacheable_response,
    graphql_response,
    negotiate_media_type,
    preferred_media_type,
    status_of,
)
from benegraph.web.throttle import Throttle

#: The cost of a request itself, charged before its body is read.
_REQUEST_COST = 1
#: The cost of a request whose operation was rejected before its own cost was known.
_REJECTED_OPERATION_COST = 10


@dataclass(slots=True)
class RateBudget:
    """One viewer's token bucket, and the charges of this request to it."""

    throttle: Throttle
    key: str
    #: The units that were left after the last charge.
    remaining: int = 0

    def charge(self, cost: int) -> None:
        """Take units from the bucket. Raises Throttled if it holds too few."""
        result = self.throttle.charge(self.key, cost)
        self.remaining = result.remaining
        if result.wait_seconds:
            raise Throttled(
                f"Rate limit exceeded; retry after {math.ceil(result.wait_seconds)} s.", result.wait_seconds
            )

    def charge_operation(self, cost: int) -> None:
        """Charge an operation's cost, less the cost of the request, which is already charged."""
        if cost > _REQUEST_COST:
            self.charge(cost - _REQUEST_COST)


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """The members of a GraphQL request, each checked for its type."""

    source: DocumentSource
    variables: dict[str, Any]
    operation_name: str | None


class GraphQLView:
    """The handlers of /graphql and /schema.graphql."""

    def __init__(
        self,
        database: Database,
        documents: DocumentCache,
        config: GatewayConfig,
        throttle: Throttle,
        read_clock: Callable[[], Clock],
        page_path: str | None = None,
    ) -> None:
        """Browsers that open the endpoint are redirected to `page_path`, if there is such a page."""
        self._database = database
        self._documents = documents
        self._persisted_documents = PersistedDocuments(config.trusted_documents_only)
        self._introspection_roles = config.introspection
        self._throttle = throttle
        self._rate_limit_policy = _rate_limit_policy(config)
        self._read_clock = read_clock
        self._page_path = page_path
        self._sdl: bytes | None = None

    async def post(self, request: web.Request) -> web.Response:
        if request.content_type != JSON or (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
            raise web.HTTPUnsupportedMediaType(reason="Unsupported Content-Type; send application/json in UTF-8")
        _check_accept(request)
        context, budget = await self._authenticate_and_charge(request)
        parsed = _parse(await _read_body(request))
        body, status = await self._execute(request, context, parsed)
        return graphql_response(request, body, status, self._rate_limit_headers(budget))

    async def get(self, request: web.Request) -> web.Response:
        if (
            self._page_path is not None
            and not request.query_string
            and accepts_html(request.headers.getall("Accept", []))
        ):
            return web.Response(status=303, headers={"Location": self._page_path, "Vary": "Accept"})
        _check_accept(request)
        context, budget = await self._authenticate_and_charge(request)
        parsed = _parse(_read_parameters(request))
        body, status = await self._execute(request, context, parsed, read_only=True)
        headers = self._rate_limit_headers(budget)
        if status == web.HTTPOk.status_code and "errors" not in body:
            return cacheable_response(request, serialize(body), preferred_media_type(request), headers)
        return graphql_response(request, body, status, headers)

    async def schema(self, request: web.Request) -> web.Response:
        """Return the schema in GraphQL's schema definition language. Raises Forbidden."""
        context, budget = await self._authenticate_and_charge(request)
        if not context.may_introspect:
            raise Forbidden(f"The role {context.viewer.role} may not introspect the schema.")
        if self._sdl is None:
            self._sdl = self._documents.schema.as_str().encode()
        return cacheable_response(request, self._sdl, "text/plain", self._rate_limit_headers(budget))

    async def _authenticate_and_charge(self, request: web.Request) -> tuple[Context, RateBudget]:
        """Authenticate a request and charge it, before its body is read."""
        clock = self._read_clock()
        viewer = await authenticate(request, self._database, clock)
        info = request[REQUEST_INFO]
        info.tenant, info.key_id = viewer.tenant_id, viewer.key_id
        budget = RateBudget(self._throttle, f"{viewer.tenant_id} {viewer.key_id}")
        budget.charge(_REQUEST_COST)
        context = Context(
            self._database,
            viewer,
            clock,
            info.request_id,
            budget.charge_operation,
            self._introspection_roles,
            operation_info=info,
            on_accesses=record_context_accesses,
        )
        return context, budget

    async def _execute(
        self, request: web.Request, context: Context, parsed: ParsedRequest, *, read_only: bool = False
    ) -> tuple[Mapping[str, Any], int]:
        """Return the body of the response and its status."""
        info = request[REQUEST_INFO]
        try:
            document = await self._persisted_documents.find(context, parsed.source)
            graphql_request = GraphQLRequest(
                document.text, parsed.variables, parsed.operation_name, read_only, document.trusted
            )
            body = await execute(self._documents, context, graphql_request)
        except MutationNotAllowed as error:
            raise web.HTTPMethodNotAllowed(request.method, ["POST"], reason=str(error).rstrip(".")) from None
        except UnknownDocument as error:
            body = error_body(error)
        finally:
            info.replayed = context.replayed
        if info.cost is None:
            context.charge(_REJECTED_OPERATION_COST)
        elif "data" in body:
            await self._persisted_documents.persist(context, parsed.source)
        info.code = body["errors"][0]["extensions"]["code"] if "errors" in body else None
        return body, 200 if info.code is None or "data" in body else status_of(request, info.code)

    def _rate_limit_headers(self, budget: RateBudget) -> dict[str, str]:
        if self._rate_limit_policy is None:
            return {}
        return {"RateLimit-Policy": self._rate_limit_policy, "RateLimit": f'"cost";r={budget.remaining}'}


def _rate_limit_policy(config: GatewayConfig) -> str | None:
    """Return the RateLimit-Policy header: the bucket's size, and the seconds in which an empty bucket fills up."""
    rate_limit = config.rate_limit
    if not rate_limit.burst:
        return None
    return f'"cost";q={rate_limit.burst};w={max(1, round(rate_limit.burst / rate_limit.per_second))}'


def _check_accept(request: web.Request) -> None:
    if negotiate_media_type(request.headers.get("Accept")) is None:
        raise web.HTTPNotAcceptable(
            reason="Unsupported Accept header; accept application/graphql-response+json or application/json"
        )


async def _read_body(request: web.Request) -> Any:
    content = request.content
    try:
        # A small body has arrived with its headers. Reading it immediately is faster than waiting as aiohttp does.
        is_complete = content.is_eof() and content.total_bytes <= request.client_max_size
        return orjson.loads(content.read_nowait() if is_complete else await request.read())
    except orjson.JSONDecodeError:
        raise BadInput("The request body is not valid JSON.") from None
    except (web.RequestPayloadError, PayloadEncodingError, ConnectionError):
        raise BadInput(
            "Cannot read the request body: it is truncated, or not encoded as its headers declare."
        ) from None


def _read_parameters(request: web.Request) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in request.query.items():
        if name in members:
            raise BadInput("A query parameter is repeated; send each one once.")
        members[name] = value
    for name in ("variables", "extensions"):
        if name in members:
            try:
                members[name] = orjson.loads(members[name])
            except orjson.JSONDecodeError:
                raise BadInput(f"`{name}` is not valid JSON.") from None
    return members


def _parse(members: Any) -> ParsedRequest:
    """Check the members of a request, each for its type. Raises BadInput."""
    if isinstance(members, list):
        raise BadInput("Batched requests are not supported; send one operation per request.")
    if not isinstance(members, dict):
        raise BadInput("The request body must be a JSON object.")
    variables, operation_name = members.get("variables"), members.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise BadInput("`variables` must be a JSON object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadInput("`operationName` must be a string.")
    extensions = members.get("extensions")
    if not isinstance(extensions, dict | None):
        raise BadInput("`extensions` must be a JSON object.")
    source = parse_document_source(members.get("query"), extensions, members.get("documentId"))
    return ParsedRequest(source, variables or {}, operation_name)
