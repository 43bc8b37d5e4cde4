"""Forged and invalid tokens, over real HTTP. The same gateway accepts a valid token before and after each of them."""

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
from api_client import status_and_codes
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_generator
from identity_provider import (
    AUDIENCE,
    SUBJECT,
    IdentityProvider,
    ed25519_key,
    empty_signature,
    encode_part,
    encode_token,
    hmac_signer,
    public_jwk,
    rsa_key,
    running_authenticator,
    running_gateway,
    running_provider,
    signer,
    unix_time_in,
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

Attack = Callable[[IdentityProvider], str]
ATTACKS: dict[str, Attack] = {}


def add_attack(name: str, forge: Attack) -> None:
    assert name not in ATTACKS
    ATTACKS[name] = forge


# ---------------------------------------------------------------------------------------------- algorithm


def forged_algorithm(algorithm: Any, sign: Callable[[bytes], bytes] = empty_signature) -> Attack:
    return lambda idp: encode_token(idp.header(alg=algorithm), idp.claims(), sign)


def signed_with_header(**header: Any) -> Attack:
    """Sign with the issuer's own key, under a forged header."""
    return lambda idp: idp.token_with_header(**header)


def hmac_token(
    secret: Callable[[], bytes], algorithm: str = "HS256", digest: Any = hashlib.sha256, **header: Any
) -> Attack:
    return lambda idp: encode_token(idp.header(alg=algorithm, **header), idp.claims(), hmac_signer(secret(), digest))


def sign_pss(message: bytes) -> bytes:
    key = rsa_key().private_key
    assert key is not None
    return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def sign_rs512(message: bytes) -> bytes:
    key = rsa_key().private_key
    assert key is not None
    return key.sign(message, padding.PKCS1v15(), hashes.SHA512())


value: Any
for value in ("none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "HS256", "EdDSA", "Ed25519", None, ["RS256"], 256):
    add_attack(f"unsigned, alg {value!r}", forged_algorithm(value))
for value in ("none", "nOnE", "ES256", "RS512", "PS256", "HS256", "rs256", ["RS256"], {"RS256": 1}, None, True, ...):
    add_attack(f"signed by the issuer, but alg {value!r}", signed_with_header(alg=value))
add_attack("signed by PS256", forged_algorithm("PS256", sign_pss))
add_attack("signed by PS256, called RS256", forged_algorithm("RS256", sign_pss))
add_attack("signed by RS512", forged_algorithm("RS512", sign_rs512))
for name, secret in {
    "PEM": lambda: rsa_key().as_pem(),
    "PEM without its final newline": lambda: rsa_key().as_pem().rstrip(),
    "DER": lambda: rsa_key().as_der(),
    "JWK": lambda: json.dumps(public_jwk(rsa_key(), alg="RS256")).encode(),
    "JWK, bare": lambda: json.dumps(rsa_key().as_dict(private=False), separators=(",", ":"), sort_keys=True).encode(),
    "modulus": lambda: str(rsa_key().as_dict(private=False)["n"]).encode(),
    "kid": lambda: b"rsa",
    "empty": lambda: b"",
}.items():
    add_attack(f"HS256 by the public key's {name}", hmac_token(secret))
    add_attack(f"HS256 by the public key's {name}, called RS256", hmac_token(secret, "RS256"))
add_attack("HS512 by the public key", hmac_token(lambda: rsa_key().as_pem(), "HS512", hashlib.sha512))
add_attack("HS256 by the Ed25519 key's bytes", hmac_token(lambda: ed25519_key().as_der()[-32:], kid="ed"))
add_attack(
    "EdDSA by an HMAC of the key's bytes",
    hmac_token(lambda: ed25519_key().as_der()[-32:], "EdDSA", hashlib.sha512, kid="ed"),
)


def ecdsa_token(idp: IdentityProvider) -> str:
    key = ECKey.generate_key("P-256", parameters={"kid": "ec"})
    idp.keys.append({**key.as_dict(private=False), "use": "sig", "alg": "ES256"})
    return serialize_compact({"alg": "ES256", "kid": "ec"}, json.dumps(idp.claims()), key)


def ed448_token(idp: IdentityProvider) -> str:
    key = OKPKey.generate_key("Ed448", parameters={"kid": "ed448"})
    idp.keys.append(public_jwk(key, alg="EdDSA"))
    return encode_token(idp.header(alg="EdDSA", kid="ed448"), idp.claims(), signer(key))


add_attack("ES256 by a key that the issuer publishes", ecdsa_token)
add_attack("Ed448 by a key that the issuer publishes", ed448_token)

# ---------------------------------------------------------------------------------------------- signature


def with_parts(change: Callable[[list[str]], list[str]]) -> Attack:
    """Change the parts of a valid token."""
    return lambda idp: ".".join(change(idp.token().split(".")))


def change_unused_bits(part: str) -> str:
    # The last character of 256 encoded bytes has four unused bits. A lenient decoder accepts all 16 variants.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def with_claims(**claims: Any) -> Attack:
    return with_parts(lambda parts: [parts[0], encode_part(claims), parts[2]])


def with_other_payload(idp: IdentityProvider) -> str:
    one, other = idp.token(role="EMPLOYEE").split("."), idp.token().split(".")
    return ".".join([one[0], other[1], one[2]])


add_attack("empty signature", with_parts(lambda parts: [*parts[:2], ""]))
add_attack("missing signature", with_parts(lambda parts: parts[:2]))
add_attack("truncated signature", with_parts(lambda parts: [*parts[:2], parts[2][:-4]]))
add_attack("extended signature", with_parts(lambda parts: [*parts[:2], parts[2] + "AAAA"]))
add_attack("padded signature", with_parts(lambda parts: [*parts[:2], parts[2] + "=="]))
add_attack("signature with changed unused bits", with_parts(lambda parts: [*parts[:2], change_unused_bits(parts[2])]))
add_attack("signature in plain base64", with_parts(lambda parts: [*parts[:2], "+/" + parts[2][2:]]))
add_attack("signature of zeros", with_parts(lambda parts: [*parts[:2], encode_part(bytes(256))]))
add_attack("signature of another token", with_other_payload)
add_attack("four parts", with_parts(lambda parts: [*parts, parts[2]]))
add_attack("five parts, as of an encrypted token", with_parts(lambda parts: [*parts, "AA", "AA"]))
add_attack("missing payload", with_parts(lambda parts: [parts[0], "", parts[2]]))
add_attack("missing header", with_parts(lambda parts: ["", *parts[1:]]))
add_attack("changed payload", lambda idp: with_claims(**idp.claims(tenant="globex"))(idp))
add_attack("empty payload", with_claims())
add_attack("changed header", with_parts(lambda parts: [encode_part({"alg": "RS256", "kid": "rsa"}), *parts[1:]]))
add_attack("only dots", lambda _: "..")
add_attack("a plain word", lambda _: "letmein")
add_attack("garbage", lambda _: GARBAGE)
add_attack("characters outside base64", lambda _: "ä.ö.ü")

# ---------------------------------------------------------------------------------------------------- key


def with_key(**members: Any) -> Attack:
    """Sign with a published key that must not be used to verify tokens."""

    def forge(idp: IdentityProvider) -> str:
        idp.keys.append(public_jwk(rsa_key("odd"), **members))
        return encode_token(idp.header(kid="odd"), idp.claims(), signer(rsa_key("odd")))

    return forge


def published_secret(idp: IdentityProvider) -> str:
    idp.keys += [{"kty": "oct", "k": encode_part(b"secret"), "kid": "oct", "alg": name} for name in ("HS256", "RS256")]
    return encode_token(idp.header(alg="HS256", kid="oct"), idp.claims(), hmac_signer(b"secret"))


def weak_key_token(idp: IdentityProvider) -> str:
    key = rsa_generator.generate_private_key(65537, 1024)  # noqa: S505 - the test needs a weak key
    numbers = key.public_key().public_numbers()
    idp.keys.append({"kty": "RSA", "kid": "weak", "n": int_to_base64(numbers.n), "e": int_to_base64(numbers.e)})
    return encode_token(
        idp.header(kid="weak"), idp.claims(), lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    )


def attackers_token(**header: Any) -> Attack:
    """Sign with the attacker's key. Functions in the header are called when the token is forged."""

    def forge(idp: IdentityProvider) -> str:
        header_values = {name: value() if callable(value) else value for name, value in header.items()}
        return encode_token(idp.header(**header_values), idp.claims(), signer(rsa_key("attacker")))

    return forge


def attackers_jwk() -> dict[str, Any]:
    return public_jwk(rsa_key("attacker"))


def with_private_key(idp: IdentityProvider) -> str:
    return with_key(d=rsa_key("odd").as_dict(private=True)["d"])(idp)


for value in (
    *("unknown", "", "RSA", "rsa ", "../../../../dev/null", "/dev/null", "http://169.254.169.254/keys", "k" * 4000),
    *("rsa' OR '1'='1", "x'; DROP TABLE tenants; --", "rsa\0", None, 0, True, ["rsa"], {"kid": "rsa"}, "ed", ...),
):
    add_attack(f"kid {str(value)[:40]!r} {type(value).__name__}", signed_with_header(kid=value))
add_attack("a key of the attacker's under the issuer's kid", attackers_token())
add_attack("a key of the attacker's in the token's header", attackers_token(jwk=attackers_jwk))
add_attack("the same, under its own kid", attackers_token(jwk=attackers_jwk, kid="attacker"))
add_attack(
    "a chain of the attacker's",
    attackers_token(x5c=lambda: [encode_part(rsa_key("attacker").as_der())], kid="attacker"),
)
add_attack(
    "EdDSA by the RSA key's kid", lambda idp: encode_token(idp.header(alg="EdDSA"), idp.claims(), signer(ed25519_key()))
)
add_attack(
    "RS256 by the Ed25519 key's kid", lambda idp: encode_token(idp.header(kid="ed"), idp.claims(), signer(rsa_key()))
)
add_attack("a key for encryption", with_key(use="enc"))
add_attack("a key for an unknown use", with_key(use="tls"))
add_attack("a key whose operations do not include verify", with_key(use=..., key_ops=["encrypt"]))
add_attack("a key of another algorithm", with_key(alg="RS512"))
add_attack("a key with the algorithm of another key type", with_key(alg="HS256"))
add_attack("a key published with its private part", with_private_key)
add_attack("a secret that the issuer publishes", published_secret)
add_attack("a key of 1024 bits", weak_key_token)

# ----------------------------------------------------------------------------------- header and payload


def signed_payload(payload: Any) -> Attack:
    return lambda idp: encode_token(idp.header(), payload(idp) if callable(payload) else payload, signer(rsa_key()))


def with_repeated_member(member: str) -> Attack:
    def forge(idp: IdentityProvider) -> str:
        text = json.dumps(idp.claims(role="EMPLOYEE"))
        return encode_token(idp.header(), f"{text[:-1]}, {member}}}".encode(), signer(rsa_key()))

    return forge


def with_raw_header(header: bytes) -> Attack:
    return lambda idp: encode_token(header, idp.claims(), signer(rsa_key()))


add_attack("a critical registered claim", signed_with_header(crit=["exp"], exp=1))
add_attack("an unknown critical extension", signed_with_header(crit=["urn:example:x"], **{"urn:example:x": True}))
add_attack("an empty list of critical extensions", signed_with_header(crit=[]))
add_attack("critical extensions that are not a list", signed_with_header(crit="b64", b64=True))
add_attack("an unused b64 header", signed_with_header(b64=True))
add_attack("an unencoded payload", signed_with_header(b64=False, crit=["b64"]))
add_attack("an unencoded payload that is not critical", signed_with_header(b64=False))
for value in ("JWE", "logout+jwt", "dpop+jwt", "JWT ", "", None, 1, ["JWT"]):
    add_attack(f"typ {value!r}", signed_with_header(typ=value))
add_attack("a repeated alg", with_raw_header(b'{"alg":"none","kid":"rsa","alg":"RS256"}'))
add_attack("a repeated kid", with_raw_header(b'{"alg":"RS256","kid":"ed","kid":"rsa"}'))
add_attack("a header that is a list", with_raw_header(b'["alg","kid"]'))
add_attack("a header that is a string", with_raw_header(b'"alg kid b64"'))
add_attack("a deeply nested header", with_raw_header(b'{"alg":"RS256","kid":"rsa","x":' + b"[" * 2500))
add_attack("a repeated role", with_repeated_member('"role": "ADMINISTRATOR"'))
add_attack("a repeated nested member", with_repeated_member('"x": {"y": 1, "y": 2}'))
for name, payload in {
    "null": b"null",
    "a list": b"[]",
    "a string": b'"{}"',
    "a number": b"1",
    "an object with NaN": lambda idp: idp.claims(x=float("nan")),
    "not JSON": b"{'iss': 1}",
    "empty": b"",
    "not UTF-8": b'{"iss": "\xff"}',
    "deeply nested": b'{"x":' + b"[" * 2500,
}.items():
    add_attack(f"a payload that is {name}", signed_payload(payload))
add_attack(
    "a payload in UTF-16",
    lambda idp: encode_token(idp.header(), json.dumps(idp.claims()).encode("utf-16"), signer(rsa_key())),
)
add_attack(
    "a token within a token", lambda idp: encode_token(idp.header(cty="JWT"), idp.token().encode(), signer(rsa_key()))
)

# ------------------------------------------------------------------------------------------------- claims

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
        label = f"{name} {str(value)[:60]!r} {type(value).__name__}"
        add_attack(label, lambda idp, n=name, v=value: idp.token(**{n: v}))  # type: ignore[misc]
add_attack("iss with a trailing slash", lambda idp: idp.token(iss=idp.url + "/"))
add_attack("iss in a list", lambda idp: idp.token(iss=[idp.url]))
add_attack("iss of another realm with the same key", lambda idp: idp.token(iss=idp.url + "/realms/other"))
add_attack("exp in the past", lambda idp: idp.token(exp=unix_time_in(-60)))
add_attack("nbf in the future", lambda idp: idp.token(nbf=unix_time_in(60)))
add_attack("iat in the future", lambda idp: idp.token(iat=unix_time_in(60)))


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database: these tests only read tokens and write nothing."""
    return shared_url


@asynccontextmanager
async def attackers_key_server() -> AsyncIterator[tuple[str, list[str]]]:
    """Run a server of the attacker's keys. Yield its URL and the list of requested paths."""
    requests: list[str] = []

    async def respond(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response({"keys": [public_jwk(rsa_key("attacker"), alg="RS256")]})

    app = web.Application()
    app.router.add_get("/{path:.*}", respond)
    async with TestServer(app) as server:
        yield str(server.make_url("/keys")), requests


@pytest.mark.parametrize("name", ATTACKS)
async def test_invalid_token_gets_the_same_response_as_garbage(
    name: str, database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await make_tenant(database, clock)
    async with running_provider() as idp, running_gateway(database, idp.issuer) as client:
        forged = ATTACKS[name](idp)
        assert (await client.data(idp.token()))["viewer"]["tenant"] == "acme"
        response, garbage = await client.post(forged), await client.post(GARBAGE)
        assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])
        assert await response.read() == await garbage.read()
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="benegraph", error="invalid_token"'
        assert response.headers["Cache-Control"] == "no-store"
        assert (await client.data(idp.token()))["viewer"]["tenant"] == "acme"
    assert "Invalid token: " in caplog.text
    for part in (SUBJECT, *(part for part in forged.split(".") if len(part) > 8)):
        assert part not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("member", ["jku", "x5u"])
async def test_url_in_a_token_is_never_fetched(member: str, database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    async with (
        attackers_key_server() as (url, requests),
        running_provider() as idp,
        running_gateway(database, idp.issuer) as client,
    ):
        for forged in (attackers_token(**{member: url}), attackers_token(**{member: url}, kid="attacker")):
            assert await status_and_codes(await client.post(forged(idp))) == (401, ["UNAUTHENTICATED"])
        assert (await client.data(idp.token_with_header(**{member: url})))["viewer"]["tenant"] == "acme"
        assert requests == []
        assert set(idp.request_counts) == {"/keys"}


@pytest.mark.parametrize(
    ("header", "key", "published"),
    [
        ({"alg": "RS256", "kid": "rsa"}, rsa_key, {}),
        ({"alg": "RS256", "kid": "rsa"}, rsa_key, {"use": ..., "key_ops": ["verify"]}),
        ({"alg": "EdDSA", "kid": "ed"}, ed25519_key, {}),
        ({"alg": "EdDSA", "kid": "ed"}, ed25519_key, {"alg": "EdDSA"}),
        ({"alg": "EdDSA", "kid": "ed"}, ed25519_key, {"alg": "Ed25519"}),
        ({"alg": "Ed25519", "kid": "ed"}, ed25519_key, {"alg": "EdDSA"}),
        ({"alg": "Ed25519", "kid": "ed"}, ed25519_key, {"alg": "Ed25519", "use": ...}),
    ],
)
async def test_each_name_of_an_algorithm_is_accepted(
    header: dict[str, str],
    key: Callable[[], RSAKey | OKPKey],
    published: dict[str, Any],
    database: Database,
    clock: Clock,
) -> None:
    await make_tenant(database, clock)
    async with running_provider() as idp, running_gateway(database, idp.issuer) as client:
        idp.keys = [public_jwk(key(), **published)]
        data = await client.data(encode_token(header, idp.claims(), signer(key())))
        assert data["viewer"]["role"] == "ADMINISTRATOR"


async def test_valid_tokens_of_all_forms_are_accepted(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    async with running_provider() as idp, running_gateway(database, idp.issuer) as client:
        tokens = [
            *(idp.token_with_header(typ=typ) for typ in ("JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", ...)),
            idp.token_with_header(x5t="AAAA", cty="json", realm="ours", jwk=public_jwk(rsa_key("attacker"))),
            idp.token(aud=[AUDIENCE]),
            idp.token(aud=["other", AUDIENCE]),
            idp.token(iat=..., nbf=...),
            idp.token(nbf=0, iat=0.5, exp=unix_time_in(60) + 0.25),
            idp.token(sub="m" * 255, email=SUBJECT, nested={"a": [None, {"b": 1}]}),
        ]
        for token in tokens:
            assert (await client.data(token))["viewer"]["tenant"] == "acme", token


@pytest.mark.parametrize(
    ("claim", "seconds", "is_valid"),
    [
        *(("exp", seconds, seconds > -30) for seconds in (1, 0, -1, -29, -29.999, -30, -30.001, -31)),
        *(("nbf", seconds, seconds <= 30) for seconds in (-1, 0, 1, 29, 30, 30.001, 31)),
        *(("iat", seconds, seconds <= 30) for seconds in (-1, 0, 1, 29, 30, 30.001, 31)),
    ],
)
async def test_validity_period_has_thirty_seconds_of_leeway(
    claim: str, seconds: float, is_valid: bool, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    now = NOW.timestamp()
    async with running_provider() as idp, running_authenticator(idp.issuer) as authenticator:
        times = {"exp": now + 3600, "nbf": now - 3600, "iat": now - 3600} | {claim: now + seconds}
        authentication = authenticator.authenticate(database, Clock(NOW), idp.token(**times), None)
        if is_valid:
            assert (await authentication).tenant_id == "acme"
        else:
            with pytest.raises(Unauthenticated, match=r"^The token is invalid or expired\.$"):
                await authentication


async def test_validity_is_checked_at_the_requests_time(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    async with running_provider() as idp, running_authenticator(idp.issuer) as authenticator:
        token = idp.token(nbf=NOW.timestamp(), iat=NOW.timestamp(), exp=NOW.timestamp() + 60)
        assert (await authenticator.authenticate(database, Clock(NOW), token, None)).tenant_id == "acme"
        for offset in (-timedelta(days=400), timedelta(days=400)):
            with pytest.raises(Unauthenticated):
                await authenticator.authenticate(database, Clock(NOW + offset), token, None)


@pytest.mark.parametrize(("length", "reason"), [(MAX_TOKEN_LENGTH, "algorithm"), (MAX_TOKEN_LENGTH + 1, "form")])
def test_token_length_is_limited(length: int, reason: str) -> None:
    token = f"{encode_part({'alg': 'none'})}.e30."
    with pytest.raises(InvalidToken, match=f"^{reason}$"):
        read_header(token + "A" * (length - len(token)))
