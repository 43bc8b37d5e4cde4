"""Checks of single input fields, shared by all domain areas: IDs, versions, strings and amounts in cents.

A check yields a violation for each rule that the value breaks. `field` is the path of the input field.
"""

import re
import unicodedata
from collections.abc import Iterator

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix, prefix_of

MAX_NAME_LENGTH = 200
MAX_NOTE_LENGTH = 4000
MAX_REASON_LENGTH = 1000
MAX_DIVISION_ID_LENGTH = 20

# PostgreSQL's text type cannot hold U+0000, and no text needs the others. Notes may have tabs and several lines.
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_CHARACTER_OR_LINE_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The characters that control the direction of text can show a name as another one (Unicode's report 9, 2.1 to 2.6).
# In notes, the marks (U+061C, U+200E, U+200F) are allowed: they move only what stands beside them.
_DIRECTION_OVERRIDE = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_DIRECTION_CONTROL = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Unicode's block of accents; `db/store/people` removes the same characters in SQL.
_COMBINING_DIACRITIC = re.compile(r"[\u0300-\u036f]")
#: Fillers and the blank Braille pattern: their categories are those of letters and symbols, but they show nothing.
_BLANK_CHARACTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
#: Control characters, format characters, spaces, combining marks, and code points without a character.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})


def normalize_text(text: str) -> str:
    """Return a text in the form in which it is stored: in Unicode's form NFC, and with line feeds as line breaks."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def remove_accents(text: str) -> str:
    """Return a text without accents, in Unicode's form NFD. Letters such as ø and ł have none: they are their own."""
    return _COMBINING_DIACRITIC.sub("", unicodedata.normalize("NFD", text))


def check_id(prefix: IdPrefix, id: str | None, *field: str) -> Iterator[RuleViolation]:
    """Check that a string has the form of an ID with this prefix; not that such a row exists. None passes."""
    if id is not None and prefix_of(id) is not prefix:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"Invalid {prefix.entity_name} ID: expected the form {prefix}_01….",
            field,
        )


def check_version(expected: int | None, version: int) -> Iterator[RuleViolation]:
    """Check that the row is still at the version that the client read. With None, any version passes."""
    if expected is not None and expected != version:
        yield RuleViolation(
            ErrorCode.VERSION_CONFLICT,
            f"Expected version {expected}, but the current version is {version}; read the current values and retry.",
            ("expectedVersion",),
        )


def check_text(
    value: str | None, *field: str, max_length: int = MAX_NAME_LENGTH, multiline: bool = False
) -> Iterator[RuleViolation]:
    """Check a normalized string: visible, not too long, and free of control characters. None passes.

    A name or key is one line. A note or reason, with `multiline`, may have line feeds and tabs.
    """
    if value is None:
        return
    control = _CONTROL_CHARACTER if multiline else _CONTROL_CHARACTER_OR_LINE_BREAK
    direction = _DIRECTION_OVERRIDE if multiline else _DIRECTION_CONTROL
    if not _is_visible(value):
        message = "The text must not be blank."
    elif len(value) > max_length:
        message = f"The text must have at most {max_length} characters; it has {len(value)}."
    elif match := control.search(value):
        kinds = "control characters" if multiline else "line breaks or other control characters"
        message = f"The text must not contain {kinds}; it contains U+{ord(match[0]):04X}."
    elif match := direction.search(value):
        message = (
            "The text must not contain characters that control the direction of text; it contains "
            f"U+{ord(match[0]):04X}."
        )
    else:
        return
    yield RuleViolation(ErrorCode.INVALID_INPUT, message, field)


def _is_visible(text: str) -> bool:
    """Return whether a text shows anything: a character that is no space, format character or mark alone."""
    if text.isascii():
        return bool(text.strip())
    return any(
        unicodedata.category(character) not in _INVISIBLE_CATEGORIES and character not in _BLANK_CHARACTERS
        for character in text
    )


def check_cents(value: int | None, *field: str) -> Iterator[RuleViolation]:
    """Check that an amount is not negative. None passes."""
    if value is not None and value < 0:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"The amount must not be negative; it is {value} cents.", field)
