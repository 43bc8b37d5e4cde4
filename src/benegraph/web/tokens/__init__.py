"""Tokens of an identity provider: from what a bearer shows to the viewer it stands for."""

import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import ClientSession, DummyCookieJar, web
from yarl import URL

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import ScopeExistenceCache, check_scope_exists
from benegraph.settings import Issuer, SettingsError
from benegraph.web.tokens.claims import viewer_of
from benegraph.web.tokens.jwks import home_of, is_secure_url
from benegraph.web.tokens.jwt import InvalidToken, check_claims, read_header, verify
from benegraph.web.tokens.keys import Keys

log = logging.getLogger(__name__)

#: How many seconds it is believed that there is whom a token names.
ADMITTED_SECONDS = 60.0


class Tokens:
    """The tokens of one issuer, and what was found out a moment ago of its keys and of whom it names."""

    def __init__(self, issuer: Issuer, keys: Keys) -> None:
        self._issuer = issuer
        self._keys = keys
        self._admitted = ScopeExistenceCache(ADMITTED_SECONDS)

    async def authenticate(self, database: Database, clock: Clock, token: str, tenant_id: str | None) -> Viewer:
        """Find out who bears a token, in the tenant asked for, or in its only one.

        Raises Unauthenticated for a token that is not good, whatever is bad about it; Forbidden where it names no
        tenant, role, employer or employee that there is; BadInput where it is good for several tenants and none was
        named; Unavailable while the issuer's keys can't be had.
        """
        try:
            algorithm, kid = read_header(token)
            key = await self._keys.find(kid, algorithm, clock.now)
            claims = verify(token, key)
            check_claims(claims, self._issuer, clock.now)
            viewer = viewer_of(claims, self._issuer, tenant_id)
        except InvalidToken as error:
            log.debug("A token is not good: %s", error.reason)
            raise Unauthenticated("This token is not good.") from None
        await check_scope_exists(database, clock, viewer, self._admitted)
        return viewer


TOKENS = web.AppKey("tokens", Tokens)


def token_authentication(issuer: Issuer) -> Callable[[web.Application], AsyncIterator[None]]:
    """Make what lets an application take an issuer's tokens from its start to its end. Raises SettingsError."""
    if not is_secure_url(_url_of(issuer)):
        raise SettingsError(
            "BENEGRAPH_JWT_KEYS_URL, or without it BENEGRAPH_JWT_ISSUER, is a URL of https; of http on loopback alone."
        )

    async def take(app: web.Application) -> AsyncIterator[None]:
        # What is sent packed is not unpacked: a small answer could be a very large one.
        async with ClientSession(
            auto_decompress=False, cookie_jar=DummyCookieJar(), headers={"Accept-Encoding": "identity"}
        ) as session:
            keys = Keys(issuer, session)
            app[TOKENS] = Tokens(issuer, keys)
            yield
            await keys.close()

    return take


def _url_of(issuer: Issuer) -> URL | None:
    try:
        return home_of(issuer)
    except ValueError:
        return None
