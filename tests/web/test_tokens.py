"""TokenAuthenticator that must let nobody in, over real HTTP; each beside a good one, which the same gateway takes."""

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from calling import told
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa as weak
from issuing import (
    AUDIENCE,
    SUBJECT,
    Provider,
    by,
    by_nobody,
    by_secret,
    compact,
    ed25519,
    gateway,
    in_seconds,
    providing,
    public,
    rsa,
    taking,
    written,
)
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import serialize_compact
from joserfc.util import int_to_base64

from benegraph.db.session import Database
from benegraph.domain.errors import Unauthenticated
from benegraph.domain.values import Clock
from benegraph.web.tokens.jwt import MAX_TOKEN_LENGTH, InvalidToken, read_header
from factories.access import make_tenant

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
GARBAGE = "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"

Attack = Callable[[Provider], str]
ATTACKS: dict[str, Attack] = {}


def attack(name: str, forge: Attack) -> None:
    assert name not in ATTACKS
    ATTACKS[name] = forge


# ---------------------------------------------------------------------------------------------- the algorithm


def unsigned(algorithm: Any, sign: Callable[[bytes], bytes] = by_nobody) -> Attack:
    return lambda idp: compact(idp.header(alg=algorithm), idp.claims(), sign)


def right(**header: Any) -> Attack:
    """Sign with the issuer's own key, under a header that says something else."""
    return lambda idp: idp.token_with(**header)


def keyed(secret: Callable[[], bytes], algorithm: str = "HS256", digest: Any = hashlib.sha256, **header: Any) -> Attack:
    return lambda idp: compact(idp.header(alg=algorithm, **header), idp.claims(), by_secret(secret(), digest))


def by_pss(message: bytes) -> bytes:
    key = rsa().private_key
    assert key is not None
    return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def by_rs512(message: bytes) -> bytes:
    key = rsa().private_key
    assert key is not None
    return key.sign(message, padding.PKCS1v15(), hashes.SHA512())


