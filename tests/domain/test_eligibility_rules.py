"""Eligibility: the day a wait is over, and who may be covered in a plan year from when, each rule told with why."""

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
NO_WAIT = WaitingPeriod()

HIRES = st.dates(date(1999, 1, 1), date(2101, 1, 1))
LAWFUL_WAITS = st.builds(WaitingPeriod, st.integers(0, 90), st.just(False)) | st.builds(
    WaitingPeriod, st.integers(0, 60), st.just(True)
)


def hired(
    on: date, *, class_changed_on: date | None = None, terminated_on: date | None = None, part_time: bool = False
) -> Employment:
    return Employment(PART_TIME if part_time else FULL_TIME, on, class_changed_on, terminated_on)


# ---------------------------------------------------------------------------------------------------- the wait


@pytest.mark.parametrize(
    ("hired_on", "days", "to_first_of_month", "expected"),
    [
        (date(2026, 1, 31), 0, False, date(2026, 1, 31)),
        (date(2026, 1, 31), 1, False, date(2026, 2, 1)),
        (date(2026, 1, 31), 30, False, date(2026, 3, 2)),
        (date(2024, 1, 31), 30, False, date(2024, 3, 1)),  # a leap year
        (date(2026, 1, 31), 90, False, date(2026, 5, 1)),
        (date(2024, 2, 29), 90, False, date(2024, 5, 29)),
        # The next first, or the day itself where it is one.
        (date(2026, 2, 1), 0, True, date(2026, 2, 1)),
        (date(2026, 2, 2), 0, True, date(2026, 3, 1)),
        (date(2026, 1, 31), 0, True, date(2026, 2, 1)),
        (date(2026, 12, 31), 0, True, date(2027, 1, 1)),
        (date(2024, 2, 29), 0, True, date(2024, 3, 1)),
        (date(2026, 1, 30), 30, True, date(2026, 3, 1)),
        (date(2026, 1, 31), 30, True, date(2026, 4, 1)),
        (date(2026, 1, 31), 60, True, date(2026, 4, 1)),
        (date(2026, 2, 1), 60, True, date(2026, 5, 1)),
        # 60 days that end on the 2nd of a month of 31 days: the first is day 91, and the latest there is.
        (date(2026, 3, 3), 60, True, date(2026, 6, 1)),
        # Waits that check_waiting refuses stop at day 91 all the same.
        (date(2026, 3, 2), 61, True, date(2026, 5, 31)),
        (date(2026, 2, 1), 90, True, date(2026, 5, 2)),
        (date(2026, 1, 31), 91, False, date(2026, 5, 1)),
    ],
)
def test_the_day_the_wait_is_over(hired_on: date, days: int, to_first_of_month: bool, expected: date) -> None:
    assert compute_eligibility_date(hired(hired_on), WaitingPeriod(days, to_first_of_month)) == expected


@pytest.mark.parametrize(
    ("class_changed_on", "expected"),
    [
        (date(2026, 1, 14), date(2026, 2, 14)),
        (date(2026, 1, 16), date(2026, 2, 15)),
        (date(2026, 9, 1), date(2026, 10, 1)),
    ],
)
def test_a_change_of_class_starts_the_wait_again(class_changed_on: date, expected: date) -> None:
    employment = hired(date(2026, 1, 15), class_changed_on=class_changed_on)
    assert compute_eligibility_date(employment, WaitingPeriod(30)) == expected


@given(HIRES, LAWFUL_WAITS)
def test_nobody_waits_past_day_91_nor_is_eligible_before_the_hire(hired_on: date, waiting: WaitingPeriod) -> None:
    assert list(check_waiting_period(waiting)) == []
    waited = (compute_eligibility_date(hired(hired_on), waiting) - hired_on).days
    assert 0 <= waiting.days <= waited <= 90


@given(HIRES, LAWFUL_WAITS)
def test_a_lawful_wait_ends_on_its_day_or_on_the_very_next_first(hired_on: date, waiting: WaitingPeriod) -> None:
    over = compute_eligibility_date(hired(hired_on), waiting)
    beyond = over - (hired_on + timedelta(days=waiting.days))
    if waiting.to_first_of_month:
        assert over.day == 1
        assert beyond < timedelta(days=31)
    else:
        assert beyond == timedelta(0)


@given(HIRES, st.integers(0, 120), st.booleans())
def test_no_wait_at_all_passes_day_91(hired_on: date, days: int, to_first_of_month: bool) -> None:
    assert compute_eligibility_date(hired(hired_on), WaitingPeriod(days, to_first_of_month)) <= hired_on + timedelta(
        days=90
    )


# ---------------------------------------------------------------------------------------------------- the judgement


def told(eligibility: Eligibility) -> str:
    """Write each rule's code, with a minus before those that don't hold."""
    return " ".join(rule.code if rule.holds else f"-{rule.code}" for rule in eligibility.rules)


ALL_HOLD = "EMPLOYED EMPLOYMENT_CLASS WAITING_PERIOD"
NOT_EMPLOYED = "-EMPLOYED EMPLOYMENT_CLASS WAITING_PERIOD"
STILL_WAITS = "EMPLOYED EMPLOYMENT_CLASS -WAITING_PERIOD"


