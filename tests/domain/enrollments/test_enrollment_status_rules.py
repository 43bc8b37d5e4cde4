"""Statuses of enrollments and coverage: each day on both sides of every boundary; windows and closing dates."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.enrollments.status import (
    CloseReason,
    CoverageStatus,
    ElectionDecision,
    EnrollmentFacts,
    EnrollmentStatus,
    build_close_values,
    derive_coverage_status,
    derive_enrollment_status,
    find_last_coverable_day,
    new_hire_window,
)
from benegraph.domain.values import DateSpan

PENDING, ENROLLED, WAIVED, INACTIVE = EnrollmentStatus
UPCOMING, EFFECTIVE, ENDED, CANCELLED = CoverageStatus

NOVEMBER = DateSpan.through(date(2026, 11, 1), date(2026, 11, 30))
UNANSWERED = EnrollmentFacts(None, NOVEMBER, plan_year_ends_on=date(2027, 12, 31), effective_on=date(2027, 1, 1))
COVERED = replace(
    UNANSWERED,
    decision=ElectionDecision.ENROLLED,
    coverage_ends_on=date(2027, 12, 31),
)
DECLINED = replace(UNANSWERED, decision=ElectionDecision.WAIVED)

CASES: dict[str, tuple[EnrollmentFacts, list[tuple[date, EnrollmentStatus, CoverageStatus | None]]]] = {
    "unanswered": (
        UNANSWERED,
        [
            (date(2026, 10, 31), PENDING, None),  # issued before its window opens
            (date(2026, 11, 1), PENDING, None),
            (date(2026, 11, 30), PENDING, None),
            (date(2026, 12, 1), INACTIVE, None),
        ],
    ),
    "unanswered, closed within its window": (
        replace(UNANSWERED, closed_on=date(2026, 11, 15)),
        [
            (date(2026, 11, 14), PENDING, None),
            (date(2026, 11, 15), INACTIVE, None),
            (date(2026, 11, 16), INACTIVE, None),
        ],
    ),
    "unanswered, with a window past the plan year": (
        replace(
            UNANSWERED,
            window=DateSpan.through(date(2027, 12, 20), date(2028, 1, 19)),
        ),
        [
            (date(2027, 12, 31), PENDING, None),
            (date(2028, 1, 1), PENDING, None),
            (date(2028, 1, 19), PENDING, None),
            (date(2028, 1, 20), INACTIVE, None),
        ],
    ),
    "enrolled": (
        COVERED,
        [
            (date(2026, 11, 15), ENROLLED, UPCOMING),
            (date(2026, 12, 1), ENROLLED, UPCOMING),  # an answer stays after its window
            (date(2026, 12, 31), ENROLLED, UPCOMING),
            (date(2027, 1, 1), ENROLLED, EFFECTIVE),
            (date(2027, 12, 31), ENROLLED, EFFECTIVE),
            (date(2028, 1, 1), INACTIVE, ENDED),
        ],
    ),
    "enrolled, coverage ended before the plan year ends": (
        replace(COVERED, coverage_ends_on=date(2027, 5, 31), closed_on=date(2027, 6, 1)),
        [(date(2027, 5, 31), ENROLLED, EFFECTIVE), (date(2027, 6, 1), INACTIVE, ENDED)],
    ),
    "enrolled, coverage ended but not closed": (
        replace(COVERED, coverage_ends_on=date(2027, 5, 31)),
        [(date(2027, 5, 31), ENROLLED, EFFECTIVE), (date(2027, 6, 1), INACTIVE, ENDED)],
    ),
    "enrolled for a single day": (
        replace(COVERED, coverage_ends_on=date(2027, 1, 1)),
        [
            (date(2026, 12, 31), ENROLLED, UPCOMING),
            (date(2027, 1, 1), ENROLLED, EFFECTIVE),
            (date(2027, 1, 2), INACTIVE, ENDED),
        ],
    ),
    "enrolled, closed while covered": (
        replace(COVERED, closed_on=date(2027, 6, 1)),
        [(date(2027, 5, 31), ENROLLED, EFFECTIVE), (date(2027, 6, 1), INACTIVE, EFFECTIVE)],
    ),
    "cancelled": (
        replace(COVERED, coverage_ends_on=None),
        [
            (date(2026, 11, 15), INACTIVE, CANCELLED),
            (date(2027, 1, 1), INACTIVE, CANCELLED),
            (date(2028, 1, 1), INACTIVE, CANCELLED),
        ],
    ),
    "waived": (
        DECLINED,
        [
            (date(2026, 11, 15), WAIVED, None),
            (date(2026, 12, 1), WAIVED, None),
            (date(2027, 12, 31), WAIVED, None),
            (date(2028, 1, 1), INACTIVE, None),
        ],
    ),
    "waived, and replaced on the day it would have taken effect": (
        replace(DECLINED, closed_on=date(2027, 1, 1)),
        [(date(2026, 11, 15), INACTIVE, None), (date(2027, 1, 1), INACTIVE, None)],
    ),
    "waived, and replaced the day after it took effect": (
        replace(DECLINED, closed_on=date(2027, 1, 2)),
        [(date(2026, 11, 15), WAIVED, None), (date(2027, 1, 1), WAIVED, None), (date(2027, 1, 2), INACTIVE, None)],
    ),
    "waived, and closed by a new answer": (
        replace(DECLINED, closed_on=date(2027, 6, 1)),
        [(date(2027, 5, 31), WAIVED, None), (date(2027, 6, 1), INACTIVE, None)],
    ),
}


@pytest.mark.parametrize(
    ("facts", "today", "status", "coverage"),
    [pytest.param(facts, *day, id=f"{name}, {day[0]}") for name, (facts, days) in CASES.items() for day in days],
)
def test_enrollment_and_coverage_status_on_a_day(
    facts: EnrollmentFacts, today: date, status: EnrollmentStatus, coverage: CoverageStatus | None
) -> None:
    assert derive_enrollment_status(facts, today) is status
    assert derive_coverage_status(facts, today) is coverage


# ------------------------------------------------------------------------------------------------- properties

DAYS = st.dates(date(2026, 10, 15), date(2028, 1, 15))
FACTS = st.builds(
    EnrollmentFacts,
    st.none() | st.sampled_from(ElectionDecision),
    st.builds(lambda first, days: DateSpan(first, first + timedelta(days=days)), DAYS, st.integers(1, 60)),
    st.just(date(2027, 12, 31)),
    DAYS,
    st.none() | DAYS,
    st.none() | DAYS,
)


@given(FACTS, DAYS)
def test_pending_enrollment_is_unanswered_open_and_within_window(facts: EnrollmentFacts, today: date) -> None:
    is_open = facts.closed_on is None or today < facts.closed_on
    in_time = today <= facts.window.last
    assert (derive_enrollment_status(facts, today) is PENDING) is (facts.decision is None and is_open and in_time)


@given(FACTS, DAYS)
def test_status_is_inactive_or_equals_the_decision(facts: EnrollmentFacts, today: date) -> None:
    expected = {None: PENDING, ElectionDecision.ENROLLED: ENROLLED, ElectionDecision.WAIVED: WAIVED}[facts.decision]
    assert derive_enrollment_status(facts, today) in {expected, INACTIVE}


@given(FACTS, DAYS, st.integers(0, 400))
def test_inactive_enrollment_stays_inactive(facts: EnrollmentFacts, today: date, days: int) -> None:
    if derive_enrollment_status(facts, today) is INACTIVE:
        assert derive_enrollment_status(facts, today + timedelta(days=days)) is INACTIVE


@given(FACTS, DAYS)
def test_ended_or_cancelled_coverage_makes_the_enrollment_inactive(facts: EnrollmentFacts, today: date) -> None:
    coverage = derive_coverage_status(facts, today)
    assert (coverage is not None) is (facts.decision is ElectionDecision.ENROLLED)
    if coverage in {ENDED, CANCELLED}:
        assert derive_enrollment_status(facts, today) is INACTIVE


# ---------------------------------------------------------------------------------------------------- windows


@pytest.mark.parametrize(
    ("eligible_on", "issued_on", "first", "last"),
    [
        (
            date(2026, 5, 1),
            date(2026, 4, 10),
            date(2026, 4, 10),
            date(2026, 5, 31),
        ),  # issued before the eligibility date
        (date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 31)),
        (date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 2), date(2026, 6, 1)),  # issued after the eligibility date
        (date(2024, 1, 31), date(2024, 1, 1), date(2024, 1, 1), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2024, 2, 1), date(2024, 2, 1), date(2024, 3, 30)),
        (date(2026, 12, 20), date(2026, 12, 1), date(2026, 12, 1), date(2027, 1, 19)),
    ],
)
def test_new_hire_window_opens_on_issue_and_closes_30_days_after_eligibility_or_issue(
    eligible_on: date, issued_on: date, first: date, last: date
) -> None:
    assert new_hire_window(eligible_on, issued_on) == DateSpan.through(first, last)


@pytest.mark.parametrize(
    ("terminated_on", "last_day"),
    [
        (None, date(2028, 12, 31)),
        (date(2028, 5, 1), date(2028, 5, 31)),
        (date(2028, 5, 15), date(2028, 5, 31)),
        (date(2028, 5, 31), date(2028, 5, 31)),
        (date(2028, 2, 1), date(2028, 2, 29)),
        (date(2027, 12, 31), date(2027, 12, 31)),  # before the plan year
        (date(2028, 11, 30), date(2028, 11, 30)),
        (date(2028, 12, 1), date(2028, 12, 31)),
        (date(2029, 1, 1), date(2028, 12, 31)),  # after it
    ],
)
def test_last_coverable_day_is_end_of_termination_month_or_plan_year(
    terminated_on: date | None, last_day: date
) -> None:
    assert find_last_coverable_day(date(2028, 12, 31), terminated_on) == last_day


def test_plan_year_end_within_a_month_limits_coverage() -> None:
    assert find_last_coverable_day(date(2026, 6, 14), date(2026, 6, 1)) == date(2026, 6, 14)
    assert find_last_coverable_day(date(2026, 6, 14), date(2026, 5, 31)) == date(2026, 5, 31)


@pytest.mark.parametrize(
    ("terminated_on", "closed_on", "reason"),
    [
        (None, None, None),
        (date(2026, 11, 19), None, None),  # a life event before the termination may still be answered
        (date(2026, 11, 20), None, None),
        (date(2026, 11, 21), date(2026, 11, 21), CloseReason.TERMINATED),
    ],
)
def test_open_enrollment_closes_on_a_future_termination_date(
    terminated_on: date | None, closed_on: date | None, reason: CloseReason | None
) -> None:
    values = build_close_values(terminated_on, date(2026, 11, 20))
    assert values == {"closed_on": closed_on, "close_reason": reason}
