"""From a request's headers to its viewer."""

import re

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, istr

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import BadInput, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services import access
from benegraph.web.tokens import TOKENS

#: What this application remembers of keys.
RIGHTS = web.AppKey("rights", access.KeyGrantCache)

_API_KEY = istr("X-API-Key")
_TENANT = istr("X-Tenant")
_BEARER = re.compile(r"bearer +(\S+)", re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"bgk_[A-Za-z0-9_-]{43}", re.ASCII)


async def authenticate(request: web.Request, database: Database, clock: Clock) -> Viewer:
    """Find out who asks, by the key or the token in one header and the tenant in another.

    Raises Unauthenticated, Forbidden or BadInput, as `services.access` does; for a token Unavailable, too.
    """
    credential, may_be_token = _credential(request.headers)
    if may_be_token and (tokens := request.app.get(TOKENS)) is not None:
        return await tokens.authenticate(database, clock, credential, _only(request.headers, _TENANT))
    if not _KEY.fullmatch(credential):
        raise Unauthenticated("The API key is unknown, revoked or expired.")
    tenant_id = _only(request.headers, _TENANT)
    return await access.authenticate(database, clock, credential, tenant_id, request.app[RIGHTS])


def _credential(headers: CIMultiDictProxy[str]) -> tuple[str, bool]:
    """Give what is shown of a viewer, and whether it may be a token: a bearer's, and no key."""
    authorization, api_key = _only(headers, hdrs.AUTHORIZATION), _only(headers, _API_KEY)
    if authorization is not None and api_key is not None:
        raise BadInput("Send the key in one header: Authorization or X-API-Key.")
    if api_key is not None:
        return api_key.strip(), False
    if authorization is None:
        raise Unauthenticated("A key is needed: Authorization: Bearer bgk_…")
    match = _BEARER.fullmatch(authorization.strip())
    if match is None:
        return "", False
    return match[1], not match[1].startswith(access.KEY_PREFIX)


def _only(headers: CIMultiDictProxy[str], name: istr) -> str | None:
    # Which of two a proxy reads and which we do would be a matter of luck.
    values = headers.getall(name, ())
    if len(values) > 1:
        raise BadInput(f"{name} stands here more than once.")
    return values[0] if values else None
