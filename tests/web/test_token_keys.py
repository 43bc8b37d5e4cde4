"""The cache of an issuer's keys: shared fetches, refreshes, outages, and invalid key sets."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from api_client import schema, status_and_codes
from identity_provider import (
    AUDIENCE,
    IdentityProvider,
    ed25519_key,
    encode_token,
    fixed_response,
    key_set_with_status,
    public_jwk,
    rsa_key,
    running_authenticator,
    running_gateway,
    running_provider,
    signer,
)
from joserfc.jwk import RSAKey
from yarl import URL

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.errors import RequestError
from benegraph.domain.values import Clock
from benegraph.settings import GatewayConfig, Issuer, SettingsError
from benegraph.web.app import create_app
from benegraph.web.tokens import TokenAuthenticator, jwks, keys
from factories.access import make_tenant

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
INVALID_NUMBERS: list[Any] = ["", "!", "AA", "AQ", None, 1, ["AQAB"], "é"]
NOT_STRINGS: list[Any] = [None, 1, [], {}]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database: these tests only read tokens and write nothing."""
    return shared_url


@pytest.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with running_provider() as provider:
        yield provider


@pytest.fixture(autouse=True)
async def _acme(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)


def long_lived_token(idp: IdentityProvider, key_id: str = "rsa", key: RSAKey | None = None) -> str:
    """Return a token that is valid for four days."""
    times = {"iat": NOW.timestamp(), "nbf": NOW.timestamp(), "exp": (NOW + 100 * HOUR).timestamp()}
    return encode_token(idp.header(kid=key_id), idp.claims(**times), signer(key or rsa_key()))


async def authenticate(
    database: Database, authenticator: TokenAuthenticator, token: str, later: timedelta = 0 * SECOND
) -> str:
    """Authenticate a token some time after NOW. Return its tenant, or the code of the error."""
    try:
        viewer: Viewer = await authenticator.authenticate(database, Clock(NOW + later), token, None)
    except RequestError as error:
        return error.code
    return viewer.tenant_id


# ------------------------------------------------------------------------------------------- fetches and refreshes


async def test_concurrent_first_requests_share_one_fetch(idp: IdentityProvider, database: Database) -> None:
    idp.may_respond.clear()
    async with running_authenticator(idp.issuer) as authenticator:
        attempts = [
            asyncio.create_task(authenticate(database, authenticator, long_lived_token(idp))) for _ in range(20)
        ]
        await asyncio.sleep(0.05)
        attempts[0].cancel()  # a client disconnects, which does not affect the others
        idp.may_respond.set()
        assert await asyncio.gather(*attempts[1:]) == ["acme"] * 19
    assert idp.request_counts == {"/keys": 1}


