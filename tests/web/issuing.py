"""An identity provider on loopback, which signs whatever a test asks it to; and the gateway that takes its tokens."""

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
from calling import schema
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

Sign = Callable[[bytes], bytes]
Claims = dict[str, Any]


@cache
def rsa(name: str = "rsa") -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": name})


@cache
def ed25519(name: str = "ed") -> OKPKey:
    return OKPKey.generate_key("Ed25519", parameters={"kid": name})


def public(key: RSAKey | OKPKey, **members: Any) -> dict[str, Any]:
    """Write a key as an issuer publishes it; `...` leaves a member out."""
    return _changed({**key.as_dict(private=False), "use": "sig"}, members)


def by(key: RSAKey | OKPKey) -> Sign:
    """Sign as the key's owner does."""
    if isinstance(key, RSAKey):
        assert key.private_key is not None
        signing = key.private_key
        return lambda message: signing.sign(message, padding.PKCS1v15(), hashes.SHA256())
    owner: Any = key.private_key
    return lambda message: bytes(owner.sign(message))


def by_secret(secret: bytes, digest: Any = hashlib.sha256) -> Sign:
    return lambda message: hmac.new(secret, message, digest).digest()


def by_nobody(_message: bytes) -> bytes:
    return b""


def written(part: Any) -> str:
    """Write a part of a token; bytes as they are."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def compact(header: Any, payload: Any, sign: Sign) -> str:
    message = f"{written(header)}.{written(payload)}"
    return f"{message}.{written(sign(message.encode()))}"


def in_seconds(seconds: float = 0) -> int:
    return int(datetime.now(UTC).timestamp() + seconds)


@dataclass
class Provider:
    """An identity provider. What it answers can be bent, and it counts what it is asked."""

    url: str = ""
    keys: list[Any] = field(default_factory=list)
    configuration: Any = None
    asked: Counter[str] = field(default_factory=Counter)
    #: Answers in place of the provider itself.
    instead: Callable[[web.Request], Any] | None = None
    #: Held shut, its answers wait.
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.url, AUDIENCE, f"{self.url}/keys")

    def header(self, **changes: Any) -> dict[str, Any]:
        return _changed({"alg": "RS256", "kid": "rsa", "typ": "JWT"}, changes)

    def claims(self, **changes: Any) -> Claims:
        """Say all that makes an administrator; `...` leaves a claim out."""
        times = {"iat": in_seconds(), "nbf": in_seconds(), "exp": in_seconds(300)}
        who = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "tenant": "acme", "role": "ADMINISTRATOR"}
        return _changed(who | times, changes)

    def token(self, **claims: Any) -> str:
        return compact(self.header(), self.claims(**claims), by(rsa()))

    def token_with(self, **header: Any) -> str:
        return compact(self.header(**header), self.claims(), by(rsa()))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        await self.gate.wait()
        if self.instead is not None:
            return await self.instead(request)  # type: ignore[no-any-return]
        if request.path == "/.well-known/openid-configuration":
            return web.json_response(self.configuration or {"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        return web.json_response({"keys": self.keys})


def refusing(status: int = 500) -> Callable[[web.Request], Any]:
    """Give the keys, but under a status that says it is none of them."""

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [public(rsa())]}, status=status)

    return refuse


def saying(body: bytes, **headers: str) -> Callable[[web.Request], Any]:
    async def say(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return say


@asynccontextmanager
async def providing(port: int | None = None) -> AsyncIterator[Provider]:
    """Run an identity provider that publishes a key of each kind."""
    provider = Provider(keys=[public(rsa(), alg="RS256"), public(ed25519(), alg="EdDSA")])
    provider.gate.set()
    app = web.Application()
    app.router.add_get("/{path:.*}", provider.answer)
    async with TestServer(app, port=port) as server:
        provider.url = str(server.make_url("")).rstrip("/")
        yield provider


@dataclass(frozen=True)
class Gateway:
    """The gateway, called with whatever credentials."""

    client: TestClient[web.Request, web.Application]

    async def ask(self, token: str, query: str = QUERY, tenant: str | None = None, **variables: Any) -> ClientResponse:
        headers = {"Authorization": f"Bearer {token}"} | ({} if tenant is None else {"X-Tenant": tenant})
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def data(self, token: str, query: str = QUERY, tenant: str | None = None, **variables: Any) -> Any:
        """Ask, and give the data of an answer without errors."""
        response = await self.ask(token, query, tenant, **variables)
        body = await response.json(content_type=None)
        assert (response.status, body.get("errors")) == (200, None), body
        return body["data"]


@asynccontextmanager
async def gateway(database: Database, issuer: Issuer | None, fixed_on: date | None = None) -> AsyncIterator[Gateway]:
    """Run the gateway as it is served, with the real clock unless a day is given."""
    app = create_app(database, schema(), config=GatewayConfig(issuer=issuer), fixed_on=fixed_on)
    server = TestServer(app)
    await server.start_server(access_log_class=AccessLog)
    async with TestClient(server) as client:
        yield Gateway(client)


@asynccontextmanager
async def taking(issuer: Issuer) -> AsyncIterator[TokenAuthenticator]:
    """Take an issuer's tokens past the gateway, at whatever instant a test says it is."""
    app = web.Application()
    async with asynccontextmanager(token_authentication(issuer))(app):
        yield app[TOKEN_AUTHENTICATOR]


def _changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (members | changes).items() if value is not ...}
