"""Origins: web pages of other sites may call from a browser only where their origin was named (CORS).

Another site's page can't call on somebody's behalf without being asked either (CSRF): keys come in headers that no
browser adds by itself, and a request that a page may send without asking carries none and no JSON, so it is refused.
"""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

METHODS = "GET, POST"
HEADERS = (
    "Accept, Authorization, Content-Type, X-API-Key, X-Tenant, X-Request-ID, traceparent, tracestate,"
    " GraphQL-Require-Preflight, Apollo-Require-Preflight, X-Apollo-Operation-Name"
)
SHOWN = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
_REMEMBERED = "7200"  # seconds; browsers cap it


def cors_middleware(origins: frozenset[str], path: str) -> Middleware:
    """Let pages of these origins call a path, and answer what their browsers ask beforehand."""

    @web.middleware
    async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if request.path != path or origin.lower() not in origins:
            return await handler(request)
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = web.Response(status=204) if asks else await handler(request)
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = SHOWN
        if asks:
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = HEADERS
            response.headers["Access-Control-Max-Age"] = _REMEMBERED
        varies = response.headers.get("Vary")
        response.headers["Vary"] = f"{varies}, Origin" if varies else "Origin"
        return response

    return let_in
