"""A short form of violations for assertions: code and field path, without the message."""

from collections.abc import Iterable

from benegraph.domain.errors import ErrorCode, RuleViolation

CodeAndField = tuple[ErrorCode, tuple[str, ...] | None]


def codes_and_fields(violations: Iterable[RuleViolation]) -> list[CodeAndField]:
    return [(violation.code, violation.field) for violation in violations]
