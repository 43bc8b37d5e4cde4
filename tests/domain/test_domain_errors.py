"""Errors: codes of violations, paths into the input, and errors that end a request."""

from collections.abc import Iterator

import pytest

from benegraph.domain.errors import (
    BadInput,
    BenegraphError,
    ErrorCode,
    Forbidden,
    Refused,
    RequestError,
    RuleViolation,
    TooComplex,
    Unauthenticated,
    raise_if_any,
    refusal,
)

BLANK = RuleViolation(ErrorCode.INVALID_INPUT, "The text must not be blank.", ("name",))
LATE = RuleViolation(ErrorCode.WINDOW_NOT_OPEN, "The election window is over.")

# Clients branch on these codes. Codes may be added along with the contract, but never renamed or removed.
CODES = """
    NOT_FOUND INVALID_INPUT ALREADY_EXISTS VERSION_CONFLICT IDEMPOTENCY_KEY_REUSED
    ENROLLMENT_NOT_PENDING WINDOW_NOT_OPEN WINDOW_STILL_OPEN DUPLICATE_ELECTION
    PLAN_REQUIRED PLAN_NOT_OFFERED PLAN_NOT_ALLOWED_ON_WAIVER
    TIER_NOT_OFFERED TIER_DEPENDENTS_MISMATCH DEPENDENT_NOT_COVERABLE
    NOT_ELIGIBLE OVERLAPPING_COVERAGE
    LIFE_EVENT_NOT_APPROVED LIFE_EVENT_WINDOW_CLOSED CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT
    REISSUE_ALREADY_OPEN NOT_REISSUABLE
    DATES_OUT_OF_ORDER PLAN_YEAR_OVERLAP PLAN_YEAR_INCOMPLETE INVALID_STATUS_TRANSITION LINKED_TO_ENROLLMENT
"""


def test_error_codes_are_those_of_the_contract() -> None:
    assert sorted(ErrorCode) == sorted(CODES.split())
    assert all(code.name == code.value for code in ErrorCode)


@pytest.mark.parametrize(
    ("field", "prefix", "expected"),
    [
        (("selectedPlanId",), ("elections", "0"), ("elections", "0", "selectedPlanId")),
        (("dependentIds", "1"), ("elections", "2"), ("elections", "2", "dependentIds", "1")),
        (None, ("elections", "0"), ("elections", "0")),
        (("name",), (), ("name",)),
        (None, (), ()),
    ],
)
def test_prefix_is_put_before_the_field_path(
    field: tuple[str, ...] | None, prefix: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    violation = RuleViolation(ErrorCode.PLAN_REQUIRED, "Select a plan to enroll in.", field)
    assert violation.prefixed(*prefix) == RuleViolation(
        ErrorCode.PLAN_REQUIRED, "Select a plan to enroll in.", expected
    )


def test_refused_has_all_violations_in_order_and_lists_their_codes() -> None:
    refused = Refused(iter([LATE, BLANK]))
    assert refused.violations == (LATE, BLANK)
    assert str(refused) == "WINDOW_NOT_OPEN, INVALID_INPUT"


def test_refusal_has_one_violation_with_or_without_field() -> None:
    assert refusal(ErrorCode.NOT_FOUND, "Enrollment not found.", "elections", "0", "enrollmentId").violations == (
        RuleViolation(ErrorCode.NOT_FOUND, "Enrollment not found.", ("elections", "0", "enrollmentId")),
    )
    assert refusal(ErrorCode.NOT_FOUND, "Enrollment not found.").violations == (
        RuleViolation(ErrorCode.NOT_FOUND, "Enrollment not found.", None),
    )


def test_raise_if_any_raises_all_violations() -> None:
    def violations() -> Iterator[RuleViolation]:
        yield BLANK
        yield LATE

    with pytest.raises(Refused) as refused:
        raise_if_any(violations())
    assert refused.value.violations == (BLANK, LATE)


def test_raise_if_any_raises_nothing_without_violations() -> None:
    violations: list[RuleViolation] = []
    raise_if_any(violations)
    raise_if_any(iter(violations))
    assert violations == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError, "INTERNAL"),
        (Unauthenticated, "UNAUTHENTICATED"),
        (Forbidden, "FORBIDDEN"),
        (BadInput, "BAD_USER_INPUT"),
        (TooComplex, "TOO_COMPLEX"),
    ],
)
def test_request_error_has_its_code(error: type[RequestError], code: str) -> None:
    assert error("message").code == code
    assert issubclass(error, BenegraphError)


def test_refused_is_not_a_request_error() -> None:
    assert issubclass(Refused, BenegraphError)
    assert not issubclass(Refused, RequestError)
