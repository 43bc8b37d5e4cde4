"""IDs as stored and shown: a prefix that names the entity type, and a UUIDv7 in Crockford's base32 (TypeID format)."""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_SUFFIX_PATTERN = "[0-7][0-9a-hjkmnp-tv-z]{25}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DIGIT_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
_ID = re.compile(rf"([a-z]{{3,5}})_({ID_SUFFIX_PATTERN})")

RandomBits = Callable[[int], int]


class IdPrefix(StrEnum):
    """The prefix of an ID. Each entity type has its own."""

    EMPLOYER = "empr"
    DIVISION = "divn"
    EMPLOYEE = "empl"
    DEPENDENT = "dpnd"
    BENEFIT_PRODUCT = "bprd"
    CARRIER_PLAN = "cpln"
    PLAN_YEAR = "plyr"
    CONTRIBUTION_CLASS = "ccls"
    PLAN = "plan"
    ENROLLMENT = "enrl"
    LIFE_EVENT = "qle"
    ELECTION_OVERRIDE = "eovr"
    ELECTION_CONFIRMATION = "ecnf"
    SUBSCRIBER = "subr"
    SUBSCRIBER_ENROLLMENT = "sube"
    GROUP_CONTRACT = "grpc"
    PREMIUM_INVOICE = "pinv"
    PREMIUM_PAYMENT = "ppmt"
    EVENT = "evnt"
    #: An event as the feed shows it; its ID has the same suffix as that of the event in history.
    FEED_EVENT = "fevt"
    API_KEY = "akey"
    ACCESS_RECORD = "accr"

    @property
    def entity_name(self) -> str:
        """The entity type in words, such as "plan year"."""
        return self.name.replace("_", " ").lower()


_PREFIXES = {prefix.value: prefix for prefix in IdPrefix}


def new_id(prefix: IdPrefix, at: datetime, random_bits: RandomBits = secrets.randbits, *, count: int = 0) -> str:
    """Make an ID that sorts by time, then by `count` (RFC 9562, version 7, with a counter of 26 bits)."""
    milliseconds = (at - _EPOCH) // _MILLISECOND  # integers, because floats would lose milliseconds
    return build_id(prefix, milliseconds, count, random_bits(48))


def build_id(prefix: IdPrefix, milliseconds: int, count: int, random: int) -> str:
    """Return the ID with these parts: 48 bits of milliseconds since 1970, 26 bits of a counter, 48 random bits."""
    high, low = count >> 14 & 0xFFF, count & 0x3FFF
    return f"{prefix}_{_base32(milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low << 48 | random)}"


def prefix_of(id: str) -> IdPrefix | None:
    """Return the prefix of an ID; None if the string is not a well-formed ID with a known prefix."""
    match = _ID.fullmatch(id)
    return None if match is None else _PREFIXES.get(match[1])


def _base32(number: int) -> str:
    # 128 bits in 26 digits of five bits, two digits at a time. The first digit holds three bits, so it is at most 7.
    return "".join([_DIGIT_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
