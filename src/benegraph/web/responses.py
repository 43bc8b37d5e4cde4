"""Answers: which of GraphQL's two media types a client takes, in which encoding, and the status of a refusal."""

import hashlib
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aiohttp import ETag, web
from aiohttp.helpers import ETAG_ANY

from benegraph.domain.errors import BadInput, RequestError, Throttled, TooComplex, Unauthenticated, Unavailable
from benegraph.graphql.engine.errors import error_body
from benegraph.graphql.engine.serialize import written

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"

#: Bytes from which on a body is compressed; shorter, it would cost more than it saves.
MIN_COMPRESSED_BYTES = 1400
#: Bytes from which on it is compressed beside the event loop.
_MUCH = 64 * 1024
#: What an answer by GET depends on beside its address.
VARY = "Accept, Accept-Encoding, Authorization, X-API-Key, X-Tenant"

_STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "THROTTLED": 429,
    "INTERNAL": 500,
    "TIMEOUT": 503,
    "UNAVAILABLE": 503,
}
# Under plain JSON these are answers like any other; what is no GraphQL at all is 400 under both.
_WELL_FORMED = {"PARSE_FAILED", "VALIDATION_FAILED", "BAD_USER_INPUT", "PERSISTED_QUERY_NOT_FOUND"}
_QUALITY = re.compile(r"\bq\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=256)
def negotiate(accept: str | None) -> str | None:
    """Choose the media type of the answer; None where the client takes neither.

    Of two it takes as gladly, one named outright comes first; of two so named, GraphQL's own; of none, plain JSON.
    """
    ranges = dict(_range(part) for part in (accept or "").split(",") if part.strip())
    if not ranges:
        return JSON
    quality, _, _, media = max(_wish(ranges, media) for media in (JSON, GRAPHQL))
    return media if quality else None


def preferred(request: web.BaseRequest) -> str:
    """Choose the media type of an answer, also of the one that says there is none the client takes."""
    return negotiate(request.headers.get("Accept")) or JSON


def status_of(request: web.BaseRequest, code: str) -> int:
    """Tell the status of an answer to a well-formed request that has no data, by its first error's code."""
    if code in _WELL_FORMED:
        return 200 if preferred(request) == JSON else 400
    return _STATUS.get(code, 400)


def answer(
    request: web.BaseRequest, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with a body in GraphQL's shape, as the media type that the client prefers."""
    return _respond(request, written(body), preferred(request), status, headers)


def cacheable(request: web.Request, content: bytes, media: str, headers: Mapping[str, str]) -> web.Response:
    """Answer so that the client may keep it, and ask with its tag whether it still holds: 304, without a body."""
    tag = hashlib.blake2b(content, digest_size=16).hexdigest()
    known = request.if_none_match or ()
    if any(each.value in {tag, ETAG_ANY} for each in known):
        response = web.Response(status=web.HTTPNotModified.status_code, headers=headers)
    else:
        response = _respond(request, content, media, web.HTTPOk.status_code, headers)
    response.etag = ETag(tag, is_weak=True)  # weak: the same for either media type and encoding
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = VARY
    return response


def refuse(request: web.BaseRequest, error: RequestError) -> web.Response:
    """Answer a request that is refused as a whole."""
    headers = {}
    if isinstance(error, Unauthenticated):
        shown = "Authorization" in request.headers or "X-API-Key" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="benegraph"' + (', error="invalid_token"' if shown else "")
    elif isinstance(error, Throttled):
        headers["Retry-After"] = str(math.ceil(error.seconds))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    return answer(request, error_body(error), _STATUS.get(error.code, 400), headers)


def refuse_http(request: web.BaseRequest, error: web.HTTPException) -> web.Response:
    """Answer in GraphQL's shape what aiohttp refuses by itself: an unknown path, a method, a body too large."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    kind = TooComplex if isinstance(error, web.HTTPRequestEntityTooLarge) else BadInput
    return answer(request, error_body(kind(f"{error.reason}.")), error.status, headers)


def _respond(
    request: web.BaseRequest, content: bytes, media: str, status: int, headers: Mapping[str, str] | None
) -> web.Response:
    response = web.Response(
        body=content,
        status=status,
        headers=headers,
        content_type=media,
        charset="utf-8",
        zlib_executor_size=_MUCH,
    )
    if len(content) >= MIN_COMPRESSED_BYTES:
        response.headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("Accept-Encoding")):
            response.enable_compression(web.ContentCoding.gzip)
    return response


def _takes_gzip(accept: str | None) -> bool:
    ranges = dict(_range(part) for part in (accept or "").split(",") if part.strip())
    return ranges.get("gzip", ranges.get("*", 0.0)) > 0


def _range(part: str) -> tuple[str, float]:
    media, _, parameters = part.partition(";")
    quality = _QUALITY.search(parameters)
    return media.strip().lower(), float(quality[1]) if quality else 1.0


def _wish(ranges: Mapping[str, float], media: str) -> tuple[float, bool, bool, str]:
    for pattern in (media, "application/*", "*/*"):
        if pattern in ranges:
            named = pattern == media
            return ranges[pattern], named, named == (media == GRAPHQL), media
    return 0.0, False, False, media
