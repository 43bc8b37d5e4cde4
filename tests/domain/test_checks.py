"""Checks of single fields: texts by their length and characters, cents by their sign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.checks import NAME_LENGTH, NOTE_LENGTH, check_cents, check_text
from benegraph.domain.errors import BrokenRule, Code
from benegraph.domain.values import MAX_CENTS

BLANK = "This must not be blank."
CONTROL = "This holds a control character."


def refusals(*rules: BrokenRule) -> list[tuple[Code, str, tuple[str, ...] | None]]:
    return [(rule.code, rule.message, rule.field) for rule in rules]


def test_names_are_shorter_than_notes() -> None:
    assert (NAME_LENGTH, NOTE_LENGTH) == (200, 4000)


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
        ("x" * 201, "This is longer than 200 characters."),
        ("x\x00", CONTROL),
        ("\x00x", CONTROL),
        ("x\x08x", CONTROL),
        ("x\x0bx", CONTROL),
        ("x\r\nx", CONTROL),
        ("x\x1fx", CONTROL),
        ("x\x7fx", CONTROL),
    ],
)
def test_a_bad_text_is_refused_once(text: str, message: str) -> None:
    assert refusals(*check_text(text, "people", "0", "name")) == [
        (Code.INVALID_INPUT, message, ("people", "0", "name")),
    ]


@pytest.mark.parametrize(("length", "refused"), [(4, False), (5, False), (6, True)])
def test_the_longest_text_is_an_argument(length: int, refused: bool) -> None:
    assert bool(list(check_text("x" * length, "name", longest=5))) is refused


@given(st.text(), st.integers(1, 20))
def test_a_text_is_refused_once_at_most(text: str, longest: int) -> None:
    rules = list(check_text(text, "name", longest=longest))
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
    assert refusals(*check_cents(cents, "plans", "0", "monthlyPremiumCents")) == [
        (Code.INVALID_INPUT, "An amount can't be negative.", ("plans", "0", "monthlyPremiumCents")),
    ]
