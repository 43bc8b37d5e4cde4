"""From a request's headers to its viewer."""

import re

from aiohttp import web
from multidict import CIMultiDictProxy

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import BadInput, Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services import access

_BEARER = re.compile(r"bearer +(\S+)", re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"bgk_[A-Za-z0-9_-]{43}", re.ASCII)


async def authenticate(request: web.Request, database: Database, clock: Clock) -> Viewer:
    """Find out who asks, by the key in one header and the tenant in another.

    Raises Unauthenticated, Forbidden or BadInput, as `services.access` does.
    """
    key = _key(request.headers)
    return await access.authenticate(database, clock, key, _only(request.headers, "X-Tenant"))


def _key(headers: CIMultiDictProxy[str]) -> str:
    authorization, api_key = _only(headers, "Authorization"), _only(headers, "X-API-Key")
    if authorization is not None and api_key is not None:
        raise BadInput("Send the key in one header: Authorization or X-API-Key.")
    if authorization is not None:
        match = _BEARER.fullmatch(authorization.strip())
        api_key = match[1] if match else ""
    if api_key is None:
        raise Unauthenticated("A key is needed: Authorization: Bearer bgk_…")
    if not _KEY.fullmatch(api_key.strip()):
        raise Unauthenticated("This key is not good.")
    return api_key.strip()


def _only(headers: CIMultiDictProxy[str], name: str) -> str | None:
    # Which of two a proxy reads and which we do would be a matter of luck.
    values = headers.getall(name, [])
    if len(values) > 1:
        raise BadInput(f"{name} stands here more than once.")
    return values[0] if values else None
