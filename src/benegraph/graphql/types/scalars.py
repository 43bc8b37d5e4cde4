"""Scalars: Date, DateTime and Cents, each of which accepts only well-formed input, and JSON for output."""

from datetime import UTC, date, datetime
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from benegraph.domain.values import MAX_CENTS, format_instant, parse_iso_date

Cents = NewType("Cents", int)
Json = NewType("Json", object)


def parse_date(value: Any) -> date:
    """Parse YYYY-MM-DD, or a date-time at midnight, in UTC or without an offset. Raises ValueError for others."""
    if (day := parse_iso_date(value)) is None:
        raise ValueError("Invalid Date: expected a string of the form YYYY-MM-DD.")
    return day


def parse_instant(value: Any) -> datetime:
    """Parse an ISO 8601 date-time with a UTC offset. Raises ValueError for everything else."""
    if isinstance(value, str) and "T" in value:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            return instant.astimezone(UTC)
    raise ValueError("Invalid DateTime: expected a string with a UTC offset, such as 2026-11-20T09:30:00Z.")


def parse_cents(value: Any) -> int:
    """Parse an integer of cents. Raises ValueError for everything else, booleans included."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_CENTS:
        return value
    raise ValueError("Invalid Cents: expected an integer within ±(2^53-1), without quotes or a fraction.")


_RFC_3339_DATES = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
#: The section on numbers, which names the same range of integers as exact in every JSON parser.
_JSON_NUMBERS = "https://www.rfc-editor.org/rfc/rfc8259#section-6"

SCALARS: dict[object, ScalarDefinition] = {
    date: strawberry.scalar(
        name="Date",
        description=(
            "A calendar date in the form YYYY-MM-DD. Input may also be a date-time at midnight, in UTC or without an"
            " offset."
        ),
        specified_by_url=_RFC_3339_DATES,
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: a date-time with a UTC offset. Output is in UTC, such as 2026-11-20T09:30:00Z.",
        specified_by_url=_RFC_3339_DATES,
        serialize=format_instant,
        parse_value=parse_instant,
    ),
    Cents: strawberry.scalar(
        name="Cents",
        description=(
            "An amount in US cents: a JSON integer within ±(2^53-1). Strings, fractions and booleans are rejected."
            " Amounts are not negative, except in reversals."
        ),
        specified_by_url=_JSON_NUMBERS,
        serialize=lambda value: value,
        parse_value=parse_cents,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="A JSON value, as it is.",
        serialize=lambda value: value,
    ),
}
