"""The key set that an issuer publishes (JWKS): where it is, and which of its keys may sign tokens for the gateway."""

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
from benegraph.web.tokens.jwt import KEY_TYPE_BY_ALGORITHM

MAX_RESPONSE_BYTES = 256 * 1024
#: Accepted sizes of RSA keys, in bits. Smaller keys can be broken. OpenSSL rejects larger ones.
_RSA_BITS = range(2048, 16_384 + 1)

#: Keys by their key ID (`kid`) and the name of an algorithm. The only key of an issuer also stands under None.
KeySet = Mapping[tuple[str | None, str], Key]


class InvalidKeySet(Exception):
    """An issuer's response is not a valid OpenID configuration or key set."""


def first_url(issuer: Issuer) -> URL:
    """Return the URL to fetch first: of an issuer's key set, or else of its OpenID configuration. Raises ValueError."""
    return URL(issuer.keys_url) if issuer.keys_url else URL(issuer.name) / ".well-known/openid-configuration"


def is_secure_url(url: URL | None) -> bool:
    """Return whether responses from a URL cannot be forged in transit: https, or http on loopback."""
    return (
        url is not None and bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url)))
    )


async def fetch_key_set(session: ClientSession, issuer: Issuer) -> KeySet:
    """Fetch the keys that may have signed an issuer's tokens.

    Raises InvalidKeySet, and the errors of aiohttp.
    """
    url = first_url(issuer)
    if issuer.keys_url is None:
        configuration = await _fetch_json(session, url)
        if configuration.get("issuer") != issuer.name:
            raise InvalidKeySet
        url = _key_set_url(url, configuration.get("jwks_uri"))
    documents = (await _fetch_json(session, url)).get("keys")
    if not isinstance(documents, list):
        raise InvalidKeySet
    return usable_keys(documents)


def usable_keys(documents: Sequence[Any]) -> KeySet:
    """Return the public signing keys that are strong enough and fit a supported algorithm.

    Of several keys with the same key ID, the first one is used. A token without a key ID can be verified only if there
    is exactly one key: with several, it would be verified by any of them.
    """
    usable = [
        (document.get("kid"), key)
        for document in documents
        if isinstance(document, dict) and ("kid" not in document or isinstance(document["kid"], str))
        if (key := _import_key(document)) is not None
    ]
    if len(usable) == 1:
        usable.append((None, usable[0][1]))
    else:
        usable = [(kid, key) for kid, key in usable if kid is not None]
    key_set: dict[tuple[str | None, str], Key] = {}
    for kid, key in usable:
        for algorithm, key_type in KEY_TYPE_BY_ALGORITHM.items():
            if key.key_type == key_type:
                key_set.setdefault((kid, algorithm), key)
    return key_set


def _import_key(document: Mapping[str, Any]) -> RSAKey | OKPKey | None:
    key_type, operations = document.get("kty"), document.get("key_ops", ["verify"])
    # Anyone can sign with a private key that is published.
    if "d" in document or document.get("use", "sig") != "sig":
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    # Imported without the other members: this module decides the use of a key, and joserfc would reject a key whose
    # `alg` is the old name EdDSA when a token uses the new name Ed25519.
    try:
        if key_type == "RSA" and document.get("alg", "RS256") == "RS256":
            modulus, exponent = str(document["n"]), str(document["e"])
            is_accepted_size = base64_to_int(modulus).bit_length() in _RSA_BITS
            return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent}) if is_accepted_size else None
        if (
            key_type == "OKP"
            and document.get("crv") == "Ed25519"
            and document.get("alg", "EdDSA") in {"EdDSA", "Ed25519"}
        ):
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": str(document["x"])})
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    return None


def _key_set_url(configuration_url: URL, jwks_uri: Any) -> URL:
    if not isinstance(jwks_uri, str):
        raise InvalidKeySet
    url = URL(jwks_uri)
    # A remote issuer must not direct requests to services that listen on this machine only.
    if not is_secure_url(url) or (_is_loopback(url) and not _is_loopback(configuration_url)):
        raise InvalidKeySet
    return url


async def _fetch_json(session: ClientSession, url: URL) -> Mapping[str, Any]:
    # Redirects are not followed: their target would escape the checks of the URL.
    async with session.get(url, allow_redirects=False) as response:
        if response.status != 200:  # noqa: PLR2004 - 200 is OK
            raise InvalidKeySet
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                raise InvalidKeySet
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise InvalidKeySet
    return document


def _is_loopback(url: URL) -> bool:
    try:
        return ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        return url.host == "localhost"
