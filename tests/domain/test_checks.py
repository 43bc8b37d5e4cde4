"""Checks of single fields: IDs, strings, amounts and versions."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.checks import (
    MAX_NAME_LENGTH,
    MAX_NOTE_LENGTH,
    check_cents,
    check_id,
    check_text,
    check_version,
    normalize_text,
)
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix
from benegraph.domain.values import MAX_CENTS

BLANK = "The text must not be blank."
CONTROL = "The text must not contain line breaks or other control characters; it contains U+{}."
CONTROL_IN_NOTE = "The text must not contain control characters; it contains U+{}."
DIRECTION = "The text must not contain characters that control the direction of text; it contains U+{}."
#: Embeddings, overrides and isolates; then the marks.
OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
MARKS = "\u061c\u200e\u200f"
TRICKY = st.sampled_from(f"{OVERRIDES}{MARKS}a\u0301\u200b\u2028\x85\x1e\r\n\t \u3164")


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
        "\u05d3\u05d5\u05d3 \u05dc\u05d5\u05d9",  # Hebrew, right to left by itself
        "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",  # Persian, with a zero-width non-joiner
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
        ("\u200b\u2060\ufeff", BLANK),  # zero-width spaces
        ("\u00ad\u034f", BLANK),
        ("\u3164", BLANK),  # the Hangul filler is a letter that shows nothing
        ("\u2800\uffa0", BLANK),
        ("\u0301", BLANK),  # an accent of no letter
        ("x" * 201, "The text must have at most 200 characters; it has 201."),
        ("x\x00", CONTROL.format("0000")),
        ("\x00x", CONTROL.format("0000")),
        ("x\x08x", CONTROL.format("0008")),
        ("x\tx", CONTROL.format("0009")),
        ("x\nx", CONTROL.format("000A")),
        ("x\x0bx", CONTROL.format("000B")),
        ("x\r\nx", CONTROL.format("000D")),
        ("x\x1fx", CONTROL.format("001F")),
        ("x\x7fx", CONTROL.format("007F")),
        ("x\x85x", CONTROL.format("0085")),
        ("x\x9fx", CONTROL.format("009F")),
        ("x\u2028x", CONTROL.format("2028")),
        ("x\u2029x", CONTROL.format("2029")),
        *((f"x{mark}x", DIRECTION.format(f"{ord(mark):04X}")) for mark in (*OVERRIDES, *MARKS)),
    ],
)
def test_invalid_text_is_refused_once(text: str, message: str) -> None:
    assert list(check_text(text, "people", "0", "name")) == [
        RuleViolation(ErrorCode.INVALID_INPUT, message, ("people", "0", "name"))
    ]


@pytest.mark.parametrize("text", ["first line\nsecond line\twith a tab", *(f"{mark}x" for mark in MARKS)])
def test_note_may_have_lines_tabs_and_direction_marks(text: str) -> None:
    assert list(check_text(text, "notes", multiline=True)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\u200b", BLANK),
        ("x\rx", CONTROL_IN_NOTE.format("000D")),
        ("x\x1bx", CONTROL_IN_NOTE.format("001B")),
        ("x\x85x", CONTROL_IN_NOTE.format("0085")),
        ("x\u2028x", CONTROL_IN_NOTE.format("2028")),
        *((f"x{mark}x", DIRECTION.format(f"{ord(mark):04X}")) for mark in OVERRIDES),
    ],
)
def test_invalid_note_is_refused_once(text: str, message: str) -> None:
    assert list(check_text(text, "notes", multiline=True)) == [
        RuleViolation(ErrorCode.INVALID_INPUT, message, ("notes",))
    ]


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("Ada", "Ada"),
        ("Beni\u0301tez", "Ben\u00edtez"),
        ("\u212b", "\u00c5"),  # the angstrom sign
        ("\ufb01", "\ufb01"),  # a ligature is another text than its letters
        ("a\r\nb\rc\nd\r\r\ne", "a\nb\nc\nd\n\ne"),
    ],
)
def test_text_is_stored_in_form_nfc_with_line_feeds(text: str, normalized: str) -> None:
    assert normalize_text(text) == normalized


@given(st.text())
def test_normalized_text_looks_the_same_and_stays_the_same(text: str) -> None:
    normalized = normalize_text(text)
    assert "\r" not in normalized
    assert unicodedata.is_normalized("NFC", normalized)
    assert normalize_text(normalized) == normalized
    assert unicodedata.normalize("NFD", normalized).split() == unicodedata.normalize("NFD", text).split()


@given(st.text(TRICKY | st.characters(exclude_categories=["Cs"])))
def test_accepted_name_is_one_visible_line_in_reading_order(text: str) -> None:
    name = normalize_text(text)
    if list(check_text(name, "name")):
        return
    assert name.splitlines() == [name]
    assert not {"Cc", "Zl", "Zp"} & set(map(unicodedata.category, name))
    # Of the classes of Unicode's bidirectional algorithm, these are the explicit controls and the marks.
    assert not {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"} & set(
        map(unicodedata.bidirectional, name)
    )
    assert re.sub(r"[\s\u200b-\u200f\u2060\ufeff\u00ad]", "", name)


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
