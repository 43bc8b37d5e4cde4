"""Scalars: days, instants and cents, each strict about what it takes."""

from datetime import UTC, date, datetime
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from benegraph.domain.values import MAX_CENTS, format_instant, parse_iso_date

Cents = NewType("Cents", int)


def parse_date(value: Any) -> date:
    """Take YYYY-MM-DD, or a date-time at midnight UTC; refuse everything else."""
    if (day := parse_iso_date(value)) is None:
        raise ValueError("A Date is a string of the form YYYY-MM-DD.")
    return day


def parse_instant(value: Any) -> datetime:
    """Take an ISO 8601 date-time with its offset."""
    if isinstance(value, str) and "T" in value:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            return instant.astimezone(UTC)
    raise ValueError("A DateTime is a string such as 2026-11-20T09:30:00Z, with its offset.")


def parse_cents(value: Any) -> int:
    """Take a whole number; a boolean is none, though Python thinks so."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_CENTS:
        return value
    raise ValueError("Cents are a whole number up to 2^53-1, without quotes or a fraction.")


SCALARS: dict[object, ScalarDefinition] = {
    date: strawberry.scalar(
        name="Date",
        description="Exactly YYYY-MM-DD; as an input also a date-time at midnight UTC.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: date, time and offset, shown in UTC, as 2026-11-20T09:30:00Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=format_instant,
        parse_value=parse_instant,
    ),
    Cents: strawberry.scalar(
        name="Cents",
        description=(
            "A whole number of US cents: a JSON integer within ±(2^53-1), never a string, a float or a boolean;"
            " not negative but in reversals."
        ),
        serialize=lambda value: value,
        parse_value=parse_cents,
    ),
}
