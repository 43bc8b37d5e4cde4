"""An identity provider on the loopback interface that signs any token, and a gateway that accepts its tokens."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from api_client import schema
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import OKPKey, RSAKey

from benegraph.db.session import Database
from benegraph.settings import GatewayConfig, Issuer
from benegraph.web.app import create_app
from benegraph.web.middleware import AccessLog
from benegraph.web.tokens import TOKEN_AUTHENTICATOR, TokenAuthenticator, token_authentication

AUDIENCE = "https://benefits.example/graphql"
SUBJECT = "maya.delacroix@example.com"
QUERY = "{ viewer { tenant role employer { id } employee { id } } }"

Signer = Callable[[bytes], bytes]
Claims = dict[str, Any]


@cache
def rsa_key(key_id: str = "rsa") -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": key_id})


@cache
def ed25519_key(key_id: str = "ed") -> OKPKey:
    return OKPKey.generate_key("Ed25519", parameters={"kid": key_id})


def public_jwk(key: RSAKey | OKPKey, **members: Any) -> dict[str, Any]:
    """Return a key as an issuer publishes it, with these members replaced; `...` removes a member."""
    return _replace_members({**key.as_dict(private=False), "use": "sig"}, members)


def signer(key: RSAKey | OKPKey) -> Signer:
    """Return a function that signs with a private key."""
    if isinstance(key, RSAKey):
        assert key.private_key is not None
        private_key = key.private_key
        return lambda message: private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    ed25519_private_key: Any = key.private_key
    return lambda message: bytes(ed25519_private_key.sign(message))


def hmac_signer(secret: bytes, digest: Any = hashlib.sha256) -> Signer:
    return lambda message: hmac.new(secret, message, digest).digest()


def empty_signature(_message: bytes) -> bytes:
    return b""


def encode_part(part: Any) -> str:
    """Encode a part of a token: JSON, or bytes unchanged."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def encode_token(header: Any, payload: Any, sign: Signer) -> str:
    message = f"{encode_part(header)}.{encode_part(payload)}"
    return f"{message}.{encode_part(sign(message.encode()))}"


def unix_time_in(seconds: float = 0) -> int:
    return int(datetime.now(UTC).timestamp() + seconds)


@dataclass
class IdentityProvider:
    """An identity provider with replaceable responses. It counts its requests by path."""

    url: str = ""
    keys: list[Any] = field(default_factory=list)
    configuration: Any = None
    request_counts: Counter[str] = field(default_factory=Counter)
    #: A handler that replaces the provider's own responses.
    override: Callable[[web.Request], Any] | None = None
    #: While it is not set, responses are delayed.
    may_respond: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.url, AUDIENCE, f"{self.url}/keys")

    def header(self, **changes: Any) -> dict[str, Any]:
        return _replace_members({"alg": "RS256", "kid": "rsa", "typ": "JWT"}, changes)

    def claims(self, **changes: Any) -> Claims:
        """Return an administrator's claims with these changes; `...` removes a claim."""
        times = {"iat": unix_time_in(), "nbf": unix_time_in(), "exp": unix_time_in(300)}
        identity = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "tenant": "acme", "role": "ADMINISTRATOR"}
        return _replace_members(identity | times, changes)

    def token(self, **claims: Any) -> str:
        return encode_token(self.header(), self.claims(**claims), signer(rsa_key()))

    def token_with_header(self, **header: Any) -> str:
        return encode_token(self.header(**header), self.claims(), signer(rsa_key()))

    async def respond(self, request: web.Request) -> web.StreamResponse:
        self.request_counts[request.path] += 1
        await self.may_respond.wait()
        if self.override is not None:
            return await self.override(request)  # type: ignore[no-any-return]
        if request.path == "/.well-known/openid-configuration":
            return web.json_response(self.configuration or {"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        return web.json_response({"keys": self.keys})


def key_set_with_status(status: int = 500) -> Callable[[web.Request], Any]:
    """Return a handler that responds with a valid key set, but with this status."""

    async def respond(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [public_jwk(rsa_key())]}, status=status)

    return respond


def fixed_response(body: bytes, **headers: str) -> Callable[[web.Request], Any]:
    """Return a handler that responds with this body. Keyword arguments are headers, with underscores for hyphens."""

    async def respond(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return respond


@asynccontextmanager
async def running_provider(port: int | None = None) -> AsyncIterator[IdentityProvider]:
    """Run an identity provider that publishes one key of each supported type."""
    provider = IdentityProvider(keys=[public_jwk(rsa_key(), alg="RS256"), public_jwk(ed25519_key(), alg="EdDSA")])
    provider.may_respond.set()
    app = web.Application()
    app.router.add_get("/{path:.*}", provider.respond)
    async with TestServer(app, port=port) as server:
        provider.url = str(server.make_url("")).rstrip("/")
        yield provider


@dataclass(frozen=True)
class TokenClient:
    """A client that sends the token of each call as its credential."""

    http: TestClient[web.Request, web.Application]

    async def post(self, token: str, query: str = QUERY, tenant: str | None = None, **variables: Any) -> ClientResponse:
        headers = {"Authorization": f"Bearer {token}"} | ({} if tenant is None else {"X-Tenant": tenant})
        return await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def data(self, token: str, query: str = QUERY, tenant: str | None = None, **variables: Any) -> Any:
        """Post a query and return the response's data. Check that there are no errors."""
        response = await self.post(token, query, tenant, **variables)
        body = await response.json(content_type=None)
        assert (response.status, body.get("errors")) == (200, None), body
        return body["data"]


@asynccontextmanager
async def running_gateway(
    database: Database, *issuers: Issuer, fixed_on: date | None = None
) -> AsyncIterator[TokenClient]:
    """Serve a gateway that accepts tokens of these issuers, on the real date by default."""
    app = create_app(database, schema(), config=GatewayConfig(issuers=issuers), fixed_on=fixed_on)
    server = TestServer(app)
    await server.start_server(access_log_class=AccessLog)
    async with TestClient(server) as client:
        yield TokenClient(client)


@asynccontextmanager
async def running_authenticator(*issuers: Issuer) -> AsyncIterator[TokenAuthenticator]:
    """Yield the authenticator of issuers' tokens without a gateway, so that a test can choose the time."""
    app = web.Application()
    async with asynccontextmanager(token_authentication(issuers))(app):
        yield app[TOKEN_AUTHENTICATOR]


def _replace_members(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (members | changes).items() if value is not ...}