word: Any
for word in ("none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "HS256", "EdDSA", "Ed25519", None, ["RS256"], 256):
    attack(f"unsigned, alg {word!r}", unsigned(word))
for word in ("none", "nOnE", "ES256", "RS512", "PS256", "HS256", "rs256", ["RS256"], {"RS256": 1}, None, True, ...):
    attack(f"signed by the issuer, but alg {word!r}", right(alg=word))
attack("signed by PS256", unsigned("PS256", by_pss))
attack("signed by PS256, called RS256", unsigned("RS256", by_pss))
attack("signed by RS512", unsigned("RS512", by_rs512))
for name, secret in {
    "PEM": lambda: rsa().as_pem(),
    "PEM without its last line's end": lambda: rsa().as_pem().rstrip(),
    "DER": lambda: rsa().as_der(),
    "JWK": lambda: json.dumps(public(rsa(), alg="RS256")).encode(),
    "JWK, bare": lambda: json.dumps(rsa().as_dict(private=False), separators=(",", ":"), sort_keys=True).encode(),
    "modulus": lambda: str(rsa().as_dict(private=False)["n"]).encode(),
    "kid": lambda: b"rsa",
    "nothing": lambda: b"",
}.items():
    attack(f"HS256 by the public key's {name}", keyed(secret))
    attack(f"HS256 by the public key's {name}, called RS256", keyed(secret, "RS256"))
attack("HS512 by the public key", keyed(lambda: rsa().as_pem(), "HS512", hashlib.sha512))
attack("HS256 by the Ed25519 key's bytes", keyed(lambda: ed25519().as_der()[-32:], kid="ed"))
attack(
    "EdDSA by an HMAC of the key's bytes", keyed(lambda: ed25519().as_der()[-32:], "EdDSA", hashlib.sha512, kid="ed")
)


def by_elliptic_curve(idp: Provider) -> str:
    key = ECKey.generate_key("P-256", parameters={"kid": "ec"})
    idp.keys.append({**key.as_dict(private=False), "use": "sig", "alg": "ES256"})
    return serialize_compact({"alg": "ES256", "kid": "ec"}, json.dumps(idp.claims()), key)


def by_ed448(idp: Provider) -> str:
    key = OKPKey.generate_key("Ed448", parameters={"kid": "ed448"})
    idp.keys.append(public(key, alg="EdDSA"))
    return compact(idp.header(alg="EdDSA", kid="ed448"), idp.claims(), by(key))


attack("ES256 by a key that the issuer publishes", by_elliptic_curve)
attack("Ed448 by a key that the issuer publishes", by_ed448)

# ---------------------------------------------------------------------------------------------- the signature


def bent(bend: Callable[[list[str]], list[str]]) -> Attack:
    """Take a good token, and bend one of its parts."""
    return lambda idp: ".".join(bend(idp.token().split(".")))


def last_bits(part: str) -> str:
    # 256 bytes end in a character of which four bits are not used: a lax reader takes any of 16.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def tampered(**claims: Any) -> Attack:
    return bent(lambda parts: [parts[0], written(claims), parts[2]])


def swapped(idp: Provider) -> str:
    one, other = idp.token(role="EMPLOYEE").split("."), idp.token().split(".")
    return ".".join([one[0], other[1], one[2]])


attack("signature left empty", bent(lambda parts: [*parts[:2], ""]))
attack("signature left out", bent(lambda parts: parts[:2]))
attack("signature cut", bent(lambda parts: [*parts[:2], parts[2][:-4]]))
attack("signature with more behind it", bent(lambda parts: [*parts[:2], parts[2] + "AAAA"]))
attack("signature padded", bent(lambda parts: [*parts[:2], parts[2] + "=="]))
attack("signature with bits that nobody reads", bent(lambda parts: [*parts[:2], last_bits(parts[2])]))
attack("signature in plain base64", bent(lambda parts: [*parts[:2], "+/" + parts[2][2:]]))
attack("signature of zeros", bent(lambda parts: [*parts[:2], written(bytes(256))]))
attack("signature of another token", swapped)
attack("a part too many", bent(lambda parts: [*parts, parts[2]]))
attack("five parts, as of an encrypted token", bent(lambda parts: [*parts, "AA", "AA"]))
attack("payload left out", bent(lambda parts: [parts[0], "", parts[2]]))
attack("header left out", bent(lambda parts: ["", *parts[1:]]))
attack("payload tampered with", lambda idp: tampered(**idp.claims(tenant="globex"))(idp))
attack("payload emptied", tampered())
attack("header tampered with", bent(lambda parts: [written({"alg": "RS256", "kid": "rsa"}), *parts[1:]]))
attack("nothing but dots", lambda _: "..")
attack("words", lambda _: "letmein")
attack("garbage", lambda _: GARBAGE)
attack("no letters of base64", lambda _: "ä.ö.ü")

# ---------------------------------------------------------------------------------------------------- the key


def with_key(**members: Any) -> Attack:
    """Sign with a key that the issuer publishes in a way that makes it none for this."""

    def forge(idp: Provider) -> str:
        idp.keys.append(public(rsa("odd"), **members))
        return compact(idp.header(kid="odd"), idp.claims(), by(rsa("odd")))

    return forge


def by_secret_that_is_published(idp: Provider) -> str:
    idp.keys += [{"kty": "oct", "k": written(b"secret"), "kid": "oct", "alg": name} for name in ("HS256", "RS256")]
    return compact(idp.header(alg="HS256", kid="oct"), idp.claims(), by_secret(b"secret"))


def by_weak_key(idp: Provider) -> str:
    key = weak.generate_private_key(65537, 1024)  # noqa: S505 - that it can be broken is the point
    numbers = key.public_key().public_numbers()
    idp.keys.append({"kty": "RSA", "kid": "weak", "n": int_to_base64(numbers.n), "e": int_to_base64(numbers.e)})
    return compact(
        idp.header(kid="weak"), idp.claims(), lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    )


def by_attacker(**header: Any) -> Attack:
    """Sign with a key of one's own; a function in the header is called when it is needed."""

    def forge(idp: Provider) -> str:
        called = {name: value() if callable(value) else value for name, value in header.items()}
        return compact(idp.header(**called), idp.claims(), by(rsa("attacker")))

    return forge


def attackers_jwk() -> dict[str, Any]:
    return public(rsa("attacker"))


def with_private_half(idp: Provider) -> str:
    return with_key(d=rsa("odd").as_dict(private=True)["d"])(idp)


for word in (
    *("unknown", "", "RSA", "rsa ", "../../../../dev/null", "/dev/null", "http://169.254.169.254/keys", "k" * 4000),
    *("rsa' OR '1'='1", "x'; DROP TABLE tenants; --", "rsa\0", None, 0, True, ["rsa"], {"kid": "rsa"}, "ed", ...),
):
    attack(f"kid {str(word)[:40]!r} {type(word).__name__}", right(kid=word))
attack("a key of the attacker's under the issuer's kid", by_attacker())
attack("a key of the attacker's that stands in the token", by_attacker(jwk=attackers_jwk))
attack("the same, under its own kid", by_attacker(jwk=attackers_jwk, kid="attacker"))
attack("a chain of the attacker's", by_attacker(x5c=lambda: [written(rsa("attacker").as_der())], kid="attacker"))
attack("EdDSA by the RSA key's kid", lambda idp: compact(idp.header(alg="EdDSA"), idp.claims(), by(ed25519())))
attack("RS256 by the Ed25519 key's kid", lambda idp: compact(idp.header(kid="ed"), idp.claims(), by(rsa())))
attack("a key for encryption", with_key(use="enc"))
attack("a key for who knows what", with_key(use="tls"))
attack("a key whose operations leave out verifying", with_key(use=..., key_ops=["encrypt"]))
attack("a key of another algorithm", with_key(alg="RS512"))
attack("a key of another kind's algorithm", with_key(alg="HS256"))
attack("a key that is published with its private half", with_private_half)
attack("a secret that the issuer publishes", by_secret_that_is_published)
attack("a key of 1024 bits", by_weak_key)

# ----------------------------------------------------------------------------------- the header and the payload


def signed(payload: Any) -> Attack:
    return lambda idp: compact(idp.header(), payload(idp) if callable(payload) else payload, by(rsa()))


def twice(member: str) -> Attack:
    def forge(idp: Provider) -> str:
        text = json.dumps(idp.claims(role="EMPLOYEE"))
        return compact(idp.header(), f"{text[:-1]}, {member}}}".encode(), by(rsa()))

    return forge


def headed(header: bytes) -> Attack:
    return lambda idp: compact(header, idp.claims(), by(rsa()))


attack("an extension that must be known", right(crit=["exp"], exp=1))
attack("an extension nobody knows", right(crit=["urn:example:x"], **{"urn:example:x": True}))
attack("extensions of which there are none", right(crit=[]))
attack("extensions that are no list", right(crit="b64", b64=True))
attack("an extension that is not used", right(b64=True))
attack("an unencoded payload", right(b64=False, crit=["b64"]))
attack("an unencoded payload that need not be known", right(b64=False))
for word in ("JWE", "logout+jwt", "dpop+jwt", "JWT ", "", None, 1, ["JWT"]):
    attack(f"typ {word!r}", right(typ=word))
attack("alg twice", headed(b'{"alg":"none","kid":"rsa","alg":"RS256"}'))
attack("kid twice", headed(b'{"alg":"RS256","kid":"ed","kid":"rsa"}'))
attack("a header that is a list", headed(b'["alg","kid"]'))
attack("a header that is a text", headed(b'"alg kid b64"'))
attack("a header of many levels", headed(b'{"alg":"RS256","kid":"rsa","x":' + b"[" * 2500))
attack("role twice", twice('"role": "ADMINISTRATOR"'))
attack("a member twice beneath", twice('"x": {"y": 1, "y": 2}'))
for name, payload in {
    "null": b"null",
    "a list": b"[]",
    "a text": b'"{}"',
    "a number": b"1",
    "of a member that is no JSON": lambda idp: idp.claims(x=float("nan")),
    "no JSON": b"{'iss': 1}",
    "nothing": b"",
    "no UTF-8": b'{"iss": "\xff"}',
    "many levels": b'{"x":' + b"[" * 2500,
}.items():
    attack(f"a payload that is {name}", signed(payload))
attack("a payload in UTF-16", lambda idp: compact(idp.header(), json.dumps(idp.claims()).encode("utf-16"), by(rsa())))
attack("a token within a token", lambda idp: compact(idp.header(cty="JWT"), idp.token().encode(), by(rsa())))

# ------------------------------------------------------------------------------------------------- the claims

for name, values in {
    "iss": ("https://evil.example", "", None, True, 0, ["https://evil.example"], ...),
    "aud": (
        *("https://evil.example", "", None, True, 0, [], ["https://evil.example", "other"], {AUDIENCE: 1}, ...),
        *(AUDIENCE + "/", AUDIENCE[:-1], AUDIENCE.upper(), f"{AUDIENCE} other", [[AUDIENCE]], [AUDIENCE, 1], [None]),
    ),
    "exp": (None, True, "9999999999", "", [], {}, 0, -1, 1e15, 10**400, float("nan"), float("inf"), ...),
    "nbf": (None, False, "0", "", [], -1, float("-inf"), 10**400),
    "iat": (None, False, "0", "", [], -1, float("nan"), 1e308),
    "sub": (None, True, "", 7, ["maya"], {"sub": "maya"}, "m" * 256, "\ud800", ...),
}.items():
    for value in values:
        attack(f"{name} {str(value)[:60]!r} {type(value).__name__}", lambda idp, n=name, v=value: idp.token(**{n: v}))  # type: ignore[misc]
attack("iss with a slash more", lambda idp: idp.token(iss=idp.url + "/"))
attack("iss in a list", lambda idp: idp.token(iss=[idp.url]))
attack("iss of another, whom the same key signs for", lambda idp: idp.token(iss=idp.url + "/realms/other"))
attack("exp past", lambda idp: idp.token(exp=in_seconds(-60)))
attack("nbf to come", lambda idp: idp.token(nbf=in_seconds(60)))
attack("iat to come", lambda idp: idp.token(iat=in_seconds(60)))


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """A token is read and nothing is written: one database will do for all."""
    return shared_url


@asynccontextmanager
async def watching() -> AsyncIterator[tuple[str, list[str]]]:
    """Run what an attacker would like to be asked for keys."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"keys": [public(rsa("attacker"), alg="RS256")]})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/keys")), asked


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_answered_as_garbage_is(
    name: str, database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await make_tenant(database, clock)
    async with providing() as idp, gateway(database, idp.issuer) as here:
        forged = ATTACKS[name](idp)
        assert (await here.data(idp.token()))["viewer"]["tenant"] == "acme"
        response, garbage = await here.ask(forged), await here.ask(GARBAGE)
        assert await told(response) == (401, ["UNAUTHENTICATED"])
        assert await response.read() == await garbage.read()
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="benegraph", error="invalid_token"'
        assert response.headers["Cache-Control"] == "no-store"
        assert (await here.data(idp.token()))["viewer"]["tenant"] == "acme"
    assert "Invalid token: " in caplog.text
    for part in (SUBJECT, *(part for part in forged.split(".") if len(part) > 8)):
        assert part not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("member", ["jku", "x5u"])
async def test_an_address_in_a_token_is_never_asked(member: str, database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    async with watching() as (url, asked), providing() as idp, gateway(database, idp.issuer) as here:
        for forged in (by_attacker(**{member: url}), by_attacker(**{member: url}, kid="attacker")):
            assert await told(await here.ask(forged(idp))) == (401, ["UNAUTHENTICATED"])
        assert (await here.data(idp.token_with(**{member: url})))["viewer"]["tenant"] == "acme"
        assert asked == []
        assert set(idp.asked) == {"/keys"}


@pytest.mark.parametrize(
    ("header", "key", "published"),
    [
        ({"alg": "RS256", "kid": "rsa"}, rsa, {}),
        ({"alg": "RS256", "kid": "rsa"}, rsa, {"use": ..., "key_ops": ["verify"]}),
        ({"alg": "EdDSA", "kid": "ed"}, ed25519, {}),
        ({"alg": "EdDSA", "kid": "ed"}, ed25519, {"alg": "EdDSA"}),
        ({"alg": "EdDSA", "kid": "ed"}, ed25519, {"alg": "Ed25519"}),
        ({"alg": "Ed25519", "kid": "ed"}, ed25519, {"alg": "EdDSA"}),
        ({"alg": "Ed25519", "kid": "ed"}, ed25519, {"alg": "Ed25519", "use": ...}),
    ],
)
async def test_each_spelling_of_an_algorithm_is_taken(
    header: dict[str, str],
    key: Callable[[], RSAKey | OKPKey],
    published: dict[str, Any],
    database: Database,
    clock: Clock,
) -> None:
    await make_tenant(database, clock)
    async with providing() as idp, gateway(database, idp.issuer) as here:
        idp.keys = [public(key(), **published)]
        assert (await here.data(compact(header, idp.claims(), by(key()))))["viewer"]["role"] == "ADMINISTRATOR"


async def test_a_good_token_is_good_in_all_its_forms(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    async with providing() as idp, gateway(database, idp.issuer) as here:
        tokens = [
            *(idp.token_with(typ=typ) for typ in ("JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", ...)),
            idp.token_with(x5t="AAAA", cty="json", realm="ours", jwk=public(rsa("attacker"))),
            idp.token(aud=[AUDIENCE]),
            idp.token(aud=["other", AUDIENCE]),
            idp.token(iat=..., nbf=...),
            idp.token(nbf=0, iat=0.5, exp=in_seconds(60) + 0.25),
            idp.token(sub="m" * 255, email=SUBJECT, nested={"a": [None, {"b": 1}]}),
        ]
        for token in tokens:
            assert (await here.data(token))["viewer"]["tenant"] == "acme", token


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [
        *(("exp", seconds, seconds > -30) for seconds in (1, 0, -1, -29, -29.999, -30, -30.001, -31)),
        *(("nbf", seconds, seconds <= 30) for seconds in (-1, 0, 1, 29, 30, 30.001, 31)),
        *(("iat", seconds, seconds <= 30) for seconds in (-1, 0, 1, 29, 30, 30.001, 31)),
    ],
)
async def test_clocks_may_be_thirty_seconds_apart(
    claim: str, seconds: float, good: bool, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    moment = NOW.timestamp()
    async with providing() as idp, taking(idp.issuer) as tokens:
        times = {"exp": moment + 3600, "nbf": moment - 3600, "iat": moment - 3600} | {claim: moment + seconds}
        telling = tokens.authenticate(database, Clock(NOW), idp.token(**times), None)
        if good:
            assert (await telling).tenant_id == "acme"
        else:
            with pytest.raises(Unauthenticated, match=r"^The token is invalid or expired\.$"):
                await telling


async def test_a_token_is_good_by_the_clock_of_the_request(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    async with providing() as idp, taking(idp.issuer) as tokens:
        token = idp.token(nbf=NOW.timestamp(), iat=NOW.timestamp(), exp=NOW.timestamp() + 60)
        assert (await tokens.authenticate(database, Clock(NOW), token, None)).tenant_id == "acme"
        for far in (-timedelta(days=400), timedelta(days=400)):
            with pytest.raises(Unauthenticated):
                await tokens.authenticate(database, Clock(NOW + far), token, None)


@pytest.mark.parametrize(("length", "reason"), [(MAX_TOKEN_LENGTH, "algorithm"), (MAX_TOKEN_LENGTH + 1, "form")])
def test_a_token_has_a_greatest_length(length: int, reason: str) -> None:
    token = f"{written({'alg': 'none'})}.e30."
    with pytest.raises(InvalidToken, match=f"^{reason}$"):
        read_header(token + "A" * (length - len(token)))
