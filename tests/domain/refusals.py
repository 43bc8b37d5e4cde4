"""How the tests of the domain floor read refusals: by code and path, in order."""

from collections.abc import Iterable

from benegraph.domain.errors import BrokenRule, Code

Refusal = tuple[Code, tuple[str, ...] | None]


def refusals(rules: Iterable[BrokenRule]) -> list[Refusal]:
    return [(rule.code, rule.field) for rule in rules]
