"""Checks of single fields: ids by their kind, texts by length and characters, cents by sign, versions by sameness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.checks import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, check_cents, check_id, check_text, check_version
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import MAX_CENTS

BLANK = "The text must not be blank."
CONTROL = "The text must not contain control characters; it contains U+{}."


def test_names_are_shorter_than_notes() -> None:
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
def test_a_good_text_is_let_through(text: str | None) -> None:
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
def test_a_bad_text_is_refused_once(text: str, message: str) -> None:
    assert list(check_text(text, "people", "0", "name")) == [
        RuleViolation(ErrorCode.INVALID_INPUT, message, ("people", "0", "name"))
    ]


@pytest.mark.parametrize(("length", "refused"), [(4, False), (5, False), (6, True)])
def test_the_longest_text_is_an_argument(length: int, refused: bool) -> None:
    assert bool(list(check_text("x" * length, "name", max_length=5))) is refused


@given(st.text(), st.integers(1, 20))
def test_a_text_is_refused_once_at_most(text: str, longest: int) -> None:
    rules = list(check_text(text, "name", max_length=longest))
    assert len(rules) <= 1
    if not rules:
        assert text.strip()
        assert len(text) <= longest
        assert "\x00" not in text


@pytest.mark.parametrize("cents", [None, 0, 1, MAX_CENTS])
def test_an_amount_of_nothing_or_more_is_let_through(cents: int | None) -> None:
    assert list(check_cents(cents, "monthlyPremiumCents")) == []


@pytest.mark.parametrize("cents", [-1, -MAX_CENTS])
def test_a_negative_amount_is_refused(cents: int) -> None:
    assert list(check_cents(cents, "plans", "0", "monthlyPremiumCents")) == [
        RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The amount must not be negative; it is {cents} cents.",
            ("plans", "0", "monthlyPremiumCents"),
        )
    ]


PLAN_YEAR = "plyr_01h2xcejqtf2nbrexx3vqjhp41"


@pytest.mark.parametrize("id", [None, PLAN_YEAR])
def test_an_id_of_the_kind_is_let_through(id: str | None) -> None:
    assert list(check_id(IdPrefix.PLAN_YEAR, id, "planYearId")) == []


@pytest.mark.parametrize("id", ["", "plyr", PLAN_YEAR.upper(), f"{PLAN_YEAR} ", PLAN_YEAR.replace("plyr", "plan")])
def test_no_id_and_an_id_of_another_kind_are_refused(id: str) -> None:
    rules = [(rule.code, rule.field) for rule in check_id(IdPrefix.PLAN_YEAR, id, "filter", "planYearId")]
    assert rules == [(ErrorCode.INVALID_INPUT, ("filter", "planYearId"))]


@pytest.mark.parametrize(("expected", "refused"), [(None, False), (6, True), (7, False), (8, True), (0, True)])
def test_a_version_is_the_one_that_was_seen_or_a_conflict(expected: int | None, refused: bool) -> None:
    rules = [(rule.code, rule.field) for rule in check_version(expected, 7)]
    assert rules == ([(ErrorCode.VERSION_CONFLICT, ("expectedVersion",))] if refused else [])
