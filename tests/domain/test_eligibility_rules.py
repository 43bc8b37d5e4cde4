"""Eligibility: the eligibility date after a waiting period, and the rules of eligibility in a plan year."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.people import Employment, EmploymentClass
from benegraph.domain.plan_years import (
    Eligibility,
    WaitingPeriod,
    check_waiting_period,
    compute_eligibility_date,
    evaluate_eligibility,
)
from benegraph.domain.values import DateSpan

FULL_TIME, PART_TIME = EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME
YEAR = DateSpan.through(date(2026, 1, 1), date(2026, 12, 31))
NO_WAITING = WaitingPeriod()

HIRES = st.dates(date(1999, 1, 1), date(2101, 1, 1))
LAWFUL_WAITING_PERIODS = st.builds(WaitingPeriod, st.integers(0, 90), st.just(False)) | st.builds(
    WaitingPeriod, st.integers(0, 60), st.just(True)
)


def hired(
    on: date, *, class_changed_on: date | None = None, terminated_on: date | None = None, part_time: bool = False
) -> Employment:
    return Employment(PART_TIME if part_time else FULL_TIME, on, class_changed_on, terminated_on)


# --------------------------------------------------------------------------------------------- waiting period


@pytest.mark.parametrize(
    ("hired_on", "days", "starts_on_first_of_month", "expected"),
    [
        (date(2026, 1, 31), 0, False, date(2026, 1, 31)),
        (date(2026, 1, 31), 1, False, date(2026, 2, 1)),
        (date(2026, 1, 31), 30, False, date(2026, 3, 2)),
        (date(2024, 1, 31), 30, False, date(2024, 3, 1)),  # a leap year
        (date(2026, 1, 31), 90, False, date(2026, 5, 1)),
        (date(2024, 2, 29), 90, False, date(2024, 5, 29)),
        # The next first of a month, or the day itself if it is one.
        (date(2026, 2, 1), 0, True, date(2026, 2, 1)),
        (date(2026, 2, 2), 0, True, date(2026, 3, 1)),
        (date(2026, 1, 31), 0, True, date(2026, 2, 1)),
        (date(2026, 12, 31), 0, True, date(2027, 1, 1)),
        (date(2024, 2, 29), 0, True, date(2024, 3, 1)),
        (date(2026, 1, 30), 30, True, date(2026, 3, 1)),
        (date(2026, 1, 31), 30, True, date(2026, 4, 1)),
        (date(2026, 1, 31), 60, True, date(2026, 4, 1)),
        (date(2026, 2, 1), 60, True, date(2026, 5, 1)),
        # 60 days that end on the 2nd of a month of 31 days: the next first is 90 days after the hire, the limit.
        (date(2026, 3, 3), 60, True, date(2026, 6, 1)),
        # Waiting periods that check_waiting_period refuses end 90 days after the hire, too.
        (date(2026, 3, 2), 61, True, date(2026, 5, 31)),
        (date(2026, 2, 1), 90, True, date(2026, 5, 2)),
        (date(2026, 1, 31), 91, False, date(2026, 5, 1)),
    ],
)
def test_eligibility_date_after_the_waiting_period(
    hired_on: date, days: int, starts_on_first_of_month: bool, expected: date
) -> None:
    assert compute_eligibility_date(hired(hired_on), WaitingPeriod(days, starts_on_first_of_month)) == expected


@pytest.mark.parametrize(
    ("class_changed_on", "expected"),
    [
        (date(2026, 1, 14), date(2026, 2, 14)),
        (date(2026, 1, 16), date(2026, 2, 15)),
        (date(2026, 9, 1), date(2026, 10, 1)),
    ],
)
def test_class_change_restarts_the_waiting_period(class_changed_on: date, expected: date) -> None:
    employment = hired(date(2026, 1, 15), class_changed_on=class_changed_on)
    assert compute_eligibility_date(employment, WaitingPeriod(30)) == expected


@given(HIRES, LAWFUL_WAITING_PERIODS)
def test_lawful_waiting_period_is_at_most_90_days(hired_on: date, waiting: WaitingPeriod) -> None:
    assert list(check_waiting_period(waiting)) == []
    days = (compute_eligibility_date(hired(hired_on), waiting) - hired_on).days
    assert 0 <= waiting.days <= days <= 90


@given(HIRES, LAWFUL_WAITING_PERIODS)
def test_waiting_period_ends_on_its_day_or_the_next_first_of_month(hired_on: date, waiting: WaitingPeriod) -> None:
    eligible_on = compute_eligibility_date(hired(hired_on), waiting)
    extension = eligible_on - (hired_on + timedelta(days=waiting.days))
    if waiting.starts_on_first_of_month:
        assert eligible_on.day == 1
        assert extension < timedelta(days=31)
    else:
        assert extension == timedelta(0)


@given(HIRES, st.integers(0, 120), st.booleans())
def test_eligibility_date_is_at_most_90_days_after_the_hire(
    hired_on: date, days: int, starts_on_first_of_month: bool
) -> None:
    assert compute_eligibility_date(
        hired(hired_on), WaitingPeriod(days, starts_on_first_of_month)
    ) <= hired_on + timedelta(days=90)


# ------------------------------------------------------------------------------------------- rules of eligibility


def rule_codes(eligibility: Eligibility) -> str:
    """Return the rules' codes, with a minus sign before each that does not hold."""
    return " ".join(rule.code if rule.holds else f"-{rule.code}" for rule in eligibility.rules)


