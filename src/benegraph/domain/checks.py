"""Checks of single input fields that every room makes alike: ids, texts, cents, versions."""

from collections.abc import Iterator

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix, prefix_of

MAX_NAME_LENGTH = 200
MAX_NOTE_LENGTH = 4000
MAX_REASON_LENGTH = 1000
MAX_DIVISION_ID_LENGTH = 20


def check_id(kind: IdPrefix, id: str | None, *field: str) -> Iterator[RuleViolation]:
    """Refuse a text that can't be an id of this kind; whether there is such a row is another question."""
    if id is not None and prefix_of(id) is not kind:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"This is no id of the form {kind}_….", field)


def check_version(expected: int | None, version: int) -> Iterator[RuleViolation]:
    """Refuse a change by someone who saw another version of the row."""
    if expected is not None and expected != version:
        yield RuleViolation(ErrorCode.VERSION_CONFLICT, f"This is at version {version} by now.", ("expectedVersion",))


def check_text(value: str | None, *field: str, max_length: int = MAX_NAME_LENGTH) -> Iterator[RuleViolation]:
    """Refuse a text that is blank, too long or holds a control character; None is no text, so nothing to refuse."""
    if value is None:
        return
    if not value.strip():
        yield RuleViolation(ErrorCode.INVALID_INPUT, "This must not be blank.", field)
    elif len(value) > max_length:
        yield RuleViolation(ErrorCode.INVALID_INPUT, f"This is longer than {max_length} characters.", field)
    elif any(character < " " and character not in "\n\t" for character in value) or "\x7f" in value:
        # PostgreSQL's text can't hold U+0000 at all, and nobody's name holds the others.
        yield RuleViolation(ErrorCode.INVALID_INPUT, "This holds a control character.", field)


def check_cents(value: int | None, *field: str) -> Iterator[RuleViolation]:
    if value is not None and value < 0:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "An amount can't be negative.", field)
