"""The keys of an issuer: fetched once for all, kept while young, and longer while no others can be had."""

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
from calling import schema, told
from issuing import AUDIENCE, Provider, by, compact, ed25519, gateway, providing, public, refusing, rsa, saying, taking
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
NUMBERS: list[Any] = ["", "!", "AA", "AQ", None, 1, ["AQAB"], "é"]
NO_TEXTS: list[Any] = [None, 1, [], {}]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """A token is read and nothing is written: one database will do for all."""
    return shared_url


@pytest.fixture
async def idp() -> AsyncIterator[Provider]:
    async with providing() as provider:
        yield provider


@pytest.fixture(autouse=True)
async def _acme(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)


def lasting(idp: Provider, kid: str = "rsa", key: RSAKey | None = None) -> str:
    """Make a token that is good for all of a test, however late it gets."""
    times = {"iat": NOW.timestamp(), "nbf": NOW.timestamp(), "exp": (NOW + 100 * HOUR).timestamp()}
    return compact(idp.header(kid=kid), idp.claims(**times), by(key or rsa()))


async def come(database: Database, tokens: TokenAuthenticator, token: str, later: timedelta = 0 * SECOND) -> str:
    """Come with a token so much later; give the tenant it lets one in, or the code of why it does not."""
    try:
        viewer: Viewer = await tokens.authenticate(database, Clock(NOW + later), token, None)
    except RequestError as error:
        return error.code
    return viewer.tenant_id


# ------------------------------------------------------------------------------------------- fetched, and kept


async def test_all_who_come_first_wait_for_one_fetch(idp: Provider, database: Database) -> None:
    idp.gate.clear()
    async with taking(idp.issuer) as tokens:
        coming = [asyncio.create_task(come(database, tokens, lasting(idp))) for _ in range(20)]
        await asyncio.sleep(0.05)
        coming[0].cancel()  # went away; the others don't pay for it
        idp.gate.set()
        assert await asyncio.gather(*coming[1:]) == ["acme"] * 19
    assert idp.asked == {"/keys": 1}


