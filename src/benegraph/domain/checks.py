"""Checks of single input fields that every room makes alike: ids, texts, cents, versions."""

from collections.abc import Iterator

from benegraph.domain.errors import BrokenRule, Code
from benegraph.domain.ids import Kind, kind_of

NAME_LENGTH = 200
NOTE_LENGTH = 4000
REASON_LENGTH = 1000
DIVISION_LENGTH = 20


def check_id(kind: Kind, id: str | None, *field: str) -> Iterator[BrokenRule]:
    """Refuse a text that can't be an id of this kind; whether there is such a row is another question."""
    if id is not None and kind_of(id) is not kind:
        yield BrokenRule(Code.INVALID_INPUT, f"This is no id of the form {kind}_….", field)


def check_version(expected: int | None, version: int) -> Iterator[BrokenRule]:
    """Refuse a change by someone who saw another version of the row."""
    if expected is not None and expected != version:
        yield BrokenRule(Code.VERSION_CONFLICT, f"This is at version {version} by now.", ("expectedVersion",))


def check_text(value: str | None, *field: str, longest: int = NAME_LENGTH) -> Iterator[BrokenRule]:
    """Refuse a text that is blank, too long or holds a control character; None is no text, so nothing to refuse."""
    if value is None:
        return
    if not value.strip():
        yield BrokenRule(Code.INVALID_INPUT, "This must not be blank.", field)
    elif len(value) > longest:
        yield BrokenRule(Code.INVALID_INPUT, f"This is longer than {longest} characters.", field)
    elif any(character < " " and character not in "\n\t" for character in value) or "\x7f" in value:
        # PostgreSQL's text can't hold U+0000 at all, and nobody's name holds the others.
        yield BrokenRule(Code.INVALID_INPUT, "This holds a control character.", field)


def check_cents(value: int | None, *field: str) -> Iterator[BrokenRule]:
    if value is not None and value < 0:
        yield BrokenRule(Code.INVALID_INPUT, "An amount can't be negative.", field)
