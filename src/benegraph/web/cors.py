"""CORS: web pages of other sites may call the API from a browser only if the settings name their origin.

CSRF needs no further protection: browsers never add an API key by themselves, because keys travel in headers. Requests
that a page may send without a preflight carry neither a key nor JSON, so they are rejected.
"""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

ALLOWED_METHODS = "GET, POST"
#: Besides the gateway's own headers, those that GraphQL clients and tracing libraries for browsers add by themselves.
ALLOWED_HEADERS = (
    "Accept, Authorization, Content-Type, X-API-Key, X-Tenant, X-Request-ID, Idempotency-Key,"
    " GraphQL-Require-Preflight, Apollo-Require-Preflight, X-Apollo-Operation-Name,"
    " apollographql-client-name, apollographql-client-version, graphql-client-name, graphql-client-version,"
    " traceparent, tracestate, baggage, sentry-trace"
)
EXPOSED_HEADERS = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
_MAX_AGE_SECONDS = "7200"  # browsers use less


def cors_middleware(origins: frozenset[str], path: str) -> Middleware:
    """Return a middleware that allows pages of these origins to call a path, and answers their preflight requests."""

    @web.middleware
    async def allow_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if request.path != path or origin.lower() not in origins:
            return await handler(request)
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = web.Response(status=204) if is_preflight else await handler(request)
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        if is_preflight:
            response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = _MAX_AGE_SECONDS
        vary = response.headers.get("Vary")
        response.headers["Vary"] = f"{vary}, Origin" if vary else "Origin"
        return response

    return allow_origin