async def test_keys_are_fetched_anew_every_ten_minutes(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        asked = []
        for minutes in (0, 1, 9.99, 10, 11, 19.99, 20):
            assert await come(database, tokens, lasting(idp), minutes * MINUTE) == "acme"
            asked.append(idp.asked["/keys"])
        assert asked == [1, 1, 1, 2, 2, 2, 3]


async def test_a_key_that_was_taken_back_is_good_for_ten_minutes_at_most(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"
        idp.keys = [public(ed25519())]
        assert await come(database, tokens, lasting(idp), 9 * MINUTE) == "acme"
        assert await come(database, tokens, lasting(idp), 10 * MINUTE) == "UNAUTHENTICATED"
        assert await come(database, tokens, lasting(idp), 5 * HOUR) == "UNAUTHENTICATED"


async def test_a_clock_that_is_set_back_keeps_no_key_for_ever(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp), 30 * HOUR) == "acme"
        idp.keys = []
        assert await come(database, tokens, lasting(idp), 6 * HOUR) == "UNAUTHENTICATED"


async def test_a_key_of_tomorrow_is_fetched_when_it_is_first_used(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"
        idp.keys.append(public(rsa("next")))
        coming = [come(database, tokens, lasting(idp, "next", rsa("next")), SECOND) for _ in range(20)]
        assert await asyncio.gather(*coming) == ["acme"] * 20
        assert await come(database, tokens, lasting(idp), SECOND) == "acme"
        assert idp.asked == {"/keys": 2}


async def test_unknown_keys_are_looked_for_once_a_minute(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"
        asked = []
        for seconds in (1, 2, 30, 60, 61, 62, 120, 121, 180):
            coming = [come(database, tokens, lasting(idp, f"kid-{n}"), seconds * SECOND) for n in range(10)]
            assert await asyncio.gather(*coming) == ["UNAUTHENTICATED"] * 10
            asked.append(idp.asked["/keys"] - 1)
        assert asked == [1, 1, 1, 1, 2, 2, 2, 3, 3]
        assert await come(database, tokens, lasting(idp), 180 * SECOND) == "acme"


async def test_a_storm_at_the_start_fetches_once(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        coming = [come(database, tokens, lasting(idp, f"kid-{n}")) for n in range(30)]
        assert await asyncio.gather(*coming) == ["UNAUTHENTICATED"] * 30
    assert idp.asked == {"/keys": 1}


# ------------------------------------------------------------------------------------ while the issuer is away


async def test_while_there_are_no_keys_one_is_asked_to_come_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    async with gateway(database, Issuer(url, AUDIENCE, f"{url}/keys")) as here:
        for _ in range(2):
            response = await here.ask(Provider(url).token())
            assert await told(response) == (503, ["UNAVAILABLE"])
            assert int(response.headers["Retry-After"]) >= 1
            assert "WWW-Authenticate" not in response.headers
        async with providing(port) as idp:
            assert (await here.data(idp.token()))["viewer"]["tenant"] == "acme"
    (warned, *_) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "ClientConnectorError" in warned
    assert str(port) not in warned


async def test_while_the_issuer_is_away_its_old_keys_will_do_for_a_day(idp: Provider, database: Database) -> None:
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"
        idp.instead = refusing()
        for later in (11 * MINUTE, 12 * MINUTE, HOUR, 23.99 * HOUR):
            assert await come(database, tokens, lasting(idp), later) == "acme"
            assert await come(database, tokens, lasting(idp, "unknown"), later) == "UNAUTHENTICATED"
        for later in (24 * HOUR, 25 * HOUR):
            assert await come(database, tokens, lasting(idp), later) == "UNAVAILABLE"
        idp.instead = None
        assert await come(database, tokens, lasting(idp), 26 * HOUR) == "acme"


async def test_while_the_issuer_is_away_it_is_asked_once_a_minute_and_nobody_waits(
    idp: Provider, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"
        idp.instead = refusing()
        for seconds in range(600, 660, 5):
            assert await come(database, tokens, lasting(idp), seconds * SECOND) == "acme"
            assert await come(database, tokens, lasting(idp, "unknown"), seconds * SECOND) == "UNAUTHENTICATED"
            await asyncio.sleep(0.01)  # for what might be fetched beside us
        assert idp.asked == {"/keys": 2}
        monkeypatch.setattr(keys, "FETCH_TIMEOUT_SECONDS", 60.0)
        idp.gate.clear()
        async with asyncio.timeout(5):
            assert await come(database, tokens, lasting(idp), 700 * SECOND) == "acme"
        idp.instead, idp.keys = None, []
        idp.gate.set()
        for _ in range(500):  # fetched beside us; what comes of it counts as soon as it is there
            if (last := await come(database, tokens, lasting(idp), 701 * SECOND)) != "acme":
                break
            await asyncio.sleep(0.01)
        assert last == "UNAUTHENTICATED"
        assert idp.asked == {"/keys": 4}  # and once more to look for the key that was gone


async def test_while_there_are_no_keys_the_issuer_is_asked_once_a_second(idp: Provider, database: Database) -> None:
    idp.instead = refusing(503)
    async with taking(idp.issuer) as tokens:
        started = asyncio.get_running_loop().time()
        assert await come(database, tokens, lasting(idp)) == "UNAVAILABLE"
        coming = [come(database, tokens, lasting(idp), 0.1 * SECOND) for _ in range(20)]
        assert await asyncio.gather(*coming) == ["UNAVAILABLE"] * 20
        assert asyncio.get_running_loop().time() - started >= 1
    assert idp.asked == {"/keys": 2}


async def test_an_issuer_that_never_answers_is_given_up(
    idp: Provider, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_TIMEOUT_SECONDS", 0.1)
    idp.gate.clear()
    async with taking(idp.issuer) as tokens:
        async with asyncio.timeout(3):
            assert await come(database, tokens, lasting(idp)) == "UNAVAILABLE"
    idp.gate.set()
    assert keys.FETCH_TIMEOUT_SECONDS < 1


async def test_the_end_waits_for_no_issuer(idp: Provider, database: Database) -> None:
    idp.gate.clear()
    async with asyncio.timeout(3):
        async with taking(idp.issuer) as tokens:
            coming = asyncio.create_task(come(database, tokens, lasting(idp)))
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await coming
    idp.gate.set()


# --------------------------------------------------------------------------------------- what an issuer answers


async def endless(request: web.Request) -> web.StreamResponse:
    """Answer without an end; what was sent before we were hung up on is noted."""
    response = web.StreamResponse()
    await response.prepare(request)
    request.app["sent"] = 0
    while True:
        await response.write(b" " * 65_536)
        request.app["sent"] += 65_536


def large(size: int) -> bytes:
    body = json.dumps({"keys": [public(rsa())]}).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(
    "answer",
    [
        *(refusing(status) for status in (204, 206, 301, 401, 404, 500, 503)),
        *(saying(body) for body in (b"", b"keys", b"<html></html>", b"[]", b"null", b"{}", b'{"keys": null}')),
        *(saying(body) for body in (b'{"keys": {}}', b'{"keys": "rsa"}', b'{"keys": ' + b"[" * 100_000, b"\xff\xfe{")),
        saying(large(jwks.MAX_RESPONSE_BYTES + 1)),
        saying(gzip.compress(large(1000)), Content_Encoding="gzip"),
        endless,
    ],
)
async def test_what_is_no_set_of_keys_is_none(answer: Callable[..., Any], idp: Provider, database: Database) -> None:
    idp.instead = answer
    async with taking(idp.issuer) as tokens:
        async with asyncio.timeout(3):
            assert await come(database, tokens, lasting(idp)) == "UNAVAILABLE"
        idp.instead = None
        assert await come(database, tokens, lasting(idp), 2 * SECOND) == "acme"


async def test_a_set_of_keys_may_be_as_large_as_it_may(idp: Provider, database: Database) -> None:
    idp.instead = saying(large(jwks.MAX_RESPONSE_BYTES), Content_Type="text/plain")
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"


async def test_a_redirect_is_not_followed(idp: Provider, database: Database) -> None:
    async with providing() as other, taking(idp.issuer) as tokens:
        for later, target in enumerate((f"{other.url}/keys", f"{idp.url}/elsewhere")):
            idp.asked.clear()

            async def redirect(_request: web.Request, target: str = target) -> web.Response:
                raise web.HTTPFound(target)

            idp.instead = redirect
            assert await come(database, tokens, lasting(idp), later * MINUTE) == "UNAVAILABLE"
            assert (other.asked, idp.asked) == ({}, {"/keys": 1})


async def test_odd_keys_spoil_no_good_one(idp: Provider, database: Database) -> None:
    good = public(rsa())
    odd: list[Any] = [
        *(None, 1, "rsa", [], {}, {"kid": "rsa"}, {"kty": "RSA", "kid": "rsa"}, {"kty": ["RSA"], "kid": "rsa"}),
        *(good | {name: value} for name in ("n", "e") for value in NUMBERS),
        *(good | {name: value} for name in ("kty", "use", "key_ops", "alg") for value in (*NO_TEXTS, "x")),
        *(good | {"kid": value} for value in NO_TEXTS),
        good | {"n": "_" * 3000},
        {"kty": "AKP", "kid": "rsa", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "OKP", "kid": "rsa", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "kid": "rsa", "crv": "X25519", "x": "A" * 43},
    ]
    assert jwks.usable_keys(odd) == {}
    idp.keys = [*odd, good, public(ed25519()), public(rsa("attacker"), kid="rsa"), *odd]
    async with taking(idp.issuer) as tokens:
        assert await come(database, tokens, lasting(idp)) == "acme"
        assert await come(database, tokens, lasting(idp, key=rsa("attacker"))) == "UNAUTHENTICATED"


# ------------------------------------------------------------------------------------------ where the keys are


async def test_an_issuer_tells_itself_where_its_keys_are(idp: Provider, database: Database) -> None:
    async with gateway(database, Issuer(idp.url, AUDIENCE)) as here:
        assert (await here.data(idp.token()))["viewer"]["tenant"] == "acme"
    assert idp.asked == {"/.well-known/openid-configuration": 1, "/keys": 1}


async def test_an_issuer_may_end_in_a_slash(idp: Provider, database: Database) -> None:
    name = idp.url + "/"
    idp.configuration = {"issuer": name, "jwks_uri": f"{idp.url}/keys"}
    async with gateway(database, Issuer(name, AUDIENCE)) as here:
        assert (await here.data(idp.token(iss=name)))["viewer"]["tenant"] == "acme"
        assert await told(await here.ask(idp.token())) == (401, ["UNAUTHENTICATED"])
    assert idp.asked == {"/.well-known/openid-configuration": 1, "/keys": 1}


@pytest.mark.parametrize(
    "changes",
    [
        *({"issuer": issuer} for issuer in ("https://evil.example", None, "{url}/", ["{url}"])),
        *({"jwks_uri": url} for url in (None, 1, "", "/keys", "http://keys.example/", "ftp://127.0.0.1/")),
        *({"jwks_uri": url} for url in ("http://127.0.0.1.example/keys", "http://[bad/", "http://10.0.0.1/")),
    ],
)
async def test_a_configuration_that_is_not_the_issuers_is_not_believed(
    changes: dict[str, Any], idp: Provider, database: Database
) -> None:
    told = {"issuer": idp.url, "jwks_uri": f"{idp.url}/keys"} | changes
    idp.configuration = json.loads(json.dumps(told).replace("{url}", idp.url))
    async with taking(Issuer(idp.url, AUDIENCE)) as tokens:
        assert await come(database, tokens, lasting(idp)) == "UNAVAILABLE"
    assert idp.asked == {"/.well-known/openid-configuration": 1}


@pytest.mark.parametrize(
    "told", ["http://keys.example/", "//keys.example/", "/keys", "keys", "", "https://", None, ["x"]]
)
def test_an_issuer_tells_of_no_line_that_others_could_step_into(told: Any) -> None:
    for home in ("https://idp.example/", "http://127.0.0.1/"):
        with pytest.raises(jwks.InvalidKeySet):
            jwks._key_set_url(URL(home), told)


def test_an_issuer_far_away_can_not_send_us_to_this_machine() -> None:
    far = URL("https://idp.example/.well-known/openid-configuration")
    assert jwks._key_set_url(far, "https://keys.example/keys") == URL("https://keys.example/keys")
    for near in (
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://localhost:8000/",
        "http://[::1]/",
        "https://[::1]/",
    ):
        with pytest.raises(jwks.InvalidKeySet):
            jwks._key_set_url(far, near)
        assert jwks._key_set_url(URL("http://127.0.0.1:9/"), near) == URL(near)


@pytest.mark.parametrize(
    ("name", "keys_url", "fits"),
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
async def test_keys_come_over_a_line_that_nobody_can_step_into(
    name: str, keys_url: str | None, fits: bool, database: Database
) -> None:
    config = GatewayConfig(issuer=Issuer(name, AUDIENCE, keys_url))
    if fits:
        assert create_app(database, schema(), config=config).cleanup_ctx
    else:
        with pytest.raises(SettingsError, match="BENEGRAPH_JWT_KEYS_URL"):
            create_app(database, schema(), config=config)
