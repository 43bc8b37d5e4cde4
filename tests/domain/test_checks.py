"""Checks of single fields: IDs, strings, amounts and versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.checks import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, check_cents, check_id, check_text, check_version
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import MAX_CENTS

BLANK = "The text must not be blank."
CONTROL = "The text must not contain control characters; it contains U+{}."


def test_maximum_lengths_of_names_and_notes() -> None:
    assert (MAX_NAME_LENGTH, MAX_NOTE_LENGTH) == (200, 4000)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "a",
        " a ",
        "Zoë O'Neill-Ñandú",
        "山田 太郎",
        "first line\nsecond line\twith a tab",
        "x" * 200,
        "é" * 200,  # characters are counted, not bytes
    ],
)
def test_valid_text_is_accepted(text: str | None) -> None:
    assert list(check_text(text, "name")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", BLANK),
        (" ", BLANK),
        ("\n\t ", BLANK),
        ("\u00a0\u2003", BLANK),  # spaces, though no ASCII ones
        (" " * 201, BLANK),
        ("x" * 201, "The text must have at most 200 characters; it has 201."),
        ("x\x00", CONTROL.format("0000")),
        ("\x00x", CONTROL.format("0000")),
        ("x\x08x", CONTROL.format("0008")),
        ("x\x0bx", CONTROL.format("000B")),
        ("x\r\nx", CONTROL.format("000D")),
        ("x\x1fx", CONTROL.format("001F")),
        ("x\x7fx", CONTROL.format("007F")),
    ],
)
def test_invalid_text_is_refused_once(text: str, message: str) -> None:
    assert list(check_text(text, "people", "0", "name")) == [
        RuleViolation(ErrorCode.INVALID_INPUT, message, ("people", "0", "name"))
    ]


@pytest.mark.parametrize(("length", "refused"), [(4, False), (5, False), (6, True)])
def test_maximum_length_of_text_is_an_argument(length: int, refused: bool) -> None:
    assert bool(list(check_text("x" * length, "name", max_length=5))) is refused


@given(st.text(), st.integers(1, 20))
def test_text_has_at_most_one_violation(text: str, max_length: int) -> None:
    violations = list(check_text(text, "name", max_length=max_length))
    assert len(violations) <= 1
    if not violations:
        assert text.strip()
        assert len(text) <= max_length
        assert "\x00" not in text


@pytest.mark.parametrize("cents", [None, 0, 1, MAX_CENTS])
def test_zero_and_positive_amounts_are_accepted(cents: int | None) -> None:
    assert list(check_cents(cents, "monthlyPremiumCents")) == []


@pytest.mark.parametrize("cents", [-1, -MAX_CENTS])
def test_negative_amount_is_refused(cents: int) -> None:
    assert list(check_cents(cents, "plans", "0", "monthlyPremiumCents")) == [
        RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The amount must not be negative; it is {cents} cents.",
            ("plans", "0", "monthlyPremiumCents"),
        )
    ]


PLAN_YEAR = "plyr_01h2xcejqtf2nbrexx3vqjhp41"


@pytest.mark.parametrize("id", [None, PLAN_YEAR])
def test_id_with_the_prefix_is_accepted(id: str | None) -> None:
    assert list(check_id(IdPrefix.PLAN_YEAR, id, "planYearId")) == []


@pytest.mark.parametrize("id", ["", "plyr", PLAN_YEAR.upper(), f"{PLAN_YEAR} ", PLAN_YEAR.replace("plyr", "plan")])
def test_malformed_id_and_id_with_another_prefix_are_refused(id: str) -> None:
    assert list(check_id(IdPrefix.PLAN_YEAR, id, "filter", "planYearId")) == [
        RuleViolation(
            ErrorCode.INVALID_INPUT,
            "Invalid plan year ID: expected the form plyr_01….",
            ("filter", "planYearId"),
        )
    ]


@pytest.mark.parametrize(("expected", "refused"), [(None, False), (6, True), (7, False), (8, True), (0, True)])
def test_version_other_than_the_current_one_is_a_conflict(expected: int | None, refused: bool) -> None:
    message = f"Expected version {expected}, but the current version is 7; read the current values and retry."
    conflict = RuleViolation(ErrorCode.VERSION_CONFLICT, message, ("expectedVersion",))
    assert list(check_version(expected, 7)) == ([conflict] if refused else [])
