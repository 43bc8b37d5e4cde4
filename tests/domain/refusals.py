"""How the tests of the domain floor read refusals: by code and path, in order."""

from collections.abc import Iterable

from benegraph.domain.errors import ErrorCode, RuleViolation

Refusal = tuple[ErrorCode, tuple[str, ...] | None]


def refusals(rules: Iterable[RuleViolation]) -> list[Refusal]:
    return [(rule.code, rule.field) for rule in rules]
