"""The errors that benegraph raises: violations of business rules as data, and errors that end a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Path = tuple[str, ...]


class ErrorCode(StrEnum):
    """The code of a violated business rule. Clients branch on these codes, so none is ever renamed."""

    NOT_FOUND = "NOT_FOUND"
    INVALID_INPUT = "INVALID_INPUT"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    ENROLLMENT_NOT_PENDING = "ENROLLMENT_NOT_PENDING"
    WINDOW_NOT_OPEN = "WINDOW_NOT_OPEN"
    WINDOW_STILL_OPEN = "WINDOW_STILL_OPEN"
    DUPLICATE_ELECTION = "DUPLICATE_ELECTION"
    PLAN_REQUIRED = "PLAN_REQUIRED"
    PLAN_NOT_OFFERED = "PLAN_NOT_OFFERED"
    PLAN_NOT_ALLOWED_ON_WAIVER = "PLAN_NOT_ALLOWED_ON_WAIVER"
    TIER_NOT_OFFERED = "TIER_NOT_OFFERED"
    TIER_DEPENDENTS_MISMATCH = "TIER_DEPENDENTS_MISMATCH"
    DEPENDENT_NOT_COVERABLE = "DEPENDENT_NOT_COVERABLE"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    OVERLAPPING_COVERAGE = "OVERLAPPING_COVERAGE"
    LIFE_EVENT_NOT_APPROVED = "LIFE_EVENT_NOT_APPROVED"
    LIFE_EVENT_WINDOW_CLOSED = "LIFE_EVENT_WINDOW_CLOSED"
    CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT = "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT"
    REISSUE_ALREADY_OPEN = "REISSUE_ALREADY_OPEN"
    NOT_REISSUABLE = "NOT_REISSUABLE"
    DATES_OUT_OF_ORDER = "DATES_OUT_OF_ORDER"
    PLAN_YEAR_OVERLAP = "PLAN_YEAR_OVERLAP"
    PLAN_YEAR_INCOMPLETE = "PLAN_YEAR_INCOMPLETE"
    INVALID_STATUS_TRANSITION = "INVALID_STATUS_TRANSITION"
    LINKED_TO_ENROLLMENT = "LINKED_TO_ENROLLMENT"


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """A violated business rule: its code, a message for people, and the path of the input field that violates it."""

    code: ErrorCode
    message: str
    field: Path | None = None

    def prefixed(self, *prefix: str) -> "RuleViolation":
        """Return the same violation with `prefix` before its field path, such as ("elections", "0")."""
        return RuleViolation(self.code, self.message, (*prefix, *(self.field or ())))


class BenegraphError(Exception):
    """The base class of all errors that benegraph raises itself."""


class Refused(BenegraphError):
    """A change is refused because it violates business rules; `violations` lists them. The transaction rolls back."""

    def __init__(self, violations: Iterable[RuleViolation]) -> None:
        self.violations: Sequence[RuleViolation] = tuple(violations)
        super().__init__(", ".join(violation.code for violation in self.violations))


class RequestError(BenegraphError):
    """An error that ends a field or a request. `details` is machine-readable; the message is for people."""

    code = "INTERNAL"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class Unauthenticated(RequestError):
    """The request has no API key or token, or an invalid one."""

    code = "UNAUTHENTICATED"


class Forbidden(RequestError):
    """The viewer's role or key does not allow the operation. No row is read to decide this."""

    code = "FORBIDDEN"


class BadInput(RequestError):
    """An argument or header is invalid, such as a malformed ID, too large a page, or a cursor from another list."""

    code = "BAD_USER_INPUT"


class TooComplex(RequestError):
    """The request exceeds a limit on the size or cost of a request."""

    code = "TOO_COMPLEX"


class Throttled(RequestError):
    """The rate limit is exceeded; the request can be retried after `seconds`."""

    code = "THROTTLED"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unavailable(RequestError):
    """The service cannot execute the request now, though nothing is wrong with it. It can be retried."""

    code = "UNAVAILABLE"


class OutcomeUnknown(RequestError):
    """The database was lost while it committed a change, so that the change may or may not have been applied."""

    code = "OUTCOME_UNKNOWN"

    def __init__(self) -> None:
        super().__init__(
            "The database was lost while it committed this change, which may or may not have been applied. Send the"
            " mutation again with the same idempotency key; without a key, read the data before you send it again."
        )


class UnknownDocument(RequestError):
    """The hash or ID of a persisted document is unknown; the client must send the document's text too."""

    code = "PERSISTED_QUERY_NOT_FOUND"


def refusal(code: ErrorCode, message: str, *field: str) -> Refused:
    """Return the exception for a single violation, to be raised by the caller."""
    return Refused([RuleViolation(code, message, field or None)])


def raise_if_any(violations: Iterable[RuleViolation]) -> None:
    """Raise Refused if there are any violations, with all of them."""
    if found := tuple(violations):
        raise Refused(found)
