"""One token: what it is made of, whether a key signed it, and whether it is the issuer's, for us, and good now."""

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

LONGEST = 8 * 1024
#: How far apart, in seconds, the issuer's clock and ours may be.
LEEWAY = 30

#: Which of a token's own words for its algorithm is heard at all, and which kinds of key may then have signed it.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = {"jwt", "at+jwt"}
_END_OF_TIME = 253_402_300_800  # the year 10000: who writes milliseconds means no such thing

Claims = dict[str, Any]


class InvalidToken(Exception):
    """A token lets nobody in. The reason is one of our own words, and for our log alone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Registry(jws.JWSRegistry):
    """joserfc's rules for a header, without its limits of length: ours is one for the whole token."""

    max_header_length = LONGEST
    max_payload_length = LONGEST
    max_signature_length = LONGEST

    def get_alg(self, name: str) -> JWSAlgModel:
        # RFC 9864 gives EdDSA a new name and joserfc warns of the old one, which most issuers still write.
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


_REGISTRY = _Registry(algorithms=["RS256", "Ed25519"], strict_check_header=False)


def read_header(token: str) -> tuple[str, str]:
    """Read which algorithm and which key a token names. Raises InvalidToken for what could never be verified."""
    if len(token) > LONGEST or not _FORM.fullmatch(token):
        raise InvalidToken("form")
    header = _members(token.partition(".")[0])
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidToken("algorithm")
    if not isinstance(kid, str):
        raise InvalidToken("kid")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise InvalidToken("type")
    if "crit" in header or "b64" in header:  # we know none of the extensions that must be known
        raise InvalidToken("extension")
    return algorithm, kid


def verify(token: str, key: Key | None) -> Claims:
    """Read the claims of a token that this key signed. Raises InvalidToken."""
    if key is None:
        raise InvalidToken("unknown key")
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRY)
    except Exception as error:  # noqa: BLE001 - whatever it is, the signature was not seen to be good
        raise InvalidToken(f"signature ({type(error).__name__})") from None
    return _members(token.split(".")[1])


def check_claims(claims: Claims, issuer: Issuer, now: datetime) -> None:
    """Check that a token is the issuer's and for us, and that its time has come and not passed. Raises InvalidToken."""
    if claims.get("iss") != issuer.name:
        raise InvalidToken("issuer")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if issuer.audience not in named or not all(isinstance(name, str) for name in named):
        raise InvalidToken("audience")
    seconds = now.timestamp()
    expires = _instant(claims, "exp")
    if expires is None or seconds >= expires + LEEWAY:
        raise InvalidToken("expiry")
    for claim in ("nbf", "iat"):
        begins = _instant(claims, claim)
        if begins is not None and seconds < begins - LEEWAY:
            raise InvalidToken(claim)


def _instant(claims: Claims, name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) not in (int, float) or not 0 <= value < _END_OF_TIME:  # a bool is an int to Python
        raise InvalidToken(name)
    return float(value)


def _members(part: str) -> dict[str, Any]:
    try:
        text = urlsafe_b64decode(part.encode()).decode()
        members = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidToken("form") from None
    if not isinstance(members, dict):
        raise InvalidToken("form")
    return members


def _each_once(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Of two members of one name, the issuer may have meant the one and we read the other.
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found


def _refuse(_constant: str) -> NoReturn:
    raise ValueError  # NaN and Infinity, which JSON has not
