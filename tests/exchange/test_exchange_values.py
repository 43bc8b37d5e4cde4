"""Values as files write them: what is written is read back as it was, and nothing nearly right is taken."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from benegraph.domain.values import MAX_CENTS, format_instant
from benegraph.exchange.values import (
    JsonNumber,
    UnreadableInput,
    format_date,
    format_dollars,
    parse_date,
    parse_dollars,
    parse_text,
)


@given(some.dates())
def test_a_day_is_read_as_it_was_written(day: date) -> None:
    assert parse_date(format_date(day)) == day
    assert parse_date(day.isoformat()) == day


@given(some.integers(0, MAX_CENTS))
def test_an_amount_is_read_as_it_was_written(cents: int) -> None:
    assert parse_dollars(format_dollars(cents)) == cents
    assert parse_dollars(JsonNumber(format_dollars(cents))) == cents


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    assert parse_text(text) == text


@given(some.text(max_size=30))
def test_what_is_taken_as_an_amount_is_one(text: str) -> None:
    try:
        cents = parse_dollars(text)
    except UnreadableInput:
        return
    assert text.isascii()
    assert round(float(text) * 100) == cents


@pytest.mark.parametrize("value", ["2019-08-24T14:15:22Z", "2019-02-29", "", JsonNumber("43701"), True, None, []])
def test_no_other_day_is_taken(value: object) -> None:
    with pytest.raises(UnreadableInput, match=r"^A date is YYYY-MM-DD, or "):
        parse_date(value)


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        ("1234", 123400),
        ("1234.5", 123450),
        ("1234.50", 123450),
        (JsonNumber("1234.05"), 123405),
        ("0", 0),
        ("0.01", 1),
        ("007.00", 700),
        ("90071992547409.91", MAX_CENTS),
    ],
)
def test_an_amount_may_stand_with_up_to_two_decimals(value: object, cents: int) -> None:
    assert parse_dollars(value) == cents


@pytest.mark.parametrize(
    "value",
    [
        *(
            "1234.500",
            "1234.",
            ".5",
            "1e3",
            "1E3",
            "-1",
            "-0",
            "+1",
            "1,234",
            "1_234",
            "1 234",
            "$5",
            " 5",
            "5\n",
            "NaN",
        ),
        *(
            "Infinity",
            "0x10",
            "\u0661",
            "5\0",
            "",
            "90071992547409.92",
            "9" * 30,
            "9" * 5000,
            JsonNumber("-0.0"),
            JsonNumber("1e2"),
        ),
        *(True, 5, 5.5, None, {}),
    ],
)
def test_no_other_amount_is_taken(value: object) -> None:
    with pytest.raises(UnreadableInput, match=r"^An amount is "):
        parse_dollars(value)


@pytest.mark.parametrize(
    "value", [JsonNumber("7"), 7, True, None, ["a"], "\ud800", b"\xff".decode(errors="surrogateescape")]
)
def test_no_other_text_is_taken(value: object) -> None:
    with pytest.raises(UnreadableInput, match=r"^This "):
        parse_text(value)


def test_an_instant_is_written_in_utc() -> None:
    at = datetime(2026, 11, 20, 1, 30, 0, 5, timezone(timedelta(hours=2)))
    assert format_instant(at) == "2026-11-19T23:30:00.000005Z"
    assert format_instant(at.replace(microsecond=0, tzinfo=UTC)) == "2026-11-20T01:30:00Z"
