"""Checks of single input fields, shared by all domain areas: IDs, versions, strings and amounts in cents.

A check yields a violation for each rule that the value breaks. `field` is the path of the input field.
"""

import re
from collections.abc import Iterator

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix, prefix_of

MAX_NAME_LENGTH = 200
MAX_NOTE_LENGTH = 4000
MAX_REASON_LENGTH = 1000
MAX_DIVISION_ID_LENGTH = 20

# PostgreSQL's text type cannot hold U+0000, and no name or note needs the others. Tab and line feed are allowed.
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


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


def check_text(value: str | None, *field: str, max_length: int = MAX_NAME_LENGTH) -> Iterator[RuleViolation]:
    """Check that a string is not blank, not too long and free of control characters. None passes."""
    if value is None:
        return
    if not value.strip():
        yield RuleViolation(ErrorCode.INVALID_INPUT, "The text must not be blank.", field)
    elif len(value) > max_length:
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The text must have at most {max_length} characters; it has {len(value)}.",
            field,
        )
    elif match := _CONTROL_CHARACTER.search(value):
        yield RuleViolation(
            ErrorCode.INVALID_INPUT,
            f"The text must not contain control characters; it contains U+{ord(match[0]):04X}.",
            field,
        )


def check_cents(value: int | None, *field: str) -> Iterator[RuleViolation]:
    """Check that an amount is not negative. None passes."""
    if value is not None and value < 0:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"The amount must not be negative; it is {value} cents.", field)
