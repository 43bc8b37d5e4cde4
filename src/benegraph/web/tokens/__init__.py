"""Authentication by an identity provider's tokens (JWT)."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, web
from yarl import URL

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import ScopeExistenceCache, check_scope_exists
from benegraph.settings import Issuer, SettingsError
from benegraph.web.tokens.claims import viewer_of
from benegraph.web.tokens.jwks import first_url, is_secure_url
from benegraph.web.tokens.jwt import InvalidToken, check_claims, read_claims, read_header, verify
from benegraph.web.tokens.keys import KeySetCache

log = logging.getLogger(__name__)

#: How long it is cached that a token's tenant, employer and employee exist.
SCOPE_CACHE_SECONDS = 60.0


class TokenAuthenticator:
    """Authenticates the tokens of some issuers, each by that issuer's keys.

    It caches the keys, and the existence of the tokens' scopes.
    """

    def __init__(self, key_sets: Iterable[KeySetCache]) -> None:
        self._key_sets = {keys.issuer.name: keys for keys in key_sets}
        self._scopes = ScopeExistenceCache(SCOPE_CACHE_SECONDS)

    async def authenticate(self, database: Database, clock: Clock, token: str, tenant_id: str | None) -> Viewer:
        """Return the viewer of a token, in the requested tenant or in the token's only tenant.

        Raises Unauthenticated for an invalid token, without a reason; Forbidden if its role is missing or its tenant,
        employer or employee does not exist; BadInput if it names several tenants and none is requested; Unavailable
        while the issuer's keys cannot be fetched.
        """
        try:
            algorithm, kid = read_header(token)
            claims = read_claims(token)
            keys = self._find_keys(claims.get("iss"))
            verify(token, await keys.find(kid, algorithm, clock.now))
            check_claims(claims, keys.issuer, clock.now)
            viewer = viewer_of(claims, keys.issuer, tenant_id)
        except InvalidToken as error:
            log.debug("Invalid token: %s", error.reason)
            raise Unauthenticated("The token is invalid or expired.") from None
        await check_scope_exists(database, clock, viewer, self._scopes)
        return viewer

    def _find_keys(self, issuer: Any) -> KeySetCache:
        """Return the keys of the issuer that a token names, by which the token must then be verified."""
        keys = self._key_sets.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            raise InvalidToken("issuer")
        return keys


TOKEN_AUTHENTICATOR = web.AppKey("token_authenticator", TokenAuthenticator)


def token_authentication(issuers: Sequence[Issuer]) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return the cleanup context that lets an application authenticate tokens of issuers. Raises SettingsError."""
    if not all(is_secure_url(_url_of(issuer)) for issuer in issuers):
        raise SettingsError(
            "BENEGRAPH_JWT_KEYS_URL, or without it BENEGRAPH_JWT_ISSUER, must be an https URL;"
            " http is accepted on loopback only. The same holds for each issuer in BENEGRAPH_JWT_ISSUERS."
        )

    async def authenticate_tokens(app: web.Application) -> AsyncIterator[None]:
        # Compressed responses are not decompressed: a small one could expand to a very large one.
        async with ClientSession(
            auto_decompress=False, cookie_jar=DummyCookieJar(), headers={"Accept-Encoding": "identity"}
        ) as session:
            key_sets = [KeySetCache(issuer, session) for issuer in issuers]
            app[TOKEN_AUTHENTICATOR] = TokenAuthenticator(key_sets)
            yield
            for keys in key_sets:
                await keys.close()

    return authenticate_tokens


def _url_of(issuer: Issuer) -> URL | None:
    try:
        return first_url(issuer)
    except ValueError:
        return None
