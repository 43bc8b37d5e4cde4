"""What every request passes: its id, the last resort for errors, the headers of every answer; and who is told of it."""

import logging
import re
import secrets
from datetime import UTC, datetime
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler, Middleware

from benegraph.domain.errors import RequestError
from benegraph.graphql.engine.errors import classify_error, describe_error
from benegraph.telemetry.logs import told
from benegraph.web.draining import Draining
from benegraph.web.request_info import REQUEST_INFO, RequestInfo, current
from benegraph.web.responses import refuse, refuse_http

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_FIRST_REFUSAL = 400


def request_middleware(path: str, draining: Draining, metrics: "Metrics", traces: "Traces | None" = None) -> Middleware:
    """Name each request and answer it in GraphQL's shape whatever happens; measure and trace those of a path.

    Where no request is taken any more, that is the answer.
    """
    # The system's own source asks the kernel each time, and ids need but be apart.
    made = Random(secrets.randbits(128))  # noqa: S311 - they are no secrets

    async def answer(request: web.Request, handler: Handler, facts: RequestInfo) -> web.StreamResponse:
        try:
            draining.admit(request)
            return await handler(request)
        except RequestError as error:
            facts.code = error.code
            return refuse(request, error)
        except web.HTTPException as error:
            return refuse_http(request, error)
        except Exception as error:  # noqa: BLE001 - the last resort: nobody above would tell the client
            facts.code, message = classify_error(error)
            log.error("Failed (%s): %s", facts.code, describe_error(error))  # noqa: TRY400 - never its text
            return refuse(request, _Failed(facts.code, message))

    async def observe(request: web.Request, handler: Handler, facts: RequestInfo) -> web.StreamResponse:
        start = perf_counter()
        metrics.begin()
        try:
            if traces is None:
                response = await answer(request, handler, facts)
            else:
                with traces.span(facts, _method(request), request.headers.get("traceparent")) as answered:
                    response = await answer(request, handler, facts)
                    answered(response.status)
        finally:
            metrics.end()
        refused = response.status >= _FIRST_REFUSAL
        outcome = facts.code or (f"http_{response.status}" if refused else "ok")
        metrics.count(facts, outcome, perf_counter() - start)
        return response

    @web.middleware
    async def name_and_answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-ID", "")
        facts = RequestInfo(request_id=given if _REQUEST_ID.fullmatch(given) else f"{made.getrandbits(96):024x}")
        request[REQUEST_INFO] = facts
        current.set(facts)
        response = await (observe if request.path == path else answer)(request, handler, facts)
        response.headers["X-Request-ID"] = facts.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Server"] = "benegraph"  # aiohttp's own names its version and Python's
        return response

    return name_and_answer


class AccessLog(AbstractAccessLogger):
    """One line a request: no query string and no path but our own, since either may name a person."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        facts = request.get(REQUEST_INFO)
        fields = {
            "method": _method(request),
            "path": _path(request),
            "status": response.status,
            "ms": round(time * 1000),
            "kind": facts and facts.operation_type,
            "cost": facts and facts.cost,
            "code": facts and facts.code,
            "bytes": response.body_length,
        }
        at = datetime.now(UTC).timestamp()
        self.logger.handle(told(self.logger.name, "%(method)s %(path)s %(status)s %(ms)dms", fields, facts, at))


def _method(request: web.BaseRequest) -> str:
    # One parser of aiohttp's takes any word for a method.
    return request.method if request.method in hdrs.METH_ALL else "_OTHER"


def _path(request: web.BaseRequest) -> str:
    # There is no match where there was no HTTP, and the public word for it asserts that there is one.
    if isinstance(request, web.Request) and request._match_info is not None:  # noqa: SLF001 - as said above
        resource = request.match_info.route.resource
        if resource is not None:
            return resource.canonical
        if any(each.canonical == request.path for each in request.app.router.resources()):  # but not by this method
            return request.path
    return "(unknown)"


class _Failed(RequestError):
    """An error nobody meant, by what a client may know of it."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
