"""Single values as files write them: days, instants, dollars and texts, each strict about what it takes."""

import re
from datetime import date

from benegraph.domain.errors import BenegraphError
from benegraph.domain.values import MAX_CENTS, parse_iso_date

# The bound on the digits is for the eye's sake: what is too much is told by its cents.
_DOLLARS = re.compile(r"(\d{1,30})(?:\.(\d{1,2}))?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class UnreadableInput(BenegraphError):
    """A value, a row or a file that can't be read; the message says why, and quotes nobody's data."""


class JsonNumber(str):
    """A number of a JSON text, digit by digit as it stands there: a float would round what is money."""

    __slots__ = ()


def parse_text(value: object) -> str:
    """Take a text. Raises Unreadable."""
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        raise UnreadableInput("This must be a text.")
    if _SURROGATE.search(value):  # what bytes that are no UTF-8 are read as, and what JSON may spell as \ud800
        raise UnreadableInput("This is no text in UTF-8.")
    return value


def parse_date(value: object) -> date:
    """Take YYYY-MM-DD, or a date-time at midnight UTC or of no zone. Raises Unreadable."""
    if (day := parse_iso_date(value)) is None:
        raise UnreadableInput("A date is YYYY-MM-DD, or a date-time at midnight such as 2026-11-20T00:00:00Z.")
    return day


def format_date(day: date) -> str:
    """Write a day as a date-time, which is all that the other system reads."""
    return f"{day.isoformat()}T00:00:00Z"


def parse_dollars(value: object) -> int:
    """Take dollars with at most two decimals; give cents. Raises Unreadable."""
    match = _DOLLARS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UnreadableInput("An amount is dollars such as 1234.50: no sign, no separators, at most two decimals.")
    whole, decimals = match.groups(default="")
    cents = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if cents > MAX_CENTS:
        raise UnreadableInput("An amount is at most 2^53-1 cents.")
    return cents


def format_dollars(cents: int) -> str:
    """Write an amount that isn't negative in dollars, as a number of JSON."""
    return f"{cents // 100}.{cents % 100:02}"