@pytest.mark.parametrize(
    ("employment", "days", "rules", "starts_on"),
    [
        # Eligible by the plan year's start: covered from it. Later: from the day the wait is over.
        (hired(date(2020, 5, 5)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2025, 12, 31)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2026, 1, 1)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2026, 1, 2)), 0, ALL_HOLD, date(2026, 1, 2)),
        (hired(date(2025, 12, 2)), 30, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2025, 12, 3)), 30, ALL_HOLD, date(2026, 1, 2)),
        # The last day of the plan year, and the day after.
        (hired(date(2026, 12, 31)), 0, ALL_HOLD, date(2026, 12, 31)),
        (hired(date(2027, 1, 1)), 0, STILL_WAITS, date(2027, 1, 1)),
        (hired(date(2026, 12, 1)), 30, ALL_HOLD, date(2026, 12, 31)),
        (hired(date(2026, 12, 2)), 30, STILL_WAITS, date(2027, 1, 1)),
        # Employed on the day coverage starts, not today.
        (hired(date(2020, 5, 5), terminated_on=date(2025, 12, 31)), 0, NOT_EMPLOYED, date(2026, 1, 1)),
        (hired(date(2020, 5, 5), terminated_on=date(2026, 1, 1)), 0, NOT_EMPLOYED, date(2026, 1, 1)),
        (hired(date(2020, 5, 5), terminated_on=date(2026, 1, 2)), 0, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2026, 4, 1), terminated_on=date(2026, 5, 1)), 30, NOT_EMPLOYED, date(2026, 5, 1)),
        (hired(date(2026, 4, 1), terminated_on=date(2026, 5, 2)), 30, ALL_HOLD, date(2026, 5, 1)),
        # A change of class starts the wait again.
        (hired(date(2020, 5, 5), class_changed_on=date(2025, 11, 1)), 30, ALL_HOLD, date(2026, 1, 1)),
        (hired(date(2020, 5, 5), class_changed_on=date(2026, 3, 15)), 30, ALL_HOLD, date(2026, 4, 14)),
        (hired(date(2020, 5, 5), class_changed_on=date(2026, 12, 2)), 30, STILL_WAITS, date(2027, 1, 1)),
        # No contributions for the class.
        (hired(date(2020, 5, 5), part_time=True), 0, "EMPLOYED -EMPLOYMENT_CLASS WAITING_PERIOD", date(2026, 1, 1)),
        # Every rule is told, also where none holds.
        (
            hired(date(2027, 1, 1), part_time=True, terminated_on=date(2027, 1, 1)),
            0,
            "-EMPLOYED -EMPLOYMENT_CLASS -WAITING_PERIOD",
            date(2027, 1, 1),
        ),
    ],
)
def test_who_may_be_covered_and_from_when(employment: Employment, days: int, rules: str, starts_on: date) -> None:
    judged = evaluate_eligibility(employment, YEAR, WaitingPeriod(days), {FULL_TIME})
    assert told(judged) == rules
    assert judged.starts_on == starts_on
    assert judged.eligible is (rules == ALL_HOLD)
    assert judged.coverage_start == (starts_on if rules == ALL_HOLD else None)


@pytest.mark.parametrize(
    ("effective_on", "rules"),
    [
        (date(2026, 4, 9), STILL_WAITS),
        (date(2026, 4, 10), ALL_HOLD),  # the day the wait is over
        (date(2026, 8, 31), ALL_HOLD),
        (date(2026, 9, 1), NOT_EMPLOYED),  # the day of the termination
        (date(2025, 12, 31), STILL_WAITS),
        (date(2027, 1, 1), "-EMPLOYED EMPLOYMENT_CLASS -WAITING_PERIOD"),
    ],
)
def test_a_life_event_sets_the_day_that_is_judged(effective_on: date, rules: str) -> None:
    employment = hired(date(2026, 3, 11), terminated_on=date(2026, 9, 1))
    judged = evaluate_eligibility(employment, YEAR, WaitingPeriod(30), {FULL_TIME}, effective_on)
    assert told(judged) == rules
    assert (judged.eligible_on, judged.starts_on) == (date(2026, 4, 10), effective_on)


def test_the_wait_is_told_with_its_day() -> None:
    judged = evaluate_eligibility(hired(date(2027, 1, 1)), YEAR, NO_WAIT, {FULL_TIME})
    assert "over on 2027-01-01" in judged.rules[2].message
    assert all(rule.message for rule in judged.rules)


@given(
    st.builds(
        Employment,
        st.sampled_from([FULL_TIME, PART_TIME]),
        st.dates(date(2025, 6, 1), date(2027, 3, 1)),
        st.none() | st.dates(date(2025, 6, 1), date(2027, 3, 1)),
        st.none() | st.dates(date(2025, 6, 1), date(2027, 3, 1)),
    ),
    LAWFUL_WAITS,
    st.none() | st.dates(date(2025, 12, 1), date(2027, 1, 31)),
)
def test_whoever_is_eligible_starts_within_the_plan_year_employed_and_done_waiting(
    employment: Employment, waiting: WaitingPeriod, effective_on: date | None
) -> None:
    judged = evaluate_eligibility(employment, YEAR, waiting, {FULL_TIME}, effective_on)
    start = judged.coverage_start
    assert judged.eligible is (start is not None) is all(rule.holds for rule in judged.rules)
    if start is not None:
        assert start in YEAR
        assert start >= judged.eligible_on >= employment.hired_on
        assert employment.is_active(start)
        assert employment.employment_class is FULL_TIME
