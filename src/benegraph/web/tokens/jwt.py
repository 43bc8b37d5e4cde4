"""Parse and verify one token: signature, issuer, audience and validity period."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from joserfc import jws
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key
from joserfc.util import urlsafe_b64decode

from benegraph.settings import Issuer

MAX_TOKEN_LENGTH = 8 * 1024
#: Tolerance for the difference between the issuer's clock and the gateway's.
LEEWAY_SECONDS = 30

#: The supported values of `alg`, and the type of key that each of them requires.
KEY_TYPE_BY_ALGORITHM: Mapping[str, str] = {"RS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = {"jwt", "at+jwt"}
_YEAR_10000 = 253_402_300_800  # a later time is most likely in milliseconds

Claims = dict[str, Any]


class InvalidToken(Exception):
    """A token must be rejected. The reason is one of a few fixed words, and is only logged."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Registry(jws.JWSRegistry):
    """joserfc's checks of a header, without its length limits. `read_header` limits the whole token."""

    max_header_length = MAX_TOKEN_LENGTH
    max_payload_length = MAX_TOKEN_LENGTH
    max_signature_length = MAX_TOKEN_LENGTH

    def get_alg(self, name: str) -> JWSAlgModel:
        # RFC 9864 renames EdDSA to Ed25519. joserfc warns of the old name, but most issuers still use it.
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


_REGISTRY = _Registry(algorithms=["RS256", "Ed25519"], strict_check_header=False)


def read_header(token: str) -> tuple[str, str | None]:
    """Return a token's `alg` and `kid` (key ID), or None if it has no `kid`.

    Raises InvalidToken if the token can never be verified.
    """
    if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
        raise InvalidToken("form")
    header = _decode_object(token.partition(".")[0])
    algorithm, kid, token_type = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPE_BY_ALGORITHM:
        raise InvalidToken("algorithm")
    if "kid" in header and not isinstance(kid, str):
        raise InvalidToken("kid")
    if not isinstance(token_type, str) or token_type.lower().removeprefix("application/") not in _TYPES:
        raise InvalidToken("type")
    if "crit" in header or "b64" in header:  # no critical extension is supported
        raise InvalidToken("extension")
    return algorithm, kid


def read_claims(token: str) -> Claims:
    """Return the claims of a token that has passed `read_header`, without verifying them. Raises InvalidToken."""
    return _decode_object(token.split(".")[1])


def verify(token: str, key: Key | None) -> None:
    """Verify a token's signature. Raises InvalidToken."""
    if key is None:
        raise InvalidToken("unknown key")
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRY)
    except Exception as error:  # noqa: BLE001 - any failure means that the signature is not verified
        raise InvalidToken(f"signature ({type(error).__name__})") from None


def check_claims(claims: Claims, issuer: Issuer, now: datetime) -> None:
    """Check a token's issuer, audience and validity period. Raises InvalidToken."""
    if claims.get("iss") != issuer.name:
        raise InvalidToken("issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if issuer.audience not in audiences or not all(isinstance(name, str) for name in audiences):
        raise InvalidToken("audience")
    seconds = now.timestamp()
    expires_at = _read_time(claims, "exp")
    if expires_at is None or seconds >= expires_at + LEEWAY_SECONDS:
        raise InvalidToken("expiry")
    for claim in ("nbf", "iat"):
        starts_at = _read_time(claims, claim)
        if starts_at is not None and seconds < starts_at - LEEWAY_SECONDS:
            raise InvalidToken(claim)


def _read_time(claims: Claims, name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) not in (int, float) or not 0 <= value < _YEAR_10000:  # `type`, because a bool is an int in Python
        raise InvalidToken(name)
    return float(value)


def _decode_object(part: str) -> dict[str, Any]:
    try:
        text = urlsafe_b64decode(part.encode()).decode()
        value = json.loads(text, object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise InvalidToken("form") from None
    if not isinstance(value, dict):
        raise InvalidToken("form")
    return value


def _reject_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # With two members of one name, the issuer could mean one while the gateway reads the other.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _reject_constant(_constant: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are not valid JSON
