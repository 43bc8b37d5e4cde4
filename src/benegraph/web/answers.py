"""Answers: which of GraphQL's two media types a client takes, and the status and body of a refusal."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from benegraph.domain.errors import BadInput, RequestError, TooComplex, Unauthenticated
from benegraph.graphql.errors import body_of

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"

_STATUS = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403, "TIMEOUT": 503, "INTERNAL": 500}
_QUALITY = re.compile(r"\bq\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)", re.ASCII | re.IGNORECASE)


def negotiate(accept: str | None) -> str | None:
    """Choose the media type of the answer; None where the client takes neither.

    Of two it takes as gladly, one named outright comes first; of two so named, GraphQL's own; of none, plain JSON.
    """
    ranges = dict(_range(part) for part in (accept or "").split(",") if part.strip())
    if not ranges:
        return JSON
    quality, _, _, media = max(_wish(ranges, media) for media in (JSON, GRAPHQL))
    return media if quality else None


def answer(
    request: web.BaseRequest, body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with a body in GraphQL's shape, as the media type that the client prefers."""
    media = negotiate(request.headers.get("Accept")) or JSON
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type=media, charset="utf-8")


def refuse(request: web.BaseRequest, error: RequestError) -> web.Response:
    """Answer a request that is refused as a whole."""
    headers = {}
    if isinstance(error, Unauthenticated):
        shown = "Authorization" in request.headers or "X-API-Key" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="benegraph"' + (', error="invalid_token"' if shown else "")
    return answer(request, body_of(error), _STATUS.get(error.code, 400), headers)


def refuse_http(request: web.BaseRequest, error: web.HTTPException) -> web.Response:
    """Answer in GraphQL's shape what aiohttp refuses by itself: an unknown path, a method, a body too large."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    kind = TooComplex if isinstance(error, web.HTTPRequestEntityTooLarge) else BadInput
    return answer(request, body_of(kind(f"{error.reason}.")), error.status, headers)


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
