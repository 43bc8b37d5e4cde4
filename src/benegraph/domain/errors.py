"""Every error that benegraph means: refusals of a rule as data, and the few that end a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Path = tuple[str, ...]


class ErrorCode(StrEnum):
    """Why a mutation was refused. Clients branch on these, so a code is never renamed."""

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
    INVALID_STATUS_TRANSITION = "INVALID_STATUS_TRANSITION"
    LINKED_TO_ENROLLMENT = "LINKED_TO_ENROLLMENT"


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """One refusal: its code, a sentence for the person, and the path of the input field that broke the rule."""

    code: ErrorCode
    message: str
    field: Path | None = None

    def prefixed(self, *prefix: str) -> "RuleViolation":
        """Place the path beneath `prefix`: a rule on one election becomes one on the whole input."""
        return RuleViolation(self.code, self.message, (*prefix, *(self.field or ())))


class BenegraphError(Exception):
    """The root of everything benegraph raises on purpose."""


class Refused(BenegraphError):
    """Rules of the house refuse the change, all of them named; the transaction is rolled back."""

    def __init__(self, violations: Iterable[RuleViolation]) -> None:
        self.violations: Sequence[RuleViolation] = tuple(violations)
        super().__init__(", ".join(violation.code for violation in self.violations))


class RequestError(BenegraphError):
    """An error that ends a field or a request: its code, and what a program may want to know beside the message."""

    code = "INTERNAL"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class Unauthenticated(RequestError):
    """The request carries no key, or none that is good."""

    code = "UNAUTHENTICATED"


class Forbidden(RequestError):
    """The viewer may not do this, whatever the rows say."""

    code = "FORBIDDEN"


class BadInput(RequestError):
    """An argument can't mean anything: a malformed id, a page of ten thousand, a foreign cursor."""

    code = "BAD_USER_INPUT"


class TooComplex(RequestError):
    """The request asks for more than one request may."""

    code = "TOO_COMPLEX"


class Throttled(RequestError):
    """The key has spent what it may for now; `seconds` from now it may ask this again."""

    code = "THROTTLED"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unavailable(RequestError):
    """Nothing is wrong with the request; it can't be answered now, and may be in a moment."""

    code = "UNAVAILABLE"


class UnknownDocument(RequestError):
    """The hash or id names no document that is known here: send its text along."""

    code = "PERSISTED_QUERY_NOT_FOUND"


def refusal(code: ErrorCode, message: str, *field: str) -> Refused:
    """Make the refusal of a single rule, to be raised."""
    return Refused([RuleViolation(code, message, field or None)])


def raise_if_any(violations: Iterable[RuleViolation]) -> None:
    """Raise Refused with all the broken rules, if there are any."""
    if broken := tuple(violations):
        raise Refused(broken)
