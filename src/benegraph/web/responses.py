"""HTTP responses: their media type and encoding, and the status of a rejected request."""

import hashlib
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from aiohttp import ETag, web
from aiohttp.helpers import ETAG_ANY

from benegraph.domain.errors import BadInput, RequestError, Throttled, TooComplex, Unauthenticated, Unavailable
from benegraph.graphql.engine.errors import error_body
from benegraph.graphql.engine.serialize import serialize

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"

#: Bodies of at least this many bytes are compressed. For shorter ones the work exceeds the gain.
MIN_COMPRESSED_BYTES = 1400
#: Bodies of at least this many bytes are compressed in a thread, outside the event loop.
_MIN_BYTES_FOR_THREAD = 64 * 1024
#: The request headers that a response to GET depends on.
VARY = "Accept, Accept-Encoding, Authorization, X-API-Key, X-Tenant"

_STATUS_BY_CODE = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "THROTTLED": 429,
    "INTERNAL": 500,
    "OUTCOME_UNKNOWN": 503,
    "TIMEOUT": 503,
    "UNAVAILABLE": 503,
}
# As application/json, responses with these codes have the status 200. A malformed request is 400 in either media type.
_CODES_OF_WELL_FORMED_REQUESTS = {"PARSE_FAILED", "VALIDATION_FAILED", "BAD_USER_INPUT", "PERSISTED_QUERY_NOT_FOUND"}
_QUALITY = re.compile(r"\bq\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=256)
def negotiate_media_type(accept: str | None) -> str | None:
    """Return the media type of the response; None if the client accepts neither.

    Of two with the same quality, the one named exactly wins over a wildcard. If both are named, GraphQL's own wins; if
    neither is, application/json.
    """
    ranges = dict(_parse_range(part) for part in (accept or "").split(",") if part.strip())
    if not ranges:
        return JSON
    quality, _, _, media_type = max(_rank(ranges, media_type) for media_type in (JSON, GRAPHQL))
    return media_type if quality else None


def preferred_media_type(request: web.BaseRequest) -> str:
    """Return the media type of the response. It is application/json for clients that accept neither type."""
    return negotiate_media_type(request.headers.get("Accept")) or JSON


def status_of(request: web.BaseRequest, code: str) -> int:
    """Return the HTTP status of a response without `data` to a well-formed request, by the code of its first error."""
    if code in _CODES_OF_WELL_FORMED_REQUESTS:
        return 200 if preferred_media_type(request) == JSON else 400
    return _STATUS_BY_CODE.get(code, 400)


def graphql_response(
    request: web.BaseRequest, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response with a GraphQL body, in the media type that the client prefers."""
    return _response(request, serialize(body), preferred_media_type(request), status, headers)


def cacheable_response(
    request: web.Request, content: bytes, media_type: str, headers: Mapping[str, str]
) -> web.Response:
    """Return a response with an ETag, which the client may cache; 304 without a body if its cached copy is current."""
    tag = hashlib.blake2b(content, digest_size=16).hexdigest()
    if any(etag.value in {tag, ETAG_ANY} for etag in request.if_none_match or ()):
        response = web.Response(status=web.HTTPNotModified.status_code, headers=headers)
    else:
        response = _response(request, content, media_type, web.HTTPOk.status_code, headers)
    response.etag = ETag(tag, is_weak=True)  # weak, because it is the same for both media types and encodings
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = VARY
    return response


def error_response(request: web.BaseRequest, error: RequestError) -> web.Response:
    """Return the response to a request that was rejected as a whole."""
    headers = {}
    if isinstance(error, Unauthenticated):
        has_credentials = "Authorization" in request.headers or "X-API-Key" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="benegraph"' + (
            ', error="invalid_token"' if has_credentials else ""
        )
    elif isinstance(error, Throttled):
        headers["Retry-After"] = str(math.ceil(error.seconds))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    return graphql_response(request, error_body(error), _STATUS_BY_CODE.get(error.code, 400), headers)


def http_error_response(request: web.Request, error: web.HTTPException) -> web.Response:
    """Return a GraphQL error for an HTTP error of aiohttp: an unknown path, a wrong method, a body too large."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    error_type = TooComplex if isinstance(error, web.HTTPRequestEntityTooLarge) else BadInput
    return graphql_response(request, error_body(error_type(_http_message(request, error))), error.status, headers)


def _http_message(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return f"The request body exceeds {request.client_max_size} bytes."
    if error.reason != HTTPStatus(error.status).phrase:
        return f"{error.reason}."
    if isinstance(error, web.HTTPNotFound):
        return "There is nothing at this path."
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"This path does not support the method; use {' or '.join(sorted(error.allowed_methods))}."
    return f"{error.reason}."


def _response(
    request: web.BaseRequest, content: bytes, media_type: str, status: int, headers: Mapping[str, str] | None
) -> web.Response:
    response = web.Response(
        body=content,
        status=status,
        headers=headers,
        content_type=media_type,
        charset="utf-8",
        zlib_executor_size=_MIN_BYTES_FOR_THREAD,
    )
    if len(content) >= MIN_COMPRESSED_BYTES:
        response.headers["Vary"] = "Accept-Encoding"
        if _accepts_gzip(request.headers.get("Accept-Encoding")):
            response.enable_compression(web.ContentCoding.gzip)
    return response


def _accepts_gzip(accept: str | None) -> bool:
    ranges = dict(_parse_range(part) for part in (accept or "").split(",") if part.strip())
    return ranges.get("gzip", ranges.get("*", 0.0)) > 0


def _parse_range(part: str) -> tuple[str, float]:
    name, _, parameters = part.partition(";")
    quality = _QUALITY.search(parameters)
    return name.strip().lower(), float(quality[1]) if quality else 1.0


def _rank(ranges: Mapping[str, float], media_type: str) -> tuple[float, bool, bool, str]:
    for pattern in (media_type, "application/*", "*/*"):
        if pattern in ranges:
            is_exact = pattern == media_type
            return ranges[pattern], is_exact, is_exact == (media_type == GRAPHQL), media_type
    return 0.0, False, False, media_type