ALL_HOLD = "EMPLOYED EMPLOYMENT_CLASS WAITING_PERIOD"
NOT_EMPLOYED = "-EMPLOYED EMPLOYMENT_CLASS WAITING_PERIOD"
WAITING_PERIOD_FAILS = "EMPLOYED EMPLOYMENT_CLASS -WAITING_PERIOD"


@pytest.mark.parametrize(
    ("employment", "days", "rules", "starts_on"),
    [
        # Coverage starts with the plan year, or later on the eligibility date.
        (hired(date(2020, 5, 5)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2025, 12, 31)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2026, 1, 1)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2026, 1, 2)), 0, ALL_HOLD, date(2026, 1, 2)),
        (hired(date(2025, 12, 2)), 30, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2025, 12, 3)), 30, ALL_HOLD, date(2026, 1, 2)),
        # The last day of the plan year, and the day after.
        (hired(date(2026, 12, 31)), 0, ALL_HOLD, date(2026, 12, 31)),
        (hired(date(2027, 1, 1)), 0, WAITING_PERIOD_FAILS, date(2027, 1, 1)),
        (hired(date(2026, 12, 1)), 30, ALL_HOLD, date(2026, 12, 31)),
        (hired(date(2026, 12, 2)), 30, WAITING_PERIOD_FAILS, date(2027, 1, 1)),
        # Employment counts on the day coverage starts, not today.
        (hired(date(2020, 5, 5), terminated_on=date(2025, 12, 31)), 0, NOT_EMPLOYED, date(2026, 1, 1)),
        (hired(date(2020, 5, 5), terminated_on=date(2026, 1, 1)), 0, NOT_EMPLOYED, date(2026, 1, 1)),
        (hired(date(2020, 5, 5), terminated_on=date(2026, 1, 2)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2026, 4, 1), terminated_on=date(2026, 5, 1)), 30, NOT_EMPLOYED, date(2026, 5, 1)),
        (hired(date(2026, 4, 1), terminated_on=date(2026, 5, 2)), 30, ALL_HOLD, date(2026, 5, 1)),
        # A class change restarts the waiting period.
        (hired(date(2020, 5, 5), class_changed_on=date(2025, 11, 1)), 30, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2020, 5, 5), class_changed_on=date(2026, 3, 15)), 30, ALL_HOLD, date(2026, 4, 14)),
        (hired(date(2020, 5, 5), class_changed_on=date(2026, 12, 2)), 30, WAITING_PERIOD_FAILS, date(2027, 1, 1)),
        # No contributions for the class.
        (hired(date(2020, 5, 5), part_time=True), 0, "EMPLOYED -EMPLOYMENT_CLASS WAITING_PERIOD", date(2026, 1, 1)),
        # Every rule is reported, even if none holds.
        (
            hired(date(2027, 1, 1), part_time=True, terminated_on=date(2027, 1, 1)),
            0,
            "-EMPLOYED -EMPLOYMENT_CLASS -WAITING_PERIOD",
            date(2027, 1, 1),
        ),
    ],
)
def test_eligibility_rules_and_coverage_start(employment: Employment, days: int, rules: str, starts_on: date) -> None:
    eligibility = evaluate_eligibility(employment, YEAR, WaitingPeriod(days), {FULL_TIME})
    assert rule_codes(eligibility) == rules
    assert eligibility.starts_on == starts_on
    assert eligibility.eligible is (rules == ALL_HOLD)
    assert eligibility.coverage_start == (starts_on if rules == ALL_HOLD else None)


