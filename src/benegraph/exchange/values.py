"""Single values in files: dates, dollars and strings. Parsing is strict: a value that is nearly right is refused."""

import re
from datetime import date

from benegraph.domain.checks import normalize_text
from benegraph.domain.errors import BenegraphError
from benegraph.domain.values import MAX_CENTS, parse_iso_date

# The limit on digits only bounds the length of the match; MAX_CENTS bounds the amount.
_DOLLARS = re.compile(r"(\d{1,30})(?:\.(\d{1,2}))?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class UnreadableInput(BenegraphError):
    """A value, a row or a file cannot be parsed. The message gives the reason and quotes no personal data."""


class JsonNumber(str):
    """A JSON number as it is written, digit by digit, because a float would round amounts of money."""

    __slots__ = ()


def parse_text(value: object) -> str:
    """Return the value, as it is stored, if it is a string. Raises UnreadableInput."""
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        raise UnreadableInput("Expected a string.")
    # Bytes that are not UTF-8 are decoded as surrogates, and JSON can spell one as \ud800.
    if _SURROGATE.search(value):
        raise UnreadableInput("The text is not valid UTF-8.")
    return normalize_text(value)


def parse_date(value: object) -> date:
    """Parse YYYY-MM-DD, or a date-time at midnight in UTC or without a zone. Raises UnreadableInput."""
    if (day := parse_iso_date(value)) is None:
        raise UnreadableInput("Expected a date YYYY-MM-DD, or a date-time at midnight such as 2026-11-20T00:00:00Z.")
    return day


def format_date(day: date) -> str:
    """Format a date as a date-time, the only form that the carrier's system accepts."""
    return f"{day.isoformat()}T00:00:00Z"


def parse_dollars(value: object) -> int:
    """Parse an amount in dollars with at most two decimals; return cents. Raises UnreadableInput."""
    match = _DOLLARS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UnreadableInput(
            "Expected an amount in dollars such as 1234.50: no sign, no separators, at most two decimals."
        )
    whole, decimals = match.groups(default="")
    cents = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if cents > MAX_CENTS:
        raise UnreadableInput(f"Expected an amount of at most {format_dollars(MAX_CENTS)} dollars.")
    return cents


def format_dollars(cents: int) -> str:
    """Format a non-negative amount in dollars, as a JSON number."""
    return f"{cents // 100}.{cents % 100:02}"
