"""Refusals: codes that clients branch on, paths into the input, and the errors that end a request."""

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
LATE = RuleViolation(ErrorCode.WINDOW_NOT_OPEN, "Too late.")

# Clients branch on these. One may be added here with the contract; none is renamed or taken away.
CODES = """
    NOT_FOUND INVALID_INPUT ALREADY_EXISTS VERSION_CONFLICT IDEMPOTENCY_KEY_REUSED
    ENROLLMENT_NOT_PENDING WINDOW_NOT_OPEN WINDOW_STILL_OPEN DUPLICATE_ELECTION
    PLAN_REQUIRED PLAN_NOT_OFFERED PLAN_NOT_ALLOWED_ON_WAIVER
    TIER_NOT_OFFERED TIER_DEPENDENTS_MISMATCH DEPENDENT_NOT_COVERABLE
    NOT_ELIGIBLE OVERLAPPING_COVERAGE
    LIFE_EVENT_NOT_APPROVED LIFE_EVENT_WINDOW_CLOSED CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT
    REISSUE_ALREADY_OPEN NOT_REISSUABLE
    DATES_OUT_OF_ORDER PLAN_YEAR_OVERLAP INVALID_STATUS_TRANSITION LINKED_TO_ENROLLMENT
"""


def test_the_codes_are_those_of_the_contract() -> None:
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
def test_a_rule_is_placed_under_a_path(
    field: tuple[str, ...] | None, prefix: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    rule = RuleViolation(ErrorCode.PLAN_REQUIRED, "Select a plan to enroll in.", field)
    assert rule.prefixed(*prefix) == RuleViolation(ErrorCode.PLAN_REQUIRED, "Select a plan to enroll in.", expected)


def test_a_refusal_holds_every_rule_in_order_and_names_their_codes() -> None:
    refused = Refused(iter([LATE, BLANK]))
    assert refused.violations == (LATE, BLANK)
    assert str(refused) == "WINDOW_NOT_OPEN, INVALID_INPUT"


def test_one_rule_is_refused_with_or_without_a_field() -> None:
    assert refusal(ErrorCode.NOT_FOUND, "There is none.", "elections", "0", "enrollmentId").violations == (
        RuleViolation(ErrorCode.NOT_FOUND, "There is none.", ("elections", "0", "enrollmentId")),
    )
    assert refusal(ErrorCode.NOT_FOUND, "There is none.").violations == (
        RuleViolation(ErrorCode.NOT_FOUND, "There is none.", None),
    )


def test_all_broken_rules_are_refused_together() -> None:
    def rules() -> Iterator[RuleViolation]:
        yield BLANK
        yield LATE

    with pytest.raises(Refused) as refused:
        raise_if_any(rules())
    assert refused.value.violations == (BLANK, LATE)


def test_no_broken_rule_refuses_nothing() -> None:
    kept: list[RuleViolation] = []
    raise_if_any(kept)
    raise_if_any(iter(kept))
    assert kept == []


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
def test_an_error_that_ends_a_request_has_its_code(error: type[RequestError], code: str) -> None:
    assert error("why").code == code
    assert issubclass(error, BenegraphError)


def test_a_refusal_is_data_and_ends_no_request() -> None:
    assert issubclass(Refused, BenegraphError)
    assert not issubclass(Refused, RequestError)
