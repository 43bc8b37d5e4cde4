"""Values in files: a formatted value is parsed back unchanged, and a value that is nearly right is refused."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.checks import normalize_text
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


@given(st.dates())
def test_formatted_date_is_parsed_back(day: date) -> None:
    assert parse_date(format_date(day)) == day
    assert parse_date(day.isoformat()) == day


@given(st.integers(0, MAX_CENTS))
def test_formatted_amount_is_parsed_back(cents: int) -> None:
    assert parse_dollars(format_dollars(cents)) == cents
    assert parse_dollars(JsonNumber(format_dollars(cents))) == cents


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_returned_in_the_form_in_which_it_is_stored(text: str) -> None:
    assert parse_text(text) == normalize_text(text)


@given(st.text(max_size=30))
def test_accepted_amount_equals_its_text(text: str) -> None:
    try:
        cents = parse_dollars(text)
    except UnreadableInput:
        return
    assert text.isascii()
    assert round(float(text) * 100) == cents


@pytest.mark.parametrize("value", ["2019-08-24T14:15:22Z", "2019-02-29", "", JsonNumber("43701"), True, None, []])
def test_other_dates_are_refused(value: object) -> None:
    with pytest.raises(UnreadableInput, match=r"^Expected a date YYYY-MM-DD, or "):
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
def test_amount_may_have_up_to_two_decimals(value: object, cents: int) -> None:
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
def test_other_amounts_are_refused(value: object) -> None:
    with pytest.raises(UnreadableInput, match=r"^Expected an amount "):
        parse_dollars(value)


@pytest.mark.parametrize(
    "value", [JsonNumber("7"), 7, True, None, ["a"], "\ud800", b"\xff".decode(errors="surrogateescape")]
)
def test_other_texts_are_refused(value: object) -> None:
    with pytest.raises(UnreadableInput, match=r"^(Expected a string|The text is not valid UTF-8)\.$"):
        parse_text(value)


def test_instant_is_formatted_in_utc() -> None:
    at = datetime(2026, 11, 20, 1, 30, 0, 5, timezone(timedelta(hours=2)))
    assert format_instant(at) == "2026-11-19T23:30:00.000005Z"
    assert format_instant(at.replace(microsecond=0, tzinfo=UTC)) == "2026-11-20T01:30:00Z"