@pytest.mark.parametrize(
    ("effective_on", "rules"),
    [
        (date(2026, 4, 9), WAITING_PERIOD_FAILS),
        (date(2026, 4, 10), ALL_HOLD),  # the eligibility date
        (date(2026, 8, 31), ALL_HOLD),
        (date(2026, 9, 1), NOT_EMPLOYED),  # the termination date
        (date(2026, 3, 10), "-EMPLOYED EMPLOYMENT_CLASS -WAITING_PERIOD"),  # the day before the hire
        (date(2026, 3, 11), WAITING_PERIOD_FAILS),
        (date(2027, 1, 1), "-EMPLOYED EMPLOYMENT_CLASS -WAITING_PERIOD"),
    ],
)
def test_eligibility_is_evaluated_as_of_the_effective_date(effective_on: date, rules: str) -> None:
    employment = hired(date(2026, 3, 11), terminated_on=date(2026, 9, 1))
    eligibility = evaluate_eligibility(employment, YEAR, WaitingPeriod(30), {FULL_TIME}, effective_on)
    assert rule_codes(eligibility) == rules
    assert (eligibility.eligible_on, eligibility.starts_on) == (date(2026, 4, 10), effective_on)


@pytest.mark.parametrize(
    ("effective_on", "start"),
    [
        (date(2026, 4, 19), "before that day"),
        (date(2026, 4, 20), "on that day or later"),
        (date(2027, 1, 1), "outside the plan year"),
    ],
)
def test_rule_messages_contain_the_eligibility_date_but_no_effective_date(effective_on: date, start: str) -> None:
    eligibility = evaluate_eligibility(hired(date(2026, 4, 10)), YEAR, WaitingPeriod(10), {FULL_TIME}, effective_on)
    assert [rule.message for rule in eligibility.rules] == [
        "The employee is employed on the day coverage would start.",
        "The plan year has a contribution class for employment class FULL_TIME.",
        f"The eligibility date is 2026-04-20; coverage would start {start}.",
    ]


@given(
    st.builds(
        Employment,
        st.sampled_from([FULL_TIME, PART_TIME]),
        st.dates(date(2025, 6, 1), date(2027, 3, 1)),
        st.none() | st.dates(date(2025, 6, 1), date(2027, 3, 1)),
        st.none() | st.dates(date(2025, 6, 1), date(2027, 3, 1)),
    ),
    LAWFUL_WAITING_PERIODS,
    st.none() | st.dates(date(2025, 12, 1), date(2027, 1, 31)),
)
def test_eligible_employee_starts_employed_within_plan_year_after_waiting(
    employment: Employment, waiting: WaitingPeriod, effective_on: date | None
) -> None:
    eligibility = evaluate_eligibility(employment, YEAR, waiting, {FULL_TIME}, effective_on)
    start = eligibility.coverage_start
    assert eligibility.eligible is (start is not None) is all(rule.holds for rule in eligibility.rules)
    if start is not None:
        assert start in YEAR
        assert start >= eligibility.eligible_on >= employment.hired_on
        assert employment.is_active(start)
        assert employment.employment_class is FULL_TIME
