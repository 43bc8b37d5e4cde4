"""The middleware of every request: its ID, error responses, common headers, metrics and traces; and the access log."""

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
from benegraph.telemetry.logs import create_record
from benegraph.telemetry.request_info import RequestInfo, current_request
from benegraph.web.draining import Draining
from benegraph.web.responses import error_response, http_error_response

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

log = logging.getLogger(__name__)

REQUEST_INFO = web.RequestKey("request_info", RequestInfo)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_MIN_ERROR_STATUS = 400
#: A request that takes this long is slow.
SLOW_SECONDS = 1.0


def request_middleware(
    graphql_path: str, draining: Draining, metrics: "Metrics", traces: "Traces | None" = None
) -> Middleware:
    """Return the middleware that gives each request an ID and turns every error into a GraphQL response.

    It records metrics and traces of requests to the GraphQL path only. While the process is shutting down, it rejects
    requests with UNAVAILABLE.
    """
    # Request IDs must be unique, not secret. The system's random source would cost a system call for each request.
    random = Random(secrets.randbits(128))  # noqa: S311 - not used for secrets

    async def respond(request: web.Request, handler: Handler, info: RequestInfo) -> web.StreamResponse:
        try:
            draining.track_request(request)
            return await handler(request)
        except RequestError as error:
            info.code = error.code
            return error_response(request, error)
        except web.HTTPException as error:
            return http_error_response(request, error)
        except Exception as error:  # noqa: BLE001 - the last handler before the client
            info.code, message = classify_error(error)
            log.error("Request failed (%s): %s", info.code, describe_error(error))  # noqa: TRY400 - never its text
            return error_response(request, _MaskedError(info.code, message))

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        client_id = request.headers.get("X-Request-ID", "")
        info = RequestInfo(
            request_id=client_id if _REQUEST_ID.fullmatch(client_id) else f"{random.getrandbits(96):024x}"
        )
        request[REQUEST_INFO] = info
        current_request.set(info)
        if request.path != graphql_path:
            response = await respond(request, handler, info)
        else:
            start = perf_counter()
            metrics.start_request()
            try:
                if traces is None:
                    response = await respond(request, handler, info)
                else:
                    with traces.span(info, _method(request), request.headers.get("traceparent")) as set_status:
                        response = await respond(request, handler, info)
                        set_status(response.status)
            finally:
                metrics.end_request()
            is_error = response.status >= _MIN_ERROR_STATUS
            outcome = info.code or (f"http_{response.status}" if is_error else "ok")
            metrics.record_request(info, outcome, perf_counter() - start)
        response.headers["X-Request-ID"] = info.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Server"] = "benegraph"  # aiohttp's default contains its version and Python's
        return response

    return handle


class AccessLog(AbstractAccessLogger):
    """Logs one line for each request. It omits query strings and unknown paths, because they may contain names."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        info = request.get(REQUEST_INFO)
        fields = {
            "method": _method(request),
            "path": _path(request),
            "status": response.status,
            "ms": round(time * 1000),
            "kind": info and info.operation_type,
            "cost": info and info.cost,
            "code": info and info.code,
            "deprecated": (info and info.deprecated) or None,
            "bytes": response.body_length,
        }
        at = datetime.now(UTC).timestamp()
        message = "%(method)s %(path)s %(status)s %(ms)dms"
        self.logger.handle(create_record(self.logger.name, message, fields, info, at, time))


class ErrorLog(AccessLog):
    """Logs the requests that failed and those that were slow, as `AccessLog` does."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        info = request.get(REQUEST_INFO)
        if response.status >= _MIN_ERROR_STATUS or (info and info.code) or time >= SLOW_SECONDS:
            super().log(request, response, time)


def _method(request: web.BaseRequest) -> str:
    # One of aiohttp's parsers accepts any word as a method.
    return request.method if request.method in hdrs.METH_ALL else "_OTHER"


def _path(request: web.BaseRequest) -> str:
    # A request that was not valid HTTP has no route. The public property `match_info` asserts that there is one.
    if isinstance(request, web.Request) and request._match_info is not None:  # noqa: SLF001 - see above
        resource = request.match_info.route.resource
        if resource is not None:
            return resource.canonical
        # The path exists, but not with this method.
        if any(resource.canonical == request.path for resource in request.app.router.resources()):
            return request.path
    return "(unknown)"


class _MaskedError(RequestError):
    """An unexpected error, with the code and message that a client may see."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
