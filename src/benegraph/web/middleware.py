"""What every request passes: its id, the last resort for errors, the headers of every answer, the access log."""

import logging
import re
import secrets

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from benegraph.domain.errors import RequestError
from benegraph.graphql.errors import describe, judge
from benegraph.web.answers import refuse, refuse_http

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_ID = web.RequestKey("request_id", str)


def request_id_of(request: web.BaseRequest) -> str:
    """Give the id under which this request stands in logs and in history."""
    name: str = request.get(_ID, "-")
    return name


@web.middleware
async def named_and_answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name a request, see to it that it is answered in GraphQL's shape whatever happens, and say so in headers."""
    given = request.headers.get("X-Request-ID", "")
    request[_ID] = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
    try:
        response = await handler(request)
    except RequestError as error:
        response = refuse(request, error)
    except web.HTTPException as error:
        response = refuse_http(request, error)
    except Exception as error:  # noqa: BLE001 - the last resort: nobody above would tell the client
        code, message = judge(error)
        log.error("Request %s failed (%s): %s", request[_ID], code, describe(error))  # noqa: TRY400 - never its text
        response = refuse(request, _Failed(code, message))
    response.headers["X-Request-ID"] = request[_ID]
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Server"] = "benegraph"  # aiohttp's own names its version and Python's
    return response


class AccessLog(AbstractAccessLogger):
    """One line a request: no query string and no path but our own, since either may name a person."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        resource = request.match_info.route.resource if isinstance(request, web.Request) else None
        path = resource.canonical if resource is not None else "(unknown)"
        milliseconds = round(time * 1000)
        self.logger.info(
            "%s %s %s %s %dms", request_id_of(request), request.method, path, response.status, milliseconds
        )


class _Failed(RequestError):
    """An error nobody meant, by what a client may know of it."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
