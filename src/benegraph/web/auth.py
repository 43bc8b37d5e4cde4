"""Authentication: the viewer that a request's headers identify."""

import re

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, istr

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import BadInput, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services import access
from benegraph.web.tokens import TOKEN_AUTHENTICATOR

#: The application's cache of API keys.
KEY_CACHE = web.AppKey("key_cache", access.KeyGrantCache)

_API_KEY_HEADER = istr("X-API-Key")
_TENANT_HEADER = istr("X-Tenant")
_BEARER = re.compile(r"bearer +(\S+)", re.ASCII | re.IGNORECASE)
_API_KEY = re.compile(r"bgk_[A-Za-z0-9_-]{43}", re.ASCII)


async def authenticate(request: web.Request, database: Database, clock: Clock) -> Viewer:
    """Return the viewer that a request's credential and its X-Tenant header identify.

    Raises Unauthenticated, Forbidden or BadInput, as `services.access` does; and Unavailable while the keys that
    verify tokens cannot be fetched.
    """
    credential, may_be_token = _find_credential(request.headers)
    if may_be_token and (authenticator := request.app.get(TOKEN_AUTHENTICATOR)) is not None:
        tenant_id = _single_value(request.headers, _TENANT_HEADER)
        return await authenticator.authenticate(database, clock, credential, tenant_id)
    if not _API_KEY.fullmatch(credential):
        raise Unauthenticated(access.INVALID_KEY)
    tenant_id = _single_value(request.headers, _TENANT_HEADER)
    return await access.authenticate(database, clock, credential, tenant_id, request.app[KEY_CACHE])


def _find_credential(headers: CIMultiDictProxy[str]) -> tuple[str, bool]:
    """Return the API key or token, and whether it may be a token: sent as a bearer, without a key's prefix."""
    authorization, api_key = _single_value(headers, hdrs.AUTHORIZATION), _single_value(headers, _API_KEY_HEADER)
    if authorization is not None and api_key is not None:
        raise BadInput("Conflicting credentials: send either Authorization or X-API-Key, not both.")
    if api_key is not None:
        return api_key.strip(), False
    if authorization is None:
        raise Unauthenticated("Missing credentials: send an API key or a token as Authorization: Bearer ….")
    match = _BEARER.fullmatch(authorization.strip())
    if match is None:
        raise Unauthenticated("The Authorization header must have the form: Bearer <API key or token>.")
    return match[1], not match[1].startswith(access.KEY_PREFIX)


def _single_value(headers: CIMultiDictProxy[str], name: istr) -> str | None:
    # With two values, a proxy in front could check one while the gateway uses the other.
    values = headers.getall(name, ())
    if len(values) > 1:
        raise BadInput(f"The header {name} is repeated; send it once.")
    return values[0] if values else None
