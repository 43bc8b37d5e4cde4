"""What an issuer publishes: where its keys are, and which of them may have signed a token for us."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import ClientSession
from joserfc.errors import JoseError
from joserfc.jwk import Key, OKPKey, RSAKey
from joserfc.util import base64_to_int
from yarl import URL

from benegraph.settings import Issuer
from benegraph.web.tokens.jwt import ALGORITHMS

LARGEST = 256 * 1024
#: Bits of an RSA key: fewer can be broken, and more OpenSSL does not take.
_BITS = range(2048, 16_384 + 1)

Published = Mapping[tuple[str, str], Key]


class InvalidKeySet(Exception):
    """An issuer answered with what is not what it should publish."""


def home_of(issuer: Issuer) -> URL:
    """Tell where an issuer's keys are, or else where it says so. Raises ValueError for what is no URL."""
    return URL(issuer.keys_url) if issuer.keys_url else URL(issuer.name) / ".well-known/openid-configuration"


def is_secure_url(url: URL | None) -> bool:
    """Tell whether an answer from there is of whom it seems to be: nobody between could have put in other keys."""
    return url is not None and bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and _is_near(url)))


async def fetch(session: ClientSession, issuer: Issuer) -> Published:
    """Fetch the keys that may have signed an issuer's tokens, each under its id and each name of an algorithm.

    Raises InvalidKeySet, or what aiohttp does.
    """
    home = home_of(issuer)
    url = home
    if issuer.keys_url is None:
        told = await _read(session, home)
        if told.get("issuer") != issuer.name:
            raise InvalidKeySet
        url = _elsewhere(home, told.get("jwks_uri"))
    documents = (await _read(session, url)).get("keys")
    if not isinstance(documents, list):
        raise InvalidKeySet
    return usable(documents)


def usable(documents: Sequence[Any]) -> Published:
    """Keep the public keys that sign, by an algorithm we take, and are strong enough; of two of one name the first."""
    found: dict[tuple[str, str], Key] = {}
    for document in documents:
        if isinstance(document, dict) and isinstance(kid := document.get("kid"), str):
            key = _key(document)
            for algorithm, kind in ALGORITHMS.items():
                if key is not None and key.key_type == kind:
                    found.setdefault((kid, algorithm), key)
    return found


def _key(document: Mapping[str, Any]) -> RSAKey | OKPKey | None:
    kind, operations = document.get("kty"), document.get("key_ops", ["verify"])
    # A private key that is published signs for anybody.
    if "d" in document or document.get("use", "sig") != "sig":
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    # Taken without its other members: it is us who say what the key is for, and joserfc would hold an old name of an
    # algorithm against a new one.
    try:
        if kind == "RSA" and document.get("alg", "RS256") == "RS256":
            modulus, exponent = str(document["n"]), str(document["e"])
            strong = base64_to_int(modulus).bit_length() in _BITS
            return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent}) if strong else None
        if kind == "OKP" and document.get("crv") == "Ed25519" and document.get("alg", "EdDSA") in {"EdDSA", "Ed25519"}:
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": str(document["x"])})
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    return None


def _elsewhere(home: URL, told: Any) -> URL:
    if not isinstance(told, str):
        raise InvalidKeySet
    url = URL(told)
    # Who is far away has no business with what listens on this machine alone.
    if not is_secure_url(url) or (_is_near(url) and not _is_near(home)):
        raise InvalidKeySet
    return url


async def _read(session: ClientSession, url: URL) -> Mapping[str, Any]:
    # A redirect is no answer: it could lead past all that was said of the URL.
    async with session.get(url, allow_redirects=False) as response:
        if response.status != 200:  # noqa: PLR2004 - 200 is OK
            raise InvalidKeySet
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > LARGEST:
                raise InvalidKeySet
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise InvalidKeySet
    return document


def _is_near(url: URL) -> bool:
    try:
        return ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        return url.host == "localhost"