async def test_keys_are_refreshed_every_ten_minutes(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        fetches = []
        for minutes in (0, 1, 9.99, 10, 11, 19.99, 20):
            assert await authenticate(database, authenticator, long_lived_token(idp), minutes * MINUTE) == "acme"
            fetches.append(idp.request_counts["/keys"])
        assert fetches == [1, 1, 1, 2, 2, 2, 3]


async def test_revoked_key_is_valid_for_at_most_ten_minutes(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"
        idp.keys = [public_jwk(ed25519_key())]
        assert await authenticate(database, authenticator, long_lived_token(idp), 9 * MINUTE) == "acme"
        assert await authenticate(database, authenticator, long_lived_token(idp), 10 * MINUTE) == "UNAUTHENTICATED"
        assert await authenticate(database, authenticator, long_lived_token(idp), 5 * HOUR) == "UNAUTHENTICATED"


async def test_clock_set_back_does_not_keep_keys(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp), 30 * HOUR) == "acme"
        idp.keys = []
        assert await authenticate(database, authenticator, long_lived_token(idp), 6 * HOUR) == "UNAUTHENTICATED"


async def test_new_key_is_fetched_at_its_first_use(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"
        idp.keys.append(public_jwk(rsa_key("next")))
        attempts = [
            authenticate(database, authenticator, long_lived_token(idp, "next", rsa_key("next")), SECOND)
            for _ in range(20)
        ]
        assert await asyncio.gather(*attempts) == ["acme"] * 20
        assert await authenticate(database, authenticator, long_lived_token(idp), SECOND) == "acme"
        assert idp.request_counts == {"/keys": 2}


async def test_unknown_keys_cause_one_fetch_per_minute(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"
        fetches = []
        for seconds in (1, 2, 30, 60, 61, 62, 120, 121, 180):
            attempts = [
                authenticate(database, authenticator, long_lived_token(idp, f"kid-{n}"), seconds * SECOND)
                for n in range(10)
            ]
            assert await asyncio.gather(*attempts) == ["UNAUTHENTICATED"] * 10
            fetches.append(idp.request_counts["/keys"] - 1)
        assert fetches == [1, 1, 1, 1, 2, 2, 2, 3, 3]
        assert await authenticate(database, authenticator, long_lived_token(idp), 180 * SECOND) == "acme"


async def test_concurrent_unknown_keys_at_the_start_cause_one_fetch(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        attempts = [authenticate(database, authenticator, long_lived_token(idp, f"kid-{n}")) for n in range(30)]
        assert await asyncio.gather(*attempts) == ["UNAUTHENTICATED"] * 30
    assert idp.request_counts == {"/keys": 1}


# ------------------------------------------------------------------------------------ outages of the issuer


async def test_without_keys_the_response_is_503_with_retry_after(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    async with running_gateway(database, Issuer(url, AUDIENCE, f"{url}/keys")) as client:
        for _ in range(2):
            response = await client.post(IdentityProvider(url).token())
            assert await status_and_codes(response) == (503, ["UNAVAILABLE"])
            assert int(response.headers["Retry-After"]) >= 1
            assert "WWW-Authenticate" not in response.headers
        async with running_provider(port) as idp:
            assert (await client.data(idp.token()))["viewer"]["tenant"] == "acme"
    (warning, *_) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "ClientConnectorError" in warning
    assert str(port) not in warning


async def test_old_keys_are_used_for_a_day_during_an_outage(idp: IdentityProvider, database: Database) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"
        idp.override = key_set_with_status()
        for later in (11 * MINUTE, 12 * MINUTE, HOUR, 23.99 * HOUR):
            assert await authenticate(database, authenticator, long_lived_token(idp), later) == "acme"
            assert (
                await authenticate(database, authenticator, long_lived_token(idp, "unknown"), later)
                == "UNAUTHENTICATED"
            )
        for later in (24 * HOUR, 25 * HOUR):
            assert await authenticate(database, authenticator, long_lived_token(idp), later) == "UNAVAILABLE"
        idp.override = None
        assert await authenticate(database, authenticator, long_lived_token(idp), 26 * HOUR) == "acme"


async def test_during_an_outage_fetches_are_retried_in_the_background_once_per_minute(
    idp: IdentityProvider, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"
        idp.override = key_set_with_status()
        for seconds in range(600, 660, 5):
            assert await authenticate(database, authenticator, long_lived_token(idp), seconds * SECOND) == "acme"
            assert (
                await authenticate(database, authenticator, long_lived_token(idp, "unknown"), seconds * SECOND)
                == "UNAUTHENTICATED"
            )
            await asyncio.sleep(0.01)  # lets a background fetch run
        assert idp.request_counts == {"/keys": 2}
        monkeypatch.setattr(keys, "FETCH_TIMEOUT_SECONDS", 60.0)
        idp.may_respond.clear()
        async with asyncio.timeout(5):
            assert await authenticate(database, authenticator, long_lived_token(idp), 700 * SECOND) == "acme"
        idp.override, idp.keys = None, []
        idp.may_respond.set()
        for _ in range(500):  # until the background fetch has replaced the keys
            if (last := await authenticate(database, authenticator, long_lived_token(idp), 701 * SECOND)) != "acme":
                break
            await asyncio.sleep(0.01)
        assert last == "UNAUTHENTICATED"
        assert idp.request_counts == {"/keys": 4}  # the last fetch searches for the removed key


async def test_without_keys_fetches_are_retried_once_per_second(idp: IdentityProvider, database: Database) -> None:
    idp.override = key_set_with_status(503)
    async with running_authenticator(idp.issuer) as authenticator:
        started_at = asyncio.get_running_loop().time()
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "UNAVAILABLE"
        attempts = [authenticate(database, authenticator, long_lived_token(idp), 0.1 * SECOND) for _ in range(20)]
        assert await asyncio.gather(*attempts) == ["UNAVAILABLE"] * 20
        assert asyncio.get_running_loop().time() - started_at >= 1
    assert idp.request_counts == {"/keys": 2}


async def test_fetch_times_out(idp: IdentityProvider, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "FETCH_TIMEOUT_SECONDS", 0.1)
    idp.may_respond.clear()
    async with running_authenticator(idp.issuer) as authenticator:
        async with asyncio.timeout(3):
            assert await authenticate(database, authenticator, long_lived_token(idp)) == "UNAVAILABLE"
    idp.may_respond.set()
    assert keys.FETCH_TIMEOUT_SECONDS < 1


async def test_shutdown_cancels_a_fetch(idp: IdentityProvider, database: Database) -> None:
    idp.may_respond.clear()
    async with asyncio.timeout(3):
        async with running_authenticator(idp.issuer) as authenticator:
            attempt = asyncio.create_task(authenticate(database, authenticator, long_lived_token(idp)))
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await attempt
    idp.may_respond.set()


# --------------------------------------------------------------------------------------- invalid responses


async def endless(request: web.Request) -> web.StreamResponse:
    """Send a response without end, and record the bytes sent until the client disconnects."""
    response = web.StreamResponse()
    await response.prepare(request)
    request.app["sent"] = 0
    while True:
        await response.write(b" " * 65_536)
        request.app["sent"] += 65_536


def padded_key_set(size: int) -> bytes:
    body = json.dumps({"keys": [public_jwk(rsa_key())]}).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(
    "response",
    [
        *(key_set_with_status(status) for status in (204, 206, 301, 401, 404, 500, 503)),
        *(fixed_response(body) for body in (b"", b"keys", b"<html></html>", b"[]", b"null", b"{}", b'{"keys": null}')),
        *(
            fixed_response(body)
            for body in (b'{"keys": {}}', b'{"keys": "rsa"}', b'{"keys": ' + b"[" * 100_000, b"\xff\xfe{")
        ),
        fixed_response(padded_key_set(jwks.MAX_RESPONSE_BYTES + 1)),
        fixed_response(gzip.compress(padded_key_set(1000)), Content_Encoding="gzip"),
        endless,
    ],
)
async def test_invalid_key_set_response_is_rejected(
    response: Callable[..., Any], idp: IdentityProvider, database: Database
) -> None:
    idp.override = response
    async with running_authenticator(idp.issuer) as authenticator:
        async with asyncio.timeout(3):
            assert await authenticate(database, authenticator, long_lived_token(idp)) == "UNAVAILABLE"
        idp.override = None
        assert await authenticate(database, authenticator, long_lived_token(idp), 2 * SECOND) == "acme"


async def test_key_set_of_maximum_size_is_accepted(idp: IdentityProvider, database: Database) -> None:
    idp.override = fixed_response(padded_key_set(jwks.MAX_RESPONSE_BYTES), Content_Type="text/plain")
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"


async def test_redirects_are_not_followed(idp: IdentityProvider, database: Database) -> None:
    async with running_provider() as other, running_authenticator(idp.issuer) as authenticator:
        for later, target in enumerate((f"{other.url}/keys", f"{idp.url}/elsewhere")):
            idp.request_counts.clear()

            async def redirect(_request: web.Request, target: str = target) -> web.Response:
                raise web.HTTPFound(target)

            idp.override = redirect
            assert await authenticate(database, authenticator, long_lived_token(idp), later * MINUTE) == "UNAVAILABLE"
            assert (other.request_counts, idp.request_counts) == ({}, {"/keys": 1})


async def test_invalid_keys_are_ignored(idp: IdentityProvider, database: Database) -> None:
    valid = public_jwk(rsa_key())
    invalid: list[Any] = [
        *(None, 1, "rsa", [], {}, {"kid": "rsa"}, {"kty": "RSA", "kid": "rsa"}, {"kty": ["RSA"], "kid": "rsa"}),
        *(valid | {name: value} for name in ("n", "e") for value in INVALID_NUMBERS),
        *(valid | {name: value} for name in ("kty", "use", "key_ops", "alg") for value in (*NOT_STRINGS, "x")),
        *(valid | {"kid": value} for value in NOT_STRINGS),
        valid | {"n": "_" * 3000},
        {"kty": "AKP", "kid": "rsa", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "OKP", "kid": "rsa", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "kid": "rsa", "crv": "X25519", "x": "A" * 43},
    ]
    assert jwks.usable_keys(invalid) == {}
    idp.keys = [*invalid, valid, public_jwk(ed25519_key()), public_jwk(rsa_key("attacker"), kid="rsa"), *invalid]
    async with running_authenticator(idp.issuer) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "acme"
        assert (
            await authenticate(database, authenticator, long_lived_token(idp, key=rsa_key("attacker")))
            == "UNAUTHENTICATED"
        )


# ------------------------------------------------------------------------------------------ URLs


async def test_key_set_url_is_discovered(idp: IdentityProvider, database: Database) -> None:
    async with running_gateway(database, Issuer(idp.url, AUDIENCE)) as client:
        assert (await client.data(idp.token()))["viewer"]["tenant"] == "acme"
    assert idp.request_counts == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_issuer_with_a_trailing_slash_works(idp: IdentityProvider, database: Database) -> None:
    name = idp.url + "/"
    idp.configuration = {"issuer": name, "jwks_uri": f"{idp.url}/keys"}
    async with running_gateway(database, Issuer(name, AUDIENCE)) as client:
        assert (await client.data(idp.token(iss=name)))["viewer"]["tenant"] == "acme"
        assert await status_and_codes(await client.post(idp.token())) == (401, ["UNAUTHENTICATED"])
    assert idp.request_counts == {"/.well-known/openid-configuration": 1, "/keys": 1}


@pytest.mark.parametrize(
    "changes",
    [
        *({"issuer": issuer} for issuer in ("https://evil.example", None, "{url}/", ["{url}"])),
        *({"jwks_uri": url} for url in (None, 1, "", "/keys", "http://keys.example/", "ftp://127.0.0.1/")),
        *({"jwks_uri": url} for url in ("http://127.0.0.1.example/keys", "http://[bad/", "http://10.0.0.1/")),
    ],
)
async def test_invalid_openid_configuration_is_rejected(
    changes: dict[str, Any], idp: IdentityProvider, database: Database
) -> None:
    configuration = {"issuer": idp.url, "jwks_uri": f"{idp.url}/keys"} | changes
    idp.configuration = json.loads(json.dumps(configuration).replace("{url}", idp.url))
    async with running_authenticator(Issuer(idp.url, AUDIENCE)) as authenticator:
        assert await authenticate(database, authenticator, long_lived_token(idp)) == "UNAVAILABLE"
    assert idp.request_counts == {"/.well-known/openid-configuration": 1}


@pytest.mark.parametrize(
    "jwks_uri", ["http://keys.example/", "//keys.example/", "/keys", "keys", "", "https://", None, ["x"]]
)
def test_insecure_jwks_uri_is_rejected(jwks_uri: Any) -> None:
    for configuration_url in ("https://idp.example/", "http://127.0.0.1/"):
        with pytest.raises(jwks.InvalidKeySet):
            jwks._key_set_url(URL(configuration_url), jwks_uri)


def test_remote_issuer_may_not_direct_to_loopback() -> None:
    remote = URL("https://idp.example/.well-known/openid-configuration")
    assert jwks._key_set_url(remote, "https://keys.example/keys") == URL("https://keys.example/keys")
    for loopback in (
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://localhost:8000/",
        "http://[::1]/",
        "https://[::1]/",
    ):
        with pytest.raises(jwks.InvalidKeySet):
            jwks._key_set_url(remote, loopback)
        assert jwks._key_set_url(URL("http://127.0.0.1:9/"), loopback) == URL(loopback)


@pytest.mark.parametrize(
    ("name", "keys_url", "is_accepted"),
    [
        ("https://idp.example", None, True),
        ("https://idp.example", "https://keys.example/keys", True),
        ("acme", "https://keys.example/keys", True),
        ("http://127.0.0.1:8080/realm", None, True),
        ("http://[::1]:8080/realm", None, True),
        ("http://localhost:8080", None, True),
        ("http://idp.example", None, False),
        ("https://idp.example", "http://keys.example/keys", False),
        ("https://idp.example", "http://localhost.example/keys", False),
        ("https://idp.example", "http://127.0.0.1@keys.example/keys", False),
        ("https://idp.example", "file:///etc/keys", False),
        ("acme", None, False),
        ("https://", None, False),
        ("http://[", None, False),
    ],
)
async def test_insecure_key_set_url_is_a_settings_error(
    name: str, keys_url: str | None, is_accepted: bool, database: Database
) -> None:
    config = GatewayConfig(issuers=(Issuer("https://other.example", AUDIENCE), Issuer(name, AUDIENCE, keys_url)))
    if is_accepted:
        assert create_app(database, schema(), config=config).cleanup_ctx
    else:
        with pytest.raises(SettingsError, match="BENEGRAPH_JWT_KEYS_URL"):
            create_app(database, schema(), config=config)
