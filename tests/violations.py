"""A short form of violations for assertions: code and field path, without the message."""

from collections.abc import Iterable

from benegraph.domain.enrollments.elections import AcceptedElection
from benegraph.domain.errors import ErrorCode, RuleViolation

CodeAndField = tuple[ErrorCode, str]


def codes_and_fields(result: AcceptedElection | Iterable[RuleViolation]) -> list[CodeAndField]:
    """Return the code and dotted field path of each violation; empty for an accepted election."""
    if isinstance(result, AcceptedElection):
        return []
    return [(violation.code, ".".join(violation.field or ())) for violation in result]
